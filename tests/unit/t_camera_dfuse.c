/* The virtual camera with Arduino's bootloader: what it says and does not say of its flash, and its ways in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fixtures/virtual/camera.h"

#include "board_files.h"

#define MS    UINT64_C(1000000)
#define START (1000 * MS)
#define OUT   0x21
#define IN    0xa1
#define ROMFS 0x90b00000u
#define CODE  0x08040000u

struct rig {
	struct camera *camera;
	const struct board *board;
	bool attached;
	unsigned attaches;
	enum camera_moment moment;
	struct camera_fault fault;
	char partition[24];
	uint32_t block; /* with partition: what the camera said a fault would be about */
	uint64_t now;
	uint8_t data[CAMERA_MAX_DATA];
	uint32_t size;
};

static void on_attach(void *host, enum usb_speed speed)
{
	struct rig *r = host;
	assert_int_equal(speed, USB_HIGH);
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
	r->attached = false;
	camera_ops.power_off(r->camera, r->now);
}

static struct camera_fault on_fault(void *host, enum camera_moment moment, const char *partition, uint32_t block)
{
	struct rig *r = host;
	snprintf(r->partition, sizeof r->partition, "%s", partition);
	r->block = block;
	return moment == r->moment ? r->fault : (struct camera_fault){ CAMERA_AS_USUAL, DFU_OK, 0, 0 };
}

static void on_complain(void *host, const char *sentence)
{
	(void)host;
	fail_msg("%s", sentence);
}

static const struct camera_host host_ops = { on_attach, on_detach, on_cut, on_fault, on_complain };

static void rig_init(struct rig *r, const char *flash)
{
	struct err e = ERR_INIT;
	memset(r, 0, sizeof *r);
	r->board = boards_find(&set, "arduino-portenta-h7");
	assert_non_null(r->board);
	r->now = START;
	const struct camera_setup setup = { .board = r->board,
		.number = 1,
		.seed = 1,
		.bootloader = 0x0103,
		.flash_slowness = 1,
		.window_slowness = 1,
		.flash = flash,
		.host_ops = &host_ops,
		.host = r };
	r->camera = camera_ops.create(&setup, &e);
	assert_non_null(r->camera);
}

static void hold(struct rig *r)
{
	const struct usb_setup configure = { 0, 9, 1, 0, 0 };
	camera_ops.power(r->camera, CAMERA_HOLD, r->now);
	assert_true(r->attached && camera_ops.deadline(r->camera) == CAMERA_NEVER);
	camera_ops.control(r->camera, &configure, r->data, r->now);
	camera_ops.ack(r->camera, r->now);
}

/* A transfer as the front end serves it; the ns that it took of the camera. */
static enum camera_answer ask(struct rig *r, uint8_t type, uint8_t request, uint16_t value, uint16_t length)
{
	const struct usb_setup s = { type, request, value, 0, length };
	uint64_t busy = camera_ops.busy_until(r->camera);
	if (busy == CAMERA_NEVER)
		return CAMERA_SILENT;
	r->now = busy > r->now ? busy : r->now;
	struct camera_reply reply = camera_ops.control(r->camera, &s, r->data, r->now);
	r->now += reply.delay;
	r->size = reply.size;
	if (reply.answer == CAMERA_DATA)
		camera_ops.ack(r->camera, r->now);
	return reply.answer;
}

/* DNLOAD, GETSTATUS, GETSTATUS: the last state; the ms that the first GETSTATUS took. */
static unsigned download(struct rig *r, uint16_t value, uint16_t length, uint64_t *ms)
{
	assert_int_equal(ask(r, OUT, DFU_DNLOAD, value, length), CAMERA_DATA);
	uint64_t before = r->now;
	assert_int_equal(ask(r, IN, DFU_GETSTATUS, 0, 6), CAMERA_DATA);
	assert_int_equal(r->data[4], DFU_DNBUSY);
	*ms = (r->now - before) / MS;
	return ask(r, IN, DFU_GETSTATUS, 0, 6) == CAMERA_DATA ? r->data[4] : 99;
}

static unsigned command(struct rig *r, uint8_t code, uint32_t address, uint64_t *ms)
{
	const uint8_t bytes[5] = { code, (uint8_t)address, (uint8_t)(address >> 8), (uint8_t)(address >> 16),
		(uint8_t)(address >> 24) };
	memcpy(r->data, bytes, sizeof bytes);
	return download(r, 0, sizeof bytes, ms);
}

static void held(struct rig *r, const char *partition, uint8_t *out, uint32_t size)
{
	assert_true(camera_ops.peek(r->camera, board_partition(r->board, partition), 0, out, size));
}

