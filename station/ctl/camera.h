/* The cameras that a command of `stationctl romfs` is about: how they are reached, which ones, and their bytes. */
#ifndef STATION_CTL_CAMERA_H
#define STATION_CTL_CAMERA_H

#include "ctl/local.h"
#include "ctl/own.h"

#define CAMERA_MAX 256

struct camera_options {
	struct live live;
	const char *slot, *path, *conf, *wait, *boards;
	bool all, unrecorded;
};

/* The rows that each table of options ends with, in front of its last one. */
#define CAMERA_OPTIONS(o)                                                                                              \
	{ 0, "slot", NULL, &(o).slot, NULL }, { 0, "path", NULL, &(o).path, NULL },                                    \
	    { 0, "all", &(o).all, NULL, NULL }, { 0, "wait", NULL, &(o).wait, NULL },                                  \
	    { 'c', "config", NULL, &(o).conf, NULL }, { 0, "boards", NULL, &(o).boards, NULL }, LIVE_OPTIONS((o).live)

struct camera {
	unsigned slot;
	char path[32], board[40];
};

/* The way to the cameras: a running station's REST, or that of a station of our own. */
struct way {
	struct live live;
	struct local local; /* what live points into, with -c */
	char url[80];
	struct own *own; /* NULL: stationd runs */
	struct camera cameras[CAMERA_MAX];
	unsigned count;
};

/* Finds the station, or becomes one, and chooses the cameras, which are in their bootloaders.  writes: without a
 * station's journal only when `unrecorded` says so.  usage, daemon-unreachable, replug-needed, conflict, ... */
bool way_open(struct way *w, const struct camera_options *o, bool writes, struct err *e);
void way_close(struct way *w); /* also after a failed way_open; accepts an all-zero one */

/* The partitions of that camera as REST gives them; the caller clears the answer. */
bool camera_partitions(const struct way *w, const struct camera *c, struct live_answer *out, struct err *e);
/* The start of a partition, length bytes (0: all of it), into a file. */
bool camera_read(
    const struct way *w, const struct camera *c, const char *partition, uint32_t length, FILE *out, struct err *e);

#endif
