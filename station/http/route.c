/* Looks a request up in the table of routes. */
#include "http/route.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 128

static bool is_number(const char *text, size_t digits)
{
	size_t n = strspn(text, "0123456789");
	return n && n <= digits && !text[n] && text[0] != '0';
}

static bool is_sha256(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static bool is_name(const char *text)
{
	return *text && strlen(text) <= NAME_MAX_BYTES;
}

/* One segment of the pattern, size bytes, against one of the path. */
static bool segment_fits(const char *pattern, size_t size, const char *text, struct route_args *args)
{
	if (*pattern != '{')
		return strlen(text) == size && !memcmp(pattern, text, size);
	bool fits = !strncmp(pattern, "{id}", size)       ? is_number(text, 18)
		    : !strncmp(pattern, "{slot}", size)   ? is_number(text, 4)
		    : !strncmp(pattern, "{sha256}", size) ? is_sha256(text)
							  : is_name(text);
	if (!fits || args->count == ROUTE_ARGS)
		return false;
	args->text[args->count++] = text;
	return true;
}

bool route_fits(const char *pattern, const struct uri *u, struct route_args *args)
{
	args->count = 0;
	unsigned i = 0;
	const char *at = pattern;
	while (*at == '/' && at[1]) {
		size_t size = strcspn(++at, "/");
		if (i == u->segment_count || !segment_fits(at, size, u->segments[i++], args))
			return false;
		at += size;
	}
	return i == u->segment_count;
}

static void allow_add(char allow[ROUTE_ALLOW], const char *method)
{
	size_t used = strlen(allow);
	snprintf(allow + used, ROUTE_ALLOW - used, "%s%s%s", used ? ", " : "", method,
	    strcmp(method, "GET") ? "" : ", HEAD");
}

const struct route *route_find(const struct route *table, const char *method, const struct uri *u,
    struct route_args *args, char allow[ROUTE_ALLOW], struct err *e)
{
	const char *wanted = strcmp(method, "HEAD") ? method : "GET";
	struct route_args found;
	allow[0] = '\0';
	for (const struct route *r = table; r->method; r++) {
		if (!route_fits(r->pattern, u, &found))
			continue;
		if (!strcmp(r->method, wanted)) {
			*args = found;
			allow[0] = '\0';
			return r;
		}
		allow_add(allow, r->method);
	}
	if (*allow)
		err_set(e, CODE_METHOD_NOT_ALLOWED, "only %s can be done here", allow);
	else
		err_set(e, CODE_NOT_FOUND, "there is nothing under this path");
	return NULL;
}
