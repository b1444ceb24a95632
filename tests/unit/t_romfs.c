/* The mount driver: every rule, MicroPython's look-up, siblings, and no byte read outside the image.
 *
 * Images lie at the end of an exact allocation, so that the sanitizer build sees any byte read behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/romfs_text.h"
#include "format/romfs_writer.h"

struct image {
	uint8_t *bytes;
	size_t size;
};

static struct image copy_of(const void *bytes, size_t size)
{
	struct image i = { malloc(size ? size : 1), size };
	assert_non_null(i.bytes);
	if (size)
		memcpy(i.bytes, bytes, size);
	return i;
}

/* One row for each way to break a rule, and the nearest sound neighbour. */
#define MAGIC "\xD2\xCD\x31"
static const struct {
	const char *what;
	const char *bytes;
	size_t size;
	enum romfs_rule rule;
	uint32_t offset;
} rules[] = {
#define ROW(what, bytes, rule, offset)                                                                                 \
	{                                                                                                              \
		what, bytes, sizeof bytes - 1, ROMFS_RULE_##rule, offset                                               \
	}
	ROW("nothing", "", MAGIC, 0),
	ROW("magic alone", MAGIC, MAGIC, 0),
	ROW("foreign", "\xD2\xCD\x32\x00", MAGIC, 0),
	ROW("empty", MAGIC "\x00", NONE, 0),
	ROW("empty, odd size, foreign bytes behind", MAGIC "\x00\xFF\xFF", NONE, 0),
	ROW("header length cut", MAGIC "\x80\x80", VARUINT, 0),
	ROW("header length past the buffer", MAGIC "\x01", LENGTH, 0),
	ROW("header length 2^32 - 1", MAGIC "\x8F\xFF\xFF\xFF\x7F", LENGTH, 0),
	ROW("header length 2^32", MAGIC "\x90\x80\x80\x80\x00", VARUINT, 0),
	ROW("header length 2^64", MAGIC "\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00", VARUINT, 0),
	ROW("header length padded", MAGIC "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", NONE, 0),
	ROW("padding record", MAGIC "\x03\x01\x01\xFF", NONE, 0),
	ROW("unknown kind 83", MAGIC "\x03\x53\x01\xFF", NONE, 0),
	ROW("unknown kind of several bytes", MAGIC "\x05\xCA\xCB\x31\x01\x00", NONE, 0),
	ROW("root data record", MAGIC "\x03\x02\x01\xFF", NONE, 0),
	ROW("root pointer record, not looked into", MAGIC "\x03\x03\x01\xFF", NONE, 0),
	ROW("kind 2^32 + 5", MAGIC "\x0A\x90\x80\x80\x80\x05\x04\x01x\x02\x00", VARUINT, 4),
	ROW("kind 0", MAGIC "\x02\x00\x00", UNUSED, 4),
	ROW("kind 0 behind a record", MAGIC "\x04\x01\x00\x00\x00", UNUSED, 6),
	ROW("kind alone", MAGIC "\x01\x01", VARUINT, 4),
	ROW("erased flash", MAGIC "\x04\xFF\xFF\xFF\xFF", VARUINT, 4),
	ROW("record past the payload", MAGIC "\x02\x01\x01\xFF", LENGTH, 4),
	ROW("record that would wrap to itself", MAGIC "\x06\x01\x8F\xFF\xFF\xFF\x7A", LENGTH, 4),
	ROW("file", MAGIC "\x07\x05\x05\x01x\x02\x01x", NONE, 0),
	ROW("file with records before its data", MAGIC "\x0D\x05\x0B\x01x\x01\x01\xFF\x04\x02\x01y\x02\x00", NONE, 0),
	ROW("file with rubbish behind its data", MAGIC "\x08\x05\x06\x01x\x02\x00\x00\x00", NONE, 0),
	ROW("file without data", MAGIC "\x04\x05\x02\x01x", NO_DATA, 4),
	ROW("file without a name", MAGIC "\x02\x05\x00", VARUINT, 4),
	ROW("directory without a name", MAGIC "\x02\x04\x00", VARUINT, 4),
	ROW("name past its record", MAGIC "\x06\x05\x02\x02x\x01\x00", LENGTH, 4),
	ROW("data past its file", MAGIC "\x09\x05\x04\x01x\x02\x03xyz", LENGTH, 8),
	ROW("kind 0 before the data", MAGIC "\x08\x05\x06\x01x\x00\x00\x02\x00", UNUSED, 8),
	ROW("child past its directory", MAGIC "\x09\x04\x05\x01p\x05\x04\x01x\x02\x00", LENGTH, 8),
	ROW("pointer to all of the payload", MAGIC "\x08\x05\x06\x01x\x03\x02\x08\x00", NONE, 0),
	ROW("pointer with bytes behind it", MAGIC "\x09\x05\x07\x01x\x03\x03\x00\x09\x77", NONE, 0),
	ROW("pointer to nothing at the end", MAGIC "\x08\x05\x06\x01x\x03\x02\x00\x08", NONE, 0),
	ROW("pointer one byte too long", MAGIC "\x08\x05\x06\x01x\x03\x02\x08\x01", POINTER, 8),
	ROW("pointer behind the end", MAGIC "\x08\x05\x06\x01x\x03\x02\x00\x09", POINTER, 8),
	ROW("pointer that would wrap to before the image", MAGIC "\x0C\x05\x0A\x01x\x03\x06\x04\x8F\xFF\xFF\xFF\x7C",
	    POINTER, 8),
	ROW("pointer without offset", MAGIC "\x07\x05\x05\x01x\x03\x01\x00", VARUINT, 8),
	ROW("two files of one name", MAGIC "\x0C\x05\x04\x01x\x02\x00\x05\x04\x01x\x02\x00", DUPLICATE, 10),
	ROW("a file and a directory of one name", MAGIC "\x0A\x05\x04\x01x\x02\x00\x04\x02\x01x", DUPLICATE, 10),
	ROW("one name in two directories", MAGIC "\x10\x04\x08\x01p\x05\x04\x01x\x02\x00\x05\x04\x01x\x02\x00", NONE,
	    0),
#undef ROW
};

