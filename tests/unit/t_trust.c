/* The folder of trusted keys: what it may hold, who fills which role, and when. */
#include "signing.h"

#include "base/hex.h"
#include "line/trust.h"
#include "os/file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

static char folder[64];

static int delete_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/romline-trust-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, delete_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
	char path[256];
	assert_true(file_join(path, sizeof path, folder, name, NULL));
	assert_true(file_write_atomic(path, span_of(text, strlen(text)), 0644, NULL));
}

static void take_away(const char *name)
{
	char path[256];
	assert_true(file_join(path, sizeof path, folder, name, NULL));
	assert_int_equal(unlink(path), 0);
}

static void put_key(const char *name, uint8_t number)
{
	char text[256];
	struct test_key k = test_key(number);
	test_key_text(&k, text);
	put(name, text);
}

static void opens(unsigned keys)
{
	struct trust *t = NULL;
	struct err e = ERR_INIT;
	if (!trust_open(folder, &t, &e))
		fail_msg("%s: %s", code_name(e.code), e.msg);
	assert_int_equal(trust_key_count(t), keys);
	trust_close(t);
}

/* Refused, and the message names the file. */
static void refused(const char *name)
{
	struct trust *t = NULL;
	struct err e = ERR_INIT;
	assert_false(trust_open(folder, &t, &e));
	assert_int_equal(e.code, CODE_TRUST_INVALID);
	if (!strstr(e.msg, name))
		fail_msg("'%s' does not name %s", e.msg, name);
}

static void what_is_ignored(void **state)
{
	(void)state;
	opens(0);
	put("README", "read me");
	put(".hidden.pub", "no key");
	put("notes.txt", "");
	put_key("alice.pub", 1);
	opens(1);
}

static void keys_that_are_refused(void **state)
{
	(void)state;
	struct test_key one = test_key(1), two = test_key(2);
	char text[256];
	put("bad.pub", "no key\n");
	refused("bad.pub");
	take_away("bad.pub");
	put_key("alice.pub", 1);
	put_key("alice2.pub", 1);
	refused("alice2.pub");
	take_away("alice2.pub");
	memcpy(two.public_key, one.public_key, sizeof one.public_key); /* one key under two ids */
	test_key_text(&two, text);
	put("bob.pub", text);
	refused("bob.pub");
	two = test_key(2);
	memcpy(two.id, one.id, sizeof one.id); /* two keys under one id */
	test_key_text(&two, text);
	put("bob.pub", text);
	refused("bob.pub");
	take_away("bob.pub");
	put_key("a b.pub", 3);
	refused("a b.pub");
	take_away("a b.pub");
	opens(1);
	struct trust *t = NULL;
	struct err e = ERR_INIT;
	assert_false(trust_open("/nonexistent/folder", &t, &e));
	assert_int_equal(e.code, CODE_TRUST_INVALID);
}

static void terms(void **state)
{
	(void)state;
	static const char *const good[] = { "{}", "{\"roles\":[\"release\"]}", "{\"roles\":[]}",
		"{\"roles\":[\"release\",\"quality\"],\"not_before\":null,\"not_after\":null,\"revoked\":null}",
		"{\"revoked\":true}", "{\"revoked\":false}", "{\"revoked\":\"2026-01-01T00:00:00Z\"}" };
	static const char *const bad[] = { "", "[]", "null", "{\"role\":[]}", "{\"roles\":\"release\"}",
		"{\"roles\":[1]}", "{\"roles\":[\"\"]}", "{\"roles\":[\"Release\"]}", "{\"roles\":[\"a\",\"a\"]}",
		"{\"roles\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}", "{\"not_after\":1}",
		"{\"not_after\":\"soon\"}", "{\"not_before\":\"2026-13-01T00:00:00Z\"}", "{\"revoked\":\"yes\"}",
		"{\"revoked\":1}", "{\"revoked\":null,\"revoked\":null}", "{} x" };
	put_key("alice.pub", 1);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		put("alice.json", good[i]);
		opens(1);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		put("alice.json", bad[i]);
		refused("alice.json");
	}
	take_away("alice.json");
	put("alic.json", "{\"revoked\":true}"); /* a typing error must not leave a key in force */
	refused("alic.json");
}

static void role_lists(void **state)
{
	(void)state;
	static const char *const bad[] = { ",", "a,", ",a", "a,,b", "a b", "a,a", "A", "a;b", "a,b,c,d,e,f,g,h,i",
		"abcdefghijklmnopqrstuvwxyz0123456789" };
	struct role_list r;
	assert_true(roles_parse("", &r, NULL) && r.count == 0);
	assert_true(roles_parse("  ", &r, NULL) && r.count == 0);
	assert_true(roles_parse("release", &r, NULL) && r.count == 1);
	assert_true(roles_parse(" release , quality ", &r, NULL) && r.count == 2);
	assert_string_equal(r.role[1], "quality");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = ERR_INIT;
		if (roles_parse(bad[i], &r, &e))
			fail_msg("'%s' is taken", bad[i]);
		assert_int_equal(e.code, CODE_CONFIG_INVALID);
	}
}

