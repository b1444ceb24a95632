/* The HTTP server: REST under /api/v1, health, and the dashboard's page.  On loopback, or with TLS and login anywhere.
 *
 * A small pool of libmicrohttpd's threads serves requests; one more thread ends connections that miss a deadline.
 * Handlers read the journal through read-only connections and ask the line through its [any] calls; they own nothing
 * of it. */
#ifndef STATION_HTTP_H
#define STATION_HTTP_H

#include "line/label.h"
#include "line/line.h"
#include "mes/mes.h"

struct http;

/* Everything is borrowed and must outlive the server, except the texts, which are copied. */
struct http_options {
	const char *listen; /* "127.0.0.1:8080", "[::1]:8080", "localhost:8080", another address; port 0: any */
	const char *names;  /* under which it is called beside those; separated by commas */
	const char *tls_cert, *tls_key; /* PEM files; "": no TLS */
	bool login_required;
	unsigned idle_minutes, session_hours; /* of sessions; idle_minutes 0: never */
	const char *state_dir;                /* http.address is written there */
	const char *station;
	const char *journal_path; /* for readers; the database exists */
	unsigned approvals;       /* that a recipe needs before it is used */
	struct line *line;
	struct recipe_store *store;
	struct journal *journal;
	struct mes *mes;
	const struct challenge_list *challenge;
	struct labels *labels;           /* NULL: none are printed */
	enum conf_numbers serials, macs; /* where they come from; for screens */
	int64_t started;                 /* the journal's row of this start */
};

/* Serves on the socket that LISTEN_FDS and LISTEN_PID pass as descriptor 3, else on `listen`; writes the real address
 * (ADDRESS:PORT and a newline) to STATE/http.address, and a token for who may read there to STATE/local.token.
 * listen-unsafe for another address than loopback without TLS and login, config-invalid for a certificate that is none,
 * file-failed when the socket cannot be had, journal-failed. */
bool http_start(const struct http_options *o, struct http **out, struct err *e);
/* Stops listening, lets running requests finish, removes http.address, frees.  Accepts NULL.  The line must still
 * answer or refuse calls meanwhile. */
void http_stop(struct http *h);

#endif
