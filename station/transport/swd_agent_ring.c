/* The ring: buffers on their way while flash is busy with those before them.
 *
 * A buffer is compressed when that pays: when the ring has room for it at once, so that the wire is what limits, and
 * when LZ4 makes it smaller by an eighth at least.  Where flash limits, a shorter way over the wire gains nothing.
 *
 * Where flash waits for the wire, buffers are small, so that it begins early and has little left to do when the last
 * one has arrived, and an erase goes ahead of its bytes, so that it is done while they come. */
#include "transport/swd_agent_inner.h"

#include <lz4.h>
#include <string.h>

#define CALL_MS 5000
/* With that many free buffers one may go to an erase alone, where at least half a buffer of bytes follows it. */
#define AMPLE 2u
/* A full ring has work for tens of milliseconds. */
#define PAUSE_FULL_US 8000u
/* Poor buffers in a row are tried less and less often. */
#define PAUSE_MOST 16u

static struct pending *pending_of(struct swd_agent *a, uint32_t number)
{
	return &a->pending[(number - 1) % AGENT_SLOTS];
}

/* --- one buffer over the wire --- */

static bool send_words(struct swd_agent *a, uint32_t number, const struct agent_slot *s, struct err *e)
{
	uint32_t at = a->s.buffers + (uint32_t)offsetof(struct agent_mailbox, slot) +
		      (number - 1) % AGENT_SLOTS * (uint32_t)sizeof *s;
	return ocd_call(a->s.ocd, CALL_MS, NULL, 0, e,
	    "write_memory 0x%08x 32 {%u %u %u %u %u %u %u %u %u}; write_memory 0x%08x 32 %u", (unsigned)at + 4,
	    (unsigned)s->op, (unsigned)s->medium, (unsigned)s->offset, (unsigned)s->length, (unsigned)s->stored,
	    (unsigned)s->crc32, (unsigned)s->erase, (unsigned)s->unit, (unsigned)s->check, (unsigned)at,
	    (unsigned)s->turn);
}

/* Whole words go over the wire: a few bytes behind the end are cheaper than byte accesses. */
static bool transmit(struct swd_agent *a, uint32_t number, struct err *e)
{
	struct pending *p = pending_of(a, number);
	uint32_t at = a->s.buffers + a->layout.slots + (number - 1) % AGENT_SLOTS * a->layout.slot_size;
	uint32_t size = (p->slot.stored + 3) & ~3u;
	p->slot.turn = AGENT_TURN(number, p->attempt);
	agent_box_slot(&p->slot);
	a->counts.wire_bytes += size;
	return (!size || ocd_load(a->s.ocd, at, span_of(p->bytes, size), e)) && send_words(a, number, &p->slot, e);
}

/* --- how far it is --- */

static void note_done(struct swd_agent *a, uint32_t before)
{
	for (uint32_t n = before + 1; n - 1 != a->ring.done; n++)
		if (pending_of(a, n)->ends)
			a->operations_done = pending_of(a, n)->ends;
}

/* One look, and what follows from it. */
static bool look(struct swd_agent *a, struct err *e)
{
	uint32_t before = a->ring.done;
	if (!agent_look(a, AGENT_RING_WORDS, e))
		return false;
	a->ring.last_turn = a->ring.done != a->ring.sent ? pending_of(a, a->ring.done + 1)->slot.turn : 0;
	enum agent_ring state = agent_box_ring(a->words, &a->ring, e);
	note_done(a, before);
	if (state != AGENT_RING_AGAIN)
		return state == AGENT_RING_RUNS;
	struct pending *p = pending_of(a, a->ring.done + 1);
	if (++p->attempt >= TRIES)
		return agent_box_refuse(e, a->words[AGENT_WORD(ring_status)], p->slot.offset);
	a->counts.resent++;
	return transmit(a, a->ring.done + 1, e);
}

