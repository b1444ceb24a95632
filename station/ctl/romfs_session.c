/* Opens, changes and saves an image file. */
#include "ctl/romfs_session.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/ctl_romfs.h"
#include "format/romfs_text.h"
#include "os/file.h"
#include "os/tree.h"

/* Flash that was read back, or a file made as large as its partition, ends with filling. */
static bool is_filling(struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.data[i] != bytes.data[0] || (bytes.data[0] && bytes.data[0] != 0xFF))
			return false;
	return true;
}

bool romfs_session_open(struct romfs_session *s, const char *path, struct err *e)
{
	struct stat st;
	struct romfs fs;
	*s = (struct romfs_session){ .path = path, .mode = 0644 };
	if (!file_read(path, ROMFS_MAX_FILE, &s->data, &s->size, e))
		return false;
	if (stat(path, &st) == 0)
		s->mode = st.st_mode & 0777;
	s->edit = romfs_edit_open(span_of(s->data, s->size), e);
	if (!s->edit)
		return err_prefix(e, "%.100s", path);
	if (romfs_mount(&fs, s->data, s->size) == ROMFS_OK)
		s->tail = span_of(s->data + fs.end, s->size - fs.end);
	if (is_filling(s->tail))
		s->tail.size = 0;
	if (s->tail.size)
		fprintf(stderr, "stationctl: warning: %zu bytes stand behind the image and are kept behind it\n",
		    s->tail.size);
	return true;
}

void romfs_session_close(struct romfs_session *s)
{
	romfs_edit_free(s->edit);
	free(s->data);
	free(s->file);
	*s = (struct romfs_session){ .path = NULL };
}

bool romfs_session_make(
    struct romfs_session *s, const struct romfs_target *t, uint8_t **image, size_t *size, struct err *e)
{
	struct romfs fs;
	struct romfs_fault fault;
	uint32_t limit = t->partition && t->partition->size < ROMFS_MAX_FILE ? t->partition->size : ROMFS_MAX_FILE;
	if (!romfs_edit_write(s->edit, t->board, limit, image, size, e)) {
		if (t->partition && e->code == CODE_PAYLOAD_TOO_BIG)
			err_prefix(e, "partition %s of %s", t->partition->name, t->board->id);
		return false;
	}
	if (romfs_verify(&fs, *image, *size, NULL, NULL, &fault) == ROMFS_OK)
		return true;
	free(*image);
	return romfs_fault_err(&fault, CODE_INTERNAL, e);
}

bool romfs_session_take(struct romfs_session *s, uint8_t *image, size_t size, struct err *e)
{
	romfs_edit_free(s->edit);
	if (s->file)
		free(s->data);
	else
		s->file = s->data; /* the tail stands in there */
	s->data = image;
	s->size = size;
	s->edit = romfs_edit_open(span_of(image, size), e);
	return s->edit != NULL;
}

bool romfs_session_reset(struct romfs_session *s, struct err *e)
{
	romfs_edit_free(s->edit);
	s->edit = romfs_edit_open(span_of(s->data, s->size), e);
	return s->edit != NULL;
}

static bool put_file(struct romfs_session *s, struct span image, struct err *e)
{
	if (!s->tail.size)
		return file_write_atomic(s->path, image, s->mode, e);
	AUTO_FREE uint8_t *both = malloc(image.size + s->tail.size);
	if (!both)
		return err_set(e, CODE_NO_MEMORY, "no memory for %zu bytes", image.size + s->tail.size);
	memcpy(both, image.data, image.size);
	memcpy(both + image.size, s->tail.data, s->tail.size);
	return file_write_atomic(s->path, span_of(both, image.size + s->tail.size), s->mode, e);
}

bool romfs_session_save(
    struct romfs_session *s, const struct romfs_target *t, uint8_t **image, size_t *size, struct err *e)
{
	if (!romfs_session_make(s, t, image, size, e))
		return false;
	if (put_file(s, span_of(*image, *size), e))
		return true;
	free(*image);
	return false;
}

static bool join(char out[PATH_MAX], const char *folder, const char *name, struct err *e)
{
	size_t n = strlen(folder);
	const char *between = !n || folder[n - 1] == '/' ? "" : "/";
	if (snprintf(out, PATH_MAX, "%s%s%s", folder, between, name) < PATH_MAX)
		return true;
	return err_set(e, CODE_TOO_LARGE, "a path is longer than %d bytes", PATH_MAX);
}

/* Recursion ends at ROMFS_MAX_DEPTH: tree_read refuses deeper ones. */
static bool put_entries(
    struct romfs_session *s, const struct romfs_entry *dir, const char *path, bool replace, struct err *e)
{
	AUTO_FREE char *below = malloc(PATH_MAX);
	if (!below)
		return err_set(e, CODE_NO_MEMORY, "no memory for a path");
	for (size_t i = 0; i < dir->count; i++) {
		const struct romfs_entry *c = dir->children[i];
		if (!join(below, path, c->name, e))
			return false;
		bool done = c->type == ROMFS_FILE
				? romfs_edit_put(s->edit, below, span_of(c->data, c->size), replace, e)
				: romfs_edit_mkdir(s->edit, below, replace, e) && put_entries(s, c, below, replace, e);
		if (!done)
			return false;
	}
	return true;
}

static bool put_folder(struct romfs_session *s, const char *source, const char *path, bool replace, struct err *e)
{
	struct romfs_entry *root = NULL;
	if (!tree_read(source, &root, e))
		return false;
	if (!romfs_entry_sort(root, e)) {
		romfs_entry_free(root);
		return false;
	}
	enum romfs_type type;
	bool there = romfs_edit_has(s->edit, path, &type) && type == ROMFS_DIR;
	bool done = (there && replace) || romfs_edit_mkdir(s->edit, path, false, e);
	done = done && put_entries(s, root, path, replace, e);
	romfs_entry_free(root);
	return done;
}

/* The last part of a path on disk, without a final '/'. */
static bool base_of(const char *source, char out[NAME_MAX + 1], struct err *e)
{
	size_t end = strlen(source), start;
	while (end > 1 && source[end - 1] == '/')
		end--;
	for (start = end; start && source[start - 1] != '/'; start--)
		;
	if (end - start > NAME_MAX || !romfs_name_ok((const uint8_t *)source + start, end - start))
		return err_set(e, CODE_NAME_INVALID, "'%.100s' has no name to take over; give a path", source);
	memcpy(out, source + start, end - start);
	out[end - start] = '\0';
	return true;
}

bool romfs_session_add(struct romfs_session *s, const char *source, const char *path, bool replace, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	char target[PATH_MAX], name[NAME_MAX + 1];
	enum romfs_type type;
	struct stat st;
	size_t size = 0;
	if (stat(source, &st))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot look at %.150s", source);
	path = path ? path : "/";
	size_t n = strlen(path);
	bool into = (romfs_edit_has(s->edit, path, &type) && type == ROMFS_DIR) || (n && path[n - 1] == '/');
	if (into && (!base_of(source, name, e) || !join(target, path, name, e)))
		return false;
	if (into)
		path = target;
	if (S_ISDIR(st.st_mode))
		return put_folder(s, source, path, replace, e);
	return file_read(source, TREE_MAX_BYTES, &data, &size, e) &&
	       romfs_edit_put(s->edit, path, span_of(data, size), replace, e);
}
