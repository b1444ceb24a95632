/* Lists an image by one verified walk. */
#include "format/romfs_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "format/romfs_text.h"

#define MAX_ALIGN 4096u

static bool make_room(struct romfs_list *list)
{
	if (list->count < list->capacity)
		return true;
	size_t capacity = list->capacity ? list->capacity * 2 : 64;
	struct romfs_item *grown = realloc(list->items, capacity * sizeof *grown);
	if (!grown)
		return err_set(&list->failure, CODE_NO_MEMORY, "no memory for %zu entries", capacity);
	list->items = grown;
	list->capacity = capacity;
	return true;
}

/* "/" and a name for each node of the chain.  NULL with the list's failure filled. */
static char *path_of(struct romfs_list *list, const struct romfs *fs, const struct romfs_node *const *chain, unsigned n)
{
	size_t size = 1, used = 0;
	for (unsigned i = 0; i < n; i++)
		size += 1 + (size_t)chain[i]->name_size;
	if (size > list->text_left) {
		err_set(&list->failure, CODE_TOO_LARGE, "the paths in the image have more than %u bytes",
		    ROMFS_LIST_MAX_TEXT);
		return NULL;
	}
	list->text_left -= size;
	char *path = malloc(size);
	if (!path) {
		err_set(&list->failure, CODE_NO_MEMORY, "no memory for a path of %zu bytes", size);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		path[used++] = '/';
		memcpy(path + used, fs->image + chain[i]->name, chain[i]->name_size);
		used += chain[i]->name_size;
	}
	path[used] = '\0';
	return path;
}

static uint32_t align_of(uint32_t offset)
{
	uint32_t align = 1;
	while (align < MAX_ALIGN && !(offset & align))
		align *= 2;
	return align;
}

static void add(void *context, const struct romfs *fs, const struct romfs_node *const *chain, unsigned depth)
{
	struct romfs_list *list = context;
	const struct romfs_node *node = chain[depth - 1];
	if (list->failure.code != CODE_OK || !make_room(list))
		return;
	struct romfs_item item = { NULL, node->type, node->data, node->data_size, 0, align_of(node->data) };
	if (item.type == ROMFS_FILE) {
		if (item.size > list->data_left) {
			err_set(&list->failure, CODE_TOO_LARGE,
			    "the files share data and have more than %llu bytes together",
			    (unsigned long long)ROMFS_LIST_MAX_DATA);
			return;
		}
		list->data_left -= item.size;
		item.crc32 = crc32_of(span_of(romfs_data(fs, node), node->data_size));
	}
	item.path = path_of(list, fs, chain, depth);
	if (item.path)
		list->items[list->count++] = item;
}

bool romfs_list(struct span image, struct romfs_list *out, struct err *e)
{
	*out = (struct romfs_list){ .text_left = ROMFS_LIST_MAX_TEXT, .data_left = ROMFS_LIST_MAX_DATA };
	enum romfs_status status = romfs_verify(&out->fs, image.data, image.size, add, out, &out->fault);
	if (status != ROMFS_OK)
		romfs_fault_err(&out->fault, CODE_IMAGE_INVALID, &out->failure);
	if (out->failure.code == CODE_OK)
		return true;
	romfs_list_clear(out);
	return err_set(e, out->failure.code, "%s", out->failure.msg);
}

void romfs_list_clear(struct romfs_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	list->items = NULL;
	list->count = list->capacity = 0;
}

struct span romfs_list_data(const struct romfs_list *list, const struct romfs_item *item)
{
	return span_of(list->fs.image + item->offset, item->size);
}
