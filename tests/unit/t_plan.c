/* The write plan, step by step, for every board; and the arithmetic of regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/plan.h"

#include "board_files.h"

#define REGIONS 4

/* A region of 0x5a bytes, with some blocks of 0xff. */
struct spec {
	const char *partition;
	uint32_t length;
	bool tail_blank;
	const char *differ; /* NULL: every unit; else a digit per unit, and 0 from the end of the text on */
	uint32_t blank[4];  /* block numbers, 0 ends the list */
};

/* Steps as text: "R:z0" zeros at block 0 of region R, "R:3-15" or "R:3" the image's blocks, "R:b16" a block of 0xff,
 * "R:m" the zero-length DNLOAD. */
static const struct {
	const char *board;
	struct spec regions[REGIONS];
	const char *steps;
	uint32_t written, skipped;
} plans[] = {
	/* One unit: not blanked first. */
	{ "openmv-m4", { { "ROMFS0", 131072, false, NULL, { 0 } } }, "0:0-31 0:m", 1, 0 },
	{ "openmv-m7", { { "ROMFS0", 262144, false, NULL, { 0 } } }, "0:0-63 0:m", 1, 0 },
	{ "openmv-h7", { { "ROMFS0", 1, false, NULL, { 0 } } }, "0:0 0:m", 1, 0 },
	{ "openmv-h7", { { "ROMFS0", 1, true, NULL, { 0 } } }, "0:0 0:m", 1, 0 },
	{ "openmv-h7-plus", { { "ROMFS0", 65536, false, NULL, { 0 } } }, "0:0-15 0:m", 1, 0 },
	/* Several: zeros, units from 1 up, unit 0; blank blocks inside of a unit are left out, its first is not. */
	{ "openmv-h7-plus", { { "ROMFS0", 65537, false, NULL, { 0 } } }, "0:z0 0:16 0:0-15 0:m", 2, 0 },
	{ "openmv-pure-thermal", { { "ROMFS0", 196608, false, NULL, { 1, 16, 17, 47 } } },
	    "0:z0 0:16 0:18-46 0:0 0:2-15 0:m", 3, 0 },
	{ "openmv-n6", { { "ROMFS0", 25165824, false, "1", { 0 } } }, "0:z0 0:0-15 0:m", 1, 383 },
	{ "openmv-n6", { { "ROMFS0", 300000, false, "00010", { 0 } } }, "0:z0 0:48-63 0:0-15 0:m", 2, 3 },
	{ "openmv-ae3", { { "ROMFS0", 12289, false, NULL, { 1, 2 } } }, "0:z0 0:1-3 0:0 0:m", 4, 0 },
	/* Nothing differs: nothing is written. */
	{ "openmv-n6", { { "ROMFS0", 300000, false, "", { 0 } } }, "", 0, 5 },
	{ "openmv-n6", { { "ROMFS0", 300000, true, "", { 0 } } }, "", 0, 384 },
	/* A blanked tail: one block of 0xff for each later unit. */
	{ "openmv-m4", { { "FILESYSTEM", 4097, true, NULL, { 0 } } }, "0:z0 0:b4 0:0-1 0:m", 2, 0 },
	{ "openmv-m7", { { "FILESYSTEM", 4096, true, "001", { 0 } } }, "0:z0 0:b16 0:0 0:m", 2, 1 },
	/* MRAM: no erase, so blank blocks are sent too. */
	{ "openmv-ae3", { { "ROMFS1", 12288, false, NULL, { 1 } } }, "0:z0 0:1-2 0:0 0:m", 3, 0 },
	{ "openmv-ae3", { { "ROMFS1", 1040384, true, "", { 0 } } }, "", 0, 256 },
	{ "openmv-ae3", { { "ROMFS1", 1040385, true, "00001", { 0 } } }, "0:z0 0:4 0:0 0:m", 2, 254 },
	{ "openmv-ae3", { { "HE", 1425408, true, NULL, { 0 } } }, "0:z0 0:1-347 0:b348 0:b349 0:0 0:m", 350, 0 },
	/* Firmware: unbootable first, its unit 0 last of all; also with one unit. */
	{ "openmv-m4", { { "FIRMWARE", 65536, false, NULL, { 0 } } }, "0:z0 0:0-15 0:m", 1, 0 },
	{ "openmv-m4", { { "FIRMWARE", 65540, false, NULL, { 0 } } }, "0:z0 0:16 0:0-15 0:m", 2, 0 },
	{ "openmv-m7", { { "FIRMWARE", 393216, false, "01", { 0 } } }, "0:z0 0:32-95 0:0-31 0:m", 2, 0 },
	{ "openmv-h7", { { "ROMFS0", 131072, false, NULL, { 0 } }, { "FIRMWARE", 131076, false, NULL, { 0 } } },
	    "1:z0 0:0-31 0:m 1:32 1:0-31 1:m", 3, 0 },
	{ "openmv-h7-plus",
	    { { "FIRMWARE", 131076, false, NULL, { 0 } }, { "ROMFS0", 65537, false, NULL, { 0 } },
		{ "FILESYSTEM", 4096, false, NULL, { 0 } } },
	    "0:z0 1:z0 1:16 1:0-15 1:m 2:0 2:m 0:32 0:0-31 0:m", 5, 0 },
	/* Firmware that is there already stays as it is, and so does a region beside firmware that differs. */
	{ "openmv-n6", { { "FIRMWARE", 131072, false, "", { 0 } }, { "ROMFS0", 65536, false, "1", { 0 } } },
	    "1:0-15 1:m", 1, 2 },
	{ "openmv-n6", { { "FIRMWARE", 131072, false, "01", { 0 } }, { "ROMFS0", 65536, false, "", { 0 } } },
	    "0:z0 0:16-31 0:0-15 0:m", 2, 1 },
	/* AE3, both cores and both ROMFS: the main core's block 0 is the last; each visit to MRAM starts with block 0.
	 */
	{ "openmv-ae3",
	    { { "HE", 8192, false, NULL, { 0 } }, { "ROMFS1", 8192, false, NULL, { 0 } },
		{ "HP", 8192, false, NULL, { 0 } }, { "ROMFS0", 8192, false, NULL, { 0 } } },
	    "2:z0 0:z0 1:z0 1:1 1:0 1:m 3:z0 3:1 3:0 3:m 2:z0 2:1 0:z0 0:1 0:0 0:m 2:0 2:m", 8, 0 },
	{ "openmv-ae3", { { "HP", 8192, false, NULL, { 0 } } }, "0:z0 0:1 0:0 0:m", 2, 0 },
	{ "openmv-ae3", { { "HP", 8192, false, "1", { 0 } }, { "HE", 8192, false, "01", { 0 } } },
	    "0:z0 1:z0 1:1 1:0 1:m 0:0 0:m", 3, 1 },
};

