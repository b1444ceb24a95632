/* Hashes and makes secrets. */
#include "http/secret.h"

#include "base/hex.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* OWASP's least for Argon2id: 19 MiB, two passes. */
#define PASSES 2
#define MEMORY (19u << 20)

_Static_assert(crypto_pwhash_STRBYTES < CREDENTIAL_SIZE, "a credential fits its field");

void secrets_init(struct secrets *s, const struct journal *j)
{
	uint8_t salt[32];
	journal_derive(j, "romline.people.pepper", s->pepper);
	journal_derive(j, "romline.people.badge", salt);
	journal_derive(j, "romline.tokens", s->derive);
	journal_derive(j, "romline.requests", s->request);
	memcpy(s->badge_salt, salt, sizeof s->badge_salt);
}

/* What Argon2id works on: 64 hex digits of the text under the station's secret. */
static void peppered(const struct secrets *s, const char *text, char out[SECRET_HASH])
{
	uint8_t hash[32];
	crypto_generichash(hash, sizeof hash, (const uint8_t *)text, strlen(text), s->pepper, sizeof s->pepper);
	hex_encode(out, hash, sizeof hash);
}

bool secret_pin(const struct secrets *s, const char *pin, char out[CREDENTIAL_SIZE], struct err *e)
{
	char text[SECRET_HASH];
	peppered(s, pin, text);
	if (crypto_pwhash_str_alg(out, text, strlen(text), PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0)
		return true;
	return err_set(e, CODE_NO_MEMORY, "no memory to hash a PIN");
}

bool secret_pin_fits(const struct secrets *s, const char *pin, const char *stored, struct err *e)
{
	char text[SECRET_HASH];
	peppered(s, pin, text);
	errno = 0;
	if (crypto_pwhash_str_verify(stored, text, strlen(text)) == 0)
		return true;
	/* libsodium's word for a mismatch; anything else is the machine's fault and says nothing of the PIN */
	return errno == EINVAL ? err_set(e, CODE_LOGIN_FAILED, "the name or the PIN is wrong")
			       : err_set(e, CODE_NO_MEMORY, "no memory to look at a PIN");
}

const char *secret_badge_text(const char *scanned)
{
	return strncasecmp(scanned, BADGE_CARD, sizeof BADGE_CARD - 1) ? scanned : scanned + sizeof BADGE_CARD - 1;
}

bool secret_badge(const struct secrets *s, const char *badge, char out[CREDENTIAL_SIZE], struct err *e)
{
	char text[SECRET_HASH];
	uint8_t hash[32];
	peppered(s, secret_badge_text(badge), text);
	if (crypto_pwhash(hash, sizeof hash, text, strlen(text), s->badge_salt, PASSES, MEMORY,
		crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(e, CODE_NO_MEMORY, "no memory to hash a badge");
	hex_encode(out, hash, sizeof hash);
	return true;
}

static void print_bits(const char *prefix, uint8_t bits[32], char out[SECRET_TEXT])
{
	char text[44];
	sodium_bin2base64(text, sizeof text, bits, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	snprintf(out, SECRET_TEXT, "%s%s", prefix, text);
	sodium_memzero(bits, 32);
}

void secret_make(const char *prefix, char out[SECRET_TEXT])
{
	uint8_t bits[32];
	randombytes_buf(bits, sizeof bits);
	print_bits(prefix, bits, out);
}

void secret_derive(const struct secrets *s, const char *prefix, const char *words, char out[SECRET_TEXT])
{
	uint8_t bits[32];
	crypto_generichash(bits, sizeof bits, (const uint8_t *)words, strlen(words), s->derive, sizeof s->derive);
	print_bits(prefix, bits, out);
}

void secret_digest(const struct secrets *s, const char *first, struct span second, char out[SECRET_HASH])
{
	crypto_generichash_state state;
	uint8_t hash[32];
	crypto_generichash_init(&state, s->request, sizeof s->request, sizeof hash);
	crypto_generichash_update(&state, (const uint8_t *)first, strlen(first) + 1);
	crypto_generichash_update(&state, second.data, second.size);
	crypto_generichash_final(&state, hash, sizeof hash);
	hex_encode(out, hash, sizeof hash);
}

void secret_hash(const char *text, char out[SECRET_HASH])
{
	uint8_t hash[32];
	crypto_generichash(hash, sizeof hash, (const uint8_t *)text, strlen(text), NULL, 0);
	hex_encode(out, hash, sizeof hash);
}

bool secret_equal(const char *a, const char *b)
{
	size_t size = strlen(a);
	return size == strlen(b) && sodium_memcmp(a, b, size) == 0;
}
