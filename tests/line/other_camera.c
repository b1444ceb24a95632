/* A device model of other origin: written from fixtures/virtual/camera.h alone, with the members that must be there and
 * the three that a camera which comes back needs.  A board's partitions in RAM, no flash rules, no windows, DNLOAD done
 * at once.  Both C11 and C++20, since models may be either. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/virtual/camera.h"

#define ALTS 16

struct camera {
	const struct board *board;          /* borrowed */
	const struct camera_host *host_ops; /* borrowed */
	void *host;                         /* borrowed */
	unsigned number;
	uint16_t release;
	bool runs, leaving;
	uint64_t back_at; /* CAMERA_NEVER: it is not on its way */
	uint8_t state, alt;
	uint8_t *memory[ALTS]; /* by alternate */
};

static struct camera *create(const struct camera_setup *setup, struct err *e)
{
	struct camera *c = (struct camera *)calloc(1, sizeof *c);
	if (!c) {
		err_set(e, CODE_NO_MEMORY, "no memory");
		return NULL;
	}
	c->board = setup->board;
	c->host_ops = setup->host_ops;
	c->host = setup->host;
	c->number = setup->number;
	c->release = setup->bootloader;
	c->back_at = CAMERA_NEVER;
	for (unsigned i = 0; i < c->board->partition_count; i++)
		c->memory[c->board->partitions[i].alt] = (uint8_t *)calloc(1, c->board->partitions[i].size);
	return c;
}

static void destroy(struct camera *c)
{
	for (unsigned i = 0; c && i < ALTS; i++)
		free(c->memory[i]);
	free(c);
}

static void start(struct camera *c, bool runs)
{
	c->runs = runs;
	c->leaving = false;
	c->back_at = CAMERA_NEVER;
	c->state = DFU_IDLE;
	c->alt = 0;
	c->host_ops->attach(c->host, c->board->speed);
}

static void power(struct camera *c, enum camera_mode mode, uint64_t now)
{
	(void)now;
	start(c, mode == CAMERA_RUN);
}

static void power_off(struct camera *c, uint64_t now)
{
	(void)now;
	c->back_at = CAMERA_NEVER;
}

static void bus_reset(struct camera *c, uint64_t now)
{
	(void)now;
	c->state = DFU_IDLE;
}

static struct camera_reply reply(enum camera_answer answer, uint32_t size)
{
	struct camera_reply r = { answer, size, 100000 }; /* 100 us to think */
	return r;
}

static struct camera_reply give(const struct usb_setup *s, uint8_t *data, const void *from, uint32_t size)
{
	uint32_t n = size < s->length ? size : s->length;
	memcpy(data, from, n);
	return reply(CAMERA_DATA, n);
}

/* --- who it is --------------------------------------------------------------------------------------------------- */

static const struct partition *partition_of(const struct camera *c, unsigned alt)
{
	for (unsigned i = 0; i < c->board->partition_count; i++)
		if (c->board->partitions[i].alt == alt)
			return &c->board->partitions[i];
	return NULL;
}

