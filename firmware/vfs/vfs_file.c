/* Files of an image: read, seek, tell, the buffer. */
#include "vfs_file.h"

#include <string.h>

#include "mperrno.h"

size_t vfs_file_read(struct vfs_file *file, void *buffer, size_t size)
{
	uint32_t left = file->size - file->position;
	uint32_t n = size < left ? (uint32_t)size : left;
	if (n)
		memcpy(buffer, file->data + file->position, n);
	file->position += n;
	return n;
}

int64_t vfs_file_seek(struct vfs_file *file, int32_t offset, int whence)
{
	int64_t from = file->size;
	if (whence == VFS_SEEK_SET)
		from = 0;
	else if (whence == VFS_SEEK_CUR)
		from = file->position;
	int64_t to = from + offset;
	if (to < 0)
		return -VFS_EINVAL;
	file->position = to < (int64_t)file->size ? (uint32_t)to : file->size;
	return file->position;
}

uint32_t vfs_file_tell(const struct vfs_file *file)
{
	return file->position;
}

int vfs_file_ioctl(struct vfs_file *file, unsigned request, struct vfs_seek *seek)
{
	if (request == VFS_STREAM_CLOSE)
		return 0;
	if (request != VFS_STREAM_SEEK || !seek)
		return -VFS_EINVAL;
	int64_t to = vfs_file_seek(file, seek->offset, seek->whence);
	if (to < 0)
		return (int)to;
	seek->offset = (int32_t)to;
	return 0;
}

const uint8_t *vfs_file_buffer(const struct vfs_file *file, size_t *size)
{
	*size = file->text ? 0 : file->size;
	return file->text ? NULL : file->data;
}
