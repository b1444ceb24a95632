/* Watches the journal and the slots for the clients of the event stream, and hands each what it lacks. */
#include "http/events.h"

#include "base/timefmt.h"
#include "http/api.h"
#include "http/flow.h"
#include "http/frames.h"
#include "journal/lookup.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/text_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT     256     /* frames */
#define GONE     1000    /* ms between two looks for clients that hung up */
#define TROUBLED 1000    /* ms until the journal is asked again after it could not be read */
#define IDLE     3600000 /* every wait has an end */

/* A frame of the journal, shared by all clients. */
struct kept {
	int64_t seq;
	char *text; /* owned */
	size_t size;
};

/* A slot as it was last shown; of the watching thread, but for what clients read: change and text. */
struct shown {
	struct slot_view view;
	char serial[129];
	uint64_t change; /* the number of the change that made the text; 0: never shown */
	char *text;      /* owned */
};

struct client {
	struct client *next, *prev;
	struct events *events; /* back pointer, borrowed */
	struct flow *flow;     /* borrowed; NULL until the first read */
	bool asleep, gone;
	int64_t seq;     /* the last row that it has got */
	uint64_t change; /* the last change of a slot likewise */
	int64_t sent_at; /* monotonic ms */
	char *text;      /* owned: what it is being sent */
	size_t size, at;
};

struct events {
	struct http *h; /* borrowed */
	pthread_t thread;
	pthread_mutex_t lock; /* guards everything below but what is only the thread's */
	pthread_cond_t work;
	bool running, ended;
	struct client clients; /* the ring's anchor */
	unsigned client_count;
	int64_t newest;         /* of the journal */
	int64_t base, head;     /* the kept frames are those of the rows behind base, up to head */
	struct kept kept[KEPT]; /* that of row n is at n % KEPT */
	uint64_t change;        /* the last one's number */
	struct shown *shown;    /* owned: LINE_MAX_SLOTS */
	unsigned shown_count;
	bool stale; /* nobody has looked at the slots while there was no client */
	/* of the thread alone */
	bool serials_changed;
	int64_t slots_at, looked_at, troubled_until; /* monotonic ms */
};

/* --- what a client lacks; all under the lock ---------------------------------------------------------------------- */

static void give(struct client *c, char *text, size_t size)
{
	free(c->text);
	c->text = text;
	c->size = text ? size : 0;
	c->at = 0;
}

static bool lacks_rows(const struct events *v, const struct client *c)
{
	return c->seq < v->head;
}

static bool lacks_slots(const struct events *v, const struct client *c)
{
	return !v->stale && c->change < v->change;
}

static bool lacks_beat(const struct client *c, int64_t now)
{
	return now - c->sent_at >= EVENTS_BEAT_MS;
}

static void give_kept(struct events *v, struct client *c)
{
	const struct kept *k = &v->kept[(c->seq + 1) % KEPT];
	char *text = malloc(k->size);
	if (!text)
		return;
	memcpy(text, k->text, k->size);
	c->seq = k->seq;
	give(c, text, k->size);
}

static void give_slots(struct events *v, struct client *c)
{
	struct text_out shown;
	size_t size;
	FILE *out = text_begin(&shown);
	for (unsigned i = 0; out && i < v->shown_count; i++)
		if (v->shown[i].change > c->change && v->shown[i].text)
			fputs(v->shown[i].text, out);
	char *text = text_end(&shown, &size);
	if (!size) {
		free(text);
		return;
	}
	c->change = v->change;
	give(c, text, size);
}

static void give_beat(struct client *c)
{
	char *text = NULL, now[TIME_TEXT_SIZE];
	time_format(now, clock_wall_ms());
	int size = asprintf(&text, "event: heartbeat\ndata: {\"time\":\"%s\"}\n\n", now);
	if (size > 0)
		give(c, text, (size_t)size);
}

