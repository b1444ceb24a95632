/* The mount table: which image a path means, and os.* on top of it, with the answers of MicroPython's extmod/vfs.c.
 *
 * The root itself is nobody's: opening it is EPERM, its listing shows the mount points and then what is mounted at "/".
 * An absolute path that no mount point covers is ENODEV.  The table belongs to the caller and is used by one thread.
 *
 * Where this differs from MicroPython, on the strict side: a mount point that does not begin with '/' is EINVAL (there
 * an empty one compares without an end), and the table has VFS_MOUNTS places, after which mount is ENOMEM. */
#ifndef FIRMWARE_VFS_H
#define FIRMWARE_VFS_H

#include "vfs_rom.h"

#define VFS_MOUNTS 4
/* What statvfs says of the bare root: MICROPY_ALLOC_PATH_MAX of stm32 and alif (mimxrt: 256). */
#define VFS_PATH_MAX 128

struct vfs_mount {
	const char *point; /* borrowed, begins with '/' */
	size_t length;
	const struct romfs *rom; /* borrowed */
};

struct vfs {
	struct vfs_mount mount[VFS_MOUNTS]; /* in the order of searching: what is mounted at "/" comes last */
	unsigned count;
	int current; /* index into mount, or -1 for the root */
};

/* A listing under way; the table must not change meanwhile. */
struct vfs_listing {
	const struct vfs *vfs; /* NULL: no more mount points */
	unsigned next;
	struct vfs_rom_listing rom; /* rom.rom NULL: nothing but mount points */
};

void vfs_init(struct vfs *vfs);
/* 0; EPERM for mkfs and for a mount point in use or below one; EINVAL, ENOMEM. */
int vfs_mount(struct vfs *vfs, const struct romfs *rom, const char *point, bool mkfs);
/* 0 or EINVAL; whoever stood in it stands in the root. */
int vfs_umount(struct vfs *vfs, const char *point);
/* The same by the mounted image. */
int vfs_umount_rom(struct vfs *vfs, const struct romfs *rom);

enum vfs_import vfs_import_stat(const struct vfs *vfs, const char *path);
int vfs_open(const struct vfs *vfs, const char *path, const char *mode, struct vfs_file *file);
int vfs_stat(const struct vfs *vfs, const char *path, struct vfs_stat *stat);
int vfs_statvfs(const struct vfs *vfs, const char *path, struct vfs_statvfs *stat);
/* path NULL: the current directory. */
int vfs_ilistdir(const struct vfs *vfs, const char *path, struct vfs_listing *listing);
int vfs_next(struct vfs_listing *listing, struct vfs_dirent *entry);
int vfs_chdir(struct vfs *vfs, const char *path);
/* Not terminated; borrowed from the mount point. */
const char *vfs_getcwd(const struct vfs *vfs, size_t *size);

#endif
