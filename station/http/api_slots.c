/* Slots: what they show, and what a person may tell them. */
#include "http/api.h"

#include "base/timefmt.h"
#include "format/json.h"
#include "http/params.h"
#include "journal/lookup.h"

#include <stdlib.h>
#include <string.h>

struct slot_list *slots_now(struct line *l, struct err *e)
{
	struct slot_list *list = malloc(sizeof *list);
	if (!list) {
		err_set(e, CODE_NO_MEMORY, "no memory for the slots");
		return NULL;
	}
	unsigned count = line_slots(l, list->slots, LINE_MAX_SLOTS);
	list->count = count < LINE_MAX_SLOTS ? count : LINE_MAX_SLOTS;
	return list;
}

bool slot_has_code(const struct slot_view *v)
{
	return v->verdict != VERDICT_NONE || v->code != CODE_OK;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

void slot_fill(struct cJSON *json, const struct slot_view *v, const char *serial)
{
	char since[TIME_TEXT_SIZE];
	bool code = slot_has_code(v), deployed = v->deploy && v->code == CODE_OK;
	time_format(since, v->since);
	json_add_integer(json, "slot", v->slot);
	json_add_string(json, "name", v->name);
	json_add_string(json, "path", v->path);
	json_add_bool(json, "enabled", v->enabled);
	json_add_string(json, "state", unit_state_name(v->state));
	json_add_string(json, "uid", or_null(v->uid));
	json_add_string(json, "serial", or_null(serial));
	json_add_string(json, "scanned", or_null(v->scanned));
	json_add_string(json, "attempt", or_null(v->attempt));
	json_add_string(json, "batch", or_null(v->batch));
	json_add_string(json, "kind", !*v->uid && !*v->attempt ? NULL : v->deploy ? "deploy" : "program");
	json_add_string(json, "permit", v->permit);
	json_add_string(json, "camera", v->camera ? or_null(v->camera) : NULL);
	json_add_string(json, "board", or_null(v->camera_board));
	json_add_string(json, "step", v->step ? or_null(v->step) : NULL);
	json_add_integer(json, "done_bytes", (int64_t)v->done_bytes);
	json_add_integer(json, "total_bytes", (int64_t)v->total_bytes);
	json_add_string(json, "verdict", v->verdict == VERDICT_NONE ? NULL : verdict_name(v->verdict));
	json_add_string(json, "code", code ? code_name(v->code) : NULL);
	json_add_string(json, "message", *v->message ? v->message : code ? code_sentence(v->code) : NULL);
	json_add_string(json, "action", !code ? NULL : deployed ? DEPLOYED_ACTION : code_action(v->code));
	json_add_string(json, "since", v->since > 0 ? since : NULL);
}

/* The serial is the journal's to know; an unknown unit has none. */
static bool add_slot(struct http *h, struct cJSON *json, const struct slot_view *v, struct err *e)
{
	struct journal_unit unit = { .serial = "" };
	if (*v->uid && !journal_unit(h->reader, v->uid, &unit, e))
		return false;
	slot_fill(json, v, unit.serial);
	return true;
}

static struct cJSON *page_of(struct http *h, const struct slot_list *list, const struct query_filter *f, struct err *e)
{
	unsigned limit = f->limit ? f->limit : QUERY_LIMIT, n = 0, i = 0;
	struct cJSON *json = json_new_object();
	struct cJSON *items = json_add_array(json, "items");
	while (i < list->count && list->slots[i].slot <= f->cursor)
		i++;
	for (; i < list->count && n < limit; i++, n++) {
		if (add_slot(h, json_add_object(items, NULL), &list->slots[i], e))
			continue;
		json_free(json);
		return NULL;
	}
	if (i < list->count)
		json_add_u64_text(json, "next", list->slots[i - 1].slot);
	else
		json_add_null(json, "next");
	return json;
}

bool api_slots(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct list_filter filter;
	if (!params_read(&r->uri, r->params, &filter, e))
		return false;
	struct slot_list *list = slots_now(h->o.line, e);
	struct cJSON *json = list ? page_of(h, list, &filter.query, e) : NULL;
	free(list);
	return json && answer_json(a, 200, json, e);
}

static unsigned slot_number(const struct request *r)
{
	return (unsigned)strtoul(r->args.text[0], NULL, 10);
}

struct cJSON *slot_object(struct http *h, unsigned number, struct err *e)
{
	struct slot_list *list = slots_now(h->o.line, e);
	if (!list)
		return NULL;
	unsigned i = 0;
	while (i < list->count && list->slots[i].slot != number)
		i++;
	struct cJSON *json = NULL;
	if (i == list->count)
		err_set(e, CODE_NOT_FOUND, "there is no slot %u", number);
	else
		json = json_new_object();
	if (!json && e->code == CODE_OK)
		err_set(e, CODE_NO_MEMORY, "no memory for the answer");
	bool ok = json && add_slot(h, json, &list->slots[i], e);
	free(list);
	if (ok)
		return json;
	json_free(json);
	return NULL;
}

bool answer_slot(struct http *h, unsigned number, struct answer *a, struct err *e)
{
	struct cJSON *json = slot_object(h, number, e);
	return json && answer_json(a, 200, json, e);
}

bool api_slot(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return request_no_params(r, e) && answer_slot(h, slot_number(r), a, e);
}

/* The answer is the slot as it is now: the order is taken, what it leads to shows in the slot's state. */
static bool order_slot(struct http *h, const struct request *r, enum slot_order order, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	unsigned number = slot_number(r);
	bool done = key_done(r);
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || (order == SLOT_RETRY && !key_ordered(h, r, number, &done, e)))
		return false;
	return (done || line_order(h->o.line, number, order, &r->caller.who, e)) && answer_slot(h, number, a, e);
}

bool api_slot_retry(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return order_slot(h, r, SLOT_RETRY, a, e);
}

bool api_slot_abort(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return order_slot(h, r, SLOT_ABORT, a, e);
}

bool api_slot_enable(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return order_slot(h, r, SLOT_ENABLE, a, e);
}

bool api_slot_disable(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return order_slot(h, r, SLOT_DISABLE, a, e);
}
