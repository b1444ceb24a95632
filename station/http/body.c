/* A request's body on its way in: kept for JSON, streamed for recipes and images, read away where it is not wanted. */
#include "http/server.h"

#include "format/json.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_LIMIT  (64u << 10)
#define BATCH_LIMIT (1u << 20)
/* A refused body is read away this far beyond its limit, so that the client gets to read the answer. */
#define DRAIN       (1u << 20)
#define FIRST_PIECE 4096u

size_t body_limit(const struct route *route)
{
	if (!route)
		return 0;
	switch (route->body) {
	case BODY_NONE:
		return 0;
	case BODY_JSON:
		return JSON_LIMIT;
	case BODY_BATCH:
		return BATCH_LIMIT;
	case BODY_RECIPE:
	case BODY_IMAGE:
		return RECIPE_MAX_BYTES;
	}
	return 0;
}

bool body_begin(struct http *h, struct guest *g, struct err *e)
{
	struct request *r = &g->request;
	if (g->route->body == BODY_IMAGE) {
		r->image = file_unnamed(h->spool, e);
		r->has_image = r->image >= 0;
		return r->has_image;
	}
	if (g->route->body != BODY_RECIPE)
		return true;
	if (r->idempotency_key &&
	    (!key_valid(r->idempotency_key, e) || !keys_hold(&h->keys, &r->key, r->idempotency_key, e) ||
		!digest_begin(&r->hash, e)))
		return false;
	return recipe_store_begin(h->o.store, &r->intake, e);
}

/* Grows by what has arrived, never by what was announced. */
static bool keep(struct guest *g, struct span piece, struct err *e)
{
	size_t used = g->request.body.size;
	if (g->capacity - used < piece.size) {
		size_t wanted = g->capacity ? 2 * g->capacity : FIRST_PIECE;
		while (wanted - used < piece.size)
			wanted *= 2;
		uint8_t *grown = realloc(g->buffer, wanted);
		if (!grown)
			return err_set(e, CODE_NO_MEMORY, "no memory for the body");
		g->buffer = grown;
		g->capacity = wanted;
	}
	memcpy(g->buffer + used, piece.data, piece.size);
	g->request.body = span_of(g->buffer, used + piece.size);
	return true;
}

static bool store_piece(struct guest *g, struct span piece, struct err *e)
{
	size_t limit = body_limit(g->route);
	if (!limit)
		return err_set(e, CODE_BAD_REQUEST, "this request takes no body");
	if (g->received > limit)
		return err_set(e, CODE_TOO_LARGE, "this body may have at most %zu bytes", limit);
	if (g->route->body == BODY_IMAGE)
		return file_write_all(g->request.image, piece, "the image", e);
	if (g->route->body != BODY_RECIPE)
		return keep(g, piece, e);
	return (!g->request.hash.sha || digest_add(&g->request.hash, piece, e)) &&
	       recipe_store_write(g->request.intake, piece, e);
}

bool body_take(struct guest *g, struct span piece)
{
	g->received += piece.size;
	if (g->refusal.code == CODE_OK)
		store_piece(g, piece, &g->refusal);
	return g->refusal.code == CODE_OK || g->received <= body_limit(g->route) + DRAIN;
}

void guest_reset(struct http *h, struct guest *g)
{
	keys_release(&h->keys, &g->request.key);
	recipe_store_abandon(g->request.intake);
	if (g->request.has_image)
		close(g->request.image);
	g->request.has_image = false;
	digest_abandon(&g->request.hash);
	free(g->buffer);
	g->buffer = NULL;
	g->capacity = 0;
	g->received = 0;
	g->route = NULL;
	g->refusal = (struct err)ERR_INIT;
	g->allow[0] = '\0';
	g->begun = g->close = false;
	g->request.args.count = 0;
	g->request.uri.segment_count = g->request.uri.param_count = 0;
	g->request.idempotency_key = g->request.last_event_id = g->request.if_none_match = NULL;
	g->request.if_match = NULL;
	g->request.body = span_of(NULL, 0);
	g->request.intake = NULL;
	g->request.before = (struct request_key){ .seq = 0 };
	answer_clear(&g->done);
	g->why = (struct err)ERR_INIT;
	g->ran = false;
}

struct cJSON *request_json(const struct request *r, const char *const *keys, struct err *e)
{
	struct cJSON *json = r->body.size ? json_parse(r->body, e) : json_new_object();
	if (!json) {
		if (!r->body.size)
			err_set(e, CODE_NO_MEMORY, "no memory for the body");
		return NULL;
	}
	if (!json_is_object(json))
		err_set(e, CODE_JSON_INVALID, "the body must be an object");
	else if (json_only_keys(json, keys, e))
		return json;
	json_free(json);
	return NULL;
}

bool request_no_params(const struct request *r, struct err *e)
{
	return !r->uri.param_count ||
	       err_set(e, CODE_BAD_REQUEST, "there is no parameter '%.32s' here", r->uri.params[0].name);
}
