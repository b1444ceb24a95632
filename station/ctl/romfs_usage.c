/* The usage read-out, in words and as JSON. */
#include "ctl/romfs_usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "ctl/ctl.h"
#include "format/json.h"
#include "format/romfs_list.h"

struct usage {
	struct romfs_list list;
	size_t files, directories;
	uint64_t shared; /* bytes of files whose contents are stored with another's */
	const struct romfs_item *largest[ROMFS_USAGE_LARGEST];
	unsigned largest_count;
};

static bool before(const struct romfs_item *a, const struct romfs_item *b)
{
	return a->size != b->size ? a->size > b->size : strcmp(a->path, b->path) < 0;
}

static void rank(struct usage *u, const struct romfs_item *item)
{
	unsigned at = u->largest_count;
	while (at && before(item, u->largest[at - 1]))
		at--;
	if (at == ROMFS_USAGE_LARGEST)
		return;
	unsigned last = u->largest_count < ROMFS_USAGE_LARGEST ? u->largest_count++ : ROMFS_USAGE_LARGEST - 1;
	for (unsigned i = last; i > at; i--)
		u->largest[i] = u->largest[i - 1];
	u->largest[at] = item;
}

static int by_place(const void *left, const void *right)
{
	const struct romfs_item *a = left, *b = right;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->size < b->size) - (a->size > b->size);
}

/* Files' bytes beyond what their places, taken together, have. */
static uint64_t count_shared(struct romfs_list *list)
{
	uint64_t sum = 0, covered = 0, end = 0;
	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, by_place);
	for (size_t i = 0; i < list->count; i++) {
		const struct romfs_item *item = &list->items[i];
		if (item->type == ROMFS_DIR)
			continue;
		uint64_t stop = (uint64_t)item->offset + item->size, from = item->offset > end ? item->offset : end;
		sum += item->size;
		covered += stop > from ? stop - from : 0;
		end = stop > end ? stop : end;
	}
	return sum - covered;
}

static bool look(struct span image, struct usage *u, struct err *e)
{
	*u = (struct usage){ .files = 0 };
	if (!romfs_list(image, &u->list, e))
		return false;
	u->shared = count_shared(&u->list);
	for (size_t i = 0; i < u->list.count; i++) {
		const struct romfs_item *item = &u->list.items[i];
		if (item->type == ROMFS_DIR) {
			u->directories++;
			continue;
		}
		u->files++;
		rank(u, item);
	}
	return true;
}

static double percent(struct span image, const struct partition *p)
{
	return 100.0 * (double)image.size / p->size;
}

bool romfs_usage_print(
    const char *path, struct span image, const struct board *board, const struct partition *partition, struct err *e)
{
	struct usage u;
	if (!look(image, &u, e)) {
		romfs_list_clear(&u.list);
		return false;
	}
	printf("%s: %zu bytes", path, image.size);
	if (partition)
		printf(" for %s of %s", partition->name, board->id);
	printf(", crc32 %08" PRIx32 "\n", crc32_of(image));
	if (partition)
		printf("%.1f %% of %u bytes, ", percent(image, partition), partition->size);
	printf("%zu files, %zu directories", u.files, u.directories);
	if (u.shared)
		printf(", %" PRIu64 " bytes saved by storing equal contents once", u.shared);
	puts(u.largest_count ? "; the largest files:" : "");
	for (unsigned i = 0; i < u.largest_count; i++) {
		printf("%10u  ", u.largest[i]->size);
		ctl_print_text(span_of(u.largest[i]->path, strlen(u.largest[i]->path)));
		putchar('\n');
	}
	romfs_list_clear(&u.list);
	return true;
}

bool romfs_usage_json(const char *path, struct span image, const struct board *board, const struct partition *partition,
    struct cJSON *into, struct err *e)
{
	struct usage u;
	if (!look(image, &u, e)) {
		romfs_list_clear(&u.list);
		return false;
	}
	char crc[9];
	snprintf(crc, sizeof crc, "%08" PRIx32, crc32_of(image));
	json_add_string(into, "image", path);
	json_add_integer(into, "bytes", (int64_t)image.size);
	json_add_string(into, "crc32", crc);
	json_add_string(into, "board", partition ? board->id : NULL);
	json_add_string(into, "partition", partition ? partition->name : NULL);
	if (partition) {
		json_add_integer(into, "partition_bytes", partition->size);
		json_add_number(into, "percent", percent(image, partition));
	}
	json_add_integer(into, "files", (int64_t)u.files);
	json_add_integer(into, "directories", (int64_t)u.directories);
	json_add_integer(into, "shared_bytes", (int64_t)u.shared);
	struct cJSON *largest = json_add_array(into, "largest");
	for (unsigned i = 0; i < u.largest_count; i++) {
		struct cJSON *o = json_add_object(largest, NULL);
		json_add_string(o, "path", u.largest[i]->path);
		json_add_integer(o, "size", u.largest[i]->size);
	}
	romfs_list_clear(&u.list);
	return true;
}
