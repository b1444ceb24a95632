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
#include <string.h>

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
	struct journal_recipe known;
	if (!journal_recipe(h->reader, recipe->sha256_text, &known, e))
		return false;
	key->status = known.known ? 200 : 201;
	return inbox_record(h->o.journal, recipe, known.known ? outcome : STORE_NEW, key, who, h->o.approvals, e);
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

/* --- its life ----------------------------------------------------------------------------------------------------- */

/* What is asked of a recipe: who says so, and why. */
struct word {
	const char *sha256, *reason;
	struct who who;
	struct journal_recipe now;
};

/* by: where nobody logs in, whoever asks says who he is; a login's word is not for others to say. */
static bool read_by(const struct cJSON *body, const struct request *r, struct word *w, struct err *e)
{
	const char *by = NULL;
	w->who = r->caller.who;
	if ((json_member(body, "by") && !json_string_or_null(body, "by", &by, e)) || (by && !label_valid("by", by, e)))
		return false;
	if (by && *w->who.by && strcmp(by, w->who.by) != 0)
		return err_set(e, CODE_CONFLICT, "it is %.64s who says so", w->who.by);
	if (by)
		snprintf(w->who.by, sizeof w->who.by, "%s", by);
	return true;
}

static bool read_word(struct http *h, struct request *r, struct cJSON *body, struct word *w, struct err *e)
{
	*w = (struct word){ .sha256 = r->args.text[0] };
	if (!body || !request_no_params(r, e) ||
	    (json_member(body, "reason") && !json_string_or_null(body, "reason", &w->reason, e)) ||
	    (w->reason && !label_valid("reason", w->reason, e)) || !read_by(body, r, w, e) ||
	    !journal_recipe(h->reader, w->sha256, &w->now, e))
		return false;
	if (!w->now.known)
		return err_set(e, CODE_NOT_FOUND, "there is no recipe %s", w->sha256);
	return key_done(r) || !w->now.revoked || err_set(e, CODE_CONFLICT, "the recipe is revoked already");
}

/* state, with_reason: fields that the kind has. */
static bool write_word(
    struct http *h, const struct word *w, const char *kind, const char *state, bool with_reason, struct err *e)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "sha256", w->sha256);
	if (state)
		json_add_string(body, "state", state);
	if (with_reason)
		json_add_string(body, "reason", w->reason);
	who_add(body, &w->who);
	return journal_write(h->o.journal, kind, body, e);
}

/* From the row's commit on no camera is admitted with this recipe and no batch opened; one that is being programmed
 * goes on.  The same holds for a recipe that is retired. */
bool api_recipe_revoke(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "reason", "by", NULL };
	struct word w;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	return read_word(h, r, body, &w, e) && (key_done(r) || write_word(h, &w, KIND_RECIPE_REVOKED, NULL, true, e)) &&
	       answer_recipe(h, w.sha256, 200, a, e);
}

/* One person's approval.  The journal takes each person once: a second one of the same is refused by it. */
bool api_recipe_approve(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "by", NULL };
	struct word w;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!read_word(h, r, body, &w, e))
		return false;
	if (key_done(r))
		return answer_recipe(h, w.sha256, 200, a, e);
	if (strcmp(w.now.state, "draft") != 0)
		return err_set(e, CODE_CONFLICT, "only a draft is approved; the recipe is %s", w.now.state);
	if (h->o.approvals > 1 && !*w.who.by)
		return err_set(e, CODE_CONFLICT, "two people must approve, so each must say who it is");
	const char *state = w.now.approvals + 1 >= h->o.approvals ? "approved" : "draft";
	if (!write_word(h, &w, KIND_RECIPE_APPROVED, state, false, e))
		return e->code == CODE_CONFLICT ? err_set(e, CODE_CONFLICT, "%.64s has approved it already",
						      *w.who.by ? w.who.by : "somebody")
						: false;
	return answer_recipe(h, w.sha256, 200, a, e);
}

bool api_recipe_activate(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "by", NULL };
	struct word w;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!read_word(h, r, body, &w, e))
		return false;
	if (key_done(r))
		return answer_recipe(h, w.sha256, 200, a, e);
	if (!strcmp(w.now.state, "active"))
		return err_set(e, CODE_CONFLICT, "the recipe is active already");
	if (!strcmp(w.now.state, "draft"))
		return err_set(e, CODE_CONFLICT, "the recipe has %lld of %u approvals", (long long)w.now.approvals,
		    h->o.approvals);
	return write_word(h, &w, KIND_RECIPE_ACTIVATED, NULL, false, e) && answer_recipe(h, w.sha256, 200, a, e);
}

bool api_recipe_retire(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "reason", "by", NULL };
	struct word w;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!read_word(h, r, body, &w, e))
		return false;
	if (key_done(r))
		return answer_recipe(h, w.sha256, 200, a, e);
	if (strcmp(w.now.state, "active") != 0 && strcmp(w.now.state, "approved") != 0)
		return err_set(e, CODE_CONFLICT, "a recipe that is %s is not retired", w.now.state);
	return write_word(h, &w, KIND_RECIPE_RETIRED, NULL, true, e) && answer_recipe(h, w.sha256, 200, a, e);
}
