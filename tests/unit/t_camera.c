/* The virtual camera's life: windows, latches, leaving, parking, hanging, cuts; on a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "fixtures/virtual/camera.h"

#include "board_files.h"

#define MS    UINT64_C(1000000)
#define START (1000 * MS)
#define OUT   0x21
#define IN    0xa1

/* The front end's side: notes what the camera does, and plans one fault. */
struct rig {
	struct camera *camera;
	const struct board *board;
	bool attached;
	unsigned attaches, cuts;
	enum camera_moment moment;
	struct camera_fault fault;
	uint64_t now;
	uint8_t data[CAMERA_MAX_DATA];
	uint32_t size;
};

static void on_attach(void *host, enum usb_speed speed)
{
	struct rig *r = host;
	assert_int_equal(speed, r->board->speed);
	r->attached = true;
	r->attaches++;
}

static void on_detach(void *host)
{
	struct rig *r = host;
	assert_true(r->attached);
	r->attached = false;
}

static void on_cut(void *host, bool unplugged)
{
	struct rig *r = host;
	(void)unplugged;
	r->cuts++;
	r->attached = false;
	camera_ops.power_off(r->camera, r->now);
}

static struct camera_fault on_fault(void *host, enum camera_moment moment, const char *partition, uint32_t block)
{
	struct rig *r = host;
	(void)partition, (void)block;
	return moment == r->moment ? r->fault : (struct camera_fault){ CAMERA_AS_USUAL, DFU_OK, 0, 0 };
}

static void on_complain(void *host, const char *sentence)
{
	(void)host;
	fail_msg("%s", sentence);
}

static const struct camera_host host_ops = { on_attach, on_detach, on_cut, on_fault, on_complain };

static void rig_init(struct rig *r, const char *board, const char *flash, uint16_t bootloader, double windows)
{
	struct err e = ERR_INIT;
	memset(r, 0, sizeof *r);
	r->board = boards_find(&set, board);
	assert_non_null(r->board);
	r->now = START;
	const struct camera_setup setup = { .board = r->board,
		.number = 1,
		.seed = 1,
		.bootloader = bootloader,
		.flash_slowness = 1,
		.window_slowness = windows,
		.flash = flash,
		.host_ops = &host_ops,
		.host = r };
	r->camera = camera_ops.create(&setup, &e);
	assert_non_null(r->camera);
}

static void rig_free(struct rig *r)
{
	camera_ops.destroy(r->camera);
}

static enum camera_answer ask(struct rig *r, uint8_t type, uint8_t request, uint16_t value, uint16_t length)
{
	const struct usb_setup s = { type, request, value, 0, length };
	uint64_t busy = camera_ops.busy_until(r->camera);
	if (busy == CAMERA_NEVER)
		return CAMERA_SILENT;
	r->now = busy > r->now ? busy : r->now;
	struct camera_reply reply = camera_ops.control(r->camera, &s, r->data, r->now);
	r->size = reply.size;
	if (reply.answer == CAMERA_DATA)
		camera_ops.ack(r->camera, r->now);
	return reply.answer;
}

static void configure(struct rig *r)
{
	assert_int_equal(ask(r, 0, 9, 1, 0), CAMERA_DATA);
}

static unsigned alt_of(const struct rig *r, const char *partition)
{
	const struct partition *p = board_partition(r->board, partition);
	assert_non_null(p);
	return p->alt;
}

/* Writes a block; the status that the second GETSTATUS tells. */
static unsigned write_block(struct rig *r, uint16_t block)
{
	memset(r->data, 0x42, sizeof r->data);
	assert_int_equal(ask(r, OUT, DFU_DNLOAD, block, 4096), CAMERA_DATA);
	assert_int_equal(ask(r, IN, DFU_GETSTATUS, 0, 6), CAMERA_DATA);
	assert_int_equal(r->data[4], DFU_DNBUSY);
	return ask(r, IN, DFU_GETSTATUS, 0, 6) == CAMERA_DATA ? r->data[0] : 99;
}

