/* Drives an OpenOCD child. */
#include "transport/openocd.h"

#include "os/clock.h"
#include "os/companion.h"
#include "os/file.h"
#include "os/spawn.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_SIZE  512
#define DRAIN_MAX      65536 /* bytes of complaints taken at a time */
#define LAST_WORDS_MS  200   /* how long a dying child's complaints are waited for */
#define CANCEL_LOOK_MS 50
#define WORDS_MS       5000 /* a station that is short of processors waits for its child too */
/* Bulk transfers: a base, and 32 KiB/s at least (1 MHz on the wire is 80). */
#define BULK_MS      5000
#define BULK_PER_MS  32
#define COMMANDS_MAX 1024

struct ocd {
	struct companion child;
	const atomic_bool *cancel;
	bool lives;
	int bulk; /* a file in memory; the child's descriptor 3 */
	struct ocd_trouble trouble;
	char line[LINE_MAX_SIZE]; /* of its complaints, not yet ended */
	size_t line_used, answer_used;
	char request[OCD_REQUEST_MAX], tcl[OCD_REQUEST_MAX];
	char answer[OCD_ANSWER_MAX], text[OCD_REQUEST_MAX];
};

/* --- its complaints ----------------------------------------------------------------------------------------------- */

static void take_complaints(struct ocd *o, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '\n') {
			if (o->line_used < sizeof o->line)
				o->line[o->line_used++] = bytes[i];
			continue;
		}
		ocd_trouble_note(&o->trouble, span_of(o->line, o->line_used));
		o->line_used = 0;
	}
}

/* What is there, without waiting; false: it will say no more. */
static bool read_complaints(struct ocd *o)
{
	char bytes[4096];
	for (size_t taken = 0; o->child.errors >= 0 && taken < DRAIN_MAX;) {
		ssize_t n = read(o->child.errors, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0) {
			close(o->child.errors);
			o->child.errors = -1;
			return false;
		}
		take_complaints(o, bytes, (size_t)n);
		taken += (size_t)n;
	}
	return o->child.errors >= 0;
}

static void last_words(struct ocd *o)
{
	int64_t until = clock_mono_ms() + LAST_WORDS_MS;
	while (read_complaints(o)) {
		int64_t left = until - clock_mono_ms();
		struct pollfd p = { .fd = o->child.errors, .events = POLLIN };
		if (left <= 0 || poll(&p, 1, (int)left) < 0)
			return;
	}
}

static bool complain(const struct ocd *o, enum code otherwise, const char *what, struct err *e)
{
	enum code code = o->trouble.code == CODE_OK ? otherwise : o->trouble.code;
	if (o->trouble.line[0])
		return err_set(e, code, "%.90s: OpenOCD says: %.120s", what, o->trouble.line);
	return err_set(e, code, "%.200s", what);
}

/* --- one exchange ------------------------------------------------------------------------------------------------- */

static bool end_it(struct ocd *o)
{
	companion_stop(&o->child, 0);
	o->lives = false;
	return false;
}

static bool cancelled(const struct ocd *o)
{
	return o->cancel && atomic_load(o->cancel);
}

static bool child_ended(struct ocd *o, struct err *e)
{
	last_words(o);
	end_it(o);
	return complain(o, CODE_SWD_LOST, "OpenOCD has ended", e);
}

