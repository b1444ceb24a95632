/* Takes request targets apart: one pass over the text, decoding into a buffer of the same size. */
#include "http/uri.h"

#include "format/json.h"

#include <string.h>

struct reader {
	const char *at;
	struct uri *uri;
	size_t used; /* of uri->text */
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One decoded byte; -1: a bad escape or a byte that may not stand here. */
static int next_byte(struct reader *r, bool query)
{
	int byte = (unsigned char)*r->at++;
	if (byte == '%') {
		int high = hex_digit(r->at[0]);
		int low = high < 0 ? -1 : hex_digit(r->at[1]);
		if (low < 0)
			return -1;
		r->at += 2;
		byte = high * 16 + low;
	} else if (byte == '+' && query) {
		byte = ' '; /* as HTML forms write a space */
	} else if (byte == '#' || byte == ' ') {
		return -1;
	}
	return byte < 0x20 || byte == 0x7f ? -1 : byte;
}

/* Decodes up to one of the stop bytes or the end; NULL for what is no text.  What is written is never longer than what
 * was read, since the NUL stands for the separator in front. */
static const char *piece(struct reader *r, const char *stops, bool query)
{
	const char *start = r->uri->text + r->used;
	while (*r->at && !strchr(stops, *r->at)) {
		int byte = next_byte(r, query);
		if (byte < 0)
			return NULL;
		r->uri->text[r->used++] = (char)byte;
	}
	r->uri->text[r->used++] = '\0';
	return json_utf8_text(start) ? start : NULL;
}

static bool read_path(struct reader *r, struct err *e)
{
	struct uri *u = r->uri;
	if (*r->at != '/')
		return err_set(e, CODE_BAD_REQUEST, "the request target must be a path");
	if (!r->at[1] || r->at[1] == '?') {
		r->at++;
		return true;
	}
	while (*r->at == '/') {
		r->at++;
		if (u->segment_count == URI_SEGMENTS)
			return err_set(e, CODE_NOT_FOUND, "no path here has more than %d parts", URI_SEGMENTS);
		u->segments[u->segment_count] = piece(r, "/?", false);
		if (!u->segments[u->segment_count++])
			return err_set(e, CODE_BAD_REQUEST, "the path has a bad escape, a control byte or no UTF-8");
	}
	return true;
}

static bool read_param(struct reader *r, struct err *e)
{
	struct uri *u = r->uri;
	struct uri_param p = { piece(r, "=&", true), "" };
	if (p.name && *r->at == '=') {
		r->at++;
		p.value = piece(r, "&", true);
	}
	if (!p.name || !p.value)
		return err_set(e, CODE_BAD_REQUEST, "the query has a bad escape, a control byte or no UTF-8");
	if (!*p.name)
		return err_set(e, CODE_BAD_REQUEST, "the query has a parameter without a name");
	if (uri_param(u, p.name))
		return err_set(e, CODE_BAD_REQUEST, "the parameter '%.32s' stands twice", p.name);
	if (u->param_count == URI_PARAMS)
		return err_set(e, CODE_BAD_REQUEST, "the query has more than %d parameters", URI_PARAMS);
	u->params[u->param_count++] = p;
	return true;
}

bool uri_parse(const char *target, struct uri *out, struct err *e)
{
	struct reader r = { target, out, 0 };
	out->segment_count = out->param_count = 0;
	if (strlen(target) >= sizeof out->text)
		return err_set(e, CODE_TOO_LARGE, "a request target has fewer than %d bytes", URI_MAX);
	if (!read_path(&r, e))
		return false;
	while (*r.at) {
		r.at++; /* '?' or '&' */
		if (!*r.at && !out->param_count)
			return true; /* a lone '?' */
		if (!read_param(&r, e))
			return false;
	}
	return true;
}

const char *uri_param(const struct uri *u, const char *name)
{
	for (unsigned i = 0; i < u->param_count; i++)
		if (!strcmp(u->params[i].name, name))
			return u->params[i].value;
	return NULL;
}