static void every_rule_is_held(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
		struct image i = copy_of(rules[r].bytes, rules[r].size);
		struct romfs fs;
		struct romfs_fault fault;
		enum romfs_status status = romfs_verify(&fs, i.bytes, i.size, NULL, NULL, &fault);
		enum romfs_status want = rules[r].rule == ROMFS_RULE_NONE    ? ROMFS_OK
					 : rules[r].rule == ROMFS_RULE_MAGIC ? ROMFS_NOT_ROMFS
									     : ROMFS_CORRUPT;
		if (status != want || fault.rule != rules[r].rule || fault.offset != rules[r].offset)
			fail_msg("%s: status %d, rule %s at %u", rules[r].what, status, romfs_rule_word(fault.rule),
			    fault.offset);
		free(i.bytes);
	}
}

static void names_are_judged(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t size;
		int ok;
	} names[] = {
#define NAME(text, ok) { text, sizeof text - 1, ok }
		NAME("", 0),
		NAME(".", 0),
		NAME("..", 0),
		NAME("...", 1),
		NAME(".a", 1),
		NAME("..a", 1),
		NAME("a/b", 0),
		NAME("/", 0),
		NAME("a\0b", 0),
		NAME("a b\\c", 1),
		NAME("\x7F", 1),
		NAME("\x80", 0),
		NAME("\xC2\x80", 1),
		NAME("\xC1\xBF", 0),
		NAME("\xC2", 0),
		NAME("\xC2x", 0),
		NAME("\xE0\x9F\xBF", 0),
		NAME("\xE0\xA0\x80", 1),
		NAME("\xED\x9F\xBF", 1),
		NAME("\xED\xA0\x80", 0),
		NAME("\xEE\x80\x80", 1),
		NAME("\xEF\xBF\xBF", 1),
		NAME("\xE6\x97", 0),
		NAME("\xE6\x97\xC2", 0),
		NAME("\xF0\x8F\xBF\xBF", 0),
		NAME("\xF0\x90\x80\x80", 1),
		NAME("\xF4\x8F\xBF\xBF", 1),
		NAME("\xF4\x90\x80\x80", 0),
		NAME("\xF5\x80\x80\x80", 0),
		NAME("\xFF", 0),
		NAME("\xF0\x9F\x98\x80 ok", 1),
#undef NAME
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct image name = copy_of(names[i].name, names[i].size);
		if (romfs_name_ok(name.bytes, name.size) != names[i].ok)
			fail_msg("row %zu", i);
		free(name.bytes);
	}
}

