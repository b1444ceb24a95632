/* The protocol half of DFU: scripted dialogues (tests/unit/dfu/NAME.chat, one quirk each), properties that hold for any
 * answers, and descriptors.
 *
 * A chat:  # comment | hold MS | partition ADDRESS UNIT COUNT | write DIALECT BLOCK|manifest ... |
 * read DIALECT FIRST COUNT DEPTH | continue BASE | settle MS | peek BLOCK | leave DIALECT | stop
 *   > REQUEST [VALUE LENGTH [HEX]]   the run must send this
 *   < ok|stall|timeout|broken|babble|gone|cancelled    its oldest transfer ends so
 *   < STATUS STATE POLL | < bytes XX ... | < data SIZE keep|drop
 *   ~ MS   it must pause        !   it must give up what is out
 *   = done COUNT [GOT] | = fail CODE COUNT TEXT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>

#include "base/hex.h"
#include "format/dfu_desc.h"
#include "tests/unit/dfu_drive.h"

#define CHATS     "tests/unit/dfu"
#define MAX_WORDS 32

struct chat {
	const char *file;
	unsigned line;
	struct partition partition;
	struct plan_step steps[MAX_WORDS];
	uint32_t hold_ms;
	struct dfu_run run;
	bool ended;
};

#define DEMAND(c, holds, ...)                                                                                          \
	do {                                                                                                           \
		if (!(holds)) {                                                                                        \
			print_error("%s:%u: ", (c)->file, (c)->line);                                                  \
			print_error(__VA_ARGS__);                                                                      \
			print_error("\n");                                                                             \
			fail();                                                                                        \
		}                                                                                                      \
	} while (0)

static uint32_t number(struct chat *c, const char *word, int base)
{
	char *end;
	DEMAND(c, word && *word, "a number is missing");
	unsigned long v = strtoul(word, &end, base);
	DEMAND(c, !*end, "%s is no number", word);
	return (uint32_t)v;
}

static enum dfu_dialect dialect(struct chat *c, const char *word)
{
	DEMAND(c, word && (!strcmp(word, "openmv") || !strcmp(word, "dfuse")), "no dialect");
	return *word == 'd' ? DIALECT_DFUSE : DIALECT_OPENMV;
}

static void begin(struct chat *c, char **w, unsigned n)
{
	if (!strcmp(w[0], "write")) {
		uint32_t count = 0;
		for (unsigned i = 2; i < n; i++) {
			bool manifest = !strcmp(w[i], "manifest");
			c->steps[count++] = (struct plan_step){ .op = manifest ? PLAN_MANIFEST : PLAN_WRITE,
				.block = manifest ? 0 : number(c, w[i], 10) };
		}
		dfu_write_begin(&c->run, dialect(c, w[1]), &c->partition, c->hold_ms, c->steps, count);
	} else if (!strcmp(w[0], "read")) {
		dfu_read_begin(&c->run, dialect(c, w[1]), &c->partition, number(c, w[2], 10), number(c, w[3], 10),
		    number(c, w[4], 10));
	} else if (!strcmp(w[0], "peek")) {
		dfu_peek_begin(&c->run, number(c, w[1], 10));
	} else if (!strcmp(w[0], "leave")) {
		dfu_leave_begin(&c->run, dialect(c, w[1]));
	} else {
		DEMAND(c, false, "unknown word %s", w[0]);
	}
}

static const char *shown(const struct dfu_action *a)
{
	static const char *const names[] = { "send", "wait", "pause", "cancel", "done", "fail" };
	return a->what == DFU_DO_SEND ? dfu_request_name(a->request) : names[a->what];
}

static void expect_send(struct chat *c, char **w, unsigned n)
{
	struct dfu_action a = dfu_run_next(&c->run);
	DEMAND(c, a.what == DFU_DO_SEND && !strcmp(dfu_request_name(a.request), w[1]), "it does %s: %s", shown(&a),
	    c->run.err.msg);
	if (n > 3)
		DEMAND(c, a.value == number(c, w[2], 10) && a.length == number(c, w[3], 10), "it sends %u %u", a.value,
		    a.length);
	if (n > 4) {
		char text[16];
		DEMAND(c, a.bytes && a.length == 5, "it sends no command");
		hex_encode(text, a.bytes, a.length);
		DEMAND(c, !strcmp(text, w[4]), "it sends %s", text);
	}
	DEMAND(c, n > 4 || !a.bytes, "it sends a command");
}

static void feed(struct chat *c, char **w, unsigned n)
{
	static const char *const results[] = { "ok", "stall", "timeout", "broken", "babble", "gone", "cancelled" };
	static uint8_t data[DFU_BLOCK];
	enum dfu_result result = DFU_ANSWERED;
	struct span span = { data, 0 };
	struct dfu_action a = dfu_run_next(&c->run);
	DEMAND(c, a.what == DFU_DO_WAIT, "it does %s instead of waiting: %s", shown(&a), c->run.err.msg);
	for (unsigned i = 0; n == 2 && i < 7; i++)
		if (!strcmp(w[1], results[i]))
			result = (enum dfu_result)i;
	if (n > 2 && !strcmp(w[1], "data")) {
		span.size = number(c, w[2], 10);
	} else if (n > 2 && !strcmp(w[1], "bytes")) {
		for (unsigned i = 2; i < n; i++)
			data[span.size++] = (uint8_t)number(c, w[i], 16);
	} else if (n == 4) {
		uint32_t poll = number(c, w[3], 10);
		uint8_t code = 0, state = 0;
		while (code < DFU_CODE_COUNT && strcmp(dfu_code_name(code), w[1]))
			code++;
		while (state < DFU_STATE_COUNT && strcmp(dfu_state_name(state), w[2]))
			state++;
		const uint8_t answer[6] = { code, (uint8_t)poll, (uint8_t)(poll >> 8), (uint8_t)(poll >> 16), state };
		memcpy(data, answer, span.size = 6);
	}
	bool keep = dfu_run_answer(&c->run, result, span);
	DEMAND(c, keep == (n == 4 && !strcmp(w[3], "keep")), "it %s the data", keep ? "keeps" : "drops");
}

static uint32_t progress(const struct chat *c)
{
	switch (c->run.kind) {
	case DFU_RUN_WRITE:
		return c->run.write.acked;
	case DFU_RUN_READ:
		return c->run.read.answered;
	case DFU_RUN_LEAVE:
		break;
	}
	return 0;
}

static void expect_end(struct chat *c, char **w, unsigned n, const char *rest)
{
	struct dfu_action a = dfu_run_next(&c->run);
	bool done = !strcmp(w[1], "done");
	DEMAND(c, a.what == (done ? DFU_DO_DONE : DFU_DO_FAIL), "it does %s: %s", shown(&a), c->run.err.msg);
	DEMAND(c, progress(c) == number(c, w[done ? 2 : 3], 10), "%u are done", progress(c));
	if (done && n > 3)
		DEMAND(c, c->run.read.got == number(c, w[3], 10), "got %u", c->run.read.got);
	if (!done) {
		DEMAND(c, code_from_name(w[2]) == c->run.err.code, "it fails with %s", code_name(c->run.err.code));
		DEMAND(c, *rest && strstr(c->run.err.msg, rest), "it says: %s", c->run.err.msg);
	}
	c->ended = true;
}

static void do_line(struct chat *c, char *line)
{
	char *w[MAX_WORDS] = { 0 }, copy[256], *save;
	unsigned n = 0;
	line[strcspn(line, "\n")] = '\0';
	snprintf(copy, sizeof copy, "%s", line);
	for (char *p = strtok_r(line, " ", &save); p && n < MAX_WORDS; p = strtok_r(NULL, " ", &save))
		w[n++] = p;
	if (!n || w[0][0] == '#')
		return;
	if (!strcmp(w[0], "hold")) {
		c->hold_ms = number(c, w[1], 10);
	} else if (!strcmp(w[0], "partition")) {
		c->partition = (struct partition){ .mapped = number(c, w[1], 16), .run_count = 1 };
		c->partition.runs[0] = (struct erase_run){ number(c, w[2], 10), number(c, w[3], 10) };
	} else if (!strcmp(w[0], "stop")) {
		dfu_run_stop(&c->run);
	} else if (!strcmp(w[0], "settle")) {
		c->run.settle_ms = number(c, w[1], 10);
	} else if (!strcmp(w[0], "continue")) {
		dfu_read_continue(&c->run, number(c, w[1], 10));
	} else if (w[0][0] == '>') {
		expect_send(c, w, n);
	} else if (w[0][0] == '<') {
		feed(c, w, n);
	} else if (w[0][0] == '~' || w[0][0] == '!') {
		struct dfu_action a = dfu_run_next(&c->run);
		DEMAND(c, a.what == (n > 1 ? DFU_DO_PAUSE : DFU_DO_CANCEL), "it does %s", shown(&a));
		DEMAND(c, n == 1 || a.ms == number(c, w[1], 10), "it pauses %u ms", a.ms);
	} else if (w[0][0] == '=') {
		expect_end(c, w, n, n > 4 ? copy + (w[4] - line) : "");
	} else {
		begin(c, w, n);
	}
}

static void chat(void **state)
{
	struct chat c = { .file = *state, .hold_ms = 5600 };
	char path[512], line[256];
	snprintf(path, sizeof path, CHATS "/%s", c.file);
	FILE *f = fopen(path, "r");
	DEMAND(&c, f, "cannot be opened");
	while (fgets(line, sizeof line, f)) {
		c.line++;
		DEMAND(&c, !c.ended || line[0] == '\n', "something follows the end");
		do_line(&c, line);
	}
	fclose(f);
	DEMAND(&c, c.ended, "the chat has no end");
}

static uint8_t random_byte(void *context)
{
	uint64_t *x = context;
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (uint8_t)(*x >> 56);
}

/* Any answers: done or failed within a bound, and no block twice unless GETSTATUS allowed it (drive aborts). */
static void any_answers(void **state)
{
	static const struct partition p = { .address = 0x08000000, .run_count = 1, .runs = { { 8192, 8 } } };
	static const struct plan_step steps[] = {
		{ 0, PLAN_WRITE, PLAN_ZEROS, 0 },
		{ 0, PLAN_WRITE, PLAN_IMAGE, 2 },
		{ 0, PLAN_WRITE, PLAN_IMAGE, 3 },
		{ 0, PLAN_WRITE, PLAN_IMAGE, 0 },
		{ 0, PLAN_MANIFEST, PLAN_IMAGE, 0 },
	};
	unsigned done = 0, failed = 0;
	(void)state;
	for (uint64_t seed = 0; seed < 40000; seed++) {
		uint64_t x = seed * 0x9e3779b97f4a7c15u;
		enum dfu_dialect d = seed & 1 ? DIALECT_DFUSE : DIALECT_OPENMV;
		struct dfu_run run;
		switch (seed >> 1 & 3) {
		case 0:
		case 1:
			dfu_write_begin(&run, d, &p, 1000, steps, 5);
			break;
		case 2:
			dfu_read_begin(&run, d, &p, 1, 6, seed >> 3 & 7);
			break;
		default:
			dfu_leave_begin(&run, d);
			break;
		}
		drive(&run, random_byte, &x, 10000) ? done++ : failed++;
	}
	assert_true(done > 1000 && failed > 1000);
}

