/* The DFU transport: a camera in its bootloader, from open to leave.
 *
 * Alternates are matched by name; DfuSe's by their place, which their names and maps must bear out.  The first thing
 * sent is an UPLOAD, since that is what keeps an OpenMV bootloader from going on to the firmware 1.5 s after it was
 * configured; names and serial are read after it.  SET_INTERFACE puts the camera's DFU state machine back to dfuIDLE,
 * so every visit to a partition starts with it. */
#include "transport/dfu_xfer.h"
#include "format/dfuse_map.h"
#include "os/clock.h"
#include "transport/usb_context.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRING_TRIES    4 /* two in a row must agree */
#define PROBE_TRIES     2
#define STRING_PAUSE_MS 50
#define UPLOAD_DEPTH    4
/* how much longer than typical flash work may take, and what the transfers around it may */
#define SLOW_FACTOR 4
#define SLOW_MS     DFU_PLAIN_MS
/* how long a camera that was told to leave may take to be off the bus, and how often that is looked at */
#define LEAVE_MS 1000
#define LOOK_MS  20

struct dfu_link {
	struct usb_handle handle; /* owned */
	struct xfer *xfer;        /* owned; NULL until claimed */
	struct usb_device_desc device;
	struct dfu_desc desc;
	bool named;  /* identify has read the names */
	int alt;     /* the alternate that is selected; -1: not known */
	bool untidy; /* its DFU state machine may not be in dfuIDLE */
	/* DfuSe: the partition that was read last, and the block at which the address pointer still is; NULL: unknown
	 */
	const struct partition *pointed;
	uint32_t base;
	char alts[BOARD_MAX_PARTITIONS][BOARD_ALT_SIZE];
};

/* --- open and close ----------------------------------------------------------------------------------------------- */

static bool read_descriptors(struct link *l, struct dfu_link *d, struct err *e)
{
	uint8_t bytes[USB_DESCRIPTORS_MAX];
	struct span all = { bytes, usb_scan_descriptors(USB_SCAN_ROOT, l->id.path, bytes) };
	if (!all.size)
		return err_set(e, CODE_USB_GONE, "no camera is at %s any more", l->id.path);
	if (!usb_device_parse(all, &d->device, e) || !dfu_desc_parse(all, &d->desc, e))
		return false;
	if (d->desc.transfer_size != l->board->transfer_size || d->desc.transfer_size != DFU_BLOCK)
		return err_set(e, CODE_USB_PROTOCOL, "the camera wants transfers of %u bytes", d->desc.transfer_size);
	if ((d->desc.attributes & (DFU_CAN_DNLOAD | DFU_CAN_UPLOAD)) != (DFU_CAN_DNLOAD | DFU_CAN_UPLOAD))
		return err_set(e, CODE_USB_PROTOCOL, "the camera cannot be both written and read");
	return true;
}

static bool dfu_open(struct link *l, struct err *e)
{
	struct dfu_link *d = l->priv = calloc(1, sizeof *d);
	if (!d)
		return err_set(e, CODE_NO_MEMORY, "no memory for a link");
	d->alt = -1;
	if (!usb_handle_open(&l->id, &d->handle, e) || !read_descriptors(l, d, e))
		return false;
	int r = libusb_claim_interface(d->handle.device, d->desc.interface);
	if (r)
		return usb_error(e, r, "the camera cannot be claimed");
	return xfer_create(&d->xfer, d->handle.device, d->desc.interface, l->cancel, e);
}

static void dfu_close(struct link *l)
{
	struct dfu_link *d = l->priv;
	if (!d)
		return;
	bool claimed = d->xfer != NULL;
	if (!xfer_destroy(d->xfer))
		return; /* transfers are lost in libusb: memory is kept for them, and the device stays open */
	if (claimed)
		libusb_release_interface(d->handle.device, d->desc.interface);
	usb_handle_close(&d->handle);
	free(d);
	l->priv = NULL;
}

/* The link's private part, when it may be used. */
static struct dfu_link *usable(struct link *l, struct err *e)
{
	struct dfu_link *d = l->priv;
	if (d && d->xfer)
		return d;
	err_set(e, CODE_INTERNAL, "the link is not open");
	return NULL;
}

/* --- who it is ---------------------------------------------------------------------------------------------------- */

/* One UPLOAD of any length. */
static bool peek(struct dfu_link *d, uint32_t block, uint16_t *got, struct err *e)
{
	static const struct xfer_job nothing;
	struct dfu_run run;
	dfu_peek_begin(&run, block);
	d->untidy = true;
	d->pointed = NULL;
	bool ok = xfer_run(d->xfer, &run, &nothing, e);
	*got = run.read.got;
	return ok;
}

