/* Board files: those that ship (t_board_dfuse.c has what is particular to Arduino's), every rule of the reader, units,
 * alignment, firmware ranges, serials, loading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

#include "board_files.h"

static const struct board *board(const char *id)
{
	const struct board *b = boards_find(&set, id);
	if (!b)
		fail_msg("no board %s", id);
	return b;
}

/* From openmv boards and their boot_config.h: what the bootloaders offer, by alternate number. */
static const struct {
	const char *board;
	unsigned alt;
	const char *name, *medium;
	uint64_t address, mapped;
	uint32_t size, units, first, last; /* programming units: how many, the first's and the last's size */
	enum board_role role;
	bool forbidden;
} layout[] = {
	{ "openmv-m4", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 32768, 2, 16384, 16384, ROLE_BOOTLOADER,
	    true },
	{ "openmv-m4", 1, "FILESYSTEM", "internal", 0x08008000, 0x08008000, 32768, 2, 16384, 16384, ROLE_FILESYSTEM,
	    false },
	{ "openmv-m4", 2, "FIRMWARE", "internal", 0x08010000, 0x08010000, 851968, 7, 65536, 131072, ROLE_FIRMWARE,
	    false },
	{ "openmv-m4", 3, "ROMFS0", "internal", 0x080E0000, 0x080E0000, 131072, 1, 131072, 131072, ROLE_ROMFS, false },
	{ "openmv-m7", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 32768, 1, 32768, 32768, ROLE_BOOTLOADER,
	    true },
	{ "openmv-m7", 1, "FILESYSTEM", "internal", 0x08008000, 0x08008000, 98304, 3, 32768, 32768, ROLE_FILESYSTEM,
	    false },
	{ "openmv-m7", 2, "FIRMWARE", "internal", 0x08020000, 0x08020000, 1703936, 7, 131072, 262144, ROLE_FIRMWARE,
	    false },
	{ "openmv-m7", 3, "ROMFS0", "internal", 0x081C0000, 0x081C0000, 262144, 1, 262144, 262144, ROLE_ROMFS, false },
	{ "openmv-h7", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 131072, 1, 131072, 131072, ROLE_BOOTLOADER,
	    true },
	{ "openmv-h7", 1, "FILESYSTEM", "internal", 0x08020000, 0x08020000, 131072, 1, 131072, 131072, ROLE_FILESYSTEM,
	    false },
	{ "openmv-h7", 2, "FIRMWARE", "internal", 0x08040000, 0x08040000, 1703936, 13, 131072, 131072, ROLE_FIRMWARE,
	    false },
	{ "openmv-h7", 3, "ROMFS0", "internal", 0x081E0000, 0x081E0000, 131072, 1, 131072, 131072, ROLE_ROMFS, false },
	{ "openmv-h7-plus", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 131072, 1, 131072, 131072,
	    ROLE_BOOTLOADER, true },
	{ "openmv-h7-plus", 1, "FILESYSTEM", "internal", 0x08020000, 0x08020000, 131072, 1, 131072, 131072,
	    ROLE_FILESYSTEM, false },
	{ "openmv-h7-plus", 2, "FIRMWARE", "internal", 0x08040000, 0x08040000, 1835008, 14, 131072, 131072,
	    ROLE_FIRMWARE, false },
	{ "openmv-h7-plus", 3, "SPI_FLASH", "qspi", 0, 0x90000000, 33554432, 512, 65536, 65536, ROLE_FILESYSTEM,
	    false },
	{ "openmv-h7-plus", 4, "ROMFS0", "qspi", 0x1800000, 0x91800000, 8388608, 128, 65536, 65536, ROLE_ROMFS, false },
	{ "openmv-pure-thermal", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 131072, 1, 131072, 131072,
	    ROLE_BOOTLOADER, true },
	{ "openmv-pure-thermal", 1, "FILESYSTEM", "internal", 0x08020000, 0x08020000, 131072, 1, 131072, 131072,
	    ROLE_FILESYSTEM, false },
	{ "openmv-pure-thermal", 2, "FIRMWARE", "internal", 0x08040000, 0x08040000, 1835008, 14, 131072, 131072,
	    ROLE_FIRMWARE, false },
	{ "openmv-pure-thermal", 3, "SPI_FLASH", "qspi", 0, 0x90000000, 33554432, 512, 65536, 65536, ROLE_FILESYSTEM,
	    false },
	{ "openmv-pure-thermal", 4, "ROMFS0", "qspi", 0x1800000, 0x91800000, 8388608, 128, 65536, 65536, ROLE_ROMFS,
	    false },
	{ "openmv-n6", 0, "BOOTLOADER", "xspi", 0, 0x70000000, 524288, 8, 65536, 65536, ROLE_BOOTLOADER, true },
	{ "openmv-n6", 1, "FIRMWARE", "xspi", 0x80000, 0x70080000, 3670016, 56, 65536, 65536, ROLE_FIRMWARE, false },
	{ "openmv-n6", 2, "FILESYSTEM", "xspi", 0x400000, 0x70400000, 4194304, 64, 65536, 65536, ROLE_FILESYSTEM,
	    false },
	{ "openmv-n6", 3, "ROMFS0", "xspi", 0x800000, 0x70800000, 25165824, 384, 65536, 65536, ROLE_ROMFS, false },
	{ "openmv-ae3", 0, "BOOT", "mram", 0x80000000, 0x80000000, 131072, 32, 4096, 4096, ROLE_BOOTLOADER, true },
	{ "openmv-ae3", 1, "HP", "mram", 0x80020000, 0x80020000, 3145728, 768, 4096, 4096, ROLE_FIRMWARE, false },
	{ "openmv-ae3", 2, "HE", "mram", 0x80320000, 0x80320000, 0x15E000, 350, 4096, 4096, ROLE_COFIRMWARE, false },
	{ "openmv-ae3", 3, "ROMFS1", "mram", 0x8047E000, 0x8047E000, 1048576, 256, 4096, 4096, ROLE_ROMFS, false },
	{ "openmv-ae3", 4, "TOC", "mram", 0x8057E000, 0x8057E000, 8192, 2, 4096, 4096, ROLE_OTHER, true },
	{ "openmv-ae3", 5, "RWFS", "ospi", 0, 0xA0000000, 8388608, 2048, 4096, 4096, ROLE_FILESYSTEM, false },
	{ "openmv-ae3", 6, "ROMFS0", "ospi", 0x800000, 0xA0800000, 25165824, 6144, 4096, 4096, ROLE_ROMFS, false },
	{ "openmv-ae3", 7, "RECOVERY", "recovery", 0, 0, 4096, 1, 4096, 4096, ROLE_OTHER, true },
	{ "arduino-giga", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 131072, 1, 131072, 131072,
	    ROLE_BOOTLOADER, true },
	{ "arduino-giga", 0, "FILESYSTEM", "internal", 0x08020000, 0x08020000, 131072, 1, 131072, 131072,
	    ROLE_FILESYSTEM, false },
	{ "arduino-giga", 0, "FIRMWARE", "internal", 0x08040000, 0x08040000, 1835008, 14, 131072, 131072, ROLE_FIRMWARE,
	    false },
	{ "arduino-giga", 1, "SPI_FLASH", "qspi", 0, 0x90000000, 0xB00000, 176, 65536, 65536, ROLE_FILESYSTEM, false },
	{ "arduino-giga", 1, "ROMFS0", "qspi", 0xB00000, 0x90B00000, 0x400000, 64, 65536, 65536, ROLE_ROMFS, false },
	{ "arduino-giga", 1, "WIFI", "qspi", 0xF00000, 0x90F00000, 0xC0000, 12, 65536, 65536, ROLE_OTHER, false },
	{ "arduino-giga", 1, "BT", "qspi", 0xFC0000, 0x90FC0000, 0x40000, 4, 65536, 65536, ROLE_OTHER, false },
	{ "arduino-portenta-h7", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 131072, 1, 131072, 131072,
	    ROLE_BOOTLOADER, true },
	{ "arduino-portenta-h7", 0, "FILESYSTEM", "internal", 0x08020000, 0x08020000, 131072, 1, 131072, 131072,
	    ROLE_FILESYSTEM, false },
	{ "arduino-portenta-h7", 0, "FIRMWARE", "internal", 0x08040000, 0x08040000, 1835008, 14, 131072, 131072,
	    ROLE_FIRMWARE, false },
	{ "arduino-portenta-h7", 1, "SPI_FLASH", "qspi", 0, 0x90000000, 0xB00000, 176, 65536, 65536, ROLE_FILESYSTEM,
	    false },
	{ "arduino-portenta-h7", 1, "ROMFS0", "qspi", 0xB00000, 0x90B00000, 0x400000, 64, 65536, 65536, ROLE_ROMFS,
	    false },
	{ "arduino-portenta-h7", 1, "WIFI", "qspi", 0xF00000, 0x90F00000, 0xC0000, 12, 65536, 65536, ROLE_OTHER,
	    false },
	{ "arduino-portenta-h7", 1, "BT", "qspi", 0xFC0000, 0x90FC0000, 0x40000, 4, 65536, 65536, ROLE_OTHER, false },
	{ "arduino-nicla-vision", 0, "BOOTLOADER", "internal", 0x08000000, 0x08000000, 131072, 1, 131072, 131072,
	    ROLE_BOOTLOADER, true },
	{ "arduino-nicla-vision", 0, "FILESYSTEM", "internal", 0x08020000, 0x08020000, 131072, 1, 131072, 131072,
	    ROLE_FILESYSTEM, false },
	{ "arduino-nicla-vision", 0, "FIRMWARE", "internal", 0x08040000, 0x08040000, 1835008, 14, 131072, 131072,
	    ROLE_FIRMWARE, false },
	{ "arduino-nicla-vision", 1, "SPI_FLASH", "qspi", 0, 0x90000000, 0xB00000, 176, 65536, 65536, ROLE_FILESYSTEM,
	    false },
	{ "arduino-nicla-vision", 1, "ROMFS0", "qspi", 0xB00000, 0x90B00000, 0x400000, 64, 65536, 65536, ROLE_ROMFS,
	    false },
	{ "arduino-nicla-vision", 1, "WIFI", "qspi", 0xF00000, 0x90F00000, 0xC0000, 12, 65536, 65536, ROLE_OTHER,
	    false },
	{ "arduino-nicla-vision", 1, "BT", "qspi", 0xFC0000, 0x90FC0000, 0x40000, 4, 65536, 65536, ROLE_OTHER, false },
	{ "openmv-rt1062", 0, "BOOTLOADER", "flexspi", 0, 0x60000000, 262144, 64, 4096, 4096, ROLE_BOOTLOADER, true },
	{ "openmv-rt1062", 1, "FIRMWARE", "flexspi", 0x40000, 0x60040000, 3932160, 960, 4096, 4096, ROLE_FIRMWARE,
	    false },
	{ "openmv-rt1062", 2, "FILESYSTEM", "flexspi", 0x400000, 0x60400000, 4194304, 1024, 4096, 4096, ROLE_FILESYSTEM,
	    false },
	{ "openmv-rt1062", 3, "ROMFS0", "flexspi", 0x800000, 0x60800000, 8388608, 2048, 4096, 4096, ROLE_ROMFS, false },
};
#define LAYOUT_COUNT (sizeof layout / sizeof *layout)

