/* Fuzz: any bytes at all through the mount driver and the listing; whatever is accepted must hold together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/romfs_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything a camera does without having checked first. */
static void use_unchecked(const struct romfs *fs)
{
	struct romfs_node dir, node;
	romfs_root(fs, &dir);
	uint32_t cursor = dir.data, entries = 0;
	while (romfs_next(fs, &dir, &cursor, &node) == ROMFS_OK) {
		if (node.data > fs->end || node.data_size > fs->end - node.data || ++entries > fs->end / 2)
			abort();
		/* a path made of the entry's own name must find this or an earlier entry of that name */
		char path[64];
		if (node.name_size < sizeof path && !memchr(fs->image + node.name, 0, node.name_size)) {
			struct romfs_node found;
			memcpy(path, fs->image + node.name, node.name_size);
			path[node.name_size] = '\0';
			if (romfs_lookup(fs, path, &found) == ROMFS_OK && found.type == ROMFS_FILE &&
			    found.data > fs->end)
				abort();
		}
	}
}

/* In an accepted image every listed path is found, and is the same entry. */
static void prove(const struct romfs_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct romfs_item *item = &list->items[i];
		struct romfs_node node;
		if (romfs_lookup(&list->fs, item->path, &node) != ROMFS_OK || node.type != item->type ||
		    node.data != item->offset || node.data_size != item->size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct romfs fs;
	struct romfs_list list;
	struct err e = ERR_INIT;
	if (romfs_mount(&fs, data, size) == ROMFS_OK)
		use_unchecked(&fs);
	if (romfs_list(span_of(data, size), &list, &e))
		prove(&list);
	else if (e.code == CODE_OK || !e.msg[0])
		abort();
	romfs_list_clear(&list);
	return 0;
}
