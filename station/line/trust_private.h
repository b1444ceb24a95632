/* Shared by trust.c and trust_load.c only. */
#ifndef STATION_LINE_TRUST_PRIVATE_H
#define STATION_LINE_TRUST_PRIVATE_H

#include "line/trust.h"

struct trust {
	unsigned count;
	struct trust_key keys[TRUST_MAX_KEYS];
	uint8_t (*revoked)[SHA256_SIZE]; /* owned: recipes that count for nothing */
	size_t revoked_count;
};

#endif