/* No camera can keep a run going: always busy, with every poll timeout. */
static uint8_t busy_byte(void *context)
{
	(void)context;
	return 0; /* drive: answered, dfuDNBUSY */
}

static void busy_for_ever(void **state)
{
	static const struct plan_step step = { 0, PLAN_WRITE, PLAN_IMAGE, 0 };
	struct dfu_run run;
	(void)state;
	dfu_write_begin(&run, DIALECT_OPENMV, NULL, 60000, &step, 1);
	assert_false(drive(&run, busy_byte, NULL, 12000));
	assert_int_equal(run.err.code, CODE_USB_TIMEOUT);
}

static void block_numbers(void **state)
{
	static const struct plan_step step = { 0, PLAN_WRITE, PLAN_IMAGE, DFU_MAX_BLOCKS + 1 };
	struct dfu_run run;
	(void)state;
	dfu_write_begin(&run, DIALECT_OPENMV, NULL, 1000, &step, 1);
	assert_int_equal(dfu_run_next(&run).what, DFU_DO_FAIL);
	dfu_read_begin(&run, DIALECT_OPENMV, NULL, 0xffffffff, 0xffffffff, 1);
	assert_int_equal(dfu_run_next(&run).what, DFU_DO_FAIL);
	dfu_peek_begin(&run, DFU_MAX_BLOCKS + 1);
	assert_int_equal(dfu_run_next(&run).what, DFU_DO_FAIL);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(dfu_state_name(4), "dfuDNBUSY");
	assert_string_equal(dfu_state_name(10), "dfuERROR");
	assert_string_equal(dfu_state_name(11), "?");
	assert_string_equal(dfu_code_name(0x0f), "errSTALLEDPKT");
	assert_string_equal(dfu_code_name(0x10), "?");
	assert_string_equal(dfu_request_name(6), "ABORT");
	assert_string_equal(dfu_request_name(7), "?");
	for (unsigned i = 0; i < DFU_CODE_COUNT; i++)
		assert_int_equal(dfu_code_means(i) == CODE_FLASH_ERROR, i == 3 || i == 4 || i == 6 || i == 7);
}

