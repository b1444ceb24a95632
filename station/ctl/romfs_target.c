/* Finds the board and the partition of an image. */
#include "ctl/romfs_target.h"

#include <string.h>

/* The named partition, or the one that the camera mounts by itself: ROMFS number 0. */
static const struct partition *choose(const struct board *board, const char *name, struct err *e)
{
	for (unsigned i = 0; i < board->partition_count; i++) {
		const struct partition *p = &board->partitions[i];
		if (p->role == ROLE_ROMFS && (name ? !strcmp(p->name, name) : p->romfs_index == 0))
			return p;
	}
	if (name)
		err_set(e, CODE_PARTITION_UNKNOWN, "%s has no ROMFS partition '%.60s'", board->id, name);
	else
		err_set(e, CODE_PARTITION_UNKNOWN, "%s has no ROMFS partition", board->id);
	return NULL;
}

bool romfs_target_find(struct romfs_target *t, struct err *e)
{
	if (!t->board_id)
		return !t->partition_name || err_set(e, CODE_USAGE, "-p PARTITION needs -b BOARD");
	if (!ctl_boards(t->boards_folder, &t->boards, e))
		return false;
	t->board = ctl_board(&t->boards, t->board_id, e);
	t->partition = t->board ? choose(t->board, t->partition_name, e) : NULL;
	return t->partition != NULL;
}

void romfs_target_clear(struct romfs_target *t)
{
	boards_clear(&t->boards);
}
