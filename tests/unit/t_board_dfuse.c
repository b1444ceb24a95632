/* DfuSe: the maps in the strings of alternates, and the board files that go by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "format/dfuse_map.h"
#include "os/file.h"

#include "board_files.h"

#define INTERNAL "@Internal Flash  2MB   /0x08000000/01*128Ka,15*128Kg"
#define EXTERNAL "@Ext RAW  Flash 16MB   /0x90000000/4096*4Kg"
#define FILES    "@Ext File Flash  0MB   /0x00000000/0*4Kg"
#define VERSION  "@Arduino  boot  v.25   /0x00000000/0*4Kg"

static const struct board *board(const char *id)
{
	const struct board *b = boards_find(&set, id);
	assert_non_null(b);
	return b;
}

static void test_maps(void **state)
{
	(void)state;
	struct dfuse_map m;
	assert_true(dfuse_map_parse(INTERNAL, &m));
	assert_string_equal(m.name, "Internal Flash 2MB");
	assert_int_equal(m.run_count, 2);
	assert_int_equal(m.runs[0].start, 0x08000000);
	assert_int_equal(m.runs[0].access, DFUSE_READ);
	assert_int_equal(m.runs[1].start, 0x08020000);
	assert_int_equal(m.runs[1].size, 131072);
	assert_int_equal(m.runs[1].count, 15);
	assert_int_equal(m.runs[1].access, DFUSE_READ | DFUSE_ERASES | DFUSE_WRITE);
	assert_true(dfuse_map_parse(VERSION, &m));
	assert_string_equal(m.name, "Arduino boot v.25");
	assert_int_equal(m.run_count, 0);
	/* ST's own, and two ranges in one string */
	assert_true(dfuse_map_parse("@Option Bytes  /0x5200201C/01*128 e", &m));
	assert_int_equal(m.runs[0].size, 128);
	assert_true(dfuse_map_parse("@a/0x0/1*1Mg/0xfffff000/4*1Kb", &m));
	assert_int_equal(m.run_count, 2);
	assert_int_equal(m.runs[1].start, 0xfffff000);
	static const char *const malformed[] = { "", "@", "Internal Flash /0x0/1*1Kg", "@a", "@a/", "@a/0x/1*1Kg",
		"@ /0x0/1*1Kg", "@a/0x0", "@a/0x0/", "@a/0x0/1*", "@a/0x0/*1Kg", "@a/0x0/1*1K", "@a/0x0/1*1Kh",
		"@a/0x0/1*1K`", "@a/0x0/1*1Gg", "@a/0x0/1*1Kg,", "@a/0x0/1*1Kg ", "@a/0x0/1*1Kg/",
		"@a/0x100000000/1*1Kg", "@a/0xfffff000/5*1Kg", "@a/0x0/4294967295*4096Mg", "@a/0x0/99999999999*1Bg",
		"@a/0x0/1*0Kg", "@a/0x-1/1*1Kg", "@a/0x0/-1*1Kg",
		"@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/0x0/1*1Kg",
		"@a/0x0/"
		"1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,1*1Bg,"
		"1*1Bg" };
	for (unsigned i = 0; i < sizeof malformed / sizeof *malformed; i++)
		if (dfuse_map_parse(malformed[i], &m))
			fail_msg("taken: %s", malformed[i]);
}

static void test_holds(void **state)
{
	(void)state;
	static const struct {
		const char *map, *partition;
		bool held;
	} rows[] = {
		{ INTERNAL, "BOOTLOADER", true },
		{ INTERNAL, "FIRMWARE", true },
		{ EXTERNAL, "ROMFS0", true },
		{ EXTERNAL, "BT", true },
		{ EXTERNAL, "FIRMWARE", false },
		{ "@a/0x90000000/256*64Kg", "ROMFS0", false },                  /* other sectors */
		{ "@a/0x90000800/4095*4Kg", "ROMFS0", false },                  /* shifted */
		{ "@a/0x90000000/2816*4Kg,1024*4Ka,256*4Kg", "ROMFS0", false }, /* not writable */
		{ "@a/0x90000000/2816*4Kg,1024*4Kg", "ROMFS0", true },
		{ "@a/0x90000000/2816*4Kg,1023*4Kg", "ROMFS0", false }, /* too short */
		{ "@a/0x90b00000/1024*4Kf", "ROMFS0", false },          /* not readable */
		{ FILES, "ROMFS0", false },
	};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dfuse_map m;
		assert_true(dfuse_map_parse(rows[i].map, &m));
		if (dfuse_map_holds(&m, board_partition(board("arduino-giga"), rows[i].partition)) != rows[i].held)
			fail_msg("row %u", i);
	}
}

