/* The bootloader's DFU interface: every request in every state, then the rules that a table does not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "dfu/device.h"

#define OUT 0x21
#define IN  0xa1

enum { ALT_LOCKED, ALT_OPEN, ALT_MUTE, ALT_COUNT };

static const struct dfu_alt alts[ALT_COUNT] = {
	[ALT_LOCKED] = { 65536, true }, [ALT_OPEN] = { 65536, false }, [ALT_MUTE] = { 65536, false }, /* cannot be read
												       */
};

/* A flash that remembers what was asked of it. */
struct fake {
	enum dfu_status next; /* answer of the next write */
	unsigned writes, reads, alt;
	uint32_t offset, size;
	uint8_t first;
	bool writable;
};

static enum dfu_status fake_write(void *flash, unsigned alt, uint32_t offset, const uint8_t *data, uint32_t size)
{
	struct fake *f = flash;
	f->writes++;
	f->alt = alt;
	f->offset = offset;
	f->size = size;
	f->first = data[0];
	return f->next;
}

static bool fake_read(void *flash, unsigned alt, uint32_t offset, uint8_t *data, uint32_t size)
{
	struct fake *f = flash;
	f->reads++;
	f->offset = offset;
	memset(data, 0x5a, size);
	return alt != ALT_MUTE;
}

static void fake_protect(void *flash, unsigned alt, bool on)
{
	struct fake *f = flash;
	(void)alt;
	f->writable = !on;
}

static const struct dfu_flash_ops ops = { fake_write, fake_read, fake_protect };

struct rig {
	struct fake flash;
	struct dfu_device d;
	uint8_t data[8192];
	uint32_t answered;
};

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof *r);
	dfu_device_init(&r->d, alts, ALT_COUNT, &ops, &r->flash);
	r->d.alt = ALT_OPEN;
}

/* A whole control transfer; false: stalled. */
static bool ask(struct rig *r, uint8_t type, uint8_t request, uint16_t value, uint16_t length)
{
	const struct usb_setup s = { type, request, value, 0, length };
	if (!dfu_device_setup(&r->d, &s, r->data, &r->answered))
		return false;
	dfu_device_ack(&r->d);
	return true;
}

/* What GETSTATUS says: the state, after checking that the rest is the fixed part. */
static enum dfu_state status(struct rig *r, enum dfu_status want)
{
	assert_true(ask(r, IN, DFU_GETSTATUS, 0, 6));
	assert_int_equal(r->answered, 6);
	assert_int_equal(r->data[0], want);
	assert_int_equal(r->data[1] | r->data[2] | r->data[3], 0); /* bwPollTimeout is always 0 */
	assert_int_equal(r->data[5], 0);
	return (enum dfu_state)r->data[4];
}

/* ---- every request in every resting state ---- */

static void to_idle(struct rig *r)
{
	(void)r;
}

static void to_dnload_sync(struct rig *r)
{
	assert_true(ask(r, OUT, DFU_DNLOAD, 3, 4096));
}

static void to_written(struct rig *r) /* dfuDNLOAD-SYNC, nothing outstanding */
{
	to_dnload_sync(r);
	assert_int_equal(status(r, DFU_OK), DFU_DNBUSY);
}

static void to_dnload_idle(struct rig *r)
{
	to_written(r);
	assert_int_equal(status(r, DFU_OK), DFU_DNLOAD_IDLE);
}

static void to_manifest_sync(struct rig *r)
{
	to_dnload_idle(r);
	assert_true(ask(r, OUT, DFU_DNLOAD, 4, 0));
}

static void to_manifested(struct rig *r)
{
	to_manifest_sync(r);
	assert_int_equal(status(r, DFU_OK), DFU_MANIFEST);
}

static void to_error(struct rig *r)
{
	r->flash.next = DFU_ERR_VERIFY;
	to_dnload_sync(r);
	assert_int_equal(status(r, DFU_OK), DFU_DNBUSY);
	assert_int_equal(r->d.state, DFU_ERROR);
}

