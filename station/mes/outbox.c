/* The thread that tells the MES. */
#include "mes/outbox.h"

#include "base/timefmt.h"
#include "format/json.h"
#include "journal/kinds.h"
#include "journal/told.h"
#include "mes/place.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"

#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PAUSE_MS  1000
#define RETRY_AFTER_MAX (24 * 3600)
#define ANSWER_LIMIT    4096
#define UNSAVED_MOST    16      /* events that a crash may send again */
#define TROUBLED_MS     5000    /* the journal could not be read */
#define IDLE_MS         3600000 /* every wait has an end */

struct outbox {
	const struct mes_rules *rules; /* borrowed */
	struct journal *journal;       /* borrowed */
	struct journal_reader *reader; /* owned */
	struct poster *poster;         /* owned */
	char path[PATH_MAX];
	pthread_t thread;
	bool running;
	atomic_bool stop;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	int64_t newest;
	bool resend, hurry;
	struct outbox_view view;
	/* the thread's own */
	int64_t told, saved;
	unsigned unsaved;
	struct told_row row; /* under way; no body: none */
	bool parked;         /* it comes from the parked ones */
	int64_t parked_at;   /* parked rows up to here had their turn */
	unsigned tries;
	int64_t due; /* monotonic ms */
};

/* --- what others see ---------------------------------------------------------------------------------------------- */

void outbox_look(struct outbox *o, struct outbox_view *out)
{
	pthread_mutex_lock(&o->lock);
	*out = o->view;
	out->behind_rows = o->newest > out->told ? o->newest - out->told : 0;
	pthread_mutex_unlock(&o->lock);
}

static void call_for(struct outbox *o, bool resend)
{
	pthread_mutex_lock(&o->lock);
	o->hurry = true;
	o->resend = o->resend || resend;
	pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->lock);
}

void outbox_resend(struct outbox *o)
{
	call_for(o, true);
}

void outbox_hurry(struct outbox *o)
{
	call_for(o, false);
}

static void row_seen(void *context, int64_t newest)
{
	struct outbox *o = context;
	pthread_mutex_lock(&o->lock);
	o->newest = newest;
	pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->lock);
}

static int64_t age_of(const struct outbox *o)
{
	int64_t at;
	return o->row.body && time_parse(o->row.at, &at) ? clock_wall_ms() - at : 0;
}

static void show(struct outbox *o, enum outbox_state state)
{
	int64_t age = age_of(o), wait = o->due - clock_mono_ms();
	pthread_mutex_lock(&o->lock);
	o->view.state = state;
	o->view.told = o->told;
	o->view.behind_ms = age > 0 ? age : 0;
	o->view.next_try = state == OUTBOX_WAITING ? clock_wall_ms() + (wait > 0 ? wait : 0) : 0;
	pthread_mutex_unlock(&o->lock);
}

static void show_parked(struct outbox *o)
{
	struct err why = ERR_INIT;
	int64_t count;
	if (!query_parked_count(o->reader, &count, &why))
		return;
	pthread_mutex_lock(&o->lock);
	o->view.parked = count;
	pthread_mutex_unlock(&o->lock);
}

/* --- one event ---------------------------------------------------------------------------------------------------- */

/* What it is about, as it is now; NULL: the row says all. */
static char *subject_of(struct outbox *o, const char **name)
{
	char *json = NULL;
	const char *id = NULL;
	struct err why = ERR_INIT;
	AUTO_JSON struct cJSON *body = json_parse(span_of(o->row.body, strlen(o->row.body)), &why);
	bool attempt = !strncmp(o->row.kind, "attempt-", 8), batch = !strncmp(o->row.kind, "batch-", 6);
	*name = attempt ? "attempt" : "batch";
	if (!body || (!attempt && !batch))
		return NULL;
	int64_t n = json_string(body, *name, &id, &why) ? strtoll(id, NULL, 10) : o->row.seq;
	if (attempt ? !query_attempt(o->reader, n, &json, &why) : !query_batch(o->reader, n, &json, &why))
		return NULL;
	return json;
}

