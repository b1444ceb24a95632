/* A secret from a terminal, where it is not shown, or a line of standard input; never from the command line, which
 * everybody on the machine can see. */
#ifndef STATION_CTL_TYPED_H
#define STATION_CTL_TYPED_H

#include "base/err.h"

#include <stddef.h>

/* `what` is asked for at a terminal. */
bool typed_secret(const char *what, char *out, size_t size, struct err *e);

#endif
