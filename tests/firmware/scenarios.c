/* Files, mount points and partitions: what each call answers, in a fixed order. */
#include <string.h>

#include "port/port.h"
#include "port/ram_flash.h"
#include "report.h"
#include "vectors.h"
#include "vfs/vfs.h"

/* /a.txt "hello, camera", /lib/b.txt "b", /in.img: an image with /deep.txt "deep". */
static const uint8_t image[] = { 0xD2, 0xCD, 0x31, 0x80, 74,                                                       /**/
	5, 21, 5, 'a', '.', 't', 'x', 't', 2, 13, 'h', 'e', 'l', 'l', 'o', ',', ' ', 'c', 'a', 'm', 'e', 'r', 'a', /**/
	4, 15, 3, 'l', 'i', 'b', 5, 9, 5, 'b', '.', 't', 'x', 't', 2, 1, 'b',                                      /**/
	5, 32, 6, 'i', 'n', '.', 'i', 'm', 'g', 2, 23,                                                             /**/
	0xD2, 0xCD, 0x31, 19, 5, 15, 8, 'd', 'e', 'e', 'p', '.', 't', 'x', 't', 2, 4, 'd', 'e', 'e', 'p', 1, 0 };

static void seek(struct vfs_file *file, int32_t offset, int whence)
{
	char bytes[4];
	put_value("seek", MEASURED(vfs_file_seek, file, offset, whence));
	put_value("tell", vfs_file_tell(file));
	size_t n = MEASURED(vfs_file_read, file, bytes, sizeof bytes);
	put_value("read", (int64_t)n);
	put(" ");
	put_bytes(bytes, n);
	put("\n");
}

void scenario_files(void)
{
	struct romfs rom;
	struct vfs_file file = { NULL, 0, 0, false };
	struct vfs_seek s = { 5, VFS_SEEK_SET };
	size_t size;
	put("files");
	put_value("mount", vfs_rom_init(&rom, image, sizeof image));
	put_value("w", vfs_rom_open(&rom, "none", "rw", &file));
	put_value("a", vfs_rom_open(&rom, "a.txt", "ab", &file));
	put_value("plus", vfs_rom_open(&rom, "/a.txt", "r+", &file));
	put_value("directory", vfs_rom_open(&rom, "lib", "r", &file));
	put_value("text", vfs_rom_open(&rom, "a.txt", NULL, &file));
	put_value("buffer", vfs_file_buffer(&file, &size) != NULL);
	put_value("bytes", vfs_rom_open(&rom, "a.txt", "rb", &file));
	put_value("in-place", vfs_file_buffer(&file, &size) - image);
	put("\n");
	static const struct vfs_seek seeks[] = { { 7, 0 }, { -1, 0 }, { 2, 1 }, { 100, 1 }, { -100, 1 }, { -3, 2 },
		{ 3, 2 }, { -14, 2 }, { 0, 2 }, { INT32_MIN, 1 }, { INT32_MAX, 1 }, { -13, 9 } };
	for (size_t i = 0; i < sizeof seeks / sizeof *seeks; i++)
		seek(&file, seeks[i].offset, seeks[i].whence);
	put("ioctl");
	put_value("seek", vfs_file_ioctl(&file, VFS_STREAM_SEEK, &s));
	put_value("to", s.offset);
	for (unsigned request = 0; request < 12; request++)
		put_value("request", vfs_file_ioctl(&file, request, NULL));
	put("\n");
}

static void list(const struct vfs *vfs, const char *path)
{
	struct vfs_listing listing;
	struct vfs_dirent e;
	int error = vfs_ilistdir(vfs, path, &listing);
	put("list ");
	put(path ? path : "(none)");
	put_value("=", error);
	while (!error && vfs_next(&listing, &e)) {
		put(" ");
		put_bytes(e.name, e.name_size);
		put_value("/", e.members);
	}
	put("\n");
}

static void where(const struct vfs *vfs)
{
	size_t size;
	const char *cwd = vfs_getcwd(vfs, &size);
	put(" cwd ");
	put_bytes(cwd, size);
	put("\n");
}

