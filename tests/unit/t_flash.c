/* The flash model: erase units, bits that only clear, write-once words, padding, times, cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/virtual/flash.h"

#include "board_files.h"

#define MS 1000000u

struct rig {
	const struct board *board;
	const struct partition *p;
	struct flash *f;
};

static struct rig rig_of(const char *board, const char *partition, double slowness)
{
	struct rig r = { .board = boards_find(&set, board) };
	assert_non_null(r.board);
	r.p = board_partition(r.board, partition);
	assert_non_null(r.p);
	r.f = flash_create(r.board, r.p->medium, slowness, CELLS_PRIVATE);
	assert_non_null(r.f);
	return r;
}

static enum flash_result put(struct rig *r, uint32_t offset, uint8_t value, uint32_t size, uint64_t now)
{
	static uint8_t data[DFU_BLOCK];
	memset(data, value, sizeof data);
	const struct flash_order order = { .address = r->p->address + offset, .data = data, .size = size };
	return flash_write(r->f, &order, now);
}

static uint8_t get(struct rig *r, uint32_t offset)
{
	uint8_t byte = 0;
	assert_true(flash_read(r->f, r->p->address + offset, &byte, 1));
	return byte;
}

static void is_blank_at_first(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-n6", "ROMFS0", 0);
	uint8_t last[4];
	assert_int_equal(get(&r, 0), 0xff);
	assert_true(flash_read(r.f, r.p->address + r.p->size - 4, last, 4));
	assert_int_equal(last[3], 0xff);
	assert_false(flash_read(r.f, r.p->address + r.p->size - 3, last, 4));
	flash_destroy(r.f);
}

static void only_clears_bits(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-n6", "ROMFS0", 0);
	assert_int_equal(put(&r, 4096, 0xf0, 4096, 0), FLASH_DONE);
	assert_int_equal(put(&r, 4096, 0x3c, 4096, 0), FLASH_DONE);
	assert_int_equal(get(&r, 4096), 0x30);
	flash_destroy(r.f);
}

static void erases_the_unit_that_a_write_starts(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-n6", "ROMFS0", 0);
	put(&r, 65536 + 4096, 0, 4096, 0);
	put(&r, 131072, 0, 4096, 0);
	assert_int_equal(put(&r, 65536, 0x12, 4096, 0), FLASH_DONE);
	assert_int_equal(get(&r, 65536), 0x12);
	assert_int_equal(get(&r, 65536 + 4096), 0xff);
	assert_int_equal(get(&r, 131072), 0);
	flash_destroy(r.f);
}

static void follows_mixed_erase_maps(void **state)
{
	(void)state;
	/* M4: FILESYSTEM two of 16K; FIRMWARE one of 64K, then 128K */
	struct rig r = rig_of("openmv-m4", "FIRMWARE", 0);
	uint64_t a = r.p->address;
	assert_true(flash_erases_at(r.f, a));
	assert_false(flash_erases_at(r.f, a + 0x8000));
	assert_true(flash_erases_at(r.f, a + 0x10000));
	assert_false(flash_erases_at(r.f, a + 0x20000));
	assert_true(flash_erases_at(r.f, a + 0x30000));
	r.p = board_partition(r.board, "FILESYSTEM");
	assert_true(flash_erases_at(r.f, r.p->address + 0x4000));
	put(&r, 0x4000, 0, 4096, 0);
	put(&r, 0, 0, 4096, 0);
	assert_int_equal(get(&r, 0x4000), 0); /* another unit: left alone */
	flash_destroy(r.f);
}

static void refuses_a_second_write_on_h7(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-h7", "ROMFS0", 0);
	assert_int_equal(put(&r, 0, 0x11, 4096, 0), FLASH_DONE);
	assert_int_equal(put(&r, 4096, 0xff, 4096, 0), FLASH_DONE);
	assert_int_equal(put(&r, 4096, 0x22, 4096, 0), FLASH_REFUSED); /* all ones count as written */
	assert_int_equal(get(&r, 4096), 0xff);
	assert_int_equal(put(&r, 0, 0x33, 4096, 0), FLASH_DONE); /* erases first */
	assert_int_equal(put(&r, 4096, 0x22, 4096, 0), FLASH_DONE);
	assert_int_equal(get(&r, 4096), 0x22);
	flash_destroy(r.f);
}

