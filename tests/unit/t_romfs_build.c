/* The image writer and builder: round trip, alignment, determinism, the commit unit to the byte, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/romfs_build.h"
#include "format/romfs_list.h"

#include "board_files.h"

static void must(bool ok, const struct err *e)
{
	if (!ok)
		fail_msg("%s", e->msg);
}

static const struct board *board(const char *id)
{
	const struct board *b = boards_find(&set, id);
	assert_non_null(b);
	return b;
}

static struct romfs_entry *add_file(struct romfs_entry *dir, const char *name, const char *text)
{
	struct romfs_entry *file = romfs_entry_add(dir, name, strlen(name), ROMFS_FILE);
	assert_non_null(file);
	file->size = strlen(text);
	file->data = (uint8_t *)strdup(text);
	assert_non_null(file->data);
	return file;
}

static struct romfs_entry *add_dir(struct romfs_entry *dir, const char *name)
{
	struct romfs_entry *sub = romfs_entry_add(dir, name, strlen(name), ROMFS_DIR);
	assert_non_null(sub);
	return sub;
}

/* The same tree, its siblings put in forwards or backwards. */
static struct romfs_entry *tree(bool backwards)
{
	static const char *const names[] = { "boot.py", "main.py", "Model.TFLITE", "labels.txt", "a.b.bin",
		"\xC3\xA9" };
	const size_t count = sizeof names / sizeof *names;
	struct romfs_entry *root = romfs_entry_new_root();
	assert_non_null(root);
	struct romfs_entry *lib = backwards ? add_dir(root, "lib") : NULL;
	for (size_t i = 0; i < count; i++) {
		const char *name = names[backwards ? count - 1 - i : i];
		add_file(root, name, name);
	}
	lib = lib ? lib : add_dir(root, "lib");
	add_dir(lib, "empty");
	add_file(lib, "net.tflite", "weights");
	return root;
}

static const char *const sorted[] = { "/Model.TFLITE", "/a.b.bin", "/boot.py", "/labels.txt", "/lib", "/lib/empty",
	"/lib/net.tflite", "/main.py", "/\xC3\xA9" };

static void build_for(const char *id, enum romfs_commit commit, bool backwards, uint8_t **image, size_t *size)
{
	struct err e = ERR_INIT;
	struct romfs_entry *root = tree(backwards);
	const struct board *b = board(id);
	must(romfs_build(root, b, board_partition(b, "ROMFS0"), commit, image, size, &e), &e);
	romfs_entry_free(root);
}

static void what_is_built_is_read_back_sorted_and_aligned(void **state)
{
	(void)state;
	for (unsigned i = 0; i < set.count; i++) {
		const struct board *b = &set.boards[i];
		if (!board_partition(b, "ROMFS0"))
			continue;
		uint8_t *image = NULL;
		size_t size = 0;
		struct romfs_list list;
		struct err e = ERR_INIT;
		build_for(b->id, ROMFS_COMMIT_AUTO, false, &image, &size);
		must(romfs_list(span_of(image, size), &list, &e), &e);
		assert_int_equal(list.fs.end, size);
		assert_int_equal(size % 2, 0);
		assert_int_equal(list.count, sizeof sorted / sizeof *sorted);
		for (size_t k = 0; k < list.count; k++) {
			const struct romfs_item *item = &list.items[k];
			assert_string_equal(item->path, sorted[k]);
			if (item->type == ROMFS_DIR)
				continue;
			assert_int_equal(item->offset % board_alignment(b, item->path, NULL), 0);
			const char *want = !strcmp(item->path, "/lib/net.tflite") ? "weights" : item->path + 1;
			assert_int_equal(item->size, strlen(want));
			assert_memory_equal(romfs_list_data(&list, item).data, want, item->size);
		}
		romfs_list_clear(&list);
		free(image);
	}
}

static void the_order_on_disk_does_not_matter(void **state)
{
	(void)state;
	uint8_t *a, *b;
	size_t a_size, b_size;
	build_for("openmv-n6", ROMFS_COMMIT_AUTO, false, &a, &a_size);
	build_for("openmv-n6", ROMFS_COMMIT_AUTO, true, &b, &b_size);
	assert_int_equal(a_size, b_size);
	assert_memory_equal(a, b, a_size);
	free(a);
	free(b);
}

static uint32_t varuint_at(const uint8_t *p, size_t width)
{
	uint32_t v = 0;
	for (size_t i = 0; i < width; i++) {
		assert_int_equal(p[i] >> 7, i + 1 < width);
		v = v << 7 | (p[i] & 0x7F);
	}
	return v;
}

