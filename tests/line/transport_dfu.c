/* The DFU transport in a loop of commands, for tests that have cameras (tests/line/transport_dfu.py).
 *
 *     transport_dfu BOARD.json
 *
 * A line in:  PATH COMMAND [ARGUMENT...]     PATH may be * for every camera that is in its bootloader, all at once
 * A line out: PATH ok [TEXT] | PATH fail CODE MESSAGE
 *
 *   arrive MS | arrive-run MS | gone MS      waits for what the watcher says; "ok VID:PID ARRIVAL"
 *   open | identify | leave | close | serial
 *   probe PARTITION                          probe-as PARTITION SIZE: as if it had that size
 *   write PARTITION FIRST COUNT SEED [manifest]   "ok DONE PROGRESS MS", or behind the failure: "done DONE"
 *   read PARTITION OFFSET SIZE SEED          "ok same|differs MS": against what write with that seed sends
 *   read-refuse PARTITION                    a sink that wants nothing
 *   deafen                                   the kernel keeps hardly any uevents for libusb
 *   cancel-at BYTES                          the next write is cancelled once this much is done */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "transport/transport.h"

#define MAX_CAMERAS 128
#define MAX_WORDS   8

struct camera {
	struct link link;
	char path[USB_PATH_SIZE];
	bool present;     /* this and id: under the lock */
	struct usb_id id; /* of the newest arrival */
	atomic_bool cancel;
	uint64_t cancel_at;
	_Atomic uint64_t progress;
	char out[400];
	char **words;
	unsigned count;
};

static struct board board;
static struct camera cameras[MAX_CAMERAS];
static unsigned camera_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct camera *camera_at(const char *path)
{
	for (unsigned i = 0; i < camera_count; i++)
		if (!strcmp(cameras[i].path, path))
			return &cameras[i];
	if (camera_count == MAX_CAMERAS)
		abort();
	struct camera *c = &cameras[camera_count++];
	snprintf(c->path, sizeof c->path, "%s", path);
	return c;
}

static void on_usb(void *context, const struct usb_watch_event *event)
{
	(void)context;
	pthread_mutex_lock(&lock);
	struct camera *c = camera_at(event->id.path);
	if (event->arrived)
		c->id = event->id;
	if (event->arrived || c->id.arrival == event->id.arrival)
		c->present = event->arrived;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static bool is_at(const struct camera *c, uint16_t vid, uint16_t pid)
{
	return c->present && c->id.vid == vid && c->id.pid == pid;
}

static void wait_for(struct camera *c, const char *what, long ms)
{
	struct timespec deadline = clock_deadline(ms);
	int r = 0;
	pthread_mutex_lock(&lock);
	for (;;) {
		bool boot = is_at(c, board.dfu_vid, board.dfu_pid), run = is_at(c, board.run_vid, board.run_pid);
		if (!strcmp(what, "arrive") ? boot : !strcmp(what, "arrive-run") ? run : !c->present)
			break;
		if (r) {
			snprintf(c->out, sizeof c->out, "fail never");
			break;
		}
		r = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &deadline);
	}
	if (!r)
		snprintf(c->out, sizeof c->out, "ok %04x:%04x %llu", c->id.vid, c->id.pid,
		    (unsigned long long)c->id.arrival);
	pthread_mutex_unlock(&lock);
}

static void say(struct camera *c, bool ok, const struct err *e, const char *text)
{
	if (ok)
		snprintf(c->out, sizeof c->out, "ok %s", text);
	else
		snprintf(c->out, sizeof c->out, "fail %s %s", code_name(e->code), e->msg);
}

/* What the flash is to hold: never 0xFF, different in every block. */
static uint8_t wanted(uint32_t offset, uint32_t seed)
{
	uint32_t x = (offset / 4 + seed * 0x9e3779b9u) * 2654435761u;
	return (uint8_t)(x >> 8 * (offset % 4)) & 0x7f;
}

static void on_progress(void *context, uint64_t bytes)
{
	struct camera *c = context;
	atomic_store(&c->progress, bytes);
	if (c->cancel_at && bytes >= c->cancel_at)
		atomic_store(&c->cancel, true);
}

