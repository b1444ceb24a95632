/* The agent's arithmetic, compiled for the host, against libraries: LZ4, CRC-32, SHA-256; and the mount driver with the
 * image's end elsewhere, against itself. */
#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <lz4.h>
#include <lz4hc.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/crc32.h"
#include "agent/lz4.h"
#include "agent/sha256.h"
#include "base/digest.h"
#include "os/file.h"
#include "romfs.h"

static uint32_t state = 1;

static uint32_t roll(uint32_t below)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % below;
}

/* Bytes that compress more or less. */
static void some_bytes(uint8_t *out, uint32_t size, unsigned kind)
{
	for (uint32_t i = 0; i < size; i++)
		out[i] = (uint8_t)(kind == 0                        ? roll(256)
				   : kind < 4 && i > 40 && roll(20) ? out[i - 1 - roll(40)]
								    : roll(kind * 3));
}

static void lz4_undoes_what_liblz4_does(void **unused)
{
	(void)unused;
	static uint8_t plain[65536], packed[70000], again[65536 + 1];
	for (unsigned i = 0; i < 1200; i++) {
		uint32_t size = roll(i % 8 ? 2000 : sizeof plain);
		some_bytes(plain, size, i % 6);
		int n = i % 2 ? LZ4_compress_default((char *)plain, (char *)packed, (int)size, sizeof packed)
			      : LZ4_compress_HC((char *)plain, (char *)packed, (int)size, sizeof packed, 9);
		assert_true(n > 0);
		again[size] = 0x5A;
		assert_int_equal(agent_lz4(packed, (uint32_t)n, again, size), (int)size);
		assert_memory_equal(again, plain, size);
		assert_int_equal(again[size], 0x5A);
		if (size) /* one byte less room, or one less of the input, is refused */
			assert_int_equal(agent_lz4(packed, (uint32_t)n, again, size - 1), -1);
		if (n > 1)
			assert_int_not_equal(agent_lz4(packed, (uint32_t)n - 1, again, size), (int)size);
	}
}

static void lz4_refuses_what_is_none(void **unused)
{
	(void)unused;
	static const struct {
		uint8_t bytes[8];
		uint32_t size;
	} rows[] = {
		{ { 0 }, 0 },                                       /* nothing at all */
		{ { 0x10 }, 1 },                                    /* literals missing */
		{ { 0xF0, 0xFF, 0xFF }, 3 },                        /* a length that does not end */
		{ { 0x10, 'a', 0x00, 0x00 }, 4 },                   /* offset 0 */
		{ { 0x10, 'a', 0x02, 0x00 }, 4 },                   /* in front of the output */
		{ { 0x10, 'a', 0x01 }, 3 },                         /* half an offset */
		{ { 0x10, 'a', 0x01, 0x00 }, 4 },                   /* ends with a match */
		{ { 0x1F, 'a', 0x01, 0x00, 0xFF, 0xFF, 0xFF }, 7 }, /* a match longer than the room */
	};
	uint8_t out[64];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(agent_lz4(rows[i].bytes, rows[i].size, out, sizeof out), -1);
}

static void crc32_and_sha256_are_the_libraries(void **unused)
{
	(void)unused;
	static uint8_t bytes[20000];
	agent_crc32_begin();
	assert_int_equal(agent_crc32(0, (const uint8_t *)"123456789", 9), 0xCBF43926);
	for (unsigned i = 0; i < 600; i++) {
		uint32_t from = roll(9), size = roll(i % 5 ? 300 : 19000), cut = size ? roll(size) : 0;
		uint8_t digest[32];
		struct agent_sha256 s;
		some_bytes(bytes, from + size, i % 6);
		assert_int_equal(agent_crc32(agent_crc32(0, bytes + from, cut), bytes + from + cut, size - cut),
		    crc32_of(span_of(bytes + from, size)));
		agent_sha256_begin(&s);
		agent_sha256_add(&s, bytes + from, cut);
		agent_sha256_add(&s, bytes + from + cut, size - cut);
		agent_sha256_end(&s);
		SHA256(bytes + from, size, digest);
		for (unsigned k = 0; k < 32; k++)
			assert_int_equal((uint8_t)(s.hash[k / 4] >> (24 - k % 4 * 8)), digest[k]);
	}
	/* the message's length is 64 bits wide: 2^29 bytes are 2^32 bits */
	struct agent_sha256 s, t;
	agent_sha256_begin(&s);
	agent_sha256_begin(&t);
	agent_sha256_add(&s, bytes, 64);
	s.bits[1] = t.bits[1] = 0xFFFFFFF8;
	agent_sha256_add(&s, bytes, 1);
	assert_int_equal(s.bits[0], 1);
	assert_int_equal(s.bits[1], 0);
}

