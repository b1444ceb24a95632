/* The DFU interface of Arduino's bootloader: a row per request. */
#include "dfu/dfuse.h"

#include <string.h>

#define STANDARD_OUT  0x01
#define STANDARD_IN   0x81
#define CLASS_OUT     0x21
#define CLASS_IN      0xa1
#define GET_INTERFACE 10
#define SET_INTERFACE 11

enum { GET_COMMANDS = 0x00, SET_ADDRESS = 0x21, ERASE = 0x41 };

#define COMMAND_SIZE 5 /* of one with an address */
#define FIRST_BLOCK  2 /* at the address pointer */
#define NO_STATE     15
#define MANIFEST_MS  1
#define BIT(state)   (1u << (state))
#define ABORTABLE                                                                                                      \
	(BIT(DFU_IDLE) | BIT(DFU_DNLOAD_SYNC) | BIT(DFU_DNLOAD_IDLE) | BIT(DFU_MANIFEST_SYNC) | BIT(DFU_UPLOAD_IDLE))

static void to_idle(struct dfuse_device *d)
{
	d->state = DFU_IDLE;
	d->status = DFU_OK;
	d->block = d->length = 0;
}

void dfuse_device_init(
    struct dfuse_device *d, unsigned alt_count, uint32_t first, const struct dfuse_flash_ops *ops, void *flash)
{
	*d = (struct dfuse_device){ .ops = ops, .flash = flash, .alt_count = alt_count, .first = first };
	dfuse_device_power_on(d);
}

void dfuse_device_power_on(struct dfuse_device *d)
{
	d->wedged = false;
	d->used = false;
	memset(d->buffer, 0, sizeof d->buffer);
	dfuse_device_reset(d);
}

void dfuse_device_reset(struct dfuse_device *d)
{
	d->acking = -1;
	d->leave = d->replug = false;
	if (d->wedged)
		return;
	to_idle(d);
	d->alt = 0;
	d->pointer = d->first;
}

static uint32_t command_address(const struct dfuse_device *d)
{
	return (uint32_t)d->buffer[1] | (uint32_t)d->buffer[2] << 8 | (uint32_t)d->buffer[3] << 16 |
	       (uint32_t)d->buffer[4] << 24;
}

static uint32_t block_address(const struct dfuse_device *d, uint16_t block)
{
	return d->pointer + (uint32_t)(block - FIRST_BLOCK) * DFU_TRANSFER_SIZE;
}

bool dfuse_device_pending(const struct dfuse_device *d, uint32_t *address)
{
	bool command = d->block == 0;
	if (d->state != DFU_DNLOAD_SYNC || !d->length || d->block == 1 ||
	    (command && (d->buffer[0] != ERASE || d->length != COMMAND_SIZE)))
		return false;
	*address = command ? command_address(d) : block_address(d, d->block);
	return true;
}

/* False: it is unknown, and the transfer that was to do it is stalled. */
static bool command(struct dfuse_device *d, bool *failed)
{
	bool addressed = d->length == COMMAND_SIZE && (d->buffer[0] == SET_ADDRESS || d->buffer[0] == ERASE);
	if (!addressed)
		return d->buffer[0] == GET_COMMANDS && d->length == 1;
	d->pointer = command_address(d);
	*failed = d->buffer[0] == ERASE && !d->ops->erase(d->flash, d->pointer);
	return true;
}

/* What was downloaded is done. */
static bool work(struct dfuse_device *d)
{
	bool known = true, failed = false;
	if (d->block == 0)
		known = command(d, &failed);
	else if (d->block >= FIRST_BLOCK)
		failed = !d->ops->write(d->flash, block_address(d, d->block), d->buffer, d->length);
	if (failed) {
		d->wedged = true;
		return true;
	}
	d->block = d->length = 0;
	d->state = DFU_DNLOAD_SYNC;
	return known;
}

static bool dnload_setup(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	(void)answered;
	if ((d->state != DFU_IDLE && d->state != DFU_DNLOAD_IDLE) || s->length > DFU_TRANSFER_SIZE)
		return false;
	d->state = s->length ? DFU_DNLOAD_SYNC : DFU_MANIFEST_SYNC;
	if (s->length) {
		d->block = s->value;
		d->length = s->length;
		memcpy(d->buffer, data, s->length);
	}
	return true;
}

static bool give(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered, uint32_t size)
{
	*answered = size < s->length ? size : s->length;
	memcpy(data, d->buffer, *answered);
	return true;
}

