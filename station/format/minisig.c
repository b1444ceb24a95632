/* Reading minisign's two kinds of file, and verifying a signature with libsodium.
 *
 * Both base64 lines are decoded and encoded again: only text that comes out equal is canonical. */
#include "format/minisig.h"

#include "base/hex.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define COMMENT_PREFIX "trusted comment: "
#define UNTRUSTED      "untrusted comment: "
#define BLOB_SIZE      74 /* algorithm, key id, signature */
#define GLOBAL_SIZE    64
#define KEY_SIZE       42 /* algorithm, key id, public key */
#define TEXT_OF(size)  (((size) + 2) / 3 * 4)

/* Cuts the next line, which must end with LF unless `open_end` lets the text end instead. */
static bool next_line(struct span *text, struct span *line, bool open_end)
{
	const uint8_t *lf = text->size ? memchr(text->data, '\n', text->size) : NULL;
	if (!lf && (!open_end || !text->size))
		return false;
	size_t size = lf ? (size_t)(lf - text->data) : text->size;
	*line = span_of(text->data, size);
	size_t used = size + (lf != NULL);
	*text = span_of(text->data + used, text->size - used);
	return true;
}

static bool starts_with(struct span line, const char *prefix)
{
	size_t size = strlen(prefix);
	return line.size >= size && !memcmp(line.data, prefix, size);
}

/* Exactly size bytes in canonical base64. */
static bool decode(struct span line, uint8_t *out, size_t size)
{
	char again[TEXT_OF(BLOB_SIZE) + 1];
	size_t got = 0;
	if (line.size != TEXT_OF(size) || line.size >= sizeof again)
		return false;
	if (sodium_base642bin(
		out, size, (const char *)line.data, line.size, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) ||
	    got != size)
		return false;
	sodium_bin2base64(again, sizeof again, out, size, sodium_base64_VARIANT_ORIGINAL);
	return !memcmp(again, line.data, line.size);
}

