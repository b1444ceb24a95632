/* stationctl romfs extract and diff: whole images as files, and against each other. */
#include "ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/below.h"
#include "ctl/ctl_romfs.h"
#include "format/json.h"
#include "format/romfs_list.h"
#include "os/file.h"

struct image {
	uint8_t *data; /* owned */
	struct romfs_list list;
};

static bool image_open(struct image *i, const char *path, struct err *e)
{
	size_t size = 0;
	*i = (struct image){ .data = NULL };
	return file_read(path, ROMFS_MAX_FILE, &i->data, &size, e) &&
	       (romfs_list(span_of(i->data, size), &i->list, e) || err_prefix(e, "%.100s", path));
}

static void image_close(struct image *i)
{
	romfs_list_clear(&i->list);
	free(i->data);
}

static bool put_all(const struct romfs_list *list, int folder, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct romfs_item *item = &list->items[i];
		const char *path = item->path + 1;
		if (item->type == ROMFS_DIR ? !below_make_folder(folder, path, e)
					    : !below_put(folder, path, romfs_list_data(list, item), e))
			return false;
	}
	return true;
}

int ctl_romfs_extract(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct image image = { .data = NULL };
	const char *out = NULL;
	const struct ctl_option options[] = { { 'o', "output", NULL, &out, NULL }, { 0, NULL, NULL, NULL, NULL } };
	bool done = ctl_options(&argc, argv, options, &e) && ctl_operands(argc, 1, 1, ROMFS_EXTRACT_USAGE, &e) &&
		    (out || err_set(&e, CODE_USAGE, "stationctl " ROMFS_EXTRACT_USAGE)) &&
		    image_open(&image, argv[1], &e);
	if (done) {
		AUTO_CLOSE int folder = below_open(out, &e);
		done = folder >= 0 && put_all(&image.list, folder, &e);
	}
	image_close(&image);
	return done ? CTL_DONE : ctl_refuse(&e);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct romfs_item *)a)->path, ((const struct romfs_item *)b)->path);
}

static bool same(const struct image *a, const struct romfs_item *x, const struct image *b, const struct romfs_item *y)
{
	if (x->type != y->type || x->type == ROMFS_DIR)
		return x->type == y->type;
	return x->size == y->size &&
	       !memcmp(romfs_list_data(&a->list, x).data, romfs_list_data(&b->list, y).data, x->size);
}

/* What is told of a path: in words by its mark, in JSON in the list of that name. */
enum finding { REMOVED, ADDED, CHANGED, FINDINGS };

struct findings {
	struct cJSON *lists[FINDINGS]; /* borrowed; NULL: print lines */
	bool any;
};

static void tell(struct findings *f, enum finding finding, const struct romfs_item *item)
{
	f->any = true;
	if (f->lists[finding]) {
		json_add_string(f->lists[finding], NULL, item->path);
		return;
	}
	printf("%c ", "-+~"[finding]);
	ctl_print_text(span_of(item->path, strlen(item->path)));
	puts(item->type == ROMFS_DIR ? "/" : "");
}

/* Both lists in the order of their paths, side by side. */
static void compare(struct image *a, struct image *b, struct findings *f)
{
	struct romfs_item *x = a->list.items, *y = b->list.items;
	if (a->list.count)
		qsort(x, a->list.count, sizeof *x, by_path);
	if (b->list.count)
		qsort(y, b->list.count, sizeof *y, by_path);
	for (size_t i = 0, k = 0; i < a->list.count || k < b->list.count;) {
		int order = i == a->list.count ? 1 : k == b->list.count ? -1 : by_path(&x[i], &y[k]);
		if (order < 0)
			tell(f, REMOVED, &x[i]);
		else if (order > 0)
			tell(f, ADDED, &y[k]);
		else if (!same(a, &x[i], b, &y[k]))
			tell(f, CHANGED, &y[k]);
		i += order <= 0;
		k += order >= 0;
	}
}

static bool diff(struct image *a, struct image *b, bool json, bool *differ, struct err *e)
{
	static const char *const names[FINDINGS] = { "removed", "added", "changed" };
	AUTO_JSON struct cJSON *root = json ? json_new_object() : NULL;
	struct findings f = { .any = false };
	for (unsigned i = 0; json && i < FINDINGS; i++)
		f.lists[i] = json_add_array(root, names[i]);
	compare(a, b, &f);
	*differ = f.any;
	return !json || ctl_print_json(root, e);
}

int ctl_romfs_diff(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct image a = { .data = NULL }, b = { .data = NULL };
	bool json = false, differ = false;
	const struct ctl_option options[] = { { 0, "json", &json, NULL, NULL }, { 0, NULL, NULL, NULL, NULL } };
	bool done = ctl_options(&argc, argv, options, &e) && ctl_operands(argc, 2, 2, ROMFS_DIFF_USAGE, &e) &&
		    image_open(&a, argv[1], &e) && image_open(&b, argv[2], &e) && diff(&a, &b, json, &differ, &e);
	image_close(&a);
	image_close(&b);
	if (!done)
		return ctl_refuse(&e);
	return differ ? CTL_REFUSED : CTL_DONE;
}