#define STALL 99

static const struct place {
	void (*reach)(struct rig *);
	enum dfu_state state;
	/* the state after DNLOAD(4096), DNLOAD(0), UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT; or STALL */
	unsigned after[7];
} places[] = {
	{ to_idle, DFU_IDLE, { DFU_DNLOAD_SYNC, DFU_MANIFEST_SYNC, DFU_IDLE, DFU_IDLE, DFU_IDLE, DFU_IDLE, DFU_IDLE } },
	{ to_dnload_sync, DFU_DNLOAD_SYNC,
	    { STALL, STALL, DFU_DNLOAD_SYNC, DFU_DNLOAD_SYNC, DFU_IDLE, DFU_DNLOAD_SYNC, DFU_IDLE } },
	{ to_written, DFU_DNLOAD_SYNC,
	    { STALL, STALL, DFU_DNLOAD_SYNC, DFU_DNLOAD_IDLE, DFU_IDLE, DFU_DNLOAD_SYNC, DFU_IDLE } },
	{ to_dnload_idle, DFU_DNLOAD_IDLE,
	    { DFU_DNLOAD_SYNC, DFU_MANIFEST_SYNC, DFU_DNLOAD_IDLE, DFU_DNLOAD_IDLE, DFU_IDLE, DFU_DNLOAD_IDLE,
		DFU_IDLE } },
	{ to_manifest_sync, DFU_MANIFEST_SYNC,
	    { STALL, STALL, DFU_MANIFEST_SYNC, DFU_MANIFEST_SYNC, DFU_IDLE, DFU_MANIFEST_SYNC, DFU_IDLE } },
	{ to_manifested, DFU_MANIFEST_SYNC,
	    { STALL, STALL, DFU_MANIFEST_SYNC, DFU_IDLE, DFU_IDLE, DFU_MANIFEST_SYNC, DFU_IDLE } },
	{ to_error, DFU_ERROR, { STALL, STALL, DFU_ERROR, DFU_ERROR, DFU_IDLE, DFU_ERROR, DFU_IDLE } },
};

static void every_request_in_every_state(void **state)
{
	(void)state;
	static const struct {
		uint8_t type, request;
		uint16_t length;
	} requests[7] = { { OUT, DFU_DNLOAD, 4096 }, { OUT, DFU_DNLOAD, 0 }, { IN, DFU_UPLOAD, 4096 },
		{ IN, DFU_GETSTATUS, 6 }, { OUT, DFU_CLRSTATUS, 0 }, { IN, DFU_GETSTATE, 1 }, { OUT, DFU_ABORT, 0 } };
	static struct rig r;
	for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
		for (unsigned q = 0; q < 7; q++) {
			rig_init(&r);
			places[p].reach(&r);
			assert_int_equal(r.d.state, places[p].state);
			bool ok = ask(&r, requests[q].type, requests[q].request, 5, requests[q].length);
			unsigned want = places[p].after[q];
			if (ok != (want != STALL) || r.d.state != (want == STALL ? places[p].state : want))
				fail_msg("place %zu request %u: ok %d state %d", p, q, ok, (int)r.d.state);
		}
	}
}

/* ---- one by one ---- */

static void a_block_is_written_once_and_late(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	r.data[0] = 0x42;
	assert_true(ask(&r, OUT, DFU_DNLOAD, 7, 4096));
	assert_int_equal(r.flash.writes, 0);
	const struct usb_setup get = { IN, DFU_GETSTATUS, 0, 0, 6 };
	assert_true(dfu_device_setup(&r.d, &get, r.data, &r.answered));
	assert_int_equal(r.data[4], DFU_DNBUSY);
	assert_int_equal(r.flash.writes, 0); /* only when the host has its answer */
	dfu_device_ack(&r.d);
	assert_int_equal(r.flash.writes, 1);
	assert_int_equal(r.flash.alt, ALT_OPEN);
	assert_int_equal(r.flash.offset, 7 * 4096);
	assert_int_equal(r.flash.size, 4096);
	assert_int_equal(r.flash.first, 0x42);
	assert_int_equal(status(&r, DFU_OK), DFU_DNLOAD_IDLE);
	assert_int_equal(status(&r, DFU_OK), DFU_DNLOAD_IDLE);
	assert_int_equal(r.flash.writes, 1);
}