static void the_commit_unit_holds_the_header_and_nothing_else(void **state)
{
	(void)state;
	unsigned with = 0, without = 0;
	for (unsigned i = 0; i < set.count; i++) {
		const struct partition *p = board_partition(&set.boards[i], "ROMFS0");
		if (!p)
			continue;
		uint8_t *image = NULL;
		size_t size = 0;
		build_for(set.boards[i].id, ROMFS_COMMIT_AUTO, false, &image, &size);
		assert_memory_equal(image, "\xD2\xCD\x31", 3);
		assert_int_equal(varuint_at(image + 3, 5), size - 8);
		if (partition_unit_count(p) == 1) {
			assert_int_equal(romfs_commit_unit(p), 0);
			assert_int_equal(image[8], 5); /* the first file's kind, at once */
			without++;
		} else {
			uint32_t unit = partition_unit(p, 0).size;
			assert_int_equal(romfs_commit_unit(p), unit);
			assert_int_equal(image[8], 1);
			assert_int_equal(varuint_at(image + 9, 5), unit - 14);
			for (uint32_t k = 14; k < unit; k++)
				assert_int_equal(image[k], 0xFF);
			assert_int_equal(image[unit], 5);
			with++;
		}
		free(image);
	}
	assert_true(with > 0 && without > 0);
}

static void the_commit_unit_can_be_left_out(void **state)
{
	(void)state;
	uint8_t *image = NULL;
	size_t size = 0;
	build_for("openmv-n6", ROMFS_COMMIT_NO, false, &image, &size);
	assert_int_equal(image[8], 5);
	free(image);
}

static void an_empty_tree_is_an_empty_image(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	struct romfs_entry *root = romfs_entry_new_root();
	const struct board *b = board("openmv-n6");
	must(romfs_build(root, b, board_partition(b, "ROMFS0"), ROMFS_COMMIT_NO, &image, &size, &e), &e);
	assert_int_equal(size, 8);
	assert_memory_equal(image, "\xD2\xCD\x31\x80\x80\x80\x80\x00", 8);
	romfs_entry_free(root);
	free(image);
}

static enum code refusal(struct romfs_entry *root)
{
	struct err e = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	const struct board *b = board("openmv-m4");
	assert_false(romfs_build(root, b, board_partition(b, "ROMFS0"), ROMFS_COMMIT_AUTO, &image, &size, &e));
	assert_true(e.msg[0]);
	romfs_entry_free(root);
	return e.code;
}

static void bad_names_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t size;
	} names[] = { { "", 0 }, { ".", 1 }, { "..", 2 }, { "a/b", 3 }, { "a\0b", 3 }, { "\xFF", 1 } };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (int type = ROMFS_FILE; type <= ROMFS_DIR; type++) {
			struct romfs_entry *root = romfs_entry_new_root();
			assert_non_null(romfs_entry_add(root, names[i].name, names[i].size, (enum romfs_type)type));
			assert_int_equal(refusal(root), CODE_NAME_INVALID);
		}
	struct romfs_entry *root = romfs_entry_new_root();
	add_file(root, "twice", "a");
	add_file(root, "once", "b");
	add_dir(root, "twice");
	assert_int_equal(refusal(root), CODE_NAME_INVALID);
}

static void too_deep_is_refused(void **state)
{
	(void)state;
	struct romfs_entry *root = romfs_entry_new_root(), *dir = root;
	for (unsigned i = 0; i < ROMFS_MAX_DEPTH; i++)
		dir = add_dir(dir, "d");
	add_file(dir, "f", "x");
	struct err e = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	struct romfs fs;
	const struct board *b = board("openmv-m4");
	must(romfs_build(root, b, board_partition(b, "ROMFS0"), ROMFS_COMMIT_AUTO, &image, &size, &e), &e);
	assert_int_equal(romfs_verify(&fs, image, size, NULL, NULL, NULL), ROMFS_OK);
	free(image);
	add_dir(dir, "d");
	assert_int_equal(refusal(root), CODE_IMAGE_INVALID);
}

/* A file that leaves `spare` bytes of the partition: header 8, then kind 1, length 5, name 2, kind 1, length 3. */
static bool fill_partition(const struct partition *p, int spare, size_t *size, struct err *e)
{
	struct romfs_entry *root = romfs_entry_new_root();
	struct romfs_entry *file = add_file(root, "f", "");
	free(file->data);
	file->size = (size_t)((int)p->size - 20 - spare);
	file->data = calloc(1, file->size);
	assert_non_null(file->data);
	uint8_t *image = NULL;
	bool ok = romfs_build(root, board("openmv-m4"), p, ROMFS_COMMIT_AUTO, &image, size, e);
	romfs_entry_free(root);
	free(image);
	return ok;
}

