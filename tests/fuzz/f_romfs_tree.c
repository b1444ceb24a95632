/* Fuzz: any tree of files, built and mounted, gives the same tree back: paths, contents, alignments; equal contents are
 * stored once.  And any file's head, taken for a model. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/romfs_build.h"
#include "format/romfs_list.h"
#include "format/tflite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEMAND(condition)                                                                                              \
	do                                                                                                             \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	while (0)

struct input {
	const uint8_t *at;
	size_t left;
};

static unsigned take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static struct span take_bytes(struct input *in, size_t most)
{
	size_t n = most < in->left ? most : in->left;
	struct span s = span_of(in->at, n);
	in->at += n;
	in->left -= n;
	return s;
}

static void fill(struct input *in, struct romfs_entry *dir, unsigned depth)
{
	for (unsigned n = take(in) % 12; n && in->left; n--) {
		unsigned what = take(in);
		struct span name = take_bytes(in, what % 13);
		bool folder = what & 0x80 && depth < ROMFS_MAX_DEPTH + 2;
		struct romfs_entry *c = romfs_entry_add(
		    dir, name.size ? (const char *)name.data : "", name.size, folder ? ROMFS_DIR : ROMFS_FILE);
		DEMAND(c);
		if (folder) {
			fill(in, c, depth + 1);
			continue;
		}
		struct span bytes = take_bytes(in, take(in));
		c->data = malloc(bytes.size + 1);
		DEMAND(c->data);
		if (bytes.size)
			memcpy(c->data, bytes.data, bytes.size);
		c->size = bytes.size;
		c->align = what & 0x40 ? 1u << take(in) % 13 : 0;
	}
}

/* The listing's items stand in the order of the sorted tree. */
static size_t hold(
    const struct romfs_list *list, size_t at, const struct romfs_entry *dir, const struct board *b, bool shared)
{
	for (size_t i = 0; i < dir->count; i++) {
		const struct romfs_entry *c = dir->children[i];
		DEMAND(at < list->count);
		const struct romfs_item *item = &list->items[at++];
		size_t n = strlen(item->path);
		DEMAND(item->type == c->type && n > c->name_size && item->path[n - c->name_size - 1] == '/' &&
		       !memcmp(item->path + n - c->name_size, c->name, c->name_size));
		if (c->type == ROMFS_DIR) {
			at = hold(list, at, c, b, shared);
			continue;
		}
		struct span data = romfs_list_data(list, item);
		DEMAND(data.size == c->size && (!c->size || !memcmp(data.data, c->data, c->size)));
		uint32_t align = c->align ? c->align : board_alignment(b, c->name, NULL);
		DEMAND(item->offset % align == 0);
		DEMAND(!shared || !c->same || item->offset == c->same->at);
	}
	return at;
}

static void build_one(struct romfs_entry *root, const struct board *b, const struct partition *p, unsigned how)
{
	struct err e = ERR_INIT;
	struct romfs_list list;
	uint8_t *image = NULL, *again = NULL;
	size_t size = 0, size_again = 0;
	bool openmv = how & 1;
	enum romfs_commit commit = how & 2 ? ROMFS_COMMIT_AUTO : ROMFS_COMMIT_NO;
	bool done = openmv ? romfs_build_openmv(root, b, p, &image, &size, &e)
			   : romfs_build(root, b, p, commit, &image, &size, &e);
	if (!done) {
		DEMAND(e.code == CODE_NAME_INVALID || e.code == CODE_PAYLOAD_TOO_BIG || e.code == CODE_IMAGE_INVALID);
		return;
	}
	DEMAND(size <= p->size && romfs_list(span_of(image, size), &list, &e));
	DEMAND(hold(&list, 0, root, b, !openmv) == list.count);
	DEMAND(openmv ? romfs_build_openmv(root, b, p, &again, &size_again, &e)
		      : romfs_build(root, b, p, commit, &again, &size_again, &e));
	DEMAND(size == size_again && !memcmp(image, again, size));
	romfs_list_clear(&list);
	free(image);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct board board = {
		.id = "fuzz", .align_default = 4, .align_count = 1, .aligns = { { "tflite", 32, true } }
	};
	static const struct partition partition = {
		.name = "ROMFS0", .size = 1 << 20, .run_count = 1, .runs = { { 4096, 256 } }
	};
	const char *why;
	tflite_sane(span_of(data, size), &why);
	struct input in = { data, size };
	struct romfs_entry *root = romfs_entry_new_root();
	DEMAND(root);
	unsigned how = take(&in);
	fill(&in, root, 0);
	build_one(root, &board, &partition, how);
	romfs_entry_free(root);
	return 0;
}