/* Lets time pass to the next thing the camera has in mind; its time. */
static uint64_t pass(struct rig *r)
{
	uint64_t at = camera_ops.deadline(r->camera);
	assert_true(at != CAMERA_NEVER);
	r->now = at;
	camera_ops.tick(r->camera, at);
	return at - START;
}

static void expect_run(struct rig *r)
{
	pass(r);
	assert_true(r->attached);
	assert_int_equal(ask(r, 0x80, 6, 0x0100, 18), CAMERA_DATA);
	assert_int_equal(r->data[8] | r->data[9] << 8, r->board->run_vid);
	assert_int_equal(r->data[10] | r->data[11] << 8, r->board->run_pid);
	assert_true(camera_ops.deadline(r->camera) == CAMERA_NEVER);
}

static void leaves_when_nobody_enumerates_it(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-n6", "factory", 0x0103, 1);
	camera_ops.power(r.camera, CAMERA_HOLD, r.now); /* forced or not: this window is the same */
	assert_int_equal(pass(&r), 1000 * MS);
	assert_false(r.attached);
	assert_int_equal(camera_ops.deadline(r.camera) - r.now, r.board->boot_ms * MS);
	expect_run(&r);
	rig_free(&r);
}

static void leaves_when_nobody_latches_it(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-n6", "factory", 0x0103, 1);
	camera_ops.power(r.camera, CAMERA_BOOT, r.now);
	r.now += 100 * MS;
	configure(&r);
	r.now += 10 * MS;
	ask(&r, IN, DFU_GETSTATUS, 0, 6);
	ask(&r, IN, DFU_GETSTATE, 0, 1);
	ask(&r, 0x01, 11, 1, 0);
	assert_int_equal(pass(&r), 1600 * MS);
	assert_false(r.attached);
	assert_int_equal(ask(&r, IN, DFU_GETSTATUS, 0, 6), CAMERA_SILENT);
	expect_run(&r);
	rig_free(&r);
}

static void an_upload_or_a_written_block_latches(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-n6", "factory", 0x0103, 1);
	for (int written = 0; written < 2; written++) {
		camera_ops.power(r.camera, CAMERA_BOOT, r.now);
		configure(&r);
		ask(&r, 0x01, 11, (uint16_t)alt_of(&r, "ROMFS0"), 0);
		if (written)
			write_block(&r, 0);
		else
			ask(&r, IN, DFU_UPLOAD, 0, 16);
		assert_true(camera_ops.deadline(r.camera) == CAMERA_NEVER);
		camera_ops.power_off(r.camera, r.now);
	}
	rig_free(&r);
}

static void windows_stretch(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-n6", "factory", 0x0103, 0.5);
	camera_ops.power(r.camera, CAMERA_BOOT, r.now);
	configure(&r);
	assert_int_equal(pass(&r), 750 * MS);
	rig_free(&r);
}

static void forced_stays_until_detach_or_reset(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-h7", "factory", 0x0103, 1);
	for (int reset = 0; reset < 2; reset++) {
		camera_ops.power(r.camera, CAMERA_HOLD, r.now);
		configure(&r);
		assert_true(camera_ops.deadline(r.camera) == CAMERA_NEVER);
		if (reset)
			camera_ops.bus_reset(r.camera, r.now);
		else
			ask(&r, OUT, DFU_DETACH, 1000, 0);
		assert_false(r.attached);
		expect_run(&r);
		camera_ops.power_off(r.camera, r.now);
	}
	rig_free(&r);
}

static void old_bootloaders_do_not_obey_detach(void **state)
{
	(void)state;
	static const uint16_t versions[] = { 0x0101, 0x0200 };
	for (int i = 0; i < 2; i++) {
		struct rig r;
		rig_init(&r, "openmv-h7", "factory", versions[i], 1);
		camera_ops.power(r.camera, CAMERA_HOLD, r.now);
		configure(&r);
		ask(&r, OUT, DFU_DETACH, 1000, 0);
		assert_true(r.attached);
		assert_true(camera_ops.deadline(r.camera) == CAMERA_NEVER);
		camera_ops.bus_reset(r.camera, r.now);
		assert_false(r.attached);
		camera_ops.power_off(r.camera, r.now);
		/* not forced: it undoes the latch, and the window ends */
		r.now = START;
		camera_ops.power(r.camera, CAMERA_BOOT, r.now);
		configure(&r);
		ask(&r, IN, DFU_UPLOAD, 0, 16);
		ask(&r, OUT, DFU_DETACH, 1000, 0);
		assert_true(r.attached);
		assert_int_equal(pass(&r), 1500 * MS);
		assert_false(r.attached);
		rig_free(&r);
	}
}

