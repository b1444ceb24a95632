/* A refusal as one line. */
#include "base/refusal.h"

#include <stdio.h>
#include <string.h>

static bool upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Without the full stop: the line goes on, or ends without one.  Dots that stand for more stay. */
static int sentence_size(const char *text)
{
	size_t n = strlen(text);
	bool stop = n && text[n - 1] == '.' && (n < 2 || text[n - 2] != '.');
	return (int)(stop ? n - 1 : n);
}

void refusal_text(const char *program, const struct err *e, char out[REFUSAL_SIZE])
{
	const char *why = e->msg[0] ? e->msg : code_sentence(e->code);
	const char *action = code_action(e->code);
	/* the action follows a semicolon: its first letter is small, unless the word is all capitals */
	char first = upper(action[0]) && !upper(action[1]) ? (char)(action[0] - 'A' + 'a') : action[0];
	int n = snprintf(out, REFUSAL_SIZE, "%s: %s: %.*s; ", program, code_name(e->code), sentence_size(why), why);
	if (action[0] && n < REFUSAL_SIZE)
		snprintf(out + n, REFUSAL_SIZE - (size_t)n, "%c%.*s", first, sentence_size(action + 1), action + 1);
	for (char *c = out; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}
