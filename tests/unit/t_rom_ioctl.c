/* rom_ioctl over two kinds of flash: what it does, what it refuses, and that a refusal touches nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "firmware/port/ram_flash.h"
#include "firmware/vfs/boot.h"
#include "firmware/vfs/mperrno.h"

#define GUARD 8192u
#define SIZE  16384u
#define UNIT  4096u

/* A camera's flash: firmware in front of the partition, something else behind it, and a second partition in MRAM. */
struct rig {
	uint8_t flash[GUARD + SIZE + GUARD], untouched[GUARD + SIZE + GUARD];
	uint8_t words[1024];
	struct ram_flash nor, mram;
	struct rom_partition partition[2];
	struct rom_table table;
};

static struct rig rig;

static int set_up(void **state)
{
	(void)state;
	memset(rig.flash, 0x5A, sizeof rig.flash);
	memcpy(rig.untouched, rig.flash, sizeof rig.flash);
	memset(rig.words, 0x5A, sizeof rig.words);
	rig.nor = (struct ram_flash){ .bytes = rig.flash + GUARD, .size = SIZE, .erase_size = UNIT };
	rig.mram = (struct ram_flash){ .bytes = rig.words, .size = sizeof rig.words, .erase_size = RAM_MRAM_WORD };
	rig.partition[0] = (struct rom_partition){ rig.nor.bytes, SIZE, UNIT, 4, &ram_nor_ops, &rig.nor };
	rig.partition[1] = (struct rom_partition){ rig.words, sizeof rig.words, RAM_MRAM_WORD, RAM_MRAM_WORD,
		&ram_mram_ops, &rig.mram };
	rig.table = (struct rom_table){ rig.partition, 2 };
	return 0;
}

/* An argument list of any length. */
static int32_t ioctl_of(struct rom_buffer *buffer, size_t count, int32_t op, int32_t id, int32_t a, int32_t b)
{
	const int32_t args[4] = { op, id, a, b };
	return rom_ioctl(&rig.table, count, args, buffer);
}

static int32_t write_to(int32_t id, int32_t offset, const void *data, uint32_t size)
{
	struct rom_buffer buffer = { data, size };
	return ioctl_of(&buffer, 4, ROM_WRITE, id, offset, 0);
}

static void outside_is_as_it_was(void)
{
	assert_memory_equal(rig.flash, rig.untouched, GUARD);
	assert_memory_equal(rig.flash + GUARD + SIZE, rig.untouched, GUARD);
}

static void the_plain_questions(void **state)
{
	(void)state;
	struct rom_buffer memory = { NULL, 0 };
	assert_int_equal(ioctl_of(NULL, 1, ROM_COUNT, 0, 0, 0), 2);
	assert_int_equal(ioctl_of(&memory, 2, ROM_MEMORY, 0, 0, 0), 0);
	assert_ptr_equal(memory.data, rig.flash + GUARD);
	assert_int_equal(memory.size, SIZE);
	assert_int_equal(ioctl_of(NULL, 2, ROM_MIN_PREPARE, 0, 0, 0), UNIT);
	assert_int_equal(ioctl_of(NULL, 2, ROM_MIN_PREPARE, 1, 0, 0), 16);
	assert_int_equal(ioctl_of(NULL, 2, ROM_COMPLETE, 0, 0, 0), 0);
	assert_int_equal(rig.nor.completions, 1);
	assert_int_equal(ioctl_of(NULL, 3, ROM_PREPARE, 1, 64, 0), 16);
	assert_int_equal(rig.mram.erases, 0);
}

static void preparing_erases_whole_units_and_no_more(void **state)
{
	(void)state;
	/* without an offset any length, up to the end of the unit */
	assert_int_equal(ioctl_of(NULL, 3, ROM_PREPARE, 0, UNIT + 1, 0), 4);
	assert_int_equal(rig.nor.erases, 2);
	assert_int_equal(rig.flash[GUARD + 2 * UNIT - 1], 0xFF);
	assert_int_equal(rig.flash[GUARD + 2 * UNIT], 0x5A);
	assert_int_equal(ioctl_of(NULL, 4, ROM_PREPARE, 0, 3 * UNIT, UNIT), 4);
	assert_int_equal(rig.nor.erases, 3);
	assert_int_equal(rig.flash[GUARD + SIZE - 1], 0xFF);
	assert_int_equal(ioctl_of(NULL, 3, ROM_PREPARE, 0, SIZE, 0), 4);
	assert_int_equal(rig.nor.erases, 7);
	assert_int_equal(ioctl_of(NULL, 3, ROM_PREPARE, 0, 0, 0), 4);
	assert_int_equal(ioctl_of(NULL, 4, ROM_PREPARE, 0, SIZE, 0), 4);
	assert_int_equal(rig.nor.erases, 7);
	outside_is_as_it_was();
}