static void parks_without_firmware(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-m7", "blank", 0x0103, 1);
	camera_ops.power(r.camera, CAMERA_BOOT, r.now);
	configure(&r);
	pass(&r);
	assert_true(r.attached);
	assert_true(camera_ops.deadline(r.camera) == CAMERA_NEVER);
	camera_ops.bus_reset(r.camera, r.now);
	assert_false(r.attached);
	pass(&r);
	assert_true(r.attached);
	configure(&r);
	assert_int_equal(ask(&r, IN, DFU_GETSTATUS, 0, 6), CAMERA_DATA);
	camera_ops.power_off(r.camera, r.now);
	camera_ops.power(r.camera, CAMERA_RUN, r.now); /* there is nothing to run */
	configure(&r);
	assert_int_equal(ask(&r, IN, DFU_GETSTATUS, 0, 6), CAMERA_DATA);
	rig_free(&r);
}

static void firmware_needs_both_words(void **state)
{
	(void)state;
	static const struct {
		unsigned byte;
		uint8_t value;
		bool runs;
	} rows[] = { { 8, 0, true }, { 3, 0x00, false }, { 7, 0x00, false }, { 7, 0xff, false }, { 4, 0x00, false } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r;
		rig_init(&r, "openmv-n6", "factory", 0x0103, 1);
		const struct partition *p = board_partition(r.board, "FIRMWARE");
		assert_true(camera_ops.poke(r.camera, p, rows[i].byte, &rows[i].value, 1));
		camera_ops.power(r.camera, CAMERA_RUN, r.now);
		ask(&r, 0x80, 6, 0x0100, 18);
		bool runs = (r.data[10] | r.data[11] << 8) == r.board->run_pid;
		if (runs != rows[i].runs)
			fail_msg("row %zu: runs %d", i, runs);
		rig_free(&r);
	}
}

static void mram_opens_with_block_0(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-ae3", "factory", 0x0103, 1);
	camera_ops.power(r.camera, CAMERA_HOLD, r.now);
	configure(&r);
	ask(&r, 0x01, 11, (uint16_t)alt_of(&r, "ROMFS1"), 0);
	assert_int_equal(write_block(&r, 0), DFU_OK);
	assert_int_equal(write_block(&r, 5), DFU_OK);
	ask(&r, OUT, DFU_DNLOAD, 6, 0);
	ask(&r, IN, DFU_GETSTATUS, 0, 6);
	ask(&r, IN, DFU_GETSTATUS, 0, 6);
	assert_int_equal(write_block(&r, 5), 99); /* protected again: the core faults */
	assert_true(camera_ops.busy_until(r.camera) == CAMERA_NEVER);
	camera_ops.power_off(r.camera, r.now);
	camera_ops.power(r.camera, CAMERA_HOLD, r.now);
	configure(&r);
	ask(&r, 0x01, 11, (uint16_t)alt_of(&r, "ROMFS0"), 0);
	assert_int_equal(write_block(&r, 5), DFU_OK); /* OSPI has no such rule */
	rig_free(&r);
}

