/* The mount driver as a 32-bit core has it: answers each image on standard input (a length in 4 bytes, then that many)
 * with the number of walk.h in 8 bytes. */
#include "walk.h"

#include <stdlib.h>
#include <unistd.h>

static int whole_read(uint8_t *p, size_t size)
{
	while (size) {
		ssize_t n = read(0, p, size);
		if (n <= 0)
			return 0;
		p += n;
		size -= (size_t)n;
	}
	return 1;
}

int main(void)
{
	_Static_assert(sizeof(void *) == 4, "to be built for 32 bits");
	uint32_t size;
	while (whole_read((uint8_t *)&size, sizeof size)) {
		/* a piece of memory of exactly that size, so that the sanitizer sees a byte too many */
		uint8_t *data = size <= WALK_MAX ? malloc(size ? size : 1) : NULL;
		if (!data || !whole_read(data, size))
			return 1;
		uint64_t sum = walk_image(data, size);
		free(data);
		if (write(1, &sum, sizeof sum) != (ssize_t)sizeof sum)
			return 1;
	}
	return 0;
}