static void test_partitions(void **state)
{
	(void)state;
	unsigned total = 0;
	for (unsigned i = 0; i < set.count; i++)
		total += set.boards[i].partition_count;
	assert_int_equal(total, LAYOUT_COUNT);
	for (unsigned i = 0; i < LAYOUT_COUNT; i++) {
		const struct board *b = board(layout[i].board);
		const struct partition *p = board_partition(b, layout[i].name);
		assert_non_null(p);
		assert_int_equal(p->alt, layout[i].alt);
		assert_string_equal(board_medium(b, p)->name, layout[i].medium);
		assert_int_equal(p->address, layout[i].address);
		assert_int_equal(p->mapped, layout[i].mapped);
		assert_int_equal(p->size, layout[i].size);
		assert_int_equal(p->role, layout[i].role);
		assert_int_equal(p->forbidden, layout[i].forbidden);
		assert_int_equal(p->readonly, p->role == ROLE_BOOTLOADER && b->dialect == DIALECT_OPENMV);
		assert_int_equal(p->readable, strcmp(p->name, "RECOVERY") != 0);
		assert_int_equal(partition_unit_count(p), layout[i].units);
		assert_int_equal(partition_unit(p, 0).size, layout[i].first);
		assert_int_equal(partition_unit(p, layout[i].units - 1).size, layout[i].last);
	}
}

