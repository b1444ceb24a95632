/* What every run has in common: the queue of transfers that are out, stopping, and failing once. */
#include "format/dfu_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void dfu_fail(struct dfu_run *r, enum code code, const char *fmt, ...)
{
	if (dfu_failed(r))
		return;
	char text[160];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	err_set(&r->err, code, "%s", text);
	/* nothing new goes out; what a silent camera still owes is not waited for */
	r->exchange.send = false;
	r->exchange.asks = 0;
	r->cancel = code == CODE_USB_TIMEOUT || code == CODE_ABORTED;
}

void dfu_fail_result(struct dfu_run *r, unsigned request, enum dfu_result result)
{
	static const struct {
		enum code code;
		const char *text;
	} rows[] = {
		[DFU_ANSWERED] = { CODE_USB_PROTOCOL, "was answered with bytes that make no sense" },
		[DFU_STALLED] = { CODE_USB_PROTOCOL, "was refused (stall)" },
		[DFU_TIMED_OUT] = { CODE_USB_TIMEOUT, "got no answer in time" },
		[DFU_BROKEN] = { CODE_USB_PROTOCOL, "was garbled on the wire" },
		[DFU_BABBLED] = { CODE_USB_PROTOCOL, "was answered with more bytes than asked for" },
		[DFU_GONE] = { CODE_USB_GONE, "found no camera any more" },
		[DFU_CANCELLED] = { CODE_ABORTED, "was given up" },
	};
	dfu_fail(r, rows[result].code, "%s %s", dfu_request_name(request), rows[result].text);
}

void dfu_run_stop(struct dfu_run *r)
{
	r->stop = true;
}

static struct dfu_action next_of(struct dfu_run *r)
{
	switch (r->kind) {
	case DFU_RUN_WRITE:
		return dfu_write_next(r);
	case DFU_RUN_READ:
		return dfu_read_next(r);
	case DFU_RUN_LEAVE:
		return dfu_leave_next(r);
	}
	return dfu_act(DFU_DO_FAIL);
}

struct dfu_action dfu_run_next(struct dfu_run *r)
{
	struct dfu_action a = r->queued < DFU_RUN_QUEUE ? next_of(r) : dfu_act(DFU_DO_WAIT);
	if (r->cancel && a.what == DFU_DO_WAIT) {
		r->cancel = false;
		return dfu_act(DFU_DO_CANCEL);
	}
	if (a.what == DFU_DO_SEND)
		r->queue[r->queued++] = a.request;
	return a;
}

bool dfu_run_answer(struct dfu_run *r, enum dfu_result result, struct span data)
{
	if (!r->queued)
		return false;
	unsigned request = r->queue[0];
	memmove(r->queue, r->queue + 1, --r->queued);
	switch (r->kind) {
	case DFU_RUN_WRITE:
		dfu_exchange_answer(r, request, result, data);
		return false;
	case DFU_RUN_READ:
		return dfu_read_answer(r, request, result, data);
	case DFU_RUN_LEAVE:
		dfu_leave_answer(r, request, result, data);
		return false;
	}
	return false;
}
