/* Fuzz: every verb of the editor on any sound image, held against a list of what should be there afterwards.
 *
 * The input is a script, then an image.  After each verb the image is written, proved by the driver and listed; nothing
 * but what the verb named may differ, and no file's alignment may fall below what it had, 4 at most. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/romfs_edit.h"
#include "format/romfs_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 12
#define MAX_ITEMS 2000 /* comparing lists is quadratic here */

#define DEMAND(condition)                                                                                              \
	do                                                                                                             \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	while (0)

struct state {
	struct romfs_edit *edit;
	uint8_t *image; /* owned: the last one that was written */
	size_t size;
	struct romfs_list list; /* of image */
	const struct board *board;
	uint8_t *opened; /* owned: the image that the editor borrows, NULL: the input */
	bool fresh; /* the editor was opened from this very image: each file keeps the alignment that it has there */
};

static const struct romfs_item *find(const struct romfs_list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].path, path))
			return &list->items[i];
	return NULL;
}

/* `path` is `top` or lies below it. */
static bool is_below(const char *path, const char *top)
{
	size_t n = strlen(top);
	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

static bool same(const struct romfs_item *a, const struct romfs_item *b)
{
	return a->type == b->type && (a->type == ROMFS_DIR || (a->size == b->size && a->crc32 == b->crc32));
}

/* Writes and lists anew; the old list goes to *old. */
static bool settle(struct state *s, struct romfs_list *old, uint8_t **old_image)
{
	struct err e = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	*old = (struct romfs_list){ .items = NULL };
	*old_image = NULL;
	if (!romfs_edit_write(s->edit, s->board, 1u << 24, &image, &size, &e)) {
		DEMAND(e.code == CODE_PAYLOAD_TOO_BIG || e.code == CODE_NO_MEMORY);
		return false;
	}
	DEMAND(size % 2 == 0);
	*old = s->list;
	*old_image = s->image;
	s->image = image;
	s->size = size;
	DEMAND(romfs_list(span_of(image, size), &s->list, &e));
	return true;
}

/* Everything that is neither below `gone` nor below `come` is as it was. */
static void hold_rest(const struct state *s, const struct romfs_list *old, const char *gone, const char *come)
{
	size_t kept = 0, here = 0;
	for (size_t i = 0; i < old->count; i++) {
		const struct romfs_item *was = &old->items[i], *is;
		if (is_below(was->path, gone) || is_below(was->path, come))
			continue;
		kept++;
		is = find(&s->list, was->path);
		DEMAND(is && same(was, is));
		if (s->fresh && was->type == ROMFS_FILE && was->size)
			DEMAND(is->align >= was->align);
	}
	for (size_t i = 0; i < s->list.count; i++)
		here += !is_below(s->list.items[i].path, gone) && !is_below(s->list.items[i].path, come);
	DEMAND(kept == here);
}

struct script {
	const uint8_t *at;
	size_t left;
};

static unsigned draw(struct script *c, unsigned below)
{
	if (!c->left)
		return 0;
	c->left--;
	return *c->at++ % below;
}

/* A path that is there, mostly, or a new one; the caller frees. */
static char *path_for(struct state *s, struct script *c, bool fresh)
{
	static const char *const names[] = { "a", "m.tflite", "zz", "\xc3\xbc", "..", "", "x/y", "b.py/" };
	const char *base = s->list.count ? s->list.items[draw(c, 250) % s->list.count].path : "";
	char *out = NULL;
	unsigned how = draw(c, 4);
	if (!fresh && how)
		return strdup(base);
	if (how == 1)
		base = "";
	DEMAND(asprintf(&out, "%s/%s", base, names[draw(c, 8)]) >= 0);
	return out;
}

static void hold_moved(const struct state *s, const struct romfs_list *old, const char *from)
{
	/* as many entries as before, and each moved one is somewhere with its contents */
	DEMAND(s->list.count <= old->count);
	for (size_t i = 0; i < old->count; i++) {
		bool found = !is_below(old->items[i].path, from) || old->items[i].type == ROMFS_DIR;
		for (size_t k = 0; !found && k < s->list.count; k++)
			found = same(&old->items[i], &s->list.items[k]);
		DEMAND(found);
	}
}

/* As another run of the command would. */
static void open_again(struct state *s)
{
	struct err e = ERR_INIT;
	romfs_edit_free(s->edit);
	if (s->opened != s->image)
		free(s->opened);
	s->opened = s->image;
	s->edit = romfs_edit_open(span_of(s->image, s->size), &e);
	DEMAND(s->edit);
	s->fresh = true;
}

/* One verb.  False when the image cannot be written any more. */
static bool step(struct state *s, struct script *c)
{
	struct err e = ERR_INIT;
	unsigned verb = draw(c, 4);
	char *path = path_for(s, c, verb < 2), *to = verb == 3 ? path_for(s, c, true) : NULL;
	static const uint8_t bytes[300] = { 1, 2, 3 };
	size_t amount = draw(c, 255) + draw(c, 45);
	bool again = draw(c, 2), flag = draw(c, 2);
	if (again)
		open_again(s);
	bool done = verb == 0   ? romfs_edit_put(s->edit, path, span_of(bytes, amount), flag, &e)
		    : verb == 1 ? romfs_edit_mkdir(s->edit, path, flag, &e)
		    : verb == 2 ? romfs_edit_remove(s->edit, path, flag, &e)
				: romfs_edit_move(s->edit, path, to, flag, &e);
	DEMAND(done || (e.code != CODE_OK && e.msg[0]));
	struct romfs_list old;
	uint8_t *old_image;
	bool going = settle(s, &old, &old_image);
	if (going && done && verb == 3)
		hold_moved(s, &old, path);
	if (going && done && verb < 3 && strcmp(path, "") != 0 && strcmp(path, "/") != 0) {
		/* what is made on the way: the first part of the path that was not there */
		char top[8192];
		snprintf(top, sizeof top, "%s%s", *path == '/' ? "" : "/", path);
		for (size_t n = 1; top[n]; n++)
			if (top[n] == '/') {
				top[n] = '\0';
				if (!find(&old, top))
					break;
				top[n] = '/';
			}
		size_t n = strlen(top);
		if (n > 1 && top[n - 1] == '/')
			top[n - 1] = '\0';
		hold_rest(s, &old, top, top);
		DEMAND(verb == 2 ? !find(&s->list, top) : find(&s->list, top) != NULL);
	}
	if (going) {
		romfs_list_clear(&old);
		if (old_image != s->opened)
			free(old_image);
	}
	s->fresh = false;
	free(path);
	free(to);
	return going;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct board board = {
		.align_default = 4, .align_count = 1, .aligns = { { "tflite", 32, true } }
	};
	struct err e = ERR_INIT;
	if (size < 40)
		return 0;
	struct script script = { data, 40 };
	struct span bytes = span_of(data + 40, size - 40);
	struct state s = { .board = NULL };
	s.edit = romfs_edit_open(bytes, &e);
	if (!s.edit) {
		DEMAND(e.code == CODE_IMAGE_INVALID);
		return 0;
	}
	if (romfs_list(bytes, &s.list, &e) && s.list.count <= MAX_ITEMS) {
		s.fresh = true;
		s.board = draw(&script, 2) ? &board : NULL;
		struct romfs_list first;
		uint8_t *nothing;
		/* writing without a change changes nothing that can be seen */
		if (settle(&s, &first, &nothing)) {
			hold_rest(&s, &first, "//", "//");
			romfs_list_clear(&first);
			s.fresh = false;
			for (unsigned i = 0; i < MAX_STEPS && script.left && step(&s, &script); i++)
				;
		}
	}
	romfs_list_clear(&s.list);
	romfs_edit_free(s.edit);
	if (s.opened != s.image)
		free(s.opened);
	free(s.image);
	return 0;
}
