/* Reads the parameters of lists, by one table. */
#include "http/params.h"

#include "base/digest.h"
#include "base/hex.h"
#include "journal/kinds.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 128

/* P_KIND to P_STATUS: a text of which only some have a meaning; any other would quietly find nothing. */
enum param_type {
	P_TEXT,
	P_KIND,
	P_VERDICT,
	P_STATE,
	P_CODE,
	P_RECIPE,
	P_NUMBER_KIND,
	P_STATUS,
	P_NUMBER,
	P_LIMIT,
	P_SLOT,
	P_TIME
};

static const struct {
	const char *name;
	enum param_type type;
	size_t offset; /* in struct query_filter */
} params[] = {
	{ "serial", P_TEXT, offsetof(struct query_filter, serial) },
	{ "uid", P_TEXT, offsetof(struct query_filter, uid) },
	{ "order", P_TEXT, offsetof(struct query_filter, order) },
	{ "recipe", P_RECIPE, offsetof(struct query_filter, recipe) },
	{ "operator", P_TEXT, offsetof(struct query_filter, operator) },
	{ "verdict", P_VERDICT, offsetof(struct query_filter, verdict) },
	{ "code", P_CODE, offsetof(struct query_filter, code) },
	{ "board", P_TEXT, offsetof(struct query_filter, board) },
	{ "state", P_STATE, offsetof(struct query_filter, state) },
	{ "who", P_TEXT, offsetof(struct query_filter, who) },
	{ "what", P_KIND, offsetof(struct query_filter, what) },
	{ "kind", P_NUMBER_KIND, offsetof(struct query_filter, kind) },
	{ "status", P_STATUS, offsetof(struct query_filter, status) },
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

static bool is_word_of(const char *list, const char *word)
{
	size_t n = strchr(word, ' ') ? 0 : strlen(word);
	for (const char *at = list; n && (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static bool text_fits(enum param_type type, const struct uri_param *p, struct err *e)
{
	uint8_t sha256[SHA256_SIZE];
	if (!*p->value || strlen(p->value) > TEXT_MAX)
		return err_set(e, CODE_BAD_REQUEST, "%s must have 1 to %d bytes", p->name, TEXT_MAX);
	if (type == P_KIND && !kind_known(p->value))
		return err_set(e, CODE_BAD_REQUEST, "the journal has no rows of the kind '%.32s'", p->value);
	if (type == P_VERDICT && !is_word_of("PASS FAIL ERROR ABORTED", p->value))
		return err_set(e, CODE_BAD_REQUEST, "verdict must be PASS, FAIL, ERROR or ABORTED");
	if (type == P_STATE && !is_word_of("open held closed", p->value))
		return err_set(e, CODE_BAD_REQUEST, "state must be open, held or closed");
	if (type == P_NUMBER_KIND && !is_word_of("serial mac", p->value))
		return err_set(e, CODE_BAD_REQUEST, "kind must be serial or mac");
	if (type == P_STATUS && !is_word_of("free reserved bound void", p->value))
		return err_set(e, CODE_BAD_REQUEST, "status must be free, reserved, bound or void");
	if (type == P_CODE && code_from_name(p->value) == CODE_COUNT)
		return err_set(e, CODE_BAD_REQUEST, "there is no code '%.32s'", p->value);
	if (type == P_RECIPE && !hex_decode(sha256, sizeof sha256, p->value))
		return err_set(e, CODE_BAD_REQUEST, "recipe must be a SHA-256, 64 lower-case hex digits");
	return true;
}

static bool read_one(size_t row, const struct uri_param *p, struct list_filter *out, struct err *e)
{
	char *field = (char *)&out->query + params[row].offset;
	int64_t number;
	switch (params[row].type) {
	case P_TEXT:
	case P_KIND:
	case P_VERDICT:
	case P_STATE:
	case P_CODE:
	case P_RECIPE:
	case P_NUMBER_KIND:
	case P_STATUS:
		if (!text_fits(params[row].type, p, e))
			return false;
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

bool params_read(const struct uri *u, const char *allowed, struct list_filter *out, struct err *e)
{
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < u->param_count; i++) {
		const struct uri_param *p = &u->params[i];
		size_t row = 0, rows = sizeof params / sizeof *params;
		while (row < rows && strcmp(params[row].name, p->name) != 0)
			row++;
		if (row == rows || !is_word_of(allowed, p->name))
			return err_set(e, CODE_BAD_REQUEST, "there is no parameter '%.32s' here", p->name);
		if (!read_one(row, p, out, e))
			return false;
	}
	return true;
}