/* As OpenMV's bootloader sends them: two alternates. */
static const uint8_t good[] = {
	18, 1, 0, 2, 0, 0, 0, 64, 0xc5, 0x37, 0x4a, 0x92, 0x03, 0x01, 1, 2, 3, 1, /* device */
	9, 2, 36, 0, 1, 1, 0, 0xc0, 50,                                           /* configuration */
	9, 4, 0, 0, 0, 0xfe, 1, 2, 4,                                             /* alternate 0 */
	9, 4, 0, 1, 0, 0xfe, 1, 2, 5,                                             /* alternate 1 */
	9, 0x21, 0x07, 0xe8, 0x03, 0x00, 0x10, 0x10, 0x01,                        /* functional */
};

static void descriptors(void **state)
{
	struct err e = ERR_INIT;
	struct dfu_desc d;
	struct usb_device_desc u;
	(void)state;
	assert_true(usb_device_parse(span_of(good, sizeof good), &u, &e));
	assert_int_equal(u.vid, 0x37c5);
	assert_int_equal(u.pid, 0x924a);
	assert_int_equal(u.bcd, 0x0103);
	assert_int_equal(u.serial, 3);
	assert_true(dfu_desc_parse(span_of(good, sizeof good), &d, &e));
	assert_int_equal(d.config, 1);
	assert_int_equal(d.alt_count, 2);
	assert_int_equal(d.alt_strings[1], 5);
	assert_int_equal(d.attributes, 7);
	assert_int_equal(d.detach_ms, 1000);
	assert_int_equal(d.transfer_size, 4096);
	assert_int_equal(d.version, 0x0110);
}