/* Units follow each other without a gap, end with the partition, and are found again from every block. */
static void check_units(const struct partition *p)
{
	uint32_t at = 0, count = partition_unit_count(p);
	for (uint32_t u = 0; u < count; u++) {
		struct unit unit = partition_unit(p, u);
		assert_int_equal(unit.offset, at);
		assert_true(unit.size >= DFU_BLOCK && unit.size % DFU_BLOCK == 0);
		assert_int_equal(partition_unit_at(p, at), u);
		assert_int_equal(partition_unit_at(p, at + unit.size - 1), u);
		at += unit.size;
	}
	assert_int_equal(at, p->size);
	assert_int_equal(partition_unit(p, count).size, 0);
}

static void test_units(void **state)
{
	(void)state;
	for (unsigned i = 0; i < set.count; i++)
		for (unsigned k = 0; k < set.boards[i].partition_count; k++)
			check_units(&set.boards[i].partitions[k]);
	/* Erase units below a block are grouped. */
	struct partition p = { .size = 20480, .run_count = 2, .runs = { { 256, 48 }, { 8192, 1 } } };
	assert_int_equal(partition_unit_count(&p), 4);
	assert_int_equal(partition_unit(&p, 3).size, 8192);
	check_units(&p);
}

static const struct {
	const char *id;
	uint16_t dfu_pid, run_pid;
	enum usb_speed speed;
	uint32_t magic;
	unsigned erase_sizes;
	uint32_t erase_size, erase_ms;
	const char *mark;
} facts[] = {
	{ "openmv-ae3", 0x96e3, 0x16e3, USB_HIGH, 0x200FFFFC, 1, 4096, 24, "assumed" },
	{ "openmv-h7", 0x9204, 0x1204, USB_FULL, 0x2001FFFC, 1, 131072, 1100, "datasheet" },
	{ "openmv-h7-plus", 0x924a, 0x124a, USB_FULL, 0x2001FFFC, 2, 65536, 150, "datasheet" },
	{ "openmv-m4", 0x9202, 0x1202, USB_FULL, 0x1000FFFC, 3, 131072, 1000, "assumed" },
	{ "openmv-m7", 0x9203, 0x1203, USB_FULL, 0x2001FFFC, 3, 262144, 2000, "assumed" },
	{ "openmv-n6", 0x9206, 0x1206, USB_HIGH, 0x3401FFFC, 1, 65536, 150, "datasheet" },
	{ "openmv-pure-thermal", 0x9205, 0x1205, USB_FULL, 0x2001FFFC, 2, 131072, 1100, "datasheet" },
};
#define FACT_COUNT (sizeof facts / sizeof *facts)