static void do_write(
    struct camera *c, const struct partition *p, uint32_t first, uint32_t count, uint32_t seed, bool manifest)
{
	struct err e = ERR_INIT;
	uint32_t done = 0, size = (first + count) * DFU_BLOCK;
	uint8_t *image = malloc(size);
	struct plan_step *steps = calloc(count + 1, sizeof *steps);
	for (uint32_t i = 0; i < size; i++)
		image[i] = wanted(i, seed);
	for (uint32_t i = 0; i < count; i++)
		steps[i] = (struct plan_step){ 0, PLAN_WRITE, PLAN_IMAGE, first + i };
	steps[count] = (struct plan_step){ .op = PLAN_MANIFEST, .block = first + count };
	const struct region region = { .partition = p, .image = span_of(image, size) };
	atomic_store(&c->progress, 0);
	int64_t start = clock_mono_us();
	bool ok = c->link.ops->write(&c->link, &region, steps, count + manifest, &done, on_progress, c, &e);
	char text[96];
	snprintf(text, sizeof text, "%u %llu %.3f", done, (unsigned long long)atomic_load(&c->progress),
	    (double)(clock_mono_us() - start) / 1e3);
	say(c, ok, &e, text);
	if (!ok)
		snprintf(c->out + strlen(c->out), sizeof c->out - strlen(c->out), " done %u", done);
	atomic_store(&c->cancel, false);
	c->cancel_at = 0;
	free(image);
	free(steps);
}

struct sink {
	uint32_t next, seed;
	bool differs, refuses;
};

static bool take(void *context, uint32_t offset, struct span data, struct err *e)
{
	struct sink *s = context;
	if (s->refuses)
		return err_set(e, CODE_CONFLICT, "the sink wants nothing");
	s->differs |= offset != s->next;
	for (size_t i = 0; i < data.size; i++)
		s->differs |= data.data[i] != wanted(offset + (uint32_t)i, s->seed);
	s->next = offset + (uint32_t)data.size;
	return true;
}

static void do_read(struct camera *c, const struct partition *p, uint32_t offset, uint32_t size, struct sink *s)
{
	struct err e = ERR_INIT;
	char text[64];
	s->next = offset;
	int64_t start = clock_mono_us();
	bool ok = c->link.ops->read(&c->link, p, offset, size, take, s, &e);
	bool same = !s->differs && s->next == offset + size;
	snprintf(text, sizeof text, "%s %.3f", same ? "same" : "differs", (double)(clock_mono_us() - start) / 1e3);
	say(c, ok, &e, text);
}

static void do_identify(struct camera *c)
{
	struct identity who;
	struct err e = ERR_INIT;
	bool ok = c->link.ops->identify(&c->link, &who, &e);
	char text[384];
	int n = snprintf(text, sizeof text, "%s %s %04x", who.usb_serial, who.uid, who.bcd);
	for (unsigned i = 0; ok && i < who.alt_count && n < (int)sizeof text - 30; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, " %s", who.alts[i]);
	say(c, ok, &e, text);
}

static struct usb_id newest(const struct camera *c)
{
	pthread_mutex_lock(&lock);
	struct usb_id id = c->id;
	pthread_mutex_unlock(&lock);
	return id;
}

static void do_open(struct camera *c)
{
	struct err e = ERR_INIT;
	struct usb_id id = newest(c);
	c->link = (struct link){ .ops = &transport_dfu, .board = &board, .id = id, .cancel = &c->cancel };
	say(c, c->link.ops->open(&c->link, &e), &e, "");
}

static uint32_t number(const struct camera *c, unsigned word)
{
	return word < c->count ? (uint32_t)strtoul(c->words[word], NULL, 0) : 0;
}

static void do_serial(struct camera *c)
{
	struct err e = ERR_INIT;
	char serial[USB_STRING_SIZE];
	struct usb_id id = newest(c);
	say(c, usb_read_serial(&id, serial, &e), &e, serial);
}

