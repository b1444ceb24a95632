/* Walks every pair of the state table: what is green, what is reachable, what cannot get stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "line/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool journal_event(unsigned e)
{
	return e == UE_PASS || e == UE_FAIL || e == UE_ERR || e == UE_ABORTED || e == UE_REFUSED || e == UE_LOST;
}

/* Green has one door, and only the journal opens it. */
static void passed_only_after_commit(void **state)
{
	(void)state;
	for (unsigned s = 0; s < US_COUNT; s++)
		for (unsigned e = 0; e < UE_COUNT; e++)
			if (unit_handles(s, e) && unit_next(s, e) == US_PASSED) {
				assert_int_equal(s, US_CONFIRMED);
				assert_int_equal(e, UE_PASS);
			}
}

/* Every verdict on a screen is one that the journal has taken. */
static void verdicts_only_after_commit(void **state)
{
	static const unsigned verdicts[] = { US_PASSED, US_FAILED, US_ERROR, US_ABORTED, US_REFUSED };
	(void)state;
	for (unsigned v = 0; v < sizeof verdicts / sizeof *verdicts; v++)
		for (unsigned s = 0; s < US_COUNT; s++)
			for (unsigned e = 0; e < UE_COUNT; e++)
				if (unit_handles(s, e) && unit_next(s, e) == verdicts[v])
					assert_true(journal_event(e));
}

/* The good path leads through every step, in order, and nothing but DONE goes forward on it. */
static void the_good_path_has_every_step(void **state)
{
	static const unsigned path[] = { US_PLUGGED, US_IDENTIFIED, US_ADMITTED, US_COMPARED, US_WRITTEN, US_READ_BACK,
		US_PROVED, US_RESTARTED, US_CONFIRMED };
	(void)state;
	assert_int_equal(unit_next(US_EMPTY, UE_BOOT), US_PLUGGED);
	for (unsigned i = 0; i + 1 < sizeof path / sizeof *path; i++) {
		assert_int_equal(unit_next(path[i], UE_DONE), path[i + 1]);
		for (unsigned s = 0; s < US_COUNT; s++)
			for (unsigned e = 0; e < UE_COUNT; e++)
				if (unit_handles(s, e) && unit_next(s, e) == path[i + 1]) {
					assert_int_equal(s, path[i]);
					assert_int_equal(e, UE_DONE);
				}
	}
}

/* Trouble ends every step before the verdict, and a person can stop each of them. */
static void every_step_can_fail(void **state)
{
	(void)state;
	for (unsigned s = 0; s < US_COUNT; s++) {
		if (!unit_busy(s) || s == US_CONFIRMED || s == US_ENDING)
			continue;
		assert_int_equal(unit_next(s, UE_TROUBLE), US_ENDING);
		assert_int_equal(unit_next(s, UE_ABORT), US_ENDING);
	}
}

/* A PASS that is being written cannot be aborted, retried or turned into anything by a camera. */
static void confirmed_waits_for_the_disk(void **state)
{
	(void)state;
	for (unsigned e = 0; e < UE_COUNT; e++)
		assert_int_equal(unit_handles(US_CONFIRMED, e), e == UE_PASS || e == UE_LOST);
}

/* Wherever a slot rests, the next camera starts an attempt. */
static void every_rest_takes_a_camera(void **state)
{
	(void)state;
	for (unsigned s = 0; s < US_COUNT; s++)
		if (!unit_busy(s))
			assert_int_equal(unit_next(s, UE_BOOT), US_PLUGGED);
		else
			assert_false(unit_handles(s, UE_BOOT));
}

/* A retry within an attempt starts from identifying, and never once the camera has left. */
static void again_starts_over(void **state)
{
	(void)state;
	for (unsigned s = 0; s < US_COUNT; s++)
		if (unit_handles(s, UE_AGAIN)) {
			assert_int_equal(unit_next(s, UE_AGAIN), US_PLUGGED);
			assert_true(unit_busy(s));
			assert_true(s < US_RESTARTED);
		}
}

/* From every state each busy one ends at rest when nothing but trouble and commits happen. */
static void nothing_is_a_trap(void **state)
{
	(void)state;
	for (unsigned s = 0; s < US_COUNT; s++) {
		bool reached[US_COUNT] = { false };
		bool rests = false;
		reached[s] = true;
		for (unsigned round = 0; round < US_COUNT; round++)
			for (unsigned from = 0; from < US_COUNT; from++)
				for (unsigned e = 0; reached[from] && e < UE_COUNT; e++)
					if (unit_handles(from, e))
						reached[unit_next(from, e)] = true;
		for (unsigned to = 0; to < US_COUNT; to++)
			rests = rests || (reached[to] && !unit_busy(to));
		assert_true(rests);
	}
}

/* An event without a row changes nothing. */
static void unhandled_events_change_nothing(void **state)
{
	(void)state;
	for (unsigned s = 0; s < US_COUNT; s++)
		for (unsigned e = 0; e < UE_COUNT; e++)
			if (!unit_handles(s, e))
				assert_int_equal(unit_next(s, e), s);
}

/* What --dump-states prints is the table, pair by pair. */
static void the_dump_is_the_table(void **state)
{
	char *text = NULL, line[128];
	size_t size = 0;
	unsigned rows = 0, handled = 0;
	(void)state;
	FILE *f = open_memstream(&text, &size);
	assert_non_null(f);
	unit_dump(f);
	fclose(f);
	for (char *c = text; *c; c++)
		rows += *c == '\n';
	for (unsigned s = 0; s < US_COUNT; s++)
		for (unsigned e = 0; e < UE_COUNT; e++) {
			if (!unit_handles(s, e))
				continue;
			handled++;
			snprintf(line, sizeof line, "\n%s %s %s\n", unit_state_name(s), unit_event_name(e),
			    unit_state_name(unit_next(s, e)));
			assert_non_null(strstr(text, line));
		}
	assert_int_equal(rows, handled + US_COUNT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passed_only_after_commit),
		cmocka_unit_test(verdicts_only_after_commit),
		cmocka_unit_test(the_good_path_has_every_step),
		cmocka_unit_test(every_step_can_fail),
		cmocka_unit_test(confirmed_waits_for_the_disk),
		cmocka_unit_test(every_rest_takes_a_camera),
		cmocka_unit_test(again_starts_over),
		cmocka_unit_test(nothing_is_a_trap),
		cmocka_unit_test(unhandled_events_change_nothing),
		cmocka_unit_test(the_dump_is_the_table),
	};
	return cmocka_run_group_tests_name("unit", tests, NULL, NULL);
}
