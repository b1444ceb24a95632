/* Reads what OpenOCD answers and complains about. */
#include "format/openocd.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- requests ----------------------------------------------------------------------------------------------------- */

static bool stays_inside(const char *tcl)
{
	int depth = 0;
	for (const char *p = tcl; *p; p++) {
		if (*p == '\\' || *p == OCD_END)
			return false;
		depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
		if (depth < 0)
			return false;
	}
	return depth == 0;
}

size_t ocd_wrap(const char *tcl, char *out, size_t size)
{
	if (!stays_inside(tcl))
		return 0;
	int n = snprintf(out, size, "list [catch {%s} r] $r%c", tcl, OCD_END);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

bool ocd_name_valid(const char *text)
{
	size_t n = strlen(text);
	return n > 0 && n < 64 && *text != '-' && *text != '.' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

bool ocd_probe_commands(const struct ocd_probe *p, char *out, size_t size)
{
	char serial[PROBE_SERIAL_SIZE + 20] = "";
	int n;
	if (p->serial[0] && !ocd_name_valid(p->serial))
		return false;
	if (p->serial[0])
		snprintf(serial, sizeof serial, "adapter serial %s; ", p->serial);
	unsigned vid = p->vid, pid = p->pid, khz = p->khz;
	if (p->driver == PROBE_CMSIS_DAP)
		n = snprintf(out, size,
		    "adapter driver cmsis-dap; cmsis_dap_vid_pid 0x%04x 0x%04x; %stransport select swd; adapter speed "
		    "%u",
		    vid, pid, serial, khz);
	else if (p->port)
		n = snprintf(out, size,
		    "adapter driver st-link; st-link vid_pid 0x0483 0x374e 0x0483 0x374f 0x0483 0x3753 0x0483 0x3754; "
		    "st-link backend tcp %u; transport select dapdirect_swd; adapter speed %u",
		    (unsigned)p->port, khz);
	else
		n = snprintf(out, size,
		    "adapter driver st-link; st-link vid_pid 0x%04x 0x%04x; %stransport select dapdirect_swd; adapter "
		    "speed %u",
		    vid, pid, serial, khz);
	return n > 0 && (size_t)n < size;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* A text that is built up to what fits. */
struct sink {
	char *text;
	size_t size, used;
};

static void put(struct sink *s, char c)
{
	if (s->used + 1 < s->size && c)
		s->text[s->used++] = c;
}

static char unescaped(char c)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *at = c ? strchr(from, c) : NULL;
	return at ? to[at - from] : c;
}

/* {as it stands, {braces} in pairs}; at: behind the opening brace.  Returns where the element ends, NULL: nowhere. */
static const char *braced(const char *at, const char *end, struct sink *out)
{
	for (int depth = 1; at < end; at++) {
		if (*at == '\\' && at + 1 < end) {
			put(out, *at++);
			put(out, *at);
			continue;
		}
		depth += *at == '{' ? 1 : *at == '}' ? -1 : 0;
		if (!depth)
			return at + 1;
		put(out, *at);
	}
	return NULL;
}

/* A bare or a quoted element; close: what ends it. */
static const char *escaped(const char *at, const char *end, char close, struct sink *out)
{
	for (; at < end && *at != close; at++) {
		if (*at != '\\') {
			put(out, *at);
			continue;
		}
		if (++at == end)
			return NULL;
		put(out, unescaped(*at));
	}
	if (close == ' ')
		return at;
	return at < end ? at + 1 : NULL;
}

static const char *element(const char *at, const char *end, struct sink *out)
{
	if (at < end && *at == '{')
		return braced(at + 1, end, out);
	if (at < end && *at == '"')
		return escaped(at + 1, end, '"', out);
	return at < end ? escaped(at, end, ' ', out) : NULL;
}

bool ocd_answer(struct span answer, int *rc, char *text, size_t size)
{
	const char *at = (const char *)answer.data, *end = at + answer.size;
	char number[16];
	struct sink first = { number, sizeof number, 0 }, second = { text, size, 0 };
	if (!size || !answer.size)
		return false;
	at = element(at, end, &first);
	number[first.used] = '\0';
	if (!at || at == end || *at != ' ')
		return false;
	char *stop;
	errno = 0;
	long value = strtol(number, &stop, 10);
	if (stop == number || *stop || errno || value < -100000 || value > 100000 || isspace((unsigned char)*number))
		return false;
	at = element(at + 1, end, &second);
	text[second.used] = '\0';
	if (at != end)
		return false;
	*rc = (int)value;
	return true;
}

bool ocd_words(const char *text, uint32_t *out, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char *stop;
		text += strspn(text, " \n");
		if (*text < '0' || *text > '9')
			return false;
		errno = 0;
		unsigned long long v = strtoull(text, &stop, 0);
		if (errno || v > UINT32_MAX)
			return false;
		out[i] = (uint32_t)v;
		text = stop;
	}
	return text[strspn(text, " \n")] == '\0';
}

bool ocd_byte_count(const char *text, uint64_t *out)
{
	static const char *const verbs[] = { "downloaded ", "dumped ", "wrote " };
	for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		const char *at = strstr(text, verbs[i]);
		char *stop;
		if (!at)
			continue;
		at += strlen(verbs[i]);
		if (*at < '0' || *at > '9')
			continue;
		errno = 0;
		unsigned long long v = strtoull(at, &stop, 10);
		if (errno || strncmp(stop, " bytes", 6) != 0)
			continue;
		*out = v;
		return true;
	}
	return false;
}

