/* The recipe's outer form and its manifest: one encoding, one set of keys. */
#include "recipes.h"

#include "format/json.h"
#include "format/recipe_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct bytes payload; /* a ROMFS; made once */
static char good[MANIFEST_SIZE];

static int set_up(void **state)
{
	(void)state;
	payload = romfs_with("main.py", 32);
	manifest_for(good, "openmv-n6", "ROMFS0", "romfs", span_of(payload.data, payload.size));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(payload.data);
	return 0;
}

static struct span whole(const struct bytes *b)
{
	return span_of(b->data, b->size);
}

/* What reading an image answers: CODE_OK or the code. */
static enum code read_image(struct span file)
{
	struct recipe_image image;
	struct recipe recipe = { .region_count = 0 };
	struct err e = ERR_INIT;
	bool done = recipe_split(file, &image, &e) && recipe_read(&image, &recipe, &e);
	recipe_clear(&recipe);
	assert_true(done == (e.code == CODE_OK));
	assert_true(done || e.msg[0]);
	return e.code;
}

static enum code read_records(const struct bytes *records, unsigned width)
{
	struct bytes image = bytes_image(records, width);
	enum code code = read_image(whole(&image));
	free(image.data);
	return code;
}

static enum code read_manifest(const char *manifest)
{
	struct bytes image = recipe_of(manifest, whole(&payload));
	enum code code = read_image(whole(&image));
	free(image.data);
	return code;
}

#define TEMPLATE_OF(list)          "\"misaligned_ok\":[],\"template\":" list
#define FIELD(at, size, value, as) "{\"at\":" at ",\"size\":" size ",\"value\":\"" value "\",\"as\":\"" as "\"}"

