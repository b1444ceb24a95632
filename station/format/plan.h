/* The write plan: which blocks go to a camera, and in which order, so that a cut leaves no region or the whole one
 * wherever the bootloader allows it.  A pure function of the board, the regions and the units that differ.
 *
 * A region with no unit that differs is left alone.  Of the others unit 0 always counts as different, and the order is
 *   1. firmware, the main core's first: block 0 = zeros, so that a cut camera stays in its bootloader;
 *   2. every other region: block 0 = zeros if it has more than one unit, the differing units from 1 up, unit 0;
 *   3. firmware units 1 and up;
 *   4. firmware unit 0, the main core's last of all.
 * A one-unit region is not blanked first: that would only add an erase.  A unit starts at its first block, which
 * erases it; all-0xFF blocks behind it are left out where the medium erases.  Where the bootloader unlocks an
 * alternate only at its block 0, a visit that does not start there gets a block 0 of zeros in front.  Each written
 * region ends with one zero-length DNLOAD behind its last block, but with DfuSe, where that would end the session. */
#ifndef STATION_FORMAT_PLAN_H
#define STATION_FORMAT_PLAN_H

#include "format/board.h"

/* Under delta = auto the compare pass gives up after so many differing units in a row. */
#define PLAN_GIVE_UP 4

/* One region of a recipe, bound to its board.  All pointers borrowed. */
struct region {
	const struct partition *partition;
	struct span image; /* the payload: exactly `length` bytes */
	uint32_t crc32;
	uint8_t sha256[32];
	bool romfs;      /* kind romfs, else raw */
	bool tail_blank; /* every later unit of the partition is to be erased */
};

enum plan_source {
	PLAN_IMAGE, /* bytes block*4096.. of the image, the last block padded with 0xFF */
	PLAN_ZEROS, /* 4096 zero bytes: makes the region unmountable or unbootable */
	PLAN_ONES   /* 4096 bytes of 0xFF: erases a unit of a blanked tail */
};

enum plan_op {
	PLAN_WRITE,   /* DNLOAD one block */
	PLAN_MANIFEST /* the zero-length DNLOAD behind the last block of the region */
};

struct plan_step {
	uint16_t region; /* index */
	uint8_t op;      /* enum plan_op */
	uint8_t source;  /* enum plan_source */
	uint32_t block;  /* from the partition's start, in 4096 bytes */
};

struct plan {
	struct plan_step *steps; /* owned; freed by plan_clear */
	uint32_t count, capacity;
	uint32_t units_written; /* programming units that some step touches, each once */
	uint32_t units_skipped; /* units of all regions (and blanked tails) that did not differ */
};

/* The units that a region covers: those of the image, and with a blanked tail all of the partition. */
uint32_t region_unit_count(const struct region *r);
/* The bytes of a unit that are compared and read back: cut at `length`, unless the tail is blanked. */
uint32_t region_unit_bytes(const struct region *r, uint32_t unit);
/* What the flash must hold there: image bytes, then 0xFF.  offset + size within region_unit bytes. */
void region_expect(const struct region *r, uint32_t offset, uint8_t *out, uint32_t size);
/* Do these bytes, read at offset, equal what the recipe wants there? */
bool region_equals(const struct region *r, uint32_t offset, struct span read);

/* differ[i] is a bitmap with a bit per unit of region i (bit u of byte u/8); NULL: every unit differs.
 * False when memory runs out, or (internal) when a region is larger than its partition. */
bool plan_make(const struct board *b, const struct region *regions, unsigned count, const uint8_t *const *differ,
    struct plan *out, struct err *e);
void plan_clear(struct plan *plan); /* accepts an all-zero plan */
/* The 4096 bytes of a step. */
void plan_block(const struct region *regions, const struct plan_step *step, uint8_t out[DFU_BLOCK]);

#endif