static void must(bool ok, const struct err *e)
{
	if (!ok)
		fail_msg("%s", e->msg);
}

/* boot.py, empty, lib/ { a.py, deep/ { b } }, z, with every kind of padding. */
static struct image sample(void)
{
	struct romfs_writer w;
	struct romfs_writer_options options = { 0 };
	struct err e = ERR_INIT;
	struct image made, exact;
	must(romfs_writer_begin(&w, &options, &e), &e);
	must(romfs_writer_file(&w, "boot.py", 7, span_of("print(1)", 8), 4, &e), &e);
	must(romfs_writer_file(&w, "empty", 5, span_of(NULL, 0), 1, &e), &e);
	must(romfs_writer_dir_open(&w, "lib", 3, &e), &e);
	must(romfs_writer_file(&w, "a.py", 4, span_of("aaaa", 4), 16, &e), &e);
	must(romfs_writer_dir_open(&w, "deep", 4, &e), &e);
	must(romfs_writer_file(&w, "b", 1, span_of("bb", 2), 1, &e), &e);
	must(romfs_writer_dir_close(&w, &e) && romfs_writer_dir_close(&w, &e), &e);
	must(romfs_writer_pad(&w, 32, &e), &e);
	must(romfs_writer_file(&w, "z", 1, span_of("zzz", 3), 1, &e), &e);
	must(romfs_writer_finish(&w, &made.bytes, &made.size, &e), &e);
	exact = copy_of(made.bytes, made.size);
	free(made.bytes);
	return exact;
}

static void lookup_follows_micropython(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		enum romfs_status status;
		enum romfs_type type;
		const char *data;
	} rows[] = {
		{ "", ROMFS_OK, ROMFS_DIR, NULL },
		{ "/", ROMFS_OK, ROMFS_DIR, NULL },
		{ "//", ROMFS_NOT_FOUND, ROMFS_DIR, NULL },
		{ "boot.py", ROMFS_OK, ROMFS_FILE, "print(1)" },
		{ "/boot.py", ROMFS_OK, ROMFS_FILE, "print(1)" },
		{ "//boot.py", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "boot.py/", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "boot.py/x", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "boot.p", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "boot.pyc", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "BOOT.PY", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "empty", ROMFS_OK, ROMFS_FILE, "" },
		{ "lib", ROMFS_OK, ROMFS_DIR, NULL },
		{ "lib/", ROMFS_OK, ROMFS_DIR, NULL },
		{ "lib//", ROMFS_NOT_FOUND, ROMFS_DIR, NULL },
		{ "lib//a.py", ROMFS_NOT_FOUND, ROMFS_DIR, NULL },
		{ "lib/a.py", ROMFS_OK, ROMFS_FILE, "aaaa" },
		{ "lib/deep/b", ROMFS_OK, ROMFS_FILE, "bb" },
		{ "lib/deep/c", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "lib/.", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "lib/../z", ROMFS_NOT_FOUND, ROMFS_FILE, NULL },
		{ "z", ROMFS_OK, ROMFS_FILE, "zzz" },
	};
	struct image i = sample();
	struct romfs fs;
	assert_int_equal(romfs_mount(&fs, i.bytes, i.size), ROMFS_OK);
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct romfs_node node;
		enum romfs_status status = romfs_lookup(&fs, rows[r].path, &node);
		if (status != rows[r].status || (status == ROMFS_OK && node.type != rows[r].type))
			fail_msg("'%s': status %d", rows[r].path, status);
		if (!rows[r].data)
			continue;
		assert_int_equal(node.data_size, strlen(rows[r].data));
		assert_memory_equal(romfs_data(&fs, &node), rows[r].data, node.data_size);
	}
	free(i.bytes);
}

static void iteration_keeps_the_stored_order(void **state)
{
	(void)state;
	static const char *const want[] = { "boot.py", "empty", "lib", "z" };
	struct image i = sample();
	struct romfs fs;
	struct romfs_node root, node;
	assert_int_equal(romfs_mount(&fs, i.bytes, i.size), ROMFS_OK);
	romfs_root(&fs, &root);
	assert_int_equal(root.data_size, i.size - ROMFS_HEADER_SIZE);
	assert_null(romfs_data(&fs, &root));
	uint32_t cursor = root.data;
	for (size_t n = 0; n < 4; n++) {
		assert_int_equal(romfs_next(&fs, &root, &cursor, &node), ROMFS_OK);
		assert_int_equal(node.name_size, strlen(want[n]));
		assert_memory_equal(i.bytes + node.name, want[n], node.name_size);
	}
	assert_int_equal(romfs_next(&fs, &root, &cursor, &node), ROMFS_END);
	assert_int_equal(romfs_next(&fs, &root, &cursor, &node), ROMFS_END);
	free(i.bytes);
}

