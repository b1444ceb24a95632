/* Recipes: intake by upload, and what the journal knows of them. */
#include "http/api.h"

#include "base/hex.h"
#include "format/json.h"
#include "http/params.h"
#include "journal/kinds.h"
#include "journal/lookup.h"
#include "journal/numbers.h"
#include "line/inbox.h"
#include "os/log.h"

#include <stdio.h>

bool api_recipes(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_recipes, a, e);
}

static bool answer_recipe(struct http *h, const char *sha256, unsigned status, struct answer *a, struct err *e)
{
	char *json = NULL;
	if (!query_recipe(h->reader, sha256, &json, e))
		return e->code == CODE_NOT_FOUND ? err_set(e, CODE_NOT_FOUND, "there is no recipe %s", sha256) : false;
	return answer_text(a, status, TYPE_JSON, json, e);
}

bool api_recipe(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return request_no_params(r, e) && answer_recipe(h, r->args.text[0], 200, a, e);
}

/* A stop between the store's commit and the journal's leaves a stored recipe that the journal has never heard of; when
 * it is brought again it is new to the journal. */
static bool record(struct http *h, const struct stored_recipe *recipe, enum store_outcome outcome,
    struct inbox_key *key, const struct who *who, struct err *e)
{
	bool known, revoked;
	if (!journal_recipe(h->reader, recipe->sha256_text, &known, &revoked, e))
		return false;
	key->status = known ? 200 : 201;
	return inbox_record(h->o.journal, recipe, known ? outcome : STORE_NEW, key, who, e);
}

/* The body's digest, and what this request was answered with before. */
static bool look_at_key(
    struct http *h, struct request *r, char digest[2 * SHA256_SIZE + 1], struct request_key *before, struct err *e)
{
	struct digest run;
	*before = (struct request_key){ .seq = 0 };
	if (!r->idempotency_key)
		return true;
	if (!digest_finish(&r->hash, &run, e))
		return false;
	hex_encode(digest, run.sha256, SHA256_SIZE);
	return key_before(h, r->idempotency_key, digest, before, e);
}

bool api_recipe_add(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct stored_recipe *recipe = NULL;
	enum store_outcome outcome;
	char digest[2 * SHA256_SIZE + 1];
	struct request_key before;
	struct store_intake *intake = r->intake;
	if (!request_no_params(r, e) || !look_at_key(h, r, digest, &before, e))
		return false;
	r->intake = NULL;
	if (!recipe_store_commit(intake, journal_station_time(h->o.journal), &outcome, &recipe, e)) {
		log_warn("http: a recipe is refused: %s: %s", code_name(e->code), e->msg);
		return false;
	}
	struct inbox_key key = { before.seq ? NULL : r->idempotency_key, digest, 0 };
	bool done = record(h, recipe, outcome, &key, &r->caller.who, e);
	unsigned status = before.seq ? before.status : key.status;
	done = done && answer_recipe(h, recipe->sha256_text, status, a, e);
	if (done && status == 201)
		snprintf(a->location, sizeof a->location, API "/recipes/%s", recipe->sha256_text);
	stored_recipe_drop(recipe);
	return done;
}

/* --- revoking ----------------------------------------------------------------------------------------------------- */

static bool write_revoked(struct http *h, const char *sha256, const char *reason, const struct who *who, struct err *e)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "sha256", sha256);
	json_add_string(body, "reason", reason);
	who_add(body, who);
	return journal_write(h->o.journal, KIND_RECIPE_REVOKED, body, e);
}

/* From the row's commit on no camera is admitted with this recipe and no batch opened; one that is being programmed
 * goes on. */
bool api_recipe_revoke(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "reason", NULL };
	const char *sha256 = r->args.text[0], *reason = NULL;
	bool known, revoked;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) ||
	    (json_member(body, "reason") && !json_string_or_null(body, "reason", &reason, e)) ||
	    (reason && !label_valid("reason", reason, e)) || !journal_recipe(h->reader, sha256, &known, &revoked, e))
		return false;
	if (!known)
		return err_set(e, CODE_NOT_FOUND, "there is no recipe %s", sha256);
	if (revoked)
		return err_set(e, CODE_CONFLICT, "the recipe is revoked already");
	return write_revoked(h, sha256, reason, &r->caller.who, e) && answer_recipe(h, sha256, 200, a, e);
}
