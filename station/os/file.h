/* Files: bounded reads, atomic durable writes, private folders. */
#ifndef STATION_OS_FILE_H
#define STATION_OS_FILE_H

#include "base/err.h"
#include "base/span.h"

/* Reads a regular file of at most limit bytes; the caller frees *data, which has a NUL behind the last byte.
 * file-failed; too-large. */
bool file_read(const char *path, size_t limit, uint8_t **data, size_t *size, struct err *e);
bool file_read_fd(int fd, const char *name, size_t limit, uint8_t **data, size_t *size, struct err *e);
bool file_write_all(int fd, struct span data, const char *name, struct err *e);
/* Writes beside the target, syncs, renames over it, syncs the folder: the old file or the whole new one.  What
 * is there and is no regular file is left alone: file-failed. */
bool file_write_atomic(const char *path, struct span data, unsigned mode, struct err *e);
/* A file of the folder's disk without a name, gone when it is closed; -1 with file-failed. */
int file_unnamed(const char *folder, struct err *e);
bool file_sync_folder(const char *folder, struct err *e);
/* The folder and its missing parents; private_folder: its mode becomes 0700. */
bool file_make_folder(const char *path, bool private_folder, struct err *e);
/* folder + "/" + name into out; false when it does not fit. */
bool file_join(char *out, size_t size, const char *folder, const char *name, struct err *e);

/* Scope cleanup: `AUTO_CLOSE int fd = open(...);`, -1 is fine. */
void auto_close_(int *fd);
#define AUTO_CLOSE __attribute__((cleanup(auto_close_)))

#endif
