/* How telling the MES goes, and what it would not take. */
#include "http/api.h"

#include "base/timefmt.h"
#include "format/json.h"
#include "http/params.h"
#include "journal/kinds.h"
#include "journal/told.h"

static void add_time(struct cJSON *json, const char *key, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms > 0)
		time_format(text, ms);
	json_add_string(json, key, ms > 0 ? text : NULL);
}

void mes_fill(struct cJSON *json, struct http *h)
{
	static const char *const states[] = { "idle", "sending", "waiting" };
	struct outbox_view v = { .told = 0 };
	struct outbox *o = h->o.mes->outbox;
	if (o)
		outbox_look(o, &v);
	json_add_string(json, "state", o ? states[v.state] : "off");
	json_add_u64_text(json, "told", (uint64_t)v.told);
	json_add_integer(json, "behind_rows", v.behind_rows);
	json_add_integer(json, "behind_ms", v.behind_ms);
	json_add_integer(json, "parked", v.parked);
	json_add_integer(json, "taken", v.taken);
	json_add_integer(json, "failed", v.failed);
	add_time(json, "next_try", v.next_try);
	json_add_string(json, "last_error", v.last_error[0] ? v.last_error : NULL);
	json_add_bool(json, "interlock", mes_permits(h->o.mes) != NULL);
}

static bool answer_mes(struct http *h, struct answer *a, struct err *e)
{
	struct cJSON *json = json_new_object();
	mes_fill(json, h);
	return answer_json(a, 200, json, e);
}

bool api_mes(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return request_no_params(r, e) && answer_mes(h, a, e);
}

bool api_mes_parked(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_parked, a, e);
}

bool api_mes_resend(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e))
		return false;
	if (!h->o.mes->outbox)
		return err_set(e, CODE_CONFLICT, "no webhook is configured");
	outbox_resend(h->o.mes->outbox);
	return answer_mes(h, a, e);
}

bool api_mes_drop(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	bool has;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !query_parked_has(h->reader, request_id(r, 0), &has, e))
		return false;
	if (key_done(r))
		return answer_mes(h, a, e);
	if (!has)
		return err_set(e, CODE_NOT_FOUND, "no event of row %s is parked", r->args.text[0]);
	struct cJSON *row = json_new_object();
	json_add_string(row, "row", r->args.text[0]);
	json_add_string(row, "outcome", "dropped");
	who_add(row, &r->caller.who);
	return journal_write(h->o.journal, KIND_MES_RESOLVED, row, e) && answer_mes(h, a, e);
}
