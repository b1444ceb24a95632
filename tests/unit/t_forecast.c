/* The forecast against values worked out by hand: packets of a camera's transfers, cameras that wait for one wire, and
 * what a fixture yields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/forecast.h"
#include "format/wire.h"

#include "board_files.h"

/* 13 packets of a full-speed frame, 26 of a high-speed microframe; in seconds */
#define FULL(packets) ((packets) / 13.0 / 1e3)
#define HIGH(packets) ((packets) / 26.0 * 125e-6)

/* What the station makes of an image of 0x5a bytes in ROMFS0. */
static const struct {
	const char *board;
	uint32_t length;
	bool compare;
	unsigned give_up;
	double changed;
	double phases[FORECAST_PHASES], erase, program;
	uint32_t written, skipped, blocks;
} rows[] = {
	/* identify: UPLOAD 66, serial and 5 names 6 * 3, bootloader 2 + 32 * 66, size 2 + 66 + 3; compare: 2 units;
	 * write: 18 blocks of 66 + 3 + 3 packets, 3 erases, 18 * 16 pages; the last two packets tell it to leave */
	{ "openmv-h7-plus", 65537, true, 4, 1,
	    { FULL(2269), FULL(2 + 2 * 66), FULL(2 + 18 * 72 + 5) + 0.45 + 0.1152, FULL(2 + 17 * 66), FULL(2) + 2.0 },
	    0.45, 0.1152, 2, 0, 18 },
	/* not compared */
	{ "openmv-h7-plus", 65537, false, 0, 1,
	    { FULL(2269), 0, FULL(2 + 18 * 72 + 5) + 0.45 + 0.1152, FULL(2 + 17 * 66), FULL(2) + 2.0 }, 0.45, 0.1152, 2,
	    0, 18 },
	/* nothing differs: read once, written never */
	{ "openmv-h7-plus", 65537, true, 4, 0, { FULL(2269), FULL(2 + 17 * 66), 0, 0, FULL(2) + 2.0 }, 0, 0, 0, 2, 0 },
	/* 6 units, all different: the compare pass gives up after 4 */
	{ "openmv-n6", 6 * 65536, true, 4, 1,
	    { HIGH(66 + 15 + 2 + 128 * 66 + 71), HIGH(2 + 4 * 66), HIGH(2 + 97 * 72 + 5) + 7 * 0.15 + 97 * 16 * 4e-4,
		HIGH(2 + 96 * 66), HIGH(2) + 2.0 },
	    7 * 0.15, 97 * 16 * 4e-4, 6, 0, 97 },
	/* delta = yes: it does not give up */
	{ "openmv-n6", 6 * 65536, true, 0, 1,
	    { HIGH(66 + 15 + 2 + 128 * 66 + 71), HIGH(2 + 6 * 66), HIGH(2 + 97 * 72 + 5) + 7 * 0.15 + 97 * 16 * 4e-4,
		HIGH(2 + 96 * 66), HIGH(2) + 2.0 },
	    7 * 0.15, 97 * 16 * 4e-4, 6, 0, 97 },
	/* half of them: units 1, 3 and 5, and with them unit 0 */
	{ "openmv-n6", 6 * 65536, true, 4, 0.5,
	    { HIGH(66 + 15 + 2 + 128 * 66 + 71), HIGH(2 + 3 * 66 + 3 * 16 * 66),
		HIGH(2 + 65 * 72 + 5) + 5 * 0.15 + 65 * 16 * 4e-4, HIGH(2 + 96 * 66), HIGH(2) + 2.0 },
	    5 * 0.15, 65 * 16 * 4e-4, 4, 2, 65 },
	/* DfuSe: its commands, serial and 4 names; in front of each read 6 requests of 15 packets; three erases of 16
	 * sectors, a command of 9 packets each, and an address behind each erase; 18 blocks */
	{ "arduino-giga", 65537, true, 4, 1,
	    { FULL(3 + 15 + 15 + 32 * 66), FULL(2 * (15 + 66)), FULL(4 + 3 * 17 * 9 + 18 * 72) + 48 * 0.045 + 0.1152,
		FULL(15 + 17 * 66), FULL(2) + 32.0 },
	    48 * 0.045, 0.1152, 2, 0, 18 },
};

static void near(double got, double want)
{
	if (got - want > 1e-6 || want - got > 1e-6)
		fail_msg("got %.9f, want %.9f", got, want);
}

static void test_unit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e = ERR_INIT;
		const struct board *b = boards_find(&set, rows[i].board);
		AUTO_FREE uint8_t *image = malloc(rows[i].length);
		assert_non_null(image);
		memset(image, 0x5a, rows[i].length);
		const struct region r = { .partition = board_partition(b, "ROMFS0"),
			.image = span_of(image, rows[i].length) };
		const struct forecast_work w = { b, &r, 1, rows[i].compare, rows[i].give_up, rows[i].changed };
		struct forecast_unit u;
		double total = 0, legs = 0;
		assert_true(forecast_unit(&w, &u, &e));
		for (unsigned k = 0; k < FORECAST_PHASES; k++) {
			near(u.phases[k], rows[i].phases[k]);
			total += rows[i].phases[k];
		}
		for (uint32_t k = 0; k < u.leg_count; k++)
			legs += (u.legs[k].wire_ns + u.legs[k].busy_ns) / 1e9;
		near(u.total, total);
		near(legs, total);
		near(u.wire + u.erase + u.program + u.restart, total);
		near(u.erase, rows[i].erase);
		near(u.program, rows[i].program);
		assert_int_equal(u.units_written, rows[i].written);
		assert_int_equal(u.units_skipped, rows[i].skipped);
		assert_int_equal(u.blocks, rows[i].blocks);
		near(forecast_together(&u, 1), total);
		forecast_clear(&u);
		forecast_clear(&u);
	}
}