static void test_facts(void **state)
{
	(void)state;
	unsigned with_dfu = 0;
	for (unsigned i = 0; i < set.count; i++)
		with_dfu += set.boards[i].has_dfu && set.boards[i].dialect == DIALECT_OPENMV;
	assert_int_equal(with_dfu, FACT_COUNT);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		const struct board *b = board(facts[i].id);
		assert_int_equal(b->dialect, DIALECT_OPENMV);
		assert_int_equal(b->speed, facts[i].speed);
		assert_int_equal(b->boot_magic_address, facts[i].magic);
		assert_int_equal(b->boot_magic_value, 0xB00710AD);
		assert_int_equal(b->enumerate_window_ms, 1000);
		assert_int_equal(b->latch_window_ms, 1500);
		assert_int_equal(b->erase_time_count, facts[i].erase_sizes);
		assert_int_equal(board_erase_ms(b, facts[i].erase_size), facts[i].erase_ms);
		assert_int_equal(board_erase_ms(b, 12345), 0);
		assert_int_equal(board_erase_ms(b, 0), 0);
		assert_string_equal(b->times_mark, facts[i].mark);
		assert_ptr_equal(boards_by_dfu(&set, 0x37c5, facts[i].dfu_pid), b);
		assert_ptr_equal(boards_by_run(&set, 0x37c5, facts[i].run_pid), b);
	}
	assert_null(boards_by_dfu(&set, 0x37c5, 0x1204));
	assert_null(boards_by_run(&set, 0x37c5, 0x9204));
	assert_non_null(boards_by_run(&set, 0x1209, 0xabd1));
	assert_null(boards_find(&set, "openmv"));
	assert_null(board_partition(board("openmv-h7"), "romfs0"));
}

/* What is reached over SWD, and how it says who it is. */
static void test_swd(void **state)
{
	(void)state;
	char uid[UID_TEXT_SIZE];
	const struct board *h7p = board("openmv-h7-plus"), *rt = board("openmv-rt1062"), *n6 = board("openmv-n6");
	const uint32_t words[] = { 0x0033001F, 0x30335106, 0x34323437 },
		       blank[] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };
	for (unsigned i = 0; i < set.count; i++)
		assert_true(set.boards[i].swd.there && (set.boards[i].swd.has_uid != set.boards[i].swd.hybrid));
	assert_string_equal(h7p->swd.config, "openmv-h7-plus.cfg");
	assert_true(h7p->swd.has_dpidr && h7p->swd.dpidr == 0x6BA02477);
	assert_int_equal(h7p->swd.media[0].backend, SWD_BACKEND_STM32H7);
	assert_int_equal(h7p->swd.media[1].backend, SWD_BACKEND_QUADSPI);
	assert_int_equal(h7p->swd.media[1].mapped_tail_wedge, 512);
	assert_int_equal(h7p->swd.core, SWD_CORE_M7);
	assert_true(n6->swd.hybrid && n6->has_dfu);
	assert_true(board_uid_from_words(h7p, words, uid));
	assert_string_equal(uid, "34323437303351060033001f");
	assert_false(board_uid_from_words(h7p, blank, uid));
	assert_true(board_uid_from_words(rt, words, uid));
	assert_string_equal(uid, "1f00330006513330");
	assert_false(board_uid_from_words(n6, words, uid));
}

static void test_media(void **state)
{
	(void)state;
	const struct board *h7p = board("openmv-h7-plus"), *ae3 = board("openmv-ae3");
	const struct medium *internal = board_medium(h7p, board_partition(h7p, "FIRMWARE"));
	const struct medium *qspi = board_medium(h7p, board_partition(h7p, "ROMFS0"));
	const struct medium *mram = board_medium(ae3, board_partition(ae3, "HE"));
	assert_true(internal->erases && internal->write_once && !internal->block0_first);
	assert_int_equal(internal->program_bytes, 32);
	assert_int_equal(internal->program_us, 100);
	assert_true(qspi->erases && !qspi->write_once && !qspi->block0_first);
	assert_int_equal(qspi->program_bytes, 256);
	assert_int_equal(qspi->program_us, 400);
	assert_true(!mram->erases && !mram->write_once && mram->block0_first);
	assert_int_equal(mram->program_bytes, 16);
	assert_int_equal(mram->program_us, 5);
}

static void test_alignment(void **state)
{
	(void)state;
	static const struct {
		const char *board, *path;
		uint32_t align;
		bool model;
	} rows[] = {
		{ "openmv-n6", "model.tflite", 32, true },
		{ "openmv-n6", "a/b/MODEL.TFLite", 32, true },
		{ "openmv-n6", "x.onnx", 32, true },
		{ "openmv-n6", "x.bin", 32, false },
		{ "openmv-n6", "v1.0/net.lite", 32, true },
		{ "openmv-n6", "a.b.tflite", 4, false }, /* its complete suffix is b.tflite */
		{ "openmv-n6", "dir.tflite/labels.txt", 4, false },
		{ "openmv-n6", "tflite", 4, false },
		{ "openmv-n6", ".tflite", 32, true },
		{ "openmv-n6", "", 4, false },
		{ "openmv-h7", "model.tflite", 16, true },
		{ "openmv-h7", "x.onnx", 4, true },
		{ "openmv-ae3", "x.bin", 16, false },
	};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool model = !rows[i].model;
		assert_int_equal(board_alignment(board(rows[i].board), rows[i].path, &model), rows[i].align);
		assert_int_equal(model, rows[i].model);
		assert_int_equal(board_alignment(board(rows[i].board), rows[i].path, NULL), rows[i].align);
	}
}

