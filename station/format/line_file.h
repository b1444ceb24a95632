/* The line file: which USB path is which slot, as `stationctl line teach` writes it.  Pure: parses text.
 *
 *   {"name":"...", "slots":[{"slot":1,"name":"slot 1","path":"1-2.3","x":0,"y":0}, ...]}
 *
 * Slots are numbered from 1 without a gap.  "name" of the line may be missing, and so may a slot's place on the
 * picture: x columns from the left and y rows from the top, both or none, no two slots at one place. */
#ifndef STATION_FORMAT_LINE_FILE_H
#define STATION_FORMAT_LINE_FILE_H

#include "base/err.h"
#include "base/span.h"

#define LINE_MAX_SLOTS 128
#define LINE_NAME_SIZE 64
#define LINE_PATH_SIZE 32
#define LINE_FILE_MAX  65536
#define LINE_MAX_PLACE 127 /* x and y */

struct line_place {
	char name[LINE_NAME_SIZE]; /* never empty */
	char path[LINE_PATH_SIZE]; /* a USB path; none stands twice */
	int x, y;                  /* -1: no place on the picture */
};

struct line_file {
	unsigned count;
	struct line_place places[LINE_MAX_SLOTS]; /* slot n is places[n - 1] */
};

/* config-invalid, json-invalid. */
bool line_file_parse(struct span text, struct line_file *out, struct err *e);
/* "1-2.3": a bus of 1 to 999, then ports of 1 to 255, at most 7 deep (USB 2.0 section 4.1.1: five hubs in a row). */
bool usb_path_valid(const char *path);

#endif