/* Commands on a partition: PATH COMMAND PARTITION ... */
static void do_partition(struct camera *c, const char *what)
{
	struct err e = ERR_INIT;
	const struct partition *p = c->count > 2 ? board_partition(&board, c->words[2]) : NULL;
	struct sink sink = { .seed = number(c, 5), .refuses = !strcmp(what, "read-refuse") };
	struct partition other;
	if (!p) {
		snprintf(c->out, sizeof c->out, "fail what");
	} else if (!strcmp(what, "probe")) {
		say(c, c->link.ops->probe(&c->link, p, &e), &e, "");
	} else if (!strcmp(what, "probe-as")) {
		other = *p;
		other.size = number(c, 3);
		say(c, c->link.ops->probe(&c->link, &other, &e), &e, "");
	} else if (!strcmp(what, "write")) {
		do_write(c, p, number(c, 3), number(c, 4), number(c, 5), c->count > 6);
	} else if (sink.refuses) {
		do_read(c, p, 0, p->size, &sink);
	} else {
		do_read(c, p, number(c, 3), number(c, 4), &sink);
	}
}

/* As for a process without the right to enlarge the buffer, on a busy line. */
static void deafen(struct camera *c)
{
	unsigned found = 0;
	for (int fd = 3; fd < 256; fd++) {
		int domain = 0, small = 1;
		socklen_t size = sizeof domain;
		if (!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_NETLINK)
			found += !setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	}
	snprintf(c->out, sizeof c->out, found ? "ok" : "fail none");
}

static void *run(void *argument)
{
	struct camera *c = argument;
	const char *what = c->words[1];
	struct err e = ERR_INIT;
	if (!strcmp(what, "arrive") || !strcmp(what, "arrive-run") || !strcmp(what, "gone")) {
		wait_for(c, what, (long)number(c, 2));
	} else if (!strcmp(what, "open")) {
		do_open(c);
	} else if (!strcmp(what, "serial")) {
		do_serial(c);
	} else if (!strcmp(what, "deafen")) {
		deafen(c);
	} else if (!strcmp(what, "cancel-at")) {
		c->cancel_at = number(c, 2);
		say(c, true, &e, "");
	} else if (!c->link.ops) {
		snprintf(c->out, sizeof c->out, "fail not-open");
	} else if (!strcmp(what, "identify")) {
		do_identify(c);
	} else if (!strcmp(what, "leave")) {
		say(c, c->link.ops->leave(&c->link, &e), &e, "");
	} else if (!strcmp(what, "close")) {
		c->link.ops->close(&c->link);
		say(c, true, &e, "");
	} else {
		do_partition(c, what);
	}
	return NULL;
}

static void on_every_camera(char **words, unsigned count)
{
	pthread_t threads[MAX_CAMERAS];
	struct camera *those[MAX_CAMERAS];
	unsigned n = 0;
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < camera_count; i++)
		if (is_at(&cameras[i], board.dfu_vid, board.dfu_pid) || cameras[i].link.ops)
			those[n++] = &cameras[i];
	pthread_mutex_unlock(&lock);
	for (unsigned i = 0; i < n; i++) {
		those[i]->words = words;
		those[i]->count = count;
		pthread_create(&threads[i], NULL, run, those[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		printf("%s %s\n", those[i]->path, those[i]->out);
	}
	printf("* ok %u\n", n);
}

static void command(char *line)
{
	char *words[MAX_WORDS], *save;
	unsigned count = 0;
	for (char *w = strtok_r(line, " \n", &save); w && count < MAX_WORDS; w = strtok_r(NULL, " \n", &save))
		words[count++] = w;
	if (count < 2)
		return;
	if (!strcmp(words[0], "*")) {
		on_every_camera(words, count);
	} else {
		pthread_mutex_lock(&lock);
		struct camera *c = camera_at(words[0]);
		pthread_mutex_unlock(&lock);
		c->words = words;
		c->count = count;
		run(c);
		printf("%s %s\n", c->path, c->out);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	uint8_t *text;
	size_t size;
	char line[512];
	if (argc != 2)
		return 2;
	log_setup(LOG_DBG, LOG_TEXT);
	if (!file_read(argv[1], 1 << 20, &text, &size, &e) || !board_parse(span_of(text, size), &board, &e) ||
	    !usb_watch_start(on_usb, NULL, &e)) {
		fprintf(stderr, "%s: %s\n", code_name(e.code), e.msg);
		return 1;
	}
	free(text);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		command(line);
	for (unsigned i = 0; i < camera_count; i++)
		if (cameras[i].link.ops)
			cameras[i].link.ops->close(&cameras[i].link);
	usb_watch_stop();
	return 0;
}
