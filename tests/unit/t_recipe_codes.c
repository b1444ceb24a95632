/* Every code that a recipe can be refused with is provoked here, through the judgement that the station uses; the last
 * test fails when one was not.  And no bit of a signed recipe can be changed unseen. */
#include "recipes.h"

#include "base/timefmt.h"
#include "line/intake.h"
#include "os/file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#define DAY INT64_C(86400000)

static const enum code recipe_codes[] = { CODE_RECIPE_MALFORMED, CODE_RECIPE_NOT_CANONICAL, CODE_MANIFEST_INVALID,
	CODE_UNSIGNED, CODE_SIGNATURE_BAD, CODE_SIGNATURE_LEGACY, CODE_KEY_UNKNOWN, CODE_KEY_REVOKED,
	CODE_KEY_NOT_IN_FORCE, CODE_ROLE_MISSING, CODE_BOARD_UNKNOWN, CODE_BOARD_MISMATCH, CODE_PARTITION_UNKNOWN,
	CODE_PARTITION_FORBIDDEN, CODE_REGION_OVERLAP, CODE_PAYLOAD_TOO_BIG, CODE_PAYLOAD_MISMATCH,
	CODE_ROMFS_MALFORMED, CODE_MODEL_MISALIGNED, CODE_FIRMWARE_IMPLAUSIBLE, CODE_ROLLBACK, CODE_TOO_EARLY,
	CODE_EXPIRED, CODE_UNITS_EXHAUSTED, CODE_RECIPE_REVOKED };
static bool provoked[CODE_COUNT];

static struct board_set boards;
static struct trust *trust;
static struct role_list require;
static char folder[] = "/tmp/romline-codes-XXXXXX";
static int64_t now; /* 2026-11-20 */
static struct test_key release, revoked, old, stranger;
static struct bytes payload; /* a sound ROMFS for every board */

static void put(const char *name, const char *text)
{
	char path[256];
	struct err e = ERR_INIT;
	assert_true(file_join(path, sizeof path, folder, name, &e));
	assert_true(file_write_atomic(path, span_of(text, strlen(text)), 0644, &e));
}

static void put_key(const char *name, const struct test_key *k)
{
	char text[256];
	test_key_text(k, text);
	put(name, text);
}

/* The recipe that the list of revoked recipes names. */
static void put_revoked_list(void)
{
	char manifest[MANIFEST_SIZE], line[80] = "";
	struct digest d;
	struct err e = ERR_INIT;
	manifest_for(manifest, "openmv-n6", "ROMFS0", "romfs", span_of(payload.data, payload.size));
	edit(manifest, "\"demo\"", "\"withdrawn\"");
	struct bytes b = recipe_of(manifest, span_of(payload.data, payload.size));
	assert_true(digest_of(span_of(b.data, b.size), &d, &e));
	hex_encode(line, d.sha256, SHA256_SIZE);
	memcpy(line + strlen(line), " # why\n", 8);
	put("revoked-recipes", line);
	free(b.data);
}

static int set_up(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	release = test_key(1);
	revoked = test_key(2);
	old = test_key(3);
	stranger = test_key(4);
	payload = romfs_with("main.py", 64);
	assert_true(time_parse("2026-11-20T12:00:00Z", &now));
	assert_non_null(mkdtemp(folder));
	put_key("release.pub", &release);
	put_key("revoked.pub", &revoked);
	put("revoked.json", "{\"revoked\":\"2026-01-01T00:00:00Z\"}");
	put_key("old.pub", &old);
	put("old.json", "{\"not_after\":\"2026-01-01T00:00:00Z\"}");
	put_revoked_list();
	assert_true(boards_load("fixtures/boards", &boards, &e));
	assert_true(roles_parse("release", &require, &e));
	assert_true(trust_open(folder, &trust, &e));
	return 0;
}

