/* How long a camera takes and what a fixture yields, from the board file, the image and the fixture.  Pure.
 *
 * Counted are the transfers that the station makes, each with its time on the wire, and the flash work between them
 * with the board file's typical times.  Not counted are the host's own turn-around and the journal.  Cameras that share
 * a hub's one transaction translator wait for each other, first come first served: that is played through, transfer by
 * transfer, with all of them plugged at the same moment. */
#ifndef STATION_FORMAT_FORECAST_H
#define STATION_FORMAT_FORECAST_H

#include "format/line_file.h"
#include "format/plan.h"

enum forecast_phase {
	FORECAST_IDENTIFY,
	FORECAST_COMPARE,
	FORECAST_WRITE,
	FORECAST_READ_BACK,
	FORECAST_RESTART,
	FORECAST_PHASES
};

/* One transfer, and how long the camera is busy behind it. */
struct forecast_leg {
	double wire_ns, busy_ns;
};

/* What is to be done to each camera. */
struct forecast_work {
	const struct board *board;    /* borrowed */
	const struct region *regions; /* borrowed */
	unsigned count;
	bool compare;     /* delta is auto or yes */
	unsigned give_up; /* the compare pass ends after so many differing units in a row; 0: never */
	double changed;   /* share of the units that differ, 0 to 1, spread evenly */
};

/* One camera on a wire of its own; seconds. */
struct forecast_unit {
	double phases[FORECAST_PHASES];
	double wire, erase, program, restart, total; /* the same seconds, by what they are spent on */
	uint32_t units_written, units_skipped, blocks;
	struct forecast_leg *legs; /* owned; freed by forecast_clear */
	uint32_t leg_count, leg_capacity;
};

struct forecast_line {
	unsigned hubs;
	unsigned slots[LINE_MAX_SLOTS]; /* on each hub */
	bool shared;                    /* full-speed cameras share their hub's one translator */
	double handling_s;              /* a person's time for each unit, one unit at a time */
};

enum forecast_limit { LIMIT_FLASH, LIMIT_WIRE, LIMIT_SHARED_WIRE, LIMIT_RESTART, LIMIT_PERSON };

struct forecast_yield {
	unsigned slots;
	double seconds;        /* from plugged to PASS, on the hub with the most slots */
	double units_per_hour; /* of the whole fixture, without a pause */
	enum forecast_limit limit;
};

/* forecast_clear afterwards, also on failure. */
bool forecast_unit(const struct forecast_work *work, struct forecast_unit *out, struct err *e);
void forecast_clear(struct forecast_unit *u); /* accepts an all-zero one */

/* The seconds of the slowest of n cameras behind one translator. */
double forecast_together(const struct forecast_unit *u, unsigned n);
/* At least one slot on one hub. */
struct forecast_yield forecast_line(
    const struct forecast_unit *u, const struct board *b, const struct forecast_line *l);
/* Slots spread evenly over hubs; 1 <= hubs, slots <= LINE_MAX_SLOTS. */
void forecast_spread(struct forecast_line *l, unsigned slots, unsigned hubs);
/* The hubs of a line file: places whose paths differ only in their last port share one. */
void forecast_places(struct forecast_line *l, const struct line_file *file);
/* The line with one hub more, its slots spread anew; with one slot more, on the hub with the fewest.  False: there is
 * no room for it. */
bool forecast_add_hub(struct forecast_line *l);
bool forecast_add_slot(struct forecast_line *l);

/* One word. */
const char *forecast_limit_word(enum forecast_limit limit);

#endif
