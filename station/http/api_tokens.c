/* Tokens: how machines come in.  A token is told when it is made, and to a repeat of that very request; what is kept is
 * its hash. */
#include "http/api.h"

#include "base/timefmt.h"
#include "format/json.h"
#include "journal/kinds.h"
#include "journal/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define DAYS_MAX       3650
#define DAY_MS         INT64_C(86400000)
#define PREFIX         "romline_"

bool api_tokens(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_tokens, a, e);
}

/* A token that could make tokens would never end. */
static bool scopes_valid(const struct cJSON *list, struct err *e)
{
	unsigned count = 0;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i), count++) {
		enum right right = json_text(i) ? right_from_name(json_text(i)) : RIGHT_NOBODY;
		if (right == RIGHT_NOBODY || right == RIGHT_PEOPLE)
			return err_set(
			    e, CODE_BAD_REQUEST, "there is no scope '%.32s'", json_text(i) ? json_text(i) : "?");
	}
	return (count && count <= RIGHT_COUNT - RIGHT_READ) ||
	       err_set(e, CODE_BAD_REQUEST, "scopes must name 1 to %d rights", RIGHT_COUNT - RIGHT_READ);
}

struct token_request {
	const char *name;
	const struct cJSON *scopes;
	int64_t days;
	char expires_at[TIME_TEXT_SIZE];
};

static bool read_request(const struct cJSON *body, struct token_request *t, struct err *e)
{
	if (!json_string(body, "name", &t->name, e) || !label_valid("name", t->name, e) ||
	    !json_array(body, "scopes", &t->scopes, e) || !scopes_valid(t->scopes, e) ||
	    !json_integer(body, "days", 1, DAYS_MAX, &t->days, e))
		return false;
	return (strlen(t->name) <= NAME_MAX_BYTES && !strchr(t->name, ':')) ||
	       err_set(e, CODE_BAD_REQUEST, "name must have 1 to %d bytes and no ':'", NAME_MAX_BYTES);
}

/* With an Idempotency-Key the token follows from the request and the moment, so that a repeat can be told it once more
 * though it is kept nowhere. */
static void make_token(struct http *h, const struct who *who, const char *expires_at, char token[SECRET_TEXT])
{
	char words[WHO_KEY_SIZE + sizeof who->request + TIME_TEXT_SIZE + 2];
	if (!*who->key) {
		secret_make(PREFIX, token);
		return;
	}
	snprintf(words, sizeof words, "%s %s %s", who->key, who->request, expires_at);
	secret_derive(&h->secrets, PREFIX, words, token);
}

static int64_t write_created(
    struct http *h, const struct token_request *t, const char *token, const struct who *who, struct err *e)
{
	char hash[SECRET_HASH];
	struct cJSON *row = json_new_object();
	secret_hash(token, hash);
	json_add_string(row, "name", t->name);
	json_add_string(row, "hash", hash);
	struct cJSON *scopes = json_add_array(row, "scopes");
	for (const struct cJSON *i = json_first(t->scopes); i; i = json_after(i))
		json_add_string(scopes, NULL, json_text(i));
	json_add_string(row, "expires_at", t->expires_at);
	who_add(row, who);
	return journal_write(h->o.journal, KIND_TOKEN_CREATED, row, e);
}

/* The token's object, with the token itself in it where it is told. */
static bool answer_token(
    struct http *h, int64_t id, const char *token, unsigned status, struct answer *a, struct err *e)
{
	AUTO_FREE char *text = NULL;
	if (!query_token(h->reader, id, &text, e))
		return false;
	struct cJSON *json = json_parse(span_of(text, strlen(text)), e);
	if (!json)
		return false;
	if (token)
		json_add_string(json, "token", token);
	return answer_json(a, status, json, e);
}

static bool tell_again(struct http *h, const struct request *r, struct answer *a, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *expires_at;
	char token[SECRET_TEXT];
	if (!query_token(h->reader, r->before.seq, &text, e))
		return false;
	AUTO_JSON struct cJSON *json = json_parse(span_of(text, strlen(text)), e);
	if (!json || !json_string(json, "expires_at", &expires_at, e))
		return false;
	make_token(h, &r->caller.who, expires_at, token);
	return answer_token(h, r->before.seq, token, r->before.status, a, e);
}

bool api_token_create(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "name", "scopes", "days", NULL };
	struct token_request t = { .name = NULL };
	char token[SECRET_TEXT];
	struct err why = ERR_INIT;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !read_request(body, &t, e))
		return false;
	if (key_done(r))
		return tell_again(h, r, a, e);
	r->caller.who.status = 201;
	time_format(t.expires_at, journal_station_time(h->o.journal) + t.days * DAY_MS);
	make_token(h, &r->caller.who, t.expires_at, token);
	int64_t id = write_created(h, &t, token, &r->caller.who, &why);
	if (!id && why.code == CODE_CONFLICT)
		return err_set(e, CODE_CONFLICT, "there is a token %s already; revoke it first", t.name);
	if (!id)
		*e = why;
	return id && answer_token(h, id, token, 201, a, e);
}

bool api_token_revoke(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	int64_t id = request_id(r, 0);
	char *text = NULL;
	struct err why = ERR_INIT;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e))
		return false;
	if (!query_token(h->reader, id, &text, e))
		return e->code == CODE_NOT_FOUND ? err_set(e, CODE_NOT_FOUND, "there is no token %s", r->args.text[0])
						 : false;
	free(text);
	if (key_done(r))
		return answer_token(h, id, NULL, 200, a, e);
	struct cJSON *row = json_new_object();
	json_add_string(row, "token", r->args.text[0]);
	who_add(row, &r->caller.who);
	if (!journal_write(h->o.journal, KIND_TOKEN_REVOKED, row, &why)) {
		if (why.code == CODE_CONFLICT)
			return err_set(e, CODE_CONFLICT, "the token is revoked already");
		*e = why;
		return false;
	}
	conns_end_tagged(&h->conns, TAG_TOKEN(id));
	return answer_token(h, id, NULL, 200, a, e);
}
