/* A leave run: the camera goes to its firmware.
 *
 * OpenMV: DETACH, obeyed in every state.  DfuSe: a zero-length DNLOAD from an idle state, then the GETSTATUS that sets
 * it off.  A camera that goes may take its last answer with it, so every end but silence counts as gone; that it went
 * is confirmed by its arrival elsewhere. */
#include "format/dfu_inner.h"

enum { LEAVE_ASK, LEAVE_JUDGE, LEAVE_CLEAR, LEAVE_ABORT, LEAVE_DNLOAD, LEAVE_START, LEAVE_DETACH, LEAVE_LAST };

void dfu_leave_begin(struct dfu_run *r, enum dfu_dialect dialect)
{
	*r = (struct dfu_run){
		.kind = DFU_RUN_LEAVE,
		.dialect = dialect,
		.hold_ms = DFU_PLAIN_MS,
		.phase = dialect == DIALECT_DFUSE ? LEAVE_ASK : LEAVE_DETACH,
	};
}

static struct dfu_action send_and(struct dfu_run *r, uint8_t phase, struct dfu_action a)
{
	r->phase = phase;
	return a;
}

struct dfu_action dfu_leave_next(struct dfu_run *r)
{
	if (r->queued)
		return dfu_act(DFU_DO_WAIT);
	if (dfu_failed(r))
		return dfu_act(DFU_DO_FAIL);
	switch (r->phase) {
	case LEAVE_ASK:
		return send_and(r, LEAVE_JUDGE, dfu_send(DFU_GETSTATUS, 0, DFU_STATUS_SIZE, DFU_PLAIN_MS));
	case LEAVE_CLEAR:
		return send_and(r, LEAVE_DNLOAD, dfu_send(DFU_CLRSTATUS, 0, 0, DFU_PLAIN_MS));
	case LEAVE_ABORT:
		return send_and(r, LEAVE_DNLOAD, dfu_send(DFU_ABORT, 0, 0, DFU_PLAIN_MS));
	case LEAVE_DNLOAD:
		return send_and(r, LEAVE_START, dfu_send(DFU_DNLOAD, 0, 0, DFU_PLAIN_MS));
	case LEAVE_START:
		return send_and(r, LEAVE_LAST, dfu_send(DFU_GETSTATUS, 0, DFU_STATUS_SIZE, DFU_PLAIN_MS));
	case LEAVE_DETACH:
		return send_and(r, LEAVE_LAST, dfu_send(DFU_DETACH, DFU_DETACH_MS, 0, DFU_PLAIN_MS));
	default:
		return dfu_act(DFU_DO_DONE);
	}
}

void dfu_leave_answer(struct dfu_run *r, unsigned request, enum dfu_result result, struct span data)
{
	struct dfu_status s;
	if (result == DFU_TIMED_OUT || result == DFU_CANCELLED || (result == DFU_GONE && r->phase < LEAVE_START)) {
		dfu_fail_result(r, request, result);
		return;
	}
	if (r->phase != LEAVE_JUDGE)
		return;
	if (result != DFU_ANSWERED || !dfu_status_parse(data, &s))
		dfu_fail_result(r, request, result);
	else if (s.state == DFU_STATE_ERROR)
		r->phase = LEAVE_CLEAR;
	else if (s.state == DFU_STATE_UPLOAD_IDLE)
		r->phase = LEAVE_ABORT;
	else
		r->phase = LEAVE_DNLOAD;
}
