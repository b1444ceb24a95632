/* Drives the agent's host half for tests: swd_agent KEY=VALUE... -- VERB...; prints a line per verb.
 *
 *     scripts=DIR config=FILE port=N khz=N core=4|7|33 load=ADDRESS:SIZE buffers=ADDRESS:SIZE
 *     medium=BACKEND:REGISTERS:MAPPED:SIZE:BANK:TAIL     up to two; silent=MS stall=MS
 *     open:M table:M:OFFSET:UNIT:COUNT digest:M:OFFSET:LENGTH mount:M:OFFSET:LENGTH:FILE read:M:OFFSET:SIZE:FILE close
 *     put:M:OFFSET:ERASE:UNIT:SKIP:FILE:FROM:SIZE drain counts tcl:COMMAND slow (one buffer at a time)
 *
 * Ends with 0, or at the first verb that fails: `failed CODE MESSAGE` and 1. */
#include "transport/swd_agent.h"

#include "base/hex.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	struct ocd_setup ocd;
	struct swd_agent_setup agent;
	unsigned media;
	bool slow;
	struct ocd *o;
	struct swd_agent *a;
} t;

/* The numbers between colons, up to `most`; *rest is what follows them. */
static unsigned numbers(const char *text, uint32_t *out, unsigned most, const char **rest)
{
	unsigned n = 0;
	while (n < most && *text) {
		char *end;
		out[n++] = (uint32_t)strtoul(text, &end, 0);
		text = *end == ':' ? end + 1 : end;
	}
	if (rest)
		*rest = text;
	return n;
}

static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);
	return !strncmp(word, key, n) && word[n] == '=' ? word + n + 1 : NULL;
}

static void take_medium(const char *text)
{
	uint32_t v[7] = { 0 };
	numbers(text, v, 7, NULL);
	if (t.media < AGENT_MEDIA)
		t.agent.medium[t.media++] = (struct agent_medium){ v[0], v[1], v[2], v[3], v[4], v[5], v[6], 0 };
}

static bool take_setting(const char *word)
{
	const char *v;
	uint32_t pair[2] = { 0 };
	if ((v = value_of(word, "scripts")))
		t.ocd.scripts = v;
	else if ((v = value_of(word, "config")))
		t.ocd.config = v;
	else if ((v = value_of(word, "port")))
		t.ocd.probe.port = (uint16_t)strtoul(v, NULL, 0);
	else if ((v = value_of(word, "khz")))
		t.ocd.probe.khz = (uint32_t)strtoul(v, NULL, 0);
	else if ((v = value_of(word, "core")))
		t.agent.core = (unsigned)strtoul(v, NULL, 0);
	else if ((v = value_of(word, "silent")))
		t.agent.silent_ms = (uint32_t)strtoul(v, NULL, 0);
	else if ((v = value_of(word, "stall")))
		t.agent.stall_ms = (uint32_t)strtoul(v, NULL, 0);
	else if ((v = value_of(word, "medium")))
		take_medium(v);
	else if ((v = value_of(word, "load")) && numbers(v, pair, 2, NULL) == 2)
		t.agent.load = pair[0], t.agent.load_size = pair[1];
	else if ((v = value_of(word, "buffers")) && numbers(v, pair, 2, NULL) == 2)
		t.agent.buffers = pair[0], t.agent.buffers_size = pair[1];
	else
		return false;
	return true;
}

/* --- verbs --- */

static bool verb_open(const char *text, struct err *e)
{
	uint32_t v[1] = { 0 }, id = 0;
	numbers(text, v, 1, NULL);
	bool done = swd_agent_open(t.a, v[0], &id, e);
	printf("chip %06x\n", (unsigned)id);
	return done;
}

static bool verb_table(const char *text, struct err *e)
{
	uint32_t v[4] = { 0 };
	numbers(text, v, 4, NULL);
	AUTO_FREE struct agent_unit *units = calloc(v[3] + 1, sizeof *units);
	if (!swd_agent_table(t.a, v[0], v[1], v[2], v[3], units, e))
		return false;
	for (uint32_t i = 0; i < v[3]; i++)
		printf(
		    "unit %u crc32 %08x flags %u\n", (unsigned)i, (unsigned)units[i].crc32, (unsigned)units[i].flags);
	return true;
}

static bool verb_digest(const char *text, struct err *e)
{
	uint32_t v[3] = { 0 };
	struct digest d;
	char sha[2 * SHA256_SIZE + 1];
	numbers(text, v, 3, NULL);
	if (!swd_agent_digest(t.a, v[0], v[1], v[2], &d, e))
		return false;
	hex_encode(sha, d.sha256, sizeof d.sha256);
	printf("crc32 %08x sha256 %s\n", (unsigned)d.crc32, sha);
	return true;
}

