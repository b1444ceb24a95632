/* Single fields of a board file, each within its range. */
#include "format/board_inner.h"

#include <stdlib.h>
#include <string.h>

bool field_bad(struct err *e, const char *key, const char *why)
{
	return err_set(e, CODE_BOARD_INVALID, "\"%s\" %s", key, why);
}

bool field_whole(const struct cJSON *o, const char *key, uint32_t min, uint32_t max, uint32_t *out, struct err *e)
{
	int64_t v;
	if (!json_integer(o, key, min, max, &v, e))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* "0x" and 1 to 16 hexadecimal digits, at most max. */
bool field_hex_text(const char *text, uint64_t max, uint64_t *out)
{
	if (strncmp(text, "0x", 2) != 0 || strlen(text) > 18 || !text[2] ||
	    text[2 + strspn(text + 2, "0123456789abcdefABCDEF")])
		return false;
	*out = strtoull(text + 2, NULL, 16);
	return *out <= max;
}

bool field_hex(const struct cJSON *o, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	const char *text;
	if (!json_string(o, key, &text, e))
		return false;
	return field_hex_text(text, max, out) ||
	       field_bad(e, key, "must be a hexadecimal number like \"0x0103\" within its range");
}

bool field_hex16(const struct cJSON *o, const char *key, uint16_t *out, struct err *e)
{
	uint64_t v;
	if (!field_hex(o, key, UINT16_MAX, &v, e))
		return false;
	*out = (uint16_t)v;
	return true;
}

bool field_hex32(const struct cJSON *o, const char *key, uint32_t *out, struct err *e)
{
	uint64_t v;
	if (!field_hex(o, key, UINT32_MAX, &v, e))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Printable ASCII, not empty, that fits with its NUL. */
bool field_text(const struct cJSON *o, const char *key, char *out, size_t size, struct err *e)
{
	const char *t;
	if (!json_string(o, key, &t, e))
		return false;
	size_t n = 0;
	while (t[n] >= ' ' && t[n] <= '~')
		n++;
	if (!n || t[n] || n >= size)
		return field_bad(e, key, "must be printable ASCII, not empty and not that long");
	memcpy(out, t, n + 1);
	return true;
}

bool field_choice(const struct cJSON *o, const char *key, const char *const *names, unsigned *out, struct err *e)
{
	const char *t;
	if (!json_string(o, key, &t, e))
		return false;
	for (*out = 0; names[*out]; ++*out)
		if (!strcmp(names[*out], t))
			return true;
	return field_bad(e, key, "is none of the words that may stand there");
}
