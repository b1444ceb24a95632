/* Long loops take every EVERY-th turn where the environment says so: under a sanitizer, which is there for the code and
 * not for each value, and whose turns are slow.  Without it they take all. */
#pragma once

#include <stdlib.h>

static inline unsigned pace(void)
{
	const char *every = getenv("EVERY");
	unsigned long n = every ? strtoul(every, NULL, 10) : 1;
	return n < 1 || n > 100 ? 1 : (unsigned)n;
}
