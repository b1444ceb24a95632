/* One image of the corpus as a camera sees it: mounted, checked, walked, asked. */
#include <string.h>

#include "port/port.h"
#include "report.h"
#include "vectors.h"
#include "vfs/boot.h"
#include "vfs/mperrno.h"

#define LEVELS 66
#define PATH   4096
/* Opening by path costs a scan of the directory; of many siblings every sixteenth is enough. */
#define OPEN_ALL 200u

static struct vfs vfs;

struct walk {
	struct vfs_rom_listing at[LEVELS];
	size_t length[LEVELS]; /* of the path of each directory */
	unsigned depth;
	char path[PATH];
	uint32_t entries;
};

static void put_file(const struct vfs_file *file, int error)
{
	size_t size;
	if (error) {
		put_value("open", error);
		return;
	}
	const uint8_t *data = vfs_file_buffer(file, &size);
	put_value("open", (int64_t)size);
	put(" crc ");
	put_hex(crc32_of(data, size));
}

/* Down into the directory whose path has just been made; what goes deeper than any sound image ends the walk there. */
static int enter(struct walk *w, const struct romfs *rom, size_t length)
{
	if (w->depth + 1 == LEVELS || vfs_rom_ilistdir(rom, w->path + strlen("/rom"), &w->at[w->depth + 1]))
		return 0;
	w->length[++w->depth] = length;
	return 1;
}

static void put_entry(struct walk *w, const struct vfs_dirent *e)
{
	put("entry ");
	put_bytes(w->path + strlen("/rom"), strlen(w->path) - strlen("/rom"));
	put_value("type", e->type);
	put_value("size", e->size);
	if (e->type == VFS_IFREG && (w->entries < OPEN_ALL || w->entries % 16 == 0)) {
		struct vfs_file file;
		int error = MEASURED(vfs_open, &vfs, w->path, "rb", &file);
		put_file(&file, error);
	}
	put("\n");
}

/* Everything that listings show; false when a name is too long for a path here. */
static void walk(const struct romfs *rom)
{
	static struct walk w;
	struct vfs_dirent e;
	w.depth = w.entries = 0;
	memcpy(w.path, "/rom", 5);
	w.length[0] = 4;
	vfs_rom_ilistdir(rom, "/", &w.at[0]);
	for (;;) {
		if (!vfs_rom_next(&w.at[w.depth], &e)) {
			if (!w.depth--)
				return;
			continue;
		}
		size_t at = w.length[w.depth];
		w.entries++;
		if (e.name_size > PATH - 2 - at) {
			put_value("long", (int64_t)e.name_size);
			put("\n");
			continue;
		}
		w.path[at] = '/';
		memcpy(w.path + at + 1, e.name, e.name_size);
		w.path[at + 1 + e.name_size] = '\0';
		put_entry(&w, &e);
		if (e.type == VFS_IFDIR && !enter(&w, rom, at + 1 + e.name_size))
			put("not entered\n");
	}
}

static void put_stat(const struct vfs_stat *stat, int error)
{
	put_value("stat", error ? error : (int64_t)stat->mode);
	if (!error)
		put_value("size", stat->size);
}

static void put_listing(struct vfs_rom_listing *listing, int error)
{
	struct vfs_dirent e;
	put_value("listdir", error);
	while (!error && vfs_rom_next(listing, &e)) {
		put(" ");
		put_bytes(e.name, e.name_size);
		put(",");
	}
}

/* As VfsRom is asked. */
static void ask_rom(const struct romfs *rom, const char *path)
{
	struct vfs_stat stat;
	struct vfs_file file;
	struct vfs_rom_listing listing;
	int error = vfs_rom_stat(rom, path, &stat);
	put_stat(&stat, error);
	error = vfs_rom_open(rom, path, "rb", &file);
	put_file(&file, error);
	error = vfs_rom_ilistdir(rom, path, &listing);
	put_listing(&listing, error);
	put_value("chdir", vfs_rom_chdir(path));
	put_value("import", vfs_rom_import_stat(rom, path));
}

/* The same path below the mount point, through the mount table. */
static void ask_mounted(const char *path)
{
	static char below[PATH];
	struct vfs_stat stat;
	struct vfs_file file;
	struct vfs_listing listing;
	struct vfs_dirent e;
	if (*path != '/' || strlen(path) > PATH - 5)
		return;
	memcpy(below, "/rom", 4);
	memcpy(below + 4, path, strlen(path) + 1);
	put("\nbelow");
	int error = MEASURED(vfs_stat, &vfs, below, &stat);
	put_stat(&stat, error);
	error = MEASURED(vfs_open, &vfs, below, "rb", &file);
	put_file(&file, error);
	error = MEASURED(vfs_ilistdir, &vfs, below, &listing);
	uint32_t entries = 0;
	while (!error && MEASURED(vfs_next, &listing, &e))
		entries++;
	put_value("listdir", error);
	put_value("entries", entries);
	put_value("import", MEASURED(vfs_import_stat, &vfs, below));
	put_value("chdir", MEASURED(vfs_chdir, &vfs, below));
	put_value("back", vfs_chdir(&vfs, "/"));
}

static void ask(const struct romfs *rom, const char *path, size_t size)
{
	put("ask ");
	put_bytes(path, size);
	ask_rom(rom, path);
	ask_mounted(path);
	put("\n");
}

static int no_erase(void *context, uint32_t offset, uint32_t size)
{
	(void)context, (void)offset, (void)size;
	return -VFS_EIO;
}

static int no_write(void *context, uint32_t offset, const uint8_t *data, uint32_t size)
{
	(void)data;
	return no_erase(context, offset, size);
}

/* The image as partition 0 of a camera that starts. */
static void put_boot(const struct vector *v)
{
	static const struct flash_ops read_only = { no_erase, no_write, NULL };
	const struct rom_partition p = { v->image, v->size, 1, 1, &read_only, NULL };
	const struct rom_table table = { &p, 1 };
	struct vfs_sys_path path = { { "", "/lib" }, 2 };
	struct romfs rom;
	vfs_init(&vfs);
	put_value("boot", MEASURED(vfs_boot, &vfs, &table, &rom, &path));
	put_value("mounts", vfs.count);
	put_value("path", path.count);
	vfs_init(&vfs);
}

void vector_image(const struct vector *v)
{
	struct romfs rom;
	put("image ");
	put(v->name);
	put_boot(v);
	put_value("verify", MEASURED(romfs_verify, &rom, v->image, v->size, NULL, NULL, NULL));
	int error = MEASURED(vfs_rom_init, &rom, v->image, v->size);
	put_value("mount", error);
	if (error) {
		put("\n");
		return;
	}
	struct vfs_statvfs fs;
	vfs_mount(&vfs, &rom, "/rom", false);
	put_value("statvfs", MEASURED(vfs_statvfs, &vfs, "/rom", &fs));
	put_value("bsize", fs.bsize);
	put_value("blocks", fs.blocks);
	put_value("namemax", fs.namemax);
	put("\n");
	walk(&rom);
	const uint8_t *p = v->paths;
	for (uint32_t i = 0; i < v->path_count; i++) {
		uint32_t size = get32(p);
		ask(&rom, (const char *)p + 4, size);
		p += 4 + size + 1;
	}
	put("end");
	put_value("umount", MEASURED(vfs_umount, &vfs, "/rom"));
	put("\n");
}
