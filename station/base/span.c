/* Scope cleanup behind AUTO_FREE. */
#include "base/span.h"

#include <stdlib.h>
#include <string.h>

void auto_free_(void *pointer_to_pointer)
{
	void *p;
	memcpy(&p, pointer_to_pointer, sizeof p);
	free(p);
}
