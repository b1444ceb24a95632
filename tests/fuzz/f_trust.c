/* A folder of trusted keys with anything in its files: up to the first zero byte the terms of a key, behind it the list
 * of revoked recipes.  What is taken holds the rules, and a recipe that is not named is allowed. */
#include "folder.h"

#include "line/trust.h"
#include "tests/fuzz/key.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nobody[SHA256_SIZE];
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t first = zero ? (size_t)(zero - data) : size;
	struct trust *t = NULL;
	struct err e = ERR_INIT;
	folder_put("a.pub", some_key, sizeof some_key - 1);
	folder_put("a.json", data ? (const void *)data : "", first);
	folder_put("revoked-recipes", zero ? (const void *)(zero + 1) : "", zero ? size - first - 1 : 0);
	if (!trust_open(folder(), &t, &e)) {
		must(e.code == CODE_TRUST_INVALID && *e.msg &&
		     (strstr(e.msg, "a.json") || strstr(e.msg, "revoked-recipes")));
		return 0;
	}
	must(trust_key_count(t) == 1);
	bool named = zero && memmem(zero + 1, size - first - 1, "0000000000000000", 16);
	must(named || trust_recipe_allowed(t, nobody, &e));
	trust_close(t);
	return 0;
}
