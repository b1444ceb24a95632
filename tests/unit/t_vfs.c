/* The camera's view of an image: files, listings, the mount table.  The expected answers were taken from MicroPython
 * 1.29 itself, but for what vfs_rom.h and vfs.h say is refused here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/vfs/mperrno.h"
#include "firmware/vfs/vfs.h"

/* /a.txt "hello, camera", /lib/b.txt "b", /in.img: an image with /deep.txt "deep". */
static const uint8_t image[] = "\xD2\xCD\x31\x4A"
			       "\x05\x15\x05"
			       "a.txt\x02\x0Dhello, camera"
			       "\x04\x0F\x03"
			       "lib\x05\x09\x05"
			       "b.txt\x02\x01"
			       "b"
			       "\x05\x20\x06"
			       "in.img\x02\x17"
			       "\xD2\xCD\x31\x13\x05\x0F\x08"
			       "deep.txt\x02\x04"
			       "deep\x01";
/* the NUL that ends the string is the length of the last padding record */
#define IMAGE_SIZE 78u

static void mounted(struct romfs *rom)
{
	assert_int_equal(sizeof image, IMAGE_SIZE);
	assert_int_equal(vfs_rom_init(rom, image, sizeof image), 0);
}

static struct vfs_file opened(const struct romfs *rom, const char *path, const char *mode)
{
	struct vfs_file file;
	assert_int_equal(vfs_rom_open(rom, path, mode, &file), 0);
	return file;
}

static void what_is_no_image_is_no_device(void **state)
{
	(void)state;
	struct romfs rom;
	uint8_t wrong[] = { 0xD2, 0xCD, 0x31, 1 };
	assert_int_equal(vfs_rom_init(&rom, image, 3), -VFS_ENODEV);
	assert_int_equal(vfs_rom_init(&rom, image + 1, sizeof image - 1), -VFS_ENODEV);
	assert_int_equal(vfs_rom_init(&rom, image, sizeof image - 1), -VFS_ENODEV);
	assert_int_equal(vfs_rom_init(&rom, wrong, sizeof wrong), -VFS_ENODEV);
	wrong[3] = 0;
	assert_int_equal(vfs_rom_init(&rom, wrong, sizeof wrong), 0);
}

static void a_mode_that_writes_is_refused_before_the_path(void **state)
{
	(void)state;
	static const struct {
		const char *path, *mode;
		int error;
	} rows[] = { { "none", "w", -VFS_EROFS }, { "none", "rb+", -VFS_EROFS }, { "a.txt", "a", -VFS_EROFS },
		{ "lib", "wb", -VFS_EROFS }, { "none", "rb", -VFS_ENOENT }, { "lib", "r", -VFS_EISDIR },
		{ "", "r", -VFS_EISDIR }, { "/", NULL, -VFS_EISDIR }, { "a.txt/", "r", -VFS_ENOENT },
		{ "a.txt/b", "r", -VFS_ENOENT }, { "//a.txt", "r", -VFS_ENOENT }, { "A.TXT", "r", -VFS_ENOENT },
		{ "./a.txt", "r", -VFS_ENOENT }, { "a.txt", "x", 0 }, { "/lib/b.txt", "", 0 } };
	struct romfs rom;
	struct vfs_file file;
	mounted(&rom);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(vfs_rom_open(&rom, rows[i].path, rows[i].mode, &file), rows[i].error);
}

static void a_file_reads_in_pieces_up_to_its_end(void **state)
{
	(void)state;
	struct romfs rom;
	char text[16] = { 0 };
	mounted(&rom);
	struct vfs_file file = opened(&rom, "/a.txt", "rb");
	assert_int_equal(vfs_file_read(&file, text, 5), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(vfs_file_tell(&file), 5);
	assert_int_equal(vfs_file_read(&file, text, sizeof text), 8);
	assert_memory_equal(text, ", camera", 8);
	assert_int_equal(vfs_file_read(&file, text, sizeof text), 0);
	assert_int_equal(vfs_file_read(&file, NULL, 0), 0);
}

static void a_seek_clamps_at_the_end_and_never_goes_before_the_start(void **state)
{
	(void)state;
	static const struct {
		int32_t offset;
		int whence;
		int64_t answer;
		uint32_t position;
	} rows[] = { { 7, VFS_SEEK_SET, 7, 7 }, { -1, VFS_SEEK_SET, -VFS_EINVAL, 7 },
		{ -8, VFS_SEEK_CUR, -VFS_EINVAL, 7 }, { -7, VFS_SEEK_CUR, 0, 0 }, { 14, VFS_SEEK_SET, 13, 13 },
		{ INT32_MAX, VFS_SEEK_CUR, 13, 13 }, { INT32_MAX, VFS_SEEK_END, 13, 13 }, { -13, VFS_SEEK_END, 0, 0 },
		{ -14, VFS_SEEK_END, -VFS_EINVAL, 0 }, { INT32_MIN, VFS_SEEK_CUR, -VFS_EINVAL, 0 },
		{ -2, 77, 11, 11 } };
	struct romfs rom;
	mounted(&rom);
	struct vfs_file file = opened(&rom, "a.txt", "rb");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char byte = 0;
		assert_int_equal(vfs_file_seek(&file, rows[i].offset, rows[i].whence), rows[i].answer);
		assert_int_equal(vfs_file_tell(&file), rows[i].position);
		struct vfs_file copy = file;
		assert_int_equal(vfs_file_read(&copy, &byte, 1), rows[i].position < 13);
		assert_true(!byte || byte == "hello, camera"[rows[i].position]);
	}
}

