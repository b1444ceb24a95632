/* The strict scanner in front of cJSON: one recursive descent of at most JSON_MAX_DEPTH over the text, which builds
 * nothing.  What it lets through, cJSON reads in the one way that everybody else reads it. */
#include "format/json_scan.h"

#include "format/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	const uint8_t *begin, *p, *end;
	/* Where the keys of all open objects start, outermost object first; owned.  An object's keys are sorted and
	 * compared when it closes, then dropped: n log n, and no hash for an attacker to collide. */
	const uint8_t **keys;
	size_t key_count, key_room;
	unsigned depth, values;
	struct err *e;
};

static bool value(struct scan *s);

static bool refuse(struct scan *s, const uint8_t *at, const char *why)
{
	unsigned line = 1, column = 1;
	for (const uint8_t *p = s->begin; p < at; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	return err_set(s->e, CODE_JSON_INVALID, "line %u, column %u: %s", line, column, why);
}

static bool is_digit(const struct scan *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool take(struct scan *s, char c)
{
	bool there = s->p < s->end && *s->p == (uint8_t)c;
	s->p += there;
	return there;
}

static void space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

unsigned json_utf8(const uint8_t *p, const uint8_t *end)
{
	if (p >= end)
		return 0;
	if (*p < 0x80)
		return 1;
	unsigned size = *p >= 0xc2 && *p <= 0xdf ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p <= 0xf4 ? 4 : 0;
	if (!size || (size_t)(end - p) < size)
		return 0;
	for (unsigned i = 1; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
	bool surrogate = *p == 0xed && p[1] > 0x9f, beyond = *p == 0xf4 && p[1] > 0x8f;
	return overlong || surrogate || beyond ? 0 : size;
}

/* Four hexadecimal digits, or -1. */
static int hex4(const uint8_t *p, const uint8_t *end)
{
	int v = 0;
	if (end - p < 4)
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		int c = p[i] | 0x20, d = c >= 'a' && c <= 'f' ? c - 'a' + 10 : p[i] - '0';
		if (d < 0 || d > 15 || (d > 9 && c < 'a'))
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* s->p stands behind the backslash. */
static bool escape(struct scan *s)
{
	const uint8_t *start = s->p - 1;
	if (s->p < s->end && *s->p && strchr("\"\\/bfnrt", *s->p)) {
		s->p++;
		return true;
	}
	if (!take(s, 'u'))
		return refuse(s, start, "there is no such escape");
	int v = hex4(s->p, s->end);
	if (v < 0)
		return refuse(s, start, "\\u wants four hexadecimal digits");
	if (v == 0)
		return refuse(s, start, "U+0000 is not allowed");
	s->p += 4;
	if (v < 0xd800 || v > 0xdfff)
		return true;
	int low = v < 0xdc00 && s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u' ? hex4(s->p + 2, s->end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return refuse(s, start, "half of a surrogate pair");
	s->p += 6;
	return true;
}

static bool string(struct scan *s)
{
	const uint8_t *start = s->p;
	if (!take(s, '"'))
		return refuse(s, start, "a string must stand here");
	while (s->p < s->end && *s->p != '"') {
		if (*s->p < 0x20)
			return refuse(s, s->p, "a control character inside a string");
		if (take(s, '\\')) {
			if (!escape(s))
				return false;
			continue;
		}
		unsigned size = json_utf8(s->p, s->end);
		if (!size)
			return refuse(s, s->p, "not UTF-8");
		s->p += size;
	}
	return take(s, '"') || refuse(s, start, "the string does not end");
}

/* Numbers stop where a double stops telling whole ones apart, and 2^53 + 1 must not pass for 2^53. */
static bool number_fits(struct scan *s, const uint8_t *start)
{
	char text[JSON_MAX_NUMBER + 1];
	size_t size = (size_t)(s->p - start);
	if (size > JSON_MAX_NUMBER)
		return refuse(s, start, "the number is too long");
	memcpy(text, start, size);
	text[size] = '\0';
	errno = 0;
	double v = strtod(text, NULL);
	bool edge = (v == JSON_MAX_WHOLE || v == -JSON_MAX_WHOLE) && !strstr(text, "9007199254740992");
	if (errno == ERANGE || v > JSON_MAX_WHOLE || v < -JSON_MAX_WHOLE || edge)
		return refuse(s, start, "the number is outside of what can be held exactly");
	return true;
}

static bool digits(struct scan *s, const char *why)
{
	if (!is_digit(s))
		return refuse(s, s->p, why);
	while (is_digit(s))
		s->p++;
	return true;
}

static bool number(struct scan *s)
{
	const uint8_t *start = s->p;
	take(s, '-');
	if (take(s, '0')) {
		if (is_digit(s))
			return refuse(s, start, "a number must not start with 0");
	} else if (!digits(s, "a digit must stand here")) {
		return false;
	}
	if (take(s, '.') && !digits(s, "a digit must follow the point"))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		if (!digits(s, "a digit must follow the exponent"))
			return false;
	}
	return number_fits(s, start);
}

/* The next character of a string that string() has accepted, decoded; 0 at its end. */
static uint32_t next_char(const uint8_t **p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const uint8_t *q = *p;
	if (*q == '"')
		return 0;
	if (*q != '\\') {
		unsigned size = *q < 0x80 ? 1 : *q < 0xe0 ? 2 : *q < 0xf0 ? 3 : 4;
		uint32_t c = size == 1 ? *q : *q & (0x7fu >> size);
		for (unsigned i = 1; i < size; i++)
			c = c << 6 | (q[i] & 0x3f);
		*p += size;
		return c;
	}
	if (q[1] != 'u') {
		*p += 2;
		return (uint8_t)to[strchr(from, q[1]) - from];
	}
	uint32_t c = (uint32_t)hex4(q + 2, q + 6);
	*p += 6;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	uint32_t low = (uint32_t)hex4(q + 8, q + 12);
	*p += 6;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static int compare_keys(const void *left, const void *right)
{
	const uint8_t *a, *b;
	memcpy(&a, left, sizeof a);
	memcpy(&b, right, sizeof b);
	for (;;) {
		uint32_t x = next_char(&a), y = next_char(&b);
		if (x != y)
			return x < y ? -1 : 1;
		if (!x)
			return 0;
	}
}

static bool push_key(struct scan *s)
{
	if (s->key_count == s->key_room) {
		size_t room = s->key_room ? 2 * s->key_room : 64;
		const uint8_t **keys = reallocarray(s->keys, room, sizeof *keys);
		if (!keys)
			return err_set(s->e, CODE_NO_MEMORY, "no memory for a JSON text's keys");
		s->keys = keys;
		s->key_room = room;
	}
	s->keys[s->key_count++] = s->p + 1;
	return true;
}

/* Compares the keys from `first` on and drops them. */
static bool close_object(struct scan *s, size_t first)
{
	const uint8_t **keys = s->keys + first;
	size_t count = s->key_count - first;
	if (count > 1)
		qsort(keys, count, sizeof *keys, compare_keys);
	for (size_t i = 1; i < count; i++)
		if (!compare_keys(&keys[i - 1], &keys[i]))
			return refuse(s, (keys[i - 1] > keys[i] ? keys[i - 1] : keys[i]) - 1, "this key stands twice");
	s->key_count = first;
	return true;
}

static bool object(struct scan *s)
{
	size_t first = s->key_count;
	space(s);
	if (take(s, '}'))
		return true;
	do {
		space(s);
		if (s->p < s->end && *s->p == '"' && !push_key(s))
			return false;
		if (!string(s))
			return false;
		space(s);
		if (!take(s, ':'))
			return refuse(s, s->p, "':' must stand here");
		if (!value(s))
			return false;
		space(s);
	} while (take(s, ','));
	return take(s, '}') ? close_object(s, first) : refuse(s, s->p, "',' or '}' must stand here");
}

static bool array(struct scan *s)
{
	space(s);
	if (take(s, ']'))
		return true;
	do {
		if (!value(s))
			return false;
		space(s);
	} while (take(s, ','));
	return take(s, ']') || refuse(s, s->p, "',' or ']' must stand here");
}

static bool word(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		size_t size = strlen(words[i]);
		if ((size_t)(s->end - s->p) >= size && !memcmp(s->p, words[i], size)) {
			s->p += size;
			return true;
		}
	}
	return refuse(s, s->p, "a value must stand here");
}

static bool container(struct scan *s)
{
	if (s->depth == JSON_MAX_DEPTH)
		return refuse(s, s->p, "nested too deeply");
	s->depth++;
	bool good = take(s, '{') ? object(s) : take(s, '[') && array(s);
	s->depth--;
	return good;
}

static bool value(struct scan *s)
{
	space(s);
	if (s->values++ == JSON_MAX_VALUES)
		return refuse(s, s->p, "too many values");
	if (s->p == s->end)
		return refuse(s, s->p, "the text ends where a value must stand");
	if (*s->p == '{' || *s->p == '[')
		return container(s);
	if (*s->p == '"')
		return string(s);
	if (*s->p == '-' || is_digit(s))
		return number(s);
	return word(s);
}

bool json_scan(struct span text, struct err *e)
{
	if (!text.size)
		return err_set(e, CODE_JSON_INVALID, "line 1, column 1: the text is empty");
	struct scan s = { .begin = text.data, .p = text.data, .end = text.data + text.size, .e = e };
	bool good = value(&s);
	space(&s);
	if (good && s.p != s.end)
		good = refuse(&s, s.p, "something stands behind the value");
	free(s.keys);
	return good;
}

bool json_utf8_text(const char *text)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + strlen(text);
	unsigned size;
	while (p < end && (size = json_utf8(p, end)) != 0)
		p += size;
	return p == end;
}
