/* The judgement over one recipe file. */
#include "line/intake.h"

#include "base/hex.h"

#include <string.h>

static bool identify(struct span file, struct stored_recipe *out, struct recipe_identity *identity, struct err *e)
{
	if (!recipe_split(file, &out->image, e) || !recipe_identify(&out->image, identity, e))
		return false;
	memcpy(out->sha256, identity->sha256, SHA256_SIZE);
	hex_encode(out->sha256_text, out->sha256, SHA256_SIZE);
	return true;
}

static bool signatures(
    const struct intake_rules *rules, struct stored_recipe *out, const struct recipe_identity *identity, struct err *e)
{
	if (!trust_recipe_allowed(rules->trust, out->sha256, e))
		return false;
	if (rules->allow_unsigned && !out->image.signature_count)
		return true;
	return trust_signers(rules->trust, &out->image, identity, &out->signers, e);
}

static bool payloads(const struct intake_rules *rules, struct stored_recipe *out, struct err *e)
{
	if (!recipe_read(&out->image, &out->recipe, e))
		return false;
	out->board = boards_find(rules->boards, out->recipe.board);
	if (!out->board)
		return err_set(e, CODE_BOARD_UNKNOWN, "there is no board file for %s", out->recipe.board);
	return recipe_bind(&out->recipe, out->board, e);
}

bool intake_examine(const struct intake_rules *rules, struct span file, struct stored_recipe *out, struct err *e)
{
	struct recipe_identity identity;
	memset(out, 0, sizeof *out);
	return identify(file, out, &identity, e) && signatures(rules, out, &identity, e) && payloads(rules, out, e);
}

bool intake_in_force(const struct intake_rules *rules, const struct stored_recipe *r, int64_t now_ms, struct err *e)
{
	if (r->trouble.code != CODE_OK)
		return err_set(e, r->trouble.code, "%s", r->trouble.msg);
	bool judged = rules->allow_unsigned && !r->image.signature_count;
	return (judged || trust_in_force(&r->signers, rules->require, now_ms, e)) &&
	       recipe_in_time(&r->recipe, now_ms, e);
}

void intake_clear(struct stored_recipe *r)
{
	recipe_clear(&r->recipe);
	memset(r, 0, sizeof *r);
}