static bool upload_setup(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	static const uint8_t commands[] = { GET_COMMANDS, SET_ADDRESS, ERASE };
	if (!s->length) {
		d->state = DFU_IDLE;
		return true;
	}
	if ((d->state != DFU_IDLE && d->state != DFU_UPLOAD_IDLE) || s->length > DFU_TRANSFER_SIZE) {
		d->block = d->length = 0;
		return false;
	}
	if (s->value == 1) {
		d->state = NO_STATE;
		return false;
	}
	if (s->value == 0) {
		d->state = s->length > sizeof commands ? DFU_IDLE : DFU_UPLOAD_IDLE;
		memcpy(d->buffer, commands, sizeof commands);
		return give(d, s, data, answered, sizeof commands);
	}
	d->state = DFU_UPLOAD_IDLE;
	d->ops->read(d->flash, block_address(d, s->value), d->buffer, s->length);
	return give(d, s, data, answered, s->length);
}

static bool getstatus_setup(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	bool works = d->state == DFU_DNLOAD_SYNC && d->length, manifests = d->state == DFU_MANIFEST_SYNC;
	if (d->state == DFU_DNLOAD_SYNC)
		d->state = works ? DFU_DNBUSY : DFU_DNLOAD_IDLE;
	else if (manifests)
		d->state = DFU_MANIFEST;
	const uint8_t reply[DFU_STATUS_SIZE] = { (uint8_t)d->status, manifests ? MANIFEST_MS : 0, 0, 0, d->state, 0 };
	*answered = s->length < sizeof reply ? s->length : (uint32_t)sizeof reply;
	memcpy(data, reply, *answered);
	if (manifests)
		d->state = DFU_MANIFEST_WAIT_RESET;
	return !works || work(d);
}

static void getstatus_ack(struct dfuse_device *d)
{
	d->leave = d->state == DFU_MANIFEST_WAIT_RESET;
}

static bool clrstatus_setup(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	(void)s, (void)data, (void)answered;
	bool error = d->state == DFU_ERROR;
	d->state = error ? DFU_IDLE : DFU_ERROR;
	d->status = error ? DFU_OK : DFU_ERR_UNKNOWN;
	return true;
}

static bool getstate_setup(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	*answered = s->length ? 1 : 0;
	if (s->length)
		data[0] = d->state;
	return true;
}

static bool abort_setup(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	(void)s, (void)data, (void)answered;
	if (BIT(d->state) & ABORTABLE)
		to_idle(d);
	return true;
}

static void detach_ack(struct dfuse_device *d)
{
	d->replug = true;
}

static const struct row {
	bool in;
	bool (*setup)(struct dfuse_device *, const struct usb_setup *, uint8_t *data, uint32_t *answered);
	void (*ack)(struct dfuse_device *);
} rows[DFU_REQUEST_COUNT] = {
	[DFU_DETACH] = { false, abort_setup, detach_ack },
	[DFU_DNLOAD] = { false, dnload_setup, NULL },
	[DFU_UPLOAD] = { true, upload_setup, NULL },
	[DFU_GETSTATUS] = { true, getstatus_setup, getstatus_ack },
	[DFU_CLRSTATUS] = { false, clrstatus_setup, NULL },
	[DFU_GETSTATE] = { true, getstate_setup, NULL },
	[DFU_ABORT] = { false, abort_setup, NULL },
};

static bool standard(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	if (s->type == STANDARD_OUT && s->request == SET_INTERFACE && (uint8_t)s->value < d->alt_count) {
		d->alt = (uint8_t)s->value;
		return true;
	}
	if (s->type == STANDARD_IN && s->request == GET_INTERFACE && s->length) {
		data[0] = (uint8_t)d->alt;
		*answered = 1;
		return true;
	}
	return false;
}

bool dfuse_device_setup(struct dfuse_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	*answered = 0;
	d->acking = -1;
	if (d->wedged)
		return false;
	if (s->type == STANDARD_OUT || s->type == STANDARD_IN)
		return standard(d, s, data, answered);
	if ((s->type != CLASS_OUT && s->type != CLASS_IN) || s->request >= DFU_REQUEST_COUNT)
		return false;
	const struct row *row = &rows[s->request];
	if (row->in != (s->type == CLASS_IN))
		return false;
	d->used = true;
	if (!row->setup(d, s, data, answered))
		return false;
	d->acking = s->request;
	return true;
}

void dfuse_device_ack(struct dfuse_device *d)
{
	int request = d->acking;
	d->acking = -1;
	if (request >= 0 && rows[request].ack)
		rows[request].ack(d);
}