static void errors_have_their_status(void **state)
{
	(void)state;
	static const struct {
		unsigned alt;
		uint16_t block, length;
		enum dfu_status flash, want;
		unsigned writes;
	} rows[] = {
		{ ALT_LOCKED, 0, 4096, DFU_OK, DFU_ERR_WRITE, 0 },
		{ ALT_OPEN, 16, 1, DFU_OK, DFU_ERR_ADDRESS, 0 },
		{ ALT_OPEN, 65535, 4096, DFU_OK, DFU_ERR_ADDRESS, 0 },
		{ ALT_OPEN, 15, 4096, DFU_OK, DFU_OK, 1 },
		{ ALT_OPEN, 0, 4096, DFU_ERR_ERASE, DFU_ERR_ERASE, 1 },
	};
	static struct rig r;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig_init(&r);
		r.d.alt = rows[i].alt;
		r.flash.next = rows[i].flash;
		assert_true(ask(&r, OUT, DFU_DNLOAD, rows[i].block, rows[i].length));
		assert_int_equal(status(&r, DFU_OK), DFU_DNBUSY);
		assert_int_equal(status(&r, rows[i].want), rows[i].want == DFU_OK ? DFU_DNLOAD_IDLE : DFU_ERROR);
		assert_int_equal(r.flash.writes, rows[i].writes);
		assert_true(ask(&r, OUT, DFU_CLRSTATUS, 0, 0));
		assert_int_equal(status(&r, DFU_OK), DFU_IDLE);
	}
}

static void an_upload_loses_the_block_that_waits(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	to_dnload_sync(&r);
	assert_true(ask(&r, IN, DFU_UPLOAD, 0, 4096));
	assert_int_equal(status(&r, DFU_OK), DFU_DNLOAD_IDLE);
	assert_int_equal(r.flash.writes, 0);
}

static void uploads_are_random_access_and_end_with_four_zeros(void **state)
{
	(void)state;
	static struct rig r;
	static const struct {
		uint16_t block, length;
		uint32_t answered;
		uint8_t byte;
	} rows[] = { { 15, 4096, 4096, 0x5a }, { 2, 64, 64, 0x5a }, { 0, 0, 0, 0 }, { 16, 4096, 4, 0 },
		{ 15, 4096, 4096, 0x5a }, { 16, 1, 1, 0 }, { 16, 0, 0, 0 }, { 65535, 4096, 4, 0 } };
	rig_init(&r);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memset(r.data, 0xee, sizeof r.data);
		assert_true(ask(&r, IN, DFU_UPLOAD, rows[i].block, rows[i].length));
		assert_int_equal(r.answered, rows[i].answered);
		if (rows[i].answered)
			assert_int_equal(r.data[rows[i].answered - 1], rows[i].byte);
		assert_int_equal(r.data[rows[i].answered], 0xee);
	}
}

static void what_cannot_be_read_is_an_error_without_bytes(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	r.d.alt = ALT_MUTE;
	assert_true(ask(&r, IN, DFU_UPLOAD, 0, 4096));
	assert_int_equal(r.answered, 0);
	assert_int_equal(status(&r, DFU_ERR_FILE), DFU_ERROR);
}

static void too_long_and_unknown_stall(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	assert_false(ask(&r, OUT, DFU_DNLOAD, 0, 4097));
	assert_false(ask(&r, IN, DFU_UPLOAD, 0, 4097));
	assert_false(ask(&r, OUT, 7, 0, 0));
	assert_false(ask(&r, IN, DFU_DNLOAD, 0, 16));
	assert_false(ask(&r, OUT, DFU_UPLOAD, 0, 16));
	assert_false(ask(&r, 0x41, DFU_DNLOAD, 0, 16));
	assert_int_equal(r.d.state, DFU_IDLE);
	assert_int_equal(status(&r, DFU_OK), DFU_IDLE);
}

