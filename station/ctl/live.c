/* Talks to a running station over HTTP, by libcurl.  Every request has a deadline, every answer a bound. */
#include "ctl/live.h"

#include "format/json.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_URL "http://127.0.0.1:8080"
#define CONNECT_S   5L
#define USUAL_S     30u
#define QUIET_S     30L /* of a stream; the station says something every 8 s at the latest */
#define ANSWER_MAX  (64u << 20)

struct call {
	CURL *curl;
	struct curl_slist *headers;
	struct live_answer *answer; /* borrowed */
	FILE *copy;                 /* borrowed; see live_request */
	size_t capacity;
	char reason[CURL_ERROR_SIZE];
};

static size_t take(char *data, size_t one, size_t count, void *context)
{
	struct call *c = context;
	struct live_answer *a = c->answer;
	size_t size = one * count;
	long status = 0;
	if (c->copy && !curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status) && status == 200)
		return fwrite(data, 1, size, c->copy);
	if (size > ANSWER_MAX - a->size)
		return 0;
	if (a->size + size + 1 > c->capacity) {
		size_t wanted = 2 * (a->size + size) + 4096;
		uint8_t *grown = realloc(a->body, wanted);
		if (!grown)
			return 0;
		a->body = grown;
		c->capacity = wanted;
	}
	memcpy(a->body + a->size, data, size);
	a->size += size;
	a->body[a->size] = '\0';
	return size;
}

static bool full_url(const struct live *l, const char *path, char *out, size_t size, struct err *e)
{
	const char *base = l->url ? l->url : getenv("ROMLINE_URL");
	if (!base || !*base)
		base = DEFAULT_URL;
	if (strncasecmp(base, "http://", 7) != 0 && strncasecmp(base, "https://", 8) != 0)
		return err_set(e, CODE_USAGE, "the station's address '%.60s' must start with http://", base);
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	int used = snprintf(out, size, "%.*s/api/v1%s", (int)(n < size ? n : size), base, path);
	return (used > 0 && (size_t)used < size) || err_set(e, CODE_TOO_LARGE, "the request's address is too long");
}

static bool add_header(struct call *c, const char *name, const char *value)
{
	char line[512];
	int size = snprintf(line, sizeof line, "%s: %s", name, value);
	struct curl_slist *list = size > 0 && (size_t)size < sizeof line ? curl_slist_append(c->headers, line) : NULL;
	if (list)
		c->headers = list;
	return list != NULL;
}

static void set_address(CURL *curl, const char *url)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the station is on this machine */
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
}

static void set_common(struct call *c, const char *url, unsigned seconds)
{
	set_address(c->curl, url);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)(seconds ? seconds : USUAL_S));
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->reason);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
}

/* A station of this machine shows the certificate that its configuration names, under whatever names that has. */
static void set_trust(struct call *c, const struct live *l)
{
	const char *authority = l->pinned ? l->pinned : getenv("ROMLINE_CACERT");
	if (authority && *authority)
		curl_easy_setopt(c->curl, CURLOPT_CAINFO, authority);
	if (l->pinned)
		curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

static bool add_token(struct call *c, const struct live *l)
{
	char bearer[300];
	const char *token = l->token ? l->token : getenv("ROMLINE_TOKEN");
	if (!token || !*token)
		return true;
	int size = snprintf(bearer, sizeof bearer, "Bearer %s", token);
	return size > 0 && (size_t)size < sizeof bearer && add_header(c, "Authorization", bearer);
}

static void set_body(struct call *c, struct span body)
{
	curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.size ? (const char *)body.data : "");
}

static bool perform(struct call *c, const struct live *l, const char *url, const struct live_request *r, struct err *e)
{
	long status = 0;
	bool post = !strcmp(r->method, "POST");
	if ((post && !add_header(c, "Content-Type", r->type ? r->type : "application/json")) ||
	    (r->key && !add_header(c, "Idempotency-Key", r->key)) || !add_token(c, l))
		return err_set(e, CODE_BAD_REQUEST, "a header of the request is too long");
	set_common(c, url, r->seconds);
	set_trust(c, l);
	if (post)
		set_body(c, r->body);
	CURLcode rc = curl_easy_perform(c->curl);
	if (rc == CURLE_PARTIAL_FILE)
		return err_set(e, CODE_USB_GONE, "the answer of %.80s ended early", url);
	if (rc != CURLE_OK)
		return err_set(e, CODE_DAEMON_UNREACHABLE, "no answer from %.80s: %.90s", url,
		    *c->reason ? c->reason : curl_easy_strerror(rc));
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	c->answer->status = (unsigned)status;
	return true;
}

