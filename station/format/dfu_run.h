/* A run: the decisions of one piece of DFU work, apart from USB.  The owner asks what to do next, does it, and feeds
 * the answers back; the run never sees a clock, a device or a byte of flash.
 *
 *     begin -> { next -> SEND ... -> WAIT, answer } ... -> DONE | FAIL
 *
 * Order: call next until it answers WAIT, PAUSE, DONE or FAIL; feed exactly one answer per SEND, oldest first (a
 * control endpoint serves strictly in order); call next again after each answer.  After PAUSE call next ms later.
 * CANCEL asks the owner to give up every transfer that is out; each still gets its answer.  DONE and FAIL come only
 * with nothing outstanding.  A run ends within a bounded number of steps, whatever the answers are.
 *
 * Pure: no allocation; every pointer is borrowed for the life of the run. */
#ifndef STATION_FORMAT_DFU_RUN_H
#define STATION_FORMAT_DFU_RUN_H

#include "format/dfu_proto.h"
#include "format/plan.h"

#define DFU_RUN_QUEUE  4     /* most transfers out at once */
#define DFU_PLAIN_MS   5000  /* for a transfer that touches no flash */
#define DFU_DETACH_MS  1000  /* wDetachTimeOut of the OpenMV bootloader */
#define DFU_BROKEN_MS  100   /* after a broken transfer: long enough for an unplugged device to be noticed */
#define DFU_MAX_BLOCKS 65533 /* so that every block has a number in both dialects */

/* How a control transfer ended. */
enum dfu_result {
	DFU_ANSWERED,
	DFU_STALLED,
	DFU_TIMED_OUT, /* given up by the host: the camera may have taken it or not */
	DFU_BROKEN,    /* the bus garbled it: the same doubt */
	DFU_BABBLED,   /* it sent more than was asked for */
	DFU_GONE,
	DFU_CANCELLED
};

enum dfu_do { DFU_DO_SEND, DFU_DO_WAIT, DFU_DO_PAUSE, DFU_DO_CANCEL, DFU_DO_DONE, DFU_DO_FAIL };

struct dfu_action {
	enum dfu_do what;
	uint8_t request; /* SEND: enum dfu_request */
	uint16_t value, length;
	const uint8_t *bytes; /* SEND of a DNLOAD: what goes out; NULL: the bytes of steps[step] */
	uint32_t step;
	uint32_t ms; /* SEND: the deadline, counted from now; PAUSE: how long */
};

enum dfu_run_kind { DFU_RUN_WRITE, DFU_RUN_READ, DFU_RUN_LEAVE };

/* One DNLOAD up to the camera's word that it is done; see dfu_exchange.c. */
struct dfu_exchange {
	uint16_t value, length;
	const uint8_t *bytes;
	uint32_t step;
	bool manifest;
	uint8_t before;  /* enum dfu_state in which the DNLOAD finds the camera */
	uint8_t reached; /* the last state it told */
	bool pair;       /* learned: it says dfuDNBUSY with poll timeout 0, so both GETSTATUS may be queued at once */
	bool send;       /* the DNLOAD is due */
	uint8_t asks;    /* GETSTATUS that are due */
	uint8_t dnload;  /* enum: what became of the DNLOAD */
	bool taken;      /* a busy state was seen after it */
	bool finished, untaken, clear;
	uint8_t resends, lost, silent; /* lost: GETSTATUS without a usable answer; silent: without any */
	uint32_t polls, pause_ms, waited_ms;
};

struct dfu_write {
	const struct plan_step *steps;
	uint32_t count, acked;
	bool last;       /* the exchange that runs is the step's last one */
	uint8_t stage;   /* DfuSe: which command of the step is next */
	uint32_t erased; /* DfuSe: sectors of the step's unit that were */
	bool pointed;    /* DfuSe: the address pointer is at block `base` */
	bool settled;    /* DfuSe: the pause behind the last step is over */
	uint32_t base;
};

struct dfu_read {
	uint32_t first, count, asked, answered;
	uint32_t base;   /* DfuSe: the block at the address pointer */
	uint16_t got;    /* bytes of the last frame */
	bool any_length; /* a short frame, or a refusal, is an answer */
	uint8_t phase, depth, trouble, retries;
	uint32_t retried; /* one above the block that was asked for again last; 0: none */
};

struct dfu_run {
	enum dfu_run_kind kind;
	enum dfu_dialect dialect;
	const struct partition *partition; /* DfuSe: its mapped address */
	uint32_t hold_ms;                  /* how long the camera may hold GETSTATUS over flash work */
	uint32_t settle_ms; /* DfuSe write: what it acknowledged last may be in its flash only so much later */
	struct err err;     /* why it failed */
	uint8_t queue[DFU_RUN_QUEUE]; /* requests that are out, oldest first */
	unsigned queued;
	bool stop, cancel, prepared;
	uint8_t command[5]; /* DfuSe: the command on its way */
	uint8_t phase;      /* of a leave */
	struct dfu_exchange exchange;
	union {
		struct dfu_write write;
		struct dfu_read read;
	};
};

/* Steps of one partition, in order, on an alternate that was just selected.  write.acked counts the steps that the
 * camera acknowledged. */
void dfu_write_begin(struct dfu_run *r, enum dfu_dialect dialect, const struct partition *partition, uint32_t hold_ms,
    const struct plan_step *steps, uint32_t count);
/* Blocks first .. first + count - 1, each 4096 bytes.  depth: how many UPLOADs may be out at once. */
void dfu_read_begin(struct dfu_run *r, enum dfu_dialect dialect, const struct partition *partition, uint32_t first,
    uint32_t count, unsigned depth);
/* DfuSe, behind dfu_read_begin: the read before this one, of the same partition, left the camera in dfuUPLOAD-IDLE with
 * its address pointer at block base, which is not behind `first`: nothing needs to be prepared. */
void dfu_read_continue(struct dfu_run *r, uint32_t base);
/* One UPLOAD whose frame may have any length; read.got tells.  Latches a camera, and finds the end of a partition. */
void dfu_peek_begin(struct dfu_run *r, uint32_t block);
/* Sends the camera to its firmware. */
void dfu_leave_begin(struct dfu_run *r, enum dfu_dialect dialect);

struct dfu_action dfu_run_next(struct dfu_run *r);
/* True: these are the bytes of the next block of a read, in order, to be kept; else the data is of no more use. */
bool dfu_run_answer(struct dfu_run *r, enum dfu_result result, struct span data);
/* Ends the run with `aborted` before its next block.  May be called at any time. */
void dfu_run_stop(struct dfu_run *r);

#endif
