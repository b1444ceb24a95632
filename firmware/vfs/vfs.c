/* Paths to mounts, and every call handed to the one that it is for. */
#include "vfs.h"

#include <string.h>

#include "mperrno.h"

#define ROOT (-1)
#define NONE (-2)

void vfs_init(struct vfs *vfs)
{
	*vfs = (struct vfs){ .current = ROOT };
}

static bool at_root(const struct vfs_mount *m)
{
	return m->length == 1;
}

/* The mount that a path means, ROOT or NONE; *inside is the path that it is asked for.  While the root is current a
 * relative path means the same as an absolute one, so leading slashes are left out of the comparison. */
static int find(const struct vfs *vfs, const char *path, const char **inside)
{
	*inside = path;
	if (*path != '/' && vfs->current != ROOT)
		return vfs->current;
	const char *rest = path + (*path == '/');
	size_t left = strlen(rest);
	if (!left)
		return ROOT;
	for (unsigned i = 0; i < vfs->count; i++) {
		const struct vfs_mount *m = &vfs->mount[i];
		size_t n = m->length - 1;
		if (at_root(m))
			return (int)i;
		if (n > left || memcmp(rest, m->point + 1, n) || (n < left && rest[n] != '/'))
			continue;
		*inside = n < left ? rest + n : "/";
		return (int)i;
	}
	return NONE;
}

/* What every call but stat, statvfs and ilistdir says where there is no mount. */
static int no_mount(int found)
{
	return found == ROOT ? -VFS_EPERM : -VFS_ENODEV;
}

int vfs_mount(struct vfs *vfs, const struct romfs *rom, const char *point, bool mkfs)
{
	struct vfs_mount m = { point, strlen(point), rom };
	const char *inside;
	if (mkfs)
		return -VFS_EPERM;
	if (*point != '/')
		return -VFS_EINVAL;
	int there = find(vfs, point, &inside);
	if (there >= 0 && (at_root(&m) || !at_root(&vfs->mount[there])))
		return -VFS_EPERM;
	if (vfs->count == VFS_MOUNTS)
		return -VFS_ENOMEM;
	unsigned at = 0;
	while (at < vfs->count && !at_root(&vfs->mount[at]))
		at++;
	for (unsigned i = vfs->count++; i > at; i--)
		vfs->mount[i] = vfs->mount[i - 1];
	vfs->mount[at] = m;
	vfs->current += vfs->current >= (int)at;
	return 0;
}

static int remove_at(struct vfs *vfs, unsigned at)
{
	if (at == vfs->count)
		return -VFS_EINVAL;
	vfs->count--;
	for (unsigned i = at; i < vfs->count; i++)
		vfs->mount[i] = vfs->mount[i + 1];
	if (vfs->current == (int)at)
		vfs->current = ROOT;
	else if (vfs->current > (int)at)
		vfs->current--;
	return 0;
}

int vfs_umount(struct vfs *vfs, const char *point)
{
	unsigned at = 0;
	size_t n = strlen(point);
	while (at < vfs->count && (vfs->mount[at].length != n || memcmp(vfs->mount[at].point, point, n)))
		at++;
	return remove_at(vfs, at);
}

int vfs_umount_rom(struct vfs *vfs, const struct romfs *rom)
{
	unsigned at = 0;
	while (at < vfs->count && vfs->mount[at].rom != rom)
		at++;
	return remove_at(vfs, at);
}

enum vfs_import vfs_import_stat(const struct vfs *vfs, const char *path)
{
	int found = find(vfs, path, &path);
	return found < 0 ? VFS_IMPORT_NONE : vfs_rom_import_stat(vfs->mount[found].rom, path);
}

int vfs_open(const struct vfs *vfs, const char *path, const char *mode, struct vfs_file *file)
{
	int found = find(vfs, path, &path);
	return found < 0 ? no_mount(found) : vfs_rom_open(vfs->mount[found].rom, path, mode, file);
}

int vfs_stat(const struct vfs *vfs, const char *path, struct vfs_stat *stat)
{
	int found = find(vfs, path, &path);
	if (found == ROOT) {
		*stat = (struct vfs_stat){ .mode = VFS_IFDIR };
		return 0;
	}
	return found < 0 ? no_mount(found) : vfs_rom_stat(vfs->mount[found].rom, path, stat);
}

/* What is mounted at "/", or NULL. */
static const struct romfs *root_rom(const struct vfs *vfs)
{
	for (unsigned i = 0; i < vfs->count; i++)
		if (at_root(&vfs->mount[i]))
			return vfs->mount[i].rom;
	return NULL;
}

int vfs_statvfs(const struct vfs *vfs, const char *path, struct vfs_statvfs *stat)
{
	int found = find(vfs, path, &path);
	if (found == NONE)
		return no_mount(found);
	const struct romfs *rom = found == ROOT ? root_rom(vfs) : vfs->mount[found].rom;
	if (rom)
		vfs_rom_statvfs(rom, stat);
	else
		*stat = (struct vfs_statvfs){ .namemax = VFS_PATH_MAX };
	return 0;
}

int vfs_ilistdir(const struct vfs *vfs, const char *path, struct vfs_listing *listing)
{
	path = path ? path : "";
	int found = find(vfs, path, &path);
	*listing = (struct vfs_listing){ .vfs = NULL };
	if (found >= 0)
		return vfs_rom_ilistdir(vfs->mount[found].rom, path, &listing->rom);
	if (found == NONE)
		return no_mount(found);
	listing->vfs = vfs;
	return 0;
}

int vfs_next(struct vfs_listing *listing, struct vfs_dirent *entry)
{
	const struct vfs *vfs = listing->vfs;
	if (vfs && listing->next < vfs->count) {
		const struct vfs_mount *m = &vfs->mount[listing->next++];
		if (!at_root(m)) {
			*entry = (struct vfs_dirent){
				.name = m->point + 1, .name_size = m->length - 1, .type = VFS_IFDIR, .members = 3
			};
			return 1;
		}
		/* it comes last and hides whatever is mounted there behind it */
		listing->vfs = NULL;
		vfs_rom_ilistdir(m->rom, "/", &listing->rom);
	}
	return listing->rom.rom ? vfs_rom_next(&listing->rom, entry) : 0;
}

int vfs_chdir(struct vfs *vfs, const char *path)
{
	int found = find(vfs, path, &path);
	if (found == NONE)
		return no_mount(found);
	int error = found == ROOT ? 0 : vfs_rom_chdir(path);
	if (!error)
		vfs->current = found;
	return error;
}

const char *vfs_getcwd(const struct vfs *vfs, size_t *size)
{
	*size = 1;
	if (vfs->current == ROOT)
		return "/";
	const struct vfs_mount *m = &vfs->mount[vfs->current];
	*size = at_root(m) ? 0 : m->length;
	return m->point;
}
