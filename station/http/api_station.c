/* Health, and the station as a whole. */
#include "http/api.h"

#include "base/timefmt.h"
#include "base/version.h"
#include "format/json.h"
#include "journal/journal.h"
#include "line/shift.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BATCHES 64

bool api_healthz(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	(void)h;
	struct cJSON *json = json_new_object();
	json_add_string(json, "status", "ok");
	if (request_no_params(r, e))
		return answer_json(a, 200, json, e);
	json_free(json);
	return false;
}

/* Ready is: the journal answers and nothing holds the station. */
bool api_readyz(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	int64_t newest;
	const char *fixed = NULL;
	enum code held = line_held(h->o.line);
	if (!request_no_params(r, e) || !query_newest(h->reader, &newest, e))
		return false;
	if (held != CODE_OK) {
		struct err why = { held, "" };
		answer_problem(a, 503, &why, &fixed);
		return a->body || err_set(e, CODE_NO_MEMORY, "no memory for the answer");
	}
	struct cJSON *json = json_new_object();
	json_add_string(json, "status", "ready");
	return answer_json(a, 200, json, e);
}

static void add_batches(struct cJSON *json, struct line *l)
{
	struct batch_view views[MAX_BATCHES];
	unsigned count = line_batches(l, views, MAX_BATCHES);
	struct cJSON *list = json_add_array(json, "batches");
	for (unsigned i = 0; i < count && i < MAX_BATCHES; i++) {
		const struct batch_view *b = &views[i];
		struct cJSON *item = json_add_object(list, NULL);
		json_add_string(item, "id", b->id);
		json_add_string(item, "order", b->order);
		json_add_string(item, "board", b->board);
		json_add_string(item, "recipe", b->recipe);
		json_add_integer(item, "quantity", b->quantity);
		json_add_integer(item, "passed", b->passed);
		json_add_integer(item, "running", b->running);
		json_add_string(item, "state", batch_state_name(b->state));
		json_add_string(item, "message", *b->reason ? b->reason : NULL);
	}
}

static bool add_picture(struct cJSON *json, struct line *l, struct err *e)
{
	struct slot_list *list = slots_now(l, e);
	if (!list)
		return false;
	struct cJSON *places = json_add_array(json, "picture");
	for (unsigned i = 0; i < list->count; i++) {
		const struct slot_view *v = &list->slots[i];
		if (v->x < 0)
			continue;
		struct cJSON *place = json_add_object(places, NULL);
		json_add_integer(place, "slot", v->slot);
		json_add_integer(place, "x", v->x);
		json_add_integer(place, "y", v->y);
	}
	free(list);
	return true;
}

/* Where serials and MAC numbers come from, whether labels are printed: screens leave out what is not used here. */
static void add_uses(struct cJSON *json, struct http *h)
{
	static const char *const ways[] = { "off", "pool", "mes", "scan" };
	struct cJSON *numbers = json_add_object(json, "numbers");
	json_add_string(numbers, "serial", ways[h->o.serials]);
	json_add_string(numbers, "mac", ways[h->o.macs]);
	json_add_bool(json, "labels", h->o.labels != NULL);
}

struct cJSON *station_object(struct http *h, struct err *e)
{
	char now[TIME_TEXT_SIZE];
	int64_t newest;
	int64_t at = journal_station_time(h->o.journal);
	enum shift_state shift;
	enum code held = line_held(h->o.line);
	if (!query_newest(h->reader, &newest, e) || !shift_look(h->reader, h->o.challenge, at, &shift, NULL, e))
		return NULL;
	time_format(now, at);
	struct cJSON *json = json_new_object();
	json_add_string(json, "name", h->station);
	json_add_string(json, "version", STATION_VERSION);
	json_add_string(json, "time", now);
	json_add_string(json, "state", held == CODE_OK ? "running" : "held");
	json_add_string(json, "code", held == CODE_OK ? NULL : code_name(held));
	json_add_string(json, "message", held == CODE_OK ? NULL : code_sentence(held));
	json_add_string(json, "action", held == CODE_OK ? NULL : code_action(held));
	json_add_integer(json, "slots", line_slots(h->o.line, NULL, 0));
	if (!add_picture(json, h->o.line, e)) {
		json_free(json);
		return NULL;
	}
	add_batches(json, h->o.line);
	json_add_u64_text(json, "journal", (uint64_t)newest);
	json_add_integer(json, "clock_behind_ms", journal_clock_lag(h->o.journal));
	mes_fill(json_add_object(json, "mes"), h);
	json_add_integer(json, "labels_waiting", labels_waiting(h->o.labels));
	json_add_string(json, "shift", shift_state_name(shift));
	add_uses(json, h);
	if (!json)
		err_set(e, CODE_NO_MEMORY, "no memory for the answer");
	return json;
}

static bool answer_station(struct http *h, struct answer *a, struct err *e)
{
	struct cJSON *json = station_object(h, e);
	return json && answer_json(a, 200, json, e);
}

bool api_station(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return request_no_params(r, e) && answer_station(h, a, e);
}

bool api_station_resume(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e))
		return false;
	if (key_done(r))
		return answer_station(h, a, e);
	if (line_held(h->o.line) == CODE_OK)
		return err_set(e, CODE_CONFLICT, "nothing holds the station");
	return line_resume(h->o.line, &r->caller.who, e) && answer_station(h, a, e);
}
