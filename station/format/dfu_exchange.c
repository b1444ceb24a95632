/* One DNLOAD until the camera says that it is done: DNLOAD, GETSTATUS (busy), GETSTATUS (idle).
 *
 * The first GETSTATUS is queued behind the DNLOAD, so that the host's turn-around is paid once; where the camera is
 * known to answer dfuDNBUSY with poll timeout 0, and holds the next GETSTATUS until the flash is ready, that one is
 * queued too.  Every answer is still judged, in order.
 *
 * A block is sent again only when GETSTATUS proves that the camera never took it: programming flash twice spoils
 * write-once words.  What a state proves, by what became of the DNLOAD:
 *
 *     state told            DNLOAD answered     stalled            lost (timed out or garbled)
 *     busy                  taken, ask again    fail               taken, ask again
 *     the state before it   fail                send again         send again
 *     the state after it    done                fail               done
 *     before = after        done                send again         send again, unless an answer in between was lost too
 *     dfuERROR              fail by its status, after CLRSTATUS
 *     any other             fail */
#include "format/dfu_inner.h"

enum { DNLOAD_OUT, DNLOAD_ANSWERED, DNLOAD_STALLED, DNLOAD_LOST };
enum meaning { MEANS_NOTHING, MEANS_BUSY, MEANS_AFTER, MEANS_BEFORE, MEANS_ERROR };

#define MAX_RESENDS 1
#define MAX_LOST    3
#define MAX_SILENT  2
#define EAGER_POLLS 2  /* the camera holds GETSTATUS over flash work, so these come without a pause */
#define LAZY_MS     20 /* the longest pause that is our own idea */

/* rows: a block or command; the zero-length DNLOAD that ends a download */
static const uint8_t meanings[2][DFU_STATE_COUNT] = {
	{
	    [DFU_STATE_IDLE] = MEANS_BEFORE,
	    [DFU_STATE_DNLOAD_SYNC] = MEANS_BUSY,
	    [DFU_STATE_DNBUSY] = MEANS_BUSY,
	    [DFU_STATE_DNLOAD_IDLE] = MEANS_AFTER,
	    [DFU_STATE_ERROR] = MEANS_ERROR,
	},
	{
	    [DFU_STATE_IDLE] = MEANS_AFTER,
	    [DFU_STATE_DNLOAD_IDLE] = MEANS_BEFORE,
	    [DFU_STATE_MANIFEST_SYNC] = MEANS_BUSY,
	    [DFU_STATE_MANIFEST] = MEANS_BUSY,
	    [DFU_STATE_MANIFEST_WAIT_RESET] = MEANS_AFTER,
	    [DFU_STATE_ERROR] = MEANS_ERROR,
	},
};

void dfu_exchange_begin(struct dfu_run *r, uint16_t value, uint16_t length, const uint8_t *bytes, uint32_t step)
{
	struct dfu_exchange *x = &r->exchange;
	*x = (struct dfu_exchange){
		.value = value,
		.length = length,
		.bytes = bytes,
		.step = step,
		.manifest = length == 0,
		.before = x->reached,
		.reached = x->reached,
		.pair = x->pair,
		.send = true,
	};
}

void dfu_command_begin(struct dfu_run *r, uint8_t command, uint32_t address)
{
	r->command[0] = command;
	for (unsigned i = 0; i < 4; i++)
		r->command[1 + i] = (uint8_t)(address >> 8 * i);
	dfu_exchange_begin(r, 0, sizeof r->command, r->command, 0);
}

enum dfu_exchange_end dfu_exchange_state(const struct dfu_run *r)
{
	if (r->queued)
		return DFU_EXCHANGE_RUNS;
	if (dfu_failed(r))
		return r->exchange.clear ? DFU_EXCHANGE_RUNS : DFU_EXCHANGE_FAILED;
	return r->exchange.finished ? DFU_EXCHANGE_ACKED : DFU_EXCHANGE_RUNS;
}

