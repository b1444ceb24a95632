/* Requests from other threads: they hand the loop a call and wait for its answer, with a deadline.  A call that nobody
 * waits for any more frees itself. */
#include "line/line_state.h"
#include "line/numbers.h"

#include "base/hex.h"
#include "format/json.h"
#include "journal/kinds.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum call_kind { CALL_SLOT, CALL_OPEN, CALL_CHANGE, CALL_RESUME, CALL_DEPLOY, CALL_LOOK, CALL_SCAN, CALL_WRITE };

/* Everything is a copy, since the asker may be gone when the loop gets here.  lock guards done and abandoned. */
struct call {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done, abandoned;
	enum call_kind kind;
	unsigned slot;
	enum slot_order slot_order;
	enum batch_order batch_order;
	struct batch_versions meant;
	char id[LINE_ID_SIZE], order[LINE_ORDER_SIZE + 1], recipe[2 * SHA256_SIZE + 2];
	char key[129], request[2 * SHA256_SIZE + 1];
	bool has_key, has_request;
	int64_t quantity;
	struct who who;
	bool has_who;
	char partition[32];
	uint32_t length;
	char serial[NUMBER_SIZE + 1]; /* one byte more than allowed */
	bool has_serial;
	const char *row_kind; /* static */
	struct cJSON *row;    /* owned: CALL_WRITE's body, CALL_OPEN's list of serials */
	int64_t seq;          /* and its answer */
	bool challenge;       /* CALL_DEPLOY */
	struct look *look;    /* CALL_LOOK's answer: a reference */
	struct batch_view batch;
	bool ok;
	struct err err;
};

static struct call *call_create(enum call_kind kind)
{
	struct call *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->kind = kind;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->answered, NULL);
	return c;
}

static void set_who(struct call *c, const struct who *who)
{
	c->has_who = who != NULL;
	if (who)
		c->who = *who;
}

static const struct who *asker(const struct call *c)
{
	return c->has_who ? &c->who : NULL;
}

