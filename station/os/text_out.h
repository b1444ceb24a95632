/* A text that is printed into memory piece by piece, as a whole or not at all.  The C library's own memory streams go
 * on after a piece for which there was no memory, and may end without a text and without an error. */
#ifndef STATION_OS_TEXT_OUT_H
#define STATION_OS_TEXT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct text_out {
	FILE *file; /* owned until text_end; NULL: there was no memory to begin */
	char *data; /* owned */
	size_t size, capacity;
	bool lost;
};

/* The stream to print to; NULL: no memory.  Call text_end in any case. */
FILE *text_begin(struct text_out *t);
/* Closes it: the text, ended by a NUL, which the caller frees; NULL when anything of it was lost.  size may be NULL. */
char *text_end(struct text_out *t, size_t *size);

#endif