static void test_alternates(void **state)
{
	(void)state;
	static const struct {
		const char *texts[5];
		unsigned count;
		bool fit;
		const char *version;
	} rows[] = {
		{ { INTERNAL, EXTERNAL, FILES, VERSION }, 4, true, "25" },
		{ { INTERNAL, EXTERNAL, "@Ext File Flash 16MB   /0xA0000000/4096*4Kg", "@Arduino boot v.26/0x0/0*4Kg" },
		    4, true, "26" },
		{ { INTERNAL, EXTERNAL, FILES, "@MCUboot        v.25   /0x00000000/0*4Kg" }, 4, false, "2.0.0" },
		{ { EXTERNAL, INTERNAL, FILES, VERSION }, 4, false, "25" },
		{ { INTERNAL, EXTERNAL, FILES }, 3, false, "2.0.0" },
		{ { INTERNAL, EXTERNAL, FILES, VERSION, VERSION }, 5, false, "25" },
		{ { INTERNAL, "@Ext RAW  Flash  8MB   /0x90000000/2048*4Kg", FILES, VERSION }, 4, false, "25" },
		{ { "?", EXTERNAL, FILES, VERSION }, 4, false, "25" },
	};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		char texts[BOARD_MAX_PARTITIONS][BOARD_ALT_SIZE] = { "" }, version[BOARD_VERSION_SIZE];
		const char(*seen)[BOARD_ALT_SIZE] = (const char(*)[BOARD_ALT_SIZE])texts;
		const struct board *b = board("arduino-portenta-h7");
		for (unsigned k = 0; k < rows[i].count; k++)
			snprintf(texts[k], sizeof texts[k], "%s", rows[i].texts[k]);
		if (board_alternates_fit(b, seen, rows[i].count) != rows[i].fit)
			fail_msg("row %u", i);
		board_bootloader_version(b, 0x0200, seen, rows[i].count, version);
		assert_string_equal(version, rows[i].version);
	}
}

static const struct {
	const char *id;
	uint16_t dfu, run;
	enum usb_speed speed;
} boards[] = {
	{ "arduino-giga", 0x0366, 0x0466, USB_FULL },
	{ "arduino-nicla-vision", 0x035f, 0x045f, USB_HIGH },
	{ "arduino-portenta-h7", 0x035b, 0x045b, USB_HIGH },
};

static const struct {
	const char *name;
	unsigned alt;
	uint64_t mapped;
	uint32_t size, units;
	enum board_role role;
} layout[] = {
	{ "BOOTLOADER", 0, 0x08000000, 131072, 1, ROLE_BOOTLOADER },
	{ "FILESYSTEM", 0, 0x08020000, 131072, 1, ROLE_FILESYSTEM },
	{ "FIRMWARE", 0, 0x08040000, 1835008, 14, ROLE_FIRMWARE },
	{ "SPI_FLASH", 1, 0x90000000, 11534336, 176, ROLE_FILESYSTEM },
	{ "ROMFS0", 1, 0x90b00000, 4194304, 64, ROLE_ROMFS },
	{ "WIFI", 1, 0x90f00000, 786432, 12, ROLE_OTHER },
	{ "BT", 1, 0x90fc0000, 262144, 4, ROLE_OTHER },
};
#define LAYOUT_COUNT (sizeof layout / sizeof *layout)