static void test_mpy_cross(void **state)
{
	(void)state;
	assert_int_equal(board("openmv-m4")->mpy_count, 1);
	assert_string_equal(board("openmv-m4")->mpy[0], "-march=armv7emsp");
	assert_string_equal(board("openmv-n6")->mpy[0], "-march=armv7emdp");
}

static void test_firmware(void **state)
{
	(void)state;
	static const struct {
		const char *board, *partition;
		uint32_t stack, reset;
		bool fits;
	} rows[] = {
		{ "openmv-m4", "FIRMWARE", 0x10010000, 0x08012345, true },
		{ "openmv-m7", "FIRMWARE", 0x00004000, 0x08020201, true },
		{ "openmv-h7", "FIRMWARE", 0x00010000, 0x08040201, true },
		{ "openmv-h7", "FIRMWARE", 0x24080000, 0x08040201, true },
		{ "openmv-h7-plus", "FIRMWARE", 0x00010000, 0x081FFFFD, true },
		{ "openmv-n6", "FIRMWARE", 0x34100000, 0x70080401, true },
		{ "openmv-ae3", "HP", 0x00040000, 0x80020401, true },
		{ "openmv-ae3", "HE", 0x00040000, 0x80320401, true },
		{ "openmv-ae3", "HE", 0x00040000, 0x80020401, false },      /* the other core's */
		{ "openmv-h7", "FIRMWARE", 0x00000000, 0x08040201, false }, /* blanked */
		{ "openmv-h7", "FIRMWARE", 0xFFFFFFFF, 0xFFFFFFFF, false },
		{ "openmv-h7", "FIRMWARE", 0x00010004, 0x08040201, false }, /* behind ITCM */
		{ "openmv-h7", "FIRMWARE", 0x0000FFFE, 0x08040201, false },
		{ "openmv-h7", "FIRMWARE", 0x00010000, 0x08040200, false }, /* not Thumb */
		{ "openmv-h7", "FIRMWARE", 0x00010000, 0x08000201, false }, /* the bootloader */
		{ "openmv-h7", "FIRMWARE", 0x00010000, 0x081E0001, false }, /* behind the firmware */
		{ "openmv-h7", "FIRMWARE", 0x00010000, 0x70080401, false }, /* an N6's image */
		{ "openmv-h7", "ROMFS0", 0x00010000, 0x081E0001, false },
	};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct board *b = board(rows[i].board);
		const struct partition *p = board_partition(b, rows[i].partition);
		if (board_firmware_fits(b, p, rows[i].stack, rows[i].reset) != rows[i].fits)
			fail_msg("row %u", i);
	}
}

static void test_serials(void **state)
{
	(void)state;
	char uid[UID_TEXT_SIZE] = "", run[13];
	const struct board *n6 = board("openmv-n6"), *ae3 = board("openmv-ae3");
	/* A published pair of one Portenta: its bootloader gives the words the other way round. */
	struct board portenta = *n6;
	portenta.uid_rule = UID_WORDS_UP;
	assert_true(board_uid_from_serial(&portenta, "0033001F3033510634323437", uid));
	assert_string_equal(uid, "34323437303351060033001f");
	board_run_serial(uid, run);
	assert_string_equal(run, "346534563033");
	assert_true(board_run_serial_fits(&portenta, uid, "346534563033"));
	/* The same chip behind OpenMV's bootloader. */
	assert_true(board_uid_from_serial(n6, "34323437303351060033001F", uid));
	assert_string_equal(uid, "34323437303351060033001f");
	assert_true(board_run_serial_fits(n6, uid, "346534563033"));
	assert_false(board_run_serial_fits(n6, uid, "346534563034"));
	assert_false(board_run_serial_fits(n6, uid, "34653456303"));
	assert_false(board_run_serial_fits(n6, uid, ""));
	assert_true(board_uid_from_serial(n6, "ABCDEFabcdef000000000001", uid));
	assert_string_equal(uid, "abcdefabcdef000000000001");
	board_run_serial(uid, run); /* sums of bytes wrap: b10 + b2 = cd + 00, b8 + b0 = ab + 01 */
	assert_string_equal(run, "ABCDEFACCDEF");
	assert_true(board_run_serial_fits(n6, uid, "abcdefaccdef"));
	assert_true(board_uid_from_serial(ae3, "00112233445566778899AABB", uid));
	assert_string_equal(uid, "00112233445566778899aabb");
	assert_true(board_run_serial_fits(ae3, uid, "whatever"));
	strcpy(uid, "kept");
	static const char *const malformed[] = { "", "0033001F303351063432343", "0033001F30335106343234377",
		"0033001F30335106343234 7", "0033001G3033510634323437", "000000000000000000000000",
		"FFFFFFFFFFFFFFFFFFFFFFFF", "0x33001F3033510634323437" };
	for (unsigned i = 0; i < sizeof malformed / sizeof *malformed; i++)
		assert_false(board_uid_from_serial(n6, malformed[i], uid));
	assert_string_equal(uid, "kept");
}