static void call_free(struct call *c)
{
	look_end(c->look);
	json_free(c->row);
	pthread_cond_destroy(&c->answered);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static bool slot_call(struct line *l, struct call *c)
{
	struct slot *s = slot_by_number(l, c->slot);
	if (!s)
		return err_set(&c->err, CODE_NOT_FOUND, "there is no slot %u", c->slot);
	if (c->slot_order == SLOT_RETRY)
		return slot_retry(s, asker(c), &c->err);
	if (c->slot_order == SLOT_ABORT)
		return slot_abort(s, asker(c), &c->err);
	return slot_enable(s, c->slot_order == SLOT_ENABLE, asker(c), &c->err);
}

static bool deploy_call(struct line *l, struct call *c)
{
	uint8_t sha[SHA256_SIZE];
	struct slot *s = slot_by_number(l, c->slot);
	if (!s)
		return err_set(&c->err, CODE_NOT_FOUND, "there is no slot %u", c->slot);
	struct stored_recipe *recipe =
	    hex_decode(sha, sizeof sha, c->recipe) ? recipe_store_find(l->o.store, sha) : NULL;
	if (!recipe)
		return err_set(&c->err, CODE_NOT_FOUND, "there is no recipe %.64s", c->recipe);
	bool begun = slot_deploy(s, recipe, c->challenge, asker(c), &c->err);
	stored_recipe_drop(recipe);
	return begun;
}

static bool look_call(struct line *l, struct call *c)
{
	struct slot *s = slot_by_number(l, c->slot);
	if (!s)
		return err_set(&c->err, CODE_NOT_FOUND, "there is no slot %u", c->slot);
	return slot_look(s, c->partition, c->length, &c->look, &c->err);
}

static bool scan_call(struct line *l, struct call *c)
{
	const char *serial = c->has_serial ? c->serial : NULL;
	struct slot *s = slot_by_number(l, c->slot);
	if (!c->slot)
		return line_scanned(l, serial, &c->err);
	return s ? slot_scan(s, serial, asker(c), &c->err)
		 : err_set(&c->err, CODE_NOT_FOUND, "there is no slot %u", c->slot);
}

static bool write_call(struct line *l, struct call *c)
{
	struct cJSON *row = c->row;
	c->row = NULL;
	c->seq = journal_write(l->o.journal, c->row_kind, row, &c->err);
	if (!c->seq && c->err.code == CODE_CONFLICT)
		err_set(&c->err, CODE_NUMBER_TAKEN, "it is void, not free, or on another batch's list");
	return c->seq != 0;
}

static bool resume_call(struct line *l, struct call *c)
{
	struct cJSON *body = json_new_object();
	who_add(body, asker(c));
	if (!journal_write(l->o.journal, KIND_STATION_RESUMED, body, &c->err) || !leftovers_end_lost(l, &c->err))
		return false;
	l->held = CODE_OK;
	batches_publish(l);
	return true;
}

static bool serve(struct line *l, struct call *c)
{
	struct batch_request r = { c->order, c->recipe, c->quantity, c->row, c->has_key ? c->key : NULL,
		c->has_request ? c->request : NULL, asker(c) };
	switch (c->kind) {
	case CALL_SLOT:
		return slot_call(l, c);
	case CALL_OPEN:
		return batch_open(l, &r, &c->batch, &c->err);
	case CALL_CHANGE:
		return batch_change(l, c->id, c->batch_order, &c->meant, asker(c), &c->batch, &c->err);
	case CALL_RESUME:
		return resume_call(l, c);
	case CALL_DEPLOY:
		return deploy_call(l, c);
	case CALL_LOOK:
		return look_call(l, c);
	case CALL_SCAN:
		return scan_call(l, c);
	case CALL_WRITE:
		return write_call(l, c);
	}
	return false;
}

static void answer(struct call *c, bool ok)
{
	pthread_mutex_lock(&c->lock);
	c->ok = ok;
	c->done = true;
	bool abandoned = c->abandoned;
	pthread_cond_signal(&c->answered);
	pthread_mutex_unlock(&c->lock);
	if (abandoned)
		call_free(c);
}

void call_serve(struct line *l, struct call *c)
{
	pthread_mutex_lock(&c->lock);
	bool abandoned = c->abandoned;
	pthread_mutex_unlock(&c->lock);
	/* nobody waits: the request was answered as failed, so it must not take effect later */
	answer(c, !abandoned && serve(l, c));
}

void call_refuse(struct call *c)
{
	answer(c, err_set(&c->err, CODE_CONFLICT, "the station is stopping"));
}

/* Takes the call over. */
static bool ask_for(
    struct line *l, struct call *c, struct batch_view *batch, struct look **look, int64_t *seq, struct err *e)
{
	struct message m = { .kind = MSG_CALL, .call = c };
	struct timespec until = clock_deadline(LINE_ANSWER_MS);
	if (!c)
		return err_set(e, CODE_NO_MEMORY, "no memory for a request");
	pthread_mutex_lock(&l->public_lock);
	bool closed = l->closed;
	if (!closed)
		mailbox_post(l->box, &m);
	pthread_mutex_unlock(&l->public_lock);
	if (closed) {
		call_free(c);
		return err_set(e, CODE_CONFLICT, "the station is stopping");
	}
	pthread_mutex_lock(&c->lock);
	int late = 0;
	while (!c->done && !late)
		late = pthread_cond_clockwait(&c->answered, &c->lock, CLOCK_MONOTONIC, &until);
	bool done = c->done, ok = done && c->ok;
	c->abandoned = !done;
	if (done && ok && batch)
		*batch = c->batch;
	if (done && ok && look) {
		*look = c->look;
		c->look = NULL;
	}
	if (done && ok && seq)
		*seq = c->seq;
	if (done && !ok && e)
		*e = c->err;
	pthread_mutex_unlock(&c->lock);
	if (!done)
		return err_set(e, CODE_CONFLICT, "the line did not answer within %d s", LINE_ANSWER_MS / 1000);
	call_free(c);
	return ok;
}

static bool ask(struct line *l, struct call *c, struct batch_view *batch, struct err *e)
{
	return ask_for(l, c, batch, NULL, NULL, e);
}

bool line_deploy(
    struct line *l, unsigned slot, const char *recipe, bool challenge, const struct who *who, struct err *e)
{
	struct call *c = call_create(CALL_DEPLOY);
	if (c) {
		c->slot = slot;
		snprintf(c->recipe, sizeof c->recipe, "%s", recipe);
		c->challenge = challenge;
		set_who(c, who);
	}
	return ask(l, c, NULL, e);
}

bool line_look(struct line *l, unsigned slot, const char *partition, uint32_t length, struct look **out, struct err *e)
{
	struct call *c = call_create(CALL_LOOK);
	*out = NULL;
	if (c) {
		c->slot = slot;
		c->length = length;
		snprintf(c->partition, sizeof c->partition, "%s", partition);
	}
	if (!ask_for(l, c, NULL, out, NULL, e))
		return false;
	if (look_begin(*out, e))
		return true;
	look_end(*out);
	*out = NULL;
	return false;
}

bool line_order(struct line *l, unsigned slot, enum slot_order order, const struct who *who, struct err *e)
{
	struct call *c = call_create(CALL_SLOT);
	if (c) {
		c->slot = slot;
		c->slot_order = order;
		set_who(c, who);
	}
	return ask(l, c, NULL, e);
}

bool line_open_batch(struct line *l, const struct batch_request *r, struct batch_view *out, struct err *e)
{
	struct call *c = call_create(CALL_OPEN);
	if (c && r->serials && !(c->row = json_copy(r->serials))) {
		call_free(c);
		c = NULL;
	}
	if (c) {
		/* one byte more than allowed, so that the check sees what is too long */
		snprintf(c->order, sizeof c->order, "%s", r->order);
		snprintf(c->recipe, sizeof c->recipe, "%s", r->recipe);
		c->quantity = r->quantity;
		c->has_key = r->key != NULL;
		c->has_request = r->request != NULL;
		snprintf(c->key, sizeof c->key, "%s", r->key ? r->key : "");
		snprintf(c->request, sizeof c->request, "%s", r->request ? r->request : "");
		set_who(c, r->who);
	}
	return ask(l, c, out, e);
}

bool line_change_batch(struct line *l, const char *id, enum batch_order order, const struct batch_versions *meant,
    const struct who *who, struct batch_view *out, struct err *e)
{
	struct call *c = call_create(CALL_CHANGE);
	if (c) {
		snprintf(c->id, sizeof c->id, "%s", id);
		c->batch_order = order;
		c->meant = *meant;
		set_who(c, who);
	}
	return ask(l, c, out, e);
}

bool line_scan(struct line *l, unsigned slot, const char *serial, const struct who *who, struct err *e)
{
	struct call *c = call_create(CALL_SCAN);
	if (c) {
		c->slot = slot;
		c->has_serial = serial != NULL;
		set_who(c, who);
		snprintf(c->serial, sizeof c->serial, "%s", serial ? serial : "");
	}
	return ask(l, c, NULL, e);
}

bool line_write_number(struct line *l, const char *kind, struct cJSON *body, int64_t *seq, struct err *e)
{
	struct call *c = call_create(CALL_WRITE);
	*seq = 0;
	if (c) {
		c->row_kind = kind;
		c->row = body;
	} else {
		json_free(body);
	}
	return ask_for(l, c, NULL, NULL, seq, e);
}

bool line_resume(struct line *l, const struct who *who, struct err *e)
{
	struct call *c = call_create(CALL_RESUME);
	if (c)
		set_who(c, who);
	return ask(l, c, NULL, e);
}

void line_set_operator(struct line *l, const char *name, int64_t until)
{
	pthread_mutex_lock(&l->public_lock);
	snprintf(l->operator, sizeof l->operator, "%s", name ? name : "");
	l->operator_until = until;
	pthread_mutex_unlock(&l->public_lock);
}
