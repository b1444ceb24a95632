/* Recipes made by hand for tests: any manifest text around any payload, signed or not, right or wrong. */
#ifndef TESTS_UNIT_RECIPES_H
#define TESTS_UNIT_RECIPES_H

#include "signing.h"

#include "base/hex.h"

#define MANIFEST_SIZE 2048

/* A ROMFS with one file whose data starts at a multiple of align (a power of two, 1 to 64) but of nothing above. */
static inline struct bytes romfs_with(const char *name, unsigned align)
{
	struct bytes data = { NULL, 0 }, records = { NULL, 0 };
	for (unsigned pad = 0;; pad++) {
		struct bytes padding = { NULL, 0 };
		for (unsigned i = 0; i < pad; i++)
			bytes_byte(&padding, 0xff);
		records.size = 0;
		bytes_record(&records, 1, padding.data, padding.size);
		bytes_named(&records, 5, name, "0123456789abcdef", 16);
		free(padding.data);
		struct bytes image = bytes_image(&records, 5);
		size_t at = image.size - 16;
		if (at % align == 0 && at % (2 * align) != 0) {
			free(data.data);
			free(records.data);
			return image;
		}
		free(image.data);
	}
}

/* The manifest of a recipe with one region, correct in everything. */
static inline void manifest_for(
    char out[MANIFEST_SIZE], const char *board, const char *partition, const char *kind, struct span payload)
{
	struct digest d;
	char sha[2 * SHA256_SIZE + 1];
	if (!digest_of(payload, &d, NULL))
		abort();
	hex_encode(sha, d.sha256, SHA256_SIZE);
	snprintf(out, MANIFEST_SIZE,
	    "{\"format\":\"romline.recipe.1\",\"name\":\"demo\",\"version\":\"1.4.0\",\"rollback\":3,\"board\":\"%s\","
	    "\"regions\":[{\"partition\":\"%s\",\"payload\":\"payload/image.img\",\"kind\":\"%s\",\"length\":%zu,"
	    "\"crc32\":\"%08x\",\"sha256\":\"%s\",\"tail\":\"keep\",\"misaligned_ok\":[]}],"
	    "\"limits\":{\"not_before\":null,\"not_after\":null,\"units\":null},\"after\":{\"mode\":\"run\"}}",
	    board, partition, kind, payload.size, d.crc32, sha);
}

/* Replaces the first `from`; the text must hold it. */
static inline void edit(char text[MANIFEST_SIZE], const char *from, const char *to)
{
	char old[MANIFEST_SIZE];
	snprintf(old, sizeof old, "%s", text);
	char *at = strstr(old, from);
	if (!at)
		abort();
	if (strlen(old) - strlen(from) + strlen(to) >= MANIFEST_SIZE)
		abort();
	memcpy(text + (at - old), to, strlen(to));
	snprintf(
	    text + (at - old) + strlen(to), MANIFEST_SIZE - (size_t)(at - old) - strlen(to), "%s", at + strlen(from));
}

/* B around a manifest and one payload, payload/image.img. */
static inline struct bytes recipe_of(const char *manifest, struct span payload)
{
	struct bytes records = { NULL, 0 }, folder = { NULL, 0 };
	bytes_named(&records, 5, "recipe.json", manifest, strlen(manifest));
	bytes_named(&folder, 5, "image.img", payload.data, payload.size);
	bytes_named(&records, 4, "payload", folder.data, folder.size);
	struct bytes image = bytes_image(&records, 5);
	free(records.data);
	free(folder.data);
	return image;
}

/* B with signature records behind it, as they are given: nothing is checked. */
static inline struct bytes signed_with(const struct bytes *b, const struct span *texts, unsigned count)
{
	struct bytes records = { NULL, 0 };
	bytes_add(&records, b->data + RECIPE_HEADER, b->size - RECIPE_HEADER);
	for (unsigned i = 0; i < count; i++)
		bytes_record(&records, RECIPE_KIND, texts[i].data, texts[i].size);
	struct bytes image = bytes_image(&records, 5);
	free(records.data);
	return image;
}

/* B signed by keys, which must ascend by id. */
static inline struct bytes signed_by(const struct bytes *b, const struct test_key *keys, unsigned count)
{
	static __thread char texts[RECIPE_MAX_SIGNATURES + 1][MINISIG_MAX_FILE];
	struct span spans[RECIPE_MAX_SIGNATURES + 1];
	for (unsigned i = 0; i < count; i++)
		spans[i] = span_of(texts[i], test_sign(&keys[i], span_of(b->data, b->size), "a test", texts[i]));
	return signed_with(b, spans, count);
}

#endif
