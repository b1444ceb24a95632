/* Private temporary folders. */
#include "os/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_AT_ONCE 16

bool scratch_make(char path[PATH_MAX], struct err *e)
{
	const char *top = getenv("TMPDIR");
	if (snprintf(path, PATH_MAX, "%s/romline-XXXXXX", top && *top == '/' ? top : "/tmp") >= PATH_MAX)
		return err_set(e, CODE_FILE_FAILED, "TMPDIR is too long");
	return mkdtemp(path) || err_sys(e, CODE_FILE_FAILED, errno, "cannot make a folder %.150s", path);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	remove(path);
	return 0;
}

void scratch_remove(const char *path)
{
	nftw(path, drop, OPEN_AT_ONCE, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
