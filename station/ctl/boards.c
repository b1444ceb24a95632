/* Where stationctl finds its board files. */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <unistd.h>

#include "line/boards.h"

#define BESIDE_US "fixtures/boards"
#define INSTALLED "/usr/local/share/romline/boards"

bool ctl_boards(const char *option, struct board_set *out, struct err *e)
{
	const char *folder = option ? option : getenv("ROMLINE_BOARDS");
	if (!folder || !*folder)
		folder = access(BESIDE_US, F_OK) == 0 ? BESIDE_US : INSTALLED;
	return boards_load(folder, out, e);
}

const struct board *ctl_board(const struct board_set *set, const char *id, struct err *e)
{
	const struct board *b = boards_find(set, id);
	if (!b)
		err_set(e, CODE_BOARD_UNKNOWN, "there is no board '%.60s' among the %u board files", id, set->count);
	return b;
}