static void serial_of(const struct camera *c, char out[UID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	memcpy(out, "00112233445566778899aa00", UID_TEXT_SIZE);
	out[22] = digits[c->number >> 4 & 15];
	out[23] = digits[c->number & 15];
	if (c->runs) {
		char uid[UID_TEXT_SIZE];
		memcpy(uid, out, UID_TEXT_SIZE);
		board_run_serial(uid, out);
	}
}

static struct camera_reply device(const struct camera *c, const struct usb_setup *s, uint8_t *data)
{
	uint16_t vid = c->runs ? c->board->run_vid : c->board->dfu_vid;
	uint16_t pid = c->runs ? c->board->run_pid : c->board->dfu_pid;
	const uint8_t bytes[18] = { 18, 1, 0, 2, 0, 0, 0, 64, (uint8_t)vid, (uint8_t)(vid >> 8), (uint8_t)pid,
		(uint8_t)(pid >> 8), (uint8_t)c->release, (uint8_t)(c->release >> 8), 1, 2, 3, 1 };
	return give(s, data, bytes, sizeof bytes);
}

static struct camera_reply configuration(const struct camera *c, const struct usb_setup *s, uint8_t *data)
{
	static const uint8_t functional[9] = { 9, 0x21, 7, 0, 0, 0, 0x10, 0x10, 0x01 };
	uint8_t bytes[9 + 9 * ALTS + 9] = { 9, 2, 0, 0, 1, 1, 0, 0x80, 50 };
	unsigned size = 9, alts = c->runs ? 1 : c->board->partition_count;
	for (unsigned i = 0; i < alts; i++, size += 9) {
		const uint8_t dfu[9] = { 9, 4, 0, (uint8_t)i, 0, 0xfe, 1, 2, (uint8_t)(4 + i) };
		const uint8_t other[9] = { 9, 4, 0, 0, 0, 0xff, 0, 0, 0 };
		memcpy(bytes + size, c->runs ? other : dfu, 9);
	}
	if (!c->runs) {
		memcpy(bytes + size, functional, 9);
		size += 9;
	}
	bytes[2] = (uint8_t)size;
	bytes[3] = (uint8_t)(size >> 8);
	return give(s, data, bytes, size);
}

static struct camera_reply string(const struct camera *c, const struct usb_setup *s, uint8_t *data)
{
	static const uint8_t languages[4] = { 4, 3, 9, 4 };
	unsigned index = s->value & 0xff;
	char serial[UID_TEXT_SIZE];
	const struct partition *p = index >= 4 && !c->runs ? partition_of(c, index - 4) : NULL;
	serial_of(c, serial);
	const char *text = index == 1   ? "Somebody"
			   : index == 2 ? "Another camera"
			   : index == 3 ? serial
			   : p          ? p->name
					: NULL;
	if (index == 0)
		return give(s, data, languages, 4);
	if (!text)
		return reply(CAMERA_STALL, 0);
	uint8_t bytes[2 + 2 * 32] = { 0 };
	unsigned n = (unsigned)strlen(text);
	bytes[0] = (uint8_t)(2 + 2 * n);
	bytes[1] = 3;
	for (unsigned i = 0; i < n; i++)
		bytes[2 + 2 * i] = (uint8_t)text[i];
	return give(s, data, bytes, bytes[0]);
}

static struct camera_reply standard(struct camera *c, const struct usb_setup *s, uint8_t *data)
{
	if (s->request == 6) /* GET_DESCRIPTOR */
		return s->value >> 8 == 1   ? device(c, s, data)
		       : s->value >> 8 == 2 ? configuration(c, s, data)
		       : s->value >> 8 == 3 ? string(c, s, data)
					    : reply(CAMERA_STALL, 0);
	if (s->type == 0x01 && s->request == 11 && !c->runs && partition_of(c, s->value)) { /* SET_INTERFACE */
		c->alt = (uint8_t)s->value;
		c->state = DFU_IDLE;
	}
	return reply(s->type & 0x80 ? CAMERA_STALL : CAMERA_DATA, 0);
}

/* --- its bootloader ---------------------------------------------------------------------------------------------- */

static struct camera_reply dfu(struct camera *c, const struct usb_setup *s, uint8_t *data)
{
	static const uint8_t end[4] = { 0, 0, 0, 0 };
	const uint8_t status[6] = { 0, 0, 0, 0, c->state, 0 };
	const struct partition *p = partition_of(c, c->alt);
	uint32_t at = s->value * 4096u;
	bool fits = at < p->size && s->length <= p->size - at;
	switch (s->request) {
	case DFU_DNLOAD:
		if (!fits && s->length)
			return reply(CAMERA_STALL, 0);
		memcpy(c->memory[c->alt] + (s->length ? at : 0), data, s->length);
		c->state = s->length ? DFU_DNLOAD_IDLE : DFU_IDLE;
		return reply(CAMERA_DATA, 0);
	case DFU_UPLOAD:
		return fits ? give(s, data, c->memory[c->alt] + at, s->length) : give(s, data, end, sizeof end);
	case DFU_GETSTATUS:
		return give(s, data, status, sizeof status);
	case DFU_GETSTATE:
		return give(s, data, &c->state, 1);
	case DFU_DETACH:
		c->leaving = true;
		return reply(CAMERA_DATA, 0);
	default: /* CLRSTATUS, ABORT */
		c->state = DFU_IDLE;
		return reply(CAMERA_DATA, 0);
	}
}

static struct camera_reply control(struct camera *c, const struct usb_setup *s, uint8_t *data, uint64_t now)
{
	(void)now;
	if ((s->type & 0x60) == 0x20)
		return c->runs ? reply(CAMERA_STALL, 0) : dfu(c, s, data);
	return standard(c, s, data);
}

/* --- leaving and coming back ------------------------------------------------------------------------------------- */

static void ack(struct camera *c, uint64_t now)
{
	if (!c->leaving)
		return;
	c->leaving = false;
	c->back_at = now + 200000000;
	c->host_ops->detach(c->host);
}

static uint64_t deadline(const struct camera *c)
{
	return c->back_at;
}

static void tick(struct camera *c, uint64_t now)
{
	if (now >= c->back_at)
		start(c, true);
}

const struct camera_ops camera_ops = {
	.create = create,
	.destroy = destroy,
	.power = power,
	.power_off = power_off,
	.bus_reset = bus_reset,
	.busy_until = NULL,
	.control = control,
	.ack = ack,
	.deadline = deadline,
	.tick = tick,
	.info = NULL,
	.fail = NULL,
	.boot = NULL,
	.impersonate = NULL,
	.peek = NULL,
	.poke = NULL,
};
