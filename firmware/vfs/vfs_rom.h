/* One mounted image as a camera's Python sees it: the answers and error numbers of MicroPython's VfsRom, over the
 * strict mount driver.
 *
 * Freestanding, no allocation, no globals, no recursion.  Everything that is handed out points into the image, which
 * must outlive it.  Paths are C strings, as in MicroPython: a NUL inside a str ends the path.  Names are bytes; making
 * str or bytes objects of them, and UnicodeError, are the binding's.
 *
 * Where this differs from MicroPython 1.29, always on the strict side:
 * - An image whose header length wraps a 32-bit address, or takes more than 32 bits, is ENODEV; there it mounts.
 * - A record, name or pointer that leaves its container is never followed: what it belongs to is ENOENT, a listing ends
 *   in front of it.  There it reads, crashes or loops outside the image.
 * - A listing that met such an entry stays at its end; there it goes on inside the name.
 * - A seek that is refused leaves the position where it was; there the next read starts before the file. */
#ifndef FIRMWARE_VFS_ROM_H
#define FIRMWARE_VFS_ROM_H

#include "romfs.h"
#include "vfs_file.h"

#define VFS_IFDIR 0x4000u
#define VFS_IFREG 0x8000u

/* MP_IMPORT_STAT_* */
enum vfs_import { VFS_IMPORT_NONE, VFS_IMPORT_DIR, VFS_IMPORT_FILE };

/* The ten members of os.stat's tuple, in its order. */
struct vfs_stat {
	uint32_t mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime;
};

/* The ten members of os.statvfs's tuple, in its order. */
struct vfs_statvfs {
	uint32_t bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax;
};

/* An entry of os.ilistdir: (name, type, inode, size), or without the size for a mount point. */
struct vfs_dirent {
	const char *name; /* borrowed, not terminated */
	size_t name_size;
	uint32_t type;    /* VFS_IFDIR or VFS_IFREG */
	uint32_t inode;   /* 0 */
	uint32_t size;    /* a directory's: the bytes of its records */
	unsigned members; /* 4; 3 for a mount point */
};

/* A listing under way. */
struct vfs_rom_listing {
	const struct romfs *rom; /* borrowed */
	struct romfs_node dir;
	uint32_t cursor;
};

/* VfsRom(buffer): 0 or ENODEV.  The buffer may be a partition, or a file of another image (vfs_file_buffer). */
int vfs_rom_init(struct romfs *rom, const void *buffer, size_t size);
enum vfs_import vfs_rom_import_stat(const struct romfs *rom, const char *path);
/* 0 or ENOENT. */
int vfs_rom_stat(const struct romfs *rom, const char *path, struct vfs_stat *stat);
/* The path is not looked at, as in MicroPython. */
void vfs_rom_statvfs(const struct romfs *rom, struct vfs_statvfs *stat);
/* 0; EROFS when the mode would write, whatever the path; ENOENT, EISDIR.  mode NULL: "r". */
int vfs_rom_open(const struct romfs *rom, const char *path, const char *mode, struct vfs_file *file);
/* 0 or ENOENT, for a file too. */
int vfs_rom_ilistdir(const struct romfs *rom, const char *path, struct vfs_rom_listing *listing);
/* 1 and an entry, or 0 at the end. */
int vfs_rom_next(struct vfs_rom_listing *listing, struct vfs_dirent *entry);
/* 0 for exactly "/", else EOPNOTSUPP. */
int vfs_rom_chdir(const char *path);

#endif
