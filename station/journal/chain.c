/* The chain's hash and the text of a checkpoint. */
#include "journal/chain.h"

#include "base/hex.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAGIC "romline.journal.1" /* its final NUL is hashed too */
#define MARK        "romline.checkpoint.1"

void chain_hash(const char *station, int64_t seq, const uint8_t prev[CHAIN_HASH_SIZE], struct span body,
    uint8_t out[CHAIN_HASH_SIZE])
{
	crypto_generichash_state state;
	uint8_t size2[2], seq8[8], size4[4];
	size_t name = strlen(station);
	put_be16(size2, (uint16_t)name);
	put_be64(seq8, (uint64_t)seq);
	put_be32(size4, (uint32_t)body.size);
	crypto_generichash_init(&state, NULL, 0, CHAIN_HASH_SIZE);
	crypto_generichash_update(&state, (const uint8_t *)CHAIN_MAGIC, sizeof CHAIN_MAGIC);
	crypto_generichash_update(&state, size2, sizeof size2);
	crypto_generichash_update(&state, (const uint8_t *)station, name);
	crypto_generichash_update(&state, seq8, sizeof seq8);
	crypto_generichash_update(&state, prev, CHAIN_HASH_SIZE);
	crypto_generichash_update(&state, size4, sizeof size4);
	crypto_generichash_update(&state, body.data, body.size);
	crypto_generichash_final(&state, out, CHAIN_HASH_SIZE);
}

bool station_name_valid(const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return n >= 1 && n < STATION_NAME_SIZE;
}

void checkpoint_print(const struct checkpoint *c, char out[CHECKPOINT_TEXT_SIZE])
{
	char head[2 * CHAIN_HASH_SIZE + 1];
	hex_encode(head, c->head, CHAIN_HASH_SIZE);
	snprintf(out, CHECKPOINT_TEXT_SIZE, MARK "\n%s\n%lld\n%s\n%s\n", c->station, (long long)c->size, head, c->at);
}

/* Cuts the next line out of a text that is known to end with NUL; false when there is none. */
static bool next_line(char **text, char **line)
{
	char *end = strchr(*text, '\n');
	if (!end)
		return false;
	*end = '\0';
	*line = *text;
	*text = end + 1;
	return true;
}

bool checkpoint_parse(struct span text, struct checkpoint *out)
{
	char copy[CHECKPOINT_TEXT_SIZE], again[CHECKPOINT_TEXT_SIZE], *rest = copy, *line[5];
	if (text.size >= sizeof copy || memchr(text.data, 0, text.size))
		return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	for (int i = 0; i < 5; i++)
		if (!next_line(&rest, &line[i]))
			return false;
	int64_t at;
	if (!station_name_valid(line[1]) || strlen(line[2]) > 18 || !hex_decode(out->head, CHAIN_HASH_SIZE, line[3]) ||
	    !time_parse(line[4], &at))
		return false;
	snprintf(out->station, sizeof out->station, "%s", line[1]);
	out->size = strtoll(line[2], NULL, 10);
	time_format(out->at, at);
	checkpoint_print(out, again);
	return out->size > 0 && strlen(again) == text.size && !memcmp(again, text.data, text.size);
}