static bool verb_mount(const char *text, struct err *e)
{
	uint32_t v[3] = { 0 };
	const char *path;
	uint8_t *image = NULL;
	size_t size = 0;
	struct agent_mounted m;
	numbers(text, v, 3, &path);
	if (!file_read(path, 64u << 20, &image, &size, e) || !swd_agent_mount(t.a, v[0], v[1], v[2], &m, e)) {
		free(image);
		return false;
	}
	printf("mounted %u rule %u entries %u files %u end %u\n", (unsigned)m.status, (unsigned)m.rule,
	    (unsigned)m.entries, (unsigned)m.files, (unsigned)m.end);
	bool equal = agent_mounted_equals(&m, span_of(image, size), t.agent.medium[v[0]].mapped + v[1], e);
	agent_mounted_clear(&m);
	free(image);
	return equal;
}

static bool write_out(void *context, uint32_t offset, struct span data, struct err *e)
{
	(void)offset;
	return fwrite(data.data, 1, data.size, context) == data.size || err_set(e, CODE_FILE_FAILED, "cannot write");
}

static bool verb_read(const char *text, struct err *e)
{
	uint32_t v[3] = { 0 };
	const char *path;
	numbers(text, v, 3, &path);
	FILE *f = fopen(path, "wb");
	if (!f)
		return err_set(e, CODE_FILE_FAILED, "cannot write %s", path);
	bool done = swd_agent_read(t.a, v[0], v[1], v[2], write_out, f, e);
	return !fclose(f) && done;
}

static bool verb_put(const char *text, struct err *e)
{
	uint32_t v[5] = { 0 }, part[2] = { 0 };
	const char *rest;
	char path[256];
	uint8_t *bytes = NULL;
	size_t size = 0;
	numbers(text, v, 5, &rest);
	size_t n = strcspn(rest, ":");
	snprintf(path, sizeof path, "%.*s", (int)n, rest);
	if (n && (!file_read(path, 64u << 20, &bytes, &size, e) || numbers(rest + n + 1, part, 2, NULL) != 2))
		return false;
	struct swd_op op = { .medium = v[0],
		.offset = v[1],
		.erase = v[2],
		.unit = v[3],
		.skip_blank = v[4] != 0,
		.bytes = span_of(bytes ? bytes + part[0] : NULL, part[1]) };
	bool done = (size_t)part[0] + part[1] <= size && swd_agent_put(t.a, &op, e);
	if (done && t.slow)
		done = swd_agent_drain(t.a, e);
	free(bytes);
	return done;
}

static bool verb_counts(const char *text, struct err *e)
{
	struct swd_agent_counts c;
	(void)text, (void)e;
	swd_agent_counts(t.a, &c);
	printf("counts bytes %llu wire %llu buffers %u compressed %u resent %u polls %u waits_flash %u waits_wire %u "
	       "skipped %u done %u\n",
	    (unsigned long long)c.bytes, (unsigned long long)c.wire_bytes, c.buffers, c.compressed, c.resent, c.polls,
	    c.waits_flash, c.waits_wire, c.skipped, swd_agent_done(t.a));
	return true;
}

static bool verb_tcl(const char *text, struct err *e)
{
	char answer[256];
	bool done = ocd_call(t.o, 5000, answer, sizeof answer, e, "%s", text);
	printf("tcl %s\n", done ? answer : "");
	return done;
}

static bool verb_drain(const char *text, struct err *e)
{
	(void)text;
	return swd_agent_drain(t.a, e);
}

static bool verb_close(const char *text, struct err *e)
{
	(void)text;
	return swd_agent_close(t.a, e);
}

static bool verb_slow(const char *text, struct err *e)
{
	(void)text, (void)e;
	return t.slow = true;
}

static const struct {
	const char *name;
	bool (*go)(const char *text, struct err *e);
} verbs[] = { { "open", verb_open }, { "table", verb_table }, { "digest", verb_digest }, { "mount", verb_mount },
	{ "read", verb_read }, { "put", verb_put }, { "counts", verb_counts }, { "tcl", verb_tcl },
	{ "drain", verb_drain }, { "close", verb_close }, { "slow", verb_slow } };

static bool run(const char *word, struct err *e)
{
	size_t n = strcspn(word, ":");
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strlen(verbs[i].name) == n && !strncmp(verbs[i].name, word, n)) {
			int64_t before = clock_mono_us();
			bool done = verbs[i].go(word[n] ? word + n + 1 : "", e);
			printf("ms %lld %.*s\n", (long long)((clock_mono_us() - before) / 1000), (int)n, word);
			return done;
		}
	return err_set(e, CODE_USAGE, "no verb %s", word);
}

static bool begin(struct err *e)
{
	if (!ocd_start(&t.ocd, &t.o, e) || !ocd_call(t.o, 5000, NULL, 0, e, "reset halt; romline_prepare"))
		return false;
	t.agent.ocd = t.o;
	return swd_agent_start(&t.agent, &t.a, e);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int i = 1;
	for (; i < argc && strcmp(argv[i], "--"); i++)
		if (!take_setting(argv[i]))
			return 2;
	int64_t before = clock_mono_us();
	bool good = begin(&e);
	printf("ms %lld start\n", (long long)((clock_mono_us() - before) / 1000));
	while (good && ++i < argc)
		good = run(argv[i], &e);
	if (!good)
		printf("failed %s %s\n", code_name(e.code), e.msg);
	swd_agent_stop(t.a);
	ocd_stop(t.o);
	return !good;
}
