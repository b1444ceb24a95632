/* What is sent to OpenOCD 0.12, and what its answers and complaints mean: the texts are its own, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "format/openocd.h"

#include <stdlib.h>
#include <string.h>

static struct span text_span(const char *text)
{
	return span_of(text, strlen(text));
}

static void requests_stay_inside(void **state)
{
	char out[128];
	(void)state;
	size_t n = ocd_wrap("read_memory 0x20000000 32 1", out, sizeof out);
	assert_int_equal(n, strlen("list [catch {read_memory 0x20000000 32 1} r] $r") + 1);
	assert_memory_equal(out, "list [catch {read_memory 0x20000000 32 1} r] $r\x1a", n);
	assert_true(ocd_wrap("write_memory 0 32 {1 2}", out, sizeof out) > 0);
	static const char *const breaking[] = { "a} r]; shutdown; list [catch {b", "a}{b", "{", "a\\}", "a\x1a" };
	for (unsigned i = 0; i < sizeof breaking / sizeof *breaking; i++)
		assert_int_equal(ocd_wrap(breaking[i], out, sizeof out), 0);
	assert_int_equal(ocd_wrap("expr 1", out, 20), 0);
}

static void answers(void **state)
{
	static const struct {
		const char *answer;
		int rc; /* 1000: refused */
		const char *text;
	} rows[] = {
		{ "0 1", 0, "1" },
		{ "0 {}", 0, "" },
		{ "0 {0x1 0x2}", 0, "0x1 0x2" },
		{ "-4 {couldn't open /nonexist\n}", -4, "couldn't open /nonexist\n" },
		{ "1 {read_memory: failed to read memory}", 1, "read_memory: failed to read memory" },
		{ "1 {invalid command name \"nosuchcmd\"}", 1, "invalid command name \"nosuchcmd\"" },
		{ "0 {wrote 0 bytes from file r2m.bin in 0.000278s (0.000 KiB/s)\n}", 0,
		    "wrote 0 bytes from file r2m.bin in 0.000278s (0.000 KiB/s)\n" },
		{ "0 a\\ b\\n\\{", 0, "a b\n{" },
		{ "0 \"a b\"", 0, "a b" },
		{ "0 {a {b} c}", 0, "a {b} c" },
		{ "0 {a\\{ b}", 0, "a\\{ b" },
		{ "", 1000, "" },
		{ "0", 1000, "" },
		{ "0 ", 1000, "" },
		{ "0 {a", 1000, "" },
		{ "0 a b", 1000, "" },
		{ "0 {a} ", 1000, "" },
		{ "0 a\\", 1000, "" },
		{ "x 1", 1000, "" },
		{ "0x 1", 1000, "" },
		{ "99999999999999999999 1", 1000, "" },
		{ "y\ny\ny", 1000, "" },
	};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[128];
		int rc = 1000;
		bool read = ocd_answer(text_span(rows[i].answer), &rc, text, sizeof text);
		assert_int_equal(rc, rows[i].rc);
		assert_int_equal(read, rows[i].rc != 1000);
		if (read)
			assert_string_equal(text, rows[i].text);
	}
	char few[4];
	int rc;
	assert_true(ocd_answer(text_span("0 {abcdef}"), &rc, few, sizeof few));
	assert_string_equal(few, "abc");
}

static void numbers(void **state)
{
	uint32_t w[3] = { 0 };
	uint64_t count = 9;
	(void)state;
	assert_true(ocd_words("0x1 4294967295 7", w, 3));
	assert_int_equal(w[0], 1);
	assert_true(w[1] == UINT32_MAX);
	assert_int_equal(w[2], 7);
	assert_false(ocd_words("1 2", w, 3));
	assert_false(ocd_words("1 2 3 4", w, 3));
	assert_false(ocd_words("1 -2 3", w, 3));
	assert_false(ocd_words("1 4294967296 3", w, 3));
	assert_false(ocd_words("", w, 1));
	assert_true(ocd_byte_count("65536 bytes written at address 0x24000000\ndownloaded 65536 bytes in 0.000935s "
				   "(68449.199 KiB/s)\n",
	    &count));
	assert_int_equal(count, 65536);
	assert_true(ocd_byte_count("dumped 64 bytes in 0.0s (1.0 KiB/s)\n", &count));
	assert_int_equal(count, 64);
	assert_true(
	    ocd_byte_count("auto erase enabled\nwrote 0 bytes from file x in 0.000278s (0.000 KiB/s)\n", &count));
	assert_int_equal(count, 0);
	assert_false(ocd_byte_count("wrote nothing", &count));
	assert_false(ocd_byte_count("downloaded 99999999999999999999999 bytes", &count));
}

