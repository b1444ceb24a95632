/* The vector program's parts; each prints what the driver answered, and judges nothing: that is the reader's. */
#ifndef TESTS_FIRMWARE_VECTORS_H
#define TESTS_FIRMWARE_VECTORS_H

#include <stddef.h>
#include <stdint.h>

/* An image and the paths that are asked of it. */
struct vector {
	const char *name;
	const uint8_t *image;
	uint32_t size;
	const uint8_t *paths; /* each: 4 bytes of length, the bytes, a NUL */
	uint32_t path_count;
};

void vector_image(const struct vector *v);
/* Calls that need no image of the corpus. */
void scenario_files(void);
void scenario_mounts(void);
void scenario_partitions(void);
void scenario_boot(uint8_t *memory, uint32_t size);

uint32_t crc32_of(const uint8_t *data, size_t size);
/* Four bytes, least significant first. */
uint32_t get32(const uint8_t *p);

#endif