static bool comment_ok(struct span comment)
{
	if (comment.size > MINISIG_MAX_COMMENT)
		return false;
	for (size_t i = 0; i < comment.size; i++) {
		uint8_t c = comment.data[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Lines 2 to 4; complains with the code that the caller's input calls for. */
static bool parse_lines(const struct span line[4], struct minisig *out, enum code code, struct err *e)
{
	uint8_t blob[BLOB_SIZE];
	if (!decode(line[1], blob, sizeof blob))
		return err_set(e, code, "line 2 of a signature is not canonical base64 of %d bytes", BLOB_SIZE);
	if (!starts_with(line[2], COMMENT_PREFIX))
		return err_set(e, code, "line 3 of a signature is not a trusted comment");
	out->comment = span_of(line[2].data + strlen(COMMENT_PREFIX), line[2].size - strlen(COMMENT_PREFIX));
	if (!comment_ok(out->comment))
		return err_set(
		    e, code, "a trusted comment is longer than %d bytes or has control bytes", MINISIG_MAX_COMMENT);
	if (!decode(line[3], out->global, GLOBAL_SIZE))
		return err_set(e, code, "line 4 of a signature is not canonical base64 of %d bytes", GLOBAL_SIZE);
	if (blob[0] != 'E' || (blob[1] != 'D' && blob[1] != 'd'))
		return err_set(e, CODE_SIGNATURE_BAD, "a signature names an algorithm that minisign does not have");
	out->legacy = blob[1] == 'd';
	memcpy(out->id, blob + 2, sizeof out->id);
	memcpy(out->signature, blob + 10, sizeof out->signature);
	return true;
}

bool minisig_parse(struct span text, struct minisig *out, struct err *e)
{
	struct span line[4];
	for (unsigned i = 0; i < 4; i++)
		if (!next_line(&text, &line[i], false))
			return err_set(e, CODE_RECIPE_NOT_CANONICAL, "a signature has fewer than four lines");
	if (text.size)
		return err_set(e, CODE_RECIPE_NOT_CANONICAL, "a signature has bytes behind its fourth line");
	if (line[0].size != strlen(MINISIG_FIRST_LINE) || !starts_with(line[0], MINISIG_FIRST_LINE))
		return err_set(e, CODE_RECIPE_NOT_CANONICAL, "line 1 of a signature is not \"%s\"", MINISIG_FIRST_LINE);
	return parse_lines(line, out, CODE_RECIPE_NOT_CANONICAL, e);
}

static void strip_cr(struct span *line)
{
	if (line->size && line->data[line->size - 1] == '\r')
		line->size--;
}

static size_t put_line(uint8_t *out, size_t at, struct span line)
{
	memcpy(out + at, line.data, line.size);
	out[at + line.size] = '\n';
	return at + line.size + 1;
}

size_t minisig_normalise(struct span text, uint8_t out[MINISIG_MAX_FILE], struct err *e)
{
	struct span line[4];
	struct minisig sig;
	for (unsigned i = 0; i < 4; i++) {
		if (!next_line(&text, &line[i], i == 3)) {
			err_set(e, CODE_SIGNATURE_BAD, "a minisign signature has four lines");
			return 0;
		}
		strip_cr(&line[i]);
	}
	if (text.size || !starts_with(line[0], UNTRUSTED)) {
		err_set(e, CODE_SIGNATURE_BAD, "this is no minisign signature");
		return 0;
	}
	if (!parse_lines(line, &sig, CODE_SIGNATURE_BAD, e))
		return 0;
	if (sig.legacy) {
		err_set(e, CODE_SIGNATURE_LEGACY, "the signature has the old algorithm Ed");
		return 0;
	}
	line[0] = span_of(MINISIG_FIRST_LINE, strlen(MINISIG_FIRST_LINE));
	size_t size = 0;
	for (unsigned i = 0; i < 4; i++)
		size = put_line(out, size, line[i]);
	return size;
}

bool minisig_parse_key(struct span text, struct minisig_key *out, struct err *e)
{
	struct span line;
	uint8_t blob[KEY_SIZE];
	bool got = next_line(&text, &line, true);
	if (got && starts_with(line, UNTRUSTED))
		got = next_line(&text, &line, true);
	if (!got || text.size)
		return err_set(e, CODE_TRUST_INVALID, "this is no minisign public key");
	strip_cr(&line);
	if (!decode(line, blob, sizeof blob) || blob[0] != 'E' || blob[1] != 'd')
		return err_set(e, CODE_TRUST_INVALID, "the key is not canonical base64 of an Ed25519 key");
	memcpy(out->id, blob + 2, sizeof out->id);
	memcpy(out->key, blob + 10, sizeof out->key);
	return true;
}

bool minisig_verify(
    const struct minisig *sig, const struct minisig_key *key, const uint8_t hash[MINISIG_HASH_SIZE], struct err *e)
{
	uint8_t whole[sizeof sig->signature + MINISIG_MAX_COMMENT];
	if (sodium_init() < 0)
		return err_set(e, CODE_INTERNAL, "libsodium does not start");
	if (sig->legacy)
		return err_set(e, CODE_SIGNATURE_LEGACY, "the signature has the old algorithm Ed");
	if (memcmp(sig->id, key->id, sizeof sig->id) != 0)
		return err_set(e, CODE_SIGNATURE_BAD, "the signature was made with another key");
	if (sig->comment.size > MINISIG_MAX_COMMENT)
		return err_set(e, CODE_SIGNATURE_BAD, "the trusted comment is too long");
	if (crypto_sign_verify_detached(sig->signature, hash, MINISIG_HASH_SIZE, key->key))
		return err_set(e, CODE_SIGNATURE_BAD, "the signature does not fit the image");
	memcpy(whole, sig->signature, sizeof sig->signature);
	if (sig->comment.size)
		memcpy(whole + sizeof sig->signature, sig->comment.data, sig->comment.size);
	if (crypto_sign_verify_detached(sig->global, whole, sizeof sig->signature + sig->comment.size, key->key))
		return err_set(e, CODE_SIGNATURE_BAD, "the trusted comment was changed after signing");
	return true;
}

void minisig_id_text(const uint8_t id[MINISIG_KEY_ID_SIZE], char out[MINISIG_ID_TEXT_SIZE])
{
	snprintf(out, MINISIG_ID_TEXT_SIZE, "%016" PRIX64, get_le64(id));
}
