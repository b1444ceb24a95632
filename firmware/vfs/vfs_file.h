/* An open file: MicroPython's stream protocol over data in place.  Nothing has to be closed.
 *
 * Bytes go through here for text files too; characters are made above the stream protocol, as in MicroPython. */
#ifndef FIRMWARE_VFS_FILE_H
#define FIRMWARE_VFS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests of py/stream.h that a ROM file knows. */
#define VFS_STREAM_SEEK  2u
#define VFS_STREAM_CLOSE 4u

/* Whence; as in MicroPython every other value counts from the end. */
#define VFS_SEEK_SET 0
#define VFS_SEEK_CUR 1
#define VFS_SEEK_END 2

struct vfs_file {
	const uint8_t *data; /* borrowed from the image */
	uint32_t size, position;
	bool text;
};

struct vfs_seek {
	int32_t offset; /* in: how far; out: the new position */
	int whence;
};

/* The number of bytes read, 0 at the end. */
size_t vfs_file_read(struct vfs_file *file, void *buffer, size_t size);
/* The new position, at most the size; EINVAL before the file's start. */
int64_t vfs_file_seek(struct vfs_file *file, int32_t offset, int whence);
uint32_t vfs_file_tell(const struct vfs_file *file);
/* SEEK takes a struct vfs_seek, CLOSE nothing and may come again and again; anything else is EINVAL. */
int vfs_file_ioctl(struct vfs_file *file, unsigned request, struct vfs_seek *seek);
/* The whole file in place (the buffer protocol, for reading only); NULL for a text file. */
const uint8_t *vfs_file_buffer(const struct vfs_file *file, size_t *size);

#endif
