/* Recipes: intake by upload, and what the journal knows of them. */
#include "http/api.h"

#include "format/json.h"
#include "http/params.h"
#include "journal/lookup.h"
#include "line/inbox.h"
#include "os/log.h"

#include <stdio.h>

bool api_recipes(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, "board recipe from to limit cursor", query_recipes, a, e);
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
static bool record(struct http *h, const struct stored_recipe *recipe, enum store_outcome outcome, struct err *e)
{
	bool known, revoked;
	if (!journal_recipe(h->reader, recipe->sha256_text, &known, &revoked, e))
		return false;
	return inbox_record(h->o.journal, recipe, known ? outcome : STORE_NEW, NULL, e);
}

bool api_recipe_add(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct stored_recipe *recipe = NULL;
	enum store_outcome outcome;
	struct store_intake *intake = r->intake;
	if (!request_no_params(r, e))
		return false;
	r->intake = NULL;
	if (!recipe_store_commit(intake, journal_station_time(h->o.journal), &outcome, &recipe, e)) {
		log_warn("http: a recipe is refused: %s: %s", code_name(e->code), e->msg);
		return false;
	}
	bool done = record(h, recipe, outcome, e) &&
		    answer_recipe(h, recipe->sha256_text, outcome == STORE_NEW ? 201 : 200, a, e);
	if (done && outcome == STORE_NEW)
		snprintf(a->location, sizeof a->location, API "/recipes/%s", recipe->sha256_text);
	stored_recipe_drop(recipe);
	return done;
}
