/* A POST by libcurl. */
#include "mes/post.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS   5000L
#define HEADER_LIMIT 65536

struct poster {
	CURL *curl;
	char reason[CURL_ERROR_SIZE];
	/* of the request under way */
	const struct post_request *request;
	struct post_answer *answer;
	size_t header_bytes;
};

bool poster_begin(struct err *e)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK || err_set(e, CODE_INTERNAL, "libcurl does not start");
}

struct poster *poster_create(void)
{
	struct poster *p = calloc(1, sizeof *p);
	if (p)
		p->curl = curl_easy_init();
	if (p && p->curl)
		return p;
	free(p);
	return NULL;
}

void poster_destroy(struct poster *p)
{
	if (p)
		curl_easy_cleanup(p->curl);
	free(p);
}

void post_clear(struct post_answer *a)
{
	free(a->body);
	*a = (struct post_answer){ .status = 0 };
}

/* Returning less than was offered ends the transfer. */
static size_t take(char *bytes, size_t one, size_t size, void *context)
{
	struct poster *p = context;
	struct post_answer *a = p->answer;
	(void)one;
	if (size > p->request->answer_limit - a->size) {
		a->cut = true;
		return 0;
	}
	char *grown = realloc(a->body, a->size + size + 1);
	if (!grown)
		return 0;
	a->body = grown;
	memcpy(grown + a->size, bytes, size);
	a->size += size;
	grown[a->size] = '\0';
	return size;
}

static size_t count_header(char *bytes, size_t one, size_t size, void *context)
{
	struct poster *p = context;
	(void)bytes;
	(void)one;
	p->header_bytes += size;
	return p->header_bytes > HEADER_LIMIT ? 0 : size;
}

/* libcurl asks at least once a second. */
static int give_up(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct poster *p = context;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	for (int i = 0; i < 2; i++)
		if (p->request->cancel[i] && atomic_load(p->request->cancel[i]))
			return 1;
	return 0;
}

static void set_up(struct poster *p, struct curl_slist *headers)
{
	const struct post_request *r = p->request;
	CURL *c = p->curl;
	curl_easy_reset(c); /* the connection stays */
	curl_easy_setopt(c, CURLOPT_URL, r->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* what the configuration names is who is asked */
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->deadline_ms);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (r->ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, r->ca);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, p->reason);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, count_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, p);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, give_up);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, p);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.size);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)r->body.data);
}

/* NULL: no memory. */
static struct curl_slist *make_headers(const struct post_request *r)
{
	/* without "Expect" a body is not held back until the MES asks for it */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	for (int i = 0; list && i < POST_HEADERS && r->headers[i]; i++) {
		struct curl_slist *longer = curl_slist_append(list, r->headers[i]);
		if (!longer)
			curl_slist_free_all(list);
		list = longer;
	}
	return list;
}

static bool perform(struct poster *p, struct err *e)
{
	long status = 0;
	curl_off_t later = 0;
	CURLcode rc = curl_easy_perform(p->curl);
	if (rc != CURLE_OK && !(rc == CURLE_WRITE_ERROR && p->answer->cut))
		return err_set(e, CODE_MES_SILENT, "%.120s", *p->reason ? p->reason : curl_easy_strerror(rc));
	curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(p->curl, CURLINFO_RETRY_AFTER, &later);
	p->answer->status = (unsigned)status;
	p->answer->retry_after_s = later > 0 ? later : 0;
	return true;
}

bool post_send(struct poster *p, const struct post_request *r, struct post_answer *out, struct err *e)
{
	*out = (struct post_answer){ .status = 0 };
	struct curl_slist *headers = make_headers(r);
	if (!headers)
		return err_set(e, CODE_NO_MEMORY, "no memory to ask the MES");
	p->request = r;
	p->answer = out;
	p->header_bytes = 0;
	p->reason[0] = '\0';
	set_up(p, headers);
	bool answered = perform(p, e);
	curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	return answered;
}
