/* Serials and MAC numbers of products: what may be one, whoever chose it. */
#ifndef STATION_BASE_NUMBER_H
#define STATION_BASE_NUMBER_H

#include "base/err.h"

#define NUMBER_SIZE 65 /* with its NUL */

/* 1 to 64 bytes, no control characters; else bad-request.  NULL is none. */
bool number_valid(const char *value, struct err *e);

#endif