static void what_does_not_fit_is_refused_and_touches_nothing(void **state)
{
	(void)state;
	static const uint8_t data[SIZE + 16];
	static const struct {
		size_t count;
		int32_t op, id, a, b;
	} rows[] = {
		/* wrong partitions, operations and counts of arguments */
		{ 2, ROM_MEMORY, 2, 0, 0 },
		{ 2, ROM_MEMORY, -1, 0, 0 },
		{ 2, ROM_COMPLETE, 2, 0, 0 },
		{ 2, ROM_MIN_PREPARE, INT32_MIN, 0, 0 },
		{ 2, 0, 0, 0, 0 },
		{ 2, 7, 0, 0, 0 },
		{ 2, -1, 0, 0, 0 },
		{ 2, INT32_MAX, 0, 0, 0 },
		{ 1, ROM_MEMORY, 0, 0, 0 },
		{ 1, ROM_COMPLETE, 0, 0, 0 },
		{ 0, ROM_COUNT, 0, 0, 0 },
		{ 2, ROM_COUNT, 0, 0, 0 },
		{ 2, ROM_PREPARE, 0, 0, 0 },
		{ 5, ROM_PREPARE, 0, 0, 0 },
		{ 3, ROM_WRITE, 0, 0, 0 },
		{ 3, ROM_MEMORY, 0, 0, 0 },
		/* below the partition, past it, around the end of numbers */
		{ 4, ROM_PREPARE, 0, -(int32_t)UNIT, UNIT },
		{ 4, ROM_PREPARE, 0, -(int32_t)UNIT, 2 * UNIT },
		{ 4, ROM_PREPARE, 0, INT32_MIN, UNIT },
		{ 3, ROM_PREPARE, 0, -1, 0 },
		{ 4, ROM_PREPARE, 0, 0, -(int32_t)UNIT },
		{ 3, ROM_PREPARE, 0, SIZE + 1, 0 },
		{ 3, ROM_PREPARE, 0, INT32_MAX, 0 },
		{ 4, ROM_PREPARE, 0, SIZE, UNIT },
		{ 4, ROM_PREPARE, 0, UNIT, SIZE },
		{ 4, ROM_PREPARE, 0, INT32_MAX, INT32_MAX },
		/* inside a unit */
		{ 4, ROM_PREPARE, 0, 4, UNIT },
		{ 4, ROM_PREPARE, 0, UNIT - 1, 1 },
		{ 4, ROM_PREPARE, 0, 0, UNIT - 1 },
		{ 4, ROM_PREPARE, 1, 8, 16 },
		{ 4, ROM_PREPARE, 1, 16, 8 },
	};
	static const struct {
		int32_t id, offset;
		uint32_t size;
	} writes[] = { { 2, 0, 16 }, { -1, 0, 16 }, { 0, -4, 4 }, { 0, -4, 8 }, { 0, INT32_MIN, 16 }, { 0, SIZE, 4 },
		{ 0, 0, SIZE + 4 }, { 0, SIZE - 4, 8 }, { 0, INT32_MAX, 4 }, { 0, 4, UINT32_MAX - 3 }, { 0, 2, 4 },
		{ 0, 0, 3 }, { 0, 4, 5 }, { 1, 8, 16 }, { 1, 0, 8 }, { 1, 0, 20 }, { 1, 1024, 16 } };
	struct rom_buffer memory;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(
		    ioctl_of(&memory, rows[i].count, rows[i].op, rows[i].id, rows[i].a, rows[i].b), -VFS_EINVAL);
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
		assert_int_equal(write_to(writes[i].id, writes[i].offset, data, writes[i].size), -VFS_EINVAL);
	assert_int_equal(ioctl_of(NULL, 4, ROM_WRITE, 0, 0, 0), -VFS_EINVAL);
	assert_int_equal(ioctl_of(NULL, 2, ROM_MEMORY, 0, 0, 0), -VFS_EINVAL);
	assert_int_equal(rig.nor.erases + rig.nor.programs + rig.nor.completions + rig.mram.programs, 0);
	assert_memory_equal(rig.flash, rig.untouched, sizeof rig.flash);
}

static void a_table_with_a_slip_in_it_is_refused(void **state)
{
	(void)state;
	static const struct rom_partition slips[] = { { .size = SIZE, .erase_size = 0, .write_size = 4 },
		{ .size = SIZE, .erase_size = UNIT, .write_size = 0 },
		{ .size = SIZE, .erase_size = 10, .write_size = 4 },
		{ .size = SIZE + 4, .erase_size = UNIT, .write_size = 4 },
		{ .size = 1u << 31, .erase_size = UNIT, .write_size = 4 } };
	for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
		rig.partition[0] = slips[i];
		rig.partition[0].memory = rig.flash + GUARD;
		rig.partition[0].flash = &ram_nor_ops;
		rig.partition[0].context = &rig.nor;
		for (int32_t op = ROM_MEMORY; op <= ROM_MIN_PREPARE; op++) {
			struct rom_buffer buffer = { rig.untouched, 4 };
			assert_int_equal(
			    ioctl_of(&buffer, op == ROM_PREPARE || op == ROM_WRITE ? 4 : 2, op, 0, 0, 4), -VFS_EINVAL);
		}
	}
	assert_int_equal(rig.nor.erases + rig.nor.programs, 0);
}

