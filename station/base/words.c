/* Splits a command line into words. */
#include "base/words.h"

#include <string.h>

struct scan {
	const char *at;
	struct words *out;
	size_t used;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void put(struct scan *s, char c)
{
	s->out->text[s->used++] = c;
}

/* Behind the opening quote; ends behind the closing one. */
static bool quoted(struct scan *s, char quote)
{
	for (; *s->at && *s->at != quote; s->at++) {
		if (quote == '"' && *s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
			s->at++;
		put(s, *s->at);
	}
	return *s->at++ == quote;
}

static bool one(struct scan *s, struct err *e)
{
	while (*s->at && !is_blank(*s->at)) {
		char c = *s->at++;
		if (c == '\'' || c == '"') {
			if (!quoted(s, c))
				return err_set(e, CODE_USAGE, "a command has a %c that is not closed", c);
		} else if (c == '\\') {
			if (!*s->at)
				return err_set(e, CODE_USAGE, "a command ends with a backslash");
			put(s, *s->at++);
		} else {
			put(s, c);
		}
	}
	put(s, '\0');
	return true;
}

bool words_split(const char *line, struct words *out, struct err *e)
{
	struct scan s = { line, out, 0 };
	out->count = 0;
	/* a word is never longer than its source, and each has a blank or the end behind it */
	if (strlen(line) >= WORDS_MAX_TEXT)
		return err_set(e, CODE_USAGE, "a command has more than %d bytes", WORDS_MAX_TEXT - 1);
	for (;;) {
		while (is_blank(*s.at))
			s.at++;
		if (!*s.at)
			break;
		if (out->count == WORDS_MAX)
			return err_set(e, CODE_USAGE, "a command has more than %d words", WORDS_MAX);
		out->word[out->count++] = out->text + s.used;
		if (!one(&s, e))
			return false;
	}
	out->word[out->count] = NULL;
	return true;
}
