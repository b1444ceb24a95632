/* Child processes: outputs, bounds, ends, deadlines, and that nothing of them is left behind; the words of a command.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/words.h"
#include "os/child.h"
#include "os/clock.h"

#define SOON_MS 20000 /* how long something may take that takes no time */

static struct child_spec shell(const char *const argv[])
{
	return (struct child_spec){ .argv = argv, .output_limit = 4096, .deadline_ms = SOON_MS, .stop_fd = -1 };
}

#define SHELL(script)                                                                                                  \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		"sh", "-c", script, NULL                                                                               \
	}

static void run(const struct child_spec *spec, struct child_result *r)
{
	struct err e = ERR_INIT;
	if (!child_run(spec, r, &e))
		fail_msg("%s", e.msg);
}

static void outputs_and_status(void **state)
{
	(void)state;
	struct child_result r;
	struct child_spec spec = shell(SHELL("cat; echo two >&2; exit 7"));
	spec.input = span_of("one", 3);
	run(&spec, &r);
	assert_int_equal(r.end, CHILD_EXITED);
	assert_int_equal(r.status, 7);
	assert_string_equal(r.out.text, "one");
	assert_string_equal(r.err.text, "two\n");
	child_result_clear(&r);
	spec = shell(SHELL("kill -SEGV $$"));
	run(&spec, &r);
	assert_int_equal(r.end, CHILD_SIGNALED);
	assert_int_equal(r.status, SIGSEGV);
	child_result_clear(&r);
}

static void more_output_than_is_kept(void **state)
{
	(void)state;
	struct child_result r;
	struct child_spec spec = shell(SHELL("head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero >&2"));
	run(&spec, &r);
	assert_int_equal(r.end, CHILD_EXITED);
	assert_int_equal(r.out.size, 4096);
	assert_true(r.out.cut && r.err.cut);
	assert_int_equal(r.out.text[4095], 'x');
	child_result_clear(&r);
}

/* More than a pipe holds, to a program that never reads it. */
static void input_that_nobody_reads(void **state)
{
	(void)state;
	struct child_result r;
	size_t size = 1 << 20;
	char *big = calloc(1, size);
	struct child_spec spec = shell(SHELL("exit 0"));
	spec.input = span_of(big, size);
	run(&spec, &r);
	assert_int_equal(r.status, 0);
	free(big);
	child_result_clear(&r);
	spec = shell(SHELL("wc -c"));
	run(&spec, &r);
	assert_int_equal(atoi(r.out.text), 0);
	child_result_clear(&r);
}

static void what_cannot_be_started(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct child_result r;
	struct child_spec spec = shell((const char *const[]){ "/nonexistent/x", NULL });
	assert_false(child_run(&spec, &r, &e));
	assert_int_equal(e.code, CODE_NOT_FOUND);
	child_result_clear(&r);
	spec = shell(SHELL("true"));
	spec.cwd = "/nonexistent";
	assert_false(child_run(&spec, &r, &e));
	child_result_clear(&r);
	spec.cwd = "/";
	spec.argv = SHELL("pwd");
	run(&spec, &r);
	assert_string_equal(r.out.text, "/\n");
	child_result_clear(&r);
}

/* The script prints the number of a process that would outlive it; that one must be gone. */
static void must_be_gone(const struct child_result *r)
{
	pid_t left = (pid_t)atol(r->out.text ? r->out.text : "0");
	assert_true(left > 1);
	int64_t until = clock_mono_ms() + SOON_MS;
	while (kill(left, 0) == 0 && clock_mono_ms() < until) {
		char path[64], text[256] = "";
		snprintf(path, sizeof path, "/proc/%ld/stat", (long)left);
		FILE *f = fopen(path, "r");
		size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
		if (f)
			fclose(f);
		text[n] = '\0';
		if (strstr(text, ") Z")) /* ended; whoever adopted it has not looked yet */
			return;
		usleep(10000);
	}
	assert_true(clock_mono_ms() < until);
}