/* MRAM is not erased and takes 256 operations of 5 us for a block. */
static void test_mram(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	const struct board *b = boards_find(&set, "openmv-ae3");
	uint8_t image[8192];
	memset(image, 1, sizeof image);
	const struct region r = { .partition = board_partition(b, "ROMFS1"), .image = span_of(image, sizeof image) };
	const struct forecast_work w = { b, &r, 1, false, 0, 1 };
	struct forecast_unit u;
	assert_true(forecast_unit(&w, &u, &e));
	near(u.erase, 0);
	near(u.program, 3 * 256 * 5e-6);
	forecast_clear(&u);
}

/* Two cameras, a wire: 0-10 A, 10-20 B, 20-30 A (busy to 130), 30-40 B (busy to 140). */
static void test_together(void **state)
{
	(void)state;
	struct forecast_leg legs[] = { { 10, 0 }, { 10, 100 } };
	const struct forecast_unit u = { .legs = legs, .leg_count = 2, .total = 120e-9 };
	near(forecast_together(&u, 1) * 1e9, 120);
	near(forecast_together(&u, 2) * 1e9, 140);
	near(forecast_together(&u, 3) * 1e9, 160);
	/* one that is busy leaves the wire to the others */
	struct forecast_leg busy[] = { { 10, 30 }, { 10, 0 } };
	const struct forecast_unit v = { .legs = busy, .leg_count = 2, .total = 50e-9 };
	near(forecast_together(&v, 2) * 1e9, 60);
	near(forecast_together(&v, 4) * 1e9, 80);
}

static void test_yield(void **state)
{
	(void)state;
	struct forecast_leg legs[] = { { 1e9, 3e9 }, { 2e9, 0 } };
	const struct forecast_unit u = {
		.legs = legs, .leg_count = 2, .total = 6, .wire = 3, .erase = 2, .program = 1
	};
	const struct board *full = boards_find(&set, "openmv-h7-plus"), *high = boards_find(&set, "openmv-n6");
	struct forecast_line l = { .hubs = 1, .slots = { 3 } };
	/* each on its own wire */
	struct forecast_yield y = forecast_line(&u, full, &l);
	assert_int_equal(y.slots, 3);
	near(y.seconds, 6);
	near(y.units_per_hour, 1800);
	assert_int_equal(y.limit, LIMIT_FLASH);
	/* one wire: 0-1 A, 1-2 B, 2-3 C, 4-6 A, 6-8 B, 8-10 C; high-speed cameras need no translator */
	l.shared = true;
	y = forecast_line(&u, full, &l);
	near(y.seconds, 10);
	near(y.units_per_hour, 1080);
	assert_int_equal(y.limit, LIMIT_SHARED_WIRE);
	near(forecast_line(&u, high, &l).seconds, 6);
	/* a hub more: 2 and 1 */
	assert_true(forecast_add_hub(&l));
	y = forecast_line(&u, full, &l);
	near(y.seconds, 8);
	near(y.units_per_hour, 3600 * (2 / 8.0 + 1 / 6.0));
	/* a slot more, where there is one only */
	assert_true(forecast_add_slot(&l));
	assert_int_equal(l.slots[0], 2);
	assert_int_equal(l.slots[1], 2);
	near(forecast_line(&u, full, &l).units_per_hour, 3600 * (4 / 8.0));
	/* a person who takes 2 s for each: 4 / (8 + 2) a second; 4 s: no more than 1 / 4 */
	l.handling_s = 2;
	near(forecast_line(&u, full, &l).units_per_hour, 1440);
	l.handling_s = 4;
	y = forecast_line(&u, full, &l);
	near(y.units_per_hour, 900);
	assert_int_equal(y.limit, LIMIT_PERSON);
}

static void test_limits(void **state)
{
	(void)state;
	const struct board *b = boards_find(&set, "openmv-h7-plus");
	const struct forecast_line l = { .hubs = 1, .slots = { 1 } };
	struct forecast_unit u = { .total = 6, .wire = 3, .erase = 1, .program = 1, .restart = 1 };
	assert_string_equal(forecast_limit_word(forecast_line(&u, b, &l).limit), "wire");
	u.restart = 4;
	assert_string_equal(forecast_limit_word(forecast_line(&u, b, &l).limit), "restart");
	u.erase = 4;
	assert_string_equal(forecast_limit_word(forecast_line(&u, b, &l).limit), "flash");
	assert_string_equal(forecast_limit_word(LIMIT_SHARED_WIRE), "shared-wire");
	assert_string_equal(forecast_limit_word(LIMIT_PERSON), "person");
}

static void test_fixtures(void **state)
{
	(void)state;
	struct forecast_line l = { .hubs = 0 };
	struct line_file file = { .count = 5,
		.places = { { .path = "1-1.1" }, { .path = "1-1.2" }, { .path = "1-11.1" }, { .path = "2-1" },
		    { .path = "1-1.3" } } };
	forecast_places(&l, &file);
	assert_int_equal(l.hubs, 3);
	assert_int_equal(l.slots[0], 3);
	assert_int_equal(l.slots[1], 1);
	assert_int_equal(l.slots[2], 1);
	forecast_spread(&l, 10, 3);
	assert_int_equal(l.slots[0], 4);
	assert_int_equal(l.slots[1], 3);
	assert_int_equal(l.slots[2], 3);
	forecast_spread(&l, LINE_MAX_SLOTS, LINE_MAX_SLOTS);
	assert_false(forecast_add_hub(&l));
	assert_false(forecast_add_slot(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_mram),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_yield),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_fixtures),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