/* One reading of a string descriptor's text; "?" when it is not printable or too long. */
static bool ask_string(struct dfu_link *d, uint8_t index, char *out, size_t size, struct err *e)
{
	uint8_t bytes[XFER_STRING_SIZE];
	uint16_t got;
	if (!xfer_ask_string(d->xfer, index, bytes, &got, e))
		return false;
	if (got < 2 || bytes[0] != got || got % 2 || bytes[1] != LIBUSB_DT_STRING)
		return err_set(e, CODE_USB_PROTOCOL, "string %u is no string descriptor", index);
	if (!usb_string_text(span_of(bytes, got), out, size))
		memcpy(out, "?", 2);
	return true;
}

/* The text of a string descriptor; "" when there is none.  A number or a name with one wrong bit is another one, and
 * nothing but a second reading tells: two in a row must agree. */
static bool read_string(struct dfu_link *d, uint8_t index, char *out, size_t size, struct err *e)
{
	char before[USB_STRING_SIZE];
	bool read = false;
	out[0] = '\0';
	for (unsigned i = 0; i < STRING_TRIES && index; i++) {
		bool again = read;
		memcpy(before, out, size);
		read = ask_string(d, index, out, size, e);
		if (read && again && !strcmp(before, out))
			return true;
		if (!read && e && e->code == CODE_USB_GONE)
			return false;
		if (!read)
			usleep(STRING_PAUSE_MS * 1000);
	}
	return !index || (read && err_set(e, CODE_USB_PROTOCOL, "string %u reads otherwise each time", index));
}

/* The kernel has read the serial too, when the camera came up. */
static bool serial_agrees(const struct link *l, const char *serial, struct err *e)
{
	struct usb_seen seen;
	if (!usb_find(&l->id, &seen) || !seen.serial[0] || !strcmp(seen.serial, serial) || !strcmp(serial, "?"))
		return true;
	return err_set(
	    e, CODE_USB_PROTOCOL, "it reads %.40s, and read %.40s when the camera came up", serial, seen.serial);
}

static bool dfu_identify(struct link *l, struct identity *out, struct err *e)
{
	struct dfu_link *d = usable(l, e);
	uint16_t got;
	*out = (struct identity){ .bcd = l->id.bcd };
	if (!d || !peek(d, 0, &got, e))
		return d && err_prefix(e, "the camera cannot be held in its bootloader");
	if (!read_string(d, d->device.serial, out->usb_serial, sizeof out->usb_serial, e) ||
	    !serial_agrees(l, out->usb_serial, e))
		return err_prefix(e, "serial");
	for (unsigned i = 0; i < d->desc.alt_count; i++)
		if (!read_string(d, d->desc.alt_strings[i], d->alts[i], sizeof d->alts[i], e))
			return err_prefix(e, "name of alternate %u", i);
	memcpy(out->alts, d->alts, sizeof out->alts);
	out->alt_count = d->desc.alt_count;
	if (!board_uid_from_serial(l->board, out->usb_serial, out->uid))
		out->uid[0] = '\0';
	d->named = true;
	return true;
}

/* --- partitions --------------------------------------------------------------------------------------------------- */

/* DfuSe names media, not partitions: several share an alternate, and its map says whether they are there. */
static int alternate_of(const struct link *l, const struct dfu_link *d, const struct partition *p)
{
	struct dfuse_map map;
	if (l->board->dialect == DIALECT_DFUSE)
		return p->alt < d->desc.alt_count && dfuse_map_parse(d->alts[p->alt], &map) && dfuse_map_holds(&map, p)
			   ? (int)p->alt
			   : -1;
	for (unsigned i = 0; i < d->desc.alt_count; i++)
		if (!strcmp(d->alts[i], p->name))
			return (int)i;
	return -1;
}

/* A host controller reports a device that is being pulled in many ways: give the watcher a moment to see it leave. */
static bool still_there(const struct link *l)
{
	struct usb_seen seen;
	usleep(DFU_BROKEN_MS * 1000);
	return usb_find(&l->id, &seen);
}

/* As a plain request: alternates of DFU have no endpoints that the kernel would have to know of, and
 * libusb_set_interface_alt_setting neither tells a timeout nor survives a device that has left (up to 1.0.26 it unlocks
 * a mutex that it does not hold, and libusb_close aborts). */
static int set_interface(struct dfu_link *d, int alt)
{
	int r = libusb_control_transfer(d->handle.device,
	    (uint8_t)LIBUSB_RECIPIENT_INTERFACE | (uint8_t)LIBUSB_REQUEST_TYPE_STANDARD, LIBUSB_REQUEST_SET_INTERFACE,
	    (uint16_t)alt, d->desc.interface, NULL, 0, DFU_PLAIN_MS);
	return r < 0 ? r : 0;
}