/* Format 2: each region says which of its bytes are a unit's own. */
static void manifest_templates(void **state)
{
	(void)state;
	static const struct {
		const char *format, *template;
		enum code code;
	} rows[] = {
		{ "recipe.2", TEMPLATE_OF("[" FIELD("40", "16", "serial", "text") "]"), CODE_OK },
		{ "recipe.2", TEMPLATE_OF("[" FIELD("0", "6", "mac", "bytes") "," FIELD("6", "24", "uid", "text") "]"),
		    CODE_OK },
		{ "recipe.1", TEMPLATE_OF("null"), CODE_MANIFEST_INVALID },
		{ "recipe.1", TEMPLATE_OF("[" FIELD("40", "16", "serial", "text") "]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", "\"misaligned_ok\":[]", CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("null"), CODE_MANIFEST_INVALID }, /* then it is of format 1 */
		{ "recipe.2", TEMPLATE_OF("[]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("{}"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[1]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[" FIELD("-1", "16", "serial", "text") "]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[" FIELD("4294967296", "16", "serial", "text") "]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[" FIELD("40", "0", "serial", "text") "]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[" FIELD("40", "129", "serial", "text") "]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[" FIELD("40", "16", "order", "text") "]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[" FIELD("40", "16", "serial", "hex") "]"), CODE_MANIFEST_INVALID },
		{ "recipe.2", TEMPLATE_OF("[{\"at\":0,\"size\":1,\"value\":\"uid\"}]"), CODE_MANIFEST_INVALID },
		{ "recipe.3", "\"misaligned_ok\":[]", CODE_MANIFEST_INVALID },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char manifest[MANIFEST_SIZE];
		memcpy(manifest, good, sizeof manifest);
		edit(manifest, "recipe.1", rows[i].format);
		edit(manifest, "\"misaligned_ok\":[]", rows[i].template);
		if (read_manifest(manifest) != rows[i].code)
			fail_msg("%s %s", rows[i].format, rows[i].template);
	}
}

static void a_good_one(void **state)
{
	(void)state;
	struct recipe_image image;
	struct recipe r;
	struct err e = ERR_INIT;
	struct bytes b = recipe_of(good, whole(&payload));
	assert_true(recipe_split(whole(&b), &image, &e));
	assert_int_equal(image.signature_count, 0);
	assert_int_equal(image.records.size, b.size - RECIPE_HEADER);
	assert_true(recipe_read(&image, &r, &e));
	assert_string_equal(r.name, "demo");
	assert_string_equal(r.version, "1.4.0");
	assert_string_equal(r.board, "openmv-n6");
	assert_int_equal(r.rollback, 3);
	assert_true(r.not_before == -1 && r.not_after == -1 && r.units == -1 && r.after_run);
	assert_int_equal(r.region_count, 1);
	assert_string_equal(r.regions[0].partition, "ROMFS0");
	assert_int_equal(r.regions[0].bound.image.size, payload.size);
	assert_memory_equal(r.regions[0].bound.image.data, payload.data, payload.size);
	assert_int_equal(r.regions[0].bound.crc32, crc32_of(whole(&payload)));
	recipe_clear(&r);
	free(b.data);
}

/* The identity is the SHA-256 of B, with signatures or without. */
static void identity_ignores_signatures(void **state)
{
	(void)state;
	struct test_key keys[] = { test_key(1), test_key(2), test_key(3) };
	struct bytes b = recipe_of(good, whole(&payload)), s = signed_by(&b, keys, 3);
	struct recipe_image image;
	struct recipe_identity plain, with;
	struct digest d;
	uint8_t hash[64];
	struct err e = ERR_INIT;
	assert_true(digest_of(whole(&b), &d, &e));
	crypto_generichash(hash, sizeof hash, b.data, b.size, NULL, 0);
	assert_true(recipe_split(whole(&b), &image, &e) && recipe_identify(&image, &plain, &e));
	assert_true(recipe_split(whole(&s), &image, &e) && recipe_identify(&image, &with, &e));
	assert_int_equal(image.signature_count, 3);
	assert_memory_equal(plain.sha256, d.sha256, SHA256_SIZE);
	assert_memory_equal(plain.blake2b, hash, sizeof hash);
	assert_memory_equal(&plain, &with, sizeof plain);
	free(b.data);
	free(s.data);
}

/* All that may be wrong with the header and the end of the file. */
static void outer_lengths(void **state)
{
	(void)state;
	struct bytes b = recipe_of(good, whole(&payload)), records = { NULL, 0 };
	bytes_add(&records, b.data + RECIPE_HEADER, b.size - RECIPE_HEADER);
	assert_int_equal(read_records(&records, 5), CODE_OK);
	assert_int_equal(read_records(&records, 4), CODE_RECIPE_NOT_CANONICAL);
	assert_int_equal(read_records(&records, 6), CODE_RECIPE_NOT_CANONICAL);
	assert_int_equal(read_records(&records, 13), CODE_RECIPE_NOT_CANONICAL);
	for (size_t size = 0; size < b.size; size++)
		assert_int_equal(read_image(span_of(b.data, size)), CODE_RECIPE_MALFORMED);
	bytes_byte(&b, 0);
	assert_int_equal(read_image(whole(&b)), CODE_RECIPE_NOT_CANONICAL);
	b.size--;
	b.data[3] = 0x90; /* a length of 2^32 and more */
	assert_int_equal(read_image(whole(&b)), CODE_RECIPE_MALFORMED);
	b.data[0] ^= 1;
	assert_int_equal(read_image(whole(&b)), CODE_RECIPE_MALFORMED);
	free(b.data);
	free(records.data);
}

static void add_manifest(struct bytes *records)
{
	bytes_named(records, 5, "recipe.json", good, strlen(good));
}

static void add_payload(struct bytes *records)
{
	struct bytes folder = { NULL, 0 };
	bytes_named(&folder, 5, "image.img", payload.data, payload.size);
	bytes_named(records, 4, "payload", folder.data, folder.size);
	free(folder.data);
}

/* Rows: what stands before, between and behind the two records that must be there. */
static void top_level_records(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
		enum code code; /* where it stands between the manifest and the payload, and behind both */
	} rows[] = {
		{ "\x01\x00", 2, CODE_OK },                                    /* padding */
		{ "\x01\x03ppp", 5, CODE_OK }, { "\x80\x01\x00", 3, CODE_OK }, /* padding with a padded kind */
		{ "\x02\x01x", 3, CODE_RECIPE_NOT_CANONICAL },                 /* data without a file */
		{ "\x03\x02\x00\x00", 4, CODE_RECIPE_NOT_CANONICAL },
		{ "\x06\x00", 2, CODE_RECIPE_NOT_CANONICAL }, /* unknown */
		{ "\x00\x00", 2, CODE_RECIPE_NOT_CANONICAL }, { "\xd2\xcd\x31\x00", 4, CODE_RECIPE_NOT_CANONICAL },
		{ "\x80\x53\x00", 3, CODE_RECIPE_NOT_CANONICAL }, /* a signature's kind, padded */
		{ "\x53\x00", 2, CODE_RECIPE_NOT_CANONICAL },
		{ "\x05\x05\x01x\x02\x01y", 7, CODE_RECIPE_NOT_CANONICAL },         /* a file that nothing names */
		{ "\x04\x02\x01x", 4, CODE_RECIPE_NOT_CANONICAL },                  /* a folder that leads nowhere */
		{ "\x04\x07\x01x\x06\x00\x01\x01p", 9, CODE_RECIPE_NOT_CANONICAL }, /* unknown kind inside a folder */
		{ "\x01\x7f", 2, CODE_RECIPE_MALFORMED }, /* longer than the image (or swallows it) */
	};
	for (size_t i = 0; i + 1 < sizeof rows / sizeof *rows; i++) {
		struct bytes between = { NULL, 0 }, behind = { NULL, 0 };
		add_manifest(&between);
		bytes_add(&between, rows[i].bytes, rows[i].size);
		add_payload(&between);
		add_manifest(&behind);
		add_payload(&behind);
		bytes_add(&behind, rows[i].bytes, rows[i].size);
		assert_int_equal(read_records(&between, 5), rows[i].code);
		assert_int_equal(read_records(&behind, 5), rows[i].code);
		free(between.data);
		free(behind.data);
	}
	struct bytes last = { NULL, 0 };
	add_manifest(&last);
	add_payload(&last);
	bytes_add(&last, rows[sizeof rows / sizeof *rows - 1].bytes, 2);
	assert_int_equal(read_records(&last, 5), CODE_RECIPE_MALFORMED);
	free(last.data);
}