/* Each row breaks one rule of a shipped file. */
static const struct {
	const char *file, *find, *put, *message;
} broken[] = {
	{ "openmv-m4", "{\n\t\"id\"", "[{\n\t\"id\"", "line 65, column 1: ',' or ']' must stand here" },
	{ "openmv-m4", "\"mcu\"", "\"mcus\"", "there is no key \"mcus\" here" },
	{ "openmv-m4", "\"mcu\": \"STM32F427\",", "", "\"mcu\" is missing" },
	{ "openmv-m4", "\"STM32F427\"", "\"\"", "\"mcu\" must be printable ASCII, not empty and not that long" },
	{ "openmv-m4", "\"STM32F427\"", "\"STM32\\u00e9\"",
	    "\"mcu\" must be printable ASCII, not empty and not that long" },
	{ "openmv-m4", "\"openmv-m4\"", "\"OpenMV\"", "\"id\" may hold lower-case letters, digits and '-' only" },
	{ "openmv-m4", "37c5:9202", "37C5:9202", "\"dfu\" must be vid:pid, eight lower-case hexadecimal digits" },
	{ "openmv-m4", "1209:abd1", "1209", "\"run_legacy\" must be a short list of vid:pid" },
	{ "openmv-m4", "\"full\"", "\"super\"", "\"speed\" is none of the words that may stand there" },
	{ "openmv-m4", "\"0x0103\"", "\"0x10103\"",
	    "\"current\" must be a hexadecimal number like \"0x0103\" within its range" },
	{ "openmv-m4", "\"0x0103\"", "\"0x\"",
	    "\"current\" must be a hexadecimal number like \"0x0103\" within its range" },
	{ "openmv-m4", "\"transfer_size\": 4096", "\"transfer_size\": 2048",
	    "\"transfer_size\" must be a whole number from 4096 to 4096" },
	{ "openmv-ae3", "\"any\"", "\"stm32\"", "\"run\" cannot be stm32 where the uid is not of an STM32" },
	{ "openmv-m4", "\"65536\": 550, ", "",
	    "partition 3: \"erase\" has a unit size without a time in \"erase_ms\"" },
	{ "openmv-m4", "\"65536\": 550", "\"64K\": 550",
	    "\"erase_ms\" must have sizes in bytes, in decimal, as its keys" },
	{ "openmv-m4", "\"65536\": 550", "\"65536\": 0",
	    "\"erase_ms\" must have whole milliseconds, at least 1, as its values" },
	{ "openmv-m4", "\"return_ms\": 60000", "\"return_ms\": 2000", "\"return_ms\" must be more than boot_ms" },
	{ "openmv-m4", "\"assumed\"", "\"guessed\"", "\"mark\" is none of the words that may stand there" },
	{ "openmv-ae3", "\"program_bytes\": 16", "\"program_bytes\": 15",
	    "medium 1: \"program_bytes\" must divide 4096" },
	{ "openmv-ae3", "\"write_once\": false", "\"write_once\": true",
	    "medium 1: \"write_once\" makes no sense where nothing erases" },
	{ "openmv-ae3", "\"name\": \"ospi\"", "\"name\": \"mram\"", "medium 2: \"name\" of a medium stands twice" },
	{ "openmv-m4", "\"medium\": \"internal\"", "\"medium\": \"qspi\"",
	    "partition 1: \"medium\" names no medium of this board" },
	{ "openmv-m4", "\"0x08008000\", \"mapped\"", "\"0x08008001\", \"mapped\"",
	    "partition 2: \"address\" and \"mapped\" and \"size\" must be multiples of 4096" },
	{ "openmv-m4", "\"mapped\": \"0x080E0000\"", "\"mapped\": \"0xFFFF0000\"",
	    "partition 4: \"size\" reaches beyond 32 bits" },
	{ "openmv-m4", "[131072, 6]", "[131072, 5]", "partition 3: \"erase\" does not cover the size exactly" },
	{ "openmv-m4", "[131072, 6]", "[131072, 7]", "partition 3: \"erase\" does not cover the size exactly" },
	{ "openmv-m4", "[[65536, 1], [131072, 6]]", "[[131072, 6], [65536, 1]]",
	    "partition 3: \"erase\" has a unit that does not start on a multiple of its size" },
	{ "openmv-m4", "[131072, 6]", "[5000, 6]",
	    "partition 3: \"erase\" has a unit that neither is made of 4096-byte blocks nor makes them up" },
	{ "openmv-m4", "[131072, 6]", "[131072]", "partition 3: \"erase\" must be a list of [size, count]" },
	{ "openmv-m4", "[131072, 6]", "{\"a\": 131072, \"b\": 6}",
	    "partition 3: \"erase\" must be a list of [size, count]" },
	{ "openmv-ae3", "\"erase\": []", "\"erase\": [[4096, 32]]",
	    "partition 1: \"erase\" must be empty where the medium does not erase" },
	{ "openmv-m4", "\"name\": \"FILESYSTEM\"", "\"name\": \"BOOTLOADER\"", "partition 2: \"name\" stands twice" },
	{ "openmv-m4", "\"alt\": 1,", "\"alt\": 0,", "partition 2: \"alt\" stands twice" },
	{ "openmv-m4", "\"role\": \"filesystem\"", "\"role\": \"firmware\"",
	    "partition 3: \"role\" firmware stands twice; further cores are cofirmware" },
	{ "openmv-ae3", "\"romfs_index\": 0", "\"romfs_index\": 1", "partition 7: \"romfs_index\" stands twice" },
	{ "openmv-m4", "\"romfs_index\": null", "\"romfs_index\": 0",
	    "partition 1: \"romfs_index\" must be null where the role is not romfs" },
	{ "openmv-m4", "\"romfs_index\": 0", "\"romfs_index\": null",
	    "partition 4: \"romfs_index\" must be a whole number" },
	{ "openmv-m4", "\"readonly\": true, \"forbidden\": true", "\"readonly\": true, \"forbidden\": false",
	    "partition 1: \"forbidden\" must be true where the bootloader refuses writes" },
	{ "openmv-m4", "\"readonly\": true, \"forbidden\": true", "\"readonly\": false, \"forbidden\": false",
	    "partition 1: \"forbidden\" must be true for a bootloader" },
	{ "openmv-ae3", "\"forbidden\": true, \"readable\": false", "\"forbidden\": false, \"readable\": false",
	    "partition 8: \"readable\" must be true where a recipe may write" },
	{ "openmv-m4", "\"mapped\": \"0x08010000\"", "\"mapped\": null",
	    "partition 3: \"mapped\" must say where firmware runs" },
	{ "openmv-m4", "[\"0x10000000\", 65536]", "[\"0x10000000\"]",
	    "\"stack\" must be a list of [\"0xSTART\", size]" },
	{ "openmv-m4", "\"code\": [[\"0x08010000\", 851968]]", "\"code\": []", "\"code\" is empty" },
	{ "openmv-m4", "\"align\": 16", "\"align\": 24", "\"align\" must be a power of two" },
	{ "openmv-m4", "\"default\": 4", "\"default\": 6", "\"default\" must be a power of two" },
	{ "openmv-m4", "\"tflite\": {", "\"TFLITE\": {",
	    "\"by_suffix\" must have short lower-case suffixes as its keys" },
	{ "openmv-m4", "\"-march=armv7emsp\"", "\"march\"",
	    "\"mpy_cross\" must be a list of short arguments that start with '-'" },
	{ "openmv-m4", "\"-march=armv7emsp\"", "7",
	    "\"mpy_cross\" must be a list of short arguments that start with '-'" },
	{ "openmv-m4", "\"-march=armv7emsp\"", "\"-march= x\"",
	    "\"mpy_cross\" must be a list of short arguments that start with '-'" },
	{ "openmv-m4", "\"-march=armv7emsp\"", "\"-0123456789012345678901234567890\"",
	    "\"mpy_cross\" must be a list of short arguments that start with '-'" },
	{ "openmv-m4", "\"-march=armv7emsp\"", "\"-a\",\"-a\",\"-a\",\"-a\",\"-a\",\"-a\",\"-a\",\"-a\",\"-a\"",
	    "\"mpy_cross\" has too many arguments" },
	{ "openmv-m4", "\"swd\": {", "\"swt\": {", "there is no key \"swt\" here" },
	{ "openmv-rt1062", "\"bootloader\": null", "\"bootloader\": {}",
	    "\"bootloader\" and \"dfu\" must both be there, or both be null" },
	{ "openmv-m4", "\"config\": \"stm32f4.cfg\"", "\"config\": \"../stm32f4.cfg\"",
	    "swd: \"config\" must be a file name of letters, digits, '.', '_' and '-'" },
	{ "openmv-m4", "\"config\": \"stm32f4.cfg\"", "\"config\": \"stm32f4.cfg; exec\"",
	    "swd: \"config\" must be a file name of letters, digits, '.', '_' and '-'" },
	{ "openmv-m4", "\"hybrid\": false, ", "", "swd: \"hybrid\" is missing" },
	{ "openmv-m4", "\"mark\": \"modelled\"", "\"mark\": \"sure\"",
	    "swd: \"mark\" is none of the words that may stand there" },
	{ "openmv-m4", "\"value\": \"0x00000419\"", "\"value\": \"0x00001419\"",
	    "swd: \"value\" has bits that the mask leaves out" },
	{ "openmv-m4", "\"0xE0042000\"", "\"0xE0042001\"", "swd: \"address\" must be a multiple of 4" },
	{ "openmv-m4", "\"0x1FFF7A22\"", "\"0x1FFF7A23\"", "swd: \"address\" must be even" },
	{ "openmv-m4", "\"words\": 3", "\"words\": 2", "swd: \"words\" must be a whole number from 3 to 3" },
	{ "openmv-m4", "\"stride\": 4", "\"stride\": 6", "swd: \"stride\" must be a multiple of 4" },
	{ "openmv-m4", "\"uid\": {\"address\": \"0x1FFF7A10\", \"words\": 3, \"stride\": 4}", "\"uid\": null",
	    "swd: \"uid\" may be null only where the rest goes over DFU" },
	{ "openmv-m4", "\"core\": \"m4\"", "\"core\": \"m0\"",
	    "swd: \"core\" is none of the words that may stand there" },
	{ "openmv-m4", "\"buffers\": \"0x20008000\"", "\"buffers\": \"0x20007000\"",
	    "swd: \"buffers\" overlap the agent's own memory" },
	{ "openmv-m4", "\"load\": \"0x20000000\"", "\"load\": \"0xFFFFF000\"",
	    "swd: \"load_size\" reaches beyond 32 bits" },
	{ "openmv-m4", "\"internal\": {\"backend\"", "\"qspi\": {\"backend\"",
	    "swd: \"media\" of SWD must each name a medium of this board, once" },
	{ "openmv-m4", "\"backend\": \"stm32f4\"", "\"backend\": \"\"",
	    "swd: \"backend\" is none of the words that may stand there" },
	{ "openmv-m4", "\"stock\": true", "\"stock\": 1", "swd: \"stock\" must be true or false" },
	{ "openmv-h7", "\"bank_size\": 1048576", "\"bank_size\": 1",
	    "swd: \"bank_size\" must be a whole number from 4096 to 1073741824" },
	{ "openmv-rt1062", "\"hybrid\": false", "\"hybrid\": true",
	    "swd: \"hybrid\" makes no sense without a DFU bootloader" },
};