static void test_files(void **state)
{
	(void)state;
	unsigned count = 0;
	for (unsigned i = 0; i < set.count; i++)
		count += set.boards[i].dialect == DIALECT_DFUSE;
	assert_int_equal(count, sizeof boards / sizeof *boards);
	for (unsigned i = 0; i < count; i++) {
		const struct board *b = board(boards[i].id);
		assert_ptr_equal(boards_by_dfu(&set, 0x2341, boards[i].dfu), b);
		assert_ptr_equal(boards_by_run(&set, 0x2341, boards[i].run), b);
		assert_int_equal(b->speed, boards[i].speed);
		assert_int_equal(b->uid_rule, UID_WORDS_UP);
		assert_int_equal(b->enumerate_window_ms + b->latch_window_ms, 0);
		assert_string_equal(b->times_mark, "assumed");
		assert_int_equal(b->partition_count, LAYOUT_COUNT);
		for (unsigned k = 0; k < LAYOUT_COUNT; k++) {
			const struct partition *p = board_partition(b, layout[k].name);
			assert_non_null(p);
			assert_int_equal(p->alt, layout[k].alt);
			assert_int_equal(p->mapped, layout[k].mapped);
			assert_int_equal(p->size, layout[k].size);
			assert_int_equal(partition_unit_count(p), layout[k].units);
			assert_int_equal(p->role, layout[k].role);
			assert_int_equal(p->forbidden, p->role == ROLE_BOOTLOADER);
		}
	}
	char uid[UID_TEXT_SIZE];
	assert_true(board_uid_from_serial(board("arduino-portenta-h7"), "0033001F3033510634323437", uid));
	assert_true(board_run_serial_fits(board("arduino-portenta-h7"), uid, "346534563033"));
}

/* One thing broken in a file that is else right. */
static const struct {
	const char *find, *put, *message;
} broken[] = {
	{ "\"alternates\": [", "\"alternate\": [", "there is no key \"alternate\" here" },
	{ "\"name\": \"Internal Flash\"", "\"name\": \"External Flash\"",
	    "\"text\" must be a DfuSe string whose name begins with \"name\"" },
	{ "4096*4Kg", "4096*4K", "\"text\" must be a DfuSe string whose name begins with \"name\"" },
	{ "15*128Kg", "14*128Kg",
	    "partition 3: \"alt\" names no alternate whose map has sectors for these units at \"mapped\"" },
	{ "15*128Kg", "15*128Ka",
	    "partition 2: \"alt\" names no alternate whose map has sectors for these units at \"mapped\"" },
	{ "\"ROMFS0\", \"alt\": 1", "\"ROMFS0\", \"alt\": 0",
	    "partition 5: \"alt\" names no alternate whose map has sectors for these units at \"mapped\"" },
	{ "\"ROMFS0\", \"alt\": 1", "\"ROMFS0\", \"alt\": 4",
	    "partition 5: \"alt\" names no alternate whose map has sectors for these units at \"mapped\"" },
	{ "\"mapped\": \"0x90B00000\"", "\"mapped\": null",
	    "partition 5: \"alt\" names no alternate whose map has sectors for these units at \"mapped\"" },
	{ "\"4096\": 45, ", "", "partition 4: \"alt\" names no alternate whose map has sectors for these units at" },
	{ "\"dialect\": \"dfuse\"", "\"dialect\": \"openmv\"", "\"alternates\" are DfuSe's only" },
};

static void test_rules(void **state)
{
	(void)state;
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	struct err e = ERR_INIT;
	assert_true(file_read("fixtures/boards/arduino-giga.json", BOARDS_MAX_FILE, &data, &size, &e));
	for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
		static struct board b;
		char *text = (char *)data, *at = strstr(text, broken[i].find);
		AUTO_FREE char *other = NULL;
		assert_non_null(at);
		assert_true(asprintf(&other, "%.*s%s%s", (int)(at - text), text, broken[i].put,
				at + strlen(broken[i].find)) > 0);
		e = (struct err)ERR_INIT;
		if (board_parse(span_of(other, strlen(other)), &b, &e))
			fail_msg("got through: %s", broken[i].message);
		if (strncmp(e.msg, broken[i].message, strlen(broken[i].message)) != 0)
			fail_msg("%s", e.msg);
		assert_int_equal(e.code, CODE_BOARD_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_alternates),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_rules),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
