/* What a camera does with partition 0 whenever it starts, or its Python is started again.
 *
 * MicroPython mounts whatever has a header.  This mounts an image whose structure is sound throughout: half-written and
 * damaged ones are passed over in silence, as is blank or foreign flash. */
#ifndef FIRMWARE_VFS_BOOT_H
#define FIRMWARE_VFS_BOOT_H

#include "rom_ioctl.h"
#include "vfs.h"

/* What starting may cost whatever flash holds (romfs_mount_within): at most 1 MiB of structure read, or 30840 records
 * of the smallest kind.  An image of 2000 files takes about 15 % of it. */
#define VFS_BOOT_BUDGET (UINT32_C(1) << 20)

#define VFS_SYS_PATH 8

struct vfs_sys_path {
	const char *entry[VFS_SYS_PATH];
	unsigned count;
};

/* Mounts partition 0 at /rom and appends /rom and /rom/lib to the path: 0, else EIO with both as they were.  rom is
 * the caller's and must live as long as the mount. */
int vfs_boot(struct vfs *vfs, const struct rom_table *table, struct romfs *rom, struct vfs_sys_path *path);

#endif