static void a_write_is_done_when_flash_says_so(void **state)
{
	(void)state;
	static const uint8_t data[512] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	/* unerased NOR keeps its zeros: the driver says nothing, the comparison does */
	assert_int_equal(write_to(0, 0, data, 8), -VFS_EIO);
	assert_int_equal(ioctl_of(NULL, 4, ROM_PREPARE, 0, 0, UNIT), 4);
	assert_int_equal(write_to(0, 0, data, 8), 0);
	assert_int_equal(write_to(0, 0, data, 0), 0);
	/* a page is programmed at a time: 128 bytes up to the page's end, one page, 128 more */
	rig.nor.programs = 0;
	assert_int_equal(write_to(0, 128, data, 512), 0);
	assert_int_equal(rig.nor.programs, 3);
	/* MRAM is written in place, word by word */
	assert_int_equal(write_to(1, 0, data, 32), 0);
	assert_int_equal(write_to(1, 0, rig.untouched, 32), 0);
	assert_int_equal(rig.mram.programs, 4);
	outside_is_as_it_was();
}

static void a_drivers_trouble_is_handed_on(void **state)
{
	(void)state;
	static const uint8_t data[1024];
	assert_int_equal(ioctl_of(NULL, 3, ROM_PREPARE, 0, SIZE, 0), 4);
	rig.nor.fail_after = 2;
	assert_int_equal(write_to(0, 0, data, 512), 0);
	assert_int_equal(write_to(0, 512, data, 512), -VFS_EIO);
	assert_int_equal(ioctl_of(NULL, 2, ROM_COMPLETE, 0, 0, 0), -VFS_EIO);
	/* a driver and a table that do not agree about units: the model itself refuses */
	rig.nor.erase_size = 2 * UNIT;
	assert_int_equal(ioctl_of(NULL, 4, ROM_PREPARE, 0, UNIT, UNIT), -VFS_EIO);
	rig.partition[1].write_size = 4;
	assert_int_equal(write_to(1, 4, data, 4), -VFS_EIO);
	static const struct flash_ops no_complete = { NULL, NULL, NULL };
	rig.partition[1].flash = &no_complete;
	assert_int_equal(ioctl_of(NULL, 2, ROM_COMPLETE, 1, 0, 0), 0);
}

static void a_deploy_shows_the_image_only_when_its_header_is_there(void **state)
{
	(void)state;
	static const uint8_t image[16] = { 0xD2, 0xCD, 0x31, 12, 5, 10, 1, 'f', 2, 6, 'c', 'a', 'm', 'e', 'r', 'a' };
	for (int32_t id = 0; id < 2; id++) {
		struct vfs vfs;
		struct romfs rom;
		struct vfs_sys_path path = { { "" }, 1 };
		const struct rom_table table = { &rig.partition[id], 1 };
		const uint32_t word = rig.partition[id].write_size;
		vfs_init(&vfs);
		assert_int_equal(ioctl_of(NULL, 3, ROM_PREPARE, id, sizeof image, 0), word);
		if (word < sizeof image) {
			assert_int_equal(write_to(id, (int32_t)word, image + word, (uint32_t)sizeof image - word), 0);
			assert_int_equal(vfs_boot(&vfs, &table, &rom, &path), -VFS_EIO);
		}
		assert_int_equal(write_to(id, 0, image, word), 0);
		assert_int_equal(ioctl_of(NULL, 2, ROM_COMPLETE, id, 0, 0), 0);
		assert_int_equal(vfs_boot(&vfs, &table, &rom, &path), 0);
		struct vfs_stat stat;
		assert_int_equal(vfs_stat(&vfs, "/rom/f", &stat), 0);
		assert_int_equal(stat.size, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_plain_questions, set_up),
		cmocka_unit_test_setup(preparing_erases_whole_units_and_no_more, set_up),
		cmocka_unit_test_setup(what_does_not_fit_is_refused_and_touches_nothing, set_up),
		cmocka_unit_test_setup(a_table_with_a_slip_in_it_is_refused, set_up),
		cmocka_unit_test_setup(a_write_is_done_when_flash_says_so, set_up),
		cmocka_unit_test_setup(a_drivers_trouble_is_handed_on, set_up),
		cmocka_unit_test_setup(a_deploy_shows_the_image_only_when_its_header_is_there, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
