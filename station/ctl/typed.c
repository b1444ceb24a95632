/* Asks for a secret. */
#include "ctl/typed.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool typed_secret(const char *what, char *out, size_t size, struct err *e)
{
	struct termios before, quiet;
	bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	if (terminal) {
		fprintf(stderr, "%s: ", what);
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	const char *got = fgets(out, (int)size, stdin);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	if (!got)
		return err_set(e, CODE_USAGE, "%s is wanted on standard input", what);
	size_t n = strcspn(out, "\r\n");
	if (!out[n] && n + 1 == size)
		return err_set(e, CODE_TOO_LARGE, "%s is too long", what);
	out[n] = '\0';
	return true;
}
