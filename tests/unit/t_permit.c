/* What the MES may answer to the interlock, and what is no answer; UUIDs and signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "mes/permit.h"

#define UID "000000010000000200000003"

static enum code answer(const char *text, struct permit *p, int64_t *valid_s)
{
	struct err e = ERR_INIT;
	if (permit_read(span_of(text, strlen(text)), UID, p, valid_s, &e))
		return CODE_OK;
	assert_true(*e.msg);
	return e.code;
}

static void test_answers(void **state)
{
	(void)state;
	struct permit p;
	int64_t valid_s;
	assert_int_equal(answer("{\"uid\":\"" UID "\",\"allow\":true}", &p, &valid_s), CODE_OK);
	assert_int_equal(p.how, PERMIT_GRANTED);
	assert_int_equal(valid_s, 0);
	assert_string_equal(p.serial, "");
	assert_int_equal(
	    answer("{\"uid\":\"" UID "\",\"allow\":true,\"serial\":\"SN-1\",\"mac\":null,\"valid_s\":86400,"
		   "\"more\":[1]}",
		&p, &valid_s),
	    CODE_OK);
	assert_string_equal(p.serial, "SN-1");
	assert_string_equal(p.mac, "");
	assert_int_equal(valid_s, 86400);
	assert_int_equal(answer("{\"uid\":\"" UID "\",\"allow\":false}", &p, &valid_s), CODE_MES_REFUSED);
	assert_int_equal(
	    answer("{\"uid\":\"" UID "\",\"allow\":false,\"message\":\"no\"}", &p, &valid_s), CODE_MES_REFUSED);
	assert_int_equal(p.how, PERMIT_NONE);
	assert_string_equal(p.message, "");
	assert_int_equal(
	    answer("{\"uid\":\"" UID "\",\"allow\":true,\"message\":\" with\\n\\u202ecare \"}", &p, &valid_s), CODE_OK);
	assert_string_equal(p.message, "with care");
	assert_int_equal(answer("{\"uid\":\"" UID "\",\"allow\":true,\"message\":null}", &p, &valid_s), CODE_OK);
	assert_string_equal(p.message, "");
}

static void test_sentences(void **state)
{
	(void)state;
	static const struct {
		const char *text, *line;
	} rows[] = { { "", "" }, { " \t\n ", "" }, { "a", "a" }, { "  a\r\n  b ", "a b" },
		{ "\x1b[31mred\x07", "[31mred" },
		{ "a\xe2\x80\xae"
		  "b\xe2\x80\xa8"
		  "c",
		    "a b c" },
		{ "\xc2\x85x\xc2\xa0y\xef\xbb\xbf", "x y" },
		{ "Gr\xc3\xbc\xc3\x9f"
		  "e \xe7\x9b\xb8\xe6\x9c\xba",
		    "Gr\xc3\xbc\xc3\x9f"
		    "e \xe7\x9b\xb8\xe6\x9c\xba" },
		{ "\xf0\x9f\x93\xb7!", "\xf0\x9f\x93\xb7!" }, { "a\xff\xc3", "a" }, { "\xf3\xa0\x81\x81t", "t" } };
	char out[SENTENCE_SIZE], text[1024], again[SENTENCE_SIZE];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		sentence_of(rows[i].text, out);
		assert_string_equal(out, rows[i].line);
	}
	/* every length, of characters of each size: whole characters, as many as fit, an ellipsis where some are gone
	 */
	static const char *const characters[] = { "x", "\xc3\xbc", "\xe7\x9b\xb8", "\xf0\x9f\x93\xb7" };
	for (size_t c = 0; c < 4; c++) {
		size_t size = strlen(characters[c]);
		for (size_t n = 0; n <= 200; n++) {
			for (size_t i = 0; i < n; i++)
				memcpy(text + i * size, characters[c], size);
			text[n * size] = '\0';
			sentence_of(text, out);
			bool fits = n * size < SENTENCE_SIZE;
			size_t kept = fits ? n * size : (SENTENCE_SIZE - 4) / size * size;
			assert_int_equal(strlen(out), kept + (fits ? 0 : 3));
			assert_memory_equal(out, text, kept);
			assert_string_equal(out + kept, fits ? "" : "\xe2\x80\xa6");
			sentence_of(out, again);
			assert_string_equal(again, out);
		}
	}
}

static void test_no_answers(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "yes", "null", "[]", "true", "{}", "{\"allow\":true}",
		"{\"uid\":\"" UID "\"}", "{\"uid\":\"000000010000000200000004\",\"allow\":true}",
		"{\"uid\":\"" UID "\",\"allow\":\"true\"}", "{\"uid\":\"" UID "\",\"allow\":1}",
		"{\"uid\":\"" UID "\",\"allow\":null}", "{\"uid\":null,\"allow\":true}",
		"{\"uid\":\"" UID "\",\"allow\":true,\"allow\":true}", "{\"uid\":\"" UID "\",\"allow\":true}}",
		"{\"uid\":\"" UID "\",\"allow\":true", "\xef\xbb\xbf{}",
		"{\"uid\":\"" UID "\",\"allow\":true,\"valid_s\":86401}",
		"{\"uid\":\"" UID "\",\"allow\":true,\"valid_s\":-1}",
		"{\"uid\":\"" UID "\",\"allow\":true,\"valid_s\":\"1\"}",
		"{\"uid\":\"" UID "\",\"allow\":true,\"serial\":1}",
		"{\"uid\":\"" UID "\",\"allow\":true,\"serial\":\"a\\nb\"}",
		"{\"uid\":\"" UID
		"\",\"allow\":true,\"mac\":\"0123456789012345678901234567890123456789012345678901234567890123"
		"4\"}" };
	struct permit p;
	int64_t valid_s;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (answer(bad[i], &p, &valid_s) != CODE_MES_SILENT || p.how != PERMIT_NONE || *p.message)
			fail_msg("%s", bad[i]);
}

static void test_uuid(void **state)
{
	(void)state;
	const uint8_t zeros[16] = { 0 },
		      ones[16] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	char text[UUID_SIZE];
	uuid_text(zeros, text);
	assert_string_equal(text, "00000000-0000-8000-8000-000000000000");
	uuid_text(ones, text);
	assert_string_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
}

/* printf '1700000000.{}' | openssl dgst -sha256 -hmac 01234567890123456789 */
static void test_signature(void **state)
{
	(void)state;
	static struct mes_rules rules = { .secret_size = 20, .secret = "01234567890123456789" };
	struct mes_headers room;
	struct post_request r = { .body = { (const uint8_t *)"{}", 2 } };
	mes_sign(&rules, "u", 1700000000, &room, &r);
	assert_string_equal(room.time, "Romline-Time: 1700000000");
	assert_string_equal(room.event, "Romline-Event: u");
	assert_string_equal(
	    room.signature, "Romline-Signature: v1=7300fc1cc4ddd44a77e63e9dd15001903430046d28d44a8847a97ce0baf6686d");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers), cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_sentences), cmocka_unit_test(test_uuid), cmocka_unit_test(test_signature) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
