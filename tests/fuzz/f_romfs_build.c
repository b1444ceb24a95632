/* Any tree that the builder takes, the mount driver gives back: every path, every byte, aligned as the board's table
 * says; and what is built once more of the same tree is the same image.
 *
 * Equal contents are stored once.  OpenMV's layout of the same files gives them back as well.
 *
 * Input: a byte for board and commit unit, then a walk: 0 leaves a directory, odd bytes a file, even ones a directory,
 * each with a name (a length in the low part of the next byte, an alignment of its own in the high one, then bytes)
 * and, for files, a size and a filling. */
#include "format/romfs_build.h"
#include "format/romfs_list.h"
#include "line/boards.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_ENTRIES 400

static void must(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t take(struct span *in)
{
	uint8_t b = in->size ? *in->data : 0;
	if (in->size)
		*in = span_of(in->data + 1, in->size - 1);
	return b;
}

static void fill(struct romfs_entry *file, struct span *in)
{
	size_t size = (size_t)take(in) << (take(in) % 8);
	uint8_t seed = take(in);
	file->data = malloc(size ? size : 1);
	must(file->data);
	file->size = size;
	for (size_t i = 0; i < size; i++)
		file->data[i] = (uint8_t)(seed + i * 7);
}

static struct romfs_entry *plant(struct span *in)
{
	struct romfs_entry *path[ROMFS_MAX_DEPTH + 4], *root = romfs_entry_new_root();
	unsigned depth = 0, entries = 0;
	must(root);
	for (path[0] = root; in->size && entries < MOST_ENTRIES; entries++) {
		uint8_t kind = take(in), how = take(in), length = how % 24;
		if (kind == 0) {
			depth -= depth > 0;
			continue;
		}
		char name[24];
		for (unsigned i = 0; i < length; i++)
			name[i] = (char)take(in);
		bool file = kind & 1;
		if (!file && depth + 2 >= sizeof path / sizeof *path)
			continue;
		struct romfs_entry *entry = romfs_entry_add(path[depth], name, length, file ? ROMFS_FILE : ROMFS_DIR);
		must(entry);
		if (file && how >= 24)
			entry->align = 2u << how / 24;
		if (file)
			fill(entry, in);
		else
			path[++depth] = entry;
	}
	return root;
}

/* The list holds the tree in its order, and nothing else; returns the next item. */
static size_t compare(
    const struct romfs_list *list, const struct romfs_entry *dir, const struct board *b, size_t at, const char *prefix)
{
	for (size_t i = 0; i < dir->count; i++) {
		const struct romfs_entry *c = dir->children[i];
		must(at < list->count);
		const struct romfs_item *item = &list->items[at++];
		size_t n = strlen(prefix);
		must(item->type == c->type && !strncmp(item->path, prefix, n) && item->path[n] == '/' &&
		     !strcmp(item->path + n + 1, c->name));
		if (c->type == ROMFS_DIR) {
			at = compare(list, c, b, at, item->path);
			continue;
		}
		struct span data = romfs_list_data(list, item);
		must(data.size == c->size && (!c->size || !memcmp(data.data, c->data, c->size)));
		must(item->offset % (c->align ? c->align : board_alignment(b, c->name, NULL)) == 0);
	}
	return at;
}

/* Among files that are large enough for it, no contents stand in the image twice. */
static void hold_shared(const struct romfs_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct romfs_item *x = &list->items[i], *y = &list->items[k];
			if (x->type == ROMFS_DIR || y->type == ROMFS_DIR || x->size < 16 || x->size != y->size ||
			    memcmp(romfs_list_data(list, x).data, romfs_list_data(list, y).data, x->size) != 0)
				continue;
			must(x->offset == y->offset);
		}
}

/* OpenMV's layout holds a flat tree, and the same files; names that it refuses it refuses. */
static void prove_openmv(struct romfs_entry *root, const struct board *b, const struct partition *p)
{
	struct romfs_list list;
	struct err e = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	if (!romfs_build_openmv(root, b, p, &image, &size, &e)) {
		must(e.code == CODE_NAME_INVALID || e.code == CODE_PAYLOAD_TOO_BIG);
		return;
	}
	must(size <= p->size && romfs_list(span_of(image, size), &list, &e));
	must(compare(&list, root, b, 0, "") == list.count);
	romfs_list_clear(&list);
	free(image);
}

static void prove(struct romfs_entry *root, const struct board *b, const struct partition *p, enum romfs_commit commit,
    struct span image)
{
	struct romfs_list list;
	struct err e = ERR_INIT;
	uint8_t *again = NULL;
	size_t size = 0;
	must(image.size <= p->size && image.size % 2 == 0);
	must(romfs_list(image, &list, &e) && list.fs.end == image.size);
	must(compare(&list, root, b, 0, "") == list.count);
	hold_shared(&list);
	if (commit == ROMFS_COMMIT_AUTO && romfs_commit_unit(p) && list.count)
		must(list.items[0].offset >= romfs_commit_unit(p));
	romfs_list_clear(&list);
	must(romfs_build(root, b, p, commit, &again, &size, &e));
	must(size == image.size && !memcmp(again, image.data, size));
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct board_set set;
	struct err e = ERR_INIT;
	struct span in = span_of(data, size);
	uint8_t *image = NULL;
	size_t image_size = 0;
	if (!set.count)
		must(boards_load("fixtures/boards", &set, &e));
	uint8_t how = take(&in);
	const struct board *b = &set.boards[(how >> 1) % set.count];
	const struct partition *p = NULL;
	for (unsigned i = 0; i < b->partition_count && !p; i++)
		if (b->partitions[i].role == ROLE_ROMFS)
			p = &b->partitions[i];
	must(p);
	enum romfs_commit commit = how & 1 ? ROMFS_COMMIT_NO : ROMFS_COMMIT_AUTO;
	struct romfs_entry *root = plant(&in);
	if (romfs_build(root, b, p, commit, &image, &image_size, &e))
		prove(root, b, p, commit, span_of(image, image_size));
	else
		must(e.code == CODE_NAME_INVALID || e.code == CODE_PAYLOAD_TOO_BIG || e.code == CODE_IMAGE_INVALID);
	free(image);
	prove_openmv(root, b, p);
	romfs_entry_free(root);
	return 0;
}