static void complaints(void **state)
{
	static const struct {
		const char *lines[4];
		enum code code;
	} rows[] = {
		{ { "Info : clock speed 10000 kHz" }, CODE_OK },
		{ { "Error: something new" }, CODE_OK },
		{ { "Error: cannot connect to stlink server, errno: Connection refused" }, CODE_PROBE_MISSING },
		{ { "Error: ST-LINK open failed (serial mismatch)" }, CODE_PROBE_WRONG },
		{ { "Error: open failed" }, CODE_PROBE_MISSING },
		{ { "Error: unable to find a matching CMSIS-DAP device" }, CODE_PROBE_MISSING },
		{ { "Error: opening failed with LIBUSB_ERROR_ACCESS",
		      "Error: unable to find a matching CMSIS-DAP device" },
		    CODE_USB_DENIED },
		{ { "Error: Error connecting DP: cannot read IDR" }, CODE_TARGET_MISSING },
		{ { "Error: init mode failed (unable to connect to the target)" }, CODE_TARGET_MISSING },
		{ { "Error: failed to receive USB CMD response",
		      "Error: Fail reading CTRL/STAT register. Force reconnect",
		      "Error: Failed to write memory and, additionally, failed to find out where" },
		    CODE_PROBE_MISSING },
		{ { "Error: error reading data: No such device (it may have been disconnected)" }, CODE_PROBE_MISSING },
		{ { "Error: Fail reading CTRL/STAT register. Force reconnect" }, CODE_SWD_LOST },
		{ { "Error: Polling target stm32h7x.cpu0 failed, trying to reexamine" }, CODE_SWD_LOST },
		{ { "Error: Failed to write memory at 0x24000000", "Error: wait_flash_op_queue, WRPERR detected" },
		    CODE_FLASH_ERROR },
		{ { "Warn : no flash bank found for address 0x60000000" }, CODE_BOARD_INVALID },
		{ { "Error: Could not find MEM-AP to control the core" }, CODE_TARGET_LOCKED },
	};
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ocd_trouble t;
		ocd_trouble_clear(&t);
		for (unsigned k = 0; k < 4 && rows[i].lines[k]; k++)
			ocd_trouble_note(&t, text_span(rows[i].lines[k]));
		assert_int_equal(t.code, rows[i].code);
	}
	struct ocd_trouble t;
	ocd_trouble_clear(&t);
	ocd_trouble_note(&t, span_of("Error: \x01\xff"
				     "bad\n",
				 13));
	assert_string_equal(t.line, "Error: bad");
	ocd_trouble_note(&t, text_span("Missing CHIP TAP OPTIONS ...."));
	ocd_trouble_note(&t, text_span(""));
	ocd_trouble_note(&t, text_span("Error: a later one"));
	assert_string_equal(t.line, "Error: bad");
}

static void probes(void **state)
{
	char out[512];
	struct ocd_probe p = { .driver = PROBE_ST_LINK, .port = 7184, .khz = 10000 };
	(void)state;
	assert_true(ocd_probe_commands(&p, out, sizeof out));
	assert_non_null(strstr(out, "st-link backend tcp 7184; transport select dapdirect_swd; adapter speed 10000"));
	p = (struct ocd_probe){ PROBE_ST_LINK, 0, 0x0483, 0x374e, "0033001F3033", 4000 };
	assert_true(ocd_probe_commands(&p, out, sizeof out));
	assert_string_equal(out, "adapter driver st-link; st-link vid_pid 0x0483 0x374e; adapter serial 0033001F3033; "
				 "transport select dapdirect_swd; adapter speed 4000");
	p = (struct ocd_probe){ PROBE_CMSIS_DAP, 0, 0x2e8a, 0x000c, "E660C06213", 4000 };
	assert_true(ocd_probe_commands(&p, out, sizeof out));
	assert_string_equal(out,
	    "adapter driver cmsis-dap; cmsis_dap_vid_pid 0x2e8a 0x000c; adapter serial E660C06213; "
	    "transport select swd; adapter speed 4000");
	assert_false(ocd_probe_commands(&p, out, 40));
	strcpy(p.serial, "a; shutdown");
	assert_false(ocd_probe_commands(&p, out, sizeof out));
	strcpy(p.serial, "[exec ls]");
	assert_false(ocd_probe_commands(&p, out, sizeof out));
	assert_true(ocd_name_valid("stm32h7.cfg"));
	assert_false(ocd_name_valid("../stm32h7.cfg"));
	assert_false(ocd_name_valid(".."));
	assert_false(ocd_name_valid("-c"));
	assert_false(ocd_name_valid(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_stay_inside),
		cmocka_unit_test(answers),
		cmocka_unit_test(numbers),
		cmocka_unit_test(complaints),
		cmocka_unit_test(probes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
