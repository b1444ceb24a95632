/* A read run: UPLOAD of consecutive blocks, several queued ahead, since the camera reads at random and the wire must
 * not wait for the host.
 *
 * Reading changes nothing, so a block that failed is asked for once more, after GETSTATUS (and CLRSTATUS where the
 * camera is in dfuERROR) has shown that the camera still talks; what was queued behind it is asked for again too.  A
 * short frame in the middle of a partition is never repaired: the camera has another idea of the partition. */
#include "format/dfu_inner.h"

enum { READ_PREPARE, READ_POINT, READ_POINTING, READ_FLOW, READ_DRAIN, READ_ASK, READ_ASKED, READ_CLEAR, READ_CLEARED };

#define MAX_RETRIES 3 /* in one run; at most one for each block */

static void begin(
    struct dfu_run *r, enum dfu_dialect dialect, const struct partition *partition, uint32_t first, uint32_t count)
{
	*r = (struct dfu_run){
		.kind = DFU_RUN_READ,
		.dialect = dialect,
		.partition = partition,
		.hold_ms = DFU_PLAIN_MS,
		.exchange = { .reached = DFU_STATE_IDLE },
		.read = { .first = first, .base = first, .count = count, .depth = 1, .phase = READ_FLOW },
	};
	if ((uint64_t)first + count > DFU_MAX_BLOCKS)
		dfu_fail(r, CODE_INTERNAL, "block %u has no number in DFU", first + count);
}

void dfu_read_begin(struct dfu_run *r, enum dfu_dialect dialect, const struct partition *partition, uint32_t first,
    uint32_t count, unsigned depth)
{
	begin(r, dialect, partition, first, count);
	if (dialect == DIALECT_DFUSE)
		r->read.phase = READ_PREPARE;
	if (depth > 1)
		r->read.depth = (uint8_t)(depth > DFU_RUN_QUEUE ? DFU_RUN_QUEUE : depth);
}

void dfu_read_continue(struct dfu_run *r, uint32_t base)
{
	r->read.base = base;
	r->read.phase = READ_FLOW;
}

void dfu_peek_begin(struct dfu_run *r, uint32_t block)
{
	begin(r, DIALECT_OPENMV, NULL, block, 1);
	r->read.any_length = true;
}

/* The host has done what it can to make sense of a failed UPLOAD. */
static void retry(struct dfu_run *r)
{
	struct dfu_read *d = &r->read;
	uint32_t block = d->first + d->answered;
	d->phase = READ_FLOW;
	if (d->any_length && d->trouble == DFU_STALLED) {
		d->got = 0;
		d->answered++;
	} else if (d->retries == MAX_RETRIES || d->retried == block + 1) {
		dfu_fail_result(r, DFU_UPLOAD, d->trouble);
	} else {
		d->retries++;
		d->retried = block + 1;
	}
	d->asked = d->answered;
}

/* DfuSe: from any state to dfuIDLE with the address pointer at the first block. */
static struct dfu_action prepare(struct dfu_run *r)
{
	struct dfu_read *d = &r->read;
	if (r->queued)
		return d->phase == READ_POINTING ? dfu_exchange_next(r) : dfu_act(DFU_DO_WAIT);
	switch (d->phase) {
	case READ_PREPARE:
		d->phase = READ_POINT;
		return dfu_send(DFU_ABORT, 0, 0, DFU_PLAIN_MS);
	case READ_POINT:
		d->phase = READ_POINTING;
		dfu_command_begin(
		    r, DFUSE_SET_ADDRESS, (uint32_t)(r->partition->mapped + (uint64_t)d->first * DFU_BLOCK));
		return dfu_exchange_next(r);
	default:
		if (dfu_exchange_state(r) != DFU_EXCHANGE_ACKED)
			return dfu_exchange_next(r);
		d->phase = READ_FLOW;
		return dfu_send(DFU_ABORT, 0, 0, DFU_PLAIN_MS);
	}
}