static void external_flash_is_honest_but_for_the_tail(void **state)
{
	(void)state;
	struct rig r;
	uint64_t ms;
	uint8_t got[8192];
	rig_init(&r, "factory");
	hold(&r);
	for (uint32_t at = 0; at < sizeof got; at += 4096) {
		assert_int_equal(command(&r, 0x41, ROMFS + at, &ms), DFU_DNLOAD_IDLE);
		assert_int_equal(ms, 45);
	}
	assert_int_equal(command(&r, 0x21, ROMFS, &ms), DFU_DNLOAD_IDLE);
	assert_int_equal(ms, 0);
	memset(r.data, 0x42, sizeof r.data);
	assert_int_equal(download(&r, 2, 4096, &ms), DFU_DNLOAD_IDLE);
	assert_int_equal(ms, 6); /* 16 pages of 400 us */
	memset(r.data, 0x17, sizeof r.data);
	assert_int_equal(download(&r, 3, 100, &ms), DFU_DNLOAD_IDLE);
	assert_string_equal(r.partition, "ROMFS0");
	assert_int_equal(r.block, 1);
	held(&r, "ROMFS0", got, sizeof got);
	assert_int_equal(got[4095], 0x42);
	assert_int_equal(got[4096 + 99], 0x17);
	assert_int_equal(got[4096 + 100], 0x42); /* of the block before */
	camera_ops.destroy(r.camera);
}

static void erase_code(struct rig *r)
{
	uint64_t ms;
	assert_int_equal(command(r, 0x41, CODE, &ms), DFU_DNLOAD_IDLE);
	assert_int_equal(ms, 1100);
}

static void internal_flash_is_said_to_be_done_before_it_is(void **state)
{
	(void)state;
	struct rig r;
	uint64_t ms;
	uint8_t got[64];
	rig_init(&r, "factory");
	hold(&r);
	erase_code(&r);
	memset(r.data, 0x42, sizeof r.data);
	assert_int_equal(download(&r, 2, 4096, &ms), DFU_DNLOAD_IDLE);
	assert_int_equal(ms, 0);
	ask(&r, OUT, DFU_ABORT, 0, 0);
	assert_int_equal(ask(&r, IN, DFU_UPLOAD, 2, 4096), CAMERA_DATA);
	assert_int_equal(r.data[4095], 0xff);
	r.now += 13 * MS; /* 128 words of 100 us */
	assert_int_equal(ask(&r, IN, DFU_UPLOAD, 2, 4096), CAMERA_DATA);
	assert_int_equal(r.data[4095], 0x42);
	ask(&r, OUT, DFU_ABORT, 0, 0);
	/* over words that are written already: all is well, it says, and nothing is */
	memset(r.data, 0x00, sizeof r.data);
	assert_int_equal(download(&r, 2, 4096, &ms), DFU_DNLOAD_IDLE);
	held(&r, "FIRMWARE", got, sizeof got);
	assert_int_equal(got[0], 0x42);
	camera_ops.destroy(r.camera);
}

/* The worker has one block in hand: the next one waits, so that nothing is faster than the flash. */
static void the_worker_takes_one_block(void **state)
{
	(void)state;
	struct rig r;
	uint64_t ms;
	rig_init(&r, "factory");
	hold(&r);
	erase_code(&r);
	uint64_t begun = r.now;
	for (uint16_t block = 2; block < 12; block++) {
		memset(r.data, 0x42, sizeof r.data);
		assert_int_equal(download(&r, block, 4096, &ms), DFU_DNLOAD_IDLE);
	}
	assert_true(r.now - begun >= 9 * 12800000u);
	camera_ops.destroy(r.camera);
}

static void a_reset_ends_what_was_not_waited_for(void **state)
{
	(void)state;
	struct rig r;
	uint64_t ms;
	uint8_t got[4096];
	rig_init(&r, "factory");
	hold(&r);
	erase_code(&r);
	memset(r.data, 0x42, sizeof r.data);
	assert_int_equal(download(&r, 2, 4096, &ms), DFU_DNLOAD_IDLE);
	camera_ops.power_off(r.camera, r.now + 3 * MS);
	held(&r, "FIRMWARE", got, sizeof got);
	assert_int_equal(got[0], 0x42);
	assert_int_equal(got[4095], 0xff);
	camera_ops.destroy(r.camera);
}

static void a_driver_that_fails(void **state)
{
	(void)state;
	static const struct {
		enum camera_moment moment;
		uint32_t address;
		bool wedges;
	} rows[] = { { CAMERA_ERASE, ROMFS, true }, { CAMERA_ERASE, CODE, true }, { CAMERA_PROGRAM, ROMFS, true },
		{ CAMERA_PROGRAM, CODE, false } };
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r;
		uint64_t ms;
		rig_init(&r, "factory");
		hold(&r);
		r.moment = rows[i].moment;
		r.fault = (struct camera_fault){ CAMERA_STATUS, DFU_ERR_WRITE, 0, 0 };
		unsigned last = command(&r, 0x41, rows[i].address, &ms);
		if (rows[i].moment == CAMERA_PROGRAM)
			last = download(&r, 2, 4096, &ms);
		assert_int_equal(last, rows[i].wedges ? 99 : DFU_DNLOAD_IDLE);
		camera_ops.bus_reset(r.camera, r.now);
		assert_true(r.attached); /* that ends no session here */
		assert_int_equal(ask(&r, IN, DFU_GETSTATUS, 0, 6), rows[i].wedges ? CAMERA_STALL : CAMERA_DATA);
		camera_ops.power_off(r.camera, r.now);
		hold(&r);
		assert_int_equal(ask(&r, IN, DFU_GETSTATUS, 0, 6), CAMERA_DATA);
		camera_ops.destroy(r.camera);
	}
}