/* {"id","seq","station","kind","at","row"} and perhaps "attempt" or "batch"; NULL: no memory. */
static char *message_of(struct outbox *o, const char *uuid)
{
	const char *name;
	char *text = NULL;
	AUTO_FREE char *subject = subject_of(o, &name);
	if (asprintf(&text,
		"{\"id\":\"%s\",\"seq\":\"%lld\",\"station\":\"%s\",\"kind\":\"%s\",\"at\":\"%s\",\"row\":%s%s%s%s%s}",
		uuid, (long long)o->row.seq, o->rules->station, o->row.kind, o->row.at, o->row.body,
		subject ? ",\"" : "", subject ? name : "", subject ? "\":" : "", subject ? subject : "") < 0)
		return NULL;
	return text;
}

static bool send(struct outbox *o, struct post_answer *answer, struct err *e)
{
	char uuid[UUID_SIZE];
	struct mes_headers room;
	uuid_text(o->row.hash, uuid);
	AUTO_FREE char *body = message_of(o, uuid);
	*answer = (struct post_answer){ .status = 0 };
	if (!body)
		return err_set(e, CODE_NO_MEMORY, "no memory for an event");
	struct post_request r = { .url = o->rules->webhook,
		.body = span_of(body, strlen(body)),
		.answer_limit = ANSWER_LIMIT,
		.cancel = { &o->stop } };
	mes_sign(o->rules, uuid, clock_wall_ms() / 1000, &room, &r);
	return post_send(o->poster, &r, answer, e);
}

static void save_place(struct outbox *o)
{
	struct err why = ERR_INIT;
	if (o->told == o->saved)
		return;
	if (place_save(o->path, o->reader, o->told, &why)) {
		o->saved = o->told;
		o->unsaved = 0;
		return;
	}
	log_warn("mes: how far it was told is not on disk: %s", why.msg);
}

static void row_done(struct outbox *o)
{
	free(o->row.body);
	o->row.body = NULL;
	o->tries = 0;
	o->due = 0;
	if (!o->parked) {
		o->told = o->row.seq;
		o->unsaved++;
	}
	if (o->unsaved >= UNSAVED_MOST)
		save_place(o);
}

static bool write_resolved(struct outbox *o, struct err *e)
{
	struct cJSON *body = json_new_object();
	json_add_u64_text(body, "row", (uint64_t)o->row.seq);
	json_add_string(body, "outcome", "delivered");
	json_add_null(body, "by");
	return journal_write(o->journal, KIND_MES_RESOLVED, body, e) != 0;
}

static bool write_parked(struct outbox *o, unsigned status, struct err *e)
{
	char uuid[UUID_SIZE], message[120];
	uuid_text(o->row.hash, uuid);
	snprintf(message, sizeof message, "the MES answered %u to the event of row %lld, %s", status,
	    (long long)o->row.seq, o->row.kind);
	struct cJSON *body = json_new_object();
	json_add_u64_text(body, "row", (uint64_t)o->row.seq);
	json_add_string(body, "id", uuid);
	json_add_string(body, "event", o->row.kind);
	json_add_integer(body, "status", status);
	json_add_string(body, "code", code_name(CODE_MES_PARKED));
	json_add_string(body, "message", message);
	log_warn("mes: %s", message);
	return journal_write(o->journal, KIND_MES_PARKED, body, e) != 0;
}

static void later(struct outbox *o, int64_t retry_after_s, unsigned status, const char *why)
{
	unsigned doubled = o->tries < 20 ? o->tries : 20;
	int64_t pause = (int64_t)FIRST_PAUSE_MS << doubled;
	if (pause > o->rules->retry_max_ms)
		pause = o->rules->retry_max_ms;
	/* many stations that lost one MES do not come back to it in one instant */
	pause += (int64_t)randombytes_uniform((uint32_t)(pause / 4 + 1));
	if (retry_after_s > 0)
		pause = (retry_after_s < RETRY_AFTER_MAX ? retry_after_s : RETRY_AFTER_MAX) * 1000;
	o->tries++;
	o->due = clock_mono_ms() + pause;
	if (o->tries == 1)
		log_warn("mes: row %lld is not told yet: %s", (long long)o->row.seq, why);
	pthread_mutex_lock(&o->lock);
	o->view.failed++;
	o->view.last_status = status;
	snprintf(o->view.last_error, sizeof o->view.last_error, "%s", why);
	pthread_mutex_unlock(&o->lock);
}

