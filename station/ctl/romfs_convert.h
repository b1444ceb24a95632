/* Between a folder and its image: sources compiled, models converted, each by a program that the user names.
 *
 * A program runs without a shell, with a deadline; it reads a copy of the file in a private folder and writes another
 * one there.  Whatever goes wrong with one file refuses the whole build, and its standard error is shown. */
#ifndef STATION_CTL_ROMFS_CONVERT_H
#define STATION_CTL_ROMFS_CONVERT_H

#include "base/words.h"
#include "ctl/ctl.h"
#include "format/board.h"
#include "format/romfs_build.h"

#define ROMFS_MAX_RULES 64

/* What the command line says; the strings are its. */
struct romfs_convert_options {
	const char *mpy_cross; /* --mpy-cross CMD */
	bool mpy, no_mpy;
	struct ctl_list aligns, converts, keeps; /* keeps: sources that are not compiled */
	const char *align_items[ROMFS_MAX_RULES], *convert_items[ROMFS_MAX_RULES], *keep_items[ROMFS_MAX_RULES];
	const char *timeout; /* seconds */
};

struct romfs_convert_counts {
	unsigned compiled, converted;
};

#define ROMFS_CONVERT_OPTIONS(o)                                                                                       \
	{ 0, "align", NULL, NULL, &(o)->aligns }, { 0, "convert", NULL, NULL, &(o)->converts },                        \
	    { 0, "keep-py", NULL, NULL, &(o)->keeps }, { 0, "mpy", &(o)->mpy, NULL, NULL },                            \
	    { 0, "no-mpy", &(o)->no_mpy, NULL, NULL }, { 0, "mpy-cross", NULL, &(o)->mpy_cross, NULL },                \
	{                                                                                                              \
		0, "timeout", NULL, &(o)->timeout, NULL                                                                \
	}

void romfs_convert_begin(struct romfs_convert_options *o);
/* Does it to all files below root. */
bool romfs_convert(const struct romfs_convert_options *o, const struct board *board, struct romfs_entry *root,
    struct romfs_convert_counts *counts, struct err *e);

#endif