/* An address that is nowhere, or inside a sector: the driver's failures. */
static void wrong_addresses(void **state)
{
	(void)state;
	static const uint32_t addresses[] = { 0x90b00010, 0x91000000, 0x08040020, 0x08200000 };
	for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct rig r;
		uint64_t ms;
		rig_init(&r, "factory");
		hold(&r);
		assert_int_equal(command(&r, 0x41, addresses[i], &ms), 99);
		camera_ops.destroy(r.camera);
	}
}

static void its_own_code_can_be_erased(void **state)
{
	(void)state;
	struct rig r;
	uint8_t got[16];
	rig_init(&r, "factory");
	hold(&r);
	const uint8_t erase[5] = { 0x41, 0, 0, 0, 8 };
	memcpy(r.data, erase, sizeof erase);
	assert_int_equal(ask(&r, OUT, DFU_DNLOAD, 0, 5), CAMERA_DATA);
	assert_int_equal(ask(&r, IN, DFU_GETSTATUS, 0, 6), CAMERA_SILENT);
	assert_true(camera_ops.busy_until(r.camera) == CAMERA_NEVER);
	held(&r, "BOOTLOADER", got, sizeof got);
	assert_int_equal(got[0] & got[15], 0xff);
	camera_ops.destroy(r.camera);
}

static uint64_t pass(struct rig *r)
{
	uint64_t at = camera_ops.deadline(r->camera), before = r->now;
	assert_true(at != CAMERA_NEVER);
	r->now = at;
	camera_ops.tick(r->camera, at);
	return (at - before) / MS;
}

static void leaves_when_told(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, "factory");
	hold(&r);
	assert_int_equal(ask(&r, OUT, DFU_DETACH, 1000, 0), CAMERA_DATA); /* off and on, still in its bootloader */
	assert_int_equal(r.attaches, 2);
	const struct usb_setup configure = { 0, 9, 1, 0, 0 };
	camera_ops.control(r.camera, &configure, r.data, r.now);
	assert_int_equal(ask(&r, OUT, DFU_DNLOAD, 0, 0), CAMERA_DATA);
	assert_int_equal(ask(&r, IN, DFU_GETSTATUS, 0, 6), CAMERA_DATA);
	assert_int_equal(r.data[4], DFU_MANIFEST);
	assert_true(r.attached);
	assert_int_equal(pass(&r), 200);
	assert_false(r.attached);
	assert_int_equal(pass(&r), r.board->boot_ms);
	assert_true(r.attached);
	assert_true(camera_ops.deadline(r.camera) == CAMERA_NEVER);
	camera_ops.destroy(r.camera);
}

/* Power without a magic word goes straight to the firmware; one that looks right and is not is gone for good. */
static void starts(void **state)
{
	(void)state;
	static const uint8_t dies[8] = { 0, 0, 0, 0x20, 0xff, 0xff, 0xff, 0xff }, none[8] = { 0 };
	struct rig r;
	rig_init(&r, "factory");
	camera_ops.power(r.camera, CAMERA_BOOT, r.now);
	assert_false(r.attached);
	assert_int_equal(pass(&r), r.board->boot_ms);
	assert_true(r.attached);
	camera_ops.power_off(r.camera, r.now);
	r.attached = false;
	const struct partition *firmware = board_partition(r.board, "FIRMWARE");
	assert_true(camera_ops.poke(r.camera, firmware, 0, dies, sizeof dies));
	camera_ops.power(r.camera, CAMERA_BOOT, r.now);
	assert_true(!r.attached && camera_ops.deadline(r.camera) == CAMERA_NEVER);
	camera_ops.power_off(r.camera, r.now);
	assert_true(camera_ops.poke(r.camera, firmware, 0, none, sizeof none));
	camera_ops.power(r.camera, CAMERA_BOOT, r.now);
	assert_true(r.attached);
	camera_ops.destroy(r.camera);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(external_flash_is_honest_but_for_the_tail),
		cmocka_unit_test(internal_flash_is_said_to_be_done_before_it_is),
		cmocka_unit_test(the_worker_takes_one_block),
		cmocka_unit_test(a_reset_ends_what_was_not_waited_for),
		cmocka_unit_test(a_driver_that_fails),
		cmocka_unit_test(wrong_addresses),
		cmocka_unit_test(its_own_code_can_be_erased),
		cmocka_unit_test(leaves_when_told),
		cmocka_unit_test(starts),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