/* Reads every byte that the driver says is a name or contents: the sanitizer sees each. */
static void touch(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	unsigned *sum = context;
	for (unsigned i = 0; i < depth; i++)
		for (uint32_t k = 0; k < path[i]->name_size; k++)
			*sum += fs->image[path[i]->name + k];
	const struct romfs_node *node = path[depth - 1];
	assert_true(node->data <= fs->end && node->data_size <= fs->end - node->data);
	for (uint32_t k = 0; k < node->data_size; k++)
		*sum += fs->image[node->data + k];
}

/* All that a camera may do with an image that nobody has checked. */
static unsigned use(const uint8_t *bytes, size_t size)
{
	struct romfs fs;
	struct romfs_node node;
	unsigned sum = 0;
	if (romfs_verify(&fs, bytes, size, touch, &sum, NULL) == ROMFS_NOT_ROMFS)
		return 0;
	if (romfs_mount(&fs, bytes, size) != ROMFS_OK)
		return 0;
	assert_true(fs.begin <= fs.end && fs.end <= size);
	static const char *const paths[] = { "z", "lib/deep/b", "lib/a.py", "nowhere/at/all", "", "//x" };
	for (size_t p = 0; p < sizeof paths / sizeof *paths; p++)
		if (romfs_lookup(&fs, paths[p], &node) == ROMFS_OK) {
			const struct romfs_node *chain = &node;
			touch(&sum, &fs, &chain, 1);
		}
	return sum;
}

static void no_corrupt_byte_leads_outside(void **state)
{
	(void)state;
	struct image i = sample();
	unsigned sum = 0;
	for (size_t at = 0; at < i.size; at++) {
		uint8_t kept = i.bytes[at];
		for (unsigned v = 0; v < 256; v++) {
			i.bytes[at] = (uint8_t)v;
			sum += use(i.bytes, i.size);
		}
		i.bytes[at] = kept;
	}
	assert_true(sum > 0);
	free(i.bytes);
}

static void no_cut_leads_outside(void **state)
{
	(void)state;
	struct image i = sample();
	for (size_t size = 0; size < i.size; size++) {
		struct image cut = copy_of(i.bytes, size);
		struct romfs fs;
		/* the header announces all of it */
		assert_int_not_equal(romfs_mount(&fs, cut.bytes, cut.size), ROMFS_OK);
		/* the same cut with a header that fits, as a cut download with a forged length */
		if (size >= ROMFS_HEADER_SIZE) {
			uint32_t length = (uint32_t)size - ROMFS_HEADER_SIZE;
			for (int k = 7; k >= 3; k--, length >>= 7)
				cut.bytes[k] = (uint8_t)((length & 0x7F) | (k < 7 ? 0x80 : 0));
			use(cut.bytes, cut.size);
		}
		free(cut.bytes);
	}
	free(i.bytes);
}

/* `depth` directories inside one another and a file in the innermost. */
static enum romfs_rule rule_at_depth(unsigned depth)
{
	uint8_t bytes[1024] = { 0xD2, 0xCD, 0x31 };
	size_t at = sizeof bytes;
	static const uint8_t file[] = { 5, 4, 1, 'f', 2, 0 };
	memcpy(bytes + (at -= sizeof file), file, sizeof file);
	for (unsigned i = 0; i < depth; i++) {
		size_t payload = sizeof bytes - at + 2;
		bytes[--at] = 'd';
		bytes[--at] = 1;
		bytes[--at] = (uint8_t)(payload & 0x7F);
		bytes[--at] = (uint8_t)(0x80 | payload >> 7);
		bytes[--at] = 4;
	}
	size_t payload = sizeof bytes - at;
	bytes[3] = (uint8_t)(0x80 | payload >> 7);
	bytes[4] = (uint8_t)(payload & 0x7F);
	memmove(bytes + 5, bytes + at, payload);
	struct romfs fs;
	struct romfs_fault fault;
	romfs_verify(&fs, bytes, payload + 5, NULL, NULL, &fault);
	return fault.rule;
}

