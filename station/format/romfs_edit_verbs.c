/* The editor's verbs on the tree: look up, make, put, move, remove. */
#include "format/romfs_edit_inner.h"

#include <stdlib.h>
#include <string.h>

/* The next part of a path: its bytes, and *path behind it and its '/'. */
static struct span take_part(const char **path)
{
	size_t n = strcspn(*path, "/");
	struct span part = span_of(*path, n);
	*path += n + ((*path)[n] == '/');
	return part;
}

static bool is_named(const struct edit_node *n, struct span name)
{
	return (n->kind == EDIT_DIR || n->kind == EDIT_FILE) && n->name_size == name.size &&
	       !memcmp(n->name, name.data, name.size);
}

static struct edit_node *child(const struct edit_node *dir, struct span name)
{
	struct edit_node *n = dir->first;
	while (n && !is_named(n, name))
		n = n->next;
	return n;
}

/* NULL when there is nothing; the root for "" and "/". */
static struct edit_node *look_up(const struct romfs_edit *edit, const char *path)
{
	const struct edit_node *at = &edit->root;
	path += *path == '/';
	while (at && *path) {
		struct span part = take_part(&path);
		bool folder = path[-1] == '/';
		at = at->kind == EDIT_DIR ? child(at, part) : NULL;
		if (at && folder && at->kind != EDIT_DIR)
			at = NULL;
	}
	return (struct edit_node *)(uintptr_t)at;
}

static struct edit_node *must_find(const struct romfs_edit *edit, const char *path, struct err *e)
{
	struct edit_node *found = look_up(edit, path);
	if (!found)
		err_set(e, CODE_NOT_FOUND, "there is no '%.120s' in the image", path);
	return found;
}

static unsigned depth_of(const struct edit_node *n)
{
	unsigned depth = 0;
	for (; n->parent; n = n->parent)
		depth++;
	return depth;
}

/* Directories below one another in the node, itself included. */
static unsigned height_of(const struct edit_node *node)
{
	unsigned most = 0;
	if (node->kind != EDIT_DIR)
		return 0;
	for (const struct edit_node *n = node->first; n; n = n->next) {
		unsigned height = height_of(n);
		if (height > most)
			most = height;
	}
	return 1 + most;
}

static bool deep_enough(const struct edit_node *parent, unsigned height, struct err *e)
{
	return depth_of(parent) + height <= ROMFS_MAX_DEPTH ||
	       err_set(e, CODE_TOO_LARGE, "directories would be more than %d levels deep", ROMFS_MAX_DEPTH);
}

