/* Control transfers of one open camera: runs a DFU run to its end, and single requests.
 *
 * Everything is asynchronous below: a completion is judged, and the next transfer submitted, in libusb's callback on
 * the event thread, so that the wire never waits for a thread to wake up.  The calling thread waits, with a deadline;
 * for a read it also takes the blocks out in order and gives them to the sink, while later ones arrive.
 *
 * Memory is fixed: XFER_SLOTS transfers with a block each.  Calls on one xfer never overlap. */
#ifndef STATION_TRANSPORT_DFU_XFER_H
#define STATION_TRANSPORT_DFU_XFER_H

#include "format/dfu_run.h"
#include "transport/transport.h"

#include <libusb.h>

#define XFER_SLOTS 16 /* a quarter of them on the wire, the rest for the sink */

#define XFER_STRING_SIZE 255

struct xfer;

/* What a run works on; all borrowed, all optional. */
struct xfer_job {
	const struct region *regions; /* write: bytes of plan steps */
	const struct plan_step *steps;
	link_progress *progress; /* write: bytes acknowledged, from progress_base on */
	uint64_t progress_base;
	link_sink *sink;                /* read */
	uint32_t sink_offset, sink_end; /* read: where the first block stands; nothing beyond the end is given on */
	void *context;
};

/* device is borrowed and must outlive the xfer; cancel too, and may be NULL. */
bool xfer_create(
    struct xfer **out, libusb_device_handle *device, uint8_t interface, atomic_bool *cancel, struct err *e);
/* False: transfers are still out and libusb does not give them back; then nothing was freed and the device must stay
 * open.  Accepts NULL. */
bool xfer_destroy(struct xfer *x);

/* To the end of the run; *e is the run's failure, or the sink's. */
bool xfer_run(struct xfer *x, struct dfu_run *run, const struct xfer_job *job, struct err *e);
/* The bytes of a string descriptor. */
bool xfer_ask_string(struct xfer *x, uint8_t index, uint8_t out[XFER_STRING_SIZE], uint16_t *got, struct err *e);

#endif
