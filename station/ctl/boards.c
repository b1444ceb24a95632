/* Where stationctl finds its board files. */
#include "ctl/ctl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line/boards.h"

/* Looked for in this order: the folder we stand in, a build tree around this program, the place beside its bin/. */
#define HERE       "fixtures/boards"
#define BUILD_TREE "/../fixtures/boards"
#define BESIDE_BIN "/../share/romline/boards"

/* `tail` behind the folder of this program; false when that is not known or not there. */
static bool near_program(const char *tail, char out[PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", out, PATH_MAX - 1);
	if (size <= 0)
		return false;
	out[size] = '\0';
	char *slash = strrchr(out, '/');
	if (!slash || (size_t)(slash - out) + strlen(tail) >= PATH_MAX)
		return false;
	memcpy(slash, tail, strlen(tail) + 1);
	return access(out, F_OK) == 0;
}

bool ctl_boards_folder(const char *option, char out[PATH_MAX], struct err *e)
{
	char path[PATH_MAX];
	const char *folder = option ? option : getenv("ROMLINE_BOARDS");
	if (!folder || !*folder)
		folder = access(HERE, F_OK) == 0 ? HERE : near_program(BUILD_TREE, path) ? path : NULL;
	if (!folder)
		folder = near_program(BESIDE_BIN, path) ? path : "/usr/local/share/romline/boards";
	int used = snprintf(out, PATH_MAX, "%s", folder);
	return (used > 0 && used < PATH_MAX) || err_set(e, CODE_FILE_FAILED, "the boards' folder has too long a name");
}

bool ctl_boards(const char *option, struct board_set *out, struct err *e)
{
	char folder[PATH_MAX];
	*out = (struct board_set){ 0, NULL };
	return ctl_boards_folder(option, folder, e) && boards_load(folder, out, e);
}

const struct board *ctl_board(const struct board_set *set, const char *id, struct err *e)
{
	const struct board *b = boards_find(set, id);
	if (!b)
		err_set(e, CODE_BOARD_UNKNOWN, "there is no board '%.60s' among the %u board files", id, set->count);
	return b;
}
