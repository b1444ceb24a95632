/* The judgement over a recipe's signatures.  Loading the folder is in trust_load.c. */
#include "line/trust.h"

#include "base/timefmt.h"
#include "line/trust_private.h"

#include <stdio.h>
#include <string.h>

static const struct trust_key *key_of(const struct trust *t, const uint8_t id[MINISIG_KEY_ID_SIZE])
{
	for (unsigned i = 0; i < t->count; i++)
		if (!memcmp(t->keys[i].key.id, id, MINISIG_KEY_ID_SIZE))
			return &t->keys[i];
	return NULL;
}

static bool key_in_force(const struct trust_key *k, int64_t now_ms, struct err *e)
{
	char text[TIME_TEXT_SIZE];
	if (k->revoked >= 0 && now_ms >= k->revoked)
		return err_set(e, CODE_KEY_REVOKED, "key %s is revoked", k->name);
	if (k->not_before >= 0 && now_ms < k->not_before) {
		time_format(text, k->not_before);
		return err_set(e, CODE_KEY_NOT_IN_FORCE, "key %s is in force from %s", k->name, text);
	}
	if (k->not_after >= 0 && now_ms > k->not_after) {
		time_format(text, k->not_after);
		return err_set(e, CODE_KEY_NOT_IN_FORCE, "key %s was in force until %s", k->name, text);
	}
	return true;
}

static bool has_role(const struct trust_key *k, const char *role)
{
	for (unsigned i = 0; i < k->roles.count; i++)
		if (!strcmp(k->roles.role[i], role))
			return true;
	return false;
}

/* Roles are matched to signers; `giver` says which role a signer is taken for, -1 for none.  One step of the classic
 * augmenting search: a taken signer is freed when its role finds another.  Depth is at most the number of roles. */
struct matching {
	const struct signers *signers;
	const struct role_list *require;
	int giver[RECIPE_MAX_SIGNATURES];
};

static bool place(struct matching *m, unsigned role, unsigned *tried)
{
	for (unsigned s = 0; s < m->signers->count; s++) {
		if ((*tried >> s & 1) || !has_role(m->signers->keys[s], m->require->role[role]))
			continue;
		*tried |= 1u << s;
		if (m->giver[s] < 0 || place(m, (unsigned)m->giver[s], tried)) {
			m->giver[s] = (int)role;
			return true;
		}
	}
	return false;
}

static bool roles_given(const struct signers *s, const struct role_list *require, struct err *e)
{
	struct matching m = { s, require, { -1, -1, -1, -1, -1, -1, -1, -1 } };
	for (unsigned role = 0; role < require->count; role++) {
		unsigned tried = 0;
		if (!place(&m, role, &tried))
			return err_set(
			    e, CODE_ROLE_MISSING, "no signature of its own gives the role %s", require->role[role]);
	}
	return true;
}

bool trust_in_force(const struct signers *s, const struct role_list *require, int64_t now_ms, struct err *e)
{
	for (unsigned i = 0; i < s->count; i++)
		if (!key_in_force(s->keys[i], now_ms, e))
			return false;
	return roles_given(s, require, e);
}

bool trust_signers(const struct trust *t, const struct recipe_image *image, const struct recipe_identity *identity,
    struct signers *out, struct err *e)
{
	char id[MINISIG_ID_TEXT_SIZE];
	memset(out, 0, sizeof *out);
	if (!image->signature_count)
		return err_set(e, CODE_UNSIGNED, "the recipe carries no signature");
	for (unsigned i = 0; i < image->signature_count; i++) {
		const struct minisig *sig = &image->parsed[i];
		const struct trust_key *key = key_of(t, sig->id);
		minisig_id_text(sig->id, id);
		if (sig->legacy)
			return err_set(
			    e, CODE_SIGNATURE_LEGACY, "the signature of key %s has the old algorithm Ed", id);
		if (!key)
			return err_set(e, CODE_KEY_UNKNOWN, "no trusted key has the id %s", id);
		if (!minisig_verify(sig, &key->key, identity->blake2b, e))
			return err_prefix(e, "key %s", key->name);
		out->keys[out->count++] = key;
	}
	return true;
}

bool trust_verify(const struct trust *t, const struct recipe_image *image, const struct recipe_identity *identity,
    const struct role_list *require, int64_t now_ms, struct signers *out, struct err *e)
{
	return trust_signers(t, image, identity, out, e) && trust_in_force(out, require, now_ms, e);
}

bool trust_recipe_allowed(const struct trust *t, const uint8_t sha256[SHA256_SIZE], struct err *e)
{
	for (size_t i = 0; i < t->revoked_count; i++)
		if (!memcmp(t->revoked[i], sha256, SHA256_SIZE))
			return err_set(e, CODE_RECIPE_REVOKED, "the recipe is on the list of revoked recipes");
	return true;
}

unsigned trust_key_count(const struct trust *t)
{
	return t->count;
}