/* The file with the first `find` replaced; the caller frees. */
static char *mutated(const char *id, const char *find, const char *put)
{
	char path[128], *out = NULL;
	struct err e = ERR_INIT;
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	snprintf(path, sizeof path, "fixtures/boards/%s.json", id);
	if (!file_read(path, BOARDS_MAX_FILE, &data, &size, &e))
		fail_msg("%s", e.msg);
	char *text = (char *)data, *at = strstr(text, find);
	if (!at)
		fail_msg("%s does not hold %s", id, find);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, put, at + strlen(find)) > 0);
	return out;
}

static void test_rules(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct board b;
		struct err e = ERR_INIT;
		AUTO_FREE char *text = mutated(broken[i].file, broken[i].find, broken[i].put);
		if (board_parse(span_of(text, strlen(text)), &b, &e))
			fail_msg("got through: %s", broken[i].message);
		assert_string_equal(e.msg, broken[i].message);
		assert_int_equal(e.code, CODE_BOARD_INVALID);
	}
}

static void write_board(const char *folder, const char *name, const char *text)
{
	char path[128];
	struct err e = ERR_INIT;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!file_write_atomic(path, span_of(text, strlen(text)), 0600, &e))
		fail_msg("%s", e.msg);
}

static void refuse_folder(const char *folder, enum code code, const char *part)
{
	struct board_set none;
	struct err e = ERR_INIT;
	assert_false(boards_load(folder, &none, &e));
	assert_int_equal(e.code, code);
	if (!strstr(e.msg, part))
		fail_msg("%s", e.msg);
	assert_null(none.boards);
	assert_int_equal(none.count, 0);
	boards_clear(&none);
}

