/* Faults by seed: every pair of point and deed that makes sense is drawn, everything drawn is a SPEC, and a seed always
 * draws the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "fixtures/virtual/draw.h"

#include "board_files.h"

#define SEEDS 20000

static struct fault draw(uint64_t seed, unsigned camera, const struct board *b)
{
	const struct draw_from from = { seed, 8, b, true };
	char spec[FAULT_SPEC_SIZE], again[FAULT_SPEC_SIZE];
	struct fault f;
	struct err e = ERR_INIT;
	fault_draw(&from, camera, spec);
	if (!fault_parse(spec, &f, &e))
		fail_msg("'%s': %s", spec, e.msg);
	fault_draw(&from, camera, again);
	assert_string_equal(spec, again);
	return f;
}

static void test_every_pair(void **state)
{
	(void)state;
	static unsigned drawn[AT_COUNT][DO_COUNT];
	unsigned block = 0, partition = 0, for_good = 0, later = 0;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct fault f = draw(seed, 1 + seed % 8, &set.boards[seed % set.count]);
		assert_int_equal(f.camera, 1 + seed % 8);
		drawn[f.at][f.deed]++;
		block += f.block >= 0;
		partition += *f.partition != '\0';
		for_good += f.times > 1000;
		later += f.nth > 10;
	}
	for (unsigned at = 0; at < AT_COUNT; at++)
		for (unsigned deed = 0; deed < DO_COUNT; deed++)
			if (!drawn[at][deed] == fault_fits((enum fault_point)at, (enum fault_deed)deed))
				fail_msg("at=%s do=%s was drawn %u times", fault_point_name((enum fault_point)at),
				    fault_deed_name((enum fault_deed)deed), drawn[at][deed]);
	assert_true(block > SEEDS / 50 && partition > SEEDS / 10 && for_good > SEEDS / 10 && later > SEEDS / 10);
}

static void test_cameras_differ(void **state)
{
	(void)state;
	unsigned same = 0;
	for (unsigned camera = 2; camera <= 8; camera++) {
		struct fault a = draw(1, 1, &set.boards[0]), b = draw(1, camera, &set.boards[0]);
		same += a.at == b.at && a.deed == b.deed && a.nth == b.nth;
	}
	assert_true(same < 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_cameras_differ),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