static void broken_descriptors(void **state)
{
	static const struct {
		uint8_t at, value;
		const char *says;
	} rows[] = {
		{ 0, 17, "device descriptor" },
		{ 1, 2, "device descriptor" },
		{ 18, 8, "configuration descriptor" },
		{ 19, 3, "configuration descriptor" },
		{ 20, 37, "configuration descriptor" },
		{ 20, 5, "configuration descriptor" },
		{ 20, 35, "configuration descriptor" },
		{ 27, 0, "configuration descriptor" },
		{ 27, 1, "configuration descriptor" },
		{ 27, 200, "configuration descriptor" },
		{ 30, 1, "alternate 1 stands" },
		{ 39, 5, "alternate 5 stands" },
		{ 38, 1, "two interfaces" },
		{ 46, 0x22, "functional descriptor is missing" },
		{ 43, 1, "functional descriptor is missing" },
	};
	struct err e;
	struct dfu_desc d;
	uint8_t bytes[sizeof good];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memcpy(bytes, good, sizeof good);
		bytes[rows[i].at] = rows[i].value;
		if (dfu_desc_parse(span_of(bytes, sizeof bytes), &d, &e) || !strstr(e.msg, rows[i].says))
			fail_msg("row %zu: %s", i, e.msg);
		assert_int_equal(e.code, CODE_USB_PROTOCOL);
	}
	for (size_t cut = 0; cut < sizeof good; cut++)
		assert_false(dfu_desc_parse(span_of(good, cut), &d, &e));
	memcpy(bytes, good, sizeof good);
	bytes[34] = bytes[43] = 1; /* both alternates in application mode */
	assert_false(dfu_desc_parse(span_of(bytes, sizeof bytes), &d, &e));
	assert_non_null(strstr(e.msg, "no interface"));
}

