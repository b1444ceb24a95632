/* The engine below a run: a ring of transfers, submitted at its head, judged in order, taken out at its tail.
 *
 *     tail                    judged                head
 *      | HELD: for the sink ... | LANDED / FLYING ... | free
 *
 * The lock covers everything in struct xfer.  It is held over submit and cancel, never over open, close or a sink;
 * libusb calls back without locks of its own that those take. */
#include "transport/dfu_xfer.h"

#include "os/clock.h"
#include "os/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define READ_BATCH 6    /* blocks held before the sink's thread is woken */
#define GRACE_MS   3000 /* on top of a transfer's own deadline, which libusb keeps */
#define STRING_MS  1000
#define ENGLISH    0x0409
#define LOST       "the host's USB stack does not give a transfer back"

enum slot_state { SLOT_FREE, SLOT_FLYING, SLOT_LANDED, SLOT_HELD };

struct slot {
	struct libusb_transfer *transfer; /* owned */
	struct xfer *owner;               /* borrowed */
	enum slot_state state;
	enum dfu_result result;
	uint32_t size;
	uint8_t buffer[LIBUSB_CONTROL_SETUP_SIZE + DFU_BLOCK];
};

struct xfer {
	pthread_mutex_t lock;
	pthread_cond_t changed;       /* CLOCK_MONOTONIC */
	libusb_device_handle *device; /* borrowed */
	atomic_bool *cancel;          /* borrowed */
	uint8_t interface;
	struct slot *slots;          /* owned: XFER_SLOTS */
	unsigned head, judged, tail; /* ever growing; modulo XFER_SLOTS */
	unsigned flying;
	struct dfu_run *run; /* borrowed while it runs; NULL: a single request */
	const struct xfer_job *job;
	bool paused, ended, waiting, gave_up, lost;
	int64_t resume_at, overdue_at;
};

static struct slot *slot_at(struct xfer *x, unsigned n)
{
	return &x->slots[n % XFER_SLOTS];
}

/* --- one transfer ------------------------------------------------------------------------------------------------- */

static enum dfu_result result_of_status(enum libusb_transfer_status status)
{
	switch (status) {
	case LIBUSB_TRANSFER_COMPLETED:
		return DFU_ANSWERED;
	case LIBUSB_TRANSFER_STALL:
		return DFU_STALLED;
	case LIBUSB_TRANSFER_TIMED_OUT:
		return DFU_TIMED_OUT;
	case LIBUSB_TRANSFER_NO_DEVICE:
		return DFU_GONE;
	case LIBUSB_TRANSFER_OVERFLOW:
		return DFU_BABBLED;
	case LIBUSB_TRANSFER_CANCELLED:
		return DFU_CANCELLED;
	case LIBUSB_TRANSFER_ERROR:
		break;
	}
	return DFU_BROKEN;
}

static void pump(struct xfer *x);

static unsigned held(const struct xfer *x)
{
	return x->judged - x->tail;
}

static void wake(struct xfer *x)
{
	if (x->waiting && (x->ended || x->paused || held(x) >= READ_BATCH || !x->flying))
		pthread_cond_signal(&x->changed);
}

/* A transfer goes to the event thread and back through the kernel, which orders its fields; ThreadSanitizer cannot see
 * that, but sees this. */
static atomic_uint handed_over;

static void LIBUSB_CALL landed(struct libusb_transfer *t)
{
	(void)atomic_load_explicit(&handed_over, memory_order_acquire);
	struct slot *s = t->user_data;
	struct xfer *x = s->owner;
	pthread_mutex_lock(&x->lock);
	s->state = SLOT_LANDED;
	s->result = result_of_status(t->status);
	s->size = t->actual_length > 0 ? (uint32_t)t->actual_length : 0;
	x->flying--;
	if (x->run)
		pump(x);
	wake(x);
	pthread_mutex_unlock(&x->lock);
}

/* The data of an OUT transfer is in the buffer already. */
static void submit(
    struct xfer *x, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length, uint32_t ms)
{
	struct slot *s = slot_at(x, x->head++);
	int64_t overdue = clock_mono_ms() + ms + GRACE_MS;
	libusb_fill_control_setup(s->buffer, type, request, value, index, length);
	libusb_fill_control_transfer(s->transfer, x->device, s->buffer, landed, s, ms);
	s->state = SLOT_FLYING;
	x->flying++;
	if (overdue > x->overdue_at)
		x->overdue_at = overdue;
	atomic_fetch_add_explicit(&handed_over, 1, memory_order_release);
	int r = libusb_submit_transfer(s->transfer);
	if (!r)
		return;
	x->flying--;
	s->state = SLOT_LANDED;
	s->result = r == LIBUSB_ERROR_NO_DEVICE ? DFU_GONE : DFU_BROKEN;
	s->size = 0;
}