/* Timeouts count from queueing, so each also covers what is queued before it.  OpenMV's bootloader holds the GETSTATUS
 * after the one that says busy, ST's class that very one. */
static uint32_t ask_ms(const struct dfu_run *r)
{
	const struct dfu_exchange *x = &r->exchange;
	if (!r->queued)
		return x->lost ? DFU_PLAIN_MS : r->hold_ms;
	if (x->pair && x->asks && r->dialect == DIALECT_OPENMV)
		return DFU_PLAIN_MS + 1000; /* the one that says busy at once */
	return DFU_PLAIN_MS + 1000 + r->hold_ms;
}

static struct dfu_action send_again(struct dfu_run *r)
{
	struct dfu_exchange *x = &r->exchange;
	if (x->resends++ == MAX_RESENDS) {
		dfu_fail_result(r, DFU_DNLOAD, x->dnload == DNLOAD_STALLED ? DFU_STALLED : DFU_TIMED_OUT);
		return dfu_exchange_next(r);
	}
	x->untaken = false;
	x->dnload = DNLOAD_OUT;
	x->lost = x->silent = 0;
	x->send = true;
	return dfu_exchange_next(r);
}

/* Nothing is out and the camera has not said that it is done: ask again, first at once, then ever more slowly, and no
 * longer than flash work may take. */
static struct dfu_action ask_again(struct dfu_run *r)
{
	struct dfu_exchange *x = &r->exchange;
	uint32_t pause = x->pause_ms, lazy = 0;
	if (x->polls++ >= EAGER_POLLS)
		lazy = x->polls - EAGER_POLLS < LAZY_MS ? x->polls - EAGER_POLLS : LAZY_MS;
	pause = pause < lazy ? lazy : pause;
	pause = pause > r->hold_ms ? r->hold_ms : pause;
	if (x->waited_ms > r->hold_ms) {
		dfu_fail(r, CODE_USB_TIMEOUT, "the camera is stuck in %s", dfu_state_name(x->reached));
		return dfu_exchange_next(r);
	}
	x->waited_ms += pause;
	x->pause_ms = 0;
	x->asks = 1;
	return pause ? dfu_pause(pause) : dfu_exchange_next(r);
}

struct dfu_action dfu_exchange_next(struct dfu_run *r)
{
	struct dfu_exchange *x = &r->exchange;
	if (x->send) {
		x->send = false;
		x->asks = x->pair ? 2 : 1;
		struct dfu_action a = dfu_send(DFU_DNLOAD, x->value, x->length, DFU_PLAIN_MS);
		a.bytes = x->bytes;
		a.step = x->step;
		return a;
	}
	if (x->asks) {
		x->asks--;
		return dfu_send(DFU_GETSTATUS, 0, DFU_STATUS_SIZE, ask_ms(r));
	}
	if (r->queued)
		return dfu_act(DFU_DO_WAIT);
	if (dfu_failed(r) && x->clear) {
		x->clear = false;
		return dfu_send(DFU_CLRSTATUS, 0, 0, DFU_PLAIN_MS);
	}
	if (dfu_failed(r))
		return dfu_act(DFU_DO_FAIL);
	return x->untaken ? send_again(r) : ask_again(r);
}

static void fail_state(struct dfu_run *r, const char *why)
{
	dfu_fail(r, CODE_USB_PROTOCOL, "%s: the camera is in %s", why, dfu_state_name(r->exchange.reached));
}

/* The state that the DNLOAD leads to, when it is also the state that it started from. */
static void judge_after(struct dfu_run *r, bool moved)
{
	struct dfu_exchange *x = &r->exchange;
	if (x->dnload == DNLOAD_ANSWERED || x->taken)
		x->finished = true;
	else if (moved && x->dnload == DNLOAD_STALLED)
		fail_state(r, "a refused DNLOAD went on");
	else if (moved)
		x->finished = true;
	else if (x->dnload == DNLOAD_LOST && x->lost)
		dfu_fail(r, CODE_USB_TIMEOUT, "whether the camera took the block cannot be told");
	else
		x->untaken = true;
}

