/* The writer thread: takes what is queued, commits it as one group with one sync, tells who waits.
 *
 *   any thread   journal_append: checks and prints the body, gives it its time, queues it
 *   writer       up to 256 rows -> one transaction -> callbacks -> a checkpoint when one is due
 *
 * Those who waited for a group give their next rows shortly after each other; after a group of many the writer gives
 * them half of that commit's time to come together again, so that they share one sync and not two.  Where they do not
 * come, the next group starts at once again.
 *
 * The queue's order is the order of the rows, and times never go backwards along it. */
#include "journal/journal.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "journal/store.h"
#include "os/clock.h"
#include "os/log.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_ROWS  256
#define CHECKPOINT_QUIET 300000 /* ms behind the last row */
#define RETRY_MS         60000  /* a checkpoint that failed */
#define SETTLE_PAGES     1000   /* of the write-ahead log */
#define SETTLE_QUIET     30000
#define CROWD            8    /* who may come together, from which on they are waited for */
#define GATHER_MOST_US   5000 /* and no longer than this */

struct row {
	struct row *next;
	const char *kind;   /* borrowed for ever */
	struct cJSON *tree; /* owned; as it was given */
	char *body;         /* owned; NULL: refused, why says why */
	int64_t at, seq;
	journal_done *done;
	void *context;
	struct err why;
};

struct journal {
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;
	struct row *first, **last;
	int64_t queued; /* rows from first on */
	int64_t gather; /* so many rows the writer waits for; 0: for any */
	int64_t newest; /* time of the newest row, queued ones too */
	bool stop, mark;
	struct {
		journal_seen *seen; /* NULL: free */
		void *context;
	} watchers[JOURNAL_WATCHERS];
	/* the writer's own */
	struct store store;
	int64_t quiet_since;     /* monotonic ms of the last commit */
	int64_t retry_at;        /* of a failed checkpoint; 0: none */
	int64_t group, group_us; /* rows of the last commit, and how long it took */
	int64_t crowd;           /* rows that may come together next */
};

/* {"kind":...,"at":... and then the members of body. */
static char *row_text(const char *kind, int64_t at, const char *body)
{
	char time[TIME_TEXT_SIZE], *text = NULL;
	time_format(time, at);
	const char *rest = body + 1;
	if (asprintf(&text, "{\"kind\":\"%s\",\"at\":\"%s\"%s%s", kind, time, *rest == '}' ? "" : ",", rest) < 0)
		return NULL;
	return text;
}

static void free_row(struct row *row)
{
	json_free(row->tree);
	free(row->body);
	free(row);
}

/* ------------------------------------------------------------------ writer */

/* Cuts at most `most` rows off the front of the queue. */
static struct row *take_rows(struct journal *j, int64_t most)
{
	struct row *first = j->first, **end = &j->first;
	int64_t count = 0;
	for (; *end && count < most; count++)
		end = &(*end)->next;
	if (end == &j->first)
		return NULL;
	j->first = *end;
	*end = NULL;
	if (!j->first)
		j->last = &j->first;
	j->queued -= count;
	j->group = count;
	return first;
}

static void fail_group(struct row *rows, const struct err *why)
{
	for (; rows; rows = rows->next) {
		if (rows->body && !rows->seq && rows->why.code != CODE_OK)
			continue;
		rows->seq = 0;
		if (rows->body)
			rows->why = *why;
	}
}

/* Adds every row; false when the group is lost, which leaves nothing of it on disk. */
static bool add_rows(struct journal *j, struct row *rows, bool careful, struct err *why)
{
	bool lost = !store_begin(&j->store, careful, why);
	for (struct row *row = rows; row && !lost; row = row->next) {
		struct wish w = { row->kind, row->body, row->tree, row->at };
		if (!row->body)
			continue;
		row->why = (struct err)ERR_INIT;
		row->seq = store_add(&j->store, &w, &lost, &row->why);
		if (lost)
			*why = row->why;
	}
	return !lost;
}

/* Hardly ever is a row refused, so that all are added plainly first; where one is, once more and each by itself. */
static void commit_group(struct journal *j, struct row *rows)
{
	struct err why = ERR_INIT;
	if ((add_rows(j, rows, false, &why) || add_rows(j, rows, true, &why)) && store_commit(&j->store, &why))
		return;
	log_error("journal: rows could not be written: %s", why.msg);
	fail_group(rows, &why);
}

static bool answer_group(struct journal *j, struct row *rows)
{
	bool closed = false;
	int64_t newest = 0;
	while (rows) {
		struct row *row = rows;
		rows = row->next;
		if (row->seq)
			newest = row->seq;
		else
			log_error("journal: %s: %s", row->kind, row->why.msg);
		if (row->seq && !strcmp(row->kind, KIND_BATCH_CLOSED))
			closed = true;
		if (row->done)
			row->done(row->context, row->seq, row->seq ? NULL : &row->why);
		free_row(row);
	}
	pthread_mutex_lock(&j->mutex);
	for (int i = 0; newest && i < JOURNAL_WATCHERS; i++)
		if (j->watchers[i].seen)
			j->watchers[i].seen(j->watchers[i].context, newest);
	pthread_mutex_unlock(&j->mutex);
	return closed;
}