/* Consecutive image blocks of one region become a range. */
static void describe(const struct plan *plan, char *out, size_t size)
{
	size_t n = 0;
	*out = '\0';
	for (uint32_t i = 0; i < plan->count && n < size; i++) {
		const struct plan_step *s = &plan->steps[i];
		uint32_t last = i;
		n += (size_t)snprintf(out + n, size - n, "%s%u:", i ? " " : "", s->region);
		if (s->op == PLAN_MANIFEST) {
			n += (size_t)snprintf(out + n, size - n, "m");
			continue;
		}
		if (s->source != PLAN_IMAGE) {
			n += (size_t)snprintf(out + n, size - n, "%c%u", s->source == PLAN_ZEROS ? 'z' : 'b', s->block);
			continue;
		}
		while (last + 1 < plan->count && plan->steps[last + 1].op == PLAN_WRITE &&
		       plan->steps[last + 1].source == PLAN_IMAGE && plan->steps[last + 1].region == s->region &&
		       plan->steps[last + 1].block == s->block + (last + 1 - i))
			last++;
		n += (size_t)snprintf(out + n, size - n, last > i ? "%u-%u" : "%u", s->block, s->block + (last - i));
		i = last;
	}
}

/* Fills the image and the bitmap of a region; the caller frees both. */
static void build(const struct board *b, const struct spec *spec, struct region *r, uint8_t **image, uint8_t **differ)
{
	memset(r, 0, sizeof *r);
	r->partition = board_partition(b, spec->partition);
	assert_non_null(r->partition);
	*image = malloc(spec->length);
	assert_non_null(*image);
	memset(*image, 0x5a, spec->length);
	for (unsigned i = 0; i < 4 && spec->blank[i]; i++)
		memset(*image + spec->blank[i] * DFU_BLOCK, 0xff, DFU_BLOCK);
	r->image = span_of(*image, spec->length);
	r->tail_blank = spec->tail_blank;
	*differ = NULL;
	if (!spec->differ)
		return;
	*differ = calloc(region_unit_count(r) / 8 + 1, 1);
	assert_non_null(*differ);
	for (unsigned u = 0; spec->differ[u]; u++)
		if (spec->differ[u] == '1')
			(*differ)[u / 8] = (uint8_t)((*differ)[u / 8] | 1 << u % 8);
}

