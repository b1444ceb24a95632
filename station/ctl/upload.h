/* Bringing a recipe to the station. */
#ifndef STATION_CTL_UPLOAD_H
#define STATION_CTL_UPLOAD_H

#include "ctl/live.h"

/* Sends the file; sha256 is what the station knows the recipe by. */
bool upload_recipe(const struct live *l, const char *path, char sha256[65], struct err *e);

#endif