/* Rows that no checkpoint covers yet. */
static int64_t unmarked(const struct journal *j)
{
	return j->store.head.seq - j->store.marked;
}

static void mark(struct journal *j)
{
	struct err why = ERR_INIT;
	j->retry_at = 0;
	if (store_checkpoint(&j->store, journal_station_time(j), &why))
		return;
	log_error("journal: checkpoint: %s", why.msg);
	j->retry_at = clock_mono_ms() + RETRY_MS;
}

/* When there is something to do without a new row; clock_mono_ms. */
static int64_t next_chore(const struct journal *j)
{
	int64_t at = INT64_MAX;
	if (j->retry_at)
		at = j->retry_at;
	else if (unmarked(j))
		at = j->quiet_since + CHECKPOINT_QUIET;
	if (j->store.wal_pages && j->quiet_since + SETTLE_QUIET < at)
		at = j->quiet_since + SETTLE_QUIET;
	return at;
}

static void chores(struct journal *j, bool wanted)
{
	int64_t now = clock_mono_ms();
	bool quiet = now >= j->quiet_since + CHECKPOINT_QUIET, retry = j->retry_at && now >= j->retry_at;
	bool rows = unmarked(j) >= CHECKPOINT_ROWS && !j->retry_at;
	if (wanted || rows || retry || (quiet && unmarked(j) && !j->retry_at))
		mark(j);
	if (j->store.wal_pages >= SETTLE_PAGES)
		store_settle(&j->store, false);
	else if (j->store.wal_pages && now >= j->quiet_since + SETTLE_QUIET) {
		store_settle(&j->store, true);
		/* One try per quiet period: a reader may be in the way. */
		j->store.wal_pages = 0;
	}
}

/* Groups end where a checkpoint is due, so that one stands at every 256 rows at least. */
static int64_t group_size(const struct journal *j)
{
	int64_t left = CHECKPOINT_ROWS - unmarked(j);
	return left > 0 ? left : CHECKPOINT_ROWS;
}

/* Those whose rows were just committed, and those who gave theirs meanwhile: the next group, if all come. */
static void count_crowd(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	j->crowd = j->group + j->queued;
	pthread_mutex_unlock(&j->mutex);
}