static int compare(const struct edit_node *a, const struct edit_node *b)
{
	size_t shorter = a->name_size < b->name_size ? a->name_size : b->name_size;
	int order = memcmp(a->name, b->name, shorter);
	return order ? order : (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

/* Among siblings that are sorted by bytes where it belongs, among others at the end. */
static void insert(struct edit_node *parent, struct edit_node *node)
{
	const struct edit_node *before = NULL;
	struct edit_node *after = parent->last;
	bool placed = false;
	for (struct edit_node *n = parent->first; n; n = n->next) {
		if (n->kind != EDIT_DIR && n->kind != EDIT_FILE)
			continue;
		if (before && compare(before, n) > 0) {
			after = parent->last;
			break;
		}
		if (!placed && compare(n, node) > 0) {
			after = n->prev;
			placed = true;
		}
		before = n;
	}
	edit_link(parent, after, node);
}

static bool good_name(struct span name, const char *path, struct err *e)
{
	return romfs_name_ok(name.data, name.size) ||
	       err_set(e, CODE_NAME_INVALID, "'%.120s' cannot be a path in an image", path);
}

static struct edit_node *make_dir(struct edit_node *parent, struct span name, struct err *e)
{
	if (!deep_enough(parent, 1, e))
		return NULL;
	struct edit_node *dir = edit_node_new(EDIT_DIR, (const char *)name.data, name.size, e);
	if (dir)
		insert(parent, dir);
	return dir;
}

/* The directory that is to hold the path's last part, which goes to *name. */
static struct edit_node *parent_for(
    struct romfs_edit *edit, const char *path, bool make, struct span *name, struct err *e)
{
	struct edit_node *at = &edit->root;
	const char *rest = path + (*path == '/');
	for (;;) {
		struct span part = take_part(&rest);
		if (!good_name(part, path, e))
			return NULL;
		if (!*rest) {
			*name = part;
			return at;
		}
		struct edit_node *next = child(at, part);
		if (next && next->kind != EDIT_DIR) {
			err_set(e, CODE_CONFLICT, "'%.*s' in '%.120s' is a file",
			    (int)(part.size < 60 ? part.size : 60), (const char *)part.data, path);
			return NULL;
		}
		if (!next && !make)
			err_set(e, CODE_NOT_FOUND, "there is no directory for '%.120s'", path);
		at = next ? next : make ? make_dir(at, part, e) : NULL;
		if (!at)
			return NULL;
	}
}

bool romfs_edit_has(const struct romfs_edit *edit, const char *path, enum romfs_type *type)
{
	const struct edit_node *found = look_up(edit, path);
	if (found && type)
		*type = found->kind == EDIT_DIR ? ROMFS_DIR : ROMFS_FILE;
	return found != NULL;
}

static bool taken(const char *path, struct err *e)
{
	return err_set(e, CODE_CONFLICT, "'%.120s' is there already", path);
}

bool romfs_edit_mkdir(struct romfs_edit *edit, const char *path, bool parents, struct err *e)
{
	struct span name;
	const struct edit_node *there = look_up(edit, path);
	if (there)
		return (parents && there->kind == EDIT_DIR) || taken(path, e);
	struct edit_node *parent = parent_for(edit, path, parents, &name, e);
	if (!parent)
		return false;
	/* "x/" where x is a file */
	return child(parent, name) ? taken(path, e) : make_dir(parent, name, e) != NULL;
}

static bool give_data(struct romfs_edit *edit, struct edit_node *file, struct span data, struct err *e)
{
	struct edit_blob *blob = edit_blob_new(edit, data, e);
	if (!blob)
		return false;
	blob->owned = malloc(data.size + 1);
	if (!blob->owned)
		return err_set(e, CODE_NO_MEMORY, "no memory for %zu bytes", data.size);
	if (data.size)
		memcpy(blob->owned, data.data, data.size);
	blob->bytes.data = blob->owned;
	blob->holder = file;
	file->blob = blob;
	file->size = (uint32_t)data.size;
	return true;
}

/* A replaced file keeps its place, and the records around its contents. */
static bool replace_data(struct romfs_edit *edit, struct edit_node *file, struct span data, struct err *e)
{
	struct edit_blob *old = file->blob;
	if (!give_data(edit, file, data, e))
		return false;
	if (old->holder == file)
		old->holder = NULL;
	file->delta = file->had = 0;
	return true;
}

bool romfs_edit_put(struct romfs_edit *edit, const char *path, struct span data, bool replace, struct err *e)
{
	struct span name;
	if (data.size > UINT32_MAX)
		return err_set(e, CODE_PAYLOAD_TOO_BIG, "'%.120s' has more than 2^32 bytes", path);
	size_t length = strlen(path);
	if (!length || path[length - 1] == '/')
		return err_set(e, CODE_NAME_INVALID, "'%.120s' is no path of a file", path);
	struct edit_node *parent = parent_for(edit, path, true, &name, e);
	struct edit_node *there = parent ? child(parent, name) : NULL;
	if (!parent)
		return false;
	if (there && !(replace && there->kind == EDIT_FILE))
		return taken(path, e);
	if (there)
		return replace_data(edit, there, data, e);
	struct edit_node *file = edit_node_new(EDIT_FILE, (const char *)name.data, name.size, e);
	if (!file)
		return false;
	if (!give_data(edit, file, data, e)) {
		edit_node_free(file);
		return false;
	}
	insert(parent, file);
	return true;
}

static bool is_inside(const struct edit_node *n, const struct edit_node *dir)
{
	while (n && n != dir)
		n = n->parent;
	return n == dir;
}

/* May the node come to stand at the place of `there`, which may be NULL or itself? */
static bool may_take(
    const struct edit_node *node, const struct edit_node *there, bool replace, const char *to, struct err *e)
{
	return !there || there == node || (replace && there->kind == EDIT_FILE && node->kind == EDIT_FILE) ||
	       taken(to, e);
}

bool romfs_edit_move(struct romfs_edit *edit, const char *from, const char *to, bool replace, struct err *e)
{
	struct edit_node *node = must_find(edit, from, e), *dir = look_up(edit, to);
	if (!node)
		return false;
	if (node == &edit->root)
		return err_set(e, CODE_CONFLICT, "the root cannot be moved");
	struct span name = span_of(node->name, node->name_size);
	bool into = dir && dir->kind == EDIT_DIR && dir != node;
	struct edit_node *parent = into ? dir : parent_for(edit, to, false, &name, e);
	if (!parent)
		return false;
	if (is_inside(parent, node))
		return err_set(e, CODE_CONFLICT, "'%.80s' cannot be moved into itself", from);
	size_t length = strlen(to);
	if (!into && node->kind == EDIT_FILE && length && to[length - 1] == '/')
		return err_set(e, CODE_NOT_FOUND, "there is no directory '%.120s'", to);
	struct edit_node *there = child(parent, name);
	if (!may_take(node, there, replace, to, e) || !deep_enough(parent, height_of(node), e))
		return false;
	char *copy = malloc(name.size + 1);
	if (!copy)
		return err_set(e, CODE_NO_MEMORY, "no memory for a name");
	memcpy(copy, name.data, name.size);
	copy[name.size] = '\0';
	if (there && there != node) {
		edit_unlink(there);
		edit_node_free(there);
	}
	edit_unlink(node);
	free(node->name);
	node->name = copy;
	node->name_size = name.size;
	insert(parent, node);
	return true;
}

bool romfs_edit_remove(struct romfs_edit *edit, const char *path, bool recursive, struct err *e)
{
	struct edit_node *node = must_find(edit, path, e);
	if (!node)
		return false;
	if (node == &edit->root)
		return err_set(e, CODE_CONFLICT, "the root cannot be removed");
	if (node->kind == EDIT_DIR && !recursive)
		return err_set(e, CODE_CONFLICT, "'%.120s' is a directory; -r removes it with all below", path);
	edit_unlink(node);
	edit_node_free(node);
	return true;
}
