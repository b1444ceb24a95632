/* Per-unit data: what fits, what is filled in, which marks are found. */
#include "format/unit_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define LENGTH 64

static enum code fit(const struct unit_field *fields, unsigned count, uint32_t length)
{
	struct err e = ERR_INIT;
	bool done = unit_fields_fit(fields, count, length, &e);
	assert_true(done == (e.code == CODE_OK));
	return e.code;
}

static void test_fit(void **state)
{
	(void)state;
	static const struct {
		struct unit_field a, b;
		enum code code;
	} rows[] = {
		{ { 0, 8, UNIT_UID, false }, { 8, 56, UNIT_MAC, false }, CODE_OK },
		{ { 0, 8, UNIT_UID, false }, { 8, 57, UNIT_MAC, false }, CODE_MANIFEST_INVALID },
		{ { 0, 8, UNIT_UID, false }, { 7, 8, UNIT_MAC, false }, CODE_MANIFEST_INVALID },
		{ { 8, 8, UNIT_UID, false }, { 0, 8, UNIT_MAC, false }, CODE_MANIFEST_INVALID },
		{ { 0, 0, UNIT_UID, false }, { 8, 8, UNIT_MAC, false }, CODE_MANIFEST_INVALID },
		{ { 0, 8, UNIT_UID, false }, { 65, 1, UNIT_MAC, false }, CODE_MANIFEST_INVALID },
		{ { 0, 8, UNIT_UID, false }, { 63, 1, UNIT_MAC, false }, CODE_OK },
		{ { 0, 8, UNIT_UID, false }, { UINT32_MAX, 128, UNIT_MAC, false }, CODE_MANIFEST_INVALID },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct unit_field fields[] = { rows[i].a, rows[i].b };
		assert_int_equal(fit(fields, 2, LENGTH), rows[i].code);
	}
	const struct unit_field wide = { 0, UNIT_FIELD_MAX + 1, UNIT_UID, false };
	const struct unit_field widest = { 0, UNIT_FIELD_MAX, UNIT_UID, false };
	assert_int_equal(fit(&wide, 1, 4096), CODE_MANIFEST_INVALID);
	assert_int_equal(fit(&widest, 1, UNIT_TEMPLATE_MAX), CODE_OK);
	assert_int_equal(fit(&widest, 1, UNIT_TEMPLATE_MAX + 1), CODE_MANIFEST_INVALID);
}

static enum code fill(struct unit_field field, const char *value, char image[LENGTH + 1])
{
	const char *values[UNIT_VALUES] = { "", "", "" };
	struct err e = ERR_INIT;
	values[field.value] = value;
	memset(image, '.', LENGTH);
	image[LENGTH] = '\0';
	bool done = unit_data_fill(&field, 1, values, (uint8_t *)image, LENGTH, &e);
	assert_true(done == (e.code == CODE_OK));
	for (uint32_t i = 0; i < LENGTH; i++) /* nothing beside the field is touched */
		assert_true((i >= field.at && i < (uint32_t)field.at + field.size) || image[i] == '.');
	return e.code;
}