static struct trust_key key_with(const char *roles)
{
	struct trust_key k = { .name = "k", .not_before = -1, .not_after = -1, .revoked = -1 };
	assert_true(roles_parse(roles, &k.roles, NULL));
	return k;
}

/* Rows: the roles of up to four signers, what is required, whether that can be filled by a key each. */
static void matching(void **state)
{
	(void)state;
	static const struct {
		const char *signers[4], *require;
		bool filled;
	} rows[] = {
		{ { "" }, "", true },
		{ { "release" }, "", true },
		{ { "release" }, "release", true },
		{ { "" }, "release", false },
		{ { "release" }, "quality", false },
		{ { "release,quality" }, "release,quality", false },
		{ { "release,quality", "release" }, "release,quality", true },
		{ { "release,quality", "release" }, "quality,release", true },
		{ { "release,quality", "quality" }, "release,quality", true }, /* greedy taking fails here */
		{ { "quality", "release,quality" }, "quality,release", true },
		{ { "a,b", "a,c", "a" }, "a,b,c", true },
		{ { "a,b,c", "a,b", "a" }, "a,b,c", true },
		{ { "a,b,c", "a,b", "a" }, "c,b,a", true },
		{ { "a,b", "a,b", "c" }, "a,b,c", true },
		{ { "a,b", "a,b", "a,b" }, "a,b,c", false },
		{ { "a", "a", "a", "b,c" }, "a,b,c", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct trust_key keys[4];
		struct signers s = { 0, { NULL } };
		struct role_list require;
		struct err e = ERR_INIT;
		assert_true(roles_parse(rows[i].require, &require, NULL));
		for (; s.count < 4 && rows[i].signers[s.count]; s.count++) {
			keys[s.count] = key_with(rows[i].signers[s.count]);
			s.keys[s.count] = &keys[s.count];
		}
		if (trust_in_force(&s, &require, 0, &e) != rows[i].filled)
			fail_msg("row %zu", i);
		assert_int_equal(e.code, rows[i].filled ? CODE_OK : CODE_ROLE_MISSING);
	}
}

static void dates(void **state)
{
	(void)state;
	static const struct {
		int64_t not_before, not_after, revoked, now;
		enum code code;
	} rows[] = {
		{ -1, -1, -1, 100, CODE_OK },
		{ 100, -1, -1, 99, CODE_KEY_NOT_IN_FORCE },
		{ 100, -1, -1, 100, CODE_OK },
		{ -1, 100, -1, 100, CODE_OK },
		{ -1, 100, -1, 101, CODE_KEY_NOT_IN_FORCE },
		{ -1, -1, 100, 99, CODE_OK },
		{ -1, -1, 100, 100, CODE_KEY_REVOKED },
		{ -1, -1, 0, 0, CODE_KEY_REVOKED },
		{ 200, -1, 0, 100, CODE_KEY_REVOKED },
	};
	struct role_list none = { .count = 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct trust_key k = key_with("release"), other = key_with("release");
		struct signers s = { 2, { &other, &k } }; /* one bad key spoils the rest */
		struct err e = ERR_INIT;
		k.not_before = rows[i].not_before;
		k.not_after = rows[i].not_after;
		k.revoked = rows[i].revoked;
		trust_in_force(&s, &none, rows[i].now, &e);
		assert_int_equal(e.code, rows[i].code);
	}
}

static void revoked_recipes(void **state)
{
	(void)state;
	uint8_t sha[SHA256_SIZE] = { 0xab }, other[SHA256_SIZE] = { 0xac };
	char text[512], hex[2 * SHA256_SIZE + 1];
	struct trust *t;
	struct err e = ERR_INIT;
	hex_encode(hex, sha, sizeof sha);
	snprintf(text, sizeof text, "# none of these\n\n  %s  # withdrawn\r\n", hex);
	put("revoked-recipes", text);
	assert_true(trust_open(folder, &t, &e));
	assert_true(trust_recipe_allowed(t, other, &e));
	assert_false(trust_recipe_allowed(t, sha, &e));
	assert_int_equal(e.code, CODE_RECIPE_REVOKED);
	trust_close(t);
	static const char *const bad[] = { "abc\n",
		"ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB\n",
		"abababababababababababababababababababababababababababababababab0\n", "abc" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		put("revoked-recipes", bad[i]);
		refused("revoked-recipes");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_ignored, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(keys_that_are_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(terms, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(revoked_recipes, make_folder, remove_folder),
		cmocka_unit_test(role_lists),
		cmocka_unit_test(matching),
		cmocka_unit_test(dates),
	};
	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
