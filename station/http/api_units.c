/* What the journal knows: attempts, units, figures; and the one thing that can be told to it, a unit's serial. */
#include "http/api.h"

#include "format/json.h"
#include "http/params.h"
#include "journal/kinds.h"
#include "journal/lookup.h"

#include <stdlib.h>
#include <string.h>

bool answer_list(struct http *h, const struct request *r, query_list *list, struct answer *a, struct err *e)
{
	struct list_filter filter;
	char *json = NULL;
	return params_read(&r->uri, r->params, &filter, e) && list(h->reader, &filter.query, &json, e) &&
	       answer_text(a, 200, TYPE_JSON, json, e);
}

int64_t request_id(const struct request *r, unsigned arg)
{
	return strtoll(r->args.text[arg], NULL, 10);
}

bool api_attempts(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_attempts, a, e);
}

bool api_stats(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_stats, a, e);
}

bool api_units(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_units, a, e);
}

bool api_attempt(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	char *json = NULL;
	if (!request_no_params(r, e))
		return false;
	if (!query_attempt(h->reader, request_id(r, 0), &json, e))
		return e->code == CODE_NOT_FOUND ? err_set(e, CODE_NOT_FOUND, "there is no attempt %s", r->args.text[0])
						 : false;
	return answer_text(a, 200, TYPE_JSON, json, e);
}

/* Several units of one serial: a list to choose from, as a list always looks. */
static bool answer_several(struct answer *a, char *array, struct err *e)
{
	AUTO_FREE char *owned = array;
	char *json = NULL;
	if (asprintf(&json, "{\"items\":%s,\"next\":null}", owned) < 0)
		json = NULL;
	return answer_text(a, 300, TYPE_JSON, json, e);
}

/* A UID as USB shows it, in capitals: the name in small letters, when it is one. */
static bool lower_hex(const char *name, char out[25])
{
	size_t n = strlen(name);
	if (n > 24 || strspn(name, "0123456789ABCDEFabcdef") != n)
		return false;
	for (size_t i = 0; i <= n; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'F' ? name[i] + 'a' - 'A' : name[i]);
	return true;
}

bool find_unit(struct http *h, const char *name, char **json, unsigned *found, struct err *e)
{
	char lower[25];
	struct err why = ERR_INIT;
	if (query_unit(h->reader, name, json, found, &why))
		return true;
	if (why.code == CODE_NOT_FOUND && lower_hex(name, lower))
		return query_unit(h->reader, lower, json, found, e);
	*e = why;
	return false;
}

bool api_unit(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	char *json = NULL;
	unsigned found = 0;
	if (!request_no_params(r, e))
		return false;
	if (!find_unit(h, r->args.text[0], &json, &found, e))
		return e->code == CODE_NOT_FOUND
			   ? err_set(e, CODE_NOT_FOUND, "no unit has the UID or serial %.64s", r->args.text[0])
			   : false;
	return found > 1 ? answer_several(a, json, e) : answer_text(a, 200, TYPE_JSON, json, e);
}

/* --- serials ------------------------------------------------------------------------------------------------------ */

bool label_valid(const char *name, const char *text, struct err *e)
{
	size_t size = strlen(text);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			size = 0;
	return (size >= 1 && size <= LABEL_MAX) ||
	       err_set(e, CODE_BAD_REQUEST, "%s must have 1 to %d bytes and no control characters", name, LABEL_MAX);
}

static bool answer_unit(struct http *h, const char *uid, struct answer *a, struct err *e)
{
	char *json = NULL;
	unsigned found;
	return query_unit(h->reader, uid, &json, &found, e) && answer_text(a, 200, TYPE_JSON, json, e);
}

/* Binds the product's serial to a unit, null unbinds.  Repeating it changes nothing and writes nothing. */
bool api_unit_serial(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "serial", NULL };
	const char *uid = r->args.text[0], *serial;
	struct journal_unit unit;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !json_string_or_null(body, "serial", &serial, e) ||
	    (serial && !label_valid("serial", serial, e)) || !journal_unit(h->reader, uid, &unit, e))
		return false;
	if (!unit.known)
		return err_set(e, CODE_NOT_FOUND, "no unit has the UID %.64s", uid);
	if (key_done(r))
		return answer_unit(h, uid, a, e);
	if (!strcmp(unit.serial, serial ? serial : ""))
		return key_keep(h, r, e) && answer_unit(h, uid, a, e);
	struct cJSON *row = json_new_object();
	json_add_string(row, "uid", uid);
	json_add_string(row, "serial", serial);
	who_add(row, &r->caller.who);
	int64_t seq;
	return line_write_number(h->o.line, KIND_UNIT_SERIAL, row, &seq, e) && answer_unit(h, uid, a, e);
}