static int delete_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	trust_close(trust);
	boards_clear(&boards);
	free(payload.data);
	return nftw(folder, delete_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The station's answer to a file at a time. */
static enum code judge_at(struct span file, const struct role_list *roles, int64_t at, unsigned *warnings)
{
	const struct intake_rules rules = { &boards, trust, roles, false };
	struct stored_recipe r;
	struct err e = ERR_INIT;
	bool done = intake_examine(&rules, file, &r, &e) && intake_in_force(&rules, &r, at, &e);
	if (warnings)
		*warnings = r.recipe.warnings;
	intake_clear(&r);
	assert_true(done == (e.code == CODE_OK));
	provoked[e.code] = true;
	return e.code;
}

static enum code judge(struct span file)
{
	return judge_at(file, &require, now, NULL);
}

/* The answer to a manifest around a payload, signed by one key. */
static enum code judge_manifest(const char *manifest, struct span data, const struct test_key *key)
{
	struct bytes b = recipe_of(manifest, data), s = signed_by(&b, key, key ? 1 : 0);
	enum code code = judge(span_of(s.data, s.size));
	free(b.data);
	free(s.data);
	return code;
}

/* A correct recipe of one region but for one edit of its manifest. */
static enum code judge_region(
    const char *board, const char *partition, const char *kind, struct span data, const char *from, const char *to)
{
	char manifest[MANIFEST_SIZE];
	manifest_for(manifest, board, partition, kind, data);
	if (from)
		edit(manifest, from, to);
	return judge_manifest(manifest, data, &release);
}

static struct span sound(void)
{
	return span_of(payload.data, payload.size);
}

static void signatures(void **state)
{
	(void)state;
	char manifest[MANIFEST_SIZE], text[MINISIG_MAX_FILE];
	uint8_t hash[64] = { 0 };
	manifest_for(manifest, "openmv-n6", "ROMFS0", "romfs", sound());
	assert_int_equal(judge_manifest(manifest, sound(), &release), CODE_OK);
	assert_int_equal(judge_manifest(manifest, sound(), NULL), CODE_UNSIGNED);
	assert_int_equal(judge_manifest(manifest, sound(), &stranger), CODE_KEY_UNKNOWN);
	assert_int_equal(judge_manifest(manifest, sound(), &revoked), CODE_KEY_REVOKED);
	assert_int_equal(judge_manifest(manifest, sound(), &old), CODE_KEY_NOT_IN_FORCE);

	struct bytes b = recipe_of(manifest, sound());
	for (unsigned legacy = 0; legacy < 2; legacy++) {
		struct span sig = span_of(text, test_sign_hash(&release, hash, legacy ? 'd' : 'D', "x", text));
		struct bytes s = signed_with(&b, &sig, 1);
		assert_int_equal(judge(span_of(s.data, s.size)), legacy ? CODE_SIGNATURE_LEGACY : CODE_SIGNATURE_BAD);
		free(s.data);
	}
	/* a second signature that is not trusted spoils a good one */
	const struct test_key both[] = { release, stranger };
	struct bytes s = signed_by(&b, both, 2);
	assert_int_equal(judge(span_of(s.data, s.size)), CODE_KEY_UNKNOWN);
	free(s.data);

	struct role_list two;
	assert_true(roles_parse("release,quality", &two, NULL));
	s = signed_by(&b, &release, 1);
	assert_int_equal(judge_at(span_of(s.data, s.size), &two, now, NULL), CODE_ROLE_MISSING);
	free(s.data);
	free(b.data);
	edit(manifest, "\"demo\"", "\"withdrawn\"");
	assert_int_equal(judge_manifest(manifest, sound(), &release), CODE_RECIPE_REVOKED);
	assert_int_equal(judge(span_of("nothing", 7)), CODE_RECIPE_MALFORMED);
	assert_int_equal(judge(sound()), CODE_UNSIGNED); /* a plain image: its header happens to have 5 bytes */
	assert_int_equal(judge(span_of("\xd2\xcd\x31\x00", 4)), CODE_RECIPE_NOT_CANONICAL);
}

static void partitions(void **state)
{
	(void)state;
	static const struct {
		const char *board, *partition, *kind;
		enum code code;
	} rows[] = {
		{ "openmv-n6", "ROMFS0", "romfs", CODE_OK },
		{ "openmv-m4", "ROMFS0", "romfs", CODE_OK },
		{ "openmv-ae3", "ROMFS1", "romfs", CODE_OK },
		{ "openmv-n6", "FILESYSTEM", "raw", CODE_OK },
		{ "openmv-n6", "ROMFS1", "romfs", CODE_PARTITION_UNKNOWN },
		{ "openmv-n6", "romfs0", "romfs", CODE_PARTITION_UNKNOWN },
		{ "openmv-n6", "BOOTLOADER", "raw", CODE_PARTITION_FORBIDDEN },
		{ "openmv-ae3", "BOOT", "raw", CODE_PARTITION_FORBIDDEN },
		{ "openmv-ae3", "TOC", "raw", CODE_PARTITION_FORBIDDEN },
		{ "openmv-ae3", "RECOVERY", "raw", CODE_PARTITION_FORBIDDEN },
		{ "openmv-n6", "ROMFS0", "raw", CODE_MANIFEST_INVALID },
		{ "openmv-n6", "FILESYSTEM", "romfs", CODE_MANIFEST_INVALID },
		{ "openmv-zx81", "ROMFS0", "romfs", CODE_BOARD_UNKNOWN },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (judge_region(rows[i].board, rows[i].partition, rows[i].kind, sound(), NULL, NULL) != rows[i].code)
			fail_msg("%s %s %s", rows[i].board, rows[i].partition, rows[i].kind);
	struct recipe r = { .board = "openmv-n6" };
	struct err e = ERR_INIT;
	assert_false(recipe_bind(&r, boards_find(&boards, "openmv-m4"), &e));
	assert_int_equal(e.code, CODE_BOARD_MISMATCH);
	provoked[e.code] = true;
}

/* Two regions over one payload. */
static enum code judge_two(
    const char *board, const char *first, const char *kind, const char *second, const char *second_kind)
{
	char one[MANIFEST_SIZE], two[MANIFEST_SIZE], region[MANIFEST_SIZE];
	manifest_for(one, board, first, kind, sound());
	manifest_for(two, board, second, second_kind, sound());
	char *start = strstr(two, "[{") + 1, *end = strstr(two, "],\"limits\"");
	snprintf(region, sizeof region, ",%.*s],\"limits\"", (int)(end - start), start);
	edit(one, "],\"limits\"", region);
	return judge_manifest(one, sound(), &release);
}

static void overlaps(void **state)
{
	(void)state;
	assert_int_equal(judge_two("openmv-h7-plus", "SPI_FLASH", "raw", "ROMFS0", "romfs"), CODE_REGION_OVERLAP);
	assert_int_equal(judge_two("openmv-h7-plus", "ROMFS0", "romfs", "SPI_FLASH", "raw"), CODE_REGION_OVERLAP);
	assert_int_equal(judge_two("openmv-h7-plus", "ROMFS0", "romfs", "ROMFS0", "romfs"), CODE_REGION_OVERLAP);
	assert_int_equal(judge_two("openmv-h7-plus", "ROMFS0", "romfs", "FILESYSTEM", "raw"), CODE_OK);
	assert_int_equal(judge_two("openmv-ae3", "ROMFS0", "romfs", "ROMFS1", "romfs"), CODE_OK);
}

static void payloads(void **state)
{
	(void)state;
	uint8_t *big = calloc(1, 128 * 1024 + 1);
	assert_non_null(big);
	memcpy(big, payload.data, payload.size);
	assert_int_equal(judge_region("openmv-m4", "ROMFS0", "romfs", span_of(big, 128 * 1024), NULL, NULL), CODE_OK);
	assert_int_equal(judge_region("openmv-m4", "ROMFS0", "romfs", span_of(big, 128 * 1024 + 1), NULL, NULL),
	    CODE_PAYLOAD_TOO_BIG);
	free(big);

	char manifest[MANIFEST_SIZE], digit[2] = { 0 }, other[2] = { 0 }, from[32], to[32];
	manifest_for(manifest, "openmv-n6", "ROMFS0", "romfs", sound());
	static const char *const keys[] = { "\"crc32\":\"", "\"sha256\":\"" };
	for (unsigned i = 0; i < 2; i++) {
		digit[0] = strstr(manifest, keys[i])[strlen(keys[i])];
		other[0] = digit[0] == '0' ? '1' : '0';
		snprintf(from, sizeof from, "%s%s", keys[i], digit);
		snprintf(to, sizeof to, "%s%s", keys[i], other);
		assert_int_equal(
		    judge_region("openmv-n6", "ROMFS0", "romfs", sound(), from, to), CODE_PAYLOAD_MISMATCH);
	}
	assert_int_equal(judge_region("openmv-n6", "ROMFS0", "romfs", sound(), "\"length\":", "\"length\":1"),
	    CODE_PAYLOAD_MISMATCH);
	assert_int_equal(
	    judge_region("openmv-n6", "ROMFS0", "romfs", span_of("no image", 8), NULL, NULL), CODE_ROMFS_MALFORMED);
	assert_int_equal(
	    judge_region("openmv-n6", "ROMFS0", "romfs", span_of(payload.data, payload.size - 1), NULL, NULL),
	    CODE_ROMFS_MALFORMED);
	/* a directory that runs past the payload mounts on a camera; here it does not pass */
	assert_int_equal(
	    judge_region("openmv-n6", "ROMFS0", "romfs", span_of("\xd2\xcd\x31\x04\x04\x7f\x01x", 8), NULL, NULL),
	    CODE_ROMFS_MALFORMED);
}

/* Rows: a file at a multiple of `align` and of nothing above. */
static void models(void **state)
{
	(void)state;
	static const struct {
		const char *board, *file;
		unsigned align;
		enum code code;
		bool warns;
	} rows[] = {
		{ "openmv-n6", "m.tflite", 32, CODE_OK, false },
		{ "openmv-n6", "m.tflite", 64, CODE_OK, false },
		{ "openmv-n6", "m.tflite", 16, CODE_MODEL_MISALIGNED, false },
		{ "openmv-n6", "m.tflite", 1, CODE_MODEL_MISALIGNED, false },
		{ "openmv-n6", "M.TFLITE", 16, CODE_MODEL_MISALIGNED, false },
		{ "openmv-n6", "m.lite", 16, CODE_MODEL_MISALIGNED, false },
		{ "openmv-n6", "m.onnx", 16, CODE_MODEL_MISALIGNED, false },
		{ "openmv-n6", "m.v2.tflite", 16, CODE_OK, false }, /* its complete suffix is v2.tflite */
		{ "openmv-n6", "weights.bin", 16, CODE_OK, true },
		{ "openmv-n6", "weights.bin", 32, CODE_OK, false },
		{ "openmv-n6", "main.py", 1, CODE_OK, false },
		{ "openmv-h7-plus", "m.tflite", 16, CODE_OK, false },
		{ "openmv-h7-plus", "m.tflite", 8, CODE_MODEL_MISALIGNED, false },
		{ "openmv-h7-plus", "m.lite", 8, CODE_MODEL_MISALIGNED, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char manifest[MANIFEST_SIZE];
		unsigned warnings = 0;
		struct bytes image = romfs_with(rows[i].file, rows[i].align);
		manifest_for(manifest, rows[i].board, "ROMFS0", "romfs", span_of(image.data, image.size));
		struct bytes b = recipe_of(manifest, span_of(image.data, image.size)), s = signed_by(&b, &release, 1);
		enum code code = judge_at(span_of(s.data, s.size), &require, now, &warnings);
		if (code != rows[i].code || (code == CODE_OK && !warnings == rows[i].warns))
			fail_msg("%s %s at %u: %s, %u warnings", rows[i].board, rows[i].file, rows[i].align,
			    code_name(code), warnings);
		free(image.data);
		free(b.data);
		free(s.data);
	}
	struct bytes image = romfs_with("m.tflite", 4);
	struct span data = span_of(image.data, image.size);
	assert_int_equal(judge_region("openmv-n6", "ROMFS0", "romfs", data, "\"misaligned_ok\":[]",
			     "\"misaligned_ok\":[\"x\",\"m.tflite\"]"),
	    CODE_OK);
	assert_int_equal(judge_region("openmv-n6", "ROMFS0", "romfs", data, "\"misaligned_ok\":[]",
			     "\"misaligned_ok\":[\"x.tflite\",\"M.tflite\",\"lib/m.tflite\"]"),
	    CODE_MODEL_MISALIGNED);
	free(image.data);
}

static enum code judge_firmware(const char *board, const char *partition, uint32_t stack, uint32_t reset, size_t size)
{
	uint8_t data[64] = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		data[i] = (uint8_t)(stack >> 8 * i);
		data[4 + i] = (uint8_t)(reset >> 8 * i);
	}
	return judge_region(board, partition, "raw", span_of(data, size), NULL, NULL);
}

static void firmware(void **state)
{
	(void)state;
	assert_int_equal(judge_firmware("openmv-h7-plus", "FIRMWARE", 0x20020000, 0x08040401, 64), CODE_OK);
	assert_int_equal(
	    judge_firmware("openmv-h7-plus", "FIRMWARE", 0x20020004, 0x08040401, 64), CODE_FIRMWARE_IMPLAUSIBLE);
	assert_int_equal(
	    judge_firmware("openmv-h7-plus", "FIRMWARE", 0x20020000, 0x08040400, 64), CODE_FIRMWARE_IMPLAUSIBLE);
	assert_int_equal(
	    judge_firmware("openmv-h7-plus", "FIRMWARE", 0x20020000, 0x08000401, 64), CODE_FIRMWARE_IMPLAUSIBLE);
	assert_int_equal(
	    judge_firmware("openmv-h7-plus", "FIRMWARE", 0xffffffff, 0xffffffff, 64), CODE_FIRMWARE_IMPLAUSIBLE);
	assert_int_equal(
	    judge_firmware("openmv-h7-plus", "FIRMWARE", 0x20020000, 0x08040401, 7), CODE_FIRMWARE_IMPLAUSIBLE);
	assert_int_equal(judge_firmware("openmv-h7-plus", "FILESYSTEM", 0, 0, 64), CODE_OK);
	/* either core's firmware must fit its own partition */
	assert_int_equal(judge_firmware("openmv-ae3", "HE", 0x20020000, 0x80320401, 64), CODE_OK);
	assert_int_equal(judge_firmware("openmv-ae3", "HE", 0x20020000, 0x80020401, 64), CODE_FIRMWARE_IMPLAUSIBLE);
}

static enum code judge_template(const char *board, const char *partition, const char *kind, size_t at, unsigned size)
{
	char manifest[MANIFEST_SIZE], template[160];
	snprintf(template, sizeof template,
	    "\"misaligned_ok\":[],\"template\":[{\"at\":%zu,\"size\":%u,\"value\":\"uid\",\"as\":\"text\"}]", at, size);
	manifest_for(manifest, board, partition, kind, sound());
	edit(manifest, "recipe.1", "recipe.2");
	edit(manifest, "\"misaligned_ok\":[]", template);
	return judge_manifest(manifest, sound(), &release);
}

/* A field lies in a payload that is no firmware, and in a ROMFS in the bytes of a file: never in its structure. */
static void templates(void **state)
{
	(void)state;
	size_t data = payload.size - 16; /* of its one file */
	assert_int_equal(judge_template("openmv-n6", "ROMFS0", "romfs", data, 16), CODE_OK);
	assert_int_equal(judge_template("openmv-n6", "ROMFS0", "romfs", data + 15, 1), CODE_OK);
	assert_int_equal(judge_template("openmv-n6", "ROMFS0", "romfs", data - 1, 16), CODE_MANIFEST_INVALID);
	assert_int_equal(judge_template("openmv-n6", "ROMFS0", "romfs", 0, 4), CODE_MANIFEST_INVALID);
	assert_int_equal(judge_template("openmv-n6", "ROMFS0", "romfs", data + 1, 16), CODE_MANIFEST_INVALID);
	assert_int_equal(judge_template("openmv-n6", "FILESYSTEM", "raw", 0, 16), CODE_OK);
	assert_int_equal(judge_template("openmv-n6", "FILESYSTEM", "raw", payload.size, 1), CODE_MANIFEST_INVALID);
	assert_int_equal(judge_template("openmv-n6", "FIRMWARE", "raw", 0, 16), CODE_FIRMWARE_IMPLAUSIBLE);
}

static void times_and_counters(void **state)
{
	(void)state;
	char manifest[MANIFEST_SIZE];
	struct err e = ERR_INIT;
	manifest_for(manifest, "openmv-n6", "ROMFS0", "romfs", sound());
	edit(manifest, "\"not_before\":null,\"not_after\":null",
	    "\"not_before\":\"2026-11-20T12:00:00Z\",\"not_after\":\"2026-11-21T12:00:00Z\"");
	struct bytes b = recipe_of(manifest, sound()), s = signed_by(&b, &release, 1);
	struct span file = span_of(s.data, s.size);
	assert_int_equal(judge_at(file, &require, now - 1, NULL), CODE_TOO_EARLY);
	assert_int_equal(judge_at(file, &require, now, NULL), CODE_OK);
	assert_int_equal(judge_at(file, &require, now + DAY, NULL), CODE_OK);
	assert_int_equal(judge_at(file, &require, now + DAY + 1, NULL), CODE_EXPIRED);
	free(b.data);
	free(s.data);

	struct recipe r = { .rollback = 3, .not_before = -1, .not_after = -1, .units = 2 };
	struct recipe_use use = { now, 3, 1, false };
	assert_true(recipe_within_limits(&r, &use, &e));
	use.units_used = 2;
	assert_false(recipe_within_limits(&r, &use, &e));
	assert_int_equal(e.code, CODE_UNITS_EXHAUSTED);
	provoked[e.code] = true;
	use.unit_counted = true; /* a rework */
	assert_true(recipe_within_limits(&r, &use, &e));
	use.rollback_seen = 4;
	assert_false(recipe_within_limits(&r, &use, &e));
	assert_int_equal(e.code, CODE_ROLLBACK);
	provoked[e.code] = true;
	use.rollback_seen = -1;
	r.units = -1;
	use.unit_counted = false;
	assert_true(recipe_within_limits(&r, &use, &e));
	r.not_after = now - 1;
	assert_false(recipe_within_limits(&r, &use, &e));
	assert_int_equal(e.code, CODE_EXPIRED);
}

static void every_bit_counts(void **state)
{
	(void)state;
	char manifest[MANIFEST_SIZE];
	manifest_for(manifest, "openmv-n6", "ROMFS0", "romfs", sound());
	struct bytes b = recipe_of(manifest, sound()), s = signed_by(&b, &release, 1);
	assert_int_equal(judge(span_of(s.data, s.size)), CODE_OK);
	for (size_t bit = 0; bit < 8 * s.size; bit++) {
		s.data[bit / 8] = (uint8_t)(s.data[bit / 8] ^ 1u << bit % 8);
		if (judge(span_of(s.data, s.size)) == CODE_OK)
			fail_msg("bit %zu of byte %zu does not count", bit % 8, bit / 8);
		s.data[bit / 8] = (uint8_t)(s.data[bit / 8] ^ 1u << bit % 8);
	}
	free(b.data);
	free(s.data);
}

static void every_code_was_provoked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof recipe_codes / sizeof *recipe_codes; i++)
		if (!provoked[recipe_codes[i]])
			fail_msg("%s was never provoked", code_name(recipe_codes[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures),
		cmocka_unit_test(partitions),
		cmocka_unit_test(overlaps),
		cmocka_unit_test(payloads),
		cmocka_unit_test(models),
		cmocka_unit_test(firmware),
		cmocka_unit_test(templates),
		cmocka_unit_test(times_and_counters),
		cmocka_unit_test(every_code_was_provoked),
		cmocka_unit_test(every_bit_counts),
	};
	return cmocka_run_group_tests_name("recipe codes", tests, set_up, tear_down);
}
