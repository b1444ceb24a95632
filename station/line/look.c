/* Reading a partition for somebody: a job of the slot's worker, and the file that it fills. */
#include "line/line_state.h"

#include "line/readback.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct look {
	atomic_uint references;
	atomic_bool cancel;
	/* set before it starts */
	struct slot *slot; /* for the worker alone: its mailbox and progress */
	struct link link;
	const struct partition *partition;
	uint32_t length;
	int spool; /* owned */
	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t begun;
	uint32_t there; /* bytes in the spool */
	bool ended;     /* the slot is free again: only then is the last byte, or an error, given away */
	struct err err;
	look_wake *wake; /* of a taker that sleeps; NULL: none */
	void *taker;
};

static void look_drop(struct look *k)
{
	if (!k || atomic_fetch_sub(&k->references, 1) != 1)
		return;
	close(k->spool);
	pthread_cond_destroy(&k->begun);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* The caller holds the lock. */
static void wake_taker(struct look *k)
{
	pthread_cond_broadcast(&k->begun);
	if (k->wake)
		k->wake(k->taker);
	k->wake = NULL;
}

/* --- the worker's side -------------------------------------------------------------------------------------------- */

static bool keep(void *context, uint32_t offset, struct span data, struct err *e)
{
	struct look *k = context;
	for (size_t at = 0; at < data.size;) {
		ssize_t n = pwrite(k->spool, data.data + at, data.size - at, (off_t)(offset + at));
		if (n < 0 && errno != EINTR)
			return err_sys(e, CODE_FILE_FAILED, errno, "cannot spool what is read");
		at += n > 0 ? (size_t)n : 0;
	}
	atomic_fetch_add(&k->slot->progress.done, data.size);
	pthread_mutex_lock(&k->lock);
	k->there = offset + (uint32_t)data.size;
	wake_taker(k);
	pthread_mutex_unlock(&k->lock);
	return true;
}

static bool read_partition(struct look *k, struct err *e)
{
	const struct transport_ops *ops = k->link.ops;
	struct identity who = { .uid = "" };
	if (!ops->open(&k->link, e) || !ops->identify(&k->link, &who, e))
		return false;
	return ops->read(&k->link, k->partition, 0, k->length, keep, k, e);
}

static void run_look(void *argument)
{
	struct look *k = argument;
	struct message m = { .kind = MSG_LOOKED, .slot = k->slot };
	struct err why = ERR_INIT;
	bool done = read_partition(k, &why);
	k->link.ops->close(&k->link);
	pthread_mutex_lock(&k->lock);
	if (!done)
		k->err = why;
	pthread_mutex_unlock(&k->lock);
	if (!done && why.code != CODE_ABORTED)
		log_about(LOG_WARN, k->slot->number, "", "reading %s: %s: %s", k->partition->name, code_name(why.code),
		    why.msg);
	mailbox_post(k->slot->line->box, &m);
}

/* --- the loop's side ---------------------------------------------------------------------------------------------- */

static int open_spool(const struct line *l, struct err *e)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s/spool", l->o.state_dir);
	return file_unnamed(folder, e);
}

static struct look *look_create(struct slot *s, const struct partition *p, uint32_t length, struct err *e)
{
	struct look *k = calloc(1, sizeof *k);
	if (!k) {
		err_set(e, CODE_NO_MEMORY, "no memory to read a partition");
		return NULL;
	}
	k->spool = open_spool(s->line, e);
	if (k->spool < 0) {
		free(k);
		return NULL;
	}
	k->link = (struct link){ .ops = transport_for(s->device_board, s->nested ? &s->nest : NULL),
		.swd = s->nested ? &s->nest : NULL,
		.board = s->device_board,
		.id = s->device,
		.cancel = &k->cancel };
	k->slot = s;
	k->partition = p;
	k->length = length && length < p->size ? length : p->size;
	atomic_store(&k->references, 2); /* the slot's and the taker's */
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->begun, NULL);
	return k;
}