static bool select_partition(struct link *l, struct dfu_link *d, const struct partition *p, struct err *e)
{
	if (!d->named)
		return err_set(e, CODE_INTERNAL, "the camera was not identified");
	int alt = alternate_of(l, d, p);
	if (alt < 0)
		return err_set(e, CODE_WRONG_BOARD, "the camera has no partition %s", p->name);
	if (alt == d->alt && !d->untidy)
		return true;
	d->alt = -1;
	int r = set_interface(d, alt);
	if (r && !still_there(l))
		r = LIBUSB_ERROR_NO_DEVICE;
	if (r)
		return usb_error(e, r, "the alternate cannot be selected");
	d->alt = alt;
	d->untidy = false;
	return true;
}

/* Is the last block there, and none behind it?  *last: the bytes of the last one. */
static bool look_at_end(struct dfu_link *d, uint32_t blocks, uint16_t *last, bool *fits, struct err *e)
{
	uint16_t beyond;
	if (!peek(d, blocks - 1, last, e) || !peek(d, blocks, &beyond, e))
		return false;
	*fits = *last == DFU_BLOCK && beyond != DFU_BLOCK;
	return true;
}

static bool dfu_probe(struct link *l, const struct partition *p, struct err *e)
{
	struct dfu_link *d = usable(l, e);
	uint16_t last = 0;
	uint32_t blocks = p->size / DFU_BLOCK;
	bool fits = false;
	if (!d || !select_partition(l, d, p, e))
		return d && err_prefix(e, "%s", p->name);
	if (l->board->dialect == DIALECT_DFUSE) /* no end shows there; the map was just held against the partition */
		return true;
	if (!p->readable || !blocks)
		return err_set(e, CODE_WRONG_BOARD, "%s cannot be probed", p->name);
	/* one answer that was cut short or refused makes no other board */
	for (unsigned i = 0; i < PROBE_TRIES && !fits; i++)
		if (!look_at_end(d, blocks, &last, &fits, e))
			return err_prefix(e, "%s", p->name);
	if (!last) /* the end of an OpenMV partition is told by four bytes, never by none */
		return err_set(e, CODE_USB_PROTOCOL, "%s: its last block is refused", p->name);
	return fits || err_set(e, CODE_WRONG_BOARD, "%s is %s than %u bytes", p->name,
			   last == DFU_BLOCK ? "larger" : "smaller", p->size);
}

static bool dfu_read(struct link *l, const struct partition *p, uint32_t offset, uint32_t size, link_sink *sink,
    void *context, struct err *e)
{
	struct dfu_link *d = usable(l, e);
	struct dfu_run run;
	if (!d)
		return false;
	if (offset % DFU_BLOCK || offset > p->size || size > p->size - offset)
		return err_set(e, CODE_INTERNAL, "%s has no %u bytes at %u", p->name, size, offset);
	if (!size)
		return true;
	if (!select_partition(l, d, p, e))
		return err_prefix(e, "%s", p->name);
	const struct xfer_job job = {
		.sink = sink, .sink_offset = offset, .sink_end = offset + size, .context = context
	};
	uint32_t first = offset / DFU_BLOCK;
	dfu_read_begin(&run, l->board->dialect, p, first, (size - 1) / DFU_BLOCK + 1, UPLOAD_DEPTH);
	if (l->board->dialect == DIALECT_DFUSE && d->pointed == p && d->base <= first)
		dfu_read_continue(&run, d->base);
	if (xfer_run(d->xfer, &run, &job, e)) {
		d->pointed = p;
		d->base = run.read.base;
		return true;
	}
	d->untidy = true;
	d->pointed = NULL;
	return err_prefix(e, "%s", p->name);
}

/* Typically; 1 more than it is, so never 0. */
static uint32_t program_ms(const struct medium *m)
{
	return (uint32_t)((uint64_t)(DFU_BLOCK / m->program_bytes + 1) * m->program_us / 1000) + 1;
}

/* The longest that the camera may hold GETSTATUS over one block of a partition. */
static uint32_t hold_ms(const struct board *b, const struct partition *p)
{
	const struct medium *m = board_medium(b, p);
	uint32_t erase = 0;
	for (unsigned i = 0; m->erases && i < p->run_count; i++) {
		uint32_t size = p->runs[i].size, ms = board_erase_ms(b, size);
		if (size && size < DFU_BLOCK)
			ms *= DFU_BLOCK / size;
		erase = ms > erase ? ms : erase;
	}
	return (erase + program_ms(m)) * SLOW_FACTOR + SLOW_MS;
}

