/* Batches: an order, a recipe and a quantity.  At most one is open for a board; what they count is in the journal. */
#include "line/numbers.h"

#include "base/hex.h"
#include "format/json.h"
#include "journal/kinds.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUANTITY_MAX 10000000

const char *batch_state_name(enum batch_state state)
{
	static const char *const names[] = { "open", "held", "closed" };
	return names[state];
}

struct batch *batch_for_board(struct line *l, const char *board)
{
	for (unsigned i = 0; i < LINE_MAX_BATCHES; i++)
		if (l->batches[i].used && !strcmp(l->batches[i].view.board, board))
			return &l->batches[i];
	return NULL;
}

struct batch *batch_by_id(struct line *l, const char *id)
{
	for (unsigned i = 0; i < LINE_MAX_BATCHES; i++)
		if (l->batches[i].used && !strcmp(l->batches[i].view.id, id))
			return &l->batches[i];
	return NULL;
}

int64_t batch_running(const struct line *l, const struct batch *b)
{
	int64_t n = 0;
	for (unsigned i = 0; i < l->slot_count; i++) {
		const struct slot *s = l->slots[i];
		n += s->reserved && !strcmp(s->attempt->batch, b->view.id);
	}
	return n;
}

void batches_publish(struct line *l)
{
	pthread_mutex_lock(&l->public_lock);
	l->batch_view_count = 0;
	for (unsigned i = 0; i < LINE_MAX_BATCHES; i++) {
		if (!l->batches[i].used)
			continue;
		l->batches[i].view.running = batch_running(l, &l->batches[i]);
		l->batch_views[l->batch_view_count++] = l->batches[i].view;
	}
	l->held_view = l->held;
	pthread_mutex_unlock(&l->public_lock);
}

static struct batch *free_batch(struct line *l)
{
	for (unsigned i = 0; i < LINE_MAX_BATCHES; i++)
		if (!l->batches[i].used)
			return &l->batches[i];
	return NULL;
}

static void forget(struct batch *b)
{
	stored_recipe_drop(b->recipe);
	*b = (struct batch){ .used = false };
}

static struct stored_recipe *find_recipe(struct line *l, const char *hex)
{
	uint8_t sha[SHA256_SIZE];
	return hex_decode(sha, sizeof sha, hex) ? recipe_store_find(l->o.store, sha) : NULL;
}

void batch_refresh(struct line *l, struct batch *b)
{
	struct stored_recipe *now = find_recipe(l, b->view.recipe);
	stored_recipe_drop(b->recipe);
	b->recipe = now;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static bool order_valid(const char *order)
{
	size_t size = strlen(order);
	for (const char *c = order; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return size >= 1 && size < LINE_ORDER_SIZE;
}

static bool request_valid(const struct batch_request *r, struct err *e)
{
	if (!order_valid(r->order))
		return err_set(e, CODE_BAD_REQUEST, "order must be 1 to %d printable bytes", LINE_ORDER_SIZE - 1);
	if (r->quantity < 1 || r->quantity > QUANTITY_MAX)
		return err_set(e, CODE_BAD_REQUEST, "quantity must be 1 to %d", QUANTITY_MAX);
	return true;
}

static int64_t count_of(const struct cJSON *list)
{
	int64_t n = 0;
	for (const struct cJSON *item = json_first(list); item; item = json_after(item))
		n++;
	return n;
}

/* May the batch have this list?  Nothing of it is given out, or promised to a slot. */
static bool list_free(const struct line *l, const struct cJSON *serials, struct err *e)
{
	if (!serials)
		return true;
	AUTO_FREE char *text = json_print(serials);
	if (!text)
		return err_set(e, CODE_NO_MEMORY, "no memory for a list of serials");
	for (const struct cJSON *s = json_first(serials); s; s = json_after(s))
		if (numbers_promised(l, NULL, NUMBER_SERIAL, json_text(s)))
			return err_set(e, CODE_NUMBER_TAKEN, "not free: %s (reserved)", json_text(s));
	return journal_list_fits(l->reader, text, e);
}

static int64_t write_opened(struct line *l, const struct batch_request *r, const char *board, struct err *e)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "order", r->order);
	json_add_string(body, "recipe", r->recipe);
	json_add_string(body, "board", board);
	json_add_integer(body, "quantity", r->quantity);
	if (r->serials) {
		json_add_integer(body, "listed", count_of(r->serials)); /* for readers to whom the list is too long */
		json_add_item(body, "serials", json_copy(r->serials));
	}
	json_add_string(body, "key", r->key);
	json_add_string(body, "request", r->request);
	who_add(body, r->who);
	return journal_write(l->o.journal, KIND_BATCH_OPENED, body, e);
}

static bool may_open(struct line *l, const struct stored_recipe *recipe, struct err *e)
{
	if (!shift_allows(l->reader, l->o.challenge, journal_station_time(l->o.journal), e) ||
	    !recipe_not_revoked(l, recipe->sha256_text, e) ||
	    !recipe_store_in_force(l->o.store, recipe, journal_station_time(l->o.journal), e))
		return false;
	const struct batch *open = batch_for_board(l, recipe->board->id);
	if (open)
		return err_set(e, CODE_BATCH_OPEN, "batch %s is open for %s", open->view.id, recipe->board->id);
	return free_batch(l) || err_set(e, CODE_CONFLICT, "%d batches are open already", LINE_MAX_BATCHES);
}

