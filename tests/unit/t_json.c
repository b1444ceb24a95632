/* The strict reader of JSON: what it refuses that cJSON alone would take, typed look-ups, and building. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"

#define TEXT(s)                                                                                                        \
	{                                                                                                              \
		(const uint8_t *)s, sizeof(s) - 1                                                                      \
	}
#define SPAN(s) span_of(s, sizeof(s) - 1)

static const struct span accepted[] = {
	TEXT("{}"),
	TEXT(" \t\r\n[] "),
	TEXT("0"),
	TEXT("-0"),
	TEXT("true"),
	TEXT("null"),
	TEXT("\"\""),
	TEXT("9007199254740992"),
	TEXT("-9007199254740992"),
	TEXT("1.5e3"),
	TEXT("1E-2"),
	TEXT("0.1"),
	TEXT("9007199254740991.5e-3"),
	TEXT("\"\\u00e9\\ud83d\\ude00 \\\" \\\\ \\/ \\b\\f\\n\\r\\t\""),
	TEXT("\"\x7f \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\""),
	TEXT("{\"a\":1,\"A\":2,\"\":3,\"aa\":4}"),
	TEXT("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}"),
	TEXT("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"),
};

static const struct {
	struct span text;
	const char *message;
} refused[] = {
	{ TEXT(""), "line 1, column 1: the text is empty" },
	{ TEXT("   "), "line 1, column 4: the text ends where a value must stand" },
	{ TEXT("9007199254740993"), "line 1, column 1: the number is outside of what can be held exactly" },
	{ TEXT("-9007199254740993"), "line 1, column 1: the number is outside of what can be held exactly" },
	{ TEXT("18446744073709551615"), "line 1, column 1: the number is outside of what can be held exactly" },
	{ TEXT("1e400"), "line 1, column 1: the number is outside of what can be held exactly" },
	{ TEXT("1e16"), "line 1, column 1: the number is outside of what can be held exactly" },
	{ TEXT("1e-400"), "line 1, column 1: the number is outside of what can be held exactly" },
	{ TEXT("0.1111111111111111111111111111111111111111111111111111111111111111"),
	    "line 1, column 1: the number is too long" },
	{ TEXT("01"), "line 1, column 1: a number must not start with 0" },
	{ TEXT("-01"), "line 1, column 1: a number must not start with 0" },
	{ TEXT("1."), "line 1, column 3: a digit must follow the point" },
	{ TEXT(".5"), "line 1, column 1: a value must stand here" },
	{ TEXT("+1"), "line 1, column 1: a value must stand here" },
	{ TEXT("-"), "line 1, column 2: a digit must stand here" },
	{ TEXT("1e"), "line 1, column 3: a digit must follow the exponent" },
	{ TEXT("1e+"), "line 1, column 4: a digit must follow the exponent" },
	{ TEXT("0x10"), "line 1, column 2: something stands behind the value" },
	{ TEXT("NaN"), "line 1, column 1: a value must stand here" },
	{ TEXT("-Infinity"), "line 1, column 2: a digit must stand here" },
	{ TEXT("{\"a\":1}garbage"), "line 1, column 8: something stands behind the value" },
	{ TEXT("nullx"), "line 1, column 5: something stands behind the value" },
	{ TEXT("{}\0"), "line 1, column 3: something stands behind the value" },
	{ TEXT("nul"), "line 1, column 1: a value must stand here" },
	{ TEXT("True"), "line 1, column 1: a value must stand here" },
	{ TEXT("{\"a\":1,\"a\":2}"), "line 1, column 8: this key stands twice" },
	{ TEXT("{\"a\":1,\n \"b\":2, \"\\u0061\":3}"), "line 2, column 9: this key stands twice" },
	{ TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"), "line 1, column 19: this key stands twice" },
	{ TEXT("{\"/\":1,\"\\/\":2}"), "line 1, column 8: this key stands twice" },
	{ TEXT("{\"\":1,\"\":2}"), "line 1, column 7: this key stands twice" },
	{ TEXT("[{\"x\":{\"a\":1,\"b\":1,\"a\":1}}]"), "line 1, column 20: this key stands twice" },
	{ TEXT("\"\\u0000x\""), "line 1, column 2: U+0000 is not allowed" },
	{ TEXT("\"a\0b\""), "line 1, column 3: a control character inside a string" },
	{ TEXT("\"a\nb\""), "line 1, column 3: a control character inside a string" },
	{ TEXT("\"\xff\""), "line 1, column 2: not UTF-8" },
	{ TEXT("\"\xc0\xaf\""), "line 1, column 2: not UTF-8" },
	{ TEXT("\"\xe0\x80\x80\""), "line 1, column 2: not UTF-8" },
	{ TEXT("\"\xed\xa0\x80\""), "line 1, column 2: not UTF-8" },
	{ TEXT("\"\xf4\x90\x80\x80\""), "line 1, column 2: not UTF-8" },
	{ TEXT("\"\xe2\x82"), "line 1, column 2: not UTF-8" },
	{ TEXT("\"\xe2\x82\""), "line 1, column 2: not UTF-8" },
	{ TEXT("\xef\xbb\xbf{}"), "line 1, column 1: a value must stand here" },
	{ TEXT("\"\\ud800\""), "line 1, column 2: half of a surrogate pair" },
	{ TEXT("\"\\udc00\""), "line 1, column 2: half of a surrogate pair" },
	{ TEXT("\"\\ud800\\u0041\""), "line 1, column 2: half of a surrogate pair" },
	{ TEXT("\"\\x41\""), "line 1, column 2: there is no such escape" },
	{ TEXT("\"\\u12g4\""), "line 1, column 2: \\u wants four hexadecimal digits" },
	{ TEXT("\"\\u12:4\""), "line 1, column 2: \\u wants four hexadecimal digits" },
	{ TEXT("\"\\u12"), "line 1, column 2: \\u wants four hexadecimal digits" },
	{ TEXT("\"abc"), "line 1, column 1: the string does not end" },
	{ TEXT("\"abc\\"), "line 1, column 5: there is no such escape" },
	{ TEXT("[1,]"), "line 1, column 4: a value must stand here" },
	{ TEXT("[1 2]"), "line 1, column 4: ',' or ']' must stand here" },
	{ TEXT("[1"), "line 1, column 3: ',' or ']' must stand here" },
	{ TEXT("{\"a\"}"), "line 1, column 5: ':' must stand here" },
	{ TEXT("{\"a\":1,}"), "line 1, column 8: a string must stand here" },
	{ TEXT("{a:1}"), "line 1, column 2: a string must stand here" },
	{ TEXT("{\"a\":1"), "line 1, column 7: ',' or '}' must stand here" },
	{ TEXT("/* */{}"), "line 1, column 1: a value must stand here" },
	{ TEXT("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"), "line 1, column 17: nested too deeply" },
};

