/* VfsRom's methods over the mount driver.  What it cannot make out is not there: MicroPython has no other word for it.
 */
#include "vfs_rom.h"

#include "mperrno.h"

int vfs_rom_init(struct romfs *rom, const void *buffer, size_t size)
{
	return romfs_mount(rom, buffer, size) == ROMFS_OK ? 0 : -VFS_ENODEV;
}

enum vfs_import vfs_rom_import_stat(const struct romfs *rom, const char *path)
{
	struct romfs_node node;
	if (romfs_lookup(rom, path, &node) != ROMFS_OK)
		return VFS_IMPORT_NONE;
	return node.type == ROMFS_DIR ? VFS_IMPORT_DIR : VFS_IMPORT_FILE;
}

static uint32_t mode_of(const struct romfs_node *node)
{
	return node->type == ROMFS_DIR ? VFS_IFDIR : VFS_IFREG;
}

int vfs_rom_stat(const struct romfs *rom, const char *path, struct vfs_stat *stat)
{
	struct romfs_node node;
	if (romfs_lookup(rom, path, &node) != ROMFS_OK)
		return -VFS_ENOENT;
	*stat = (struct vfs_stat){ .mode = mode_of(&node), .size = node.data_size };
	return 0;
}

void vfs_rom_statvfs(const struct romfs *rom, struct vfs_statvfs *stat)
{
	*stat = (struct vfs_statvfs){ .bsize = 1, .blocks = rom->end - rom->begin, .namemax = 32767 };
}

/* 0 or EROFS; letters that nobody knows mean nothing, the last of 'b' and 't' counts. */
static int read_mode(const char *mode, bool *text)
{
	*text = true;
	for (; *mode; mode++) {
		if (*mode == 'w' || *mode == 'a' || *mode == '+')
			return -VFS_EROFS;
		if (*mode == 'b')
			*text = false;
		else if (*mode == 't')
			*text = true;
	}
	return 0;
}

int vfs_rom_open(const struct romfs *rom, const char *path, const char *mode, struct vfs_file *file)
{
	struct romfs_node node;
	bool text;
	int error = read_mode(mode ? mode : "r", &text);
	if (error)
		return error;
	if (romfs_lookup(rom, path, &node) != ROMFS_OK)
		return -VFS_ENOENT;
	if (node.type == ROMFS_DIR)
		return -VFS_EISDIR;
	*file = (struct vfs_file){ romfs_data(rom, &node), node.data_size, 0, text };
	return 0;
}

int vfs_rom_ilistdir(const struct romfs *rom, const char *path, struct vfs_rom_listing *listing)
{
	listing->rom = rom;
	if (romfs_lookup(rom, path, &listing->dir) != ROMFS_OK || listing->dir.type != ROMFS_DIR)
		return -VFS_ENOENT;
	listing->cursor = listing->dir.data;
	return 0;
}

int vfs_rom_next(struct vfs_rom_listing *listing, struct vfs_dirent *entry)
{
	struct romfs_node node;
	if (romfs_next(listing->rom, &listing->dir, &listing->cursor, &node) != ROMFS_OK) {
		listing->cursor = listing->dir.data + listing->dir.data_size;
		return 0;
	}
	*entry = (struct vfs_dirent){ .name = (const char *)listing->rom->image + node.name,
		.name_size = node.name_size,
		.type = mode_of(&node),
		.size = node.data_size,
		.members = 4 };
	return 1;
}

int vfs_rom_chdir(const char *path)
{
	return path[0] == '/' && !path[1] ? 0 : -VFS_EOPNOTSUPP;
}
