/* Who is in and for how long: sessions, what slows guessing down, cookies, secrets as they are kept, tokens' rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/backoff.h"
#include "http/caller.h"
#include "http/guard.h"
#include "http/secret.h"
#include "http/sessions.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define MANY   20

static struct sessions *make(int64_t idle, int64_t whole)
{
	struct sessions *s = malloc(sizeof *s);
	assert_non_null(s);
	sessions_init(s, idle, whole);
	return s;
}

static void drop(struct sessions *s)
{
	sessions_finish(s);
	free(s);
}

static void a_session_ends_with_its_hours(void **state)
{
	(void)state;
	struct sessions *s = make(0, 12 * HOUR);
	struct session made, found;
	char number[SECRET_TEXT];
	sessions_begin(s, "anna", ROLE_ADMIN, 1000, number, &made);
	assert_true(sessions_find(s, number, 1000 + 12 * HOUR, true, &found));
	assert_string_equal(found.name, "anna");
	assert_int_equal(found.role, ROLE_ADMIN);
	assert_int_equal(found.id, made.id);
	assert_false(sessions_find(s, number, 1001 + 12 * HOUR, true, &found));
	/* it is gone, not asleep */
	assert_false(sessions_find(s, number, 1000, true, &found));
	drop(s);
}

static void idle_ones_end_but_for_operators(void **state)
{
	(void)state;
	struct sessions *s = make(30 * MINUTE, 12 * HOUR);
	struct session found;
	char qa[SECRET_TEXT], operator[SECRET_TEXT];
	sessions_begin(s, "anna", ROLE_QA, 0, qa, &found);
	sessions_begin(s, "otto", ROLE_OPERATOR, 0, operator, & found);
	assert_true(sessions_find(s, qa, 30 * MINUTE, true, &found));  /* a person did something */
	assert_true(sessions_find(s, qa, 59 * MINUTE, false, &found)); /* the page asked by itself */
	assert_true(sessions_find(s, qa, 60 * MINUTE, false, &found));
	assert_false(sessions_find(s, qa, 60 * MINUTE + 1, false, &found));
	assert_true(sessions_find(s, operator, 11 * HOUR, false, &found));
	drop(s);
}

static void numbers_are_not_guessed_nor_kept(void **state)
{
	(void)state;
	struct sessions *s = make(0, HOUR);
	struct session found;
	char number[SECRET_TEXT], other[SECRET_TEXT];
	sessions_begin(s, "anna", ROLE_QA, 0, number, &found);
	assert_null(strstr(found.hash, number));
	secret_make("", other);
	assert_string_not_equal(number, other);
	assert_int_equal(strlen(number), 43);
	assert_false(sessions_find(s, other, 0, true, &found));
	assert_false(sessions_find(s, "", 0, true, &found));
	number[42] = number[42] == 'A' ? 'B' : 'A';
	assert_false(sessions_find(s, number, 0, true, &found));
	drop(s);
}

/* Whoever logs in without end fills the room with his own sessions only. */
static void the_room_is_bounded(void **state)
{
	(void)state;
	struct sessions *s = make(0, HOUR);
	struct session found;
	char first[SECRET_TEXT], own[MANY][SECRET_TEXT], number[SECRET_TEXT], name[16];
	sessions_begin(s, "anna", ROLE_QA, 0, first, &found);
	for (unsigned i = 0; i < MANY; i++)
		sessions_begin(s, "mallory", ROLE_QA, 0, own[i], &found);
	assert_true(sessions_find(s, first, 0, true, &found));
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(sessions_find(s, own[i], 0, true, &found), i >= MANY - SESSIONS_PER_PERSON);
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		snprintf(name, sizeof name, "p%u", i);
		sessions_begin(s, name, ROLE_QA, 0, number, &found);
	}
	assert_false(sessions_find(s, first, 0, true, &found)); /* the oldest of all */
	assert_true(sessions_find(s, number, 0, true, &found));
	drop(s);
}

