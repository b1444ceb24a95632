/* Records for people and for those who do not trust us: the search, a unit's log as text, an attempt's proof. */
#include "http/api.h"

#include "format/json.h"
#include "http/unit_log.h"
#include "journal/journal.h"
#include "journal/proof.h"
#include "os/clock.h"
#include "os/text_out.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIGN_WAIT_MS 3000 /* for a checkpoint that was asked for */
#define SIGN_LOOK_MS 20

/* --- search ------------------------------------------------------------------------------------------------------- */

bool api_search(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	const char *text = uri_param(&r->uri, "q");
	char *json = NULL;
	for (unsigned i = 0; i < r->uri.param_count; i++)
		if (strcmp(r->uri.params[i].name, "q") != 0)
			return err_set(
			    e, CODE_BAD_REQUEST, "there is no parameter '%.32s' here", r->uri.params[i].name);
	if (!text)
		return err_set(e, CODE_BAD_REQUEST, "what is searched for is missing: ?q=");
	return label_valid("q", text, e) && query_search(h->reader, text, &json, e) &&
	       answer_text(a, 200, TYPE_JSON, json, e);
}

/* --- a unit's log ------------------------------------------------------------------------------------------------- */

/* NULL when there is none; what is not known is not said. */
static struct cJSON *recipe_of(struct http *h, const struct cJSON *attempt)
{
	const char *sha256;
	char *text = NULL;
	struct err why = ERR_INIT;
	if (!json_string_or_null(attempt, "recipe", &sha256, NULL) || !sha256 ||
	    !query_recipe(h->reader, sha256, &text, &why))
		return NULL;
	struct cJSON *recipe = json_parse(span_of(text, strlen(text)), &why);
	free(text);
	return recipe;
}

static void put_attempts(struct http *h, const struct cJSON *unit, FILE *out)
{
	const struct cJSON *attempts;
	if (!json_array(unit, "attempts", &attempts, NULL))
		return;
	for (const struct cJSON *i = json_first(attempts); i; i = json_after(i)) {
		AUTO_JSON struct cJSON *recipe = recipe_of(h, i);
		unit_log_attempt(i, recipe, out);
	}
}

bool api_unit_log(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	AUTO_FREE char *json = NULL;
	unsigned found = 0;
	struct text_out text;
	if (!request_no_params(r, e) || !find_unit(h, r->args.text[0], &json, &found, e))
		return false;
	if (found > 1)
		return err_set(e, CODE_CONFLICT, "%u units have this serial; name one by its UID", found);
	AUTO_JSON struct cJSON *unit = json_parse(span_of(json, strlen(json)), e);
	if (!unit)
		return false;
	FILE *out = text_begin(&text);
	if (out) {
		unit_log_head(unit, out);
		put_attempts(h, unit, out);
	}
	return answer_text(a, 200, TYPE_TEXT, text_end(&text, NULL), e);
}

/* --- the proof ---------------------------------------------------------------------------------------------------- */

/* An attempt that has just ended waits for its checkpoint, minutes at the most; whoever asks for the proof need not. */
bool api_proof(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	const struct timespec pause = { .tv_nsec = SIGN_LOOK_MS * 1000000L };
	int64_t until = clock_mono_ms() + SIGN_WAIT_MS;
	bool unsigned_yet, asked = false;
	char *json = NULL;
	if (!request_no_params(r, e))
		return false;
	while (!query_proof(h->reader, request_id(r, 0), &json, &unsigned_yet, e)) {
		if (!unsigned_yet || clock_mono_ms() >= until)
			return false;
		*e = (struct err)ERR_INIT;
		if (!asked)
			journal_checkpoint(h->o.journal);
		asked = true;
		nanosleep(&pause, NULL);
	}
	return answer_text(a, 200, TYPE_JSON, json, e);
}

/* --- a batch's report --------------------------------------------------------------------------------------------- */

bool api_batch_report(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	char *json = NULL;
	return request_no_params(r, e) && query_batch_report(h->reader, request_id(r, 0), &json, e) &&
	       answer_text(a, 200, TYPE_JSON, json, e);
}
