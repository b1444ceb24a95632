/* Which names an image may carry: those that a path can reach and a host can safely write to disk. */
#include "romfs.h"

/* Bytes of the UTF-8 sequence at p (RFC 3629: shortest form, no surrogates, up to U+10FFFF), 0 when it is none. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	/* what the second byte must lie in depends on the first: this shuts out overlong forms and surrogates */
	static const struct {
		uint8_t first, last, size, low, high;
	} rows[] = {
		{ 0x00, 0x7F, 1, 0x00, 0x00 },
		{ 0xC2, 0xDF, 2, 0x80, 0xBF },
		{ 0xE0, 0xE0, 3, 0xA0, 0xBF },
		{ 0xE1, 0xEC, 3, 0x80, 0xBF },
		{ 0xED, 0xED, 3, 0x80, 0x9F },
		{ 0xEE, 0xEF, 3, 0x80, 0xBF },
		{ 0xF0, 0xF0, 4, 0x90, 0xBF },
		{ 0xF1, 0xF3, 4, 0x80, 0xBF },
		{ 0xF4, 0xF4, 4, 0x80, 0x8F },
	};
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		if (p[0] < rows[r].first || p[0] > rows[r].last)
			continue;
		if (rows[r].size > left || (rows[r].size > 1 && (p[1] < rows[r].low || p[1] > rows[r].high)))
			return 0;
		for (size_t i = 2; i < rows[r].size; i++)
			if ((p[i] & 0xC0u) != 0x80)
				return 0;
		return rows[r].size;
	}
	return 0;
}

int romfs_name_ok(const uint8_t *name, size_t size)
{
	if (!size || (name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.'))))
		return 0;
	for (size_t i = 0; i < size;) {
		size_t n = utf8_sequence(name + i, size - i);
		if (!n || name[i] == '/' || !name[i])
			return 0;
		i += n;
	}
	return 1;
}
