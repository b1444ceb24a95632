/* Reads numbers from a file. */
#include "ctl/number_file.h"

#include "format/json.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1u << 20)

bool numbers_read(const char *path, struct cJSON *values, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	if (!file_read(path, FILE_MAX, &text, &size, e))
		return false;
	/* what stands behind it would be lost without a word */
	if (strlen((char *)text) != size)
		return err_set(e, CODE_BAD_REQUEST, "%.150s has a NUL byte, so it is no list of numbers", path);
	for (char *at = (char *)text; *at;) {
		at += strspn(at, " \t\r\n");
		size_t n = strcspn(at, "\r\n"), used = n;
		char *next = at + n + (at[n] != '\0');
		while (used && (at[used - 1] == ' ' || at[used - 1] == '\t'))
			used--;
		at[used] = '\0';
		if (used)
			json_add_string(values, NULL, at);
		at = next;
	}
	return true;
}