/* From a problem document to an error of ours; an answer that is none says at least its status. */
static bool read_answer(struct live_answer *a, struct err *e)
{
	const char *name, *detail;
	struct err why = ERR_INIT;
	a->json = json_parse(span_of(a->body, a->size), &why);
	if (a->json && a->status < 400)
		return true;
	if (a->status < 400)
		return err_set(e, CODE_DAEMON_UNREACHABLE, "what answers there is no station: %.80s", why.msg);
	if (!a->json || !json_string(a->json, "code", &name, NULL) || !json_string(a->json, "detail", &detail, NULL))
		return err_set(
		    e, CODE_DAEMON_UNREACHABLE, "the answer is HTTP status %u and no problem of ours", a->status);
	enum code code = code_from_name(name);
	if (code == CODE_COUNT)
		return err_set(e, CODE_CONFLICT, "%.40s: %.180s", name, detail);
	return err_set(e, code, "%.230s", detail);
}

bool live_call(const struct live *l, const struct live_request *r, struct live_answer *out, struct err *e)
{
	char url[LIVE_PATH + 512];
	struct call c = { .answer = out, .copy = r->copy };
	*out = (struct live_answer){ .status = 0 };
	if (!full_url(l, r->path, url, sizeof url, e))
		return false;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(c.curl = curl_easy_init()))
		return err_set(e, CODE_NO_MEMORY, "libcurl does not start");
	bool done = perform(&c, l, url, r, e);
	curl_slist_free_all(c.headers);
	curl_easy_cleanup(c.curl);
	curl_global_cleanup();
	if (done && r->copy && out->status == 200)
		return true;
	return done && read_answer(out, e);
}

bool live_stream(
    const struct live *l, const char *path, const char *last, live_take *take_piece, void *context, struct err *e)
{
	char url[LIVE_PATH + 512];
	long status = 0;
	struct call c = { .answer = NULL };
	if (!full_url(l, path, url, sizeof url, e))
		return false;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(c.curl = curl_easy_init()))
		return err_set(e, CODE_NO_MEMORY, "libcurl does not start");
	bool whole = !*last || add_header(&c, "Last-Event-ID", last);
	set_address(c.curl, url);
	curl_easy_setopt(c.curl, CURLOPT_ERRORBUFFER, c.reason);
	curl_easy_setopt(c.curl, CURLOPT_HTTPHEADER, c.headers);
	curl_easy_setopt(c.curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c.curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c.curl, CURLOPT_LOW_SPEED_TIME, QUIET_S);
	curl_easy_setopt(c.curl, CURLOPT_WRITEFUNCTION, take_piece);
	curl_easy_setopt(c.curl, CURLOPT_WRITEDATA, context);
	if (whole)
		curl_easy_perform(c.curl);
	curl_easy_getinfo(c.curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(c.headers);
	curl_easy_cleanup(c.curl);
	curl_global_cleanup();
	if (status >= 400 && status < 500)
		return err_set(e, CODE_CONFLICT, "the station refuses its events: HTTP status %ld", status);
	return whole || err_set(e, CODE_NO_MEMORY, "no memory for a header");
}

void live_clear(struct live_answer *a)
{
	json_free(a->json);
	free(a->body);
	*a = (struct live_answer){ .status = 0 };
}

int live_run(const struct live *l, const struct live_request *r, live_show *show)
{
	struct live_answer a;
	struct err e = ERR_INIT;
	int status = live_call(l, r, &a, &e) ? CTL_DONE : ctl_refuse(&e);
	if (l->json && a.json)
		fwrite(a.body, 1, a.size, stdout);
	else if (status == CTL_DONE)
		show(a.json);
	live_clear(&a);
	return status;
}

static bool append(char path[LIVE_PATH], const char *text, size_t size, struct err *e)
{
	size_t used = strlen(path);
	if (size >= LIVE_PATH - used)
		return err_set(e, CODE_TOO_LARGE, "the request's address is too long");
	memcpy(path + used, text, size);
	path[used + size] = '\0';
	return true;
}

bool live_path_add(char path[LIVE_PATH], const char *name, const char *text, struct err *e)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	const char *mark = !name ? "/" : strchr(path, '?') ? "&" : "?";
	if (!append(path, mark, 1, e))
		return false;
	if (name && (!append(path, name, strlen(name), e) || !append(path, "=", 1, e)))
		return false;
	for (const char *c = text; *c; c++) {
		char escape[4];
		snprintf(escape, sizeof escape, "%%%02X", (unsigned)(unsigned char)*c);
		if (!(strchr(plain, *c) ? append(path, c, 1, e) : append(path, escape, 3, e)))
			return false;
	}
	return true;
}