static void the_partition_is_the_limit(void **state)
{
	(void)state;
	const struct partition *p = board_partition(board("openmv-m4"), "ROMFS0");
	struct err e = ERR_INIT;
	size_t size = 0;
	must(fill_partition(p, 0, &size, &e), &e);
	assert_int_equal(size, p->size);
	assert_false(fill_partition(p, -1, &size, &e));
	assert_int_equal(e.code, CODE_PAYLOAD_TOO_BIG);
	assert_non_null(strstr(e.msg, "ROMFS0"));
}

static void the_writer_aligns_every_way(void **state)
{
	(void)state;
	for (uint32_t align = 1; align <= 4096; align *= 2)
		for (size_t name_size = 1; name_size <= 200; name_size += 7) {
			static const char name[] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
						   "nnnnnnnnnnnnnnnnnnnnnnnnnn"
						   "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
						   "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
						   "nnnnnnnn";
			struct romfs_writer w;
			struct romfs_writer_options options = { 0 };
			struct err e = ERR_INIT;
			uint8_t *image = NULL;
			size_t size = 0;
			struct romfs fs;
			struct romfs_node root, node;
			must(romfs_writer_begin(&w, &options, &e) &&
				 romfs_writer_file(&w, name, name_size, span_of("data", 4), align, &e) &&
				 romfs_writer_finish(&w, &image, &size, &e),
			    &e);
			assert_int_equal(romfs_verify(&fs, image, size, NULL, NULL, NULL), ROMFS_OK);
			romfs_root(&fs, &root);
			uint32_t cursor = root.data;
			assert_int_equal(romfs_next(&fs, &root, &cursor, &node), ROMFS_OK);
			assert_int_equal(node.data % align, 0);
			assert_memory_equal(image + node.data, "data", 4);
			free(image);
		}
}

static void padding_ends_where_asked(void **state)
{
	(void)state;
	for (uint32_t align = 1; align <= 70; align++) {
		struct romfs_writer w;
		struct romfs_writer_options options = { 0 };
		struct err e = ERR_INIT;
		uint8_t *image = NULL;
		size_t size = 0;
		struct romfs fs;
		must(romfs_writer_begin(&w, &options, &e) && romfs_writer_pad(&w, align, &e), &e);
		assert_int_equal(w.out.size % align, 0);
		must(
		    romfs_writer_file(&w, "f", 1, span_of("x", 1), 1, &e) && romfs_writer_finish(&w, &image, &size, &e),
		    &e);
		assert_int_equal(romfs_verify(&fs, image, size, NULL, NULL, NULL), ROMFS_OK);
		assert_int_equal(fs.end, size);
		assert_int_equal(size % 2, 0);
		free(image);
	}
}

static void misuse_of_the_writer_is_told(void **state)
{
	(void)state;
	struct romfs_writer w;
	struct romfs_writer_options options = { .commit_unit = 13 };
	struct err e = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	assert_false(romfs_writer_begin(&w, &options, &e));
	assert_int_equal(e.code, CODE_INTERNAL);
	romfs_writer_abandon(&w);
	options = (struct romfs_writer_options){ .limit = 7 };
	assert_false(romfs_writer_begin(&w, &options, &e));
	assert_int_equal(e.code, CODE_PAYLOAD_TOO_BIG);
	romfs_writer_abandon(&w);
	options.limit = 4096;
	must(romfs_writer_begin(&w, &options, &e), &e);
	assert_false(romfs_writer_dir_close(&w, &e));
	assert_false(romfs_writer_file(&w, "f", 1, span_of("x", 1), 3, &e));
	assert_false(romfs_writer_file(&w, "f", 1, span_of("x", 1), 0, &e));
	assert_false(romfs_writer_file(&w, "f", 1, span_of("x", 1), 8192, &e));
	must(romfs_writer_dir_open(&w, "d", 1, &e), &e);
	assert_false(romfs_writer_finish(&w, &image, &size, &e));
	assert_int_equal(e.code, CODE_INTERNAL);
	romfs_writer_abandon(&w);
	romfs_writer_abandon(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read_back_sorted_and_aligned),
		cmocka_unit_test(the_order_on_disk_does_not_matter),
		cmocka_unit_test(the_commit_unit_holds_the_header_and_nothing_else),
		cmocka_unit_test(the_commit_unit_can_be_left_out),
		cmocka_unit_test(an_empty_tree_is_an_empty_image),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(too_deep_is_refused),
		cmocka_unit_test(the_partition_is_the_limit),
		cmocka_unit_test(the_writer_aligns_every_way),
		cmocka_unit_test(padding_ends_where_asked),
		cmocka_unit_test(misuse_of_the_writer_is_told),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
