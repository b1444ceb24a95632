/* What may be a number of a product. */
#include "base/number.h"

#include <string.h>

bool number_valid(const char *value, struct err *e)
{
	size_t size = value ? strlen(value) : 0;
	for (const char *c = value; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			size = 0;
	return (size >= 1 && size < NUMBER_SIZE) ||
	       err_set(e, CODE_BAD_REQUEST, "a number has 1 to %d bytes and no control characters", NUMBER_SIZE - 1);
}
