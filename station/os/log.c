/* The log on standard error. */
#include "os/log.h"

#include "base/timefmt.h"
#include "os/clock.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Set once by log_setup before threads start, read-only afterwards. */
static struct {
	enum log_level least;
	enum log_format format;
	bool journald;
} setup = { LOG_INFO, LOG_TEXT, false };

static const struct {
	const char *name, *journald;
} levels[] = { { "error", "<3>" }, { "warning", "<4>" }, { "info", "<6>" }, { "debug", "<7>" } };

void log_setup(enum log_level least, enum log_format format)
{
	setup.least = least;
	setup.format = format;
	setup.journald = getenv("JOURNAL_STREAM") != NULL;
}

/* What came from outside must not forge lines, break the JSON or drive a terminal. */
static void tame(char *text, bool json)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (json && (*c == '"' || *c == '\\'))
			*c = '\'';
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char message[1000], line[1200], at[TIME_TEXT_SIZE];
	va_list args;
	if (level > setup.least)
		return;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	tame(message, setup.format == LOG_JSON);
	time_format(at, clock_wall_ms());
	const char *prefix = setup.journald ? levels[level].journald : "";
	const char *form =
	    setup.format == LOG_JSON ? "%s{\"at\":\"%s\",\"level\":\"%s\",\"message\":\"%s\"}\n" : "%s%s %s %s\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	int n = snprintf(line, sizeof line, form, prefix, at, levels[level].name, message);
#pragma GCC diagnostic pop
	/* nothing sensible is left to do when standard error is gone */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
