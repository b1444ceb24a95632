/* Texts in memory. */
#include "os/text_out.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define FIRST_ROOM 4096

static bool make_room(struct text_out *t, size_t more)
{
	size_t wanted = t->capacity ? t->capacity : FIRST_ROOM;
	while (wanted - t->size <= more) /* a byte is left for the end */
		wanted *= 2;
	char *grown = wanted == t->capacity ? t->data : realloc(t->data, wanted);
	if (!grown)
		return false;
	t->data = grown;
	t->capacity = wanted;
	return true;
}

/* What is lost once is lost for good: pieces behind a hole are not taken. */
static ssize_t take(void *context, const char *piece, size_t size)
{
	struct text_out *t = context;
	t->lost = t->lost || !make_room(t, size);
	if (t->lost)
		return 0;
	memcpy(t->data + t->size, piece, size);
	t->size += size;
	return (ssize_t)size;
}

FILE *text_begin(struct text_out *t)
{
	*t = (struct text_out){ .file = NULL };
	t->file = fopencookie(t, "w", (cookie_io_functions_t){ .write = take });
	return t->file;
}

char *text_end(struct text_out *t, size_t *size)
{
	bool whole = t->file && !ferror(t->file);
	if (t->file && fclose(t->file))
		whole = false;
	t->file = NULL;
	whole = whole && !t->lost && make_room(t, 0);
	if (size)
		*size = whole ? t->size : 0;
	if (!whole) {
		free(t->data);
		t->data = NULL;
		return NULL;
	}
	t->data[t->size] = '\0';
	return t->data;
}