bool slot_look(struct slot *s, const char *partition, uint32_t length, struct look **out, struct err *e)
{
	*out = NULL;
	if (!slot_idle(s, e))
		return false;
	const struct partition *p = board_partition(s->device_board, partition);
	if (!p)
		return err_set(e, CODE_NOT_FOUND, "%s has no partition %.24s", s->device_board->id, partition);
	if (!p->readable)
		return err_set(e, CODE_PARTITION_FORBIDDEN, "the bootloader does not read %s out", p->name);
	struct look *k = look_create(s, p, length, e);
	if (!k)
		return false;
	atomic_store(&s->progress.done, 0);
	atomic_store(&s->progress.total, k->length);
	if (!worker_run(s->worker, run_look, k)) {
		look_drop(k);
		look_drop(k);
		return err_set(e, CODE_NO_MEMORY, "cannot start to read");
	}
	s->look = k;
	slot_publish(s);
	*out = k;
	return true;
}

void slot_looked(struct slot *s)
{
	struct look *k = s->look;
	s->look = NULL;
	slot_publish(s);
	pthread_mutex_lock(&k->lock);
	k->ended = true;
	wake_taker(k);
	pthread_mutex_unlock(&k->lock);
	look_drop(k);
	/* a camera that came meanwhile */
	if (!unit_busy(s->state) && s->state != US_ASKING && s->device_new && slot_may_start(s))
		slot_event(s, UE_BOOT);
}

void slot_stop_look(struct slot *s)
{
	if (s->look)
		atomic_store(&s->look->cancel, true);
}

/* --- the taker's side --------------------------------------------------------------------------------------------- */

/* True when there is something to take, or all of nothing. */
bool look_begin(struct look *k, struct err *e)
{
	struct timespec until = clock_deadline(LOOK_BEGIN_MS);
	int late = 0;
	pthread_mutex_lock(&k->lock);
	while (!k->there && !k->ended && !late)
		late = pthread_cond_clockwait(&k->begun, &k->lock, CLOCK_MONOTONIC, &until);
	bool good = k->there > 0, ended = k->ended;
	if (!good && ended)
		err_set(e, k->err.code, "%s", k->err.msg);
	pthread_mutex_unlock(&k->lock);
	return good || ended
		   ? good
		   : err_set(e, CODE_USB_TIMEOUT, "the camera gave nothing within %d s", LOOK_BEGIN_MS / 1000);
}

uint32_t look_size(const struct look *k)
{
	return k->length;
}

/* Who has everything asks for the next thing at once, and must not be told that the slot is busy.  Under lock. */
static uint32_t to_give(const struct look *k)
{
	return k->ended || k->there < k->length ? k->there : k->length - 1;
}

long look_take(struct look *k, uint64_t at, void *out, size_t size, look_sleep *sleep, look_wake *wake, void *taker)
{
	pthread_mutex_lock(&k->lock);
	uint32_t there = to_give(k);
	bool failed = k->ended && k->err.code != CODE_OK;
	if (at >= there && !k->ended) {
		sleep(taker);
		k->wake = wake;
		k->taker = taker;
	}
	bool ended = k->ended;
	pthread_mutex_unlock(&k->lock);
	if (at >= there)
		return failed ? LOOK_FAILED : ended ? LOOK_END : LOOK_LATER;
	ssize_t n = pread(k->spool, out, size < there - at ? size : there - at, (off_t)at);
	return n > 0 ? n : LOOK_FAILED;
}

void look_trouble(struct look *k, struct err *e)
{
	pthread_mutex_lock(&k->lock);
	*e = k->err;
	pthread_mutex_unlock(&k->lock);
	if (e->code == CODE_OK)
		err_set(e, CODE_FILE_FAILED, "what was read could not be taken from its spool");
}

void look_end(struct look *k)
{
	if (!k)
		return;
	atomic_store(&k->cancel, true);
	look_drop(k);
}