/* The id alone makes the client remember where it began, so that it can resume before anything has happened. */
static bool give_start(struct client *c, bool reset)
{
	char *text = NULL;
	int size = asprintf(&text,
	    reset ? "retry: 1000\nid: %" PRId64 "\nevent: reset\ndata: {\"journal\":\"%" PRId64 "\"}\n\n"
		  : "retry: 1000\nid: %" PRId64 "\n\n",
	    c->seq, c->seq);
	if (size > 0)
		give(c, text, (size_t)size);
	return size > 0;
}

/* --- catching up, on the client's own thread and without the lock ------------------------------------------------- */

struct pages {
	FILE *out;
	int64_t last;
};

static void add_page(void *context, int64_t seq, const char *kind, char *text, size_t size)
{
	struct pages *p = context;
	(void)kind;
	fwrite(text, 1, size, p->out);
	free(text);
	p->last = seq;
}

/* False: the journal cannot be read now. */
static bool catch_up(struct events *v, struct client *c)
{
	struct text_out pages;
	size_t size;
	struct err why = ERR_INIT;
	struct pages p = { text_begin(&pages), c->seq };
	bool ok = p.out && frames_read(v->h, c->seq, add_page, &p, &why);
	char *text = text_end(&pages, &size);
	if (!text || p.last == c->seq) {
		free(text);
		if (!ok || !text)
			log_error("events: %s: %s", code_name(why.code), *why.msg ? why.msg : "no memory");
		return false;
	}
	c->seq = p.last;
	give(c, text, size);
	return true;
}

/* --- a client's connection ---------------------------------------------------------------------------------------- */

static size_t pour(struct client *c, char *out, size_t size)
{
	size_t n = c->size - c->at < size ? c->size - c->at : size;
	memcpy(out, c->text + c->at, n);
	c->at += n;
	if (c->at == c->size)
		give(c, NULL, 0);
	c->sent_at = clock_mono_ms();
	return n;
}

/* The next thing for a client that has got all it was given; nothing when it lacks nothing. */
static void give_next(struct events *v, struct client *c)
{
	if (v->head - c->seq > EVENTS_BEHIND) {
		c->seq = v->head;
		give_start(c, true);
	} else if (lacks_rows(v, c) && c->seq >= v->base) {
		give_kept(v, c);
	} else if (lacks_slots(v, c)) {
		give_slots(v, c);
	} else if (lacks_beat(c, clock_mono_ms())) {
		give_beat(c);
	}
}

static long read_client(void *context, struct flow *flow, char *out, size_t size)
{
	struct client *c = context;
	struct events *v = c->events;
	long n = SOURCE_LATER;
	pthread_mutex_lock(&v->lock);
	c->flow = flow;
	if (!c->text && !v->ended && c->seq < v->base && v->head - c->seq <= EVENTS_BEHIND) {
		/* awake, so that nobody else looks at it meanwhile */
		pthread_mutex_unlock(&v->lock);
		bool ok = catch_up(v, c);
		pthread_mutex_lock(&v->lock);
		n = ok ? n : SOURCE_FAILED;
	}
	if (!c->text && !v->ended)
		give_next(v, c);
	if (v->ended || c->gone) {
		n = SOURCE_END;
	} else if (c->text) {
		n = (long)pour(c, out, size);
	} else if (n == SOURCE_LATER) {
		c->asleep = true;
		flow_sleep(flow);
	}
	pthread_mutex_unlock(&v->lock);
	return n;
}

static void end_client(void *context)
{
	struct client *c = context;
	struct events *v = c->events;
	pthread_mutex_lock(&v->lock);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	v->client_count--;
	pthread_mutex_unlock(&v->lock);
	free(c->text);
	free(c);
}

static void wake(struct client *c)
{
	c->asleep = false;
	flow_wake(c->flow);
}

static void wake_those_that_lack(struct events *v)
{
	int64_t now = clock_mono_ms();
	bool look = now - v->looked_at >= GONE;
	v->looked_at = look ? now : v->looked_at;
	for (struct client *c = v->clients.next; c != &v->clients; c = c->next) {
		if (!c->asleep)
			continue;
		c->gone = look && flow_gone(c->flow);
		if (c->gone || lacks_rows(v, c) || lacks_slots(v, c) || lacks_beat(c, now))
			wake(c);
	}
}