/* Until fewer than `most` buffers are on their way. */
static bool wait_for_room(struct swd_agent *a, uint32_t most, struct err *e)
{
	uint32_t pause = 0, longest = most == AGENT_SLOTS ? PAUSE_FULL_US : AGENT_PAUSE_US;
	agent_patience(a);
	for (;;) {
		if (a->ring.sent - a->ring.done < most)
			return true;
		if (!look(a, e))
			return false;
		if (a->ring.sent - a->ring.done >= most)
			agent_pause(&pause, longest);
	}
}

/* --- what goes into a buffer --- */

static void fill(struct swd_agent *a, struct pending *p, struct span bytes, bool compress)
{
	p->slot.length = p->slot.stored = (uint32_t)bytes.size;
	p->slot.crc32 = crc32_of(bytes);
	a->counts.bytes += bytes.size;
	if (compress && a->lz4_skip)
		a->lz4_skip--;
	else if (compress) {
		size_t most = bytes.size - bytes.size / 8;
		int size = LZ4_compress_default((const char *)bytes.data, (char *)p->bytes, (int)bytes.size, (int)most);
		if (size > 0) {
			p->slot.op |= AGENT_OP_LZ4;
			p->slot.stored = (uint32_t)size;
			a->lz4_pause = 0;
			a->counts.compressed++;
			return;
		}
		a->lz4_pause = a->lz4_pause < PAUSE_MOST ? a->lz4_pause * 2 + 1 : PAUSE_MOST;
		a->lz4_skip = a->lz4_pause;
	}
	memcpy(p->bytes, bytes.data, bytes.size);
}

/* What one buffer is to do. */
struct job {
	uint32_t at, size; /* of the operation's bytes */
	bool erases, last;
	bool compress;
};

static bool put_buffer(struct swd_agent *a, const struct swd_op *op, const struct job *j, struct err *e)
{
	uint32_t number = a->ring.sent + 1;
	struct pending *p = pending_of(a, number);
	p->slot = (struct agent_slot){ .medium = op->medium, .offset = op->offset + j->at };
	p->attempt = 0;
	p->ends = j->last ? a->operations + 1 : 0;
	if (j->erases) {
		p->slot.op |= AGENT_OP_ERASE | (op->skip_blank ? AGENT_OP_SKIP_BLANK : 0);
		p->slot.erase = op->erase;
		p->slot.unit = op->unit;
	}
	if (j->size) {
		p->slot.op |= AGENT_OP_PROGRAM;
		fill(a, p, span_of(op->bytes.data + j->at, j->size), j->compress);
	}
	a->counts.buffers++;
	a->ring.sent = number;
	return transmit(a, number, e);
}

/* The next buffer's job, by how the ring stands: at bytes are on their way. */
static struct job next_job(const struct swd_agent *a, const struct swd_op *op, uint32_t at, bool erases)
{
	uint32_t left = (uint32_t)op->bytes.size - at, on_their_way = a->ring.sent - a->ring.done;
	bool ahead = erases && left >= a->layout.slot_size / 2 && AGENT_SLOTS - on_their_way >= AMPLE;
	struct job j = { .at = at, .erases = erases, .compress = on_their_way < AGENT_SLOTS };
	if (!ahead)
		j.size = left < a->layout.slot_size ? left : a->layout.slot_size;
	j.last = j.size == left;
	return j;
}

bool swd_agent_put(struct swd_agent *a, const struct swd_op *op, struct err *e)
{
	struct job j = { .last = false };
	bool erases = op->erase != 0;
	a->closed = false;
	for (uint32_t at = 0; !j.last; at += j.size) {
		if (!look(a, e))
			return false;
		j = next_job(a, op, at, erases);
		a->counts.waits_flash += a->ring.sent - a->ring.done == AGENT_SLOTS;
		a->counts.waits_wire += a->ring.sent == a->ring.done;
		if (!wait_for_room(a, AGENT_SLOTS, e) || !put_buffer(a, op, &j, e))
			return false;
		erases = false;
	}
	a->operations++;
	return true;
}

bool swd_agent_drain(struct swd_agent *a, struct err *e)
{
	return wait_for_room(a, 1, e);
}

uint32_t swd_agent_done(const struct swd_agent *a)
{
	return a->operations_done;
}
