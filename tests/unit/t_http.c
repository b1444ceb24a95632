/* The pure parts of the HTTP server: request targets, header checks, the table of routes, list parameters, listening
 * addresses, deadlines, statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/json.h"
#include "http/answer.h"
#include "http/conns.h"
#include "http/frames.h"
#include "http/keys.h"
#include "http/guard.h"
#include "http/listen.h"
#include "http/rights.h"
#include "os/address.h"
#include "http/params.h"
#include "http/route.h"
#include "journal/kinds.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- request targets ---------------------------------------------------------------------------------------------- */

static void test_uri_parts(void **state)
{
	(void)state;
	struct uri u;
	struct err e = ERR_INIT;
	assert_true(uri_parse("/", &u, &e));
	assert_int_equal(u.segment_count, 0);
	assert_true(uri_parse("/?", &u, &e));
	assert_int_equal(u.param_count, 0);
	assert_true(uri_parse("/api/v1/units/A%20B%2fC+D?order=A+B%2BC&from=&x", &u, &e));
	assert_int_equal(u.segment_count, 4);
	assert_string_equal(u.segments[0], "api");
	assert_string_equal(u.segments[3], "A B/C+D");
	assert_int_equal(u.param_count, 3);
	assert_string_equal(uri_param(&u, "order"), "A B+C");
	assert_string_equal(uri_param(&u, "from"), "");
	assert_string_equal(uri_param(&u, "x"), "");
	assert_null(uri_param(&u, "or"));
	assert_true(uri_parse("/a//b/", &u, &e));
	assert_int_equal(u.segment_count, 4);
	assert_string_equal(u.segments[1], "");
	assert_string_equal(u.segments[3], "");
}

static void test_uri_refusals(void **state)
{
	(void)state;
	static const struct {
		const char *target;
		enum code code;
	} rows[] = {
		{ "", CODE_BAD_REQUEST },
		{ "*", CODE_BAD_REQUEST },
		{ "http://127.0.0.1/healthz", CODE_BAD_REQUEST },
		{ "/a%", CODE_BAD_REQUEST },
		{ "/a%4", CODE_BAD_REQUEST },
		{ "/a%zz", CODE_BAD_REQUEST },
		{ "/a%00b", CODE_BAD_REQUEST },
		{ "/a%0d%0a", CODE_BAD_REQUEST },
		{ "/a\tb", CODE_BAD_REQUEST },
		{ "/a b", CODE_BAD_REQUEST },
		{ "/a%7f", CODE_BAD_REQUEST },
		{ "/a#b", CODE_BAD_REQUEST },
		{ "/a?b#c", CODE_BAD_REQUEST },
		{ "/a?b=1&b=2", CODE_BAD_REQUEST },
		{ "/a?b=1&%62=2", CODE_BAD_REQUEST },
		{ "/a?=1", CODE_BAD_REQUEST },
		{ "/a?b=1&", CODE_BAD_REQUEST },
		{ "/a?b=%0", CODE_BAD_REQUEST },
		{ "/a%ff", CODE_BAD_REQUEST },
		{ "/a?b=%c0%80", CODE_BAD_REQUEST },
		{ "/a?b=%ed%a0%80", CODE_BAD_REQUEST },
		{ "/a?%e2%82=1", CODE_BAD_REQUEST },
		{ "/1/2/3/4/5/6/7/8/9", CODE_NOT_FOUND },
		{ "/?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", CODE_BAD_REQUEST },
	};
	struct uri u;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = ERR_INIT;
		if (uri_parse(rows[i].target, &u, &e) || e.code != rows[i].code)
			fail_msg("%s: %s", rows[i].target, code_name(e.code));
	}
}

