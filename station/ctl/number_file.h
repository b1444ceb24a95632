/* A file of serials or MAC numbers. */
#ifndef STATION_CTL_NUMBER_FILE_H
#define STATION_CTL_NUMBER_FILE_H

#include "base/err.h"

struct cJSON;

/* Appends its numbers to an array: one a line, whichever way lines end, without the blanks around it; blank lines count
 * for nothing. */
bool numbers_read(const char *path, struct cJSON *values, struct err *e);

#endif
