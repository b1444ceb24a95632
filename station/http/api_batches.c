/* Batches: opening one, once per Idempotency-Key, and changing its state. */
#include "http/api.h"

#include "base/digest.h"
#include "base/hex.h"
#include "base/number.h"
#include "format/json.h"
#include "http/params.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUANTITY_MAX 10000000
#define SERIALS_MOST 65000 /* a reader of JSON takes 65536 values */

bool api_batches(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_batches, a, e);
}

static bool answer_batch(struct http *h, int64_t id, unsigned status, struct answer *a, struct err *e)
{
	char *json = NULL;
	int64_t seq = 0;
	/* first: a tag that is older than what it stands on is refused later, one that is newer would not be */
	if (!query_batch_version(h->reader, id, &seq, e) || !query_batch(h->reader, id, &json, e))
		return e->code == CODE_NOT_FOUND ? err_set(e, CODE_NOT_FOUND, "there is no batch %" PRId64, id) : false;
	snprintf(a->tag, sizeof a->tag, "\"%" PRId64 "\"", seq);
	return answer_text(a, status, TYPE_JSON, json, e);
}

bool api_batch(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return request_no_params(r, e) && answer_batch(h, request_id(r, 0), 200, a, e);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static bool answer_opened(struct http *h, int64_t id, struct answer *a, struct err *e)
{
	snprintf(a->location, sizeof a->location, API "/batches/%" PRId64, id);
	return answer_batch(h, id, 201, a, e);
}

enum replay { REPLAY_NO, REPLAY_DONE, REPLAY_FAILED };

/* Has this key opened a batch before?  Then the answer is that batch, as it was the first time. */
static enum replay replay(struct http *h, const char *key, const char *digest, struct answer *a, struct err *e)
{
	int64_t id;
	char before[2 * SHA256_SIZE + 1];
	struct err why = ERR_INIT;
	if (!query_batch_by_key(h->reader, key, &id, before, &why)) {
		if (why.code == CODE_NOT_FOUND)
			return REPLAY_NO;
		*e = why;
		return REPLAY_FAILED;
	}
	if (strcmp(before, digest) != 0) {
		err_set(e, CODE_KEY_REUSED, "this Idempotency-Key opened batch %" PRId64 " with another request", id);
		return REPLAY_FAILED;
	}
	return answer_opened(h, id, a, e) ? REPLAY_DONE : REPLAY_FAILED;
}

static bool open_batch(struct http *h, const struct batch_request *b, struct answer *a, struct err *e)
{
	struct batch_view view;
	struct err why = ERR_INIT;
	if (line_open_batch(h->o.line, b, &view, &why))
		return answer_opened(h, strtoll(view.id, NULL, 10), a, e);
	/* the same request may have come twice at once: the other one has opened it meanwhile */
	enum replay again = b->key ? replay(h, b->key, b->request, a, e) : REPLAY_NO;
	if (again == REPLAY_NO)
		*e = why;
	return again == REPLAY_DONE;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The list's texts into `texts`, as many as have room; bad-request says which one is none. */
static bool read_texts(const struct cJSON *list, const char **texts, int64_t *count, struct err *e)
{
	*count = 0;
	for (const struct cJSON *s = json_first(list); s; s = json_after(s)) {
		if (*count == SERIALS_MOST)
			return err_set(e, CODE_BAD_REQUEST, "a list has at most %d serials", SERIALS_MOST);
		texts[*count] = json_text(s);
		if (!number_valid(texts[(*count)++], e))
			return err_prefix(e, "serial %" PRId64 " of the list", *count);
	}
	return true;
}

/* Enough for the quantity, and no serial twice. */
static bool list_valid(const char **texts, int64_t count, int64_t quantity, struct err *e)
{
	if (count < quantity)
		return err_set(e, CODE_BAD_REQUEST, "the list has %" PRId64 " serials for a quantity of %" PRId64,
		    count, quantity);
	qsort(texts, (size_t)count, sizeof *texts, by_text);
	for (int64_t i = 1; i < count; i++)
		if (!strcmp(texts[i - 1], texts[i]))
			return err_set(e, CODE_BAD_REQUEST, "the serial %s is on the list twice", texts[i]);
	return true;
}

static bool read_serials(const struct cJSON *body, struct batch_request *b, struct err *e)
{
	int64_t count;
	if (!json_member(body, "serials"))
		return true;
	if (!json_array(body, "serials", &b->serials, e))
		return false;
	const char **texts = calloc(SERIALS_MOST, sizeof *texts);
	if (!texts)
		return err_set(e, CODE_NO_MEMORY, "no memory for a list of serials");
	bool ok = read_texts(b->serials, texts, &count, e) && list_valid(texts, count, b->quantity, e);
	free(texts);
	return ok;
}

static bool read_batch(const struct cJSON *body, struct batch_request *b, struct err *e)
{
	uint8_t sha256[SHA256_SIZE];
	if (!json_string(body, "order", &b->order, e) || !json_string(body, "recipe", &b->recipe, e) ||
	    !json_integer(body, "quantity", 1, QUANTITY_MAX, &b->quantity, e) || !read_serials(body, b, e))
		return false;
	return hex_decode(sha256, sizeof sha256, b->recipe) ||
	       err_set(e, CODE_BAD_REQUEST, "recipe must be the recipe's SHA-256, 64 lower-case hex digits");
}

bool api_batch_open(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "order", "recipe", "quantity", "serials", NULL };
	struct batch_request b = { .key = r->idempotency_key, .who = &r->caller.who };
	struct digest digest;
	char text[2 * SHA256_SIZE + 1];
	if (!request_no_params(r, e))
		return false;
	if (b.key) { /* before the body is looked at: whatever it is, it is another one than before or the same */
		if (!key_valid(b.key, e) || !digest_of(r->body, &digest, e))
			return false;
		hex_encode(text, digest.sha256, SHA256_SIZE);
		b.request = text;
		enum replay before = replay(h, b.key, text, a, e);
		if (before != REPLAY_NO)
			return before == REPLAY_DONE;
	}
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	return body && read_batch(body, &b, e) && open_batch(h, &b, a, e);
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

/* The entity tags of If-Match (RFC 9110 section 13.1.1).  A weak one, or one that is no number, is none of ours. */
static bool read_if_match(const char *text, struct batch_versions *out, struct err *e)
{
	*out = (struct batch_versions){ .any = !text || !strcmp(text, "*") };
	while (!out->any && *(text += strspn(text, " \t,"))) {
		bool weak = !strncmp(text, "W/", 2);
		const char *open = text + (weak ? 2 : 0), *close = *open == '"' ? strchr(open + 1, '"') : NULL;
		if (!close || out->count == LINE_VERSIONS)
			return err_set(
			    e, CODE_BAD_REQUEST, "If-Match must be * or up to %d quoted ETags", LINE_VERSIONS);
		size_t digits = strspn(open + 1, "0123456789");
		if (!weak && digits && digits <= 18 && open + 1 + digits == close)
			out->seq[out->count++] = strtoll(open + 1, NULL, 10);
		text = close + 1;
	}
	return true;
}

static bool change(struct http *h, const struct request *r, enum batch_order order, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	struct batch_view view;
	struct err why = ERR_INIT;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e))
		return false;
	if (key_done(r))
		return answer_batch(h, request_id(r, 0), 200, a, e);
	struct batch_versions meant;
	int64_t seq;
	if (!read_if_match(r->if_match, &meant, e) ||
	    (r->if_match && query_batch_version(h->reader, request_id(r, 0), &seq, &why) &&
		!batch_version_meant(&meant, seq, e)))
		return false;
	why = (struct err)ERR_INIT;
	if (line_change_batch(h->o.line, r->args.text[0], order, &meant, &r->caller.who, &view, &why))
		return answer_batch(h, request_id(r, 0), 200, a, e);
	/* the line knows open batches only; a closed one is there, but can no longer change */
	if (why.code == CODE_NOT_FOUND && !answer_batch(h, request_id(r, 0), 200, a, e))
		return false;
	if (why.code == CODE_NOT_FOUND)
		err_set(&why, CODE_CONFLICT, "batch %s is closed", r->args.text[0]);
	*e = why;
	return false;
}

bool api_batch_hold(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return change(h, r, BATCH_ORDER_HOLD, a, e);
}

bool api_batch_resume(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return change(h, r, BATCH_ORDER_RESUME, a, e);
}

bool api_batch_close(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return change(h, r, BATCH_ORDER_CLOSE, a, e);
}