void scenario_mounts(void)
{
	struct vfs vfs;
	struct romfs rom, nested;
	struct vfs_file file;
	struct vfs_stat stat;
	size_t size;
	vfs_init(&vfs);
	vfs_rom_init(&rom, image, sizeof image);
	put("mounts");
	put_value("mkfs", vfs_mount(&vfs, &rom, "/rom", true));
	put_value("mount", MEASURED(vfs_mount, &vfs, &rom, "/rom", false));
	put_value("again", vfs_mount(&vfs, &rom, "/rom", false));
	put_value("relative", vfs_mount(&vfs, &rom, "rom", false));
	put_value("open", vfs_open(&vfs, "/rom/in.img", "rb", &file));
	const uint8_t *buffer = vfs_file_buffer(&file, &size);
	put_value("nested", vfs_rom_init(&nested, buffer, size));
	put_value("mount", vfs_mount(&vfs, &nested, "/in", false));
	put_value("deep", vfs_stat(&vfs, "/in/deep.txt", &stat));
	put_value("size", stat.size);
	put_value("chdir", vfs_chdir(&vfs, "/in"));
	where(&vfs);
	list(&vfs, NULL);
	list(&vfs, "/");
	list(&vfs, "/rom/lib/");
	list(&vfs, "/none");
	put("leave");
	put_value("lib", vfs_chdir(&vfs, "/rom/lib"));
	put_value("none", vfs_chdir(&vfs, "/none"));
	put_value("umount", vfs_umount_rom(&vfs, &nested));
	put_value("twice", vfs_umount(&vfs, "/in"));
	where(&vfs);
}

static int32_t call(const struct rom_table *table, int32_t op, int32_t id, int32_t a, const void *data, uint32_t size)
{
	const int32_t args[4] = { op, id, a, 0 };
	struct rom_buffer buffer = { data, size };
	size_t count = op == ROM_WRITE ? 4 : op == ROM_PREPARE ? 3 : op == ROM_COUNT ? 1 : 2;
	return MEASURED(rom_ioctl, table, count, args, &buffer);
}

static int32_t prepare(const struct rom_table *table, int32_t offset, int32_t length)
{
	const int32_t args[4] = { ROM_PREPARE, 0, offset, length };
	return MEASURED(rom_ioctl, table, 4, args, NULL);
}

/* The image written, header last, as a careful deployer does; then what is refused. */
static void deploy(const char *name, const struct rom_table *table, const struct ram_flash *flash)
{
	static uint8_t padded[(sizeof image + 15) / 16 * 16];
	struct romfs rom;
	memset(padded, 0, sizeof padded);
	memcpy(padded, image, sizeof image);
	put(name);
	put_value("count", call(table, ROM_COUNT, 0, 0, NULL, 0));
	put_value("least", call(table, ROM_MIN_PREPARE, 0, 0, NULL, 0));
	put_value("prepare", call(table, ROM_PREPARE, 0, sizeof image, NULL, 0));
	put_value("rest", call(table, ROM_WRITE, 0, 16, padded + 16, sizeof padded - 16));
	put_value("mounts", vfs_rom_init(&rom, flash->bytes, flash->size));
	put_value("header", call(table, ROM_WRITE, 0, 0, padded, 16));
	put_value("complete", call(table, ROM_COMPLETE, 0, 0, NULL, 0));
	put_value("mounts", vfs_rom_init(&rom, flash->bytes, flash->size));
	put_value("over", call(table, ROM_WRITE, 0, 0, padded + 16, 16));
	put("\nrefused");
	put_value("id", call(table, ROM_MEMORY, 1, 0, NULL, 0));
	put_value("id", call(table, ROM_COMPLETE, -1, 0, NULL, 0));
	put_value("below", prepare(table, -(int32_t)flash->erase_size, (int32_t)flash->erase_size));
	put_value("below", call(table, ROM_WRITE, 0, -16, padded, 16));
	put_value("past", prepare(table, 0, (int32_t)(flash->size + flash->erase_size)));
	put_value("past", call(table, ROM_WRITE, 0, (int32_t)flash->size, padded, 16));
	put_value("inside", prepare(table, 8, (int32_t)flash->erase_size));
	put_value("tail", call(table, ROM_WRITE, 0, 0, padded, 15));
	put_value("operation", call(table, 7, 0, 0, NULL, 0));
	put(" crc ");
	put_hex(crc32_of(flash->bytes, flash->size));
	put_value("erases", flash->erases);
	put_value("programs", flash->programs);
	put("\n");
}

void scenario_partitions(void)
{
	static uint8_t bytes[8192];
	struct ram_flash nor = { bytes, sizeof bytes, 4096, 0, 0, 0, 0 }, mram = nor;
	const struct rom_partition on_nor = { bytes, sizeof bytes, 4096, 4, &ram_nor_ops, &nor };
	const struct rom_partition on_mram = { bytes, sizeof bytes, 16, 16, &ram_mram_ops, &mram };
	mram.erase_size = 16;
	memset(bytes, 0x55, sizeof bytes);
	deploy("nor", &(struct rom_table){ &on_nor, 1 }, &nor);
	memset(bytes, 0x55, sizeof bytes);
	deploy("mram", &(struct rom_table){ &on_mram, 1 }, &mram);
}
