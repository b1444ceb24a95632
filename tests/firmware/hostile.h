/* Images made to cost as much as they can, or to never end; written into memory that is 2 MiB or more. */
#ifndef TESTS_FIRMWARE_HOSTILE_H
#define TESTS_FIRMWARE_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

struct hostile {
	const char *name;
	void (*fill)(uint8_t *payload, uint32_t size);
};

extern const struct hostile hostiles[];
extern const unsigned hostile_count;

/* The whole memory becomes an image with that payload. */
void hostile_make(const struct hostile *h, uint8_t *memory, uint32_t size);

#endif
