/* One attempt at one unit: what a worker does to the camera, step by step, and what it finds.
 *
 * While an action runs the attempt belongs to the slot's worker; between actions to the loop.  Only the progress and
 * `cancel` are shared. */
#ifndef STATION_LINE_ATTEMPT_H
#define STATION_LINE_ATTEMPT_H

#include "journal/numbers.h"
#include "line/line.h"
#include "mes/permit.h"

enum step {
	STEP_IDENTIFIED,
	STEP_ADMITTED,
	STEP_COMPARED,
	STEP_WRITTEN,
	STEP_READ_BACK,
	STEP_PROVED,
	STEP_RESTARTED,
	STEP_CONFIRMED,
	STEP_COUNT
};
const char *step_name(enum step step);

struct step_record {
	bool begun, ended;
	int64_t started_at; /* ms since 1970 */
	int64_t started_mono, ms;
	uint64_t bytes;
	uint32_t units, skipped;
	enum code outcome;
};

struct region_result {
	bool read;
	struct digest digest; /* of what was read back */
	uint32_t files;
	struct camera_report core; /* what the camera's own core says */
	uint8_t *differ;           /* owned; bitmap of units */
	bool any_differ;
};

/* Bytes of the running step, for screens. */
struct progress {
	_Atomic uint64_t done, total;
};

/* So many units may report a flash error in one attempt; one more, and the flash is bad. */
#define ATTEMPT_BAD_UNITS 8

struct attempt {
	char id[LINE_ID_SIZE];        /* "" until its first row is on disk */
	const struct board *board;    /* borrowed from the board set */
	struct stored_recipe *recipe; /* a reference of our own; NULL before admission finds a batch */
	char batch[LINE_ID_SIZE], order[LINE_ORDER_SIZE];
	char ordered_by[WHO_NAME_SIZE]; /* the person or program that asked for this attempt; "": nobody by name */
	const char *state_dir;          /* borrowed; the spool lives there */
	struct link link;
	bool link_open, latched;
	struct identity who;
	char uid[UID_TEXT_SIZE];
	bool has_bootloader;
	uint8_t bootloader[SHA256_SIZE];            /* of its bootloader's partition */
	unsigned slot;                              /* its number */
	struct permits *permits;                    /* borrowed; NULL: the MES is not asked */
	struct permit permit;                       /* the MES's word */
	char serial[NUMBER_SIZE], mac[NUMBER_SIZE]; /* the product's, that it is to get or has; "": none */
	bool new_serial, new_mac;                   /* it gets them by this attempt */
	const char *source[NUMBER_KINDS];           /* static: of those */
	enum conf_delta delta;
	enum conf_readback readback;
	bool admitted; /* its start row is on disk */
	bool refused;
	bool deploy;    /* at a person's word, outside of any batch */
	bool challenge; /* a deploy to a unit of the shift's challenge, or to none */
	bool asked;     /* a person said: again */
	bool wrote;     /* at least one block was sent */
	bool holed;     /* a row of it is not on disk: it cannot pass any more */
	unsigned tries, flash_errors;
	struct bad_unit {
		unsigned region;
		uint32_t unit;
	} bad[ATTEMPT_BAD_UNITS]; /* that reported a flash error once; flash_errors of them */
	int64_t started_at;
	struct step_record steps[STEP_COUNT];
	struct region_result regions[RECIPE_MAX_REGIONS];
	struct region bound[RECIPE_MAX_REGIONS]; /* copied from the recipe, or over `filled` */
	uint8_t *filled[RECIPE_MAX_REGIONS];     /* owned; payloads with this unit's data in them, NULL: as signed */
	unsigned region_count;
	int spool; /* file of what was read back; -1: none */
	char run_serial[USB_STRING_SIZE];
	const char *proof; /* static: how the restart was confirmed */
	struct err trouble;
	atomic_bool cancel;
	struct progress *progress; /* borrowed from the slot */
};

/* swd: the place of a debug probe, borrowed; NULL: over DFU. */
struct attempt *attempt_create(const struct board *b, const struct usb_id *id, const struct swd_place *swd,
    const char *state_dir, struct progress *progress);
/* Closes the link, drops the recipe, frees.  Accepts NULL. */
void attempt_destroy(struct attempt *a);
/* Keeps the camera latched; act_identify opens it again. */
void attempt_close_link(struct attempt *a);
/* What was read back is gone: its disk space is free again. */
void attempt_close_spool(struct attempt *a);
/* Binds the recipe whose batch is open; takes over the caller's reference. */
void attempt_bind(struct attempt *a, struct stored_recipe *recipe, const char *batch, const char *order);

/* Fills the unit's numbers into the regions that have a place for them; from here on these bytes are what the camera
 * must hold.  serial-missing, number-unfit. */
bool attempt_fill(struct attempt *a, struct err *e);

void step_begin(struct attempt *a, enum step step);
void step_end(struct attempt *a, enum step step, enum code outcome);

/* The actions; each runs on the slot's worker and returns within its deadlines. */
bool act_identify(struct attempt *a, struct err *e);
/* Has each partition that the recipe uses its size, and which bootloader is it?  Part of admission; reads only. */
bool act_probe(struct attempt *a, struct err *e);
/* May it be built here now, says the MES?  Part of admission. */
bool act_permit(struct attempt *a, struct err *e);
bool act_compare(struct attempt *a, struct err *e);
bool act_write(struct attempt *a, struct err *e);
/* Does something differ, after act_compare? */
bool attempt_differs(const struct attempt *a);
bool act_read_back(struct attempt *a, struct err *e);
bool act_prove(struct attempt *a, struct err *e);
bool act_restart(struct attempt *a, struct err *e);
/* The camera is back in run mode at the link's id: does its serial fit? */
bool act_confirm(struct attempt *a, struct err *e);
/* The same without USB: its core runs firmware. */
bool act_confirm_core(struct attempt *a, struct err *e);
/* It did not come back on USB, as trouble says: then its probe is asked whether it is there at all.  Always false. */
bool act_seek(struct attempt *a, struct err *e);
/* Sends a refused camera to its firmware; best effort, says why not. */
bool act_release(struct attempt *a, struct err *e);

#endif