static void taken(struct outbox *o)
{
	struct err why = ERR_INIT;
	if (o->parked && !write_resolved(o, &why))
		log_warn("mes: row %lld was taken; it stays parked: %s", (long long)o->row.seq, why.msg);
	row_done(o);
	pthread_mutex_lock(&o->lock);
	o->view.taken++;
	o->view.last_error[0] = '\0';
	o->view.last_status = 0;
	pthread_mutex_unlock(&o->lock);
}

static void judge(struct outbox *o, const struct post_answer *a)
{
	char text[64];
	struct err why = ERR_INIT;
	unsigned s = a->status;
	snprintf(text, sizeof text, "the MES answered %u", s);
	if (s >= 200 && s < 300)
		taken(o);
	else if (s == 408 || s == 429 || s >= 500)
		later(o, a->retry_after_s, s, text);
	else if (write_parked(o, s, &why))
		row_done(o);
	else
		later(o, 0, s, why.msg); /* what is not on disk is not given up */
}

static void try_once(struct outbox *o)
{
	struct post_answer answer;
	struct err why = ERR_INIT;
	bool has = false;
	if (o->parked && query_parked_has(o->reader, o->row.seq, &has, &why) && !has) {
		row_done(o); /* a person has dropped it meanwhile */
		return;
	}
	show(o, OUTBOX_SENDING);
	bool answered = send(o, &answer, &why);
	if (!answered && !atomic_load(&o->stop))
		later(o, 0, 0, why.msg);
	else if (answered)
		judge(o, &answer);
	post_clear(&answer);
	show_parked(o);
}

/* --- the queue ---------------------------------------------------------------------------------------------------- */

static bool is_told(void *context, const char *kind)
{
	const struct outbox *o = context;
	return mes_tells(o->rules, kind);
}

/* The next parked row that has its turn; none: the round is over. */
static bool take_parked(struct outbox *o, struct err *e)
{
	int64_t next;
	pthread_mutex_lock(&o->lock);
	bool resend = o->resend;
	pthread_mutex_unlock(&o->lock);
	if (!resend)
		return true;
	if (!query_parked_next(o->reader, o->parked_at, &next, e))
		return false;
	if (next) {
		o->parked = true;
		o->parked_at = next;
		return query_told_row(o->reader, next, &o->row, e);
	}
	o->parked_at = 0;
	pthread_mutex_lock(&o->lock);
	o->resend = false;
	pthread_mutex_unlock(&o->lock);
	return true;
}

/* Fills o->row; false with *e when the journal cannot be read. */
static bool take_next(struct outbox *o, bool *more, struct err *e)
{
	bool found, parked = false;
	int64_t passed;
	o->parked = false;
	if (!take_parked(o, e))
		return false;
	*more = o->row.body != NULL;
	if (*more)
		return true;
	for (;;) {
		if (!query_told_next(o->reader, o->told, is_told, o, &o->row, &found, &passed, e))
			return false;
		/* one that was parked just before a crash */
		if (found && !query_parked_has(o->reader, o->row.seq, &parked, e))
			return false;
		if (found && parked)
			row_done(o);
		*more = found && !parked;
		if (*more || (!found && passed == o->told))
			return true;
		if (!found)
			o->told = passed;
	}
}

/* Until there is something to do; `ms` at the most. */
static void sleep_for(struct outbox *o, int64_t ms, bool for_rows)
{
	struct timespec until = clock_deadline(ms);
	int late = 0;
	pthread_mutex_lock(&o->lock);
	while (!late && !atomic_load(&o->stop) && !o->hurry && !(for_rows && o->newest > o->told))
		late = pthread_cond_clockwait(&o->work, &o->lock, CLOCK_MONOTONIC, &until);
	o->hurry = false;
	pthread_mutex_unlock(&o->lock);
}