/* The manifest is the first record; inside a file stands what readers look at, and nothing else. */
static void order_and_insides(void **state)
{
	(void)state;
	struct bytes r = { NULL, 0 }, inside = { NULL, 0 };
	add_payload(&r);
	add_manifest(&r);
	assert_int_equal(read_records(&r, 5), CODE_RECIPE_NOT_CANONICAL);
	r.size = 0;
	bytes_add(&r, "\x01\x00", 2);
	add_manifest(&r);
	add_payload(&r);
	assert_int_equal(read_records(&r, 5), CODE_RECIPE_NOT_CANONICAL);
	r.size = 0;
	add_payload(&r);
	assert_int_equal(read_records(&r, 5), CODE_RECIPE_MALFORMED);
	r.size = 0;
	assert_int_equal(read_records(&r, 5), CODE_RECIPE_MALFORMED);
	add_manifest(&r);
	add_manifest(&r);
	add_payload(&r);
	assert_int_equal(read_records(&r, 5), CODE_RECIPE_MALFORMED); /* two siblings of one name */

	static const struct {
		const char *bytes;
		size_t size;
		enum code code;
	} rows[] = { { "\x01\x01p", 3, CODE_OK }, { "\x53\x00", 2, CODE_RECIPE_NOT_CANONICAL },
		{ "\x02\x00", 2, CODE_RECIPE_NOT_CANONICAL }, { "\x06\x00", 2, CODE_RECIPE_NOT_CANONICAL } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		inside.size = r.size = 0;
		bytes_add(&inside, "\x0brecipe.json", 12);
		bytes_record(&inside, 2, good, strlen(good));
		bytes_add(&inside, rows[i].bytes, rows[i].size);
		bytes_record(&r, 5, inside.data, inside.size);
		add_payload(&r);
		assert_int_equal(read_records(&r, 5), rows[i].code);
	}
	free(r.data);
	free(inside.data);
}

