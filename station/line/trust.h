/* Who may sign recipes: the folder of trusted keys, and the judgement over a recipe's signatures.
 *
 *   NAME.pub           a minisign public key
 *   NAME.json          optional: {"roles":["release"],"not_before":null,"not_after":null,"revoked":null}
 *   revoked-recipes    optional: one SHA-256 of a recipe per line, '#' starts a comment
 *
 * Every member of NAME.json may be left out; without roles a key has the role "release".  `revoked` is the time from
 * which the key counts for nothing, or true for always.  Other files are ignored, names with a leading dot too.
 * A loaded trust never changes, so that threads may share it. */
#ifndef STATION_LINE_TRUST_H
#define STATION_LINE_TRUST_H

#include "format/recipe.h"

#define TRUST_MAX_KEYS  64
#define TRUST_MAX_ROLES 8
#define TRUST_NAME_SIZE 65
#define TRUST_ROLE_SIZE 33

struct role_list {
	unsigned count;
	char role[TRUST_MAX_ROLES][TRUST_ROLE_SIZE];
};

struct trust_key {
	char name[TRUST_NAME_SIZE]; /* of the file, without its suffix */
	struct minisig_key key;
	struct role_list roles;
	int64_t not_before, not_after; /* ms since 1970, both inclusive; -1: no limit */
	int64_t revoked;               /* ms since 1970, 0: always; -1: not revoked */
};

struct trust;

/* The keys behind a recipe's signatures, in the signatures' order; borrowed from the trust. */
struct signers {
	unsigned count;
	const struct trust_key *keys[RECIPE_MAX_SIGNATURES];
};

/* "release,quality", spaces allowed, no role twice; "" is the empty list.  config-invalid. */
bool roles_parse(const char *text, struct role_list *out, struct err *e);

/* trust-invalid, with the file's name: a bad file, two files with one key or key id, a JSON file without its key. */
bool trust_open(const char *folder, struct trust **out, struct err *e);
void trust_close(struct trust *t); /* accepts NULL */
unsigned trust_key_count(const struct trust *t);

/* The cryptographic half: every attached signature fits and its key is one of ours.  unsigned, signature-legacy,
 * key-unknown, signature-bad. */
bool trust_signers(const struct trust *t, const struct recipe_image *image, const struct recipe_identity *identity,
    struct signers *out, struct err *e);
/* The other half, asked again whenever it matters: every key is in force at now_ms, and each required role is given by
 * a key of its own.  key-revoked, key-not-in-force, role-missing. */
bool trust_in_force(const struct signers *s, const struct role_list *require, int64_t now_ms, struct err *e);
/* Both halves. */
bool trust_verify(const struct trust *t, const struct recipe_image *image, const struct recipe_identity *identity,
    const struct role_list *require, int64_t now_ms, struct signers *out, struct err *e);
/* recipe-revoked. */
bool trust_recipe_allowed(const struct trust *t, const uint8_t sha256[SHA256_SIZE], struct err *e);

#endif
