/* A borrowed run of bytes: pointer and length travel together, nobody frees through a span. */
#ifndef STATION_BASE_SPAN_H
#define STATION_BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *data; /* borrowed; may be NULL only when size is 0 */
	size_t size;
};

static inline struct span span_of(const void *data, size_t size)
{
	struct span s = { (const uint8_t *)data, size };
	return s;
}

/* Scope cleanup for heap pointers: `AUTO_FREE uint8_t *p = ...;` */
void auto_free_(void *pointer_to_pointer);
#define AUTO_FREE __attribute__((cleanup(auto_free_)))

#endif