/* recipe: a reference that the batch takes over, or that is dropped here on failure. */
static bool open_with(
    struct line *l, const struct batch_request *r, struct stored_recipe *recipe, struct batch_view *out, struct err *e)
{
	struct batch *b = free_batch(l);
	int64_t seq = 0;
	if (may_open(l, recipe, e) && list_free(l, r->serials, e))
		seq = write_opened(l, r, recipe->board->id, e);
	if (!seq) {
		stored_recipe_drop(recipe);
		return false;
	}
	*b = (struct batch){ .used = true, .listed = r->serials != NULL, .recipe = recipe };
	snprintf(b->view.id, sizeof b->view.id, "%lld", (long long)seq);
	snprintf(b->view.order, sizeof b->view.order, "%s", r->order);
	snprintf(b->view.board, sizeof b->view.board, "%s", recipe->board->id);
	memcpy(b->view.recipe, recipe->sha256_text, sizeof b->view.recipe);
	b->view.quantity = r->quantity;
	snprintf(b->opened_by, sizeof b->opened_by, "%s", r->who ? r->who->by : "");
	*out = b->view;
	batches_publish(l);
	return true;
}

bool batch_open(struct line *l, const struct batch_request *r, struct batch_view *out, struct err *e)
{
	if (!request_valid(r, e))
		return false;
	struct stored_recipe *recipe = find_recipe(l, r->recipe);
	if (!recipe)
		return err_set(e, CODE_NOT_FOUND, "there is no recipe %.64s", r->recipe);
	return open_with(l, r, recipe, out, e);
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *kind;
	enum batch_state to;
} changes[] = {
	[BATCH_ORDER_HOLD] = { KIND_BATCH_HELD, BATCH_HELD },
	[BATCH_ORDER_RESUME] = { KIND_BATCH_RESUMED, BATCH_OPEN },
	[BATCH_ORDER_CLOSE] = { KIND_BATCH_CLOSED, BATCH_CLOSED },
};

bool batch_write_change(struct line *l, const struct batch *b, enum batch_order order, const struct err *why,
    const struct who *who, struct err *e)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "batch", b->view.id);
	if (order == BATCH_ORDER_HOLD) {
		json_add_string(body, "code", why ? code_name(why->code) : NULL);
		json_add_string(body, "message", why ? why->msg : NULL);
	}
	who_add(body, who);
	return journal_write(l->o.journal, changes[order].kind, body, e) != 0;
}

bool batch_version_meant(const struct batch_versions *v, int64_t seq, struct err *e)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->seq[i] == seq)
			return true;
	return v->any || err_set(e, CODE_PRECONDITION_FAILED, "the batch's ETag is \"%lld\" now", (long long)seq);
}

bool batch_change(struct line *l, const char *id, enum batch_order order, const struct batch_versions *meant,
    const struct who *who, struct batch_view *out, struct err *e)
{
	int64_t seq;
	struct batch *b = batch_by_id(l, id);
	if (!b)
		return err_set(e, CODE_NOT_FOUND, "no batch %.20s is open or held", id);
	if (!query_batch_version(l->reader, strtoll(id, NULL, 10), &seq, e) || !batch_version_meant(meant, seq, e))
		return false;
	if (changes[order].to == b->view.state)
		return err_set(e, CODE_CONFLICT, "batch %s is %s already", id, batch_state_name(b->view.state));
	if (!batch_write_change(l, b, order, NULL, who, e))
		return false;
	b->view.state = changes[order].to;
	b->view.reason[0] = '\0';
	b->equal_codes = 0;
	*out = b->view;
	if (order == BATCH_ORDER_CLOSE)
		forget(b);
	batches_publish(l);
	return true;
}

/* --- after a start ----------------------------------------------------------------------------------------------- */

static void restore(void *context, const struct journal_batch *known)
{
	struct line *l = context;
	struct batch *b = free_batch(l);
	if (!b)
		return;
	*b = (struct batch){ .used = true, .listed = known->listed, .recipe = find_recipe(l, known->recipe) };
	snprintf(b->view.id, sizeof b->view.id, "%lld", (long long)known->id);
	snprintf(b->view.order, sizeof b->view.order, "%.*s", LINE_ORDER_SIZE - 1, known->order);
	snprintf(b->view.board, sizeof b->view.board, "%s", known->board);
	snprintf(b->view.recipe, sizeof b->view.recipe, "%s", known->recipe);
	snprintf(b->view.reason, sizeof b->view.reason, "%.*s", 95, known->message);
	snprintf(b->opened_by, sizeof b->opened_by, "%s", known->opened_by);
	b->view.quantity = known->quantity;
	b->view.passed = known->passed;
	b->view.state = known->held ? BATCH_HELD : BATCH_OPEN;
	if (!b->recipe || b->recipe->trouble.code != CODE_OK)
		log_error(
		    "batch %s: its recipe %s", b->view.id, b->recipe ? b->recipe->trouble.msg : "is no longer here");
}

bool batches_restore(struct line *l, struct err *e)
{
	if (!journal_open_batches(l->reader, restore, l, e))
		return false;
	batches_publish(l);
	return true;
}