static bool send_some(struct ocd *o, const char **at, size_t *left)
{
	ssize_t n = send(o->child.channel, *at, *left, MSG_NOSIGNAL);
	if (n > 0) {
		*at += n;
		*left -= (size_t)n;
	}
	return n > 0 || errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

/* 1: whole, 0: not yet, -1: it closed the channel, -2: it does not end. */
static int receive_some(struct ocd *o)
{
	if (o->answer_used == sizeof o->answer)
		return -2;
	ssize_t n = recv(o->child.channel, o->answer + o->answer_used, sizeof o->answer - o->answer_used, 0);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	if (n == 0)
		return -1;
	bool ended = memchr(o->answer + o->answer_used, OCD_END, (size_t)n);
	o->answer_used += (size_t)n;
	return ended;
}

/* Waits until there is something to do; false: why not. */
static bool wait_for_it(struct ocd *o, bool sending, int64_t until, int64_t within_ms, struct err *e)
{
	int64_t left = until - clock_mono_ms();
	if (cancelled(o)) {
		end_it(o);
		return err_set(e, CODE_ABORTED, "stopped by a person");
	}
	if (left <= 0) {
		read_complaints(o);
		end_it(o);
		err_set(e, CODE_PROBE_STALLED, "OpenOCD did not answer within %lld ms", (long long)within_ms);
		return false;
	}
	struct pollfd p[2] = {
		{ .fd = o->child.channel, .events = (short)(POLLIN | (sending ? POLLOUT : 0)) },
		{ .fd = o->child.errors, .events = POLLIN },
	};
	poll(p, 2, (int)(o->cancel && left > CANCEL_LOOK_MS ? CANCEL_LOOK_MS : left));
	if (p[1].revents)
		read_complaints(o);
	return true;
}

/* Whoever speaks before he is asked has answered twice: from then on every answer might be that of another question. */
static bool speaks_unasked(const struct ocd *o)
{
	char byte;
	return recv(o->child.channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool exchange(struct ocd *o, size_t size, int64_t within_ms, struct err *e)
{
	const char *at = o->request;
	int64_t until = clock_mono_ms() + within_ms;
	o->answer_used = 0;
	if (speaks_unasked(o)) {
		end_it(o);
		return err_set(e, CODE_SWD_PROTOCOL, "OpenOCD speaks without being asked");
	}
	for (;;) {
		int got = receive_some(o);
		if (got < -1) {
			end_it(o);
			return err_set(e, CODE_SWD_PROTOCOL, "OpenOCD's answer does not end");
		}
		if (got < 0 || (size && !send_some(o, &at, &size)))
			return child_ended(o, e);
		if (got > 0)
			return true;
		if (!wait_for_it(o, size != 0, until, within_ms, e))
			return false;
	}
}

static bool call(struct ocd *o, int64_t within_ms, char *text, size_t size, struct err *e)
{
	int rc;
	size_t length = ocd_wrap(o->tcl, o->request, sizeof o->request);
	if (!length)
		return err_set(e, CODE_INTERNAL, "a command to OpenOCD breaks out of its wrapping: %.100s", o->tcl);
	if (!exchange(o, length, within_ms, e))
		return false;
	read_complaints(o);
	if (o->answer[o->answer_used - 1] != OCD_END ||
	    !ocd_answer(span_of(o->answer, o->answer_used - 1), &rc, text, size)) {
		end_it(o);
		return err_set(e, CODE_SWD_PROTOCOL, "OpenOCD's answer makes no sense");
	}
	if (rc == 0)
		return true;
	ocd_trouble_note(&o->trouble, span_of(text, strnlen(text, size)));
	char what[80];
	snprintf(what, sizeof what, "%.40s failed (%d)", o->tcl, rc);
	return complain(o, CODE_SWD_LOST, what, e);
}

bool ocd_call(struct ocd *o, int64_t within_ms, char *text, size_t size, struct err *e, const char *tcl, ...)
{
	va_list list;
	if (!o->lives)
		return err_set(e, CODE_SWD_LOST, "OpenOCD has ended");
	va_start(list, tcl);
	int n = vsnprintf(o->tcl, sizeof o->tcl, tcl, list);
	va_end(list);
	if (n < 0 || (size_t)n >= sizeof o->tcl)
		return err_set(e, CODE_INTERNAL, "a command to OpenOCD is too long");
	read_complaints(o);
	ocd_trouble_clear(&o->trouble);
	return text ? call(o, within_ms, text, size, e) : call(o, within_ms, o->text, sizeof o->text, e);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static bool launch(struct ocd *o, const struct ocd_setup *s, struct err *e)
{
	char adapter[COMMANDS_MAX], speed[32];
	const char *program = s->program ? s->program : "openocd";
	if (!ocd_probe_commands(&s->probe, adapter, sizeof adapter))
		return err_set(
		    e, CODE_PROBE_WRONG, "the probe's serial number may only have letters, digits, . _ and -");
	if (s->config && !ocd_name_valid(s->config))
		return err_set(e, CODE_BOARD_INVALID, "%.60s is no name of a target configuration", s->config);
	/* a target file may set a speed of its own: ours comes behind it */
	snprintf(speed, sizeof speed, "adapter speed %u", (unsigned)s->probe.khz);
	const char *const argv[] = { program, "-d1", "-s", s->scripts, "-c",
		"tcl_port pipe; gdb_port disabled; telnet_port disabled", "-c", adapter, "-c",
		s->before ? s->before : "", s->config ? "-f" : "-c", s->config ? s->config : "", "-c", speed, "-c",
		"init", NULL };
	return companion_start(&o->child, argv, o->bulk, e);
}

static bool begin(struct ocd *o, const struct ocd_setup *s, struct err *e)
{
	o->bulk = memfd_create("swd", MFD_CLOEXEC);
	if (o->bulk < 0 || !spawn_above(&o->bulk))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot make a file in memory");
	if (!launch(o, s, e))
		return false;
	o->lives = true;
	snprintf(o->tcl, sizeof o->tcl, "expr 1");
	return call(o, s->start_ms ? s->start_ms : OCD_START_MS, o->text, sizeof o->text, e);
}

bool ocd_start(const struct ocd_setup *s, struct ocd **out, struct err *e)
{
	*out = NULL;
	struct ocd *o = malloc(sizeof *o);
	if (!o)
		return err_set(e, CODE_NO_MEMORY, "no memory for a conversation with OpenOCD");
	o->child = (struct companion){ 0, -1, -1, -1 };
	o->cancel = s->cancel;
	o->lives = false;
	o->bulk = -1;
	o->line_used = o->answer_used = 0;
	ocd_trouble_clear(&o->trouble);
	if (!begin(o, s, e)) {
		ocd_stop(o);
		return false;
	}
	*out = o;
	return true;
}

void ocd_stop(struct ocd *o)
{
	if (!o)
		return;
	companion_stop(&o->child, OCD_GRACE_MS);
	if (o->bulk >= 0)
		close(o->bulk);
	free(o);
}

bool ocd_lives(const struct ocd *o)
{
	return o && o->lives;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

bool ocd_read_words(struct ocd *o, uint32_t address, uint32_t *out, unsigned count, struct err *e)
{
	while (count) {
		unsigned part = count < OCD_WORDS_MAX ? count : OCD_WORDS_MAX;
		if (!ocd_call(o, WORDS_MS, NULL, 0, e, "read_memory 0x%08x 32 %u", (unsigned)address, part))
			return false;
		if (!ocd_words(o->text, out, part)) {
			end_it(o);
			return err_set(e, CODE_SWD_PROTOCOL, "OpenOCD answered no %u words", part);
		}
		address += part * 4;
		out += part;
		count -= part;
	}
	return true;
}

static bool write_part(struct ocd *o, uint32_t address, const uint32_t *words, unsigned count, struct err *e)
{
	size_t used = 0;
	for (unsigned i = 0; i < count; i++)
		used +=
		    (size_t)snprintf(o->text + used, sizeof o->text - used, "%s%u", i ? " " : "", (unsigned)words[i]);
	/* the text is copied before it becomes the answer's place */
	return ocd_call(o, WORDS_MS, NULL, 0, e, "write_memory 0x%08x 32 {%s}", (unsigned)address, o->text);
}

bool ocd_write_words(struct ocd *o, uint32_t address, const uint32_t *words, unsigned count, struct err *e)
{
	while (count) {
		unsigned part = count < OCD_WORDS_MAX ? count : OCD_WORDS_MAX;
		if (!write_part(o, address, words, part, e))
			return false;
		address += part * 4;
		words += part;
		count -= part;
	}
	return true;
}

bool ocd_bulk_put(struct ocd *o, struct span bytes, struct err *e)
{
	if (ftruncate(o->bulk, 0) || lseek(o->bulk, 0, SEEK_SET))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot empty a file in memory");
	return file_write_all(o->bulk, bytes, "a file in memory", e);
}

bool ocd_bulk_get(struct ocd *o, void *out, uint32_t size, struct err *e)
{
	for (uint32_t at = 0; at < size;) {
		ssize_t n = pread(o->bulk, (uint8_t *)out + at, size - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(
			    e, CODE_SWD_PROTOCOL, "OpenOCD left %u bytes, not %u", (unsigned)at, (unsigned)size);
		at += (uint32_t)n;
	}
	return true;
}

static int64_t bulk_ms(size_t size)
{
	return BULK_MS + (int64_t)(size / BULK_PER_MS);
}

/* Did the last command say that it moved every byte? */
static bool all_moved(const struct ocd *o, uint64_t size, struct err *e)
{
	uint64_t moved = 0;
	if (ocd_byte_count(o->text, &moved) && moved == size)
		return true;
	return complain(o, CODE_SWD_LOST, "not every byte was moved", e);
}

bool ocd_load(struct ocd *o, uint32_t address, struct span bytes, struct err *e)
{
	return ocd_bulk_put(o, bytes, e) &&
	       ocd_call(o, bulk_ms(bytes.size), NULL, 0, e, "load_image " OCD_BULK " 0x%08x bin", (unsigned)address) &&
	       all_moved(o, bytes.size, e);
}

bool ocd_dump(struct ocd *o, uint32_t address, uint32_t size, void *out, struct err *e)
{
	return ocd_call(o, bulk_ms(size), NULL, 0, e, "dump_image " OCD_BULK " 0x%08x %u", (unsigned)address,
		   (unsigned)size) &&
	       all_moved(o, size, e) && ocd_bulk_get(o, out, size, e);
}
