/* The editor's tree: its nodes and blobs, opening and freeing. */
#include "format/romfs_edit_inner.h"

#include <stdlib.h>
#include <string.h>

#include "format/romfs_bytes.h"
#include "format/romfs_text.h"

struct edit_node *edit_node_new(enum edit_kind kind, const char *name, size_t name_size, struct err *e)
{
	struct edit_node *node = calloc(1, sizeof *node);
	char *copy = malloc(name_size + 1);
	if (!node || !copy) {
		free(node);
		free(copy);
		err_set(e, CODE_NO_MEMORY, "no memory for an entry");
		return NULL;
	}
	if (name_size)
		memcpy(copy, name, name_size);
	copy[name_size] = '\0';
	node->kind = kind;
	node->name = copy;
	node->name_size = name_size;
	node->width = ROMFS_LENGTH_SIZE;
	return node;
}

void edit_link(struct edit_node *parent, struct edit_node *after, struct edit_node *node)
{
	node->parent = parent;
	node->prev = after;
	node->next = after ? after->next : parent->first;
	*(node->next ? &node->next->prev : &parent->last) = node;
	*(after ? &after->next : &parent->first) = node;
}

void edit_unlink(struct edit_node *node)
{
	*(node->prev ? &node->prev->next : &node->parent->first) = node->next;
	*(node->next ? &node->next->prev : &node->parent->last) = node->prev;
	node->parent = node->prev = node->next = NULL;
}

static void free_one(struct edit_node *node)
{
	if (node->blob && node->blob->holder == node)
		node->blob->holder = NULL;
	free(node->name);
	free(node);
}

/* Recursion ends at ROMFS_MAX_DEPTH. */
void edit_node_free(struct edit_node *node)
{
	while (node->first) {
		struct edit_node *child = node->first;
		edit_unlink(child);
		edit_node_free(child);
	}
	free_one(node);
}

struct edit_blob *edit_blob_new(struct romfs_edit *edit, struct span bytes, struct err *e)
{
	if (edit->blob_count == edit->blob_capacity) {
		size_t capacity = edit->blob_capacity ? edit->blob_capacity * 2 : 64;
		struct edit_blob **grown = realloc(edit->blobs, capacity * sizeof(struct edit_blob *));
		if (!grown) {
			err_set(e, CODE_NO_MEMORY, "no memory for %zu contents", capacity);
			return NULL;
		}
		edit->blobs = grown;
		edit->blob_capacity = capacity;
	}
	struct edit_blob *blob = calloc(1, sizeof *blob);
	if (!blob) {
		err_set(e, CODE_NO_MEMORY, "no memory for a file's contents");
		return NULL;
	}
	blob->bytes = bytes;
	edit->blobs[edit->blob_count++] = blob;
	return blob;
}

struct edit_node *edit_after(const struct romfs_edit *edit, const struct edit_node *node)
{
	if (node->first)
		return node->first;
	while (node != &edit->root && !node->next)
		node = node->parent;
	return node == &edit->root ? NULL : node->next;
}

struct romfs_edit *romfs_edit_open(struct span image, struct err *e)
{
	struct romfs fs;
	struct romfs_fault fault;
	if (romfs_verify(&fs, image.data, image.size, NULL, NULL, &fault) != ROMFS_OK) {
		romfs_fault_err(&fault, CODE_IMAGE_INVALID, e);
		return NULL;
	}
	struct romfs_edit *edit = calloc(1, sizeof *edit);
	if (!edit) {
		err_set(e, CODE_NO_MEMORY, "no memory to edit an image");
		return NULL;
	}
	edit->image = image;
	if (edit_read(edit, &fs, e))
		return edit;
	romfs_edit_free(edit);
	return NULL;
}

void romfs_edit_free(struct romfs_edit *edit)
{
	if (!edit)
		return;
	while (edit->root.first) {
		struct edit_node *child = edit->root.first;
		edit_unlink(child);
		edit_node_free(child);
	}
	for (size_t i = 0; i < edit->blob_count; i++) {
		free(edit->blobs[i]->owned);
		free(edit->blobs[i]);
	}
	free(edit->blobs);
	free(edit);
}