static struct dfu_action flow(struct dfu_run *r)
{
	struct dfu_read *d = &r->read;
	bool more = d->asked < d->count && !dfu_failed(r);
	if (more && r->stop)
		dfu_fail(r, CODE_ABORTED, "stopped before block %u", d->first + d->asked);
	else if (more && r->queued < d->depth) {
		uint32_t n = d->asked++;
		uint32_t value = d->first + n;
		if (r->dialect == DIALECT_DFUSE)
			value += DFUSE_FIRST_BLOCK - d->base;
		return dfu_send(DFU_UPLOAD, (uint16_t)value, DFU_BLOCK, DFU_PLAIN_MS);
	}
	if (r->queued)
		return dfu_act(DFU_DO_WAIT);
	return dfu_act(dfu_failed(r) ? DFU_DO_FAIL : DFU_DO_DONE);
}

struct dfu_action dfu_read_next(struct dfu_run *r)
{
	struct dfu_read *d = &r->read;
	if (d->phase < READ_FLOW && (d->phase == READ_POINTING || !dfu_failed(r)))
		return prepare(r);
	if (d->phase == READ_FLOW || dfu_failed(r))
		return flow(r);
	if (r->queued)
		return dfu_act(DFU_DO_WAIT);
	if (d->phase == READ_CLEAR) {
		d->phase = READ_CLEARED;
		return dfu_send(DFU_CLRSTATUS, 0, 0, DFU_PLAIN_MS);
	}
	if (d->phase == READ_DRAIN && d->trouble == DFU_BROKEN) {
		d->phase = READ_ASK;
		return dfu_pause(DFU_BROKEN_MS);
	}
	d->phase = READ_ASKED;
	return dfu_send(DFU_GETSTATUS, 0, DFU_STATUS_SIZE, DFU_PLAIN_MS);
}

static bool uploaded(struct dfu_run *r, enum dfu_result result, struct span data)
{
	struct dfu_read *d = &r->read;
	if (dfu_failed(r) || d->phase != READ_FLOW)
		return false;
	switch (result) {
	case DFU_ANSWERED:
		if (data.size != DFU_BLOCK && !d->any_length) {
			dfu_fail(r, CODE_USB_PROTOCOL, "block %u has %zu bytes", d->first + d->answered, data.size);
			return false;
		}
		d->got = (uint16_t)data.size;
		d->answered++;
		return true;
	case DFU_STALLED:
	case DFU_TIMED_OUT:
	case DFU_BROKEN:
		d->trouble = (uint8_t)result;
		d->phase = READ_DRAIN;
		return false;
	case DFU_BABBLED:
	case DFU_GONE:
	case DFU_CANCELLED:
		break;
	}
	dfu_fail_result(r, DFU_UPLOAD, result);
	return false;
}

static void asked(struct dfu_run *r, enum dfu_result result, struct span data)
{
	struct dfu_status s;
	if (result != DFU_ANSWERED || !dfu_status_parse(data, &s)) {
		dfu_fail_result(r, DFU_GETSTATUS, result);
	} else if (s.state == DFU_STATE_ERROR || s.code != DFU_CODE_OK) {
		r->read.phase = READ_CLEAR;
	} else {
		retry(r);
	}
}

bool dfu_read_answer(struct dfu_run *r, unsigned request, enum dfu_result result, struct span data)
{
	struct dfu_read *d = &r->read;
	if (request == DFU_UPLOAD)
		return uploaded(r, result, data);
	if (d->phase == READ_POINTING) {
		dfu_exchange_answer(r, request, result, data);
	} else if (request == DFU_GETSTATUS) {
		asked(r, result, data);
	} else if (request == DFU_CLRSTATUS) {
		if (result == DFU_ANSWERED)
			retry(r);
		else
			dfu_fail_result(r, request, result);
	}
	return false;
}