static void the_stream_protocol_knows_seek_and_close(void **state)
{
	(void)state;
	struct romfs rom;
	struct vfs_seek seek = { 4, VFS_SEEK_SET };
	mounted(&rom);
	struct vfs_file file = opened(&rom, "a.txt", "rb");
	assert_int_equal(vfs_file_ioctl(&file, VFS_STREAM_SEEK, &seek), 0);
	seek = (struct vfs_seek){ 3, VFS_SEEK_CUR };
	assert_int_equal(vfs_file_ioctl(&file, VFS_STREAM_SEEK, &seek), 0);
	assert_int_equal(seek.offset, 7);
	seek = (struct vfs_seek){ -20, VFS_SEEK_CUR };
	assert_int_equal(vfs_file_ioctl(&file, VFS_STREAM_SEEK, &seek), -VFS_EINVAL);
	for (unsigned request = 0; request < 20; request++)
		assert_int_equal(vfs_file_ioctl(&file, request, NULL), request == VFS_STREAM_CLOSE ? 0 : -VFS_EINVAL);
	/* closing is nothing: reading goes on */
	char byte;
	assert_int_equal(vfs_file_read(&file, &byte, 1), 1);
}

static void only_binary_files_are_buffers_and_those_in_place(void **state)
{
	(void)state;
	static const struct {
		const char *mode;
		bool text;
	} rows[] = { { NULL, true }, { "r", true }, { "rt", true }, { "rb", false }, { "b", false }, { "tb", false },
		{ "bt", true } };
	struct romfs rom;
	size_t size;
	mounted(&rom);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vfs_file file = opened(&rom, "a.txt", rows[i].mode);
		const uint8_t *buffer = vfs_file_buffer(&file, &size);
		assert_ptr_equal(buffer, rows[i].text ? NULL : image + 4 + 2 + 6 + 2);
		assert_int_equal(size, rows[i].text ? 0 : 13);
	}
}

static void stat_and_statvfs_are_micropythons_tuples(void **state)
{
	(void)state;
	struct romfs rom;
	struct vfs_stat stat;
	struct vfs_statvfs fs;
	mounted(&rom);
	assert_int_equal(vfs_rom_stat(&rom, "a.txt", &stat), 0);
	const struct vfs_stat file = { .mode = 0x8000, .size = 13 };
	assert_memory_equal(&stat, &file, sizeof stat);
	assert_int_equal(vfs_rom_stat(&rom, "lib/", &stat), 0);
	const struct vfs_stat dir = { .mode = 0x4000, .size = 11 };
	assert_memory_equal(&stat, &dir, sizeof stat);
	assert_int_equal(vfs_rom_stat(&rom, "lib//", &stat), -VFS_ENOENT);
	vfs_rom_statvfs(&rom, &fs);
	const struct vfs_statvfs expected = { .bsize = 1, .blocks = 74, .namemax = 32767 };
	assert_memory_equal(&fs, &expected, sizeof fs);
	assert_int_equal(vfs_rom_import_stat(&rom, "lib"), VFS_IMPORT_DIR);
	assert_int_equal(vfs_rom_import_stat(&rom, "lib/b.txt"), VFS_IMPORT_FILE);
	assert_int_equal(vfs_rom_import_stat(&rom, "lib/c.txt"), VFS_IMPORT_NONE);
	assert_int_equal(vfs_rom_chdir("/"), 0);
	assert_int_equal(vfs_rom_chdir(""), -VFS_EOPNOTSUPP);
	assert_int_equal(vfs_rom_chdir("/lib"), -VFS_EOPNOTSUPP);
}