static void cancel_flying(struct xfer *x)
{
	for (unsigned i = x->judged; i != x->head; i++)
		if (slot_at(x, i)->state == SLOT_FLYING)
			libusb_cancel_transfer(slot_at(x, i)->transfer);
}

/* --- a run -------------------------------------------------------------------------------------------------------- */

static void send(struct xfer *x, const struct dfu_action *a)
{
	uint8_t *data = slot_at(x, x->head)->buffer + LIBUSB_CONTROL_SETUP_SIZE;
	if (a->bytes)
		memcpy(data, a->bytes, a->length);
	else if (a->request == DFU_DNLOAD && a->length)
		plan_block(x->job->regions, &x->job->steps[a->step], data);
	bool in = a->request == DFU_UPLOAD || a->request == DFU_GETSTATUS || a->request == DFU_GETSTATE;
	submit(x, in ? DFU_TYPE_IN : DFU_TYPE_OUT, a->request, a->value, x->interface, a->length, a->ms);
}

/* Does what the run says until it has to wait for something. */
static void act(struct xfer *x)
{
	while (!x->ended && !x->paused && x->head - x->tail < XFER_SLOTS) {
		struct dfu_action a = dfu_run_next(x->run);
		switch (a.what) {
		case DFU_DO_SEND:
			send(x, &a);
			break;
		case DFU_DO_WAIT:
			return;
		case DFU_DO_PAUSE:
			x->paused = true;
			x->resume_at = clock_mono_ms() + a.ms;
			if (x->overdue_at < x->resume_at + GRACE_MS)
				x->overdue_at = x->resume_at + GRACE_MS;
			break;
		case DFU_DO_CANCEL:
			cancel_flying(x);
			break;
		case DFU_DO_DONE:
		case DFU_DO_FAIL:
			x->ended = true;
			break;
		}
	}
}

static void drop_free(struct xfer *x)
{
	while (x->tail != x->judged && slot_at(x, x->tail)->state == SLOT_FREE)
		x->tail++;
}

/* Feeds the oldest answer to the run; false when it is not there yet. */
static bool judge_one(struct xfer *x)
{
	struct slot *s = slot_at(x, x->judged);
	if (x->judged == x->head || s->state != SLOT_LANDED)
		return false;
	const uint8_t *setup = s->buffer;
	bool in = setup[0] & LIBUSB_ENDPOINT_IN;
	enum dfu_result result = s->result;
	if (!in && result == DFU_ANSWERED && s->size != (uint32_t)(setup[6] | setup[7] << 8))
		result = DFU_BROKEN;
	struct span data = { s->buffer + LIBUSB_CONTROL_SETUP_SIZE, in && result == DFU_ANSWERED ? s->size : 0 };
	s->state = dfu_run_answer(x->run, result, data) && x->job->sink ? SLOT_HELD : SLOT_FREE;
	x->judged++;
	drop_free(x);
	return true;
}

static void pump(struct xfer *x)
{
	uint32_t acked = x->run->kind == DFU_RUN_WRITE ? x->run->write.acked : 0;
	do {
		if (x->cancel && atomic_load_explicit(x->cancel, memory_order_relaxed))
			dfu_run_stop(x->run);
		act(x);
	} while (judge_one(x));
	if (x->run->kind == DFU_RUN_WRITE && x->job->progress && x->run->write.acked != acked)
		x->job->progress(x->job->context, x->job->progress_base + (uint64_t)x->run->write.acked * DFU_BLOCK);
}

/* --- the waiting thread ------------------------------------------------------------------------------------------- */

/* libusb kept a transfer beyond its deadline: take it back by force, once; then it is lost. */
static void overdue(struct xfer *x)
{
	log_error("usb: a transfer is %s", x->gave_up ? "lost" : "overdue");
	x->lost = x->gave_up;
	x->gave_up = true;
	x->overdue_at = clock_mono_ms() + GRACE_MS;
	cancel_flying(x);
}

static void wait_for_change(struct xfer *x)
{
	int64_t until = x->paused && x->resume_at < x->overdue_at ? x->resume_at : x->overdue_at;
	int64_t now = clock_mono_ms();
	if (x->paused && now >= x->resume_at) {
		x->paused = false;
		pump(x);
		return;
	}
	if (now >= x->overdue_at) {
		overdue(x);
		return;
	}
	struct timespec deadline = clock_deadline(until - now);
	x->waiting = true;
	pthread_cond_clockwait(&x->changed, &x->lock, CLOCK_MONOTONIC, &deadline);
	x->waiting = false;
}

/* Gives the oldest held block to the sink, without the lock. */
static bool give(struct xfer *x, uint32_t *offset, struct err *e)
{
	const struct xfer_job *job = x->job;
	struct slot *s = slot_at(x, x->tail);
	uint32_t left = job->sink_end - *offset;
	struct span data = { s->buffer + LIBUSB_CONTROL_SETUP_SIZE, s->size < left ? s->size : left };
	pthread_mutex_unlock(&x->lock);
	bool ok = job->sink(job->context, *offset, data, e);
	pthread_mutex_lock(&x->lock);
	*offset += (uint32_t)data.size;
	s->state = SLOT_FREE;
	drop_free(x);
	return ok;
}