/* --- the journal -------------------------------------------------------------------------------------------------- */

static void forget_kept(struct events *v)
{
	for (size_t i = 0; i < KEPT; i++) {
		free(v->kept[i].text);
		v->kept[i] = (struct kept){ .text = NULL };
	}
}

static void keep_frame(void *context, int64_t seq, const char *kind, char *text, size_t size)
{
	struct events *v = context;
	v->serials_changed |= subject_of(kind) == ABOUT_UNIT;
	pthread_mutex_lock(&v->lock);
	struct kept *k = &v->kept[seq % KEPT];
	free(k->text);
	*k = (struct kept){ seq, text, size };
	v->head = seq;
	if (v->head - v->base > KEPT)
		v->base = v->head - KEPT;
	pthread_mutex_unlock(&v->lock);
}

static void look_at_journal(struct events *v, int64_t head, int64_t now)
{
	struct err why = ERR_INIT;
	if (now < v->troubled_until || frames_read(v->h, head, keep_frame, v, &why))
		return;
	log_error("events: %s: %s", code_name(why.code), why.msg);
	v->troubled_until = now + TROUBLED;
}

/* --- the slots ---------------------------------------------------------------------------------------------------- */

/* The serial is the journal's to know; it is asked only when it may be another one. */
static void look_up_serial(struct events *v, struct shown *s, const struct slot_view *now)
{
	struct journal_unit unit = { .serial = "" };
	if (!v->serials_changed && !strcmp(s->view.uid, now->uid))
		return;
	if (*now->uid)
		journal_unit(v->h->reader, now->uid, &unit, NULL);
	memcpy(s->serial, unit.serial, sizeof s->serial);
}

/* Does it look different?  Then this is change number `change`. */
static bool look_at_slot(struct events *v, struct shown *s, const struct slot_view *now, uint64_t change)
{
	if (s->text && !v->serials_changed && !memcmp(&s->view, now, sizeof *now))
		return false;
	look_up_serial(v, s, now);
	char *text = frame_of_slot(now, s->serial);
	bool same = !text || (s->text && !strcmp(s->text, text));
	if (!same) {
		pthread_mutex_lock(&v->lock);
		char *before = s->text;
		s->text = text;
		s->change = change;
		pthread_mutex_unlock(&v->lock);
		text = before;
	}
	free(text);
	s->view = *now;
	return !same;
}

