/* The DFU interface of OpenMV's bootloader: a row per request, what its setup stage answers and what its status
 * stage does. */
#include "dfu/device.h"

#include <string.h>

#define STANDARD_OUT  0x01
#define STANDARD_IN   0x81
#define CLASS_OUT     0x21
#define CLASS_IN      0xa1
#define GET_INTERFACE 10
#define SET_INTERFACE 11

static void reset_state(struct dfu_device *d)
{
	d->state = DFU_IDLE;
	d->status = DFU_OK;
	d->flashing = false;
}

void dfu_device_init(
    struct dfu_device *d, const struct dfu_alt *alts, unsigned alt_count, const struct dfu_flash_ops *ops, void *flash)
{
	*d = (struct dfu_device){ .alts = alts, .alt_count = alt_count, .ops = ops, .flash = flash };
	dfu_device_reset(d);
}

void dfu_device_reset(struct dfu_device *d)
{
	reset_state(d);
	d->alt = 0;
	d->acking = -1;
	d->attached = false;
	d->detach = false;
}

/* The end of a flash operation, good or bad. */
static void finish(struct dfu_device *d, enum dfu_status status)
{
	d->flashing = false;
	if (status != DFU_OK) {
		d->state = DFU_ERROR;
		d->status = status;
	} else if (d->state == DFU_DNBUSY) {
		d->state = DFU_DNLOAD_SYNC;
	} else if (d->state == DFU_MANIFEST) {
		d->state = DFU_MANIFEST_SYNC;
	}
}

static enum dfu_status write_block(struct dfu_device *d)
{
	const struct dfu_alt *alt = &d->alts[d->alt];
	uint32_t offset = d->block * DFU_TRANSFER_SIZE;
	if (alt->readonly)
		return DFU_ERR_WRITE;
	if (d->block == 0)
		d->ops->protect(d->flash, d->alt, false);
	if (offset + d->length > alt->size)
		return DFU_ERR_ADDRESS;
	return d->ops->write(d->flash, d->alt, offset, d->buffer, d->length);
}

static bool dnload_setup(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	(void)answered;
	if ((d->state != DFU_IDLE && d->state != DFU_DNLOAD_IDLE) || s->length > DFU_TRANSFER_SIZE)
		return false;
	d->flashing = true;
	d->block = s->value;
	d->length = s->length;
	d->state = s->length ? DFU_DNLOAD_SYNC : DFU_MANIFEST_SYNC;
	memcpy(d->buffer, data, s->length);
	return true;
}

/* A range that passes the partition's end is answered by four zero bytes, which tells the host where the end is. */
static bool upload_setup(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	uint32_t offset = s->value * DFU_TRANSFER_SIZE, size = s->length;
	if (size > DFU_TRANSFER_SIZE)
		return false;
	enum dfu_status status = DFU_OK;
	if (offset + size > d->alts[d->alt].size) {
		size = 4;
		memset(d->buffer, 0, size);
	} else if (!d->ops->read(d->flash, d->alt, offset, d->buffer, size)) {
		size = 0;
		status = DFU_ERR_FILE;
	}
	finish(d, status);
	d->attached = true;
	*answered = size < s->length ? size : s->length;
	memcpy(data, d->buffer, *answered);
	return true;
}

/* The state that GETSTATUS announces while work is outstanding, and the one it settles in afterwards. */
static enum dfu_state announced(const struct dfu_device *d)
{
	if (d->state == DFU_DNLOAD_SYNC)
		return d->flashing ? DFU_DNBUSY : DFU_DNLOAD_IDLE;
	if (d->state == DFU_MANIFEST_SYNC)
		return d->flashing ? DFU_MANIFEST : DFU_IDLE;
	return d->state;
}

static bool getstatus_setup(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	enum dfu_state next = announced(d);
	if (next == DFU_DNBUSY || next == DFU_MANIFEST)
		d->attached = true;
	const uint8_t reply[DFU_STATUS_SIZE] = { (uint8_t)d->status, 0, 0, 0, (uint8_t)next, 0 };
	*answered = s->length < sizeof reply ? s->length : (uint32_t)sizeof reply;
	memcpy(data, reply, *answered);
	return true;
}

static void getstatus_ack(struct dfu_device *d)
{
	d->state = announced(d);
	if (d->state == DFU_DNBUSY) {
		finish(d, write_block(d));
	} else if (d->state == DFU_MANIFEST) {
		d->ops->protect(d->flash, d->alt, true);
		finish(d, DFU_OK);
	}
}

static bool getstate_setup(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	*answered = s->length ? 1 : 0;
	if (s->length)
		data[0] = (uint8_t)d->state;
	return true;
}

static bool reset_setup(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	(void)s, (void)data, (void)answered;
	reset_state(d);
	return true;
}

static bool detach_setup(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	(void)d, (void)s, (void)data, (void)answered;
	return true;
}

static void detach_ack(struct dfu_device *d)
{
	d->detach = true;
}

static const struct row {
	bool in;
	bool (*setup)(struct dfu_device *, const struct usb_setup *, uint8_t *data, uint32_t *answered);
	void (*ack)(struct dfu_device *);
} rows[DFU_REQUEST_COUNT] = {
	[DFU_DETACH] = { false, detach_setup, detach_ack },
	[DFU_DNLOAD] = { false, dnload_setup, NULL },
	[DFU_UPLOAD] = { true, upload_setup, NULL },
	[DFU_GETSTATUS] = { true, getstatus_setup, getstatus_ack },
	[DFU_CLRSTATUS] = { false, reset_setup, NULL },
	[DFU_GETSTATE] = { true, getstate_setup, NULL },
	[DFU_ABORT] = { false, reset_setup, NULL },
};

/* The camera does not look whether the alternate exists; the host does, and so do we. */
static bool standard(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	if (s->type == STANDARD_OUT && s->request == SET_INTERFACE && s->value < d->alt_count) {
		d->alt = s->value;
		reset_state(d);
		return true;
	}
	if (s->type == STANDARD_IN && s->request == GET_INTERFACE && s->length) {
		data[0] = (uint8_t)d->alt;
		*answered = 1;
		return true;
	}
	return false;
}

bool dfu_device_setup(struct dfu_device *d, const struct usb_setup *s, uint8_t *data, uint32_t *answered)
{
	*answered = 0;
	d->acking = -1;
	if (s->type == STANDARD_OUT || s->type == STANDARD_IN)
		return standard(d, s, data, answered);
	if ((s->type != CLASS_OUT && s->type != CLASS_IN) || s->request >= DFU_REQUEST_COUNT)
		return false;
	const struct row *row = &rows[s->request];
	if (row->in != (s->type == CLASS_IN) || !row->setup(d, s, data, answered))
		return false;
	d->acking = s->request;
	return true;
}

void dfu_device_ack(struct dfu_device *d)
{
	int request = d->acking;
	d->acking = -1;
	if (request >= 0 && rows[request].ack)
		rows[request].ack(d);
}
