/* A request's head: the first line is the target, each further one a header.  Whatever is taken must stay within its
 * bounds and agree with itself. */
#include <stdlib.h>
#include <string.h>

#include "http/guard.h"
#include "http/params.h"
#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_target(const char *target)
{
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
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		struct route_args args;
		char allow[ROUTE_ALLOW];
		struct err why = ERR_INIT;
		const struct route *r = route_find(http_routes, methods[i], &u, &args, allow, &why);
		if ((r && args.count > ROUTE_ARGS) || (!r && why.code == CODE_OK))
			abort();
	}
	params_read(&u, "serial uid batch order recipe slot operator verdict code from to limit cursor", &f, &e);
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
	guard_host(&h, 8080, &e);
	guard_origin(&h, 8080, &e);
	media_of(h.content_type);
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