/* The signature records themselves. */
static void signature_records(void **state)
{
	(void)state;
	struct test_key keys[9];
	char text[2][MINISIG_MAX_FILE];
	struct bytes b = recipe_of(good, whole(&payload));
	for (unsigned i = 0; i < 9; i++)
		keys[i] = test_key((uint8_t)(i + 1));
	struct bytes s = signed_by(&b, keys, 8);
	assert_int_equal(read_image(whole(&s)), CODE_OK);
	for (size_t size = 0; size < s.size; size++)
		assert_int_not_equal(read_image(span_of(s.data, size)), CODE_OK);
	free(s.data);
	s = signed_by(&b, keys, 9);
	assert_int_equal(read_image(whole(&s)), CODE_RECIPE_NOT_CANONICAL);
	free(s.data);

	size_t first = test_sign(&keys[0], whole(&b), "x", text[0]),
	       second = test_sign(&keys[1], whole(&b), "x", text[1]);
	struct span both[] = { span_of(text[1], second), span_of(text[0], first) };
	s = signed_with(&b, both, 2); /* descending */
	assert_int_equal(read_image(whole(&s)), CODE_RECIPE_NOT_CANONICAL);
	free(s.data);
	both[0] = both[1]; /* twice */
	s = signed_with(&b, both, 2);
	assert_int_equal(read_image(whole(&s)), CODE_RECIPE_NOT_CANONICAL);
	free(s.data);
	both[0].size--; /* the last LF is missing */
	s = signed_with(&b, both, 1);
	assert_int_equal(read_image(whole(&s)), CODE_RECIPE_NOT_CANONICAL);
	free(s.data);

	struct bytes records = { NULL, 0 };
	bytes_add(&records, b.data + RECIPE_HEADER, b.size - RECIPE_HEADER);
	bytes_byte(&records, RECIPE_KIND);
	bytes_varuint(&records, (uint32_t)first, 3); /* its minimal form has 2 bytes */
	bytes_add(&records, text[0], first);
	assert_int_equal(read_records(&records, 5), CODE_RECIPE_NOT_CANONICAL);
	records.size = b.size - RECIPE_HEADER;
	bytes_record(&records, RECIPE_KIND, text[0], first);
	bytes_add(&records, "\x01\x00", 2); /* something behind a signature */
	assert_int_equal(read_records(&records, 5), CODE_RECIPE_NOT_CANONICAL);
	free(records.data);
	free(b.data);
}

