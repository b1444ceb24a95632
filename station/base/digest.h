/* The two digests of a region, taken in one pass: CRC-32 (ISO-HDLC: polynomial 0xEDB88320, check value of
 * "123456789" is cbf43926) by libdeflate, SHA-256 by OpenSSL. */
#ifndef STATION_BASE_DIGEST_H
#define STATION_BASE_DIGEST_H

#include "base/err.h"
#include "base/span.h"

#define SHA256_SIZE 32

struct digest {
	uint32_t crc32;
	uint8_t sha256[SHA256_SIZE];
};

struct digest_run {
	uint32_t crc32;
	void *sha; /* owned; freed by digest_finish or digest_abandon */
};

uint32_t crc32_of(struct span data);
/* False only when OpenSSL has no memory. */
bool digest_of(struct span data, struct digest *out, struct err *e);

/* begin, any number of adds, then finish or abandon.  abandon accepts a run that never began (all zero) or ended. */
bool digest_begin(struct digest_run *run, struct err *e);
bool digest_add(struct digest_run *run, struct span data, struct err *e);
bool digest_finish(struct digest_run *run, struct digest *out, struct err *e);
void digest_abandon(struct digest_run *run);

#endif
