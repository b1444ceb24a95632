/* What the string of a DfuSe alternate setting says of its memory:
 *
 *     @NAME /0xADDRESS/COUNT*SIZEUa,COUNT*SIZEUa/0xADDRESS/...
 *
 * U is B or a blank (bytes), K or M; the letter after it says what may be done: bit 0 read, bit 1 erase, bit 2 write,
 * counted from '`' (so a is read only, g is all).  Source: ST UM0424, section 10.3.2.  Pure; all input is hostile. */
#ifndef STATION_FORMAT_DFUSE_MAP_H
#define STATION_FORMAT_DFUSE_MAP_H

#include "format/board.h"

#define DFUSE_MAX_RUNS 16
#define DFUSE_READ     1u
#define DFUSE_ERASES   2u
#define DFUSE_WRITE    4u

/* count sectors of size bytes each from start on */
struct dfuse_run {
	uint32_t start, size, count;
	uint8_t access;
};

struct dfuse_map {
	char name[BOARD_ALT_SIZE]; /* without the blanks at its ends, runs of blanks as one */
	unsigned run_count;        /* may be 0: "0*4Kg" is no memory */
	struct dfuse_run runs[DFUSE_MAX_RUNS];
};

/* False: not in that form, or beyond 32 bits. */
bool dfuse_map_parse(const char *text, struct dfuse_map *out);
/* The size of the sector at an address; 0: there is none. */
uint32_t dfuse_map_sector(const struct dfuse_map *map, uint32_t address);
/* Does the partition's mapped range lie in the map, in sectors of the size it says, readable where it is, and erasable
 * and writable where a recipe may write it? */
bool dfuse_map_holds(const struct dfuse_map *map, const struct partition *p);

#endif