/* Rows: an edit of the good manifest, and the code that it gives. */
static void manifest_rules(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		enum code code;
	} rows[] = {
		{ "demo", "demo", CODE_OK },
		{ "recipe.1", "recipe.2", CODE_MANIFEST_INVALID },
		{ "\"demo\"", "\"Demo\"", CODE_MANIFEST_INVALID },
		{ "\"demo\"", "\"\"", CODE_MANIFEST_INVALID },
		{ "\"demo\"", "7", CODE_MANIFEST_INVALID },
		{ "\"demo\"", "\"0123456789012345678901234567890123456789012345678901234567890123\"", CODE_OK },
		{ "\"demo\"", "\"01234567890123456789012345678901234567890123456789012345678901234\"",
		    CODE_MANIFEST_INVALID },
		{ "\"name\":\"demo\",", "", CODE_MANIFEST_INVALID },
		{ "\"name\":\"demo\",", "\"name\":\"demo\",\"name\":\"demo\",", CODE_MANIFEST_INVALID },
		{ "\"name\"", "\"more\":1,\"name\"", CODE_MANIFEST_INVALID },
		{ "{\"format\"", "[{\"format\"", CODE_MANIFEST_INVALID },
		{ "{\"format\"", "\xef\xbb\xbf{\"format\"", CODE_MANIFEST_INVALID },
		{ "1.4.0", "1.4.0-rc1+build_7", CODE_OK },
		{ "1.4.0", "1 4", CODE_MANIFEST_INVALID },
		{ ":3,", ":0,", CODE_OK },
		{ ":3,", ":-1,", CODE_MANIFEST_INVALID },
		{ ":3,", ":1.5,", CODE_MANIFEST_INVALID },
		{ ":3,", ":\"3\",", CODE_MANIFEST_INVALID },
		{ ":3,", ":9007199254740992,", CODE_MANIFEST_INVALID },
		{ ":3,", ":null,", CODE_MANIFEST_INVALID },
		{ "openmv-n6", "OpenMV N6", CODE_MANIFEST_INVALID },
		{ "openmv-n6", "no-such-board", CODE_OK }, /* a board is looked for later */
		{ "\"ROMFS0\"", "\"\"", CODE_MANIFEST_INVALID },
		{ "\"ROMFS0\"", "\"ROMFS0\\n\"", CODE_MANIFEST_INVALID },
		{ "payload/image.img", "payload/other.img",
		    CODE_RECIPE_NOT_CANONICAL }, /* image.img is named by nothing */
		{ "payload/image.img", "recipe.json", CODE_MANIFEST_INVALID },
		{ "payload/image.img", "/payload/image.img", CODE_MANIFEST_INVALID },
		{ "payload/image.img", "payload/../payload/image.img", CODE_MANIFEST_INVALID },
		{ "payload/image.img", "payload//image.img", CODE_MANIFEST_INVALID },
		{ "payload/image.img", "payload/./image.img", CODE_MANIFEST_INVALID },
		{ "payload/image.img", "payload/image.img/", CODE_MANIFEST_INVALID },
		{ "payload/image.img", "payload", CODE_MANIFEST_INVALID },
		{ "\"romfs\"", "\"raw\"", CODE_OK }, /* the board decides later */
		{ "\"romfs\"", "\"RAW\"", CODE_MANIFEST_INVALID },
		{ "\"length\":", "\"length\":1", CODE_PAYLOAD_MISMATCH },
		{ "\"length\":", "\"length\":-", CODE_MANIFEST_INVALID },
		{ "\"length\":", "\"length\":0.", CODE_MANIFEST_INVALID },
		{ "\"crc32\":\"", "\"crc32\":\"0", CODE_MANIFEST_INVALID },
		{ "\"sha256\":\"", "\"sha256\":\"A", CODE_MANIFEST_INVALID },
		{ "\"keep\"", "\"blank\"", CODE_OK },
		{ "\"keep\"", "\"erase\"", CODE_MANIFEST_INVALID },
		{ "\"misaligned_ok\":[]", "\"misaligned_ok\":[\"a.tflite\",\"lib/b.tflite\"]", CODE_OK },
		{ "\"misaligned_ok\":[]", "\"misaligned_ok\":[1]", CODE_MANIFEST_INVALID },
		{ "\"misaligned_ok\":[]", "\"misaligned_ok\":[\"\"]", CODE_MANIFEST_INVALID },
		{ "\"misaligned_ok\":[]", "\"misaligned_ok\":null", CODE_MANIFEST_INVALID },
		{ ",\"misaligned_ok\":[]", "", CODE_MANIFEST_INVALID },
		{ ",\"misaligned_ok\":[]", ",\"misaligned_ok\":[],\"x\":1", CODE_MANIFEST_INVALID },
		{ "\"regions\":[", "\"regions\":[1,", CODE_MANIFEST_INVALID },
		{ "\"not_before\":null", "\"not_before\":\"2026-01-01T00:00:00Z\"", CODE_OK },
		{ "\"not_before\":null", "\"not_before\":\"2026-02-30T00:00:00Z\"", CODE_MANIFEST_INVALID },
		{ "\"not_before\":null", "\"not_before\":0", CODE_MANIFEST_INVALID },
		{ "\"not_after\":null", "\"not_after\":\"tomorrow\"", CODE_MANIFEST_INVALID },
		{ "\"not_before\":null,\"not_after\":null",
		    "\"not_before\":\"2026-01-02T00:00:00Z\",\"not_after\":\"2026-01-01T00:00:00Z\"",
		    CODE_MANIFEST_INVALID },
		{ "\"units\":null", "\"units\":1", CODE_OK },
		{ "\"units\":null", "\"units\":0", CODE_MANIFEST_INVALID },
		{ "\"units\":null", "\"units\":true", CODE_MANIFEST_INVALID },
		{ ",\"units\":null", "", CODE_MANIFEST_INVALID },
		{ ",\"units\":null", ",\"units\":null,\"x\":null", CODE_MANIFEST_INVALID },
		{ "\"run\"", "\"bootloader\"", CODE_OK },
		{ "\"run\"", "\"off\"", CODE_MANIFEST_INVALID },
		{ "\"mode\":\"run\"", "", CODE_MANIFEST_INVALID },
		{ "\"mode\":\"run\"", "\"mode\":\"run\",\"x\":1", CODE_MANIFEST_INVALID },
		{ ",\"after\":{\"mode\":\"run\"}", "", CODE_MANIFEST_INVALID },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[MANIFEST_SIZE];
		snprintf(text, sizeof text, "%s", good);
		edit(text, rows[i].from, rows[i].to);
		if (read_manifest(text) != rows[i].code)
			fail_msg("%s -> %s: %s, not %s", rows[i].from, rows[i].to, code_name(read_manifest(text)),
			    code_name(rows[i].code));
	}
}