/* --- the mount driver, its image in two places --- */

struct trace {
	uint32_t sum, entries;
};

static void add(struct trace *t, const void *data, size_t size)
{
	t->sum = agent_crc32(t->sum, data, (uint32_t)size);
}

static void visit(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	struct trace *t = context;
	const struct romfs_node *n = path[depth - 1];
	add(t, n, sizeof *n);
	add(t, romfs_at(fs, n->name, n->name_size), n->name_size);
	t->entries++;
}

/* What is in place behind `safe` is wrong there: reading it would show. */
static void split_at(const uint8_t *image, uint32_t size, uint32_t from, uint32_t safe, struct trace *out,
    enum romfs_status *status, struct romfs_fault *fault)
{
	uint8_t *place = malloc(size + 1), *copy = malloc(size + 1);
	memcpy(place, image, safe);
	for (uint32_t i = safe; i < size; i++)
		place[i] = (uint8_t)~image[i];
	memcpy(copy, image + from, size - from);
	const struct romfs_tail tail = { copy, from, safe };
	struct romfs fs;
	*out = (struct trace){ 0, 0 };
	*status = romfs_verify_split(&fs, place, size, &tail, visit, out, fault);
	free(copy);
	free(place);
}

static void hold_against(const uint8_t *image, uint32_t size, unsigned step)
{
	struct trace whole = { 0, 0 }, split;
	struct romfs_fault fault, split_fault;
	struct romfs fs;
	enum romfs_status status = romfs_verify(&fs, image, size, visit, &whole, &fault), split_status;
	for (uint32_t safe = 0; safe <= size; safe += step) {
		uint32_t from = safe > 300 ? safe - 300 : 0;
		split_at(image, size, from, safe, &split, &split_status, &split_fault);
		if (from && split_status == ROMFS_CORRUPT && split_fault.rule == ROMFS_RULE_NAME)
			continue; /* a name across both ends */
		assert_int_equal(split_status, status);
		assert_int_equal(split_fault.rule, fault.rule);
		assert_int_equal(split_fault.offset, fault.offset);
		assert_int_equal(split.sum, whole.sum);
		assert_int_equal(split.entries, whole.entries);
	}
}

static void an_image_in_two_places_is_the_same_image(void **unused)
{
	(void)unused;
	static const char folder[] = "tests/corpus/romfs/images";
	DIR *d = opendir(folder);
	unsigned images = 0;
	assert_non_null(d);
	agent_crc32_begin();
	for (struct dirent *entry; (entry = readdir(d));) {
		char path[512];
		uint8_t *image;
		size_t size;
		struct err e = ERR_INIT;
		if (!strstr(entry->d_name, ".img"))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		assert_true(file_read(path, 1u << 20, &image, &size, &e));
		hold_against(image, (uint32_t)size, size < 400 ? 1 : (unsigned)(size / 60 + 1));
		free(image);
		images++;
	}
	closedir(d);
	assert_true(images > 500);
}

static void a_name_that_no_place_has_breaks_a_rule(void **unused)
{
	(void)unused;
	/* one file whose name is 40 bytes long, from offset 7 on */
	uint8_t image[64] = { 0xD2, 0xCD, 0x31, 45, 5, 43, 40 };
	memset(image + 7, 'n', 40);
	image[47] = 2;
	struct trace t;
	struct romfs_fault fault;
	enum romfs_status status;
	split_at(image, 49, 0, 20, &t, &status, &fault);
	assert_int_equal(status, ROMFS_OK);
	assert_int_equal(t.entries, 1);
	split_at(image, 49, 10, 20, &t, &status, &fault);
	assert_int_equal(status, ROMFS_CORRUPT);
	assert_int_equal(fault.rule, ROMFS_RULE_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lz4_undoes_what_liblz4_does),
		cmocka_unit_test(lz4_refuses_what_is_none),
		cmocka_unit_test(crc32_and_sha256_are_the_libraries),
		cmocka_unit_test(an_image_in_two_places_is_the_same_image),
		cmocka_unit_test(a_name_that_no_place_has_breaks_a_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
