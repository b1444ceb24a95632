/* Any bytes as what OpenOCD says: an answer, numbers, complaints.  Read within bounds; what is taken is what it must
 * be; a command that is wrapped stays inside its wrapping. */
#include "format/openocd.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void answer(struct span bytes)
{
	char text[64];
	int rc;
	if (!ocd_answer(bytes, &rc, text, sizeof text))
		return;
	must(memchr(text, 0, sizeof text) != NULL && rc >= -100000 && rc <= 100000);
}

static void numbers(const char *text)
{
	uint32_t words[4];
	uint64_t count;
	ocd_words(text, words, 4);
	ocd_byte_count(text, &count);
	if (ocd_name_valid(text))
		must(!strpbrk(text, " ;[]{}$\"\\/\n"));
}

static void complaints(struct span bytes)
{
	struct ocd_trouble t;
	ocd_trouble_clear(&t);
	while (bytes.size) {
		const uint8_t *end = memchr(bytes.data, '\n', bytes.size);
		size_t n = end ? (size_t)(end - bytes.data) + 1 : bytes.size;
		ocd_trouble_note(&t, span_of(bytes.data, n));
		bytes = span_of(bytes.data + n, bytes.size - n);
	}
	for (const char *p = t.line; *p; p++)
		must(*p >= ' ' && *p <= '~');
	must(t.code == CODE_OK || t.line[0]);
}

/* Wrapped, the first brace that opens closes at the catch's own end and nowhere before. */
static void wrapping(const char *text)
{
	static char out[OCD_REQUEST_MAX];
	size_t n = ocd_wrap(text, out, sizeof out), depth = 0, at = strlen("list [catch ");
	if (!n)
		return;
	must(out[n - 1] == OCD_END && memchr(out, OCD_END, n) == out + n - 1);
	do {
		depth += out[at] == '{';
		depth -= out[at] == '}';
		at++;
	} while (depth);
	must(at == n - 1 - strlen(" r] $r"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	char *text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	answer(span_of(data + 1, size - 1));
	numbers(text);
	complaints(span_of(data + 1, size - 1));
	wrapping(text);
	free(text);
	return 0;
}
