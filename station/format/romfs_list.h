/* The contents of an image as a list: every file and directory with its path, place, CRC-32 and alignment. */
#ifndef STATION_FORMAT_ROMFS_LIST_H
#define STATION_FORMAT_ROMFS_LIST_H

#include "base/err.h"
#include "base/span.h"
#include "romfs.h"

/* Bounds of what an image may ask for, far above any real one: shared data and nested names could otherwise make a
 * small image cost hours or gigabytes. */
#define ROMFS_LIST_MAX_TEXT (64u << 20)         /* bytes of all paths */
#define ROMFS_LIST_MAX_DATA (UINT64_C(1) << 30) /* bytes of all files' contents */

struct romfs_item {
	char *path; /* owned by the list; starts with '/', no name in it holds '/' or NUL */
	enum romfs_type type;
	uint32_t offset; /* of the contents, from the image's first byte */
	uint32_t size;   /* of the contents; a directory's records */
	uint32_t crc32;  /* of a file's contents */
	uint32_t align;  /* the largest power of two that divides offset, at most 4096 */
};

struct romfs_list {
	struct romfs fs;          /* borrows the image */
	struct romfs_fault fault; /* why it was refused, when it was for its structure */
	struct romfs_item *items; /* owned; parents before children, in stored order */
	size_t count, capacity;
	size_t text_left;
	uint64_t data_left;
	struct err failure; /* of the walk itself */
};

/* Verifies and lists; romfs_list_clear afterwards, also on failure, which leaves no items.  CODE_IMAGE_INVALID with
 * out->fault filled when a rule is broken; CODE_TOO_LARGE above the bounds; CODE_NO_MEMORY. */
bool romfs_list(struct span image, struct romfs_list *out, struct err *e);
void romfs_list_clear(struct romfs_list *list); /* accepts an all-zero list */
/* The contents of a listed file. */
struct span romfs_list_data(const struct romfs_list *list, const struct romfs_item *item);

#endif
