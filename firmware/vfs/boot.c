/* The mount at the start: all or nothing, and never long. */
#include "boot.h"

#include "mperrno.h"

int vfs_boot(struct vfs *vfs, const struct rom_table *table, struct romfs *rom, struct vfs_sys_path *path)
{
	static const int32_t memory_of_0[] = { ROM_MEMORY, 0 };
	struct rom_buffer flash;
	uint32_t budget = VFS_BOOT_BUDGET;
	if (path->count > VFS_SYS_PATH - 2 || rom_ioctl(table, 2, memory_of_0, &flash) < 0 ||
	    romfs_mount_within(rom, flash.data, flash.size, &budget) != ROMFS_OK ||
	    vfs_mount(vfs, rom, "/rom", false) < 0)
		return -VFS_EIO;
	path->entry[path->count++] = "/rom";
	path->entry[path->count++] = "/rom/lib";
	return 0;
}