static void who_works_at_the_line(void **state)
{
	(void)state;
	struct sessions *s = make(30 * MINUTE, 12 * HOUR);
	struct session found;
	char number[SECRET_TEXT];
	uint64_t olga;
	assert_false(sessions_at_line(s, 0, &found));
	sessions_begin(s, "qa", ROLE_QA, 0, number, &found);
	assert_false(sessions_at_line(s, 0, &found));
	sessions_begin(s, "olga", ROLE_OPERATOR, 0, number, &found);
	olga = found.id;
	sessions_begin(s, "sven", ROLE_SUPERVISOR, 0, number, &found);
	sessions_begin(s, "admin", ROLE_ADMIN, 0, number, &found);
	assert_true(sessions_at_line(s, 0, &found));
	assert_string_equal(found.name, "sven");
	assert_true(sessions_at_line(s, HOUR, &found)); /* sven was idle */
	assert_string_equal(found.name, "olga");
	assert_int_equal(sessions_end_person(s, "olga"), olga);
	assert_int_equal(sessions_end_person(s, "olga"), 0);
	assert_false(sessions_at_line(s, HOUR, &found));
	drop(s);
}

static void guessing_gets_slower(void **state)
{
	(void)state;
	struct backoff b;
	int64_t now = 1000, last = 0;
	backoff_init(&b);
	for (unsigned i = 0; i < 5; i++, now++) {
		assert_int_equal(backoff_wait(&b, BACKOFF_PERSON, "anna", now), 0);
		backoff_failed(&b, BACKOFF_PERSON, "anna", now);
	}
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(backoff_wait(&b, BACKOFF_PERSON, "anna", now), 0);
		backoff_failed(&b, BACKOFF_PERSON, "anna", now);
		int64_t wait = backoff_wait(&b, BACKOFF_PERSON, "anna", now);
		assert_true(wait >= 2000 && wait >= last && wait <= 300000);
		assert_int_equal(backoff_wait(&b, BACKOFF_ADDRESS, "anna", now), 0);
		now += last = wait;
	}
	assert_int_equal(last, 300000);
	backoff_good(&b, BACKOFF_PERSON, "anna");
	backoff_failed(&b, BACKOFF_PERSON, "anna", now);
	assert_int_equal(backoff_wait(&b, BACKOFF_PERSON, "anna", now), 0);
	/* a quarter of an hour without a failure, and it begins anew */
	for (unsigned i = 0; i < 10; i++)
		backoff_failed(&b, BACKOFF_PERSON, "bert", now);
	now += BACKOFF_FORGET_MS + 1;
	backoff_failed(&b, BACKOFF_PERSON, "bert", now);
	assert_int_equal(backoff_wait(&b, BACKOFF_PERSON, "bert", now), 0);
	backoff_finish(&b);
}

/* Many names take no more room, and do not hold up all others. */
static void many_names_take_no_room(void **state)
{
	(void)state;
	struct backoff b;
	char name[24];
	unsigned held = 0;
	backoff_init(&b);
	for (unsigned i = 0; i < 100; i++)
		for (unsigned k = 0; k < 6; k++) {
			snprintf(name, sizeof name, "guess-%u", i);
			backoff_failed(&b, BACKOFF_PERSON, name, 1000);
		}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "person-%u", i);
		held += backoff_wait(&b, BACKOFF_PERSON, name, 1000) > 0;
	}
	assert_true(held < 400);
	backoff_finish(&b);
}

