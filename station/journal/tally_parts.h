/* The parts of a tally, shared by what fills it (tally.c) and what prints it (tally_print.c). */
#ifndef STATION_JOURNAL_TALLY_PARTS_H
#define STATION_JOURNAL_TALLY_PARTS_H

#include "journal/tally.h"

#define TALLY_MAX_SLOT 9999
#define STEP_NAMES     16

/* Growing lists; room is in items. */
struct numbers {
	uint32_t *items; /* owned */
	size_t count, room;
};

struct tally_unit {
	uint64_t hash;
	uint32_t name; /* where its UID begins in the names */
	uint8_t first, last, verdicts;
	/* two different slots are enough to know whether there was one other than a given one; 0: none */
	int16_t passed_in[2], failed_in[2];
};

struct tally_slot {
	bool seen;
	int64_t pass, fail, error, aborted, refused, retries, pass_ms;
	int64_t passed_elsewhere, failed_elsewhere, passed_here, only_here; /* units that failed here */
	struct numbers speeds; /* KB/s of reading back, in the order of the attempts */
};

struct tally_hour {
	int64_t hour; /* since 1970 */
	int64_t pass, fail;
};

struct tally_code {
	char code[40];
	enum verdict verdict; /* of its newest attempt */
	int64_t count, refused;
};

struct tally_failure {
	uint32_t unit;
	int32_t slot;
};

struct tally {
	int64_t only; /* slot that is asked for; 0: all */
	int64_t attempts, pass, fail, error, aborted, refused;

	struct tally_unit *units; /* owned */
	size_t unit_count, unit_room;
	uint32_t *table; /* owned: unit + 1 by hash, 0: free */
	size_t table_size;
	char *names; /* owned: UIDs, each ended by a NUL */
	size_t names_size, names_room;

	struct tally_slot *slots; /* owned: by number */
	int64_t slot_room;
	struct tally_hour *hours; /* owned, ascending */
	size_t hour_count, hour_room;
	struct tally_code *codes; /* owned */
	size_t code_count, code_room;
	struct tally_failure *failures; /* owned */
	size_t failure_count, failure_room;
	struct numbers cycles; /* ms of each PASS */

	int64_t newest[TALLY_STEPS]; /* ids of PASS attempts, a ring */
	int32_t newest_slots[TALLY_STEPS];
	int64_t passes;               /* how many went by */
	int64_t ordered[TALLY_STEPS]; /* the ring, oldest first */
	int32_t ordered_slots[TALLY_STEPS];
	char step_names[STEP_NAMES][24];
	struct numbers steps[STEP_NAMES];
	unsigned step_count;
};

/* Sorts each unit's failures out to the slots they happened in. */
void tally_follow(struct tally *t);

#endif
