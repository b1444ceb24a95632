/* Inside the building of images only. */
#ifndef STATION_FORMAT_ROMFS_BUILD_INNER_H
#define STATION_FORMAT_ROMFS_BUILD_INNER_H

#include "format/romfs_build.h"

/* romfs_build.c: what the file's contents are aligned to. */
uint32_t romfs_entry_align(const struct romfs_entry *file, const struct board *b);
/* romfs_share.c: fills `same` of every file below the sorted root whose contents an earlier one has, and gives that one
 * the largest alignment of those that share with it. */
bool romfs_share(struct romfs_entry *root, const struct board *b, struct err *e);

#endif