static void test_fill(void **state)
{
	(void)state;
	static const struct {
		struct unit_field field;
		const char *value, *want; /* NULL: refused */
		enum code code;
	} rows[] = {
		{ { 4, 6, UNIT_SERIAL, false }, "CAM-1", "....CAM-1 ..", CODE_OK },
		{ { 4, 6, UNIT_SERIAL, false }, "CAM-12", "....CAM-12..", CODE_OK },
		{ { 4, 6, UNIT_SERIAL, false }, "CAM-123", NULL, CODE_NUMBER_UNFIT },
		{ { 4, 6, UNIT_SERIAL, false }, "", NULL, CODE_SERIAL_MISSING },
		{ { 4, 6, UNIT_SERIAL, false }, "a\"b", NULL, CODE_NUMBER_UNFIT },
		{ { 4, 6, UNIT_SERIAL, false }, "a'b", NULL, CODE_NUMBER_UNFIT },
		{ { 4, 6, UNIT_SERIAL, false }, "a\\n", NULL, CODE_NUMBER_UNFIT },
		{ { 4, 6, UNIT_SERIAL, false }, "\xc3\xa4", NULL, CODE_NUMBER_UNFIT },
		{ { 0, 6, UNIT_MAC, true }, "41:42:43:44:45:4a", "ABCDEJ..", CODE_OK },
		{ { 0, 6, UNIT_MAC, true }, "41-42-43-44-45-4A", "ABCDEJ..", CODE_OK },
		{ { 0, 6, UNIT_MAC, true }, "41424344454a", "ABCDEJ..", CODE_OK },
		{ { 0, 6, UNIT_MAC, true }, "41:42:43:44:45", NULL, CODE_NUMBER_UNFIT },
		{ { 0, 6, UNIT_MAC, true }, "41:42:43:44:45:46:47", NULL, CODE_NUMBER_UNFIT },
		{ { 0, 6, UNIT_MAC, true }, "41:42:43:44:45:4g", NULL, CODE_NUMBER_UNFIT },
		{ { 0, 6, UNIT_MAC, true }, "41:42:43:44:45:4", NULL, CODE_NUMBER_UNFIT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char image[LENGTH + 1];
		assert_int_equal(fill(rows[i].field, rows[i].value, image), rows[i].code);
		if (rows[i].want)
			assert_memory_equal(image, rows[i].want, strlen(rows[i].want));
	}
}

static void test_marks(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned count;
		struct unit_field first;
	} rows[] = {
		{ "serial='{{serial__}}'", 1, { 8, 12, UNIT_SERIAL, false } },
		{ "{{{mac}}}", 1, { 1, 7, UNIT_MAC, false } },
		{ "{{uid}}{{mac_____}}", 2, { 0, 7, UNIT_UID, false } },
		{ "{{serial_{{serial}}", 1, { 9, 10, UNIT_SERIAL, false } },
		{ "{{serial_", 0, { 0, 0, UNIT_SERIAL, false } },
		{ "{{serial_ }}", 0, { 0, 0, UNIT_SERIAL, false } },
		{ "{{Serial}}", 0, { 0, 0, UNIT_SERIAL, false } },
		{ "{{order}}", 0, { 0, 0, UNIT_SERIAL, false } },
		{ "{", 0, { 0, 0, UNIT_SERIAL, false } },
		{ "", 0, { 0, 0, UNIT_SERIAL, false } },
	};
	struct unit_field fields[UNIT_FIELDS_MAX];
	unsigned count;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e = ERR_INIT;
		bool found = unit_data_marks(span_of(rows[i].text, strlen(rows[i].text)), fields, &count, &e);
		assert_int_equal(count, rows[i].count);
		assert_true(found == (count > 0));
		if (!found) {
			assert_int_equal(e.code, CODE_MANIFEST_INVALID);
			continue;
		}
		assert_int_equal(fields[0].at, rows[i].first.at);
		assert_int_equal(fields[0].size, rows[i].first.size);
		assert_int_equal(fields[0].value, rows[i].first.value);
	}
}

/* One mark too many, and one that is too wide. */
static void test_marks_limits(void **state)
{
	(void)state;
	struct unit_field fields[UNIT_FIELDS_MAX];
	char text[7 * (UNIT_FIELDS_MAX + 1) + 1], wide[UNIT_FIELD_MAX + 2];
	unsigned count;
	struct err e = ERR_INIT;
	for (unsigned i = 0; i <= UNIT_FIELDS_MAX; i++)
		memcpy(text + 7 * (size_t)i, "{{uid}}", 8);
	assert_true(unit_data_marks(span_of(text, sizeof text - 8), fields, &count, &e));
	assert_int_equal(count, UNIT_FIELDS_MAX);
	assert_false(unit_data_marks(span_of(text, sizeof text - 1), fields, &count, &e));
	assert_int_equal(e.code, CODE_MANIFEST_INVALID);
	memset(wide, '_', sizeof wide);
	memcpy(wide, "{{uid", 5);
	memcpy(wide + sizeof wide - 3, "}}", 2);
	assert_false(unit_data_marks(span_of(wide, sizeof wide - 1), fields, &count, &e));
	memcpy(wide + sizeof wide - 4, "}}", 2);
	assert_true(unit_data_marks(span_of(wide, sizeof wide - 2), fields, &count, &e));
	assert_int_equal(fields[0].size, UNIT_FIELD_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_marks_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
