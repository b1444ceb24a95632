/* The report: a buffered file, and lines on the console. */
#include "report.h"

#include <string.h>

#include "port/port.h"

static struct {
	char text[4096];
	size_t used;
	int handle, failed;
} out;

static uint32_t deepest[CALL_COUNT];

static void flush(void)
{
	out.failed |= out.used && port_write(out.handle, out.text, out.used);
	out.used = 0;
}

int report_open(const char *path)
{
	out.handle = port_open(path, 1);
	return out.handle < 0 ? -1 : 0;
}

int report_close(void)
{
	flush();
	return port_close(out.handle) || out.failed ? -1 : 0;
}

void report_stack(enum measured_call call, uint32_t used)
{
	if (used > deepest[call])
		deepest[call] = used;
}

void report_stacks(void)
{
	static const char *const names[] = {
#define AS_NAME(name) #name,
		CALLS(AS_NAME)
#undef AS_NAME
	};
	for (unsigned i = 0; i < CALL_COUNT; i++)
		note("stack ", names[i], deepest[i]);
}

static void put_some(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (out.used == sizeof out.text)
			flush();
		out.text[out.used++] = text[i];
	}
}

void put(const char *text)
{
	put_some(text, strlen(text));
}

/* Below 2^32; that is all there is, and a camera has no 64-bit division. */
static const char *decimal(char digits[12], uint32_t value)
{
	char *p = digits + 11;
	*p = '\0';
	do
		*--p = (char)('0' + value % 10);
	while ((value /= 10));
	return p;
}

void put_number(int64_t value)
{
	char digits[12];
	if (value < 0)
		put("-");
	put(decimal(digits, (uint32_t)(value < 0 ? -value : value)));
}

void put_value(const char *name, int64_t value)
{
	put(" ");
	put(name);
	put(" ");
	put_number(value);
}

void put_hex(uint32_t value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		put_some(&"0123456789abcdef"[value >> shift & 15], 1);
}

void put_bytes(const void *bytes, size_t size)
{
	const uint8_t *b = bytes;
	for (size_t i = 0; i < size; i++) {
		if (b[i] > ' ' && b[i] < 0x7F && b[i] != '\\') {
			put_some((const char *)b + i, 1);
			continue;
		}
		put("\\x");
		put_some(&"0123456789abcdef"[b[i] >> 4], 1);
		put_some(&"0123456789abcdef"[b[i] & 15], 1);
	}
}

void note(const char *words, const char *name, uint32_t value)
{
	char digits[12];
	port_note(words);
	port_note(name);
	port_note(" ");
	port_note(decimal(digits, value));
	port_note("\n");
}