/* One visit: steps of one partition. */
static bool visit(struct link *l, struct dfu_link *d, struct xfer_job *job, const struct partition *p, uint32_t count,
    uint32_t *done, struct err *e)
{
	struct dfu_run run;
	d->untidy = true; /* even where it is selected: an UPLOAD may have left it anywhere */
	d->pointed = NULL;
	if (!select_partition(l, d, p, e))
		return err_prefix(e, "%s", p->name);
	d->untidy = true;
	dfu_write_begin(&run, l->board->dialect, p, hold_ms(l->board, p), job->steps, count);
	run.settle_ms = program_ms(board_medium(l->board, p)) * SLOW_FACTOR;
	bool ok = xfer_run(d->xfer, &run, job, e);
	*done += run.write.acked;
	return ok ||
	       err_prefix(e, "%s, block %u", p->name, run.write.acked < count ? job->steps[run.write.acked].block : 0);
}

static bool writable(const struct region *regions, const struct plan_step *s, struct err *e)
{
	const struct partition *p = regions[s->region].partition;
	if (p->readonly || p->forbidden)
		return err_set(e, CODE_PARTITION_FORBIDDEN, "%s must not be written", p->name);
	if (s->op == PLAN_WRITE && s->block >= p->size / DFU_BLOCK)
		return err_set(e, CODE_INTERNAL, "%s has no block %u", p->name, s->block);
	return true;
}

static bool dfu_write(struct link *l, const struct region *regions, const struct plan_step *steps, uint32_t count,
    uint32_t *done, link_progress *progress, void *context, struct err *e)
{
	struct dfu_link *d = usable(l, e);
	*done = 0;
	for (uint32_t i = 0; d && i < count; i++)
		if (!writable(regions, &steps[i], e))
			return false;
	for (uint32_t i = 0; d && i < count; i = *done) {
		uint32_t n = 1;
		while (i + n < count && steps[i + n].region == steps[i].region)
			n++;
		struct xfer_job job = {
			.regions = regions,
			.steps = steps + i,
			.progress = progress,
			.progress_base = (uint64_t)i * DFU_BLOCK,
			.context = context,
		};
		if (!visit(l, d, &job, regions[steps[i].region].partition, n, done, e))
			return false;
	}
	return d != NULL;
}

/* --- leave -------------------------------------------------------------------------------------------------------- */

/* Bootloaders before the first that obeys DETACH in every mode; the oldest report a number of their own, which is
 * higher. */
static bool needs_bus_reset(const struct link *l)
{
	const struct board *b = l->board;
	return b->dialect == DIALECT_OPENMV && (l->id.bcd == b->bcd_old || l->id.bcd < b->bcd_first_detach);
}

/* A camera that obeys DETACH is off the bus at once. */
static bool stays(const struct link *l)
{
	struct usb_seen seen;
	int64_t until = clock_mono_ms() + LEAVE_MS;
	while (usb_find(&l->id, &seen)) {
		if (atomic_load(l->cancel))
			return false;
		if (clock_mono_ms() > until)
			return true;
		usleep(LOOK_MS * 1000);
	}
	return false;
}

static bool bus_reset(struct dfu_link *d, struct err *e)
{
	int r = libusb_reset_device(d->handle.device);
	/* gone over it is what is wanted */
	return !r || r == LIBUSB_ERROR_NOT_FOUND || r == LIBUSB_ERROR_NO_DEVICE || r == LIBUSB_ERROR_IO ||
	       r == LIBUSB_ERROR_PIPE || usb_error(e, r, "the bus reset failed");
}

static bool dfu_leave(struct link *l, struct err *e)
{
	static const struct xfer_job nothing;
	struct dfu_link *d = usable(l, e);
	struct dfu_run run;
	if (!d)
		return false;
	dfu_leave_begin(&run, l->board->dialect);
	bool ok = xfer_run(d->xfer, &run, &nothing, e);
	if (needs_bus_reset(l) && (ok || run.err.code == CODE_USB_TIMEOUT))
		ok = bus_reset(d, e);
	else if (ok && stays(l)) /* it did not hear, or refused: what every bootloader obeys */
		ok = bus_reset(d, e);
	if (ok)
		dfu_close(l);
	return ok || err_prefix(e, "the camera did not leave");
}

const struct transport_ops transport_dfu = {
	.name = "dfu",
	.open = dfu_open,
	.close = dfu_close,
	.identify = dfu_identify,
	.probe = dfu_probe,
	.read = dfu_read,
	.write = dfu_write,
	.leave = dfu_leave,
};