static void test_vectors(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		struct err e = ERR_INIT;
		struct cJSON *json = json_parse(accepted[i], &e);
		if (!json)
			fail_msg("accepted[%u]: %s", i, e.msg);
		json_free(json);
	}
	for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct err e = ERR_INIT;
		if (json_parse(refused[i].text, &e))
			fail_msg("refused[%u] got through; expected: %s", i, refused[i].message);
		assert_string_equal(e.msg, refused[i].message);
		assert_int_equal(e.code, CODE_JSON_INVALID);
	}
}

/* A text of n members; every key unlike the others, or the last one equal to the first. */
static char *members(unsigned n, bool twice)
{
	char *text = malloc(32 * (size_t)n + 2), *p = text;
	assert_non_null(text);
	for (unsigned i = 0; i < n; i++)
		p += sprintf(p, "%c\"key%08u\":%u", i ? ',' : '{', twice && i == n - 1 ? 0 : i, i);
	strcpy(p, "}");
	return text;
}

static void test_limits(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	/* The object itself is a value too. */
	AUTO_FREE char *most = members(65535, false), *more = members(65536, false), *twice = members(65000, true);
	AUTO_JSON struct cJSON *json = json_parse(span_of(most, strlen(most)), &e);
	assert_non_null(json);
	assert_null(json_parse(span_of(more, strlen(more)), &e));
	assert_non_null(strstr(e.msg, "too many values"));
	assert_null(json_parse(span_of(twice, strlen(twice)), &e));
	assert_non_null(strstr(e.msg, "this key stands twice"));
}