static void test_plans(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof plans / sizeof *plans; i++) {
		const struct board *b = boards_find(&set, plans[i].board);
		struct region regions[REGIONS];
		uint8_t *images[REGIONS] = { NULL }, *differ[REGIONS] = { NULL };
		const uint8_t *bits[REGIONS];
		unsigned count = 0;
		struct plan plan;
		struct err e = ERR_INIT;
		char text[1024];
		for (; count < REGIONS && plans[i].regions[count].partition; count++) {
			build(b, &plans[i].regions[count], &regions[count], &images[count], &differ[count]);
			bits[count] = differ[count];
		}
		assert_true(plan_make(b, regions, count, bits, &plan, &e));
		describe(&plan, text, sizeof text);
		assert_string_equal(text, plans[i].steps);
		assert_int_equal(plan.units_written, plans[i].written);
		assert_int_equal(plan.units_skipped, plans[i].skipped);
		plan_clear(&plan);
		plan_clear(&plan);
		for (unsigned k = 0; k < count; k++) {
			free(images[k]);
			free(differ[k]);
		}
	}
}

static void test_too_large(void **state)
{
	(void)state;
	const struct board *b = boards_find(&set, "openmv-h7");
	AUTO_FREE uint8_t *image = calloc(131073, 1);
	struct region r = { .partition = board_partition(b, "ROMFS0"), .image = { image, 131073 } };
	struct plan plan;
	struct err e = ERR_INIT;
	assert_false(plan_make(b, &r, 1, NULL, &plan, &e));
	assert_int_equal(e.code, CODE_INTERNAL);
	assert_null(plan.steps);
}

static void test_regions(void **state)
{
	(void)state;
	const struct board *b = boards_find(&set, "openmv-m4");
	uint8_t image[70000], out[DFU_BLOCK];
	memset(image, 0x11, sizeof image);
	struct region r = { .partition = board_partition(b, "FIRMWARE"), .image = { image, sizeof image } };
	assert_int_equal(region_unit_count(&r), 2);
	assert_int_equal(region_unit_bytes(&r, 0), 65536);
	assert_int_equal(region_unit_bytes(&r, 1), 70000 - 65536);
	assert_int_equal(region_unit_bytes(&r, 2), 0);
	assert_int_equal(region_unit_bytes(&r, 99), 0);
	r.tail_blank = true;
	assert_int_equal(region_unit_count(&r), 7);
	assert_int_equal(region_unit_bytes(&r, 1), 131072);
	assert_int_equal(region_unit_bytes(&r, 6), 131072);
	assert_int_equal(region_unit_bytes(&r, 7), 0);
	r.image.size = 0;
	assert_int_equal(region_unit_count(&r), 7);
	r.tail_blank = false;
	assert_int_equal(region_unit_count(&r), 0);
	r.image.size = sizeof image;
	region_expect(&r, 69632, out, sizeof out);
	assert_int_equal(out[367], 0x11);
	assert_int_equal(out[368], 0xff);
	assert_int_equal(out[4095], 0xff);
	assert_true(region_equals(&r, 69632, span_of(out, sizeof out)));
	assert_true(region_equals(&r, 69632, span_of(out, 368)));
	assert_true(region_equals(&r, 69632, span_of(NULL, 0)));
	out[4095] = 0xfe;
	assert_false(region_equals(&r, 69632, span_of(out, sizeof out)));
	out[4095] = 0xff;
	out[368] = 0;
	assert_false(region_equals(&r, 69632, span_of(out, sizeof out)));
	out[368] = 0xff;
	out[0] = 0;
	assert_false(region_equals(&r, 69632, span_of(out, sizeof out)));
	memset(out, 0xff, sizeof out);
	assert_true(region_equals(&r, 73728, span_of(out, sizeof out)));
	out[1] = 0;
	assert_false(region_equals(&r, 73728, span_of(out, sizeof out)));
}

static void test_blocks(void **state)
{
	(void)state;
	const struct board *b = boards_find(&set, "openmv-m4");
	uint8_t image[5000], out[DFU_BLOCK];
	memset(image, 0x11, sizeof image);
	struct region r = { .partition = board_partition(b, "FIRMWARE"), .image = { image, sizeof image } };
	plan_block(&r, &(struct plan_step){ 0, PLAN_WRITE, PLAN_IMAGE, 1 }, out);
	assert_int_equal(out[903], 0x11);
	assert_int_equal(out[904], 0xff);
	plan_block(&r, &(struct plan_step){ 0, PLAN_WRITE, PLAN_ONES, 5 }, out);
	assert_true(out[0] == 0xff && !memcmp(out, out + 1, sizeof out - 1));
	plan_block(&r, &(struct plan_step){ 0, PLAN_WRITE, PLAN_ZEROS, 0 }, out);
	assert_true(out[0] == 0 && !memcmp(out, out + 1, sizeof out - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_blocks),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