static void too_many_alternates(void **state)
{
	uint8_t bytes[27 + 9 * 17 + 9];
	struct err e;
	struct dfu_desc d;
	(void)state;
	memcpy(bytes, good, 27);
	for (unsigned i = 0; i < 17; i++) {
		memcpy(bytes + 27 + 9 * i, good + 27, 9);
		bytes[27 + 9 * i + 3] = (uint8_t)i;
	}
	memcpy(bytes + 27 + 9 * 17, good + 45, 9);
	bytes[20] = 9 + 9 * 17 + 9;
	assert_false(dfu_desc_parse(span_of(bytes, sizeof bytes), &d, &e));
	assert_non_null(strstr(e.msg, "more than 16"));
}

static void strings(void **state)
{
	static const uint8_t romfs[] = { 14, 3, 'R', 0, 'O', 0, 'M', 0, 'F', 0, 'S', 0, '0', 0 };
	uint8_t bytes[sizeof romfs];
	char text[7];
	(void)state;
	assert_true(usb_string_text(span_of(romfs, sizeof romfs), text, sizeof text));
	assert_string_equal(text, "ROMFS0");
	assert_false(usb_string_text(span_of(romfs, sizeof romfs), text, 6));
	assert_string_equal(text, "");
	static const struct {
		uint8_t at, value;
	} rows[] = { { 0, 12 }, { 0, 16 }, { 0, 13 }, { 1, 2 }, { 2, 0 }, { 2, 0x1f }, { 2, 0x7f }, { 3, 1 },
		{ 12, 10 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memcpy(bytes, romfs, sizeof romfs);
		bytes[rows[i].at] = rows[i].value;
		assert_false(usb_string_text(span_of(bytes, sizeof bytes), text, sizeof text));
		assert_string_equal(text, "");
	}
	assert_true(usb_string_text(span_of("\2\3", 2), text, sizeof text));
	assert_false(usb_string_text(span_of("\2", 1), text, sizeof text));
	assert_false(usb_string_text(span_of("", 0), text, sizeof text));
}

static const struct CMUnitTest plain[] = {
	cmocka_unit_test(any_answers),
	cmocka_unit_test(busy_for_ever),
	cmocka_unit_test(block_numbers),
	cmocka_unit_test(names),
	cmocka_unit_test(descriptors),
	cmocka_unit_test(broken_descriptors),
	cmocka_unit_test(too_many_alternates),
	cmocka_unit_test(strings),
};

#define PLAIN     (sizeof plain / sizeof *plain)
#define MAX_CHATS 100

static int is_chat(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && !strcmp(d->d_name + n - 5, ".chat");
}

int main(void)
{
	struct CMUnitTest tests[PLAIN + MAX_CHATS];
	struct dirent **list;
	int n = scandir(CHATS, &list, is_chat, alphasort);
	if (n < 40 || n > MAX_CHATS) {
		fprintf(stderr, "%d chats in " CHATS "\n", n);
		return 1;
	}
	memcpy(tests, plain, sizeof plain);
	for (int i = 0; i < n; i++)
		tests[PLAIN + (size_t)i] = (struct CMUnitTest){ list[i]->d_name, chat, NULL, NULL, list[i]->d_name };
	int failed = _cmocka_run_group_tests("dfu_proto", tests, PLAIN + (size_t)n, NULL, NULL);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return failed;
}
