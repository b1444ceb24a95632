/* Drives a run with arbitrary answers and checks what must hold whatever a camera says: it ends within a bound, asks
 * in the legal order, and sends a block again only after a GETSTATUS that showed an idle camera.  Shared by the unit
 * test and the fuzz target; aborts on a breach. */
#ifndef TESTS_DFU_DRIVE_H
#define TESTS_DFU_DRIVE_H

#include "format/dfu_run.h"

#include <stdlib.h>
#include <string.h>

typedef uint8_t drive_byte(void *context);

struct drive {
	drive_byte *byte;
	void *context;
	uint32_t sent_step; /* the newest plan step whose DNLOAD went out, from 1 */
	bool idle_since;    /* an idle state was told since */
	unsigned steps, out;
	uint8_t requests[DFU_RUN_QUEUE];
};

static inline void drive_demand(bool holds)
{
	if (!holds)
		abort();
}

static inline void drive_send(struct drive *d, const struct dfu_run *r, const struct dfu_action *a)
{
	drive_demand(d->out < DFU_RUN_QUEUE && a->ms > 0 && a->ms <= 3 * (DFU_PLAIN_MS + r->hold_ms));
	d->requests[d->out++] = a->request;
	if (a->request != DFU_DNLOAD || a->bytes || r->kind != DFU_RUN_WRITE)
		return;
	drive_demand(a->step == r->write.acked && a->step < r->write.count);
	if (a->step + 1 == d->sent_step)
		drive_demand(d->idle_since);
	d->sent_step = a->step + 1;
	d->idle_since = false;
}

/* An answer: mostly sensible, so that runs get somewhere. */
static inline void drive_answer(struct drive *d, struct dfu_run *r)
{
	static const uint8_t data[DFU_BLOCK + 8];
	static const uint8_t likely[] = { DFU_STATE_DNBUSY, DFU_STATE_DNLOAD_IDLE, DFU_STATE_DNLOAD_IDLE,
		DFU_STATE_IDLE };
	uint8_t status[DFU_STATUS_SIZE] = { 0 }, choice = d->byte(d->context), request = d->requests[0];
	enum dfu_result result = choice < 200 ? DFU_ANSWERED : (enum dfu_result)(choice % (DFU_CANCELLED + 1));
	struct span span = { data, 0 };
	if (request == DFU_UPLOAD)
		span.size = choice < 190 ? DFU_BLOCK : d->byte(d->context);
	if (request == DFU_GETSTATUS) {
		status[4] = likely[choice % 4];
		if (choice >= 150) {
			status[4] = d->byte(d->context) % (DFU_STATE_COUNT + 1);
			status[0] = d->byte(d->context) % (DFU_CODE_COUNT + 1);
			status[1 + choice % 3] = d->byte(d->context);
		}
		span = span_of(status, choice == 199 ? 5 : DFU_STATUS_SIZE);
	}
	if (request == DFU_GETSTATUS && result == DFU_ANSWERED && span.size == DFU_STATUS_SIZE)
		d->idle_since |= status[0] == 0 && (status[4] == DFU_STATE_IDLE || status[4] == DFU_STATE_DNLOAD_IDLE);
	memmove(d->requests, d->requests + 1, --d->out);
	bool keep = dfu_run_answer(r, result, span);
	drive_demand(!keep || (request == DFU_UPLOAD && result == DFU_ANSWERED));
}

/* Runs to the end; true: done. */
static inline bool drive(struct dfu_run *r, drive_byte *byte, void *context, unsigned bound)
{
	struct drive d = { .byte = byte, .context = context };
	for (;;) {
		struct dfu_action a = dfu_run_next(r);
		drive_demand(d.steps++ < bound);
		switch (a.what) {
		case DFU_DO_SEND:
			drive_send(&d, r, &a);
			break;
		case DFU_DO_WAIT:
			drive_demand(d.out > 0);
			drive_answer(&d, r);
			break;
		case DFU_DO_PAUSE:
			drive_demand(d.out == 0 && a.ms > 0 && a.ms <= r->hold_ms + DFU_BROKEN_MS);
			break;
		case DFU_DO_CANCEL:
			drive_demand(d.out > 0);
			break;
		case DFU_DO_DONE:
			drive_demand(d.out == 0 && r->err.code == CODE_OK);
			return true;
		case DFU_DO_FAIL:
			drive_demand(d.out == 0 && r->err.code != CODE_OK && r->err.msg[0]);
			return false;
		}
	}
}

#endif