/* Regions: none, one partition twice, more than eight. */
static void region_lists(void **state)
{
	(void)state;
	char text[MANIFEST_SIZE * 8], region[MANIFEST_SIZE], head[MANIFEST_SIZE];
	char *start = strstr(good, "[{") + 1, *end = strstr(good, "],\"limits\"");
	snprintf(region, sizeof region, "%.*s", (int)(end - start), start);
	snprintf(head, sizeof head, "%.*s", (int)(start - good), good);
	for (unsigned count = 0; count <= 9; count++) {
		size_t used = (size_t)snprintf(text, sizeof text, "%s", head);
		for (unsigned i = 0; i < count; i++) {
			char named[MANIFEST_SIZE], partition[16];
			snprintf(partition, sizeof partition, "\"PART%u\"", i);
			snprintf(named, sizeof named, "%s", region);
			edit(named, "\"ROMFS0\"", partition);
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "", named);
		}
		snprintf(text + used, sizeof text - used, "%s", end);
		assert_int_equal(read_manifest(text), count >= 1 && count <= 8 ? CODE_OK : CODE_MANIFEST_INVALID);
	}
	snprintf(text, sizeof text, "%s%s,%s%s", head, region, region, end);
	assert_int_equal(read_manifest(text), CODE_REGION_OVERLAP);
}

static struct recipe_spec spec_of(const struct recipe_part *parts, unsigned count)
{
	return (struct recipe_spec){ .name = "demo",
		.version = "1.4.0",
		.board = "openmv-n6",
		.rollback = 3,
		.not_before = 1767225600000,
		.not_after = -1,
		.units = 100,
		.after_run = true,
		.part_count = count,
		.parts = parts };
}

static void builder(void **state)
{
	(void)state;
	static const char *const allowed[] = { "a.tflite", "lib/b.tflite" };
	const struct recipe_part parts[] = {
		{ "ROMFS0", whole(&payload), true, true, allowed, 2, NULL, 0 },
		{ "FIRMWARE", whole(&payload), false, false, NULL, 0, NULL, 0 },
	};
	struct recipe_spec spec = spec_of(parts, 2);
	struct recipe_image image;
	struct recipe r;
	struct err e = ERR_INIT;
	uint8_t *once, *again;
	size_t size, size_again = 0;
	assert_true(recipe_build(&spec, &once, &size, &e) && recipe_build(&spec, &again, &size_again, &e));
	assert_int_equal(size, size_again);
	assert_memory_equal(once, again, size);
	assert_true(recipe_split(span_of(once, size), &image, &e) && recipe_read(&image, &r, &e));
	assert_int_equal(r.region_count, 2);
	assert_string_equal(r.regions[0].payload, "payload/romfs0.img");
	assert_string_equal(r.regions[1].payload, "payload/firmware.bin");
	assert_true(r.regions[0].tail_blank && !r.regions[1].tail_blank && r.regions[0].romfs && !r.regions[1].romfs);
	assert_int_equal(r.regions[0].misaligned_count, 2);
	assert_string_equal(r.regions[0].misaligned_ok[1], "lib/b.tflite");
	assert_true(r.units == 100 && r.not_before == 1767225600000 && r.not_after == -1);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal((r.regions[i].bound.image.data - once) % RECIPE_ALIGN, 0);
		assert_true(recipe_payload_matches(&r.regions[i], &e));
	}
	char *json = json_print(r.manifest);
	assert_memory_equal(json, "{\"format\":\"romline.recipe.1\",\"name\":\"demo\",\"version\":", 52);
	free(json);
	recipe_clear(&r);
	free(once);
	free(again);
}