static void writes_what_precedes_a_refused_word(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-h7", "ROMFS0", 0);
	const uint8_t byte = 0x55;
	assert_true(flash_poke(r.f, r.p->address + 8192 + 64, &byte, 1));
	assert_int_equal(put(&r, 8192, 0x22, 4096, 0), FLASH_REFUSED);
	assert_int_equal(get(&r, 8192 + 63), 0x22);
	assert_int_equal(get(&r, 8192 + 64), 0x55);
	assert_int_equal(get(&r, 8192 + 65), 0xff);
	flash_destroy(r.f);
}

static void skipped_erase_is_caught_where_silicon_catches_it(void **state)
{
	(void)state;
	static const struct {
		const char *board;
		enum flash_result result;
		uint8_t byte;
	} rows[] = { { "openmv-h7", FLASH_REFUSED, 0xf0 }, { "openmv-n6", FLASH_DONE, 0x30 },
		{ "openmv-m7", FLASH_DONE, 0x30 } };
	uint8_t data[DFU_BLOCK];
	memset(data, 0x3c, sizeof data);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r = rig_of(rows[i].board, "ROMFS0", 0);
		put(&r, 0, 0xf0, 4096, 0);
		const struct flash_order order = {
			.address = r.p->address, .data = data, .size = 4096, .skip_erase = true
		};
		assert_int_equal(flash_write(r.f, &order, 0), rows[i].result);
		assert_int_equal(get(&r, 0), rows[i].byte);
		flash_destroy(r.f);
	}
}

static void pads_the_tail_as_the_drivers_do(void **state)
{
	(void)state;
	static const struct {
		const char *board, *partition;
		uint32_t size, end; /* programmed up to there */
		uint8_t padding;
	} rows[] = {
		{ "openmv-h7", "ROMFS0", 33, 64, 0x00 }, { "openmv-m4", "ROMFS0", 5, 8, 0x00 },
		{ "openmv-m7", "ROMFS0", 6, 8, 0x00 }, { "openmv-n6", "ROMFS0", 33, 33, 0xff },
		{ "openmv-ae3", "ROMFS0", 33, 33, 0xff },
		{ "openmv-ae3", "ROMFS1", 33, 48, 0x77 }, /* bytes of an earlier transfer */
	};
	uint8_t data[DFU_BLOCK];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r = rig_of(rows[i].board, rows[i].partition, 0);
		memset(data, 0x77, sizeof data);
		const struct flash_order order = { .address = r.p->address, .data = data, .size = rows[i].size };
		assert_int_equal(flash_write(r.f, &order, 0), FLASH_DONE);
		assert_int_equal(get(&r, rows[i].size - 1), 0x77);
		if (rows[i].end > rows[i].size)
			assert_int_equal(get(&r, rows[i].end - 1), rows[i].padding);
		assert_int_equal(get(&r, rows[i].end), 0xff);
		flash_destroy(r.f);
	}
}

static void mram_is_overwritten(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-ae3", "ROMFS1", 0);
	assert_false(flash_erases_at(r.f, r.p->address));
	put(&r, 0, 0x00, 4096, 0);
	put(&r, 0, 0xa5, 4096, 0);
	assert_int_equal(get(&r, 4095), 0xa5);
	flash_destroy(r.f);
}

static void takes_the_board_files_time(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-n6", "ROMFS0", 1);
	put(&r, 0, 0, 4096, 1000);
	assert_int_equal(flash_erase_until(r.f), 1000 + 150u * MS);
	assert_int_equal(flash_busy_until(r.f), 1000 + 150u * MS + 16 * 400000);
	put(&r, 4096, 0, 256, 5);
	assert_int_equal(flash_busy_until(r.f), 5 + 400000);
	flash_destroy(r.f);
	r = rig_of("openmv-h7", "ROMFS0", 0.5);
	put(&r, 0, 0, 4096, 0);
	assert_int_equal(flash_busy_until(r.f), 550u * MS + 128 * 50000);
	flash_destroy(r.f);
	r = rig_of("openmv-h7", "ROMFS0", 0);
	put(&r, 0, 0, 4096, 77);
	assert_int_equal(flash_busy_until(r.f), 77);
	flash_destroy(r.f);
}

