/* How much of its partition an image takes, and what takes it. */
#ifndef STATION_CTL_ROMFS_USAGE_H
#define STATION_CTL_ROMFS_USAGE_H

#include "base/err.h"
#include "base/span.h"
#include "format/board.h"

#define ROMFS_USAGE_LARGEST 5

struct cJSON;

/* Prints lines: the size, of what and how much of it, the largest files.  partition may be NULL. */
bool romfs_usage_print(
    const char *path, struct span image, const struct board *board, const struct partition *partition, struct err *e);
/* The same as members of an object: image, bytes, crc32, board, partition, partition_bytes, percent, files,
 * directories, shared_bytes, largest. */
bool romfs_usage_json(const char *path, struct span image, const struct board *board, const struct partition *partition,
    struct cJSON *into, struct err *e);

#endif
