/* What an image is for: a board and one of its ROMFS partitions, by the options that the verbs share. */
#ifndef STATION_CTL_ROMFS_TARGET_H
#define STATION_CTL_ROMFS_TARGET_H

#include "ctl/ctl.h"
#include "line/boards.h"

struct romfs_target {
	const char *board_id, *partition_name, *boards_folder; /* options; NULL: not given */
	struct board_set boards;                               /* owned */
	const struct board *board;                             /* NULL: none was named */
	const struct partition *partition;
};

/* Rows for a verb's table of options. */
#define ROMFS_TARGET_OPTIONS(t)                                                                                        \
	{ 'b', "board", NULL, &(t)->board_id, NULL }, { 'p', "partition", NULL, &(t)->partition_name, NULL },          \
	{                                                                                                              \
		0, "boards", NULL, &(t)->boards_folder, NULL                                                           \
	}

/* Finds both; without -b there are none, and -p is wrong usage.  romfs_target_clear afterwards in either case. */
bool romfs_target_find(struct romfs_target *t, struct err *e);
void romfs_target_clear(struct romfs_target *t);

#endif
