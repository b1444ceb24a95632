/* Files below a folder, through openat without following links: nothing outside of the folder is ever written, and
 * nothing that is there is replaced. */
#ifndef STATION_CTL_BELOW_H
#define STATION_CTL_BELOW_H

#include "base/err.h"
#include "base/span.h"

/* Opens the folder at the top, made where it is missing; -1 with file-failed. */
int below_open(const char *folder, struct err *e);
/* path is relative, its parts are names, none of them "." or ".."; folders on the way are made where they are missing.
 */
bool below_put(int folder, const char *path, struct span data, struct err *e);
bool below_make_folder(int folder, const char *path, struct err *e);

#endif
