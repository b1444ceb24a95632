/* The smallest device model behind fixtures/virtual/camera.h: one DFU alternate of 8 KiB in RAM, always there.  Shows
 * that the front end asks nothing of a camera but what the header says. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/virtual/camera.h"
#include "fixtures/virtual/descriptors.h"

#define MEMORY 8192u

struct camera {
	struct descriptors answers;
	const struct camera_host *host_ops; /* borrowed */
	void *host;                         /* borrowed */
	uint8_t memory[MEMORY], state;
};

static struct camera *create(const struct camera_setup *setup, struct err *e)
{
	static const uint8_t interface[] = { 9, 4, 0, 0, 0, 0xfe, 1, 2, 4 };
	struct camera *c = calloc(1, sizeof *c);
	if (!c) {
		err_set(e, CODE_NO_MEMORY, "no memory");
		return NULL;
	}
	const struct usb_identity id = { 0x1209, 0x2222, 0x0100, 0, 0, 0 };
	descriptors_begin(&c->answers, &id, true, 1);
	descriptors_string(&c->answers, "Somebody");
	descriptors_string(&c->answers, "Another camera");
	descriptors_string(&c->answers, "42");
	descriptors_string(&c->answers, "MEMORY");
	const uint8_t functional[] = { 9, 0x21, 7, 0, 0, 0, 0x10, 0x10, 0x01 };
	descriptors_add(&c->answers, interface, sizeof interface);
	descriptors_add(&c->answers, functional, sizeof functional);
	c->host_ops = setup->host_ops;
	c->host = setup->host;
	return c;
}

static void destroy(struct camera *c)
{
	free(c);
}

static void power(struct camera *c, enum camera_mode mode, uint64_t now)
{
	(void)mode, (void)now;
	c->state = DFU_IDLE;
	c->host_ops->attach(c->host, USB_HIGH);
}

static void power_off(struct camera *c, uint64_t now)
{
	(void)now;
	c->state = DFU_IDLE;
}

static void bus_reset(struct camera *c, uint64_t now)
{
	(void)now;
	c->state = DFU_IDLE;
}

static struct camera_reply reply(enum camera_answer answer, uint32_t size)
{
	return (struct camera_reply){ answer, size, 1000000 }; /* a millisecond to think */
}

static struct camera_reply dfu(struct camera *c, const struct usb_setup *s, uint8_t *data)
{
	uint32_t at = s->value * 4096u, left = at < MEMORY ? MEMORY - at : 0,
		 size = s->length < left ? s->length : left;
	switch (s->request) {
	case DFU_DNLOAD:
		memcpy(c->memory + at, data, size);
		c->state = s->length ? DFU_DNLOAD_IDLE : DFU_IDLE;
		return reply(size == s->length ? CAMERA_DATA : CAMERA_STALL, 0);
	case DFU_UPLOAD:
		memcpy(data, c->memory + at, size);
		return reply(CAMERA_DATA, size);
	case DFU_GETSTATUS:
		memcpy(data, (const uint8_t[]){ 0, 0, 0, 0, c->state, 0 }, 6);
		return reply(CAMERA_DATA, 6);
	case DFU_GETSTATE:
		data[0] = c->state;
		return reply(CAMERA_DATA, 1);
	default:
		c->state = DFU_IDLE;
		return reply(CAMERA_DATA, 0);
	}
}

static struct camera_reply control(struct camera *c, const struct usb_setup *s, uint8_t *data, uint64_t now)
{
	(void)now;
	uint32_t size = 0;
	if ((s->type & 0x60) == 0x20)
		return dfu(c, s, data);
	bool ok = s->type == 0x01 || descriptors_answer(&c->answers, s, data, &size);
	return reply(ok ? CAMERA_DATA : CAMERA_STALL, size);
}

const struct camera_ops camera_ops = {
	.create = create,
	.destroy = destroy,
	.power = power,
	.power_off = power_off,
	.bus_reset = bus_reset,
	.control = control,
};