/* Rows have come: gives the others of a crowd their moment. */
static void gather(struct journal *j)
{
	int64_t most = group_size(j), us = j->group_us / 2 < GATHER_MOST_US ? j->group_us / 2 : GATHER_MOST_US;
	struct timespec until = clock_deadline_us(us);
	if (j->crowd < CROWD)
		return;
	j->gather = j->crowd < most ? j->crowd : most;
	while (!j->stop && j->queued < j->gather &&
	       pthread_cond_clockwait(&j->work, &j->mutex, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
		;
	j->gather = 0;
}

/* Waits for rows or a chore; false when the journal is to stop and the queue is empty. */
static bool wait_for_work(struct journal *j, struct row **rows, bool *wanted)
{
	pthread_mutex_lock(&j->mutex);
	while (!j->first && !j->stop && !j->mark) {
		int64_t at = next_chore(j), now = clock_mono_ms();
		if (at <= now)
			break;
		/* An hour, when there is nothing to do: every wait has an end. */
		struct timespec until = clock_deadline(at - now < 3600000 ? at - now : 3600000);
		pthread_cond_clockwait(&j->work, &j->mutex, CLOCK_MONOTONIC, &until);
	}
	if (j->first)
		gather(j);
	*rows = take_rows(j, group_size(j));
	*wanted = j->mark && !j->first;
	if (*wanted)
		j->mark = false;
	bool more = *rows || !j->stop;
	pthread_mutex_unlock(&j->mutex);
	return more;
}

static void *writer(void *argument)
{
	struct journal *j = argument;
	struct row *rows;
	bool wanted;
	while (wait_for_work(j, &rows, &wanted)) {
		if (rows) {
			int64_t begun = clock_mono_us();
			commit_group(j, rows);
			j->group_us = clock_mono_us() - begun;
			count_crowd(j);
			j->quiet_since = clock_mono_ms();
			wanted |= answer_group(j, rows);
		}
		chores(j, wanted);
	}
	mark(j);
	return NULL;
}

/* --------------------------------------------------------------- any thread */

bool journal_open(const struct journal_options *o, struct journal **out, struct err *e)
{
	struct journal *j = calloc(1, sizeof *j);
	*out = NULL;
	if (!j)
		return err_set(e, CODE_NO_MEMORY, "no memory for the journal");
	j->last = &j->first;
	if (!store_open(&j->store, o->path, o->station, o->key_path, o->checkpoints, e)) {
		store_close(&j->store);
		free(j);
		return false;
	}
	j->newest = j->store.head.at;
	j->quiet_since = clock_mono_ms();
	pthread_mutex_init(&j->mutex, NULL);
	pthread_cond_init(&j->work, NULL);
	int rc = pthread_create(&j->thread, NULL, writer, j);
	if (rc) {
		store_close(&j->store);
		free(j);
		return err_sys(e, CODE_JOURNAL_FAILED, rc, "cannot start the journal's writer");
	}
	pthread_setname_np(j->thread, "journal");
	*out = j;
	return true;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->mutex);
	j->stop = true;
	pthread_cond_signal(&j->work);
	pthread_mutex_unlock(&j->mutex);
	pthread_join(j->thread, NULL);
	store_close(&j->store);
	pthread_cond_destroy(&j->work);
	pthread_mutex_destroy(&j->mutex);
	free(j);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void queue_row(struct journal *j, struct row *row, const char *body)
{
	pthread_mutex_lock(&j->mutex);
	row->at = later(clock_wall_ms(), j->newest);
	if (body) {
		row->body = row_text(row->kind, row->at, body);
		if (row->body)
			j->newest = row->at;
		else
			err_set(&row->why, CODE_NO_MEMORY, "no memory for a row");
	}
	*j->last = row;
	j->last = &row->next;
	if (++j->queued >= j->gather)
		pthread_cond_signal(&j->work);
	pthread_mutex_unlock(&j->mutex);
}

void journal_append(struct journal *j, const char *kind, struct cJSON *body, journal_done *done, void *context)
{
	AUTO_FREE char *text = NULL;
	struct row *row = calloc(1, sizeof *row);
	if (!row) {
		struct err why = ERR_INIT;
		json_free(body);
		err_set(&why, CODE_NO_MEMORY, "no memory for a row");
		if (done)
			done(context, 0, &why);
		return;
	}
	row->kind = kind;
	row->tree = body;
	row->done = done;
	row->context = context;
	if (kind_check(kind, body, &row->why)) {
		text = json_print(body);
		if (!text)
			err_set(&row->why, CODE_NO_MEMORY, "no memory for the body of a row");
	}
	queue_row(j, row, text);
}

struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool done;
	int64_t seq;
	struct err why;
};

static void wake(void *context, int64_t seq, const struct err *e)
{
	struct waiter *w = context;
	pthread_mutex_lock(&w->mutex);
	w->done = true;
	w->seq = seq;
	if (e)
		w->why = *e;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->mutex);
}

int64_t journal_write(struct journal *j, const char *kind, struct cJSON *body, struct err *e)
{
	struct waiter w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, ERR_INIT };
	journal_append(j, kind, body, wake, &w);
	pthread_mutex_lock(&w.mutex);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.mutex);
	pthread_mutex_unlock(&w.mutex);
	if (!w.seq && e)
		*e = w.why;
	return w.seq;
}

void journal_checkpoint(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	j->mark = true;
	pthread_cond_signal(&j->work);
	pthread_mutex_unlock(&j->mutex);
}

void journal_watch(struct journal *j, journal_seen *seen, void *context)
{
	pthread_mutex_lock(&j->mutex);
	int place = JOURNAL_WATCHERS;
	for (int i = 0; i < JOURNAL_WATCHERS; i++)
		if (j->watchers[i].seen && j->watchers[i].context == context)
			place = i;
	for (int i = 0; place == JOURNAL_WATCHERS && i < JOURNAL_WATCHERS; i++)
		if (!j->watchers[i].seen)
			place = i;
	if (place < JOURNAL_WATCHERS) {
		j->watchers[place].seen = seen;
		j->watchers[place].context = context;
	}
	pthread_mutex_unlock(&j->mutex);
}

int64_t journal_queued(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	int64_t queued = j->queued;
	pthread_mutex_unlock(&j->mutex);
	return queued;
}

int64_t journal_station_time(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	int64_t now = later(clock_wall_ms(), j->newest);
	pthread_mutex_unlock(&j->mutex);
	return now;
}

void journal_derive(const struct journal *j, const char *label, uint8_t out[32])
{
	/* the key stays as it is while the journal is open */
	crypto_generichash(out, 32, (const uint8_t *)label, strlen(label), j->store.key.secret, SIGNING_SEED_SIZE);
}

int64_t journal_clock_lag(struct journal *j)
{
	pthread_mutex_lock(&j->mutex);
	int64_t lag = later(j->newest - clock_wall_ms(), 0);
	pthread_mutex_unlock(&j->mutex);
	return lag;
}
