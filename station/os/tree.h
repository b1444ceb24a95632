/* Reads a folder from disk into the entries that an image is built from. */
#ifndef STATION_OS_TREE_H
#define STATION_OS_TREE_H

#include "format/romfs_build.h"

#define TREE_MAX_BYTES   (64u << 20) /* of all files together */
#define TREE_MAX_ENTRIES 262144u

/* The caller frees *root with romfs_entry_free.  Everything below the folder is taken, hidden files too, so that what
 * is built never depends on a list in here.  Only regular files and folders may stand there: a symbolic link, a device
 * or a socket is refused with file-failed, a name that an image cannot carry with name-invalid, more than the limits
 * above or deeper than ROMFS_MAX_DEPTH with too-large.  Every message names the path below the folder.  The folder may
 * change meanwhile: the answer is then a failure or some files' older or newer contents, never anything outside. */
bool tree_read(const char *path, struct romfs_entry **root, struct err *e);

#endif
