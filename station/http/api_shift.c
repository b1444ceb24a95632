/* Shifts, and labels that are printed once more. */
#include "http/api.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "line/label.h"
#include "line/shift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The newest shift, with what it is now. */
static bool answer_shift(struct http *h, unsigned status, struct answer *a, struct err *e)
{
	char *shift = NULL, *json = NULL;
	enum shift_state state;
	struct err why = ERR_INIT;
	if (!shift_look(h->reader, h->o.challenge, journal_station_time(h->o.journal), &state, NULL, e))
		return false;
	if (!query_shift(h->reader, &shift, &why) && why.code != CODE_NOT_FOUND) {
		*e = why;
		return false;
	}
	if (asprintf(&json, "{\"state\":\"%s\",\"shift\":%s}", shift_state_name(state), shift ? shift : "null") < 0)
		json = NULL;
	free(shift);
	return answer_text(a, status, TYPE_JSON, json, e);
}

bool api_shift(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return request_no_params(r, e) && answer_shift(h, 200, a, e);
}

static struct cJSON *started_body(const struct challenge_list *list, const struct who *who)
{
	struct cJSON *body = json_new_object();
	json_add_integer(body, "hours", list->hours);
	struct cJSON *units = json_add_array(body, "units");
	for (unsigned i = 0; i < list->count; i++) {
		const struct challenge *c = &list->units[i];
		struct cJSON *unit = json_add_object(units, NULL);
		json_add_string(unit, "uid", c->uid[0] ? c->uid : NULL);
		json_add_string(unit, "serial", c->serial[0] ? c->serial : NULL);
		json_add_string(unit, "verdict", verdict_name(c->verdict));
		json_add_string(unit, "code", code_name(c->code));
	}
	who_add(body, who);
	return body;
}

static bool order_shift(struct http *h, const struct request *r, bool begin, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	enum shift_state state;
	struct journal_shift shift = { .id = 0 };
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) ||
	    !shift_look(h->reader, h->o.challenge, journal_station_time(h->o.journal), &state, &shift, e))
		return false;
	if (key_done(r))
		return answer_shift(h, 200, a, e);
	if (state == SHIFT_OFF)
		return err_set(e, CODE_CONFLICT, "no [shift] challenge is configured");
	if (begin == (state != SHIFT_NONE))
		return err_set(e, CODE_CONFLICT, begin ? "a shift is under way" : "no shift is under way");
	struct cJSON *row = begin ? started_body(h->o.challenge, &r->caller.who) : json_new_object();
	if (!begin) {
		json_add_u64_text(row, "shift", (uint64_t)shift.id);
		who_add(row, &r->caller.who);
	}
	return journal_write(h->o.journal, begin ? KIND_SHIFT_STARTED : KIND_SHIFT_ENDED, row, e) &&
	       answer_shift(h, 200, a, e);
}

bool api_shift_start(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return order_shift(h, r, true, a, e);
}

bool api_shift_end(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return order_shift(h, r, false, a, e);
}

/* --- labels ------------------------------------------------------------------------------------------------------- */

static bool has_passed(const char *text, struct err *e)
{
	const char *verdict = NULL, *kind = NULL;
	AUTO_JSON struct cJSON *json = json_parse(span_of(text, strlen(text)), e);
	if (!json)
		return false;
	bool passed = json_string(json, "verdict", &verdict, NULL) && !strcmp(verdict, "PASS") &&
		      json_string(json, "kind", &kind, NULL) && !strcmp(kind, "program");
	return passed || err_set(e, CODE_CONFLICT, "only an attempt of a batch that passed has a label");
}

/* The key stands in a row of its own before the label is printed; a label that the station's stop took from the queue
 * is printed by the repeat. */
static bool print_label(struct http *h, const struct request *r, const char *reason, struct err *e)
{
	bool done;
	struct who who = r->caller.who;
	who.key[0] = '\0';
	if (!key_labelled(h, r, request_id(r, 0), &done, e) || done)
		return done;
	return (!h->o.labels || key_keep(h, r, e)) && label_print(h->o.labels, request_id(r, 0), reason, &who, e);
}

/* The answer is the attempt as it is; what comes of the label shows in it later. */
bool api_attempt_label(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "reason", NULL };
	const char *reason;
	char *json = NULL;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !json_string(body, "reason", &reason, e) ||
	    !label_valid("reason", reason, e))
		return false;
	if (!query_attempt(h->reader, request_id(r, 0), &json, e))
		return e->code == CODE_NOT_FOUND ? err_set(e, CODE_NOT_FOUND, "there is no attempt %s", r->args.text[0])
						 : false;
	if (!has_passed(json, e) || !print_label(h, r, reason, e)) {
		free(json);
		return false;
	}
	return answer_text(a, 200, TYPE_JSON, json, e);
}
