/* Labels: a configured program is run for each unit that passed, on a thread of its own, one after the other.  What
 * comes of it is journalled and shown and never changes a verdict.  Labels that wait when the station stops are not
 * printed; a person prints them again. */
#ifndef STATION_LINE_LABEL_H
#define STATION_LINE_LABEL_H

#include "format/who.h"
#include "journal/journal.h"
#include "journal/query.h"

#define LABEL_ARGS  32
#define LABEL_QUEUE 256

/* The command in its parts; a part may hold placeholders. */
struct label_command {
	unsigned count; /* 0: none */
	char text[1024];
	const char *args[LABEL_ARGS]; /* into the text */
};
/* config-invalid: no absolute path, an unknown placeholder, too many parts.  Do not copy: it points into itself. */
bool label_parse(const char *command, struct label_command *out, struct err *e);

/* What the placeholders stand for. */
struct label_value {
	const char *name, *value; /* value: "" when there is none */
};
/* Fills one part; label-failed when it does not fit, or when what comes from outside would make it an option.  Pure. */
bool label_fill(
    const char *part, const struct label_value *values, unsigned count, char *out, size_t size, struct err *e);

struct label_options {
	const char *command; /* "": no labels */
	unsigned deadline_s;
	const char *station, *journal_path; /* borrowed */
	struct journal *journal;            /* borrowed */
};
struct labels;
bool labels_start(const struct label_options *o, struct labels **out, struct err *e); /* NULL without a command */
void labels_stop(struct labels *l);                                                   /* accepts NULL */
/* Any thread; returns at once.  reason and who NULL: the first print.  conflict: too many wait, or no command is
 * configured. */
bool label_print(struct labels *l, int64_t attempt, const char *reason, const struct who *who, struct err *e);
unsigned labels_waiting(struct labels *l);

#endif
