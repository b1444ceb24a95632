/* Reads the parameters of lists, by one table. */
#include "http/params.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 128

enum param_type { P_TEXT, P_NUMBER, P_LIMIT, P_SLOT, P_TIME };

static const struct {
	const char *name;
	enum param_type type;
	size_t offset; /* in struct query_filter */
} params[] = {
	{ "serial", P_TEXT, offsetof(struct query_filter, serial) },
	{ "uid", P_TEXT, offsetof(struct query_filter, uid) },
	{ "order", P_TEXT, offsetof(struct query_filter, order) },
	{ "recipe", P_TEXT, offsetof(struct query_filter, recipe) },
	{ "operator", P_TEXT, offsetof(struct query_filter, operator) },
	{ "verdict", P_TEXT, offsetof(struct query_filter, verdict) },
	{ "code", P_TEXT, offsetof(struct query_filter, code) },
	{ "board", P_TEXT, offsetof(struct query_filter, board) },
	{ "state", P_TEXT, offsetof(struct query_filter, state) },
	{ "batch", P_NUMBER, offsetof(struct query_filter, batch) },
	{ "cursor", P_NUMBER, offsetof(struct query_filter, cursor) },
	{ "slot", P_SLOT, offsetof(struct query_filter, slot) },
	{ "limit", P_LIMIT, offsetof(struct query_filter, limit) },
	{ "from", P_TIME, offsetof(struct query_filter, from) },
	{ "to", P_TIME, offsetof(struct query_filter, to) },
};

/* A whole number from 1 to most, without a sign or a leading zero. */
static bool number_in(const char *text, int64_t most, int64_t *out)
{
	size_t n = strspn(text, "0123456789");
	if (!n || n > 18 || text[n] || text[0] == '0')
		return false;
	*out = strtoll(text, NULL, 10);
	return *out <= most;
}

static bool time_in(const char *text, char out[TIME_TEXT_SIZE])
{
	int64_t ms;
	if (!time_parse(text, &ms))
		return false;
	time_format(out, ms);
	return true;
}

static bool read_one(size_t row, const struct uri_param *p, struct list_filter *out, struct err *e)
{
	char *field = (char *)&out->query + params[row].offset;
	int64_t number;
	switch (params[row].type) {
	case P_TEXT:
		if (!*p->value || strlen(p->value) > TEXT_MAX)
			return err_set(e, CODE_BAD_REQUEST, "%s must have 1 to %d bytes", p->name, TEXT_MAX);
		*(const char **)field = p->value;
		return true;
	case P_NUMBER:
	case P_SLOT:
		if (!number_in(p->value, params[row].type == P_SLOT ? 9999 : INT64_MAX, &number))
			return err_set(e, CODE_BAD_REQUEST, "%s must be a number from 1", p->name);
		*(int64_t *)field = number;
		return true;
	case P_LIMIT:
		if (!number_in(p->value, QUERY_MAX_LIMIT, &number))
			return err_set(e, CODE_BAD_REQUEST, "limit must be a number from 1 to %d", QUERY_MAX_LIMIT);
		*(unsigned *)field = (unsigned)number;
		return true;
	case P_TIME: {
		char *text = params[row].offset == offsetof(struct query_filter, from) ? out->from : out->to;
		if (!time_in(p->value, text))
			return err_set(e, CODE_BAD_REQUEST, "%s must be a time like 2026-11-20T21:54:07.123Z", p->name);
		*(const char **)field = text;
		return true;
	}
	}
	return err_set(e, CODE_INTERNAL, "a parameter has no type");
}

static bool is_allowed(const char *allowed, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = allowed; n && (at = strstr(at, name)); at += n)
		if ((at == allowed || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

bool params_read(const struct uri *u, const char *allowed, struct list_filter *out, struct err *e)
{
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < u->param_count; i++) {
		const struct uri_param *p = &u->params[i];
		size_t row = 0, rows = sizeof params / sizeof *params;
		while (row < rows && strcmp(params[row].name, p->name) != 0)
			row++;
		if (row == rows || !is_allowed(allowed, p->name))
			return err_set(e, CODE_BAD_REQUEST, "there is no parameter '%.32s' here", p->name);
		if (!read_one(row, p, out, e))
			return false;
	}
	return true;
}
