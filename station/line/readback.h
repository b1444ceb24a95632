/* Reading a region back: bytes arrive in order, are hashed, compared with the recipe and spooled to a file, never held
 * whole in memory. */
#ifndef STATION_LINE_READBACK_H
#define STATION_LINE_READBACK_H

#include "line/attempt.h"

/* Creates the attempt's spool, an unlinked file in STATE/spool, once. */
bool spool_open(struct attempt *a, struct err *e);
/* Where a region starts in the spool: a multiple of 4096. */
uint64_t spool_offset(const struct attempt *a, unsigned region);

/* Reads every byte of a region, fills its result: digests, and the bitmap of units that do not hold the recipe.
 * With stop_at_difference only whole equal units are read; then *complete says whether all of it was read.
 * give_up: units that differ in a row after which the rest counts as different unread; 0: never. */
bool readback_region(
    struct attempt *a, unsigned region, bool stop_at_difference, unsigned give_up, bool *complete, struct err *e);

static inline bool bit_get(const uint8_t *bits, uint32_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static inline void bit_set(uint8_t *bits, uint32_t i)
{
	bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

/* Reads the first unit, the last one and every READBACK_SAMPLE-th between them; adds to the units that differ. */
#define READBACK_SAMPLE 16
bool readback_sample(struct attempt *a, unsigned region, struct err *e);

#endif
