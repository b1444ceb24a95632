/* The glue to libmicrohttpd: from its callbacks to guards, routes and handlers, and back.  This file,
 * flow.c and slow.c are the ones that say MHD_.
 *
 * Per request the library calls: target_seen (request line read), serve (header read), serve once per piece of the
 * body, serve a last time, completed.  An answer is queued within serve only. */
#include "http/server.h"

#include "http/events.h"
#include "http/flow.h"
#include "http/slow.h"
#include "http/tls.h"
#include "journal/people.h"
#include "os/address.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS         2
#define MAX_GUESTS      512 /* the library's bound; CONNS_ROOM is the one that is felt, see there */
#define MAX_PER_IP      448 /* an address more than our own may be refused, never all of them */
#define IDLE_S          30
#define MEMORY_LIMIT    (32u << 10) /* of a connection's header and buffers */
#define DRAIN_ANNOUNCED (1 << 20)
#define STOP_MS         5000

static const char *const headers[][2] = {
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

/* --- answers ------------------------------------------------------------------------------------------------------ */

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return !value || !*value || MHD_add_response_header(response, name, value) == MHD_YES;
}

/* All of them or none: an answer that lost its policy or its type for want of memory is not given. */
static bool add_headers(struct MHD_Response *response, const struct answer *a)
{
	bool whole = true;
	char retry[16];
	snprintf(retry, sizeof retry, "%u", a->retry_after);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		whole = whole && add_header(response, headers[i][0], headers[i][1]);
	return whole && add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, a->cache ? a->cache : "no-store") &&
	       add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type) &&
	       add_header(response, MHD_HTTP_HEADER_ETAG, a->etag ? a->etag : a->tag) &&
	       add_header(response, MHD_HTTP_HEADER_LOCATION, a->location) &&
	       add_header(response, MHD_HTTP_HEADER_ALLOW, a->allow) &&
	       add_header(response, MHD_HTTP_HEADER_SET_COOKIE, a->cookie) &&
	       add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, a->retry_after ? retry : NULL) &&
	       add_header(
		   response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, a->status == 401 ? "Bearer realm=\"romline\"" : NULL) &&
	       add_header(response, MHD_HTTP_HEADER_CONNECTION, a->close ? "close" : NULL);
}

