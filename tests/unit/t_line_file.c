/* The line file: what is taken, and each rule that refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "format/line_file.h"

#include <string.h>

static bool parse(const char *text, struct line_file *f, struct err *e)
{
	return line_file_parse(span_of(text, strlen(text)), f, e);
}

static void places_in_order(void **state)
{
	struct line_file f;
	struct err e = ERR_INIT;
	(void)state;
	assert_true(parse("{\"name\":\"L1\",\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1.3\",\"x\":1,\"y\":2},"
			  "{\"slot\":2,\"name\":\"B\",\"path\":\"2-4\"}]}",
	    &f, &e));
	assert_int_equal(f.count, 2);
	assert_string_equal(f.places[0].path, "1-1.3");
	assert_string_equal(f.places[1].name, "B");
	assert_int_equal(f.places[0].x, 1);
	assert_int_equal(f.places[0].y, 2);
	assert_int_equal(f.places[1].x, -1);
	assert_int_equal(f.places[1].y, -1);
}

static void places_with_probes(void **state)
{
	struct line_file f;
	struct err e = ERR_INIT;
	(void)state;
	assert_true(parse("{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1.3\",\"probe\":{\"driver\":"
			  "\"cmsis-dap\",\"path\":\"1-2.1\",\"board\":\"openmv-h7\",\"khz\":4000}},"
			  "{\"slot\":2,\"name\":\"B\",\"probe\":{\"driver\":\"st-link\",\"port\":7184,"
			  "\"board\":\"openmv-m4\",\"khz\":10000}},"
			  "{\"slot\":3,\"name\":\"C\",\"path\":\"1-1.4\"}]}",
	    &f, &e));
	assert_true(f.places[0].has_usb && f.places[0].probe.there);
	assert_int_equal(f.places[0].probe.driver, PROBE_CMSIS_DAP);
	assert_string_equal(f.places[0].probe.path, "1-2.1");
	assert_string_equal(f.places[0].probe.board, "openmv-h7");
	assert_int_equal(f.places[0].probe.khz, 4000);
	assert_false(f.places[1].has_usb);
	assert_string_equal(f.places[1].path, "swd-7184");
	assert_int_equal(f.places[1].probe.port, 7184);
	assert_true(f.places[2].has_usb && !f.places[2].probe.there);
}

static void every_rule_refuses(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "{\"slots\":[]}", "no slots" },
		{ "{\"slots\":[{\"slot\":2,\"name\":\"A\",\"path\":\"1-1\"}]}", "out of order" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"\",\"path\":\"1-1\"}]}", "name is empty" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"usb1\"}]}", "no USB path" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1\"},{\"slot\":2,\"name\":\"B\",\"path\":\"1-"
		  "1\"}]}",
		    "stands twice" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1\",\"z\":1}]}", "z" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1\",\"x\":1}]}", "slot 1: \"y\"" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1\",\"x\":0,\"y\":-1}]}", "y" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1\",\"x\":0,\"y\":\"0\"}]}", "y" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-1\",\"x\":3,\"y\":4},{\"slot\":2,\"name\":\"B\","
		  "\"path\":\"1-2\",\"x\":3,\"y\":4}]}",
		    "slot 2 stands where slot 1 does" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"jlink\",\"path\":\"1-2\",\"board\":"
		  "\"b\",\"khz\":1000}}]}",
		    "neither st-link nor cmsis-dap" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"path\":\"1-2\",\"port\":"
		  "7184,\"board\":\"b\",\"khz\":1000}}]}",
		    "not both" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"cmsis-dap\",\"port\":7184,\"board\":"
		  "\"b\",\"khz\":1000}}]}",
		    "only an st-link" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"port\":0,\"board\":\"b\","
		  "\"khz\":1000}}]}",
		    "port" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"board\":\"b\",\"khz\":"
		  "1000}}]}",
		    "path" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"path\":\"x\",\"board\":"
		  "\"b\",\"khz\":1000}}]}",
		    "no USB path" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"path\":\"1-2\",\"probe\":{\"driver\":\"st-link\",\"path\":"
		  "\"1-2\",\"board\":\"b\",\"khz\":1000}}]}",
		    "stands twice" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"port\":1,\"board\":\"\","
		  "\"khz\":1000}}]}",
		    "board is empty" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"port\":1,\"board\":\"b\","
		  "\"khz\":1}}]}",
		    "khz" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"port\":1,\"board\":\"b\"}"
		  "}]}",
		    "khz" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"port\":1,\"board\":\"b\","
		  "\"khz\":1000,\"serial\":\"x\"}}]}",
		    "serial" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":null}]}", "probe" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"port\":7,\"board\":\"b\","
		  "\"khz\":1000}},{\"slot\":2,\"name\":\"B\",\"probe\":{\"driver\":\"st-link\",\"port\":7,\"board\":"
		  "\"b\",\"khz\":1000}}]}",
		    "port 7 stands twice" },
		{ "{\"slots\":[{\"slot\":1,\"name\":\"A\",\"probe\":{\"driver\":\"st-link\",\"path\":\"1-3\",\"board\":"
		  "\"b\",\"khz\":1000}},{\"slot\":2,\"name\":\"B\",\"path\":\"1-3\"}]}",
		    "stands twice" },
		{ "{\"slots\":[1]}", "" },
		{ "{\"slots\":{}}", "slots" },
		{ "[]", "no object" },
		{ "[[]]", "no object" }, /* once: a member without a name was looked up */
		{ "{\"slots\":[]", "" },
	};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct line_file f;
		struct err e = ERR_INIT;
		assert_false(parse(rows[i].text, &f, &e));
		assert_non_null(strstr(e.msg, rows[i].why));
	}
}

static void usb_paths(void **state)
{
	static const char *const good[] = { "1-1", "1-1.2", "12-3.4.5.6.7.8", "999-255" };
	static const char *const bad[] = { "", "1", "1-", "-1", "1-0", "0-1", "1-1.", "1-256", "1000-1", "1.1", "1-1-1",
		"1-1.2x", "1-01", "1-1.2.3.4.5.6.7.8.9", "1-1.1.1.1.1.1.1.1", " 1-1", "1-+1" };
	(void)state;
	for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(usb_path_valid(good[i]));
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(usb_path_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_in_order),
		cmocka_unit_test(places_with_probes),
		cmocka_unit_test(every_rule_refuses),
		cmocka_unit_test(usb_paths),
	};
	return cmocka_run_group_tests_name("line_file", tests, NULL, NULL);
}