static void look_at_slots(struct events *v)
{
	struct err why = ERR_INIT;
	struct slot_list *list = slots_now(v->h->o.line, &why);
	if (!list)
		return;
	uint64_t change = v->change; /* nobody else writes it */
	bool changed = false;
	for (unsigned i = 0; i < list->count; i++)
		changed |= look_at_slot(v, &v->shown[i], &list->slots[i], change + 1);
	v->serials_changed = false;
	pthread_mutex_lock(&v->lock);
	v->shown_count = list->count;
	v->change = change + changed;
	v->stale = false;
	pthread_mutex_unlock(&v->lock);
	free(list);
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

/* Under the lock: until there may be something new.  False: the end. */
static bool wait_for_news(struct events *v)
{
	for (;;) {
		int64_t now = clock_mono_ms(), until = v->client_count ? v->slots_at + EVENTS_SLOT_MS : now + IDLE;
		if (v->ended)
			return false;
		if (v->client_count && (now >= until || (v->newest > v->head && now >= v->troubled_until)))
			return true;
		struct timespec deadline = clock_deadline(until - now);
		pthread_cond_clockwait(&v->work, &v->lock, CLOCK_MONOTONIC, &deadline);
	}
}

static void *watch(void *context)
{
	struct events *v = context;
	pthread_mutex_lock(&v->lock);
	while (wait_for_news(v)) {
		int64_t now = clock_mono_ms(), head = v->head;
		bool rows = v->newest > head, slots = now - v->slots_at >= EVENTS_SLOT_MS;
		pthread_mutex_unlock(&v->lock);
		if (rows)
			look_at_journal(v, head, now);
		if (slots) {
			look_at_slots(v);
			v->slots_at = now;
		}
		pthread_mutex_lock(&v->lock);
		wake_those_that_lack(v);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

/* On the journal's thread. */
static void row_seen(void *context, int64_t newest)
{
	struct events *v = context;
	pthread_mutex_lock(&v->lock);
	v->newest = newest;
	if (v->client_count)
		pthread_cond_signal(&v->work);
	pthread_mutex_unlock(&v->lock);
}

/* --- any thread --------------------------------------------------------------------------------------------------- */

static void add_client(struct events *v, struct client *c, int64_t newest)
{
	if (!v->client_count++) {
		/* nobody has listened, so nobody has watched */
		forget_kept(v);
		v->base = v->head = newest;
		v->stale = true;
	}
	if (v->newest < newest)
		v->newest = newest;
	c->next = &v->clients;
	c->prev = v->clients.prev;
	c->prev->next = c->next->prev = c;
	pthread_cond_signal(&v->work);
}

bool events_join(struct events *v, const char *last, struct source *out, struct err *e)
{
	int64_t newest;
	bool reset;
	if (!query_newest(v->h->reader, &newest, e))
		return false;
	struct client *c = calloc(1, sizeof *c);
	if (!c)
		return err_set(e, CODE_NO_MEMORY, "no memory for a client");
	c->events = v;
	c->seq = events_resume(last, newest, &reset);
	c->sent_at = clock_mono_ms();
	bool ok = give_start(c, reset) || err_set(e, CODE_NO_MEMORY, "no memory for a client");
	pthread_mutex_lock(&v->lock);
	if (ok && v->ended)
		ok = err_set(e, CODE_CONFLICT, "the station is stopping");
	if (ok && v->client_count == EVENTS_CLIENTS)
		ok = err_set(e, CODE_TOO_MANY_CLIENTS, "%d clients are listening already", EVENTS_CLIENTS);
	if (ok)
		add_client(v, c, newest);
	pthread_mutex_unlock(&v->lock);
	if (!ok) {
		free(c->text);
		free(c);
		return false;
	}
	*out = (struct source){ read_client, end_client, c, true, 0 };
	return true;
}

unsigned events_clients(struct events *v)
{
	pthread_mutex_lock(&v->lock);
	unsigned count = v->client_count;
	pthread_mutex_unlock(&v->lock);
	return count;
}

bool events_start(struct http *h, struct events **out, struct err *e)
{
	struct events *v = calloc(1, sizeof *v);
	struct shown *shown = v ? calloc(LINE_MAX_SLOTS, sizeof *shown) : NULL;
	if (!shown) {
		free(v);
		return err_set(e, CODE_NO_MEMORY, "no memory for the events");
	}
	v->h = h;
	v->shown = shown;
	v->clients.next = v->clients.prev = &v->clients;
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->work, NULL);
	int failed = pthread_create(&v->thread, NULL, watch, v);
	v->running = !failed;
	*out = v;
	if (failed)
		return err_sys(e, CODE_NO_MEMORY, failed, "cannot start the thread of the events");
	pthread_setname_np(v->thread, "http-events");
	journal_watch(h->o.journal, row_seen, v);
	return true;
}

void events_end(struct events *v)
{
	if (!v || !v->running)
		return;
	v->running = false;
	journal_watch(v->h->o.journal, NULL, v);
	pthread_mutex_lock(&v->lock);
	v->ended = true;
	for (struct client *c = v->clients.next; c != &v->clients; c = c->next)
		if (c->asleep)
			wake(c);
	pthread_cond_signal(&v->work);
	pthread_mutex_unlock(&v->lock);
	pthread_join(v->thread, NULL);
}

void events_destroy(struct events *v)
{
	if (!v)
		return;
	events_end(v);
	forget_kept(v);
	for (unsigned i = 0; i < LINE_MAX_SLOTS; i++)
		free(v->shown[i].text);
	pthread_cond_destroy(&v->work);
	pthread_mutex_destroy(&v->lock);
	free(v->shown);
	free(v);
}