static void depth_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(rule_at_depth(1), ROMFS_RULE_NONE);
	assert_int_equal(rule_at_depth(ROMFS_MAX_DEPTH), ROMFS_RULE_NONE);
	assert_int_equal(rule_at_depth(ROMFS_MAX_DEPTH + 1), ROMFS_RULE_DEPTH);
	assert_int_equal(rule_at_depth(150), ROMFS_RULE_DEPTH);
}

/* A flat image of empty files named by number; `step` walks through the numbers, so that 1 gives sorted names. */
static struct image flat(uint32_t count, uint32_t step, uint32_t twice)
{
	struct romfs_writer w;
	struct romfs_writer_options options = { 0 };
	struct err e = ERR_INIT;
	struct image i;
	must(romfs_writer_begin(&w, &options, &e), &e);
	for (uint32_t n = 0; n < count; n++) {
		char name[16];
		uint32_t number = (uint32_t)((uint64_t)n * step % count);
		int size = snprintf(name, sizeof name, "%08u", n + 1 == count && twice != UINT32_MAX ? twice : number);
		must(romfs_writer_file(&w, name, (size_t)size, span_of(NULL, 0), 1, &e), &e);
	}
	must(romfs_writer_finish(&w, &i.bytes, &i.size, &e), &e);
	return i;
}

static enum romfs_rule rule_of_flat(uint32_t count, uint32_t step, uint32_t twice)
{
	struct image i = flat(count, step, twice);
	struct romfs fs;
	struct romfs_fault fault;
	romfs_verify(&fs, i.bytes, i.size, NULL, NULL, &fault);
	free(i.bytes);
	return fault.rule;
}

static void siblings_are_all_compared(void **state)
{
	(void)state;
	/* 7919 is a prime that divides none of the counts: every number once, in no order */
	static const uint32_t counts[] = { 2, 3, 255, 256, 257, 258, 511, 512, 513, 514, 20000 };
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		uint32_t n = counts[c];
		assert_int_equal(rule_of_flat(n, 1, UINT32_MAX), ROMFS_RULE_NONE);
		assert_int_equal(rule_of_flat(n, 7919, UINT32_MAX), ROMFS_RULE_NONE);
		assert_int_equal(rule_of_flat(n, 1, 0), ROMFS_RULE_DUPLICATE);
	}
	/* the last name repeats each of the others in turn */
	for (uint32_t n = 0; n + 1 < 600; n++)
		assert_int_equal(rule_of_flat(600, 7919, (uint32_t)((uint64_t)n * 7919 % 600)), ROMFS_RULE_DUPLICATE);
	assert_int_equal(rule_of_flat(20000, 7919, 7919), ROMFS_RULE_DUPLICATE);
}

static void comparing_siblings_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(rule_of_flat(300000, 1, UINT32_MAX), ROMFS_RULE_NONE);
	assert_int_equal(rule_of_flat(300000, 7919, UINT32_MAX), ROMFS_RULE_TOO_MANY);
}

static void every_rule_has_its_words(void **state)
{
	(void)state;
	for (int r = ROMFS_RULE_NONE; r <= ROMFS_RULE_TOO_MANY; r++) {
		assert_true(*romfs_rule_word((enum romfs_rule)r));
		assert_string_not_equal(romfs_rule_word((enum romfs_rule)r), "unknown");
		for (int other = ROMFS_RULE_NONE; other < r; other++)
			assert_string_not_equal(
			    romfs_rule_word((enum romfs_rule)r), romfs_rule_word((enum romfs_rule)other));
	}
	assert_string_equal(romfs_rule_word((enum romfs_rule)(ROMFS_RULE_TOO_MANY + 1)), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_is_held),
		cmocka_unit_test(names_are_judged),
		cmocka_unit_test(lookup_follows_micropython),
		cmocka_unit_test(iteration_keeps_the_stored_order),
		cmocka_unit_test(no_corrupt_byte_leads_outside),
		cmocka_unit_test(no_cut_leads_outside),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(siblings_are_all_compared),
		cmocka_unit_test(comparing_siblings_is_bounded),
		cmocka_unit_test(every_rule_has_its_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