static void test_loading(void **state)
{
	(void)state;
	char folder[] = "/tmp/t_board.XXXXXX", command[64];
	struct err e = ERR_INIT;
	struct board_set two;
	AUTO_FREE char *m4 = mutated("openmv-m4", "}", "}"), *twin = mutated("openmv-m4", "openmv-m4", "openmv-m4b");
	AUTO_FREE char *other = mutated("openmv-m7", "}", "}");
	assert_non_null(mkdtemp(folder));
	refuse_folder("/tmp/t_board.none", CODE_FILE_FAILED, "/tmp/t_board.none");
	refuse_folder(folder, CODE_BOARD_INVALID, "holds no board file");
	write_board(folder, "openmv-m7.json", other);
	write_board(folder, "openmv-m4.json", m4);
	write_board(folder, "README.md", "not a board");
	assert_true(boards_load(folder, &two, &e));
	assert_int_equal(two.count, 2);
	assert_string_equal(two.boards[0].id, "openmv-m4");
	boards_clear(&two);
	write_board(folder, "openmv-m4b.json", twin);
	refuse_folder(folder, CODE_BOARD_INVALID, "openmv-m4b.json has the bootloader id of openmv-m4");
	write_board(folder, "openmv-m4b.json", m4);
	refuse_folder(folder, CODE_BOARD_INVALID, "must be called by its id, openmv-m4.json");
	write_board(folder, "openmv-m4b.json", "{}");
	refuse_folder(folder, CODE_BOARD_INVALID, "openmv-m4b.json: \"id\" is missing");
	AUTO_FREE char *big = malloc(BOARDS_MAX_FILE + 2);
	assert_non_null(big);
	memset(big, ' ', BOARDS_MAX_FILE + 1);
	big[BOARDS_MAX_FILE + 1] = '\0';
	write_board(folder, "openmv-m4b.json", big);
	refuse_folder(folder, CODE_TOO_LARGE, "openmv-m4b.json");
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_swd),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_mpy_cross),
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_loading),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
