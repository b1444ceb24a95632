/* Makes a ROMFS image of a tree of entries for one board's partition.  Pure: no files.
 *
 * The image depends on the tree, the board's alignment table and the partition alone: siblings are sorted by bytes.
 * Files with equal contents share them: the first one holds them, the others point to it. */
#ifndef STATION_FORMAT_ROMFS_BUILD_H
#define STATION_FORMAT_ROMFS_BUILD_H

#include "format/board.h"
#include "format/romfs_writer.h"

/* A file or directory.  The root is a directory whose name is ignored. */
struct romfs_entry {
	char *name; /* owned, name_size bytes and a final NUL */
	size_t name_size;
	enum romfs_type type;
	uint8_t *data; /* a file's contents, owned; may be NULL when size is 0 */
	size_t size;
	struct romfs_entry **children; /* a directory's entries, owned */
	size_t count, capacity;
	uint32_t align;           /* of a file's contents; 0: by the board's table */
	struct romfs_entry *same; /* while building: an earlier file with these contents; borrowed */
	size_t at;                /* while building: where its contents were put */
};

struct romfs_entry *romfs_entry_new_root(void);
/* Adds an entry with a copy of the name; NULL when memory ran out.  The name is judged by romfs_build. */
struct romfs_entry *romfs_entry_add(struct romfs_entry *dir, const char *name, size_t name_size, enum romfs_type type);
void romfs_entry_free(struct romfs_entry *entry); /* with all below; accepts NULL */

/* Sorts each directory by bytes.  CODE_NAME_INVALID for a name that occurs twice. */
bool romfs_entry_sort(struct romfs_entry *dir, struct err *e);

enum romfs_commit { ROMFS_COMMIT_AUTO, ROMFS_COMMIT_NO };
/* The commit unit's size for a partition: that of its unit 0 when it has more than one, else 0. */
uint32_t romfs_commit_unit(const struct partition *p);
/* Sorts the tree in place and writes it.  The caller frees *image.  CODE_NAME_INVALID for a name that romfs_name_ok
 * refuses or that occurs twice, CODE_PAYLOAD_TOO_BIG when the partition is too small. */
bool romfs_build(struct romfs_entry *root, const struct board *b, const struct partition *p, enum romfs_commit commit,
    uint8_t **image, size_t *size, struct err *e);
/* The image that OpenMV's own builder lays out of the same files in this order: a flat root, the header 16 bytes, each
 * file's head 8, contents aligned by a padded length, nothing shared, no commit unit, any size.  CODE_NAME_INVALID for
 * what it cannot hold: directories, and names that are not ASCII. */
bool romfs_build_openmv(struct romfs_entry *root, const struct board *b, const struct partition *p, uint8_t **image,
    size_t *size, struct err *e);

#endif