static void attach_and_detach(void **state)
{
	(void)state;
	struct bytes b = recipe_of(good, whole(&payload));
	struct recipe_image image, signed_image;
	struct err e = ERR_INIT;
	char text[4][MINISIG_MAX_FILE];
	struct span spans[9];
	struct test_key keys[] = { test_key(9), test_key(2), test_key(5), test_key(2) };
	uint8_t *out, *back;
	size_t size, back_size;
	for (unsigned i = 0; i < 4; i++)
		spans[i] = span_of(text[i], test_sign(&keys[i], whole(&b), i == 3 ? "newer" : "older", text[i]));
	assert_true(recipe_split(whole(&b), &image, &e));
	assert_true(recipe_attach(&image, spans, 4, &out, &size, &e)); /* the fourth replaces the second */
	assert_true(recipe_split(span_of(out, size), &signed_image, &e));
	assert_int_equal(signed_image.signature_count, 3);
	assert_int_equal(signed_image.parsed[0].id[0], 2);
	assert_int_equal(signed_image.parsed[1].id[0], 5);
	assert_int_equal(signed_image.parsed[2].id[0], 9);
	assert_memory_equal(signed_image.parsed[0].comment.data, "newer", 5);
	assert_true(recipe_detach(&signed_image, &back, &back_size, &e));
	assert_int_equal(back_size, b.size);
	assert_memory_equal(back, b.data, b.size);
	free(back);
	/* one of them again, into what is signed already: nothing changes */
	assert_true(recipe_attach(&signed_image, spans + 3, 1, &back, &back_size, &e));
	assert_int_equal(back_size, size);
	assert_memory_equal(back, out, size);
	free(back);
	free(out);
	for (unsigned i = 4; i < 9; i++)
		spans[i] = spans[0];
	assert_false(recipe_attach(&image, spans, 9, &out, &size, &e));
	assert_int_equal(e.code, CODE_RECIPE_NOT_CANONICAL);
	spans[0].size = 10;
	assert_false(recipe_attach(&image, spans, 1, &out, &size, &e));
	assert_int_equal(e.code, CODE_SIGNATURE_BAD);
	free(b.data);
}

/* A nested tree as deep as the walk goes, and one deeper, of folders inside folders. */
static void depth_is_bounded(void **state)
{
	(void)state;
	for (unsigned depth = 60; depth <= 70; depth++) {
		struct bytes inner = { NULL, 0 };
		for (unsigned i = 0; i < depth; i++) {
			struct bytes outer = { NULL, 0 };
			bytes_named(&outer, 4, "d", inner.data, inner.size);
			free(inner.data);
			inner = outer;
		}
		struct bytes r = { NULL, 0 };
		add_manifest(&r);
		bytes_add(&r, inner.data, inner.size);
		add_payload(&r);
		enum code code = read_records(&r, 5);
		assert_true(code == CODE_RECIPE_NOT_CANONICAL || code == CODE_RECIPE_MALFORMED);
		free(inner.data);
		free(r.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one),
		cmocka_unit_test(identity_ignores_signatures),
		cmocka_unit_test(outer_lengths),
		cmocka_unit_test(top_level_records),
		cmocka_unit_test(order_and_insides),
		cmocka_unit_test(signature_records),
		cmocka_unit_test(manifest_rules),
		cmocka_unit_test(manifest_templates),
		cmocka_unit_test(region_lists),
		cmocka_unit_test(builder),
		cmocka_unit_test(attach_and_detach),
		cmocka_unit_test(depth_is_bounded),
	};
	return cmocka_run_group_tests_name("recipe", tests, set_up, tear_down);
}
