/* Fuzz: any bytes as a camera's partition.  The camera's view must agree with the mount driver, entry by entry, and
 * what the bounded mount accepts must never be found broken afterwards. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/vfs/boot.h"
#include "firmware/vfs/mperrno.h"

#define ENTRIES 2000u
#define ASKED   16u /* by path: each costs several scans */
#define PATH    256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool truth)
{
	if (!truth)
		abort();
}

/* One path through the mount table, through VfsRom and through the driver. */
static void agree(const struct vfs *vfs, const struct romfs *fs, const char *below)
{
	char path[PATH + 8] = "/rom";
	struct romfs_node node;
	struct vfs_stat stat;
	struct vfs_file file;
	struct vfs_listing listing;
	size_t n;
	strncat(path, below, PATH);
	bool found = romfs_lookup(fs, below, &node) == ROMFS_OK, dir = found && node.type == ROMFS_DIR;
	hold(vfs_stat(vfs, path, &stat) == (found ? 0 : -VFS_ENOENT));
	hold(!found || (stat.size == node.data_size && stat.mode == (dir ? VFS_IFDIR : VFS_IFREG)));
	hold(vfs_import_stat(vfs, path) == (!found ? VFS_IMPORT_NONE : dir ? VFS_IMPORT_DIR : VFS_IMPORT_FILE));
	hold(vfs_ilistdir(vfs, path, &listing) == (dir ? 0 : -VFS_ENOENT));
	hold(vfs_open(vfs, path, "w", &file) == -VFS_EROFS);
	int opened = vfs_open(vfs, path, "rb", &file);
	hold(opened == (dir ? -VFS_EISDIR : found ? 0 : -VFS_ENOENT));
	if (opened)
		return;
	hold(vfs_file_buffer(&file, &n) == romfs_data(fs, &node) && n == node.data_size);
	/* data lie inside the image: the sanitizer sees it when they do not */
	uint8_t last;
	hold(vfs_file_seek(&file, -1, VFS_SEEK_END) == (n ? (int64_t)n - 1 : -VFS_EINVAL));
	hold(vfs_file_read(&file, &last, 1) == (n ? 1 : 0) && vfs_file_tell(&file) == n);
}

/* The root's listing beside the driver's own iteration; each name is asked for as a path. */
static void compare(const struct vfs *vfs, const struct romfs *fs, bool accepted)
{
	struct romfs_node root, node;
	struct vfs_listing listing;
	struct vfs_dirent e;
	enum romfs_status status;
	romfs_root(fs, &root);
	uint32_t cursor = root.data, entries = 0;
	hold(!vfs_ilistdir(vfs, "/rom", &listing));
	while ((status = romfs_next(fs, &root, &cursor, &node)) == ROMFS_OK && entries++ < ENTRIES) {
		hold(vfs_next(&listing, &e) == 1 && e.members == 4);
		hold(e.name == (const char *)fs->image + node.name && e.name_size == node.name_size);
		hold(e.size == node.data_size && e.type == (node.type == ROMFS_DIR ? VFS_IFDIR : VFS_IFREG));
		if (entries <= ASKED && node.name_size && node.name_size < PATH - 2) {
			char path[PATH] = "/";
			memcpy(path + 1, e.name, e.name_size);
			path[1 + e.name_size] = '\0';
			agree(vfs, fs, path);
			path[1 + e.name_size] = '/';
			path[2 + e.name_size] = '\0';
			agree(vfs, fs, path);
		}
	}
	hold(!accepted || status != ROMFS_CORRUPT);
	hold(status == ROMFS_OK || (!vfs_next(&listing, &e) && !vfs_next(&listing, &e)));
}

static void never_broken(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	(void)path, (void)depth;
	hold(context == fs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rom_partition p = { data, size < INT32_MAX ? (uint32_t)size : INT32_MAX, 1, 1, NULL, NULL };
	const struct rom_table table = { &p, 1 };
	struct vfs_sys_path path = { { NULL }, 0 };
	struct romfs fs, other;
	struct romfs_fault fault;
	struct vfs vfs;
	vfs_init(&vfs);
	bool mounts = vfs_rom_init(&fs, data, size) == 0;
	hold(mounts == (romfs_mount(&other, data, size) == ROMFS_OK));
	uint32_t budget = UINT32_MAX;
	bool sound = romfs_mount_within(&other, data, size, &budget) == ROMFS_OK;
	bool strict = romfs_verify(&other, data, size, NULL, NULL, NULL) == ROMFS_OK;
	hold(mounts || !sound);
	hold(sound || !strict);
	/* what is sound and still refused is refused for its names alone */
	if (sound && romfs_check(&fs, never_broken, &fs, &fault) != ROMFS_OK)
		hold(fault.rule == ROMFS_RULE_NAME || fault.rule == ROMFS_RULE_DUPLICATE ||
		     fault.rule == ROMFS_RULE_TOO_MANY);
	int started = vfs_boot(&vfs, &table, &other, &path);
	hold(started == 0 ? sound : started == -VFS_EIO);
	hold(started == 0 || !sound || UINT32_MAX - budget > VFS_BOOT_BUDGET);
	if (started && mounts)
		hold(!vfs_mount(&vfs, &fs, "/rom", false));
	if (mounts) {
		compare(&vfs, &fs, sound);
		agree(&vfs, &fs, "/");
	}
	return 0;
}
