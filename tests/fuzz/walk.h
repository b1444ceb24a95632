/* Everything the mount driver says of an image, as one number: each status, fault, node, name, offset and byte of data
 * that a camera could get at, in order.  Two builds of the driver agree on an image when the numbers are equal. */
#ifndef FUZZ_WALK_H
#define FUZZ_WALK_H

#include "romfs.h"

#include <string.h>

#define WALK_MAX (1u << 20) /* bytes of an image that is asked about */

struct walk_sum {
	uint64_t sum; /* FNV-1a */
};

static void walk_bytes(struct walk_sum *w, const void *data, size_t size)
{
	const uint8_t *p = data;
	for (size_t i = 0; i < size; i++)
		w->sum = (w->sum ^ p[i]) * UINT64_C(0x100000001b3);
}

static void walk_number(struct walk_sum *w, uint64_t n)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(n >> 8 * i);
	walk_bytes(w, bytes, sizeof bytes);
}

static void walk_node(struct walk_sum *w, const struct romfs *fs, const struct romfs_node *n)
{
	const uint8_t *data = romfs_data(fs, n);
	walk_number(w, (uint64_t)n->type << 32 | n->record);
	walk_number(w, (uint64_t)n->name << 32 | n->name_size);
	walk_number(w, (uint64_t)n->data << 32 | n->data_size);
	walk_number(w, data ? (uint64_t)(data - fs->image) : UINT64_MAX);
	/* ends only: an image may show one byte under many names */
	if (data && n->data_size) {
		walk_bytes(w, data, 1);
		walk_bytes(w, data + n->data_size - 1, 1);
	}
	walk_number(w, (uint64_t)romfs_name_ok(fs->image + n->name, n->name_size));
}

static void walk_visit(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	walk_number(context, depth);
	walk_node(context, fs, path[depth - 1]);
}

/* A camera looks a path up without having checked anything: each entry of the root, and what a script would ask for. */
static void walk_lookup(struct walk_sum *w, const struct romfs *fs, const char *path)
{
	struct romfs_node found;
	enum romfs_status status = romfs_lookup(fs, path, &found);
	walk_number(w, status);
	if (status == ROMFS_OK)
		walk_node(w, fs, &found);
}

static void walk_root(struct walk_sum *w, const struct romfs *fs)
{
	struct romfs_node root, node;
	enum romfs_status status;
	romfs_root(fs, &root);
	uint32_t cursor = root.data;
	unsigned left = 64;
	while ((status = romfs_next(fs, &root, &cursor, &node)) == ROMFS_OK && left--) {
		char path[40];
		walk_node(w, fs, &node);
		walk_number(w, cursor);
		if (node.name_size + 3 < sizeof path) {
			memcpy(path, fs->image + node.name, node.name_size);
			memcpy(path + node.name_size, "/a", 3);
			walk_lookup(w, fs, path);
			path[node.name_size] = '\0';
			walk_lookup(w, fs, path);
		}
	}
	walk_number(w, status);
	walk_lookup(w, fs, "/main.py");
	walk_lookup(w, fs, "");
	walk_lookup(w, fs, "lib/");
}

static uint64_t walk_image(const uint8_t *data, size_t size)
{
	struct walk_sum w = { UINT64_C(0xcbf29ce484222325) };
	struct romfs fs;
	struct romfs_fault fault = { ROMFS_RULE_NONE, 0 };
	enum romfs_status status = romfs_mount(&fs, data, size);
	walk_number(&w, status);
	if (status == ROMFS_OK) {
		walk_number(&w, (uint64_t)fs.begin << 32 | fs.end);
		walk_root(&w, &fs);
	}
	walk_number(&w, romfs_verify(&fs, data, size, walk_visit, &w, &fault));
	walk_number(&w, (uint64_t)fault.rule << 32 | fault.offset);
	return w.sum;
}

#endif