static void recovery_refuses(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-ae3", "factory", 0x0103, 1);
	camera_ops.power(r.camera, CAMERA_HOLD, r.now);
	configure(&r);
	ask(&r, 0x01, 11, (uint16_t)alt_of(&r, "RECOVERY"), 0);
	memset(r.data, 0, sizeof r.data);
	ask(&r, OUT, DFU_DNLOAD, 0, 16);
	ask(&r, IN, DFU_GETSTATUS, 0, 6);
	ask(&r, IN, DFU_GETSTATUS, 0, 6);
	assert_int_equal(r.data[4], DFU_ERROR);
	ask(&r, OUT, DFU_CLRSTATUS, 0, 0);
	ask(&r, IN, DFU_UPLOAD, 0, 16);
	assert_in_range(r.size, 0, 4);
	rig_free(&r);
}

static void is_busy_while_the_flash_works(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "openmv-n6", "factory", 0x0103, 1);
	camera_ops.power(r.camera, CAMERA_HOLD, r.now);
	configure(&r);
	ask(&r, 0x01, 11, (uint16_t)alt_of(&r, "ROMFS0"), 0);
	uint64_t before = r.now;
	assert_int_equal(write_block(&r, 0), DFU_OK);
	assert_int_equal(r.now - before, 150 * MS + 16 * 400000);
	rig_free(&r);
}

static void a_planned_cut_comes_in_the_middle(void **state)
{
	(void)state;
	static const struct {
		enum camera_moment moment;
		uint64_t after;
	} rows[] = { { CAMERA_ERASE, 75 * MS }, { CAMERA_PROGRAM, 150 * MS + 8 * 400000 } };
	for (int i = 0; i < 2; i++) {
		struct rig r;
		rig_init(&r, "openmv-n6", "factory", 0x0103, 1);
		r.moment = rows[i].moment;
		r.fault = (struct camera_fault){ CAMERA_CUT, DFU_OK, 0, 0 };
		camera_ops.power(r.camera, CAMERA_HOLD, r.now);
		configure(&r);
		ask(&r, 0x01, 11, (uint16_t)alt_of(&r, "ROMFS0"), 0);
		uint64_t before = r.now;
		ask(&r, OUT, DFU_DNLOAD, 0, 4096);
		ask(&r, IN, DFU_GETSTATUS, 0, 6);
		pass(&r);
		assert_int_equal(r.cuts, 1);
		assert_int_equal(r.now - before, rows[i].after);
		assert_true(camera_ops.deadline(r.camera) == CAMERA_NEVER);
		rig_free(&r);
	}
}

static void shows_another_uid(void **state)
{
	(void)state;
	struct rig r, other;
	struct camera_info mine, theirs, shown;
	rig_init(&r, "openmv-n6", "factory", 0x0103, 1);
	rig_init(&other, "openmv-h7", "factory", 0x0103, 1);
	camera_ops.info(r.camera, &mine);
	camera_ops.info(other.camera, &theirs);
	camera_ops.impersonate(r.camera, other.camera);
	camera_ops.info(r.camera, &shown);
	assert_string_equal(shown.uid, theirs.uid);
	assert_string_equal(shown.dfu_serial, theirs.dfu_serial);
	camera_ops.impersonate(r.camera, NULL);
	camera_ops.info(r.camera, &shown);
	assert_string_equal(shown.uid, mine.uid);
	char uid[UID_TEXT_SIZE];
	assert_true(board_uid_from_serial(r.board, mine.dfu_serial, uid));
	assert_string_equal(uid, mine.uid);
	assert_true(board_run_serial_fits(r.board, mine.uid, mine.run_serial));
	rig_free(&r);
	rig_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_when_nobody_enumerates_it),
		cmocka_unit_test(leaves_when_nobody_latches_it),
		cmocka_unit_test(an_upload_or_a_written_block_latches),
		cmocka_unit_test(windows_stretch),
		cmocka_unit_test(forced_stays_until_detach_or_reset),
		cmocka_unit_test(old_bootloaders_do_not_obey_detach),
		cmocka_unit_test(parks_without_firmware),
		cmocka_unit_test(firmware_needs_both_words),
		cmocka_unit_test(mram_opens_with_block_0),
		cmocka_unit_test(recovery_refuses),
		cmocka_unit_test(is_busy_while_the_flash_works),
		cmocka_unit_test(a_planned_cut_comes_in_the_middle),
		cmocka_unit_test(shows_another_uid),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
