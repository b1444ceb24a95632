/* What stationctl prints: refusals, JSON, and text from outside made harmless; and where it may write. */
#include "ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/refusal.h"
#include "format/json.h"

int ctl_refuse(const struct err *e)
{
	char line[REFUSAL_SIZE];
	refusal_text("stationctl", e, line);
	fprintf(stderr, "%s\n", line);
	return e->code == CODE_USAGE ? CTL_USAGE : CTL_REFUSED;
}

bool ctl_print_json(const struct cJSON *json, struct err *e)
{
	char *text = json ? json_print(json) : NULL;
	if (!text)
		return err_set(e, CODE_NO_MEMORY, "cannot print the answer");
	puts(text);
	free(text);
	return true;
}

/* The length of the printable UTF-8 sequence at p, or 0. */
static size_t printable(const uint8_t *p, size_t left)
{
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7F;
	size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
	if (p[0] < 0xC2 || p[0] > 0xF4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	/* U+0080 to U+009F are control characters too */
	return p[0] == 0xC2 && p[1] < 0xA0 ? 0 : n;
}

void ctl_print_text(struct span text)
{
	for (size_t i = 0; i < text.size;) {
		size_t n = printable(text.data + i, text.size - i);
		if (!n)
			printf("\\x%02x", text.data[i]);
		else if (text.data[i] == '\\')
			fputs("\\\\", stdout);
		else
			fwrite(text.data + i, 1, n, stdout);
		i += n ? n : 1;
	}
}

int ctl_close_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	struct err e = ERR_INIT;
	err_sys(&e, CODE_FILE_FAILED, errno, "cannot write the answer");
	int refused = ctl_refuse(&e);
	return status == CTL_DONE ? refused : status;
}

bool ctl_output_outside(const char *folder, const char *out, struct err *e)
{
	char top[PATH_MAX], parent[PATH_MAX], copy[PATH_MAX];
	const char *slash = strrchr(out, '/');
	size_t n = slash ? (size_t)(slash - out) + 1 : 0;
	if (n >= sizeof copy)
		return err_set(e, CODE_FILE_FAILED, "the path %.80s... is too long", out);
	memcpy(copy, out, n);
	copy[n] = '\0';
	/* where either cannot be resolved, reading or writing says why */
	if (!realpath(folder, top) || !realpath(n ? copy : ".", parent))
		return true;
	size_t length = strlen(top);
	if (strncmp(parent, top, length) || (parent[length] && parent[length] != '/' && length > 1))
		return true;
	return err_set(e, CODE_FILE_FAILED, "%s lies inside %s and would be part of the next build", out, folder);
}
