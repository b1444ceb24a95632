/* The checks in front of every route. */
#include "http/guard.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	size_t offset; /* of its text in struct head */
} known[] = {
	{ "Host", offsetof(struct head, host) },
	{ "Origin", offsetof(struct head, origin) },
	{ "Sec-Fetch-Site", offsetof(struct head, fetch_site) },
	{ "Content-Type", offsetof(struct head, content_type) },
	{ "Content-Length", offsetof(struct head, content_length) },
	{ "Transfer-Encoding", offsetof(struct head, transfer_encoding) },
	{ "Expect", offsetof(struct head, expect) },
	{ "Authorization", offsetof(struct head, authorization) },
	{ "Cookie", offsetof(struct head, cookie) },
	{ "Romline-Background", offsetof(struct head, background) },
	{ "Idempotency-Key", offsetof(struct head, idempotency_key) },
	{ "Last-Event-ID", offsetof(struct head, last_event_id) },
	{ "If-None-Match", offsetof(struct head, if_none_match) },
	{ "If-Match", offsetof(struct head, if_match) },
};

/* RFC 9110 section 5.6.2 */
static bool is_token(const char *name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (const char *c = name; *c; c++)
		if (!((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
			strchr(others, *c)))
			return false;
	return *name != '\0';
}

/* The library glues a line that goes on ("Content-Length:", " 2") to the name in front of it: so "Content-Length2" is a
 * length that somebody else understood. */
static bool is_folded(struct span name)
{
	static const char *const framing[] = { "Content-Length", "Transfer-Encoding" };
	for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
		if (name.size > strlen(framing[i]) &&
		    !strncasecmp((const char *)name.data, framing[i], strlen(framing[i])))
			return true;
	return false;
}

void head_look(struct head *h, struct span name, struct span value)
{
	h->malformed = h->malformed || memchr(name.data, 0, name.size) || is_folded(name);
	for (size_t i = 0; i < value.size; i++)
		if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f)
			h->malformed = true;
}

void head_add(struct head *h, const char *name, const char *value)
{
	/* "Content-Length :" must not slip past the look-up below */
	h->malformed = h->malformed || !is_token(name);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcasecmp(name, known[i].name) != 0)
			continue;
		const char **text = (const char **)((char *)h + known[i].offset);
		if (*text)
			h->twice = known[i].name;
		*text = value ? value : "";
	}
}

static bool all_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

bool guard_framing(const struct head *h, struct err *e)
{
	if (h->malformed)
		return err_set(e, CODE_BAD_REQUEST, "a header line has no proper name, or a control byte");
	if (h->twice)
		return err_set(e, CODE_BAD_REQUEST, "the header %s stands twice", h->twice);
	if (h->content_length && h->transfer_encoding)
		return err_set(e, CODE_BAD_REQUEST, "Content-Length and Transfer-Encoding exclude each other");
	if (h->transfer_encoding && strcasecmp(h->transfer_encoding, "chunked") != 0)
		return err_set(e, CODE_BAD_REQUEST, "the only Transfer-Encoding here is chunked");
	if (h->content_length && !all_digits(h->content_length))
		return err_set(e, CODE_BAD_REQUEST, "Content-Length is no number");
	return true;
}

static bool name_fits(const char *text, const char *name, size_t size, const struct own_names *own)
{
	char port[16];
	if (strncasecmp(text, name, size) != 0)
		return false;
	snprintf(port, sizeof port, ":%u", own->port);
	return !strcmp(text + size, port) || (!text[size] && own->port == (own->tls ? 443 : 80));
}

bool host_is_ours(const char *text, const struct own_names *own)
{
	static const char *const names[] = { "127.0.0.1", "[::1]", "localhost" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (name_fits(text, names[i], strlen(names[i]), own))
			return true;
	for (const char *at = own->more; at && *at;) {
		size_t size = strcspn(at, ", ");
		if (size && name_fits(text, at, size, own))
			return true;
		at += size + strspn(at + size, ", ");
	}
	return false;
}

bool guard_host(const struct head *h, const struct own_names *own, struct err *e)
{
	if (h->host && host_is_ours(h->host, own))
		return true;
	return err_set(e, CODE_WRONG_HOST, "Host must be 127.0.0.1, [::1]%s%s or localhost with port %u",
	    own->more && *own->more ? ", " : "", own->more ? own->more : "", own->port);
}

bool guard_origin(const struct head *h, const struct own_names *own, struct err *e)
{
	const char *scheme = own->tls ? "https://" : "http://";
	const size_t n = strlen(scheme);
	if (h->fetch_site && strcasecmp(h->fetch_site, "same-origin") != 0 && strcasecmp(h->fetch_site, "none") != 0)
		return err_set(e, CODE_FOREIGN_ORIGIN, "a page of another site sent this request");
	if (!h->origin || (!strncasecmp(h->origin, scheme, n) && host_is_ours(h->origin + n, own)))
		return true;
	return err_set(e, CODE_FOREIGN_ORIGIN, "the Origin is not this station's own");
}

static bool type_is(const char *text, size_t size, const char *type)
{
	return size == strlen(type) && !strncasecmp(text, type, size);
}

enum media media_of(const char *type)
{
	if (!type)
		return MEDIA_NONE;
	size_t n = strcspn(type, "; \t");
	const char *rest = type + n + strspn(type + n, "; \t");
	if (type_is(type, n, "application/octet-stream") && !*rest)
		return MEDIA_OCTETS;
	bool utf8 = !*rest || !strcasecmp(rest, "charset=utf-8") || !strcasecmp(rest, "charset=\"utf-8\"");
	return type_is(type, n, "application/json") && utf8 ? MEDIA_JSON : MEDIA_OTHER;
}

bool head_has_body(const struct head *h, int64_t *announced)
{
	*announced = -1;
	if (h->transfer_encoding)
		return true;
	if (!h->content_length)
		return false;
	int64_t size = 0;
	for (const char *c = h->content_length; *c >= '0' && *c <= '9'; c++) {
		if (size > INT64_MAX / 100)
			return true;
		size = size * 10 + (*c - '0');
	}
	*announced = size;
	return size > 0;
}