/* The names of a listing, each behind a space; of mount points with a star. */
static const char *names(const struct vfs *vfs, const char *path)
{
	static char text[256];
	struct vfs_listing listing;
	struct vfs_dirent e;
	text[0] = '\0';
	if (vfs_ilistdir(vfs, path, &listing) < 0)
		return NULL;
	while (vfs_next(&listing, &e)) {
		assert_int_equal(e.inode, 0);
		assert_true(e.members == 4 || (e.members == 3 && e.type == VFS_IFDIR));
		strcat(text, e.members == 3 ? " *" : " ");
		strncat(text, e.name, e.name_size);
	}
	/* over is over */
	assert_int_equal(vfs_next(&listing, &e), 0);
	return text;
}

static void a_listing_ends_for_good_where_an_entry_is_broken(void **state)
{
	(void)state;
	/* a file without data between two good ones: what follows is reached by path only */
	static const uint8_t broken[] = { 0xD2, 0xCD, 0x31, 16, 5, 4, 1, 'a', 2, 0, 5, 2, 1, 'x', 5, 4, 1, 'z', 2, 0 };
	struct romfs rom;
	struct vfs_rom_listing listing;
	struct vfs_dirent e;
	struct vfs_stat stat;
	assert_int_equal(vfs_rom_init(&rom, broken, sizeof broken), 0);
	assert_int_equal(vfs_rom_ilistdir(&rom, "/", &listing), 0);
	assert_int_equal(vfs_rom_next(&listing, &e), 1);
	assert_int_equal(e.name[0], 'a');
	for (int i = 0; i < 3; i++)
		assert_int_equal(vfs_rom_next(&listing, &e), 0);
	assert_int_equal(vfs_rom_stat(&rom, "x", &stat), -VFS_ENOENT);
	assert_int_equal(vfs_rom_stat(&rom, "z", &stat), 0);
	assert_int_equal(vfs_rom_ilistdir(&rom, "z", &listing), -VFS_ENOENT);
}

