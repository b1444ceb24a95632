/* The one line of a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/refusal.h"

#include <string.h>

static void sentence_then_action(void **state)
{
	char line[REFUSAL_SIZE];
	struct err e = ERR_INIT;
	(void)state;
	err_set(&e, CODE_UNSIGNED, "the recipe carries no signature.");
	refusal_text("stationctl", &e, line);
	assert_string_equal(
	    line, "stationctl: unsigned: the recipe carries no signature; have it signed: stationctl recipe sign");
}

static void capitals_stay(void **state)
{
	char line[REFUSAL_SIZE];
	struct err e = ERR_INIT;
	(void)state;
	err_set(&e, CODE_JOURNAL_FAILED, "no space");
	refusal_text("stationd", &e, line);
	assert_non_null(strstr(line, "; DO NOT SHIP. Call engineering"));
}

static void hostile_text_stays_on_its_line(void **state)
{
	char line[REFUSAL_SIZE];
	struct err e = ERR_INIT;
	(void)state;
	err_set(&e, CODE_FILE_FAILED, "cannot open a\nb\x1b[2J");
	refusal_text("stationd", &e, line);
	assert_null(strchr(line, '\n'));
	assert_null(strchr(line, 0x1b));
}

/* Every code gives a whole line: nothing is cut, nothing is empty. */
static void every_code_has_a_line(void **state)
{
	char line[REFUSAL_SIZE];
	(void)state;
	for (unsigned c = 0; c < CODE_COUNT; c++) {
		struct err e = { (enum code)c, "" };
		refusal_text("stationctl", &e, line);
		assert_true(strlen(line) < REFUSAL_SIZE - 1);
		assert_non_null(strstr(line, code_name((enum code)c)));
		assert_int_equal(code_from_name(code_name((enum code)c)), c);
		assert_true(strlen(code_sentence((enum code)c)) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentence_then_action),
		cmocka_unit_test(capitals_stay),
		cmocka_unit_test(hostile_text_stays_on_its_line),
		cmocka_unit_test(every_code_has_a_line),
	};
	return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
