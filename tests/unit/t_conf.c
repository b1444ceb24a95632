/* station.conf: defaults, every key, strictness with line numbers, and the example file that ships.
 *
 * `build/tests/t_conf example > station.conf.example` writes the latter anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/conf.h"
#include "os/file.h"

static bool parse(const char *text, struct conf *conf, struct err *e)
{
	return conf_parse(span_of(text, strlen(text)), "station.conf", "host-1", conf, e);
}

static void test_defaults(void **state)
{
	(void)state;
	struct conf c;
	struct err e = ERR_INIT;
	assert_true(parse("", &c, &e));
	assert_string_equal(c.name, "host-1");
	assert_string_equal(c.state_dir, "/var/lib/romline");
	assert_string_equal(c.line, "auto");
	assert_string_equal(c.boards, "/usr/local/share/romline/boards");
	assert_string_equal(c.listen, "127.0.0.1:8080");
	assert_string_equal(c.names, "");
	assert_string_equal(c.tls_cert, "");
	assert_int_equal(c.login, LOGIN_NONE);
	assert_int_equal(c.idle_minutes, 30);
	assert_int_equal(c.session_hours, 12);
	assert_string_equal(c.trust, "/etc/romline/trust");
	assert_string_equal(c.require_roles, "");
	assert_int_equal(c.delta, DELTA_AUTO);
	assert_int_equal(c.retries, 1);
	assert_int_equal(c.already_passed, PASSED_REFUSE);
	assert_int_equal(c.hold_after, 3);
	assert_int_equal(c.swd_readback, READBACK_FULL);
	assert_false(c.allow_unsigned);
	assert_string_equal(c.checkpoints, "");
	assert_int_equal(c.level, LOG_INFO);
	assert_int_equal(c.format, LOG_TEXT);
}

static const char all_keys[] = "; a comment\r\n"
			       "[station]\r\n"
			       "name = Line-3.left\n"
			       "state_dir=state\n"
			       "\tline =  my line.json \n"
			       "boards = fixtures/boards\n"
			       "\n"
			       "[http]\n"
			       "listen = [::1]:0\n"
			       "names = a.example,[::1]\n"
			       "tls_cert = /c\n"
			       "tls_key = /k\n"
			       "[people]\n"
			       "login = required\n"
			       "idle_minutes = 0\n"
			       "session_hours = 168\n"
			       "[recipes]\n"
			       "# another comment\n"
			       "trust = /k=1\n"
			       "require_roles = release, quality\n"
			       "[program]\n"
			       "delta = no\n"
			       "retries = 0\n"
			       "already_passed = ask\n"
			       "hold_after = 1000\n"
			       "swd_readback = none\n"
			       "allow_unsigned = yes\n"
			       "[journal]\n"
			       "checkpoints = /mnt/checkpoints;1\n"
			       "[log]\n"
			       "level = debug\n"
			       "format = json";

static void check_all_keys(const struct conf *c)
{
	assert_string_equal(c->name, "Line-3.left");
	assert_string_equal(c->state_dir, "state");
	assert_string_equal(c->line, "my line.json");
	assert_string_equal(c->boards, "fixtures/boards");
	assert_string_equal(c->listen, "[::1]:0");
	assert_string_equal(c->names, "a.example,[::1]");
	assert_string_equal(c->tls_cert, "/c");
	assert_string_equal(c->tls_key, "/k");
	assert_int_equal(c->login, LOGIN_REQUIRED);
	assert_int_equal(c->idle_minutes, 0);
	assert_int_equal(c->session_hours, 168);
	assert_string_equal(c->trust, "/k=1");
	assert_string_equal(c->require_roles, "release, quality");
	assert_int_equal(c->delta, DELTA_NO);
	assert_int_equal(c->retries, 0);
	assert_int_equal(c->already_passed, PASSED_ASK);
	assert_int_equal(c->hold_after, 1000);
	assert_int_equal(c->swd_readback, READBACK_NONE);
	assert_true(c->allow_unsigned);
	assert_string_equal(c->checkpoints, "/mnt/checkpoints;1");
	assert_int_equal(c->level, LOG_DBG);
	assert_int_equal(c->format, LOG_JSON);
}

static void test_all_keys(void **state)
{
	(void)state;
	struct conf c;
	struct err e = ERR_INIT;
	if (!parse(all_keys, &c, &e))
		fail_msg("%s", e.msg);
	check_all_keys(&c);
	/* What is printed reads back the same. */
	AUTO_FREE char *text = conf_print(&c);
	assert_non_null(text);
	struct conf again;
	if (!parse(text, &again, &e))
		fail_msg("%s", e.msg);
	check_all_keys(&again);
	AUTO_FREE char *twice = conf_print(&again);
	assert_string_equal(text, twice);
}

