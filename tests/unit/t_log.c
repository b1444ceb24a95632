/* Lines of the log, as they arrive on standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/json.h"
#include "os/log.h"

/* What `write` logs, into out. */
static void caught(void (*write_it)(void), char *out, size_t size)
{
	int pipes[2], before = dup(STDERR_FILENO);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	write_it();
	dup2(before, STDERR_FILENO);
	close(before);
	close(pipes[1]);
	size_t used = 0;
	ssize_t n;
	while (used < size - 1 && (n = read(pipes[0], out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	close(pipes[0]);
}

/* Behind the time, which is the form's own. */
static const char *rest(const char *line)
{
	assert_int_equal(strncmp(line, "at=", 3), 0);
	assert_int_equal(strspn(line + 3, "0123456789-:.TZ"), 24);
	return line + 27;
}

static void say_plain(void)
{
	log_info("one %d", 1);
}

static void say_about(void)
{
	log_about(LOG_WARN, 3, "17", "two");
}

static void say_no_attempt(void)
{
	log_about(LOG_ERR, 12, "", "three");
}

static void say_forged(void)
{
	log_warn("x\" slot=9 attempt=9\n%s\x1b[2J\\", "at=1970");
}

static void say_debug(void)
{
	log_debug("nobody hears it");
}

static void say_long(void)
{
	char text[3000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_about(LOG_INFO, 128, "123456789012345678", "%s", text);
}

static void keys_and_values(void **state)
{
	(void)state;
	char line[2000];
	log_setup(LOG_INFO, LOG_TEXT);
	caught(say_plain, line, sizeof line);
	assert_string_equal(rest(line), " level=info msg=\"one 1\"\n");
	caught(say_about, line, sizeof line);
	assert_string_equal(rest(line), " level=warning slot=3 attempt=17 msg=\"two\"\n");
	caught(say_no_attempt, line, sizeof line);
	assert_string_equal(rest(line), " level=error slot=12 msg=\"three\"\n");
	caught(say_forged, line, sizeof line);
	assert_string_equal(rest(line), " level=warning msg=\"x' slot=9 attempt=9?at=1970?[2J'\"\n");
	caught(say_debug, line, sizeof line);
	assert_string_equal(line, "");
	caught(say_long, line, sizeof line);
	assert_true(strlen(line) < 1200 && line[strlen(line) - 2] == '"');
}

static void json_lines(void **state)
{
	(void)state;
	void (*const all[])(void) = { say_plain, say_about, say_no_attempt, say_forged, say_long };
	char line[2000];
	log_setup(LOG_INFO, LOG_JSON);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct err e = ERR_INIT;
		int64_t slot = 0;
		const char *attempt = NULL, *text;
		caught(all[i], line, sizeof line);
		AUTO_JSON struct cJSON *json = json_parse(span_of(line, strlen(line)), &e);
		if (!json)
			fail_msg("%s: %s", line, e.msg);
		assert_true(json_string(json, "at", &text, &e) && json_string(json, "level", &text, &e) &&
			    json_string(json, "msg", &text, &e));
		json_integer(json, "slot", 1, 999, &slot, NULL);
		json_string(json, "attempt", &attempt, NULL);
		assert_int_equal(slot, i == 1 ? 3 : i == 2 ? 12 : i == 4 ? 128 : 0);
		assert_true(i == 1 || i == 4 ? attempt != NULL : !attempt);
	}
}

static void *other_thread(void *context)
{
	(void)context;
	log_info("other");
	return NULL;
}

static void say_in_context(void)
{
	pthread_t thread;
	log_context(5, "99");
	log_info("mine");
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_join(thread, NULL);
	log_about(LOG_INFO, 6, "100", "told");
	log_context(0, "");
	log_info("done");
}

static void a_context_is_the_thread_s(void **state)
{
	(void)state;
	char lines[2000], *at = lines;
	static const char *const wanted[] = { " level=info slot=5 attempt=99 msg=\"mine\"", " level=info msg=\"other\"",
		" level=info slot=6 attempt=100 msg=\"told\"", " level=info msg=\"done\"" };
	log_setup(LOG_INFO, LOG_TEXT);
	caught(say_in_context, lines, sizeof lines);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		const char *line = strsep(&at, "\n");
		assert_non_null(line);
		assert_string_equal(rest(line), wanted[i]);
	}
}

static void formats_have_names(void **state)
{
	(void)state;
	enum log_format format;
	assert_true(log_format_from_name("json", &format) && format == LOG_JSON);
	assert_true(log_format_from_name("text", &format) && format == LOG_TEXT);
	assert_false(log_format_from_name("JSON", &format));
	assert_false(log_format_from_name("", &format));
}

int main(void)
{
	unsetenv("JOURNAL_STREAM");
	const struct CMUnitTest tests[] = { cmocka_unit_test(keys_and_values), cmocka_unit_test(json_lines),
		cmocka_unit_test(a_context_is_the_thread_s), cmocka_unit_test(formats_have_names) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
