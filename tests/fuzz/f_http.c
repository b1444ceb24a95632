/* A request's head: the first line is the target, each further one a header.  Whatever is taken must stay within its
 * bounds and agree with itself. */
#include <stdlib.h>
#include <string.h>

#include "http/frames.h"
#include "http/guard.h"
#include "http/keys.h"
#include "http/params.h"
#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the journal is asked with is within its bounds. */
static void check_filter(const struct query_filter *f)
{
	int64_t ms;
	if (f->limit > QUERY_MAX_LIMIT || f->cursor < 0 || f->batch < 0 || f->slot < 0 || f->slot > 9999 ||
	    (f->from && !time_parse(f->from, &ms)) || (f->to && !time_parse(f->to, &ms)))
		abort();
}

/* A stream begins within the journal, and behind nothing that was asked for. */
static void look_at_resume(const char *last)
{
	const int64_t newest = 123456;
	bool reset;
	int64_t from = events_resume(last, newest, &reset);
	if (from < 0 || from > newest || newest - from > EVENTS_BEHIND || (reset && from != newest))
		abort();
}

static void look_at_target(const char *target)
{
	static const char every[] =
	    "serial uid order recipe operator verdict code board state batch cursor slot limit from to";
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT" };
	struct uri u;
	struct err e = ERR_INIT;
	struct list_filter f;
	if (!uri_parse(target, &u, &e)) {
		if (e.code == CODE_OK || !*e.msg)
			abort();
		return;
	}
	for (unsigned i = 0; i < u.segment_count; i++)
		if (u.segments[i] < u.text || u.segments[i] + strlen(u.segments[i]) >= u.text + sizeof u.text)
			abort();
	for (unsigned i = 0; i < u.param_count; i++)
		if (uri_param(&u, u.params[i].name) != u.params[i].value)
			abort();
	if (params_read(&u, every, &f, &e))
		check_filter(&f.query);
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		struct route_args args;
		char allow[ROUTE_ALLOW];
		struct err why = ERR_INIT;
		const struct route *r = route_find(http_routes, methods[i], &u, &args, allow, &why);
		if ((r && args.count > ROUTE_ARGS) || (!r && why.code == CODE_OK))
			abort();
		if (r && r->params)
			params_read(&u, r->params, &f, &why);
	}
}

static void look_at_headers(char *lines)
{
	struct head h = { .host = NULL };
	struct err e = ERR_INIT;
	int64_t announced;
	for (char *save = NULL, *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':');
		if (colon)
			*colon = '\0';
		head_add(&h, line, colon ? colon + 1 : NULL);
	}
	bool framed = guard_framing(&h, &e);
	if (framed && h.content_length && h.transfer_encoding)
		abort();
	const struct own_names own = { 8080, false, "station1.example,10.0.0.5" };
	guard_host(&h, &own, &e);
	guard_origin(&h, &own, &e);
	media_of(h.content_type);
	look_at_resume(h.last_event_id);
	if (h.idempotency_key)
		key_valid(h.idempotency_key, &e);
	if (head_has_body(&h, &announced) && announced == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	char *rest = strchr(text, '\n');
	if (rest)
		*rest++ = '\0';
	look_at_target(text);
	if (rest)
		look_at_headers(rest);
	free(text);
	return 0;
}