#define BAD_LISTEN                                                                                                     \
	"station.conf, line 2: listen must be 127.0.0.1:PORT, [::1]:PORT, localhost:PORT or another numeric address "  \
	"and port"

static const struct {
	const char *text, *message;
} refused[] = {
	{ "[station]\nname = a\n\nnmae = b\n", "station.conf, line 4: there is no such key in this section: nmae" },
	{ "[station]\nlisten = 127.0.0.1:1\n", "station.conf, line 2: there is no such key in this section: listen" },
	{ "[Station]\n", "station.conf, line 1: there is no section Station" },
	{ "# x\n[stations]\nname = a\n", "station.conf, line 2: there is no section stations" },
	{ "[]\n", "station.conf, line 1: there is no section " },
	{ "name = a\n", "station.conf, line 1: no section above this key: name" },
	{ "[station]\nname = a\n[http]\n[station]\nname = a\n", "station.conf, line 5: this key stands twice: name" },
	{ "[station]\nname\n", "station.conf, line 2: neither [SECTION] nor KEY = VALUE nor a comment" },
	{ "[station]\nname: a\n", "station.conf, line 2: neither [SECTION] nor KEY = VALUE nor a comment" },
	{ "[station]\n= a\n", "station.conf, line 2: neither [SECTION] nor KEY = VALUE nor a comment" },
	{ "[station] x\n", "station.conf, line 1: a section must be [NAME] and nothing else" },
	{ "[station\n", "station.conf, line 1: a section must be [NAME] and nothing else" },
	{ "\xef\xbb\xbf[station]\n", "station.conf, line 1: neither [SECTION] nor KEY = VALUE nor a comment" },
	{ "[station]\nname = a\x01\n", "station.conf, line 2: a control character" },
	{ "[station]\nname = a b\n", "station.conf, line 2: name has a character that is not allowed there" },
	{ "[station]\nname = a ; b\n", "station.conf, line 2: a comment must stand on a line of its own" },
	{ "[station]\nline = auto # b\n", "station.conf, line 2: a comment must stand on a line of its own" },
	{ "[station]\nstate_dir =\n", "station.conf, line 2: state_dir must be given" },
	{ "[station]\nname = 0123456789012345678901234567890123456789012345678901234567890123\n",
	    "station.conf, line 2: name must have fewer than 64 characters" },
	{ "[http]\nlisten = example.com:80\n", BAD_LISTEN },
	{ "[http]\nlisten = 127.0.0.1:65536\n", BAD_LISTEN },
	{ "[http]\nlisten = 127.0.0.1:\n", BAD_LISTEN },
	{ "[people]\nsession_hours = 0\n", "station.conf, line 2: session_hours must be a number from 1 to 168" },
	{ "[program]\ndelta = Auto\n", "station.conf, line 2: delta must be auto|yes|no" },
	{ "[program]\ndelta = \n", "station.conf, line 2: delta must be auto|yes|no" },
	{ "[program]\ndelta = auto|yes\n", "station.conf, line 2: delta must be auto|yes|no" },
	{ "[program]\nretries = 6\n", "station.conf, line 2: retries must be a number from 0 to 5" },
	{ "[program]\nretries = -1\n", "station.conf, line 2: retries must be a number from 0 to 5" },
	{ "[program]\nretries = 0x1\n", "station.conf, line 2: retries must be a number from 0 to 5" },
	{ "[program]\nretries = 4294967297\n", "station.conf, line 2: retries must be a number from 0 to 5" },
	{ "[program]\nhold_after =\n", "station.conf, line 2: hold_after must be a number from 0 to 1000" },
	{ "[program]\nallow_unsigned = true\n", "station.conf, line 2: allow_unsigned must be yes or no" },
	{ "[recipes]\nrequire_roles = Release\n",
	    "station.conf, line 2: require_roles has a character that is not allowed there" },
	{ "[log]\nlevel = loud\n", "station.conf, line 2: level must be error|warning|info|debug" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct conf c;
		struct err e = ERR_INIT;
		if (parse(refused[i].text, &c, &e))
			fail_msg("got through: %s", refused[i].message);
		assert_string_equal(e.msg, refused[i].message);
		assert_int_equal(e.code, CODE_CONFIG_INVALID);
	}
}