static void cookies_are_read_strictly(void **state)
{
	(void)state;
	static const struct {
		const char *cookies, *value; /* NULL: not there */
	} rows[] = {
		{ "s=abc", "abc" },
		{ "a=1; s=abc", "abc" },
		{ "a=1;s=abc; b=2", "abc" },
		{ "xs=1; s=abc", "abc" },
		{ "s=abc=d", "abc=d" },
		{ "s=", NULL },
		{ "", NULL },
		{ "s", NULL },
		{ "S=abc", NULL },
		{ "ss=abc", NULL },
		{ "a=s=abc", NULL },
		{ ";;; ; s=abc", "abc" },
		{ "s=0123456789012345678901234567890123456789", NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[32] = "";
		if (cookie_number(rows[i].cookies, "s", out, sizeof out) != (rows[i].value != NULL))
			fail_msg("%s", rows[i].cookies);
		if (rows[i].value)
			assert_string_equal(out, rows[i].value);
	}
	struct head h = { .host = NULL };
	head_add(&h, "cookie", "s=1");
	head_add(&h, "ROMLINE-background", "1");
	head_add(&h, "Authorization", "Bearer x");
	assert_non_null(h.cookie);
	assert_non_null(h.background);
	assert_non_null(h.authorization);
	head_add(&h, "Cookie", "s=2");
	struct err e = ERR_INIT;
	assert_false(guard_framing(&h, &e));
}

static void secrets_are_of_one_station(void **state)
{
	(void)state;
	struct secrets a = { .pepper = { 1 }, .badge_salt = { 2 } }, b = { .pepper = { 3 }, .badge_salt = { 2 } };
	char one[CREDENTIAL_SIZE], two[CREDENTIAL_SIZE];
	struct err e = ERR_INIT;
	assert_true(secret_pin(&a, "314159", one, &e) && secret_pin(&a, "314159", two, &e));
	assert_string_not_equal(one, two); /* each with a salt of its own */
	assert_int_equal(strncmp(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
	assert_true(secret_pin_fits(&a, "314159", one, &e) && secret_pin_fits(&a, "314159", two, &e));
	static const char *const wrong[] = { "314158", "", "31415", "3141599" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct err why = ERR_INIT;
		assert_false(secret_pin_fits(&a, wrong[i], one, &why));
		assert_int_equal(why.code, CODE_LOGIN_FAILED);
	}
	struct err none = ERR_INIT;
	assert_false(secret_pin_fits(&a, "314159", SECRET_NO_PIN, &none));
	assert_int_equal(none.code, CODE_LOGIN_FAILED);
	assert_false(secret_pin_fits(&a, "314159", "", &e));
	assert_false(secret_pin_fits(&b, "314159", one, &e)); /* what is kept is of no use without that station's key */
	assert_true(secret_badge(&a, "B-0001", one, &e) && secret_badge(&a, "B-0001", two, &e));
	assert_string_equal(one, two);
	assert_true(secret_badge(&a, "B-0002", two, &e));
	assert_string_not_equal(one, two);
	assert_true(secret_badge(&b, "B-0001", two, &e));
	assert_string_not_equal(one, two);
	assert_true(secret_equal("abc", "abc") && !secret_equal("abc", "abd") && !secret_equal("abc", "ab"));
}

static void rights_are_asked_for(void **state)
{
	(void)state;
	struct caller nobody = { .rights = 0 }, qa = { .known = true, .rights = role_rights(ROLE_QA) };
	struct err e = ERR_INIT;
	assert_true(caller_may(&nobody, RIGHT_OPEN, &e));
	assert_false(caller_may(&nobody, RIGHT_READ, &e));
	assert_int_equal(e.code, CODE_LOGIN_NEEDED);
	assert_true(caller_may(&qa, RIGHT_AUDIT, &e));
	assert_false(caller_may(&qa, RIGHT_PEOPLE, &e));
	assert_int_equal(e.code, CODE_FORBIDDEN);
	qa.rights = RIGHTS_ALL;
	assert_false(caller_may(&qa, RIGHT_NOBODY, &e));
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_ends_with_its_hours),
		cmocka_unit_test(idle_ones_end_but_for_operators),
		cmocka_unit_test(numbers_are_not_guessed_nor_kept),
		cmocka_unit_test(the_room_is_bounded),
		cmocka_unit_test(who_works_at_the_line),
		cmocka_unit_test(guessing_gets_slower),
		cmocka_unit_test(many_names_take_no_room),
		cmocka_unit_test(cookies_are_read_strictly),
		cmocka_unit_test(secrets_are_of_one_station),
		cmocka_unit_test(rights_are_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