static void the_mount_table_is_searched_as_micropython_does(void **state)
{
	(void)state;
	struct vfs vfs;
	struct romfs rom;
	struct vfs_file file;
	struct vfs_stat stat;
	struct vfs_statvfs fs;
	mounted(&rom);
	vfs_init(&vfs);
	assert_int_equal(vfs_open(&vfs, "/rom/a.txt", "r", &file), -VFS_ENODEV);
	assert_int_equal(vfs_mount(&vfs, &rom, "/rom", false), 0);
	static const struct {
		const char *path;
		int open, stat, listing, import;
	} rows[] = {
		{ "/rom/a.txt", 0, 0, -VFS_ENOENT, VFS_IMPORT_FILE },
		{ "rom/a.txt", 0, 0, -VFS_ENOENT, VFS_IMPORT_FILE },
		{ "/rom", -VFS_EISDIR, 0, 0, VFS_IMPORT_DIR },
		{ "/rom/", -VFS_EISDIR, 0, 0, VFS_IMPORT_DIR },
		{ "/rom//", -VFS_ENOENT, -VFS_ENOENT, -VFS_ENOENT, VFS_IMPORT_NONE },
		{ "//rom", -VFS_ENODEV, -VFS_ENODEV, -VFS_ENODEV, VFS_IMPORT_NONE },
		{ "/rom2/a.txt", -VFS_ENODEV, -VFS_ENODEV, -VFS_ENODEV, VFS_IMPORT_NONE },
		{ "/ro", -VFS_ENODEV, -VFS_ENODEV, -VFS_ENODEV, VFS_IMPORT_NONE },
		{ "/", -VFS_EPERM, 0, 0, VFS_IMPORT_NONE },
		{ "", -VFS_EPERM, 0, 0, VFS_IMPORT_NONE },
		{ "a.txt", -VFS_ENODEV, -VFS_ENODEV, -VFS_ENODEV, VFS_IMPORT_NONE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vfs_listing listing;
		assert_int_equal(vfs_open(&vfs, rows[i].path, "rb", &file), rows[i].open);
		assert_int_equal(vfs_stat(&vfs, rows[i].path, &stat), rows[i].stat);
		assert_int_equal(vfs_ilistdir(&vfs, rows[i].path, &listing), rows[i].listing);
		assert_int_equal(vfs_import_stat(&vfs, rows[i].path), rows[i].import);
	}
	assert_int_equal(vfs_statvfs(&vfs, "/rom/none", &fs), 0);
	assert_int_equal(fs.blocks, 74);
	assert_int_equal(vfs_statvfs(&vfs, "/", &fs), 0);
	assert_int_equal(fs.blocks, 0);
	assert_int_equal(fs.namemax, VFS_PATH_MAX);
	assert_int_equal(vfs_statvfs(&vfs, "/none", &fs), -VFS_ENODEV);
	assert_string_equal(names(&vfs, "/rom"), " a.txt lib in.img");
	assert_string_equal(names(&vfs, "/"), " *rom");
	assert_string_equal(names(&vfs, NULL), " *rom");
}

static void mounting_and_unmounting(void **state)
{
	(void)state;
	struct vfs vfs;
	struct romfs rom, other;
	struct vfs_stat stat;
	mounted(&rom);
	mounted(&other);
	vfs_init(&vfs);
	assert_int_equal(vfs_mount(&vfs, &rom, "/rom", true), -VFS_EPERM);
	assert_int_equal(vfs_mount(&vfs, &rom, "rom", false), -VFS_EINVAL);
	assert_int_equal(vfs_mount(&vfs, &rom, "", false), -VFS_EINVAL);
	assert_int_equal(vfs_umount(&vfs, "/rom"), -VFS_EINVAL);
	assert_int_equal(vfs_mount(&vfs, &rom, "/", false), 0);
	/* something at the root still leaves room below, and is searched last */
	assert_int_equal(vfs_mount(&vfs, &other, "/rom", false), 0);
	assert_int_equal(vfs_mount(&vfs, &rom, "/rom", false), -VFS_EPERM);
	assert_int_equal(vfs_mount(&vfs, &rom, "/rom/lib", false), -VFS_EPERM);
	assert_string_equal(names(&vfs, "/"), " *rom a.txt lib in.img");
	assert_int_equal(vfs_stat(&vfs, "/lib/b.txt", &stat), 0);
	assert_int_equal(vfs_stat(&vfs, "/rom/lib/b.txt", &stat), 0);
	assert_int_equal(vfs_mount(&vfs, &rom, "/1", false), 0);
	assert_int_equal(vfs_mount(&vfs, &rom, "/2", false), 0);
	assert_int_equal(vfs_mount(&vfs, &rom, "/3", false), -VFS_ENOMEM);
	assert_string_equal(names(&vfs, "/"), " *rom *1 *2 a.txt lib in.img");
	assert_int_equal(vfs_umount(&vfs, "/ro"), -VFS_EINVAL);
	assert_int_equal(vfs_umount(&vfs, "/rom/"), -VFS_EINVAL);
	assert_int_equal(vfs_umount_rom(&vfs, &other), 0);
	assert_int_equal(vfs_umount_rom(&vfs, &other), -VFS_EINVAL);
	assert_string_equal(names(&vfs, "/"), " *1 *2 a.txt lib in.img");
	assert_int_equal(vfs_umount(&vfs, "/"), 0);
	assert_string_equal(names(&vfs, "/"), " *1 *2");
}

static void the_newest_of_two_at_one_root_hides_the_older(void **state)
{
	(void)state;
	static const uint8_t empty[] = { 0xD2, 0xCD, 0x31, 0 };
	struct vfs vfs;
	struct romfs rom, older;
	struct vfs_stat stat;
	mounted(&rom);
	assert_int_equal(vfs_rom_init(&older, empty, sizeof empty), 0);
	vfs_init(&vfs);
	assert_int_equal(vfs_mount(&vfs, &older, "/", false), 0);
	assert_int_equal(vfs_mount(&vfs, &rom, "/", false), 0);
	assert_string_equal(names(&vfs, "/"), " a.txt lib in.img");
	/* a slash at the end of a mount point is part of its name */
	assert_int_equal(vfs_mount(&vfs, &rom, "/rom/", false), 0);
	assert_int_equal(vfs_stat(&vfs, "/rom/", &stat), 0);
	assert_int_equal(vfs_stat(&vfs, "/rom/a.txt", &stat), -VFS_ENOENT);
	assert_int_equal(vfs_stat(&vfs, "/rom", &stat), -VFS_ENOENT);
	assert_int_equal(vfs_umount_rom(&vfs, &rom), 0);
	assert_int_equal(vfs_umount_rom(&vfs, &rom), 0);
	assert_string_equal(names(&vfs, "/"), "");
}

static void stands_at(const struct vfs *vfs, const char *where)
{
	size_t size;
	const char *cwd = vfs_getcwd(vfs, &size);
	assert_int_equal(size, strlen(where));
	assert_memory_equal(cwd, where, size);
}

static void only_mount_points_can_be_stood_in(void **state)
{
	(void)state;
	struct vfs vfs;
	struct romfs rom;
	struct vfs_stat stat;
	mounted(&rom);
	vfs_init(&vfs);
	assert_int_equal(vfs_mount(&vfs, &rom, "/rom", false), 0);
	stands_at(&vfs, "/");
	assert_int_equal(vfs_chdir(&vfs, "/rom/lib"), -VFS_EOPNOTSUPP);
	assert_int_equal(vfs_chdir(&vfs, "/none"), -VFS_ENODEV);
	stands_at(&vfs, "/");
	assert_int_equal(vfs_chdir(&vfs, "rom/"), 0);
	stands_at(&vfs, "/rom");
	assert_int_equal(vfs_stat(&vfs, "lib/b.txt", &stat), 0);
	assert_int_equal(vfs_stat(&vfs, "rom/lib", &stat), -VFS_ENOENT);
	assert_int_equal(vfs_chdir(&vfs, "lib"), -VFS_EOPNOTSUPP);
	assert_int_equal(vfs_chdir(&vfs, ".."), -VFS_EOPNOTSUPP);
	assert_int_equal(vfs_chdir(&vfs, ""), -VFS_EOPNOTSUPP);
	assert_string_equal(names(&vfs, NULL), " a.txt lib in.img");
	/* others come and go in front of it */
	assert_int_equal(vfs_mount(&vfs, &rom, "/", false), 0);
	assert_int_equal(vfs_mount(&vfs, &rom, "/x", false), 0);
	stands_at(&vfs, "/rom");
	assert_int_equal(vfs_chdir(&vfs, "/x"), 0);
	assert_int_equal(vfs_umount(&vfs, "/rom"), 0);
	stands_at(&vfs, "/x");
	assert_int_equal(vfs_umount(&vfs, "/x"), 0);
	stands_at(&vfs, "/");
	assert_int_equal(vfs_chdir(&vfs, "/"), 0);
	stands_at(&vfs, "/");
}

static void an_image_inside_an_image_mounts_from_its_buffer(void **state)
{
	(void)state;
	struct vfs vfs;
	struct romfs rom, nested;
	struct vfs_file file;
	size_t size;
	mounted(&rom);
	vfs_init(&vfs);
	assert_int_equal(vfs_mount(&vfs, &rom, "/rom", false), 0);
	assert_int_equal(vfs_open(&vfs, "/rom/in.img", "rb", &file), 0);
	const uint8_t *buffer = vfs_file_buffer(&file, &size);
	assert_int_equal(vfs_rom_init(&nested, buffer, size), 0);
	assert_int_equal(vfs_mount(&vfs, &nested, "/in", false), 0);
	assert_int_equal(vfs_open(&vfs, "/in/deep.txt", "rb", &file), 0);
	buffer = vfs_file_buffer(&file, &size);
	assert_int_equal(size, 4);
	assert_memory_equal(buffer, "deep", 4);
	assert_true(buffer > image && buffer < image + sizeof image);
	/* a file that is no image is no device */
	assert_int_equal(vfs_open(&vfs, "/rom/a.txt", "rb", &file), 0);
	buffer = vfs_file_buffer(&file, &size);
	assert_int_equal(vfs_rom_init(&nested, buffer, size), -VFS_ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_image_is_no_device),
		cmocka_unit_test(a_mode_that_writes_is_refused_before_the_path),
		cmocka_unit_test(a_file_reads_in_pieces_up_to_its_end),
		cmocka_unit_test(a_seek_clamps_at_the_end_and_never_goes_before_the_start),
		cmocka_unit_test(the_stream_protocol_knows_seek_and_close),
		cmocka_unit_test(only_binary_files_are_buffers_and_those_in_place),
		cmocka_unit_test(stat_and_statvfs_are_micropythons_tuples),
		cmocka_unit_test(a_listing_ends_for_good_where_an_entry_is_broken),
		cmocka_unit_test(the_mount_table_is_searched_as_micropython_does),
		cmocka_unit_test(mounting_and_unmounting),
		cmocka_unit_test(the_newest_of_two_at_one_root_hides_the_older),
		cmocka_unit_test(only_mount_points_can_be_stood_in),
		cmocka_unit_test(an_image_inside_an_image_mounts_from_its_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