static void step(struct outbox *o)
{
	struct err why = ERR_INIT;
	bool more = o->row.body != NULL;
	if (!more && !take_next(o, &more, &why)) {
		log_warn("mes: the journal cannot be read: %s", why.msg);
		sleep_for(o, TROUBLED_MS, false);
		return;
	}
	if (!more) {
		if (o->unsaved || o->told - o->saved > TOLD_LOOK) /* not for each row that is of no interest */
			save_place(o);
		show(o, OUTBOX_IDLE);
		sleep_for(o, IDLE_MS, true);
		return;
	}
	try_once(o);
	if (!o->row.body)
		return;
	show(o, OUTBOX_WAITING);
	save_place(o);
	int64_t wait = o->due - clock_mono_ms();
	sleep_for(o, wait > 0 ? wait : 0, false);
}

static void *tell(void *context)
{
	struct outbox *o = context;
	while (!atomic_load(&o->stop))
		step(o);
	save_place(o);
	return NULL;
}

/* --- start and stop ----------------------------------------------------------------------------------------------- */

static bool write_start(struct outbox *o, int64_t *seq, struct err *e)
{
	char events[EVENT_KINDS * 32 + 1] = "";
	size_t used = 0;
	for (unsigned i = 0; i < o->rules->kind_count; i++)
		used += (size_t)snprintf(events + used, sizeof events - used, "%s%s", i ? " " : "", o->rules->kinds[i]);
	struct cJSON *body = json_new_object();
	json_add_string(body, "events", events);
	*seq = journal_write(o->journal, KIND_MES_STARTED, body, e);
	return *seq != 0;
}

/* Where telling goes on: at its place; without one where it first began; else here. */
static bool find_place(struct outbox *o, struct err *e)
{
	int64_t start;
	if (!query_told_start(o->reader, &start, e))
		return false;
	if (!start)
		return write_start(o, &o->told, e);
	if (!place_load(o->path, o->reader, &o->told, e))
		return false;
	o->saved = o->told;
	if (o->told < start) {
		log_warn("mes: there is no good %s: all since row %lld is told again", o->path, (long long)start);
		o->told = start;
	}
	return true;
}

static bool start(struct outbox *o, const char *state_dir, const char *journal_path, struct err *e)
{
	if (!file_join(o->path, sizeof o->path, state_dir, "mes.json", e) ||
	    !journal_reader_open(journal_path, &o->reader, e) || !find_place(o, e) ||
	    !query_newest(o->reader, &o->newest, e))
		return false;
	o->poster = poster_create();
	if (!o->poster)
		return err_set(e, CODE_NO_MEMORY, "no memory to tell the MES");
	show(o, OUTBOX_IDLE);
	show_parked(o);
	journal_watch(o->journal, row_seen, o);
	int rc = pthread_create(&o->thread, NULL, tell, o);
	if (rc)
		return err_sys(e, CODE_INTERNAL, rc, "cannot start the thread that tells the MES");
	pthread_setname_np(o->thread, "mes");
	o->running = true;
	return true;
}

bool outbox_start(const struct mes_rules *rules, const char *state_dir, struct journal *journal,
    const char *journal_path, struct outbox **out, struct err *e)
{
	struct outbox *o = calloc(1, sizeof *o);
	*out = NULL;
	if (!o)
		return err_set(e, CODE_NO_MEMORY, "no memory to tell the MES");
	o->rules = rules;
	o->journal = journal;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->work, NULL);
	*out = o;
	if (start(o, state_dir, journal_path, e))
		return true;
	outbox_stop(o);
	*out = NULL;
	return false;
}

void outbox_stop(struct outbox *o)
{
	if (!o)
		return;
	journal_watch(o->journal, NULL, o);
	if (o->running) {
		pthread_mutex_lock(&o->lock);
		atomic_store(&o->stop, true);
		pthread_cond_signal(&o->work);
		pthread_mutex_unlock(&o->lock);
		pthread_join(o->thread, NULL);
	}
	free(o->row.body);
	poster_destroy(o->poster);
	journal_reader_close(o->reader);
	pthread_cond_destroy(&o->work);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
