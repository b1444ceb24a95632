/* A command line from a configuration, split into words without any shell.
 *
 * Blanks and tabs separate words.  '...' takes everything up to the next ' as it stands; "..." the same up to the next
 * ", where \" and \\ stand for " and \; outside of quotes a backslash takes the next character as it stands.  Quoted
 * and unquoted parts that touch are one word; '' is an empty one.  Nothing else means anything: no variables, no
 * patterns, no redirection. */
#ifndef STATION_BASE_WORDS_H
#define STATION_BASE_WORDS_H

#include "base/err.h"

#define WORDS_MAX      64
#define WORDS_MAX_TEXT 4096

struct words {
	unsigned count;
	const char *word[WORDS_MAX + 1]; /* into text; NULL behind the last one */
	char text[WORDS_MAX_TEXT];
};

/* CODE_USAGE for a quote that is not closed, a backslash at the end, or more than fits. */
bool words_split(const char *line, struct words *out, struct err *e);

#endif
