/* The line file: which USB path is which slot, as `stationctl line teach` writes it, and which debug probe works there.
 * Pure: parses text.
 *
 *   {"name":"...", "slots":[{"slot":1,"name":"slot 1","path":"1-2.3","x":0,"y":0}, ...]}
 *
 * A slot may have a "probe": then its cameras are programmed over SWD.
 *
 *   "probe":{"driver":"st-link"|"cmsis-dap","path":"1-4.1","board":"openmv-h7-plus","khz":10000}
 *
 * path is where the probe is on USB; an stlink-server's "port" on 127.0.0.1 may stand in its place.  Such a nest is
 * built for one board.  The slot's own "path", where the camera's USB socket is, may be left out then; where it stands,
 * the camera's return after its restart is seen there.
 *
 * Slots are numbered from 1 without a gap.  "name" of the line may be missing, and so may a slot's place on the
 * picture: x columns from the left and y rows from the top, both or none, no two slots at one place. */
#ifndef STATION_FORMAT_LINE_FILE_H
#define STATION_FORMAT_LINE_FILE_H

#include "base/err.h"
#include "format/openocd.h"

#define LINE_MAX_SLOTS 128
#define LINE_NAME_SIZE 64
#define LINE_PATH_SIZE 32
#define LINE_FILE_MAX  65536
#define LINE_MAX_PLACE 127 /* x and y */
#define LINE_MAX_KHZ   50000

struct line_probe {
	bool there;
	enum probe_driver driver;
	char path[LINE_PATH_SIZE]; /* a USB path; "": port says where it is */
	uint16_t port;
	uint32_t khz;
	char board[40];
};

struct line_place {
	char name[LINE_NAME_SIZE]; /* never empty */
	/* a USB path; none stands twice.  Where the file says none: "swd-" and the probe's path or port, which is none
	 */
	char path[LINE_PATH_SIZE];
	bool has_usb; /* path is the camera's on USB */
	struct line_probe probe;
	int x, y; /* -1: no place on the picture */
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