static void test_uri_length(void **state)
{
	(void)state;
	char target[URI_MAX + 2];
	struct uri u;
	struct err e = ERR_INIT;
	memset(target, 'a', sizeof target);
	target[0] = '/';
	target[URI_MAX - 1] = '\0';
	assert_true(uri_parse(target, &u, &e));
	assert_int_equal(strlen(u.segments[0]), URI_MAX - 2);
	target[URI_MAX - 1] = 'a';
	target[URI_MAX] = '\0';
	assert_false(uri_parse(target, &u, &e));
	assert_int_equal(e.code, CODE_TOO_LARGE);
	/* as many pieces as fit, each of them empty: their ends must fit too */
	memset(target, '/', URI_SEGMENTS);
	target[URI_SEGMENTS] = '\0';
	assert_true(uri_parse(target, &u, &e));
	assert_int_equal(u.segment_count, URI_SEGMENTS);
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

static void test_hosts(void **state)
{
	(void)state;
	static const char *const ours[] = { "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "LocalHost:8080" };
	static const char *const others[] = { "", "127.0.0.1", "localhost", "127.0.0.1:8081", "127.0.0.1:80800",
		"127.0.0.2:8080", "evil.example:8080", "localhost.evil.example:8080", "evil@127.0.0.1:8080", "::1:8080",
		"127.0.0.1:8080 ", " 127.0.0.1:8080", "127.0.0.1:08080", "0.0.0.0:8080", "localhost.:8080" };
	const struct own_names own = { 8080, false, NULL }, web = { 80, false, "" }, tls = { 443, true, NULL };
	const struct own_names named = { 8443, true, "station1.example, [fd00::1],10.0.0.5" };
	for (size_t i = 0; i < COUNT(ours); i++)
		assert_true(host_is_ours(ours[i], &own));
	for (size_t i = 0; i < COUNT(others); i++)
		if (host_is_ours(others[i], &own))
			fail_msg("%s", others[i]);
	assert_true(host_is_ours("localhost", &web) && host_is_ours("[::1]:80", &web));
	assert_true(host_is_ours("localhost", &tls) && !host_is_ours("localhost:80", &tls));
	assert_true(host_is_ours("Station1.example:8443", &named) && host_is_ours("[fd00::1]:8443", &named));
	assert_true(host_is_ours("10.0.0.5:8443", &named) && host_is_ours("localhost:8443", &named));
	assert_false(host_is_ours("10.0.0.5", &named) || host_is_ours("station1.example.:8443", &named));
	assert_false(host_is_ours(":8443", &named) || host_is_ours("station1.exampl:8443", &named));
	struct head none = { .host = NULL };
	struct err e = ERR_INIT;
	assert_false(guard_host(&none, &own, &e));
	assert_int_equal(e.code, CODE_WRONG_HOST);
}

static void test_origins(void **state)
{
	(void)state;
	static const struct {
		const char *origin, *site;
		bool good;
	} rows[] = {
		{ NULL, NULL, true },
		{ "http://127.0.0.1:8080", NULL, true },
		{ "http://localhost:8080", "same-origin", true },
		{ "http://[::1]:8080", "none", true },
		{ "https://127.0.0.1:8080", NULL, false },
		{ "http://127.0.0.1:8081", NULL, false },
		{ "http://evil.example", NULL, false },
		{ "null", NULL, false },
		{ "", NULL, false },
		{ "http://127.0.0.1:8080", "cross-site", false },
		{ NULL, "same-site", false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct head h = { .origin = rows[i].origin, .fetch_site = rows[i].site };
		struct err e = ERR_INIT;
		const struct own_names own = { 8080, false, NULL }, tls = { 8080, true, NULL };
		if (rows[i].origin && rows[i].good) /* the same over TLS is another origin */
			assert_false(guard_origin(&h, &tls, &(struct err)ERR_INIT));
		if (guard_origin(&h, &own, &e) != rows[i].good)
			fail_msg("%s %s", rows[i].origin, rows[i].site);
		assert_int_equal(e.code, rows[i].good ? CODE_OK : CODE_FOREIGN_ORIGIN);
	}
}

static void test_framing(void **state)
{
	(void)state;
	static const struct {
		const char *lines[6]; /* name, value, ... */
		bool good;
	} rows[] = {
		{ { "Host", "a" }, true },
		{ { "Content-Length", "12" }, true },
		{ { "Transfer-Encoding", "Chunked" }, true },
		{ { "X-Own", "a", "X-Own", "b" }, true },
		{ { "Content-Length", "12", "Transfer-Encoding", "chunked" }, false },
		{ { "Content-Length", "12", "content-length", "12" }, false },
		{ { "Transfer-Encoding", "gzip, chunked" }, false },
		{ { "Transfer-Encoding", "identity" }, false },
		{ { "Transfer-Encoding", "" }, false },
		{ { "Content-Length", "+12" }, false },
		{ { "Content-Length", "12 " }, false },
		{ { "Content-Length", "0x1" }, false },
		{ { "Content-Length", "" }, false },
		{ { "Host", "a", "Host", "b" }, false },
		{ { "Content-Length ", "12" }, false },
		{ { "", "12" }, false },
		{ { "Origin", "a", "origin", "b" }, false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct head h = { .host = NULL };
		struct err e = ERR_INIT;
		for (size_t k = 0; k < 6 && rows[i].lines[k]; k += 2)
			head_add(&h, rows[i].lines[k], rows[i].lines[k + 1]);
		if (guard_framing(&h, &e) != rows[i].good)
			fail_msg("row %zu: %s", i, e.msg);
		assert_int_equal(e.code, rows[i].good ? CODE_OK : CODE_BAD_REQUEST);
	}
}

static void test_media(void **state)
{
	(void)state;
	assert_int_equal(media_of(NULL), MEDIA_NONE);
	assert_int_equal(media_of("application/json"), MEDIA_JSON);
	assert_int_equal(media_of("Application/JSON; charset=UTF-8"), MEDIA_JSON);
	assert_int_equal(media_of("application/json;charset=\"utf-8\""), MEDIA_JSON);
	assert_int_equal(media_of("application/json; charset=latin1"), MEDIA_OTHER);
	assert_int_equal(media_of("application/octet-stream"), MEDIA_OCTETS);
	assert_int_equal(media_of("application/jsonx"), MEDIA_OTHER);
	assert_int_equal(media_of("application/x-www-form-urlencoded"), MEDIA_OTHER);
	assert_int_equal(media_of("text/plain; application/json"), MEDIA_OTHER);
	assert_int_equal(media_of(""), MEDIA_OTHER);
}

static void test_body_length(void **state)
{
	(void)state;
	int64_t size;
	assert_false(head_has_body(&(struct head){ .host = NULL }, &size));
	assert_false(head_has_body(&(struct head){ .content_length = "0" }, &size));
	assert_true(head_has_body(&(struct head){ .content_length = "65537" }, &size));
	assert_int_equal(size, 65537);
	assert_true(head_has_body(&(struct head){ .transfer_encoding = "chunked" }, &size));
	assert_int_equal(size, -1);
	assert_true(head_has_body(&(struct head){ .content_length = "99999999999999999999999999" }, &size));
	assert_int_equal(size, -1);
}

/* --- routes ------------------------------------------------------------------------------------------------------- */

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct route *find(
    const char *method, const char *target, struct route_args *args, char *allow, struct err *e)
{
	static struct uri u;
	assert_true(uri_parse(target, &u, e));
	return route_find(http_routes, method, &u, args, allow, e);
}

static void test_routes_found(void **state)
{
	(void)state;
	static const struct {
		const char *method, *target, *pattern, *arg;
	} rows[] = {
		{ "GET", "/", "/", NULL },
		{ "HEAD", "/healthz", "/healthz", NULL },
		{ "GET", "/api/v1/slots", "/api/v1/slots", NULL },
		{ "GET", "/api/v1/slots/12", "/api/v1/slots/{slot}", "12" },
		{ "POST", "/api/v1/slots/12/retry", "/api/v1/slots/{slot}/retry", "12" },
		{ "GET", "/api/v1/recipes/" SHA, "/api/v1/recipes/{sha256}", SHA },
		{ "POST", "/api/v1/batches", "/api/v1/batches", NULL },
		{ "POST", "/api/v1/batches/7/close", "/api/v1/batches/{id}/close", "7" },
		{ "GET", "/api/v1/units/S%2FN%201", "/api/v1/units/{name}", "S/N 1" },
		{ "POST", "/api/v1/recipes/" SHA "/revoke", "/api/v1/recipes/{sha256}/revoke", SHA },
		{ "POST", "/api/v1/units/a%20b/serial", "/api/v1/units/{name}/serial", "a b" },
		{ "GET", "/api/v1/exports/attempts.csv", "/api/v1/exports/attempts.csv", NULL },
		{ "GET", "/api/v1/attempts/123456789012345678", "/api/v1/attempts/{id}", "123456789012345678" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_args args;
		char allow[ROUTE_ALLOW];
		struct err e = ERR_INIT;
		const struct route *r = find(rows[i].method, rows[i].target, &args, allow, &e);
		if (!r)
			fail_msg("%s %s: %s", rows[i].method, rows[i].target, e.msg);
		assert_string_equal(r->pattern, rows[i].pattern);
		assert_string_equal(allow, "");
		assert_int_equal(args.count, rows[i].arg ? 1 : 0);
		if (rows[i].arg)
			assert_string_equal(args.text[0], rows[i].arg);
	}
}

static void test_routes_refused(void **state)
{
	(void)state;
	static const struct {
		const char *method, *target, *allow; /* NULL: not found */
	} rows[] = {
		{ "GET", "/api", NULL },
		{ "GET", "/api/v1/slots/", NULL },
		{ "GET", "/api/v1/slots/0", NULL },
		{ "GET", "/api/v1/slots/-1", NULL },
		{ "GET", "/api/v1/slots/1x", NULL },
		{ "GET", "/api/v1/slots/99999", NULL },
		{ "GET", "/api/v1/attempts/1234567890123456789", NULL },
		{ "GET", "/api/v1/recipes/ABC", NULL },
		{ "GET", "/api/v1/units/", NULL },
		{ "GET", "/%2fhealthz", NULL },
		{ "GET", "/Healthz", NULL },
		{ "POST", "/healthz", "GET, HEAD" },
		{ "DELETE", "/api/v1/batches", "GET, HEAD, POST" },
		{ "GET", "/api/v1/slots/1/retry", "POST" },
		{ "get", "/healthz", "GET, HEAD" },
		{ "OPTIONS", "/api/v1/recipes", "GET, HEAD, POST" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_args args;
		char allow[ROUTE_ALLOW];
		struct err e = ERR_INIT;
		if (find(rows[i].method, rows[i].target, &args, allow, &e))
			fail_msg("%s %s is found", rows[i].method, rows[i].target);
		assert_int_equal(e.code, rows[i].allow ? CODE_METHOD_NOT_ALLOWED : CODE_NOT_FOUND);
		assert_string_equal(allow, rows[i].allow ? rows[i].allow : "");
	}
}

/* No row is hidden behind another one, every one has a handler, and only POST changes anything. */
static void test_routes_table(void **state)
{
	(void)state;
	for (const struct route *r = http_routes; r->method; r++) {
		assert_non_null(r->run);
		assert_true(!strcmp(r->method, "GET") || !strcmp(r->method, "POST"));
		assert_int_equal(r->body == BODY_NONE, !strcmp(r->method, "GET"));
		assert_true(r->right > RIGHT_NOBODY && r->right < RIGHT_COUNT);
		for (const struct route *s = http_routes; s < r; s++)
			assert_true(strcmp(r->method, s->method) || strcmp(r->pattern, s->pattern));
	}
}

/* --- rights ------------------------------------------------------------------------------------------------------- */

/* What must hold of the table, written down once more and independently: who may change what. */
static void test_rights(void **state)
{
	(void)state;
	static const struct {
		const char *method, *target, *roles; /* NULL: whoever comes */
	} rows[] = {
		{ "GET", "/", NULL },
		{ "GET", "/healthz", NULL },
		{ "POST", "/api/v1/session", NULL },
		{ "GET", "/plain", "operator supervisor qa integrator admin" },
		{ "GET", "/metrics", "operator supervisor qa integrator admin" },
		{ "GET", "/api/v1/slots", "operator supervisor qa integrator admin" },
		{ "GET", "/api/v1/events", "operator supervisor qa integrator admin" },
		{ "GET", "/api/v1/exports/attempts.csv", "operator supervisor qa integrator admin" },
		{ "POST", "/api/v1/slots/1/retry", "operator supervisor admin" },
		{ "POST", "/api/v1/slots/1/abort", "operator supervisor admin" },
		{ "POST", "/api/v1/slots/1/enable", "supervisor admin" },
		{ "POST", "/api/v1/slots/1/deploy", "supervisor admin" },
		{ "POST", "/api/v1/station/resume", "supervisor admin" },
		{ "POST", "/api/v1/batches", "operator supervisor integrator admin" },
		{ "POST", "/api/v1/batches/7/hold", "operator supervisor qa integrator admin" },
		{ "POST", "/api/v1/batches/7/resume", "supervisor qa integrator admin" },
		{ "POST", "/api/v1/batches/7/close", "supervisor qa integrator admin" },
		{ "POST", "/api/v1/recipes", "supervisor integrator admin" },
		{ "POST", "/api/v1/recipes/" SHA "/revoke", "supervisor qa admin" },
		{ "POST", "/api/v1/units/a/serial", "operator supervisor integrator admin" },
		{ "GET", "/api/v1/audit", "supervisor qa admin" },
		{ "GET", "/api/v1/people", "admin" },
		{ "POST", "/api/v1/people", "admin" },
		{ "POST", "/api/v1/tokens", "admin" },
	};
	static const char *const roles[] = { "operator", "supervisor", "qa", "integrator", "admin" };
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_args args;
		char allow[ROUTE_ALLOW];
		struct err e = ERR_INIT;
		const struct route *r = find(rows[i].method, rows[i].target, &args, allow, &e);
		assert_non_null(r);
		for (size_t k = 0; k < COUNT(roles); k++) {
			enum role role;
			assert_true(role_from_name(roles[k], &role, &e));
			bool may = !rows[i].roles || strstr(rows[i].roles, roles[k]);
			if (rights_have(role_rights(role), r->right) != may)
				fail_msg("%s %s: %s", rows[i].method, rows[i].target, roles[k]);
		}
		if (rights_have(0, r->right) != !rows[i].roles)
			fail_msg("%s %s: nobody", rows[i].method, rows[i].target);
	}
	assert_false(rights_have(RIGHTS_ALL, RIGHT_NOBODY));
	assert_false(rights_have(RIGHTS_ALL, RIGHT_COUNT));
	assert_int_equal(role_rights(ROLE_ADMIN), RIGHTS_ALL);
	assert_int_equal(right_from_name("read"), RIGHT_READ);
	assert_int_equal(right_from_name("open"), RIGHT_NOBODY);
	assert_int_equal(right_from_name(""), RIGHT_NOBODY);
}

/* --- the API's description ---------------------------------------------------------------------------------------- */

static struct cJSON *description(void)
{
	static char text[1 << 18];
	struct err e = ERR_INIT;
	FILE *f = fopen("station/http/openapi.json", "r");
	assert_non_null(f);
	size_t size = fread(text, 1, sizeof text, f);
	fclose(f);
	struct cJSON *json = json_parse(span_of(text, size), &e);
	if (!json)
		fail_msg("%s", e.msg);
	return json;
}

static const struct cJSON *member(const struct cJSON *json, const char *key)
{
	const struct cJSON *found = json ? json_member(json, key) : NULL;
	if (!found)
		fail_msg("\"%s\" is missing", key);
	return found;
}

/* What "#/components/KIND/NAME" points to. */
static const struct cJSON *resolve(const struct cJSON *document, const struct cJSON *json)
{
	const char *text = json_member(json, "$ref") ? json_text(json_member(json, "$ref")) : NULL;
	char kind[32], name[64];
	if (!text)
		return json;
	assert_int_equal(sscanf(text, "#/components/%31[^/]/%63[^/]", kind, name), 2);
	return member(member(member(document, "components"), kind), name);
}

static void check_refs(const struct cJSON *document, const struct cJSON *json)
{
	if (json_is_object(json) && json_member(json, "$ref"))
		assert_non_null(resolve(document, json));
	for (const struct cJSON *i = json_first(json); i; i = json_after(i))
		check_refs(document, i);
}

static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = list; at && (at = strstr(at, name)); at += n)
		if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static unsigned words(const char *list)
{
	unsigned n = list && *list ? 1 : 0;
	for (; list && *list; list++)
		n += *list == ' ';
	return n;
}

/* Every placeholder and every parameter of the query, and no other. */
static void check_parameters(const struct cJSON *document, const struct cJSON *operation, const struct route *r)
{
	const struct cJSON *list = json_member(operation, "parameters");
	unsigned query = 0, path = 0, placeholders = 0;
	char braced[40];
	for (const struct cJSON *i = json_first(list); i; i = json_after(i)) {
		const struct cJSON *p = resolve(document, i);
		const char *name = json_text(member(p, "name")), *in = json_text(member(p, "in"));
		member(p, "schema");
		snprintf(braced, sizeof braced, "{%s}", name);
		if (!strcmp(in, "query") && query++ < 100 && !in_list(r->params, name))
			fail_msg("%s takes no %s", r->pattern, name);
		if (!strcmp(in, "path") && path++ < 100 && !strstr(r->pattern, braced))
			fail_msg("%s has no %s", r->pattern, braced);
	}
	for (const char *c = r->pattern; *c; c++)
		placeholders += *c == '{';
	if (query != words(r->params) || path != placeholders)
		fail_msg("%s: parameters are missing", r->pattern);
}

static void check_body(const struct cJSON *operation, const struct route *r)
{
	const struct cJSON *body = json_member(operation, "requestBody");
	if (!body != (r->body == BODY_NONE))
		fail_msg("%s %s: its body", r->method, r->pattern);
	if (body)
		member(member(body, "content"),
		    r->body == BODY_RECIPE || r->body == BODY_IMAGE ? "application/octet-stream" : "application/json");
}

/* Any refusal is a problem document. */
static void check_responses(const struct cJSON *document, const struct cJSON *operation)
{
	bool good = false, fallback = false;
	const struct cJSON *list = member(operation, "responses");
	for (const struct cJSON *i = json_first(list); i; i = json_after(i)) {
		const char *status = json_key(i);
		const struct cJSON *response = resolve(document, i);
		assert_non_null(json_text(member(response, "description")));
		good |= status[0] == '2';
		fallback |= !strcmp(status, "default");
		if (status[0] == '4' || status[0] == '5' || status[0] == 'd')
			member(member(response, "content"), "application/problem+json");
	}
	assert_true(good && fallback);
}

/* The right that the route asks for; what anybody may do says that it needs no login. */
static void check_right(const struct cJSON *operation, const struct route *r)
{
	const struct cJSON *security = json_member(operation, "security"), *named = json_member(operation, "x-right");
	bool open = r->right == RIGHT_OPEN;
	if (open != (security && !json_first(security)) || open != !named ||
	    (named && strcmp(json_text(named), right_name(r->right)) != 0))
		fail_msg("%s %s: its right", r->method, r->pattern);
}

static void check_operation(const struct cJSON *document, const struct route *r)
{
	const struct cJSON *path = member(member(document, "paths"), r->pattern);
	const struct cJSON *operation = member(path, !strcmp(r->method, "GET") ? "get" : "post");
	member(operation, "operationId");
	member(operation, "summary");
	check_right(operation, r);
	check_parameters(document, operation, r);
	check_body(operation, r);
	check_responses(document, operation);
}

static bool in_table(const char *pattern, const char *method)
{
	for (const struct route *r = http_routes; r->method; r++)
		if (!strcmp(r->pattern, pattern) && !strcasecmp(r->method, method))
			return true;
	return false;
}

/* The description lists every code of the product, and no other. */
static void check_codes(const struct cJSON *document)
{
	const struct cJSON *code = member(member(member(document, "components"), "schemas"), "Code");
	int known = 0;
	for (const struct cJSON *i = json_first(member(code, "enum")); i; i = json_after(i), known++)
		if (code_from_name(json_text(i)) != (enum code)known)
			fail_msg("%s is not the next code", json_text(i));
	assert_int_equal(known, CODE_COUNT);
}

static void test_description(void **state)
{
	(void)state;
	AUTO_JSON struct cJSON *document = description();
	for (const struct route *r = http_routes; r->method; r++)
		check_operation(document, r);
	for (const struct cJSON *p = json_first(member(document, "paths")); p; p = json_after(p))
		for (const struct cJSON *m = json_first(p); m; m = json_after(m))
			if (!in_table(json_key(p), json_key(m)))
				fail_msg("%s %s is described, but is no route", json_key(m), json_key(p));
	check_refs(document, document);
	check_codes(document);
	assert_string_equal(json_text(member(document, "openapi")), "3.1.0");
}

/* --- parameters --------------------------------------------------------------------------------------------------- */

static bool params(const char *target, struct list_filter *f, struct err *e)
{
	static struct uri u;
	assert_true(uri_parse(target, &u, e));
	return params_read(&u, "serial slot from to limit cursor code verdict state recipe", f, e);
}

static void test_params(void **state)
{
	(void)state;
	struct list_filter f;
	struct err e = ERR_INIT;
	assert_true(params("/?serial=A%20B&slot=3&from=2026-11-20T21:54:07Z&limit=1000&cursor=9", &f, &e));
	assert_string_equal(f.query.serial, "A B");
	assert_int_equal(f.query.slot, 3);
	assert_string_equal(f.query.from, "2026-11-20T21:54:07.000Z");
	assert_null(f.query.to);
	assert_int_equal(f.query.limit, 1000);
	assert_int_equal(f.query.cursor, 9);
	assert_true(params("/?verdict=ABORTED&state=held&code=usb-gone&serial=%C3%A4", &f, &e));
	assert_string_equal(f.query.verdict, "ABORTED");
	assert_string_equal(f.query.state, "held");
	assert_string_equal(f.query.code, "usb-gone");
	assert_string_equal(f.query.serial, "\u00e4");
	assert_true(params("/?recipe=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &f, &e));
	assert_true(params("/", &f, &e));
	assert_int_equal(f.query.limit, 0);
	static const char *const bad[] = { "/?limit=0", "/?limit=1001", "/?limit=", "/?limit=01", "/?limit=1e2",
		"/?limit=-1", "/?slot=x", "/?slot=10000", "/?cursor=0", "/?cursor=1234567890123456789",
		"/?from=yesterday", "/?to=2026-02-30T00:00:00Z", "/?from=2026-11-20T21:54:07+00:00",
		"/?serial=", "/?verdict=pass", "/?verdict=PASS%20FAIL", "/?verdict=", "/?state=done", "/?code=nope",
		"/?recipe=0123", "/?recipe=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "/?uid=1",
		"/?seria=1", "/?e=1", "/?serial%20slot=1" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err why = ERR_INIT;
		if (params(bad[i], &f, &why))
			fail_msg("%s", bad[i]);
		assert_int_equal(why.code, CODE_BAD_REQUEST);
	}
}

/* --- listening, deadlines, answers -------------------------------------------------------------------------------- */

static void test_listen(void **state)
{
	(void)state;
	struct sockaddr_storage a;
	socklen_t size;
	struct err e = ERR_INIT;
	assert_true(address_parse("127.0.0.1:8080", &a, &size, &e));
	assert_int_equal(((struct sockaddr_in *)&a)->sin_port, htons(8080));
	assert_int_equal(((struct sockaddr_in *)&a)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_true(address_parse("localhost:0", &a, &size, &e));
	assert_int_equal(a.ss_family, AF_INET);
	assert_true(address_parse("[::1]:65535", &a, &size, &e));
	assert_int_equal(a.ss_family, AF_INET6);
	assert_true(IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&a)->sin6_addr));
	static const char *const local[] = { "127.0.0.1:1", "localhost:1", "[::1]:1" };
	static const char *const wide[] = { "0.0.0.0:8080", "192.168.1.1:80", "[::]:80", "127.0.0.10:80", "[fd00::1]:1",
		"[::ffff:127.0.0.1]:80" };
	for (size_t i = 0; i < COUNT(local); i++)
		assert_true(address_is_local(local[i]));
	for (size_t i = 0; i < COUNT(wide); i++)
		assert_true(address_parse(wide[i], &a, &size, &e) && !address_is_local(wide[i]));
	static const char *const bad[] = { "", "8080", ":8080", "::1:80", "127.0.0.1:", "127.0.0.1:65536",
		"127.0.0.1:80x", "127.0.0.1", "example.com:80", "[127.0.0.1]:80", "[]:80", "[::1:80", "1.2.3:80",
		"127.0.0.1:-1", "00127.0.0.1.00127.0.0.1.00127.0.0.1.00127.0.0.1:80" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err why = ERR_INIT;
		if (address_parse(bad[i], &a, &size, &why))
			fail_msg("%s", bad[i]);
		assert_int_equal(why.code, CODE_CONFIG_INVALID);
	}
}

static void test_deadlines(void **state)
{
	(void)state;
	assert_false(conn_overdue(PHASE_HEAD, 1000, 0, 1000 + HEAD_MS));
	assert_true(conn_overdue(PHASE_HEAD, 1000, 0, 1001 + HEAD_MS));
	assert_false(conn_overdue(PHASE_BODY, 0, 0, BODY_MS));
	assert_true(conn_overdue(PHASE_BODY, 0, BODY_RATE - 1, BODY_MS + 1));
	assert_false(conn_overdue(PHASE_BODY, 0, BODY_RATE, BODY_MS + 1000));
	assert_true(conn_overdue(PHASE_BODY, 0, BODY_RATE, BODY_MS + 1001));
	assert_true(conn_overdue(PHASE_ANSWER, 0, 1u << 30, ANSWER_MS + 1));
	assert_false(conn_overdue(PHASE_LIVE, 0, 0, LIVE_MS));
	assert_true(conn_overdue(PHASE_LIVE, 0, 1u << 30, LIVE_MS + 1));
	assert_false(conn_overdue(PHASE_ASLEEP, 0, 0, INT64_MAX));
}

/* One request at a time with one key; what was answered is the journal's to know. */
/* Between its header and its first byte a stream is none yet; what ends its session ends it all the same. */
static void test_streams_end_with_their_session(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char byte;
	for (int late = 0; late < 2; late++) { /* late: the session ends after it was looked up, before the tag */
		struct conns c = { .running = false };
		struct conn k;
		int ends[2];
		assert_true(conns_start(&c, &e));
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		conns_add(&c, &k, ends[0]);
		uint64_t endings = conns_endings(&c);
		if (late)
			conns_end_tagged(&c, 7);
		conns_tag(&c, &k, 7, 0, endings);
		conns_phase(&c, &k, PHASE_ANSWER);
		if (!late)
			conns_end_tagged(&c, 7);
		assert_int_equal(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1); /* other answers are finished */
		conns_phase(&c, &k, PHASE_LIVE);
		assert_int_equal(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0);
		conns_remove(&c, &k);
		conns_stop(&c);
		close(ends[0]);
		close(ends[1]);
	}
}

static void test_keys(void **state)
{
	(void)state;
	static struct keys k;
	struct err e = ERR_INIT;
	keys_init(&k);
	static struct key_hold one, two, three;
	assert_true(keys_hold(&k, &one, "a", &e) && keys_hold(&k, &two, "b", &e));
	assert_false(keys_hold(&k, &three, "a", &e));
	assert_int_equal(e.code, CODE_KEY_IN_USE);
	keys_release(&k, &three);
	keys_release(&k, &one);
	keys_release(&k, &one);
	assert_true(keys_hold(&k, &three, "a", &e));
	keys_release(&k, &two);
	keys_release(&k, &three);
	assert_null(k.held);
	keys_finish(&k);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void test_resume(void **state)
{
	(void)state;
	static const struct {
		const char *last;
		int64_t newest, from;
		bool reset;
	} rows[] = {
		{ NULL, 20, 20, false },
		{ "0", 20, 0, false },
		{ "7", 20, 7, false },
		{ "20", 20, 20, false },
		{ "21", 20, 20, true },
		{ "", 20, 20, true },
		{ "-1", 20, 20, true },
		{ "7 ", 20, 20, true },
		{ "0x7", 20, 20, true },
		{ "9999999999999999999999", 20, 20, true },
		{ "7", 7 + EVENTS_BEHIND, 7, false },
		{ "7", 8 + EVENTS_BEHIND, 8 + EVENTS_BEHIND, true },
		{ "0", 0, 0, false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool reset = !rows[i].reset;
		int64_t from = events_resume(rows[i].last, rows[i].newest, &reset);
		if (from != rows[i].from || reset != rows[i].reset)
			fail_msg("%s: from %lld, %d", rows[i].last ? rows[i].last : "nothing", (long long)from, reset);
	}
}

/* Every kind of row brings an object of the API; only what happened to nothing else speaks of itself. */
static void test_subjects(void **state)
{
	(void)state;
	static const struct {
		const char *kind;
		enum subject about;
	} rows[] = {
		{ KIND_STATION_STARTED, ABOUT_STATION },
		{ KIND_STATION_STOPPED, ABOUT_STATION },
		{ KIND_STATION_EVENT, ABOUT_ITSELF },
		{ KIND_STATION_HELD, ABOUT_STATION },
		{ KIND_STATION_RESUMED, ABOUT_STATION },
		{ KIND_RECIPE_ADDED, ABOUT_RECIPE },
		{ KIND_RECIPE_SIGNATURES, ABOUT_RECIPE },
		{ KIND_RECIPE_REVOKED, ABOUT_RECIPE },
		{ KIND_RECIPE_APPROVED, ABOUT_RECIPE },
		{ KIND_RECIPE_ACTIVATED, ABOUT_RECIPE },
		{ KIND_RECIPE_RETIRED, ABOUT_RECIPE },
		{ KIND_BATCH_OPENED, ABOUT_BATCH },
		{ KIND_BATCH_HELD, ABOUT_BATCH },
		{ KIND_BATCH_RESUMED, ABOUT_BATCH },
		{ KIND_BATCH_CLOSED, ABOUT_BATCH },
		{ KIND_ATTEMPT_STARTED, ABOUT_ATTEMPT },
		{ KIND_ATTEMPT_STEP, ABOUT_ATTEMPT },
		{ KIND_ATTEMPT_WRITING, ABOUT_ATTEMPT },
		{ KIND_ATTEMPT_ENDED, ABOUT_ATTEMPT },
		{ KIND_ATTEMPT_REFUSED, ABOUT_ATTEMPT },
		{ KIND_SLOT_ADDED, ABOUT_SLOT },
		{ KIND_SLOT_ENABLED, ABOUT_SLOT },
		{ KIND_SLOT_DISABLED, ABOUT_SLOT },
		{ KIND_SLOT_HELD, ABOUT_SLOT },
		{ KIND_UNIT_SERIAL, ABOUT_UNIT },
		{ KIND_SLOT_ORDERED, ABOUT_SLOT },
		{ KIND_PERSON_ADDED, ABOUT_SECRET },
		{ KIND_PERSON_REMOVED, ABOUT_SECRET },
		{ KIND_PERSON_ROLE, ABOUT_SECRET },
		{ KIND_PERSON_PIN, ABOUT_SECRET },
		{ KIND_PERSON_BADGE, ABOUT_SECRET },
		{ KIND_TOKEN_CREATED, ABOUT_SECRET },
		{ KIND_TOKEN_REVOKED, ABOUT_SECRET },
		{ KIND_LOGIN, ABOUT_SECRET },
		{ KIND_LOGIN_FAILED, ABOUT_SECRET },
		{ KIND_LOGOUT, ABOUT_SECRET },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(kind_known(rows[i].kind));
		if (subject_of(rows[i].kind) != rows[i].about)
			fail_msg("%s", rows[i].kind);
	}
}

static void test_problems(void **state)
{
	(void)state;
	for (int code = CODE_OK + 1; code < CODE_COUNT; code++) {
		struct answer a = { .status = 0 };
		struct err why = { (enum code)code, "told \"so\"" }, e = ERR_INIT;
		const char *fixed = NULL, *text;
		answer_problem(&a, 0, &why, &fixed);
		assert_null(fixed);
		assert_in_range(a.status, 400, 503);
		assert_string_equal(a.type, "application/problem+json");
		AUTO_JSON struct cJSON *json = json_parse(span_of(a.body, a.size), &e);
		assert_non_null(json);
		assert_true(json_string(json, "code", &text, &e));
		assert_string_equal(text, code_name((enum code)code));
		assert_true(json_string(json, "detail", &text, &e));
		assert_string_equal(text, "told \"so\"");
		answer_clear(&a);
	}
	assert_int_equal(problem_status(CODE_NOT_FOUND), 404);
	assert_int_equal(problem_status(CODE_BATCH_OPEN), 409);
	assert_int_equal(problem_status(CODE_REPLUG_NEEDED), 409);
	assert_int_equal(problem_status(CODE_WRONG_HOST), 421);
	assert_int_equal(problem_status(CODE_SIGNATURE_BAD), 422);
	assert_int_equal(problem_status(CODE_JOURNAL_FAILED), 503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri_parts),
		cmocka_unit_test(test_uri_refusals),
		cmocka_unit_test(test_uri_length),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_body_length),
		cmocka_unit_test(test_routes_found),
		cmocka_unit_test(test_routes_refused),
		cmocka_unit_test(test_routes_table),
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_streams_end_with_their_session),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_problems),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