static void deadline_ends_the_group(void **state)
{
	(void)state;
	struct child_result r;
	struct child_spec spec = shell(SHELL("trap '' TERM; sleep 600 & echo $!; while :; do sleep 600; done"));
	spec.deadline_ms = 500;
	run(&spec, &r);
	assert_int_equal(r.end, CHILD_TIMED_OUT);
	must_be_gone(&r);
	child_result_clear(&r);
}

static void what_is_left_behind_ends(void **state)
{
	(void)state;
	struct child_result r;
	struct child_spec spec = shell(SHELL("sleep 600 & echo $!"));
	int64_t began = clock_mono_ms();
	run(&spec, &r);
	assert_int_equal(r.end, CHILD_EXITED);
	assert_true(clock_mono_ms() - began < SOON_MS);
	must_be_gone(&r);
	child_result_clear(&r);
}

static void stopped_from_outside(void **state)
{
	(void)state;
	int ends[2];
	struct child_result r;
	struct child_spec spec = shell(SHELL("sleep 600 & echo $!; wait"));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	spec.stop_fd = ends[0];
	spec.deadline_ms = 600000;
	run(&spec, &r);
	assert_int_equal(r.end, CHILD_STOPPED);
	close(ends[0]);
	close(ends[1]);
	child_result_clear(&r);
}

static void refusals_in_words(void **state)
{
	(void)state;
	static const struct {
		const char *script, *words;
	} rows[] = {
		{ "echo first >&2; printf 'last\\033 one\\n\\n' >&2; exit 3", "sh ended with status 3: last  one" },
		{ "exit 1", "sh ended with status 1" },
		{ "kill -9 $$", "sh was ended by signal 9" },
		{ "sleep 600", "sh was not done after 300 ms" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e = ERR_INIT;
		struct child_result r;
		const char *const argv[] = { "sh", "-c", rows[i].script, NULL };
		struct child_spec spec = shell(argv);
		spec.deadline_ms = strstr(rows[i].script, "sleep") ? 300 : SOON_MS;
		assert_false(child_run_ok(&spec, &r, &e));
		assert_int_equal(e.code, CODE_CHILD_FAILED);
		assert_string_equal(e.msg, rows[i].words);
		child_result_clear(&r);
	}
}

static void words_of_a_command(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *words[6];
	} rows[] = {
		{ "", { NULL } },
		{ " \t ", { NULL } },
		{ "a b\tc", { "a", "b", "c" } },
		{ "'a b'c \"d \\\"e\\\\ $x\" ''", { "a bc", "d \"e\\ $x", "" } },
		{ "a\\ b '\\' \\'", { "a b", "\\", "'" } },
		{ "\"a'b\" 'c\"d' *;|>", { "a'b", "c\"d", "*;|>" } },
		{ "\"\\n\"", { "\\n" } },
	};
	struct err e = ERR_INIT;
	struct words *w = malloc(sizeof *w);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned n = 0;
		if (!words_split(rows[i].line, w, &e))
			fail_msg("%s: %s", rows[i].line, e.msg);
		for (; rows[i].words[n]; n++)
			assert_string_equal(w->word[n], rows[i].words[n]);
		assert_int_equal(w->count, n);
		assert_null(w->word[n]);
	}
	static const char *const bad[] = { "'a", "a \"b", "a\\", "\"a\\" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(words_split(bad[i], w, &e));
	char many[4 * WORDS_MAX_TEXT];
	for (unsigned i = 0; i <= WORDS_MAX; i++)
		memcpy(many + 2 * i, "x ", 3);
	assert_false(words_split(many, w, &e));
	memset(many, 'x', sizeof many);
	many[WORDS_MAX_TEXT] = '\0';
	assert_false(words_split(many, w, &e));
	many[WORDS_MAX_TEXT - 1] = '\0';
	assert_true(words_split(many, w, &e));
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs_and_status),
		cmocka_unit_test(more_output_than_is_kept),
		cmocka_unit_test(input_that_nobody_reads),
		cmocka_unit_test(what_cannot_be_started),
		cmocka_unit_test(deadline_ends_the_group),
		cmocka_unit_test(what_is_left_behind_ends),
		cmocka_unit_test(stopped_from_outside),
		cmocka_unit_test(refusals_in_words),
		cmocka_unit_test(words_of_a_command),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