static void test_lookups(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":\"x\",\"B\":null,\"n\":-5,\"f\":1.5,\"t\":true,\"list\":[1,2],\"o\":{}}";
	static const char *const all[] = { "a", "B", "n", "f", "t", "list", "o", NULL }, *const few[] = { "a", NULL };
	struct err e = ERR_INIT;
	const char *s = "untouched";
	const struct cJSON *c;
	int64_t v = 7;
	bool b = false;
	AUTO_JSON struct cJSON *json = json_parse(SPAN(text), &e);
	assert_non_null(json);
	assert_true(json_string(json, "a", &s, &e));
	assert_string_equal(s, "x");
	assert_false(json_string(json, "A", &s, &e)); /* exact case */
	assert_string_equal(e.msg, "\"A\" is missing");
	assert_false(json_string(json, "B", &s, &e));
	assert_string_equal(e.msg, "\"B\" must be a string");
	assert_string_equal(s, "x");
	assert_true(json_string_or_null(json, "B", &s, &e));
	assert_null(s);
	assert_true(json_integer(json, "n", -5, 0, &v, &e));
	assert_int_equal(v, -5);
	assert_false(json_integer(json, "n", 0, 9, &v, &e));
	assert_string_equal(e.msg, "\"n\" must be a whole number from 0 to 9");
	assert_false(json_integer(json, "f", 0, 9, &v, &e));
	assert_int_equal(v, -5);
	assert_true(json_bool(json, "t", &b, &e));
	assert_true(b);
	assert_true(json_array(json, "list", &c, &e));
	assert_true(json_whole(json_first(c), 1, 1, &v));
	assert_true(json_whole(json_after(json_first(c)), 2, 2, &v));
	assert_null(json_after(json_after(json_first(c))));
	assert_false(json_object(json, "list", &c, &e));
	assert_true(json_object(json, "o", &c, &e));
	assert_null(json_first(c));
	assert_true(json_only_keys(json, all, &e));
	assert_false(json_only_keys(json, few, &e));
	assert_string_equal(e.msg, "there is no key \"B\" here");
	assert_null(json_member(json, "none"));
	assert_null(json_member(NULL, "none"));
}

/* Keys from outside reach messages only as short printable ASCII. */
static void test_hostile_key(void **state)
{
	(void)state;
	static const char *const none[] = { NULL };
	struct err e = ERR_INIT;
	AUTO_JSON struct cJSON *json =
	    json_parse(SPAN("{\"\\u001b\xc3\xa9 0123456789012345678901234567890123456789\":1}"), &e);
	assert_non_null(json);
	assert_false(json_only_keys(json, none, &e));
	assert_string_equal(e.msg, "there is no key \"??? 012345678901234567890123456789012345...\" here");
}

static void test_building(void **state)
{
	(void)state;
	AUTO_JSON struct cJSON *json = json_new_object();
	struct cJSON *list = json_add_array(json, "list");
	json_add_integer(list, NULL, -3);
	json_add_integer(list, NULL, 1700000000123);
	json_add_integer(list, NULL, 1000000000000000);
	json_add_integer(list, NULL, 9007199254740992);
	json_add_number(list, NULL, 0.25);
	json_add_item(list, NULL, json_new_array());
	json_add_string(json_add_object(json, "o"), "s", "\"\n\xc3\xa9 \xc3");
	json_add_string(json, "none", NULL);
	json_add_u64_text(json, "big", UINT64_MAX);
	json_add_bool(json, "yes", true);
	json_add_null(json, "null");
	AUTO_FREE char *text = json_print(json);
	assert_string_equal(text, "{\"list\":[-3,1700000000123,1000000000000000,9007199254740992,0.25,[]],"
				  "\"o\":{\"s\":\"\\\"\\n\xc3\xa9 ?\"},\"none\":null,"
				  "\"big\":\"18446744073709551615\",\"yes\":true,\"null\":null}");
	struct err e = ERR_INIT;
	AUTO_JSON struct cJSON *again = json_parse(span_of(text, strlen(text)), &e);
	assert_non_null(again);
	AUTO_FREE char *twice = json_print(again);
	assert_non_null(twice);
}

/* What could not be added spoils the whole print, wherever it was; parents that are missing do nothing. */
static void test_building_without_memory(void **state)
{
	(void)state;
	AUTO_JSON struct cJSON *json = json_new_object();
	struct cJSON *list = json_add_array(json_add_object(json, "deep"), "list");
	AUTO_FREE char *before = json_print(json);
	assert_non_null(before);
	json_add_item(list, NULL, NULL);
	assert_null(json_print(json));
	assert_null(json_print(NULL));
	assert_null(json_add_object(NULL, "x"));
	json_add_string(NULL, "x", "y");
	json_add_integer(NULL, NULL, 1);
	json_add_item(NULL, "x", json_new_object());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_hostile_key),
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_building_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