/* Takes the answer's body over; fixed: static bytes in its place. */
static struct MHD_Response *body_of(
    struct http *h, struct guest *g, struct MHD_Connection *connection, struct answer *a, const void *fixed)
{
	if (a->source.read)
		return flow_create(&a->source, &h->conns, &g->conn, connection);
	if (!a->body)
		return MHD_create_response_from_buffer(a->size, (void *)(uintptr_t)fixed, MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *response = MHD_create_response_from_buffer(a->size, a->body, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(a->body);
	return response;
}

static enum MHD_Result queue(
    struct http *h, struct guest *g, struct MHD_Connection *connection, struct answer *a, const void *fixed)
{
	struct MHD_Response *response = body_of(h, g, connection, a, fixed);
	if (!response)
		return MHD_NO;
	enum MHD_Result queued =
	    add_headers(response, a) ? MHD_queue_response(connection, a->status, response) : MHD_NO;
	if (queued == MHD_YES)
		atomic_fetch_add(&h->answered[a->status / 100 % 6], 1);
	MHD_destroy_response(response);
	return queued;
}

/* The handler's answer, or why there is none.  False: it comes later. */
static bool handle(
    struct http *h, struct guest *g, struct MHD_Connection *connection, struct answer *a, struct err *why)
{
	if (g->ran) {
		*a = g->done;
		*why = g->why;
		g->done = (struct answer){ .status = 0 };
		return true;
	}
	if (is_slow(g->route))
		return !slow_run(h->slow, g, connection, why);
	if (!key_look(h, g->route, &g->request, why))
		return true;
	if (!g->route->run(h, &g->request, a, why) && why->code == CODE_OK)
		err_set(why, CODE_INTERNAL, "a handler failed without a reason");
	return true;
}

static enum MHD_Result answer(struct http *h, struct guest *g, struct MHD_Connection *connection)
{
	struct answer a = { .status = 0 };
	struct err why = g->refusal;
	const char *fixed = NULL;
	conns_phase(&h->conns, &g->conn, PHASE_ANSWER);
	if (why.code == CODE_OK && !handle(h, g, connection, &a, &why))
		return MHD_YES;
	keys_release(&h->keys, &g->request.key); /* before the client can ask again */
	if (why.code != CODE_OK)
		answer_problem(&a, 0, &why, &fixed);
	if (a.status >= 500 && why.code != CODE_OK) /* an honest "not ready" is no error */
		log_error("http: %u: %s: %s", a.status, code_name(why.code), why.msg);
	snprintf(a.allow, sizeof a.allow, "%s", g->allow);
	a.close = g->close;
	if (a.asset.data) {
		a.size = a.asset.size;
		return queue(h, g, connection, &a, a.asset.data);
	}
	return queue(h, g, connection, &a, fixed);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static enum MHD_Result see_header(
    void *head, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value, size_t value_size)
{
	(void)kind;
	head_look(head, span_of(name, name_size), span_of(value, value ? value_size : 0));
	head_add(head, name, value);
	return MHD_YES;
}

static bool is_safe(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

static bool media_fits(const struct route *route, enum media media, struct err *e)
{
	bool recipe = route->body == BODY_RECIPE || route->body == BODY_IMAGE;
	if (media == (recipe ? MEDIA_OCTETS : MEDIA_JSON))
		return true;
	return err_set(e, CODE_MEDIA_TYPE, "the content type must be application/%s", recipe ? "octet-stream" : "json");
}

/* Every check that the header alone allows, the cheapest ground to refuse first. */
static bool admit(struct http *h, struct guest *g, const struct head *head, const char *method, struct err *e)
{
	struct request *r = &g->request;
	int64_t announced;
	if (!guard_host(head, &h->own, e))
		return false;
	if (!is_safe(method) && !guard_origin(head, &h->own, e))
		return false;
	g->route = route_find(http_routes, method, &r->uri, &r->args, g->allow, e);
	if (!g->route)
		return false;
	r->params = g->route->params;
	uint64_t endings = conns_endings(&h->conns);
	if (!caller_find(h, head, &r->caller, e) || !caller_may(&r->caller, g->route->right, e))
		return false;
	conns_tag(&h->conns, &g->conn, r->caller.tag, r->caller.until, endings);
	if (!is_safe(method) && !media_fits(g->route, media_of(head->content_type), e))
		return false;
	if (head_has_body(head, &announced) && announced > (int64_t)body_limit(g->route) && body_limit(g->route))
		return err_set(e, CODE_TOO_LARGE, "this body may have at most %zu bytes", body_limit(g->route));
	r->idempotency_key = head->idempotency_key;
	r->last_event_id = head->last_event_id;
	r->if_none_match = head->if_none_match;
	r->if_match = head->if_match;
	return body_begin(h, g, e);
}

/* Is the refusal sent before the body has been read?  Then the connection ends, and a client that is still sending may
 * miss the answer; so a body of a bearable size is read away first, unless the client waits to be asked for it. */
static bool answer_now(const struct guest *g, const struct head *head)
{
	int64_t announced;
	if (g->close)
		return true;
	if (g->refusal.code == CODE_OK || !head_has_body(head, &announced))
		return false;
	return head->expect || announced > (int64_t)body_limit(g->route) + DRAIN_ANNOUNCED;
}

static void see_address(struct guest *g, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	g->request.caller = (struct caller){ .known = false };
	if (info && info->client_addr)
		address_text(info->client_addr, g->request.caller.who.from, sizeof g->request.caller.who.from);
}

static enum MHD_Result begin(struct http *h, struct guest *g, struct MHD_Connection *connection, const char *method)
{
	struct head head = { .host = NULL };
	struct err why = ERR_INIT;
	g->begun = true;
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, see_header, &head);
	see_address(g, connection);
	g->close = !guard_framing(&head, &why);
	if (g->close)
		g->refusal = why; /* whatever is wrong with the target */
	else if (g->refusal.code == CODE_OK)
		admit(h, g, &head, method, &g->refusal);
	if (answer_now(g, &head))
		return answer(h, g, connection);
	conns_phase(&h->conns, &g->conn, PHASE_BODY);
	return MHD_YES;
}

static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **own)
{
	struct http *h = context;
	struct guest *g = *own;
	(void)url;
	(void)version;
	if (!g)
		return MHD_NO;
	if (!g->begun)
		return begin(h, g, connection, method);
	if (!*size)
		return answer(h, g, connection);
	conns_received(&h->conns, &g->conn, *size);
	bool go_on = body_take(g, span_of(data, *size));
	*size = 0;
	return go_on ? MHD_YES : MHD_NO;
}

/* The library's own copy of the path is decoded leniently; this is the target as it was sent. */
static void *target_seen(void *context, const char *target, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct guest *g = info ? info->socket_context : NULL;
	struct http *h = context;
	if (g) {
		guest_reset(h, g);
		uri_parse(target, &g->request.uri, &g->refusal);
	}
	return g;
}

static void completed(void *context, struct MHD_Connection *connection, void **own, enum MHD_RequestTerminationCode why)
{
	struct http *h = context;
	struct guest *g = *own;
	(void)connection;
	(void)why;
	if (!g)
		return;
	guest_reset(h, g);
	conns_phase(&h->conns, &g->conn, PHASE_HEAD);
	*own = NULL;
}

static void connection_changed(
    void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	struct http *h = context;
	struct guest *g = *socket_context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
		    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		g = info ? calloc(1, sizeof *g) : NULL;
		*socket_context = g;
		if (g)
			conns_add(&h->conns, &g->conn, info->connect_fd);
	} else if (g) {
		conns_remove(&h->conns, &g->conn);
		guest_reset(h, g);
		free(g);
		*socket_context = NULL;
	}
}

/* --- start and stop ----------------------------------------------------------------------------------------------- */

static void library_says(void *context, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void library_says(void *context, const char *format, va_list args)
{
	char text[200];
	(void)context;
	vsnprintf(text, sizeof text, format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

/* The library keeps the certificate's texts by pointer only while it starts. */
static bool start_library(struct http *h, const struct tls_files *tls, struct err *e)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem secure[] = { { MHD_OPTION_HTTPS_MEM_CERT, 0, tls->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES }, { MHD_OPTION_END, 0, NULL } };
	struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
	if (h->tls)
		flags |= MHD_USE_TLS;
	h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, serve, h, MHD_OPTION_EXTERNAL_LOGGER, library_says, NULL,
	    MHD_OPTION_LISTEN_SOCKET, h->listener.fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_GUESTS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)MAX_PER_IP,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_LIMIT,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, target_seen, h, MHD_OPTION_NOTIFY_COMPLETED,
	    completed, h, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, h, MHD_OPTION_ARRAY,
	    h->tls ? secure : plain, MHD_OPTION_END);
	return h->daemon || err_set(e, CODE_INTERNAL, "libmicrohttpd does not start");
}

static bool start_server(struct http *h, const struct http_options *o, struct err *e)
{
	struct tls_files tls = { NULL, NULL };
	h->tls = *o->tls_cert || *o->tls_key;
	if (h->tls && !tls_load(o->tls_cert, o->tls_key, &tls, e))
		return false;
	bool good = start_library(h, &tls, e);
	tls_clear(&tls);
	return good;
}

static bool write_address(const struct http *h, struct err *e)
{
	char text[LISTEN_TEXT_SIZE + 1], token[SECRET_TEXT + 1];
	int size = snprintf(text, sizeof text, "%s\n", h->listener.address);
	int token_size = snprintf(token, sizeof token, "%s\n", h->local_token);
	/* who waits for the address may ask at once */
	return file_write_atomic(h->token_file, span_of(token, (size_t)token_size), 0600, e) &&
	       file_write_atomic(h->address_file, span_of(text, (size_t)size), 0644, e);
}

/* Everything that needs no undoing. */
static void prepare(struct http *h, const struct http_options *o)
{
	h->o = *o;
	h->listener.fd = -1;
	h->login_required = o->login_required;
	keys_init(&h->keys);
	secrets_init(&h->secrets, o->journal);
	sessions_init(&h->sessions, o->idle_minutes * INT64_C(60000), o->session_hours * INT64_C(3600000));
	backoff_init(&h->backoff);
	pthread_mutex_init(&h->hashing, NULL);
	pthread_mutex_init(&h->people, NULL);
	secret_make("local_", h->local_token);
	snprintf(h->station, sizeof h->station, "%s", o->station);
	snprintf(h->names, sizeof h->names, "%s", o->names);
	snprintf(h->journal_file, sizeof h->journal_file, "%s", o->journal_path);
	h->started = clock_wall_ms();
}

/* Cookies know no ports: two stations of one machine must not take each other's. */
static void name_itself(struct http *h)
{
	h->own = (struct own_names){ h->listener.port, h->tls, h->names };
	snprintf(h->cookie, sizeof h->cookie, "%sromline_%u", h->tls ? "__Host-" : "", h->listener.port);
}

static bool start(struct http *h, const struct http_options *o, struct err *e)
{
	bool anywhere = o->login_required && *o->tls_cert;
	prepare(h, o);
	h->tls = *o->tls_cert != '\0';
	if (!file_join(h->address_file, sizeof h->address_file, o->state_dir, "http.address", e) ||
	    !file_join(h->token_file, sizeof h->token_file, o->state_dir, "local.token", e) ||
	    !file_join(h->spool, sizeof h->spool, o->state_dir, "spool", e) ||
	    !listen_open(o->listen, anywhere, &h->listener, e))
		return false;
	name_itself(h);
	return journal_reader_open(o->journal_path, &h->reader, e) && conns_start(&h->conns, e) &&
	       events_start(h, &h->events, e) && slow_start(h, &h->slow, e) && start_server(h, o, e) &&
	       write_address(h, e);
}

/* Nobody could log in: not an error, but the next thing that one wonders about. */
static void say_when_empty(struct http *h)
{
	int64_t admins = 0;
	struct err why = ERR_INIT;
	if (h->login_required && journal_people_with(h->reader, role_word(ROLE_ADMIN), "", &admins, &why) && !admins)
		log_warn("http: no administrator can log in; stationctl people add NAME --role admin --pin -c CONF");
}

bool http_start(const struct http_options *o, struct http **out, struct err *e)
{
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		return err_set(e, CODE_NO_MEMORY, "no memory for the HTTP server");
	if (!start(h, o, e)) {
		http_stop(h);
		return false;
	}
	log_info("http: listening on %s%s, login=%s", h->tls ? "https://" : "http://", h->listener.address,
	    h->login_required ? "required" : "none");
	say_when_empty(h);
	*out = h;
	return true;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	if (h->daemon) {
		unlink(h->address_file);
		unlink(h->token_file);
		/* from here on nobody new comes in, and the socket is ours again */
		MHD_quiesce_daemon(h->daemon);
		events_end(h->events);
		slow_end(h->slow);
		conns_drain(&h->conns, STOP_MS);
		MHD_stop_daemon(h->daemon);
	}
	if (h->listener.fd >= 0)
		close(h->listener.fd);
	events_destroy(h->events);
	slow_destroy(h->slow);
	conns_stop(&h->conns);
	journal_reader_close(h->reader);
	keys_finish(&h->keys);
	backoff_finish(&h->backoff);
	sessions_finish(&h->sessions);
	pthread_mutex_destroy(&h->hashing);
	pthread_mutex_destroy(&h->people);
	free(h);
}
