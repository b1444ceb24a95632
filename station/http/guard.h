/* What is looked at in a request before anything else is: framing, Host, Origin, content type.  Pure.
 *
 * Whoever may come in at all, a browser brings other people's pages along: a foreign name that resolves to loopback
 * shows in Host, a foreign page in Origin, a form in its content type. */
#ifndef STATION_HTTP_GUARD_H
#define STATION_HTTP_GUARD_H

#include "base/err.h"
#include "base/span.h"

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_OCTETS, MEDIA_OTHER };

/* The header lines that matter; texts borrowed from the request. */
struct head {
	const char *host, *origin, *fetch_site, *content_type, *content_length, *transfer_encoding, *expect;
	const char *authorization, *cookie, *background; /* background: no person caused it */
	const char *idempotency_key, *last_event_id, *if_none_match, *if_match;
	const char *twice; /* one of the above that stands more than once */
	bool malformed;    /* a line whose name is no token, or that has a control byte */
};

/* One line, in both of these: as bytes, and as the texts that these are up to their first NUL. */
void head_look(struct head *h, struct span name, struct span value);
void head_add(struct head *h, const char *name, const char *value);

/* Content-Length and Transfer-Encoding say one thing, and nothing stands twice: bad-request.  When they do not, nobody
 * can say where the next request begins, so the connection must end. */
bool guard_framing(const struct head *h, struct err *e);
/* What we go by. */
struct own_names {
	unsigned port;
	bool tls;
	const char *more; /* names beside 127.0.0.1, [::1] and localhost, separated by commas or spaces; NULL: none */
};

/* wrong-host; foreign-origin. */
bool guard_host(const struct head *h, const struct own_names *own, struct err *e);
bool guard_origin(const struct head *h, const struct own_names *own, struct err *e);

/* Is `text` one of our own names with our port?  Port 80, under TLS 443, may be left out. */
bool host_is_ours(const char *text, const struct own_names *own);
enum media media_of(const char *content_type); /* NULL: MEDIA_NONE */
/* Is there a body, and how long does the client say it is?  -1: chunked, or a length beyond any measure. */
bool head_has_body(const struct head *h, int64_t *announced);

#endif
