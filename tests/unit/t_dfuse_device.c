/* Arduino's DFU interface: every request in every state, then what is particular about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "dfu/dfuse.h"

#define OUT   0x21
#define IN    0xa1
#define FIRST 0x08040000u
#define LOST  15

/* A flash that remembers what was asked of it. */
struct fake {
	bool fails;
	unsigned erases, writes, reads;
	uint32_t address, size;
	uint8_t behind; /* the byte behind what was sent */
};

static bool fake_erase(void *flash, uint32_t address)
{
	struct fake *f = flash;
	f->erases++;
	f->address = address;
	return !f->fails;
}

static bool fake_write(void *flash, uint32_t address, const uint8_t *data, uint32_t size)
{
	struct fake *f = flash;
	f->writes++;
	f->address = address;
	f->size = size;
	f->behind = size < DFU_TRANSFER_SIZE ? data[size] : 0;
	return !f->fails;
}

static void fake_read(void *flash, uint32_t address, uint8_t *data, uint32_t size)
{
	struct fake *f = flash;
	f->reads++;
	f->address = address;
	memset(data, 0x5a, size);
}

static const struct dfuse_flash_ops ops = { fake_erase, fake_write, fake_read };

struct rig {
	struct fake flash;
	struct dfuse_device d;
	uint8_t data[8192];
	uint32_t answered;
};

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof *r);
	dfuse_device_init(&r->d, 4, FIRST, &ops, &r->flash);
}

static bool ask(struct rig *r, uint8_t type, uint8_t request, uint16_t value, uint16_t length)
{
	const struct usb_setup s = { type, request, value, 0, length };
	if (!dfuse_device_setup(&r->d, &s, r->data, &r->answered))
		return false;
	dfuse_device_ack(&r->d);
	return true;
}

/* What GETSTATUS says: the state; 99: stalled. */
static unsigned status(struct rig *r)
{
	return ask(r, IN, DFU_GETSTATUS, 0, 6) ? r->data[4] : 99;
}

static bool command(struct rig *r, uint8_t code, uint32_t address, uint16_t length)
{
	const uint8_t bytes[5] = { code, (uint8_t)address, (uint8_t)(address >> 8), (uint8_t)(address >> 16),
		(uint8_t)(address >> 24) };
	memcpy(r->data, bytes, sizeof bytes);
	return ask(r, OUT, DFU_DNLOAD, 0, length);
}

static void to_idle(struct rig *r)
{
	(void)r;
}

static void to_sync(struct rig *r)
{
	assert_true(command(r, 0x21, 0x90000000, 5));
}

static void to_dnload_idle(struct rig *r)
{
	to_sync(r);
	assert_int_equal(status(r), DFU_DNBUSY);
	assert_int_equal(status(r), DFU_DNLOAD_IDLE);
}

static void to_manifest_sync(struct rig *r)
{
	assert_true(ask(r, OUT, DFU_DNLOAD, 0, 0));
}

static void to_wait_reset(struct rig *r)
{
	to_manifest_sync(r);
	assert_int_equal(status(r), DFU_MANIFEST);
	assert_int_equal(r->data[1], 1); /* ms */
}

static void to_upload_idle(struct rig *r)
{
	assert_true(ask(r, IN, DFU_UPLOAD, 2, 4096));
}

static void to_error(struct rig *r)
{
	assert_true(ask(r, OUT, DFU_CLRSTATUS, 0, 0));
}

static void to_lost(struct rig *r)
{
	assert_false(ask(r, IN, DFU_UPLOAD, 1, 4096));
}