static void test_odd_texts(void **state)
{
	(void)state;
	struct conf c;
	struct err e = ERR_INIT;
	static const char nul[] = "[station]\nname = a\0b\n";
	assert_false(conf_parse(span_of(nul, sizeof nul - 1), "f", "h", &c, &e));
	assert_string_equal(e.msg, "f, line 2: a control character");
	/* A line of 4096 characters is taken, one more is not. */
	char line[4200] = "[station]\n", *p = line + strlen(line);
	memset(p, '#', 4097);
	strcpy(p + 4096, "\nname = x\n");
	assert_true(parse(line, &c, &e));
	assert_string_equal(c.name, "x");
	memset(p, '#', 4097);
	strcpy(p + 4097, "\nname = x\n");
	assert_false(parse(line, &c, &e));
	assert_string_equal(e.msg, "station.conf, line 2: too long");
	/* The host's name has to do for a station name. */
	assert_false(conf_parse(span_of("", 0), "f", "my host", &c, &e));
	assert_string_equal(e.msg, "f: the host's name is no station name; give one in [station] name");
	assert_false(conf_parse(span_of("", 0), "f", "", &c, &e));
	assert_true(conf_parse(span_of(NULL, 0), "f", "h", &c, &e));
}

static void test_load(void **state)
{
	(void)state;
	char path[] = "/tmp/t_conf.XXXXXX";
	struct conf c;
	struct err e = ERR_INIT;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(file_write_all(fd, span_of(all_keys, sizeof all_keys - 1), path, &e));
	close(fd);
	assert_true(conf_load(path, &c, &e));
	check_all_keys(&c);
	unlink(path);
	assert_false(conf_load(path, &c, &e));
	assert_int_equal(e.code, CODE_FILE_FAILED);
}

static void test_example(void **state)
{
	(void)state;
	AUTO_FREE uint8_t *file = NULL;
	AUTO_FREE char *text = conf_example();
	size_t size;
	struct err e = ERR_INIT;
	struct conf from_example, from_nothing;
	if (!file_read("station.conf.example", CONF_MAX_FILE, &file, &size, &e))
		fail_msg("%s", e.msg);
	assert_string_equal((char *)file, text);
	assert_true(parse(text, &from_example, &e));
	assert_true(parse("", &from_nothing, &e));
	AUTO_FREE char *one = conf_print(&from_example), *other = conf_print(&from_nothing);
	assert_string_equal(one, other);
	/* No key without a default that is legal: none is printed empty but those that may be. */
	assert_null(strstr(text, "state_dir =\n"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_odd_texts),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_example),
	};
	if (argc == 2 && !strcmp(argv[1], "example")) {
		AUTO_FREE char *text = conf_example();
		return !text || fputs(text, stdout) < 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
