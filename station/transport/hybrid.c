/* Two ways in one: the debug probe puts the boot magic into RAM and resets, everything else goes over DFU.
 *
 * For boards whose flash no debugger reaches on its own, and whose bootloader has to be asked for. */
#include "transport/swd_inner.h"

#include "os/clock.h"
#include "transport/usb_context.h"

#include <unistd.h>

#define RESET_MS  5000
#define APPEAR_MS 8000
#define LOOK_US   20000

/* Forces the bootloader by the probe. */
static bool force(struct link *l, struct err *e)
{
	struct ocd_setup s = { .scripts = l->swd->scripts, .config = l->board->swd.config, .cancel = l->cancel };
	uint32_t magic = l->board->boot_magic_value;
	struct ocd *o = NULL;
	bool done = swd_probe_find(&l->swd->probe, &s.probe, e) && ocd_start(&s, &o, e) &&
		    ocd_write_words(o, l->board->boot_magic_address, &magic, 1, e) &&
		    ocd_call(o, RESET_MS, NULL, 0, e, "reset run");
	ocd_stop(o);
	return done;
}

static bool appears(struct link *l, uint64_t before, struct err *e)
{
	int64_t until = clock_mono_ms() + APPEAR_MS;
	struct usb_id id;
	for (;;) {
		if (usb_arrival_at(l->id.path, &id) && id.arrival != before && id.vid == l->board->dfu_vid &&
		    id.pid == l->board->dfu_pid) {
			l->id = id;
			return true;
		}
		if (l->cancel && atomic_load(l->cancel))
			return err_set(e, CODE_ABORTED, "stopped by a person");
		if (clock_mono_ms() >= until)
			return err_set(e, CODE_USB_TIMEOUT,
			    "its bootloader did not show up on USB within %d s of its reset", APPEAR_MS / 1000);
		usleep(LOOK_US);
	}
}

static bool hybrid_open(struct link *l, struct err *e)
{
	struct usb_id now = { .arrival = 0 };
	bool there = usb_arrival_at(l->id.path, &now);
	/* the bootloader that this attempt asked for is still there: it is latched, and a reset would lose it */
	bool ours = there && now.vid == l->board->dfu_vid && now.pid == l->board->dfu_pid && now.vid == l->id.vid &&
		    now.arrival == l->id.arrival;
	return (ours || (force(l, e) && appears(l, now.arrival, e))) && transport_dfu.open(l, e);
}

static void hybrid_close(struct link *l)
{
	transport_dfu.close(l);
}

static bool hybrid_identify(struct link *l, struct identity *out, struct err *e)
{
	return transport_dfu.identify(l, out, e);
}

static bool hybrid_probe(struct link *l, const struct partition *p, struct err *e)
{
	return transport_dfu.probe(l, p, e);
}

static bool hybrid_read(struct link *l, const struct partition *p, uint32_t offset, uint32_t size, link_sink *sink,
    void *context, struct err *e)
{
	return transport_dfu.read(l, p, offset, size, sink, context, e);
}

static bool hybrid_write(struct link *l, const struct region *regions, const struct plan_step *steps, uint32_t count,
    uint32_t *done, link_progress *progress, void *context, struct err *e)
{
	return transport_dfu.write(l, regions, steps, count, done, progress, context, e);
}

static bool hybrid_leave(struct link *l, struct err *e)
{
	return transport_dfu.leave(l, e);
}

const struct transport_ops transport_hybrid = {
	.name = "swd+dfu",
	.open = hybrid_open,
	.close = hybrid_close,
	.identify = hybrid_identify,
	.probe = hybrid_probe,
	.read = hybrid_read,
	.write = hybrid_write,
	.leave = hybrid_leave,
};

const struct transport_ops *transport_for(const struct board *b, const struct swd_place *swd)
{
	return !swd ? &transport_dfu : b->swd.hybrid ? &transport_hybrid : &transport_swd;
}
