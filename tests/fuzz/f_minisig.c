/* Any text as a minisign signature or key: no crash, and a signature that is accepted strictly is its own normal form.
 */
#include "format/minisig.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[MINISIG_HASH_SIZE];
	struct minisig_key key;
	struct minisig sig;
	uint8_t out[MINISIG_MAX_FILE];
	struct span text = span_of(data, size);
	bool strict = minisig_parse(text, &sig, NULL);
	size_t normal = minisig_normalise(text, out, NULL);
	if (strict && !sig.legacy && (normal != size || memcmp(out, data, size) != 0))
		abort();
	if (normal && !minisig_parse(span_of(out, normal), &sig, NULL))
		abort();
	if (minisig_parse_key(text, &key, NULL) && strict)
		abort();
	memset(&key, 0, sizeof key);
	if (strict && minisig_verify(&sig, &key, hash, NULL))
		abort();
	return 0;
}
