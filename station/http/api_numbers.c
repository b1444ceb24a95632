/* Serials and MAC numbers: the pool, and what is scanned for the next unit. */
#include "http/api.h"

#include "base/hex.h"
#include "base/number.h"
#include "format/json.h"
#include "http/params.h"
#include "journal/kinds.h"
#include "journal/numbers.h"

#include <stdlib.h>
#include <string.h>

#define MOST 10000 /* numbers in one request */

bool api_numbers(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_numbers, a, e);
}

bool api_number_counts(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	char *json = NULL;
	return request_no_params(r, e) && query_number_counts(h->reader, &json, e) &&
	       answer_text(a, 200, TYPE_JSON, json, e);
}

static bool kind_valid(const char *kind, struct err *e)
{
	return !strcmp(kind, "serial") || !strcmp(kind, "mac") ||
	       err_set(e, CODE_BAD_REQUEST, "kind must be serial or mac");
}

/* The row's list; NULL with *e when one of them is none. */
static bool copy_values(const struct cJSON *values, struct cJSON *numbers, struct err *e)
{
	unsigned count = 0;
	for (const struct cJSON *v = json_first(values); v; v = json_after(v)) {
		if (!number_valid(json_text(v), e))
			return false;
		if (++count > MOST)
			return err_set(e, CODE_BAD_REQUEST, "at most %d numbers in one request", MOST);
		json_add_string(json_add_object(numbers, NULL), "value", json_text(v));
	}
	return count || err_set(e, CODE_BAD_REQUEST, "values must name at least one number");
}

static bool answer_added(struct http *h, int64_t seq, unsigned status, struct answer *a, struct err *e)
{
	char *json = NULL;
	return query_numbers_added(h->reader, seq, &json, e) && answer_text(a, status, TYPE_JSON, json, e);
}

static bool add(struct http *h, const struct request *r, const char *digest, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "kind", "values", NULL };
	const char *kind;
	const struct cJSON *values;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !json_string(body, "kind", &kind, e) || !kind_valid(kind, e) ||
	    !json_array(body, "values", &values, e))
		return false;
	struct cJSON *row = json_new_object();
	json_add_string(row, "number_kind", kind);
	if (!copy_values(values, json_add_array(row, "numbers"), e)) {
		json_free(row);
		return false;
	}
	key_fill(row, r->idempotency_key, digest, 201);
	who_add(row, &r->caller.who);
	int64_t seq = journal_write(h->o.journal, KIND_NUMBERS_ADDED, row, e);
	return seq && answer_added(h, seq, 201, a, e);
}

bool api_numbers_add(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct request_key before = { .seq = 0 };
	struct digest digest;
	char text[2 * SHA256_SIZE + 1] = "";
	if (!request_no_params(r, e))
		return false;
	if (r->idempotency_key) { /* before the body is looked at: whatever it is, it is the same as before or another
				     one */
		if (!key_valid(r->idempotency_key, e) || !keys_hold(&h->keys, &r->key, r->idempotency_key, e) ||
		    !digest_of(r->body, &digest, e))
			return false;
		hex_encode(text, digest.sha256, SHA256_SIZE);
		if (!key_before(h, r->idempotency_key, text, &before, e))
			return false;
	}
	return before.seq ? answer_added(h, before.seq, before.status, a, e) : add(h, r, text, a, e);
}

static bool answer_void(const char *kind, const char *value, struct answer *a, struct err *e)
{
	struct cJSON *json = json_new_object();
	json_add_string(json, "kind", kind);
	json_add_string(json, "value", value);
	json_add_string(json, "state", "void");
	return answer_json(a, 200, json, e);
}

bool api_number_void(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "kind", "value", "reason", NULL };
	const char *kind, *value, *reason = NULL;
	int64_t seq;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !json_string(body, "kind", &kind, e) || !kind_valid(kind, e) ||
	    !json_string(body, "value", &value, e) || !number_valid(value, e) ||
	    (json_member(body, "reason") && !json_string_or_null(body, "reason", &reason, e)) ||
	    (reason && !label_valid("reason", reason, e)))
		return false;
	if (key_done(r))
		return answer_void(kind, value, a, e);
	struct cJSON *row = json_new_object();
	json_add_string(row, "number_kind", kind);
	json_add_string(row, "value", value);
	json_add_string(row, "reason", reason);
	who_add(row, &r->caller.who);
	if (!line_write_number(h->o.line, KIND_NUMBER_VOIDED, row, &seq, e))
		return false;
	return answer_void(kind, value, a, e);
}

/* --- scanning ----------------------------------------------------------------------------------------------------- */

/* What was scanned is in memory only, until an attempt takes it.  Its key stands in a row of its own, unless the scan
 * started the camera that waited for it: then in the row of that order. */
static bool keep_scan(struct http *h, const struct request *r, struct err *e)
{
	const struct who *who = &r->caller.who;
	struct request_key now = { .seq = 0 };
	if (*who->key && !key_before(h, who->key, who->request, &now, e))
		return false;
	return now.seq > r->before.seq || key_keep(h, r, e);
}

static bool scan(struct http *h, const struct request *r, unsigned slot, struct err *e)
{
	static const char *const keys[] = { "serial", NULL };
	const char *serial;
	bool done;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !json_string_or_null(body, "serial", &serial, e) ||
	    (serial && !number_valid(serial, e)) || !key_ordered(h, r, slot, &done, e))
		return false;
	return done || (line_scan(h->o.line, slot, serial, &r->caller.who, e) && keep_scan(h, r, e));
}

bool api_slot_serial(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	unsigned slot = (unsigned)strtoul(r->args.text[0], NULL, 10);
	return scan(h, r, slot, e) && answer_slot(h, slot, a, e);
}

bool api_scan(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	if (!scan(h, r, 0, e))
		return false;
	struct cJSON *json = json_new_object();
	json_add_integer(json, "seconds", LINE_SCAN_MS / 1000);
	return answer_json(a, 200, json, e);
}
