/* The mount at a camera's start: what it leaves behind, and that its cost is bounded whatever flash holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "firmware/vfs/boot.h"
#include "firmware/vfs/mperrno.h"
#include "tests/firmware/hostile.h"

#define FLASH (8u << 20)
#define PAGE  4096u

/* Partition 0 over this memory; the answer of a start, with everything it may and may not have changed looked at. */
static int start(const uint8_t *memory, uint32_t size)
{
	const struct rom_partition p = { memory, size, 1, 1, NULL, NULL };
	const struct rom_table table = { &p, 1 };
	struct vfs_sys_path path = { { "", ".frozen", "/lib" }, 3 };
	struct vfs vfs;
	struct romfs rom;
	vfs_init(&vfs);
	int answer = vfs_boot(&vfs, &table, &rom, &path);
	assert_int_equal(vfs.count, answer ? 0 : 1);
	assert_int_equal(path.count, answer ? 3 : 5);
	if (!answer) {
		assert_string_equal(vfs.mount[0].point, "/rom");
		assert_string_equal(path.entry[3], "/rom");
		assert_string_equal(path.entry[4], "/rom/lib");
		assert_int_equal(vfs_import_stat(&vfs, "/rom"), VFS_IMPORT_DIR);
	}
	return answer;
}

static void a_sound_image_is_mounted_and_on_the_path(void **state)
{
	(void)state;
	static const uint8_t image[] = { 0xD2, 0xCD, 0x31, 6, 5, 4, 1, 'f', 2, 0 };
	assert_int_equal(start(image, sizeof image), 0);
	static const uint8_t empty[] = { 0xD2, 0xCD, 0x31, 0, 0xFF, 0xFF };
	assert_int_equal(start(empty, sizeof empty), 0);
}