/* What a request leads to: a state, or STALL and the state stays. */
#define STALL 99
static const struct {
	void (*enter)(struct rig *);
	unsigned state, dnload, dnload0, upload, status, clear, abort;
} rows[] = {
	{ to_idle, DFU_IDLE, DFU_DNLOAD_SYNC, DFU_MANIFEST_SYNC, DFU_UPLOAD_IDLE, DFU_IDLE, DFU_ERROR, DFU_IDLE },
	{ to_sync, DFU_DNLOAD_SYNC, STALL, STALL, STALL, DFU_DNLOAD_SYNC, DFU_ERROR, DFU_IDLE },
	{ to_dnload_idle, DFU_DNLOAD_IDLE, DFU_DNLOAD_SYNC, DFU_MANIFEST_SYNC, STALL, DFU_DNLOAD_IDLE, DFU_ERROR,
	    DFU_IDLE },
	{ to_manifest_sync, DFU_MANIFEST_SYNC, STALL, STALL, STALL, DFU_MANIFEST_WAIT_RESET, DFU_ERROR, DFU_IDLE },
	{ to_wait_reset, DFU_MANIFEST_WAIT_RESET, STALL, STALL, STALL, DFU_MANIFEST_WAIT_RESET, DFU_ERROR,
	    DFU_MANIFEST_WAIT_RESET },
	{ to_upload_idle, DFU_UPLOAD_IDLE, STALL, STALL, DFU_UPLOAD_IDLE, DFU_UPLOAD_IDLE, DFU_ERROR, DFU_IDLE },
	{ to_error, DFU_ERROR, STALL, STALL, STALL, DFU_ERROR, DFU_IDLE, DFU_ERROR },
	{ to_lost, LOST, STALL, STALL, STALL, LOST, DFU_ERROR, LOST },
};

static void try_one(unsigned i, uint8_t type, uint8_t request, uint16_t value, uint16_t length, unsigned want)
{
	struct rig r;
	rig_init(&r);
	rows[i].enter(&r);
	assert_int_equal(r.d.state, rows[i].state);
	bool taken = ask(&r, type, request, value, length);
	if (taken != (want != STALL) || r.d.state != (want == STALL ? rows[i].state : want))
		fail_msg("row %u, request %u: %s, state %u", i, request, taken ? "taken" : "stalled", r.d.state);
}

static void every_request_in_every_state(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		try_one(i, OUT, DFU_DNLOAD, 2, 4096, rows[i].dnload);
		try_one(i, OUT, DFU_DNLOAD, 0, 0, rows[i].dnload0);
		try_one(i, IN, DFU_UPLOAD, 2, 4096, rows[i].upload);
		try_one(i, IN, DFU_GETSTATUS, 0, 6, rows[i].status);
		try_one(i, OUT, DFU_CLRSTATUS, 0, 0, rows[i].clear);
		try_one(i, OUT, DFU_ABORT, 0, 0, rows[i].abort);
		try_one(i, IN, DFU_GETSTATE, 0, 1, rows[i].state);
		try_one(i, 0x01, 11, 1, 0, rows[i].state); /* SET_INTERFACE */
		try_one(i, 0x01, 11, 4, 0, STALL);
		try_one(i, OUT, 0x20, 0, 7, STALL); /* of the CDC interface */
	}
}

static void commands_move_the_pointer(void **state)
{
	(void)state;
	struct rig r;
	uint32_t pending;
	rig_init(&r);
	assert_true(ask(&r, IN, DFU_UPLOAD, 0, 4096));
	assert_int_equal(r.answered, 3);
	assert_memory_equal(r.data, "\x00\x21\x41", 3);
	assert_int_equal(r.d.state, DFU_IDLE);
	assert_int_equal(r.d.pointer, FIRST);
	to_dnload_idle(&r);
	assert_int_equal(r.d.pointer, 0x90000000);
	assert_true(command(&r, 0x41, 0x90b01000, 5));
	assert_true(dfuse_device_pending(&r.d, &pending));
	assert_int_equal(pending, 0x90b01000);
	assert_int_equal(r.flash.erases, 0); /* GETSTATUS does it */
	assert_int_equal(status(&r), DFU_DNBUSY);
	assert_int_equal(r.flash.erases, 1);
	assert_int_equal(r.flash.address, 0x90b01000);
	assert_false(dfuse_device_pending(&r.d, &pending));
	assert_int_equal(status(&r), DFU_DNLOAD_IDLE);
	memset(r.data, 0x77, 100);
	assert_true(ask(&r, OUT, DFU_DNLOAD, 5, 100));
	assert_int_equal(status(&r), DFU_DNBUSY);
	assert_int_equal(r.flash.address, 0x90b01000 + 3 * 4096);
	assert_int_equal(r.flash.size, 100);
	assert_int_equal(status(&r), DFU_DNLOAD_IDLE);
	assert_true(ask(&r, OUT, DFU_ABORT, 0, 0));
	assert_true(ask(&r, IN, DFU_UPLOAD, 3, 4096));
	assert_int_equal(r.flash.address, 0x90b02000);
	assert_int_equal(r.answered, 4096);
}