static void reset(struct xfer *x, struct dfu_run *run, const struct xfer_job *job)
{
	x->run = run;
	x->job = job;
	x->head = x->judged = x->tail = 0;
	x->paused = x->ended = x->gave_up = false;
	x->overdue_at = clock_mono_ms() + GRACE_MS;
}

bool xfer_run(struct xfer *x, struct dfu_run *run, const struct xfer_job *job, struct err *e)
{
	uint32_t offset = job->sink_offset;
	bool sunk = true;
	if (x->lost)
		return err_set(e, CODE_USB_TIMEOUT, LOST);
	pthread_mutex_lock(&x->lock);
	reset(x, run, job);
	pump(x);
	while (!x->lost && (!x->ended || held(x))) {
		if (held(x) && sunk) {
			sunk = give(x, &offset, e);
			if (!sunk)
				dfu_run_stop(run);
			pump(x);
		} else if (held(x)) { /* the sink wants no more */
			slot_at(x, x->tail)->state = SLOT_FREE;
			drop_free(x);
			pump(x);
		} else {
			wait_for_change(x);
		}
	}
	x->run = NULL;
	bool gave_up = x->gave_up;
	pthread_mutex_unlock(&x->lock);
	if (!sunk)
		return false;
	if (gave_up)
		return err_set(e, CODE_USB_TIMEOUT, LOST);
	if (run->err.code != CODE_OK)
		return err_set(e, run->err.code, "%s", run->err.msg);
	return true;
}

bool xfer_ask_string(struct xfer *x, uint8_t index, uint8_t out[XFER_STRING_SIZE], uint16_t *got, struct err *e)
{
	static const struct {
		enum code code;
		const char *text;
	} rows[] = {
		[DFU_STALLED] = { CODE_USB_PROTOCOL, "is refused (stall)" },
		[DFU_TIMED_OUT] = { CODE_USB_TIMEOUT, "was not answered in time" },
		[DFU_BROKEN] = { CODE_USB_PROTOCOL, "was garbled on the wire" },
		[DFU_BABBLED] = { CODE_USB_PROTOCOL, "was answered with more bytes than asked for" },
		[DFU_GONE] = { CODE_USB_GONE, "was not answered: the camera is gone" },
		[DFU_CANCELLED] = { CODE_USB_TIMEOUT, "was given up" },
	};
	if (x->lost)
		return err_set(e, CODE_USB_TIMEOUT, LOST);
	pthread_mutex_lock(&x->lock);
	reset(x, NULL, NULL);
	submit(x, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_DESCRIPTOR, (uint16_t)(LIBUSB_DT_STRING << 8 | index), ENGLISH,
	    XFER_STRING_SIZE, STRING_MS);
	struct slot *s = slot_at(x, 0);
	while (s->state == SLOT_FLYING && !x->lost)
		wait_for_change(x);
	enum dfu_result result = x->lost ? DFU_TIMED_OUT : s->result;
	*got = (uint16_t)(result == DFU_ANSWERED && s->size <= XFER_STRING_SIZE ? s->size : 0);
	memcpy(out, s->buffer + LIBUSB_CONTROL_SETUP_SIZE, *got);
	pthread_mutex_unlock(&x->lock);
	return result == DFU_ANSWERED || err_set(e, rows[result].code, "string %u %s", index, rows[result].text);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void free_all(struct xfer *x)
{
	for (unsigned i = 0; x->slots && i < XFER_SLOTS; i++)
		libusb_free_transfer(x->slots[i].transfer);
	free(x->slots);
	pthread_cond_destroy(&x->changed);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

bool xfer_create(struct xfer **out, libusb_device_handle *device, uint8_t interface, atomic_bool *cancel, struct err *e)
{
	struct xfer *x = calloc(1, sizeof *x);
	if (!x)
		return err_set(e, CODE_NO_MEMORY, "no memory for transfers");
	x->device = device;
	x->interface = interface;
	x->cancel = cancel;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->changed, NULL);
	x->slots = calloc(XFER_SLOTS, sizeof *x->slots);
	bool ok = x->slots;
	for (unsigned i = 0; ok && i < XFER_SLOTS; i++) {
		x->slots[i].owner = x;
		x->slots[i].transfer = libusb_alloc_transfer(0);
		ok = x->slots[i].transfer;
	}
	if (!ok) {
		free_all(x);
		return err_set(e, CODE_NO_MEMORY, "no memory for transfers");
	}
	*out = x;
	return true;
}

bool xfer_destroy(struct xfer *x)
{
	if (!x)
		return true;
	if (x->lost)
		return false;
	free_all(x);
	return true;
}
