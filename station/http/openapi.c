/* The API's own description, as it stands in openapi.json; a test holds it against the table of routes. */
#include "http/api.h"

static const char document[] = ""
#include "openapi.inc"
    ;

bool api_openapi(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	(void)h;
	if (!request_no_params(r, e))
		return false;
	a->status = 200;
	a->type = TYPE_JSON;
	a->asset = span_of(document, sizeof document - 1);
	return true;
}