static void alternates_are_chosen_and_start_afresh(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	to_error(&r);
	assert_true(ask(&r, 0x01, 11, ALT_LOCKED, 0));
	assert_int_equal(status(&r, DFU_OK), DFU_IDLE);
	assert_true(ask(&r, 0x81, 10, 0, 1));
	assert_int_equal(r.data[0], ALT_LOCKED);
	assert_false(ask(&r, 0x01, 11, ALT_COUNT, 0));
	assert_false(ask(&r, 0x01, 5, 0, 0));
	assert_int_equal(r.d.alt, ALT_LOCKED);
}

static void block_0_opens_and_manifestation_closes(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	assert_true(ask(&r, OUT, DFU_DNLOAD, 3, 4096));
	status(&r, DFU_OK);
	assert_false(r.flash.writable);
	status(&r, DFU_OK);
	assert_true(ask(&r, OUT, DFU_DNLOAD, 0, 4096));
	status(&r, DFU_OK);
	assert_true(r.flash.writable);
	status(&r, DFU_OK);
	assert_true(ask(&r, OUT, DFU_DNLOAD, 1, 0));
	assert_true(r.flash.writable);
	assert_int_equal(status(&r, DFU_OK), DFU_MANIFEST);
	assert_false(r.flash.writable);
	assert_int_equal(status(&r, DFU_OK), DFU_IDLE);
}

static void only_an_upload_or_a_pending_status_latches(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	status(&r, DFU_OK);
	ask(&r, IN, DFU_GETSTATE, 0, 1);
	ask(&r, 0x01, 11, ALT_OPEN, 0);
	ask(&r, OUT, DFU_ABORT, 0, 0);
	ask(&r, OUT, DFU_DNLOAD, 0, 4096);
	assert_false(r.d.attached);
	status(&r, DFU_OK);
	assert_true(r.d.attached);
	rig_init(&r);
	ask(&r, IN, DFU_UPLOAD, 0, 16);
	assert_true(r.d.attached);
	dfu_device_reset(&r.d);
	assert_false(r.d.attached);
}

static void detach_counts_once_acknowledged(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	const struct usb_setup s = { OUT, DFU_DETACH, 1000, 0, 0 };
	assert_true(dfu_device_setup(&r.d, &s, r.data, &r.answered));
	assert_false(r.d.detach);
	dfu_device_ack(&r.d);
	assert_true(r.d.detach);
}

static void names_go_both_ways(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DFU_STATUS_COUNT; i++)
		assert_int_equal(dfu_status_from_name(dfu_status_name((enum dfu_status)i)), i);
	assert_int_equal(dfu_status_from_name("errWRITE"), 3);
	assert_int_equal(dfu_status_from_name("errADDRESS"), 8);
	assert_int_equal(dfu_status_from_name("errSTALLEDPKT"), 15);
	assert_int_equal(dfu_status_from_name("write"), DFU_STATUS_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_in_every_state),
		cmocka_unit_test(a_block_is_written_once_and_late),
		cmocka_unit_test(errors_have_their_status),
		cmocka_unit_test(an_upload_loses_the_block_that_waits),
		cmocka_unit_test(uploads_are_random_access_and_end_with_four_zeros),
		cmocka_unit_test(what_cannot_be_read_is_an_error_without_bytes),
		cmocka_unit_test(too_long_and_unknown_stall),
		cmocka_unit_test(alternates_are_chosen_and_start_afresh),
		cmocka_unit_test(block_0_opens_and_manifestation_closes),
		cmocka_unit_test(only_an_upload_or_a_pending_status_latches),
		cmocka_unit_test(detach_counts_once_acknowledged),
		cmocka_unit_test(names_go_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
