/* A refusal as the one line that every program of the product prints: `program: CODE: sentence; what to do`. */
#ifndef STATION_BASE_REFUSAL_H
#define STATION_BASE_REFUSAL_H

#include "base/err.h"

#include <stddef.h>

#define REFUSAL_SIZE 512

/* The line without its newline.  Control bytes, which a quoted file name may bring, are replaced. */
void refusal_text(const char *program, const struct err *e, char out[REFUSAL_SIZE]);

#endif
