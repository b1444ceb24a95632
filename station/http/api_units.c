/* What the journal knows: attempts, units, figures. */
#include "http/api.h"

#include "format/json.h"
#include "http/params.h"

#include <stdlib.h>
#include <string.h>

#define PAGE " limit cursor"

bool answer_list(
    struct http *h, const struct request *r, const char *allowed, query_list *list, struct answer *a, struct err *e)
{
	struct list_filter filter;
	char *json = NULL;
	return params_read(&r->uri, allowed, &filter, e) && list(h->reader, &filter.query, &json, e) &&
	       answer_text(a, 200, TYPE_JSON, json, e);
}

int64_t request_id(const struct request *r, unsigned arg)
{
	return strtoll(r->args.text[arg], NULL, 10);
}

bool api_attempts(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, PARAMS_ATTEMPTS PAGE, query_attempts, a, e);
}

bool api_stats(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, PARAMS_ATTEMPTS, query_stats, a, e);
}

bool api_units(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, "uid serial board from to" PAGE, query_units, a, e);
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

bool api_unit(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	char *json = NULL;
	unsigned found = 0;
	if (!request_no_params(r, e))
		return false;
	if (!query_unit(h->reader, r->args.text[0], &json, &found, e))
		return e->code == CODE_NOT_FOUND
			   ? err_set(e, CODE_NOT_FOUND, "no unit has the UID or serial %.64s", r->args.text[0])
			   : false;
	return found > 1 ? answer_several(a, json, e) : answer_text(a, 200, TYPE_JSON, json, e);
}