static void anything_else_is_passed_over(void **state)
{
	(void)state;
	static const struct {
		uint8_t bytes[16];
		uint32_t size;
	} rows[] = {
		{ { 0xFF, 0xFF, 0xFF, 0xFF }, 4 }, { { 0xD2, 0xCD, 0x31 }, 3 }, { { 0xD2, 0xCD, 0x30, 0 }, 4 },
		{ { 0xD2, 0xCD, 0x31, 0x80 }, 4 }, { { 0xD2, 0xCD, 0x31, 5, 1, 0, 1, 0 }, 8 }, /* longer than flash */
		{ { 0xD2, 0xCD, 0x31, 4, 1, 0, 0, 0 }, 8 },                       /* kind 0: a half-written tail */
		{ { 0xD2, 0xCD, 0x31, 4, 1, 0, 0xFF, 0xFF }, 8 },                 /* erased tail */
		{ { 0xD2, 0xCD, 0x31, 4, 5, 2, 1, 'f' }, 8 },                     /* no data */
		{ { 0xD2, 0xCD, 0x31, 6, 5, 4, 1, 'f', 2, 1 }, 10 },              /* data past the file */
		{ { 0xD2, 0xCD, 0x31, 8, 5, 6, 1, 'f', 3, 2, 9, 0 }, 12 },        /* a pointer past the payload */
		{ { 0xD2, 0xCD, 0x31, 4, 4, 2, 2, 'd' }, 8 },                     /* a name past its record */
		{ { 0xD2, 0xCD, 0x31, 6, 4, 4, 1, 'd', 1, 9 }, 10 },              /* a record past its directory */
		{ { 0xD2, 0xCD, 0x31, 8, 1, 0x8F, 0xFF, 0xFF, 0xFF, 0x7A }, 12 }, /* a length that wraps */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(start(rows[i].bytes, rows[i].size), -VFS_EIO);
}

static void without_a_partition_or_room_nothing_happens(void **state)
{
	(void)state;
	static const uint8_t image[] = { 0xD2, 0xCD, 0x31, 0 };
	const struct rom_partition p = { image, sizeof image, 1, 1, NULL, NULL };
	const struct rom_table none = { &p, 0 }, one = { &p, 1 };
	struct vfs_sys_path path = { { NULL }, 0 }, full = { { NULL }, VFS_SYS_PATH - 1 };
	struct vfs vfs;
	struct romfs rom;
	vfs_init(&vfs);
	assert_int_equal(vfs_boot(&vfs, &none, &rom, &path), -VFS_EIO);
	assert_int_equal(vfs_boot(&vfs, &one, &rom, &full), -VFS_EIO);
	assert_int_equal(vfs.count + path.count, 0);
	assert_int_equal(vfs_boot(&vfs, &one, &rom, &path), 0);
	/* a start is a fresh table; in one that is in use nothing is mounted twice */
	assert_int_equal(vfs_boot(&vfs, &one, &rom, &path), -VFS_EIO);
	assert_int_equal(vfs.count, 1);
	assert_int_equal(path.count, 2);
}

/* Whatever lies behind what the budget pays for cannot be read without a crash: not one byte more is looked at. */
static void hostile_flash_is_not_read_beyond_the_budget(void **state)
{
	(void)state;
	uint8_t *flash = mmap(NULL, FLASH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(flash, MAP_FAILED);
	uint8_t *behind = flash + VFS_BOOT_BUDGET + PAGE;
	for (unsigned i = 0; i <= hostile_count; i++) {
		assert_int_equal(mprotect(flash, FLASH, PROT_READ | PROT_WRITE), 0);
		if (i < hostile_count) {
			hostile_make(&hostiles[i], flash, FLASH);
		} else { /* and a header without an end */
			memset(flash, 0x80, FLASH);
			memcpy(flash, (const uint8_t[]){ 0xD2, 0xCD, 0x31 }, 3);
		}
		assert_int_equal(mprotect(behind, (size_t)(flash + FLASH - behind), PROT_NONE), 0);
		assert_int_equal(start(flash, FLASH), -VFS_EIO);
	}
	munmap(flash, FLASH);
}

/* What is hostile by size alone mounts when it is affordable, and then costs what the budget says. */
static void the_budget_is_what_it_says(void **state)
{
	(void)state;
	static uint8_t memory[64u << 10];
	const uint32_t records = 1000, size = 8 + 2 * records;
	struct romfs rom;
	hostile_make(&hostiles[0], memory, size);
	/* five bytes of header; a padding record is two bytes and 32 for being one */
	const uint32_t price = 5 + records * (2 + 32);
	uint32_t budget = price;
	assert_int_equal(romfs_mount_within(&rom, memory, size, &budget), ROMFS_OK);
	assert_int_equal(budget, 0);
	budget = price - 1;
	assert_int_equal(romfs_mount_within(&rom, memory, size, &budget), ROMFS_CORRUPT);
	budget = 4;
	assert_int_equal(romfs_mount_within(&rom, memory, size, &budget), ROMFS_CORRUPT);
	assert_int_equal(budget, 0);
	budget = 0;
	memory[0] = 0;
	assert_int_equal(romfs_mount_within(&rom, memory, size, &budget), ROMFS_NOT_ROMFS);
}

/* Directories to the driver's own depth, and one more. */
static void depth_ends_where_the_strict_walk_ends(void **state)
{
	(void)state;
	uint8_t image[5 + 5 * (ROMFS_MAX_DEPTH + 1)];
	for (uint32_t depth = ROMFS_MAX_DEPTH; depth <= ROMFS_MAX_DEPTH + 1; depth++) {
		uint32_t payload = 5 * depth, budget = UINT32_MAX;
		struct romfs rom;
		memcpy(image, (const uint8_t[]){ 0xD2, 0xCD, 0x31, (uint8_t)(0x80 | payload >> 7), payload & 0x7F }, 5);
		for (uint32_t i = 0; i < depth; i++) {
			uint32_t length = 5 * (depth - i) - 3;
			memcpy(image + 5 + 5 * i,
			    (const uint8_t[]){ 4, (uint8_t)(0x80 | length >> 7), length & 0x7F, 1, 'd' }, 5);
		}
		enum romfs_status sound = romfs_verify(&rom, image, 5 + payload, NULL, NULL, NULL);
		assert_int_equal(sound, depth > ROMFS_MAX_DEPTH ? ROMFS_CORRUPT : ROMFS_OK);
		assert_int_equal(romfs_mount_within(&rom, image, 5 + payload, &budget), sound);
	}
}

/* 2000 files with contents, as MicroPython's own tool lays them out. */
static void a_large_real_image_is_affordable(void **state)
{
	(void)state;
	enum { FILES = 2000, RECORD = 2 + 1 + 12 + 2 + 100 };
	static uint8_t image[6 + FILES * RECORD];
	uint32_t payload = FILES * RECORD;
	memcpy(image,
	    (const uint8_t[]){ 0xD2, 0xCD, 0x31, (uint8_t)(0x80 | payload >> 14),
		(uint8_t)(0x80 | (payload >> 7 & 0x7F)), payload & 0x7F },
	    6);
	for (unsigned i = 0; i < FILES; i++) {
		uint8_t *p = image + 6 + i * RECORD;
		memcpy(p, (const uint8_t[]){ 5, RECORD - 2, 12 }, 3);
		memcpy(p + 3, "model-xxxxxx", 12);
		for (unsigned d = 0, n = i; d < 6; d++, n /= 10)
			p[14 - d] = (uint8_t)('0' + n % 10);
		memcpy(p + 15, (const uint8_t[]){ 2, 100 }, 2);
	}
	struct romfs rom;
	uint32_t budget = VFS_BOOT_BUDGET;
	assert_int_equal(romfs_verify(&rom, image, sizeof image, NULL, NULL, NULL), ROMFS_OK);
	assert_int_equal(romfs_mount_within(&rom, image, sizeof image, &budget), ROMFS_OK);
	assert_true(VFS_BOOT_BUDGET - budget < VFS_BOOT_BUDGET / 100 * 15);
	assert_int_equal(start(image, sizeof image), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_image_is_mounted_and_on_the_path),
		cmocka_unit_test(anything_else_is_passed_over),
		cmocka_unit_test(without_a_partition_or_room_nothing_happens),
		cmocka_unit_test(hostile_flash_is_not_read_beyond_the_budget),
		cmocka_unit_test(the_budget_is_what_it_says),
		cmocka_unit_test(depth_ends_where_the_strict_walk_ends),
		cmocka_unit_test(a_large_real_image_is_affordable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