static void a_short_block_has_the_last_ones_tail(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r);
	memset(r.data, 0xab, 4096);
	assert_true(ask(&r, OUT, DFU_DNLOAD, 2, 4096));
	status(&r);
	status(&r);
	memset(r.data, 0x11, 4096);
	assert_true(ask(&r, OUT, DFU_DNLOAD, 3, 64));
	status(&r);
	assert_int_equal(r.flash.behind, 0xab);
}

/* Mass erase, read unprotect, lengths that do not fit: the GETSTATUS is stalled, nothing is done, and it goes on. */
static void unknown_commands_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint8_t code;
		uint16_t length;
	} refused[] = { { 0x41, 1 }, { 0x92, 1 }, { 0x21, 4 }, { 0x41, 6 }, { 0x00, 5 } };
	for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct rig r;
		rig_init(&r);
		assert_true(command(&r, refused[i].code, 0, refused[i].length));
		assert_int_equal(status(&r), 99);
		assert_int_equal(r.flash.erases, 0);
		assert_int_equal(status(&r), DFU_DNLOAD_IDLE);
	}
}

static void a_failed_driver_wedges_it(void **state)
{
	(void)state;
	for (int erase = 0; erase < 2; erase++) {
		struct rig r;
		rig_init(&r);
		r.flash.fails = true;
		assert_true(erase ? command(&r, 0x41, 0x90000000, 5) : ask(&r, OUT, DFU_DNLOAD, 2, 4096));
		assert_int_equal(status(&r), DFU_DNBUSY); /* and no error ever */
		dfuse_device_reset(&r.d);                 /* of the bus */
		for (uint8_t request = 0; request < DFU_REQUEST_COUNT; request++)
			assert_false(ask(&r,
			    request == DFU_UPLOAD || request == DFU_GETSTATUS || request == DFU_GETSTATE ? IN : OUT,
			    request, 0, 6));
		assert_false(ask(&r, 0x01, 11, 0, 0));
		r.flash.fails = false;
		dfuse_device_power_on(&r.d);
		assert_int_equal(status(&r), DFU_IDLE);
	}
}

static void it_leaves_once_the_host_has_its_answer(void **state)
{
	(void)state;
	struct rig r;
	const struct usb_setup s = { IN, DFU_GETSTATUS, 0, 0, 6 };
	rig_init(&r);
	to_manifest_sync(&r);
	assert_false(r.d.leave);
	assert_true(dfuse_device_setup(&r.d, &s, r.data, &r.answered));
	assert_false(r.d.leave);
	dfuse_device_ack(&r.d);
	assert_true(r.d.leave);
	rig_init(&r);
	assert_true(ask(&r, OUT, DFU_DETACH, 1000, 0));
	assert_true(r.d.replug && !r.d.leave);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_in_every_state),
		cmocka_unit_test(commands_move_the_pointer),
		cmocka_unit_test(a_short_block_has_the_last_ones_tail),
		cmocka_unit_test(unknown_commands_are_refused),
		cmocka_unit_test(a_failed_driver_wedges_it),
		cmocka_unit_test(it_leaves_once_the_host_has_its_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
