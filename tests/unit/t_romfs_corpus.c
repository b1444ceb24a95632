/* The mount driver against MicroPython's own answers: every image of the corpus, its listing and its look-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "base/hex.h"
#include "firmware/vfs/mperrno.h"
#include "firmware/vfs/vfs_rom.h"
#include "format/json.h"
#include "format/romfs_list.h"
#include "os/file.h"

#define CORPUS "tests/corpus/romfs/"
#define ROWS   573

struct answers {
	uint8_t *text; /* owned */
	unsigned rows, entries, lookups;
};

/* An expected entry's path as bytes; it may hold any, so it is also given with its size.  The caller frees. */
static char *path_of(const struct cJSON *entry, size_t *size)
{
	struct err e = ERR_INIT;
	const char *text;
	char *bytes;
	if (json_member(entry, "path")) {
		assert_true(json_string(entry, "path", &text, &e));
		bytes = strdup(text);
		*size = strlen(text);
		return bytes;
	}
	assert_true(json_string(entry, "path_hex", &text, &e));
	*size = strlen(text) / 2;
	bytes = calloc(*size + 1, 1);
	assert_true(bytes && hex_decode((uint8_t *)bytes, *size, text));
	return bytes;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct romfs_item *)a)->path, ((const struct romfs_item *)b)->path);
}

static void compare_entry(const char *name, const struct cJSON *want, const struct romfs_item *got)
{
	struct err e = ERR_INIT;
	const char *type, *crc;
	int64_t number;
	size_t size;
	char *path = path_of(want, &size);
	if (strlen(got->path) != size || memcmp(got->path, path, size))
		fail_msg("%s: %s where %s is expected", name, got->path, path);
	assert_true(json_string(want, "type", &type, &e));
	assert_string_equal(type, got->type == ROMFS_DIR ? "dir" : "file");
	assert_true(json_integer(want, "size", 0, UINT32_MAX, &number, &e));
	if (number != got->size)
		fail_msg("%s: %s has %u bytes", name, path, got->size);
	if (got->type == ROMFS_FILE) {
		char text[9];
		snprintf(text, sizeof text, "%08x", got->crc32);
		assert_true(json_string(want, "crc32", &crc, &e));
		assert_string_equal(text, crc);
		assert_true(json_integer(want, "offset", 0, UINT32_MAX, &number, &e));
		assert_int_equal(number, got->offset);
		assert_int_equal(got->offset % got->align, 0);
		assert_true(got->align == 4096 || got->offset % (2 * got->align));
	}
	free(path);
}

static void compare_listing(struct answers *a, const char *name, const struct cJSON *row, struct romfs_list *list)
{
	struct err e = ERR_INIT;
	const struct cJSON *entries;
	int64_t length;
	assert_true(json_array(row, "entries", &entries, &e));
	assert_true(json_integer(row, "payload_len", 0, UINT32_MAX, &length, &e));
	assert_int_equal(length, list->fs.end - list->fs.begin);
	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, by_path);
	size_t n = 0;
	for (const struct cJSON *want = json_first(entries); want; want = json_after(want), n++) {
		if (n == list->count)
			fail_msg("%s: only %zu entries", name, n);
		compare_entry(name, want, &list->items[n]);
		a->entries++;
	}
	assert_int_equal(n, list->count);
}

/* "ENOENT" and the like, or "OK", as the driver answers them; anything that is no such word is an answer with contents.
 */
static int error_of(const struct cJSON *lookup, const char *call)
{
	static const struct {
		const char *name;
		int error;
	} rows[] = { { "OK", 0 }, { "ENOENT", -VFS_ENOENT }, { "EISDIR", -VFS_EISDIR },
		{ "EOPNOTSUPP", -VFS_EOPNOTSUPP } };
	struct err e = ERR_INIT;
	const char *word;
	if (!json_string(lookup, call, &word, &e))
		return 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].name, word))
			return rows[i].error;
	fail_msg("'%s' is not known", word);
	return 0;
}

static void compare_open(const struct cJSON *lookup, const struct romfs *fs, const char *path)
{
	struct err e = ERR_INIT;
	struct vfs_file file;
	const char *crc;
	char text[9];
	int64_t bytes;
	size_t size;
	assert_int_equal(vfs_rom_open(fs, path, "rb", &file), error_of(lookup, "open"));
	const struct cJSON *contents = json_member(lookup, "open");
	if (!json_is_object(contents))
		return;
	assert_true(
	    json_integer(contents, "size", 0, UINT32_MAX, &bytes, &e) && json_string(contents, "crc32", &crc, &e));
	const uint8_t *data = vfs_file_buffer(&file, &size);
	assert_int_equal(size, bytes);
	snprintf(text, sizeof text, "%08x", libdeflate_crc32(0, data, size));
	assert_string_equal(text, crc);
}