/* --- complaints --------------------------------------------------------------------------------------------------- */

/* What a line means, by a part of it; what stands above outweighs what stands below, in whichever order they come. */
static const struct {
	const char *part;
	enum code code;
} meanings[] = {
	{ "LIBUSB_ERROR_ACCESS", CODE_USB_DENIED },
	{ "LIBUSB_ERROR_BUSY", CODE_USB_BUSY },
	{ "cannot connect to stlink server", CODE_PROBE_MISSING },
	{ "unable to find a matching CMSIS-DAP device", CODE_PROBE_MISSING },
	{ "ST-LINK open failed (serial mismatch)", CODE_PROBE_WRONG },
	{ "ST-LINK open failed (vid/pid mismatch)", CODE_PROBE_WRONG },
	{ "open failed", CODE_PROBE_MISSING },
	{ "No such device (it may have been disconnected)", CODE_PROBE_MISSING },
	{ "failed to receive USB CMD response", CODE_PROBE_MISSING },
	{ "failed to send USB CMD", CODE_PROBE_MISSING },
	{ "CMSIS-DAP command CMD_CONNECT failed", CODE_PROBE_MISSING },
	{ "cannot read IDR", CODE_TARGET_MISSING },
	{ "unable to connect to the target", CODE_TARGET_MISSING },
	{ "target voltage may be too low", CODE_TARGET_MISSING },
	{ "Could not find MEM-AP", CODE_TARGET_LOCKED },
	{ "Device Security", CODE_TARGET_LOCKED },
	{ "device protected", CODE_TARGET_LOCKED },
	{ "wait_flash_op_queue", CODE_FLASH_ERROR },
	{ "failed erasing sectors", CODE_FLASH_ERROR },
	{ "error writing to flash", CODE_FLASH_ERROR },
	{ "flash write algorithm", CODE_FLASH_ERROR },
	{ "no flash bank found", CODE_BOARD_INVALID },
	{ "Fail reading CTRL/STAT register", CODE_SWD_LOST },
	{ "Failed to write memory", CODE_SWD_LOST },
	{ "Failed to read memory", CODE_SWD_LOST },
	{ "Debug regions are unpowered", CODE_SWD_LOST },
	{ "not examined", CODE_SWD_LOST },
	{ "trying to reexamine", CODE_SWD_LOST },
};
#define MEANINGS (sizeof meanings / sizeof *meanings)

void ocd_trouble_clear(struct ocd_trouble *t)
{
	*t = (struct ocd_trouble){ CODE_OK, "" };
}

/* The lower, the heavier: a line of the table, an error, anything else. */
static size_t weight_of(const char *line)
{
	size_t i = 0;
	while (i < MEANINGS && !strstr(line, meanings[i].part))
		i++;
	return i < MEANINGS || !strncmp(line, "Error: ", 7) ? i : MEANINGS + 1;
}

void ocd_trouble_note(struct ocd_trouble *t, struct span line)
{
	char text[sizeof t->line];
	size_t n = 0;
	for (size_t i = 0; i < line.size && n + 1 < sizeof text; i++)
		if (line.data[i] >= ' ' && line.data[i] <= '~')
			text[n++] = (char)line.data[i];
	text[n] = '\0';
	size_t now = weight_of(text), before = t->line[0] ? weight_of(t->line) : MEANINGS + 2;
	/* of other lines the last one that says something; of equal ones the first */
	bool heavier = now < before || (now == before && now > MEANINGS);
	if (!n || !heavier)
		return;
	memcpy(t->line, text, n + 1);
	t->code = now < MEANINGS ? meanings[now].code : CODE_OK;
}
