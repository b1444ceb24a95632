/* The chain's hash and the signed checkpoint over it: bytes in, bytes out; pure.
 *
 * hash = BLAKE2b-256("romline.journal.1" 00 | u16 length, station name | u64 seq | prev | u32 length, body),
 * integers big-endian, prev 32 zero bytes for seq 1.
 * checkpoint = "romline.checkpoint.1\n<station>\n<size>\n<head hex>\n<RFC 3339>\n", Ed25519 over exactly these bytes.
 */
#ifndef STATION_JOURNAL_CHAIN_H
#define STATION_JOURNAL_CHAIN_H

#include "base/err.h"
#include "base/span.h"
#include "base/timefmt.h"

#define CHAIN_HASH_SIZE      32
#define STATION_NAME_SIZE    65 /* with the final NUL */
#define SIGNATURE_SIZE       64
#define SIGNING_SEED_SIZE    32
#define PUBLIC_KEY_SIZE      32
#define CHECKPOINT_TEXT_SIZE 256

void chain_hash(const char *station, int64_t seq, const uint8_t prev[CHAIN_HASH_SIZE], struct span body,
    uint8_t out[CHAIN_HASH_SIZE]);

/* 1 to 64 bytes of UTF-8 text without control bytes: the name stands on a line of its own. */
bool station_name_valid(const char *name);

struct checkpoint {
	char station[STATION_NAME_SIZE];
	int64_t size;                  /* rows 1 to size exist */
	uint8_t head[CHAIN_HASH_SIZE]; /* hash of row size */
	char at[TIME_TEXT_SIZE];
};

void checkpoint_print(const struct checkpoint *c, char out[CHECKPOINT_TEXT_SIZE]);
/* False when the text is not exactly what checkpoint_print makes. */
bool checkpoint_parse(struct span text, struct checkpoint *out);

#endif