static void judge_before(struct dfu_run *r)
{
	struct dfu_exchange *x = &r->exchange;
	if (x->dnload == DNLOAD_ANSWERED || x->taken || x->reached != x->before)
		fail_state(r, "the camera forgot what it was sent");
	else
		x->untaken = true;
}

static void judge_busy(struct dfu_run *r, const struct dfu_status *s)
{
	struct dfu_exchange *x = &r->exchange;
	if (x->dnload == DNLOAD_STALLED) {
		fail_state(r, "a refused DNLOAD went on");
		return;
	}
	if (!x->taken)
		x->pair = s->poll_ms == 0;
	x->taken = true;
	x->untaken = false;
	x->pause_ms = s->poll_ms;
}

static void judge(struct dfu_run *r, const struct dfu_status *s)
{
	struct dfu_exchange *x = &r->exchange;
	if (x->finished) /* the second GETSTATUS of a camera that was done at the first */
		return;
	x->reached = (uint8_t)s->state;
	enum meaning m = meanings[x->manifest][s->state];
	if (s->code != DFU_CODE_OK || m == MEANS_ERROR) {
		x->clear = true;
		dfu_fail(r, dfu_code_means(s->code), "the camera reports %s in %s", dfu_code_name(s->code),
		    dfu_state_name(s->state));
		return;
	}
	switch (m) {
	case MEANS_BUSY:
		judge_busy(r, s);
		break;
	case MEANS_AFTER:
		if (!x->taken)
			x->pair = false;
		judge_after(r, x->before != s->state);
		break;
	case MEANS_BEFORE:
		judge_before(r);
		break;
	case MEANS_NOTHING:
	case MEANS_ERROR:
		fail_state(r, "unexpected state");
		break;
	}
}

/* A GETSTATUS without a usable answer. */
static void lose(struct dfu_run *r, enum dfu_result result)
{
	struct dfu_exchange *x = &r->exchange;
	if (x->finished)
		return;
	x->lost++;
	x->pause_ms = result == DFU_BROKEN ? DFU_BROKEN_MS : 0;
	if (result == DFU_TIMED_OUT)
		x->silent++;
	bool hopeless = x->silent == MAX_SILENT || (x->silent && x->dnload == DNLOAD_LOST && !x->taken);
	if (x->lost == MAX_LOST && result == DFU_STALLED && x->taken && r->dialect == DIALECT_DFUSE)
		dfu_fail(r, CODE_USB_PROTOCOL,
		    "GETSTATUS was refused (stall) while it worked on its flash: only power brings it out of that");
	else if (x->lost == MAX_LOST || hopeless || result == DFU_GONE || result == DFU_BABBLED ||
		 result == DFU_CANCELLED)
		dfu_fail_result(r, DFU_GETSTATUS, result);
}

void dfu_exchange_answer(struct dfu_run *r, unsigned request, enum dfu_result result, struct span data)
{
	static const uint8_t fates[] = {
		[DFU_ANSWERED] = DNLOAD_ANSWERED,
		[DFU_STALLED] = DNLOAD_STALLED,
		[DFU_TIMED_OUT] = DNLOAD_LOST,
		[DFU_BROKEN] = DNLOAD_LOST,
		[DFU_BABBLED] = DNLOAD_LOST,
		[DFU_GONE] = DNLOAD_LOST,
		[DFU_CANCELLED] = DNLOAD_LOST,
	};
	struct dfu_status s;
	if (dfu_failed(r))
		return;
	if (request == DFU_DNLOAD) {
		r->exchange.dnload = fates[result];
		if (result == DFU_GONE || result == DFU_CANCELLED)
			dfu_fail_result(r, request, result);
	} else if (request == DFU_GETSTATUS) {
		if (result == DFU_ANSWERED && dfu_status_parse(data, &s))
			judge(r, &s);
		else
			lose(r, result);
	}
}
