/* A private folder for a while: made under $TMPDIR, else /tmp, removed with all that was put into it. */
#ifndef STATION_OS_SCRATCH_H
#define STATION_OS_SCRATCH_H

#include <limits.h>

#include "base/err.h"

bool scratch_make(char path[PATH_MAX], struct err *e);
void scratch_remove(const char *path); /* follows no link */

#endif
