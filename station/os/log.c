/* The log on standard error. */
#include "os/log.h"

#include "base/timefmt.h"
#include "os/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEPT_SIZE    400
#define KEPT_MESSAGE 250 /* of a line's message */
#define ATTEMPT_SIZE 24

/* Set once by log_setup before threads start, read-only afterwards. */
static struct {
	enum log_level least;
	enum log_format format;
	bool journald;
} setup = { LOG_INFO, LOG_TEXT, false };

/* The newest lines, for whoever asks the station instead of its machine. */
static struct {
	pthread_mutex_t lock;
	char lines[LOG_KEPT][KEPT_SIZE];
	unsigned long count;
} kept = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct context {
	unsigned slot; /* 0: none */
	char attempt[ATTEMPT_SIZE];
};

/* A worker's: what it does is about one slot until it is done. */
static _Thread_local struct context here;

static const struct {
	const char *name, *journald;
} levels[] = { { "error", "<3>" }, { "warning", "<4>" }, { "info", "<6>" }, { "debug", "<7>" } };

void log_setup(enum log_level least, enum log_format format)
{
	setup.least = least;
	setup.format = format;
	setup.journald = getenv("JOURNAL_STREAM") != NULL;
}

bool log_format_from_name(const char *name, enum log_format *out)
{
	*out = !strcmp(name, "json") ? LOG_JSON : LOG_TEXT;
	return *out == LOG_JSON || !strcmp(name, "text");
}

void log_context(unsigned slot, const char *attempt)
{
	here.slot = slot;
	snprintf(here.attempt, sizeof here.attempt, "%s", slot ? attempt : "");
}

/* What came from outside must not forge lines or keys, break the JSON or drive a terminal. */
static void tame(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (*c == '"' || *c == '\\')
			*c = '\'';
	}
}

static void keep(const char *at, const char *level, const char *keys, const char *message)
{
	pthread_mutex_lock(&kept.lock);
	snprintf(
	    kept.lines[kept.count++ % LOG_KEPT], KEPT_SIZE, "%s %s%s %.*s", at, level, keys, KEPT_MESSAGE, message);
	pthread_mutex_unlock(&kept.lock);
}

void log_tail(log_each *each, void *context)
{
	pthread_mutex_lock(&kept.lock);
	for (unsigned long i = kept.count > LOG_KEPT ? kept.count - LOG_KEPT : 0; i < kept.count; i++)
		each(context, kept.lines[i % LOG_KEPT]);
	pthread_mutex_unlock(&kept.lock);
}

/* ` slot=3 attempt=17`, `,"slot":3,"attempt":"17"`; attempts are numbers, of the journal. */
static void print_context(const struct context *about, char out[80])
{
	bool json = setup.format == LOG_JSON;
	int used = 0;
	out[0] = '\0';
	if (about->slot)
		used = snprintf(out, 80, json ? ",\"slot\":%u" : " slot=%u", about->slot);
	if (about->slot && *about->attempt)
		snprintf(out + used, 80 - (size_t)used, json ? ",\"attempt\":\"%s\"" : " attempt=%s", about->attempt);
}

static void write_line(enum log_level level, const struct context *about, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
static void write_line(enum log_level level, const struct context *about, const char *fmt, va_list args)
{
	char message[1000], line[1200], at[TIME_TEXT_SIZE], keys[80];
	if (level > setup.least)
		return;
	vsnprintf(message, sizeof message, fmt, args);
	tame(message);
	print_context(about, keys);
	time_format(at, clock_wall_ms());
	keep(at, levels[level].name, *keys == ',' ? "" : keys, message);
	const char *prefix = setup.journald ? levels[level].journald : "";
	int n = setup.format == LOG_JSON
		    ? snprintf(line, sizeof line, "%s{\"at\":\"%s\",\"level\":\"%s\"%s,\"msg\":\"%s\"}\n", prefix, at,
			  levels[level].name, keys, message)
		    : snprintf(line, sizeof line, "%sat=%s level=%s%s msg=\"%s\"\n", prefix, at, levels[level].name,
			  keys, message);
	/* nothing sensible is left to do when standard error is gone */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	write_line(level, &here, fmt, args);
	va_end(args);
}

void log_about(enum log_level level, unsigned slot, const char *attempt, const char *fmt, ...)
{
	struct context about = { .slot = slot };
	va_list args;
	snprintf(about.attempt, sizeof about.attempt, "%s", attempt);
	va_start(args, fmt);
	write_line(level, &about, fmt, args);
	va_end(args);
}