static void compare_listdir(const struct cJSON *lookup, const struct romfs *fs, const char *path)
{
	struct err e = ERR_INIT;
	struct vfs_rom_listing listing;
	struct vfs_dirent entry;
	const struct cJSON *names;
	int error = error_of(lookup, "listdir");
	assert_int_equal(vfs_rom_ilistdir(fs, path, &listing), error);
	if (error)
		return;
	assert_true(json_array(lookup, "listdir", &names, &e));
	for (const struct cJSON *n = json_first(names); n; n = json_after(n)) {
		size_t size;
		char *name = path_of(n, &size);
		assert_int_equal(vfs_rom_next(&listing, &entry), 1);
		assert_int_equal(entry.name_size, size);
		assert_memory_equal(entry.name, name, size);
		free(name);
	}
	assert_int_equal(vfs_rom_next(&listing, &entry), 0);
}

/* MicroPython says ENOENT both for what is not there and for what it cannot make out. */
static void compare_lookups(struct answers *a, const char *name, const struct cJSON *row, const struct romfs *fs)
{
	const struct cJSON *lookups = json_member(row, "lookups");
	for (const struct cJSON *l = lookups ? json_first(lookups) : NULL; l; l = json_after(l)) {
		struct err e = ERR_INIT;
		const struct cJSON *stat = json_member(l, "stat");
		size_t size;
		char *path = path_of(l, &size);
		struct romfs_node node;
		bool found = romfs_lookup(fs, path, &node) == ROMFS_OK;
		if (found != json_is_object(stat))
			fail_msg("%s: '%s' is %s", name, path, found ? "found" : "not found");
		if (found) {
			const char *type;
			int64_t bytes;
			assert_true(json_string(stat, "type", &type, &e));
			assert_string_equal(type, node.type == ROMFS_DIR ? "dir" : "file");
			assert_true(json_integer(stat, "size", 0, UINT32_MAX, &bytes, &e));
			assert_int_equal(bytes, node.data_size);
		}
		compare_open(l, fs, path);
		compare_listdir(l, fs, path);
		assert_int_equal(vfs_rom_chdir(path), error_of(l, "chdir"));
		free(path);
		a->lookups++;
	}
}

static void judge_row(struct answers *a, const struct cJSON *row)
{
	struct err e = ERR_INIT;
	const char *name, *verdict;
	char path[256];
	uint8_t *data;
	size_t size;
	assert_true(json_string(row, "name", &name, &e) && json_string(row, "verdict", &verdict, &e));
	snprintf(path, sizeof path, CORPUS "images/%s.img", name);
	if (!file_read(path, 1u << 24, &data, &size, &e))
		fail_msg("%s", e.msg);
	/* without the NUL that file_read leaves behind the data */
	uint8_t *image = malloc(size ? size : 1);
	assert_non_null(image);
	memcpy(image, data, size);
	free(data);

	struct romfs_list list;
	struct romfs fs;
	bool accepted = romfs_list(span_of(image, size), &list, &e);
	if (accepted && (!strcmp(verdict, "refuse") || !strcmp(verdict, "mount_error")))
		fail_msg("%s was accepted", name);
	if (!accepted && !strcmp(verdict, "accept"))
		fail_msg("%s was refused: %s", name, e.msg);
	if (accepted)
		compare_listing(a, name, row, &list);
	if (!strcmp(verdict, "mount_error"))
		assert_int_not_equal(romfs_mount(&fs, image, size), ROMFS_OK);
	else if (romfs_mount(&fs, image, size) == ROMFS_OK)
		compare_lookups(a, name, row, &fs);
	romfs_list_clear(&list);
	free(image);
	a->rows++;
}

/* One row, which is one line, at a time: the whole file holds more values than the strict reader takes. */
static void the_corpus_is_answered_as_micropython_does(void **state)
{
	struct answers *a = *state;
	char *rest = (char *)a->text, *line;
	while ((line = strsep(&rest, "\n"))) {
		if (*line != '{')
			continue;
		size_t size = strlen(line);
		size -= line[size - 1] == ',';
		struct err e = ERR_INIT;
		AUTO_JSON struct cJSON *row = json_parse(span_of(line, size), &e);
		if (!row)
			fail_msg("row %u: %s", a->rows, e.msg);
		judge_row(a, row);
	}
	assert_int_equal(a->rows, ROWS);
	assert_true(a->entries > 10000);
	assert_true(a->lookups > 90);
}

int main(void)
{
	static struct answers a;
	struct err e = ERR_INIT;
	size_t size;
	if (!file_read(CORPUS "expected.json", 1u << 26, &a.text, &size, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(the_corpus_is_answered_as_micropython_does, &a),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(a.text);
	return failed;
}