static void a_cut_tears_the_erase(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-n6", "ROMFS0", 1);
	put(&r, 0, 0, 4096, 0);
	put(&r, 4096, 0, 4096, 0);
	uint64_t begin = flash_busy_until(r.f);
	put(&r, 0, 0x12, 4096, begin);
	flash_cut(r.f, begin + 75u * MS);
	assert_int_equal(flash_busy_until(r.f), 0);
	unsigned blank = 0, zero = 0;
	for (uint32_t i = 0; i < 8192; i++) {
		blank += get(&r, i) == 0xff;
		zero += get(&r, i) == 0;
	}
	assert_in_range(blank, 0, 4000); /* neither old nor erased */
	assert_in_range(zero, 0, 4000);
	flash_destroy(r.f);
}

static void a_cut_tears_one_program_operation(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-n6", "ROMFS0", 1);
	put(&r, 4096, 0x00, 4096, 0);
	flash_cut(r.f, 3 * 400000 + 200000);
	unsigned whole = 0;
	for (uint32_t i = 0; i < 768; i++)
		assert_int_equal(get(&r, 4096 + i), 0);
	for (uint32_t i = 768; i < 1024; i++)
		whole += get(&r, 4096 + i) == 0;
	assert_in_range(whole, 0, 128);
	assert_int_equal(get(&r, 4096 + 1024), 0xff);
	flash_destroy(r.f);
}

static void a_cut_before_the_end_of_a_write_once_word_spends_it(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-h7", "ROMFS0", 1);
	put(&r, 4096, 0x00, 4096, 0);
	flash_cut(r.f, 50000); /* the first word is under way */
	assert_int_equal(put(&r, 4096, 0x00, 4096, 0), FLASH_REFUSED);
	assert_int_equal(put(&r, 8192, 0x00, 4096, 0), FLASH_DONE);
	flash_destroy(r.f);
}

static void refuses_what_leaves_the_medium(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-h7", "ROMFS0", 0);
	assert_int_equal(put(&r, r.p->size, 0, 4096, 0), FLASH_REFUSED);
	assert_int_equal(put(&r, r.p->size - 4096, 0, 4096, 0), FLASH_DONE);
	assert_int_equal(put(&r, 4096, 0, 0, 0), FLASH_REFUSED);
	assert_int_equal(put(&r, 4096, 0, 4097, 0), FLASH_REFUSED);
	flash_destroy(r.f);
}

static void pages_go_out_and_in(void **state)
{
	(void)state;
	struct rig r = rig_of("openmv-h7", "ROMFS0", 0), s = rig_of("openmv-h7", "ROMFS0", 0);
	put(&r, 4096, 0x42, 4096, 0);
	unsigned used = 0;
	for (uint32_t i = 0; i < flash_page_count(r.f); i++) {
		const uint8_t *page = flash_page(r.f, i);
		used += page != NULL;
		if (page)
			assert_true(flash_set_page(s.f, i, page));
	}
	assert_int_equal(used, 1);
	assert_int_equal(get(&s, 4096), 0x42);
	assert_int_equal(get(&s, 8192), 0xff);
	assert_int_equal(put(&s, 4096, 0x42, 32, 0), FLASH_REFUSED); /* what was written is known to be */
	assert_int_equal(put(&s, 8192, 0x42, 32, 0), FLASH_DONE);
	flash_destroy(r.f);
	flash_destroy(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_blank_at_first),
		cmocka_unit_test(only_clears_bits),
		cmocka_unit_test(erases_the_unit_that_a_write_starts),
		cmocka_unit_test(follows_mixed_erase_maps),
		cmocka_unit_test(refuses_a_second_write_on_h7),
		cmocka_unit_test(writes_what_precedes_a_refused_word),
		cmocka_unit_test(skipped_erase_is_caught_where_silicon_catches_it),
		cmocka_unit_test(pads_the_tail_as_the_drivers_do),
		cmocka_unit_test(mram_is_overwritten),
		cmocka_unit_test(takes_the_board_files_time),
		cmocka_unit_test(a_cut_tears_the_erase),
		cmocka_unit_test(a_cut_tears_one_program_operation),
		cmocka_unit_test(a_cut_before_the_end_of_a_write_once_word_spends_it),
		cmocka_unit_test(refuses_what_leaves_the_medium),
		cmocka_unit_test(pages_go_out_and_in),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
