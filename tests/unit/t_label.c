/* The label's command: what it may be, and what is filled in; and the challenge of a shift. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "line/label.h"
#include "line/shift.h"

static void test_command(void **state)
{
	(void)state;
	struct label_command c;
	struct err e = ERR_INIT;
	assert_true(label_parse("", &c, &e));
	assert_int_equal(c.count, 0);
	assert_true(label_parse("  /bin/lp  -d zebra {serial} x{uid}-{mac}y ", &c, &e));
	assert_int_equal(c.count, 5);
	assert_string_equal(c.args[0], "/bin/lp");
	assert_string_equal(c.args[4], "x{uid}-{mac}y");
	static const char *const bad[] = { "lp", "./lp", "/bin/{uid}", "/bin/lp {", "/bin/lp }", "/bin/lp {}",
		"/bin/lp {uid", "/bin/lp {uid}}", "/bin/lp {{uid}}", "/bin/lp {UID}", "/bin/lp {secret}",
		"/bin/lp a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err why = ERR_INIT;
		if (label_parse(bad[i], &c, &why) || why.code != CODE_CONFIG_INVALID)
			fail_msg("%s", bad[i]);
	}
}

static void test_filling(void **state)
{
	(void)state;
	static const struct label_value values[] = { { "serial", "S {uid} $(id)" }, { "uid", "" }, { "order", "-o" } };
	struct err e = ERR_INIT;
	char out[32];
	assert_true(label_fill("plain", values, 3, out, sizeof out, &e));
	assert_string_equal(out, "plain");
	/* what is filled in is not looked into again */
	assert_true(label_fill("<{serial}|{uid}>", values, 3, out, sizeof out, &e));
	assert_string_equal(out, "<S {uid} $(id)|>");
	assert_true(label_fill("--order={order}", values, 3, out, sizeof out, &e));
	assert_string_equal(out, "--order=-o");
	assert_false(label_fill("{order}", values, 3, out, sizeof out, &e));
	assert_int_equal(e.code, CODE_LABEL_FAILED);
	struct err why = ERR_INIT;
	assert_false(label_fill("{serial}{serial}{serial}", values, 3, out, sizeof out, &why));
	assert_int_equal(why.code, CODE_LABEL_FAILED);
}

static void test_challenge(void **state)
{
	(void)state;
	static struct challenge_list list;
	struct err e = ERR_INIT;
	static const char good[] = "{\"units\":[{\"uid\":\"1\",\"verdict\":\"PASS\",\"code\":\"ok\"},"
				   "{\"serial\":\"S\",\"verdict\":\"ERROR\",\"code\":\"wrong-board\"}]}";
	assert_true(challenge_parse(span_of(good, strlen(good)), &list, &e));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.units[1].code, CODE_WRONG_BOARD);
	static const char *const bad[] = { "", "[]", "{}", "{\"units\":[]}", "{\"units\":[1]}", "{\"units\":[{}]}",
		"{\"units\":[{\"uid\":\"1\",\"serial\":\"2\",\"verdict\":\"PASS\",\"code\":\"ok\"}]}",
		"{\"units\":[{\"verdict\":\"PASS\",\"code\":\"ok\"}]}",
		"{\"units\":[{\"uid\":\"1\",\"verdict\":\"PASS\",\"code\":\"no-batch\"}]}",
		"{\"units\":[{\"uid\":\"1\",\"verdict\":\"FAIL\",\"code\":\"nonsense\"}]}",
		"{\"units\":[{\"uid\":\"1\",\"verdict\":\"\",\"code\":\"ok\"}]}",
		"{\"units\":[{\"uid\":\"1\",\"verdict\":\"PASS\",\"code\":\"ok\",\"more\":1}]}",
		"{\"units\":[{\"uid\":\"1\",\"verdict\":\"PASS\",\"code\":\"ok\"}],\"more\":1}" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err why = ERR_INIT;
		if (challenge_parse(span_of(bad[i], strlen(bad[i])), &list, &why) || why.code != CODE_JSON_INVALID)
			fail_msg("%s: %s", bad[i], why.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_command), cmocka_unit_test(test_filling),
		cmocka_unit_test(test_challenge) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
