/* The contract between the line and everything that touches hardware.
 *
 * A link is one camera at one USB path, held from open to close.  Calls on one link never overlap; calls on different
 * links run in parallel, so all state lives behind the link.  Every call has a deadline of its own and returns; on
 * false, *e says why and the link accepts only close (and leave, after a failure before the camera left).
 * Truth comes from read: write answers only what the camera claims. */
#ifndef STATION_TRANSPORT_H
#define STATION_TRANSPORT_H

#include "base/digest.h"
#include "format/board.h"
#include "format/line_file.h"
#include "format/plan.h"

#include <stdatomic.h>

#define USB_PATH_SIZE   32 /* "1-2.3": bus and port chain, as sysfs spells it */
#define USB_STRING_SIZE 64

/* What plugging shows without opening the camera. */
struct usb_id {
	char path[USB_PATH_SIZE];
	uint16_t vid, pid, bcd; /* bcd: bcdDevice, a bootloader's version */
	uint64_t arrival;       /* number of this arrival, from 1; a new one for each enumeration */
};

/* What identify found. */
struct identity {
	char usb_serial[USB_STRING_SIZE]; /* as USB said it, printable ASCII only */
	char uid[UID_TEXT_SIZE];          /* "" when malformed */
	uint16_t bcd;
	unsigned alt_count;
	char alts[BOARD_MAX_PARTITIONS][BOARD_ALT_SIZE];
};

/* A place where cameras are reached through a debug probe. */
struct swd_place {
	struct line_probe probe;
	const char *scripts; /* borrowed: the folder of target configurations */
	bool stock;          /* OpenOCD's own flash drivers, not the agent */
};

struct link {
	const struct transport_ops *ops; /* static */
	const struct swd_place *swd;     /* borrowed for the link's life; NULL: none */
	const struct board *board;       /* borrowed for the link's life */
	struct usb_id id;
	atomic_bool *cancel; /* borrowed; true ends the running call with CODE_ABORTED at the next block */
	void *priv;          /* owned by the transport */
};

/* Progress in bytes of the running call; called from any thread of the transport, must not block. */
typedef void link_progress(void *context, uint64_t bytes);
/* Takes bytes as they arrive, in order.  False ends the read; *e is then the sink's. */
typedef bool link_sink(void *context, uint32_t offset, struct span data, struct err *e);

/* What the camera's own core said of a region. */
struct camera_report {
	bool there; /* false: nobody was there to ask */
	struct digest digest;
	bool mounted;
	uint32_t files, entries;
};

struct transport_ops {
	const char *name; /* "dfu", "swd", "swd+dfu": also in the journal */
	/* Claims the camera.  usb-gone, usb-denied, usb-busy, usb-timeout, usb-protocol. */
	bool (*open)(struct link *l, struct err *e);
	/* Frees everything; accepts a half-open link.  Leaves the camera where it is. */
	void (*close)(struct link *l);
	/* Latches the camera in its bootloader and reads who it is.  No write, no erase. */
	bool (*identify)(struct link *l, struct identity *out, struct err *e);
	/* Does the partition have its size?  Probes near its end; no write.  wrong-board when not. */
	bool (*probe)(struct link *l, const struct partition *p, struct err *e);
	/* Reads [offset, offset + size) of a partition; offset is a multiple of 4096.  With reads_past_bad, flash-error
	 * says that the flash itself cannot be read there; what is elsewhere can. */
	bool (*read)(struct link *l, const struct partition *p, uint32_t offset, uint32_t size, link_sink *sink,
	    void *context, struct err *e);
	bool reads_past_bad;
	/* Sends steps in order.  *done counts the steps that the camera acknowledged, also on failure.
	 * flash-error when the camera reports one (errWRITE, errERASE, errPROG, errVERIFY). */
	bool (*write)(struct link *l, const struct region *regions, const struct plan_step *steps, uint32_t count,
	    uint32_t *done, link_progress *progress, void *context, struct err *e);
	/* NULL: only reading tells.  Which units of the region differ, by the camera's own word: a bit per unit. */
	bool (*compare)(struct link *l, const struct region *r, uint8_t *differ, bool *any, struct err *e);
	/* NULL: the camera says nothing.  What its own core finds in a region: digest, and for a romfs what its mount
	 * driver, walking every file, agrees on.  romfs-bad, flash-mismatch when it is not what the recipe has. */
	bool (*report)(struct link *l, const struct region *r, struct camera_report *out, struct err *e);
	/* NULL: no.  Is there a program in the camera that compare and report ask? */
	bool (*knows_itself)(struct link *l, bool *answers, struct err *e);
	/* NULL: a camera's return is seen on USB alone.  Else: sees within the time, without USB, that the camera runs
	 * firmware: its core is alive and stands in a firmware region.  no-return when not.  Opens for itself. */
	bool (*confirm)(struct link *l, uint32_t within_ms, struct err *e);
	/* Sends the camera to its firmware, by a bus reset where it does not obey, and closes the device; only close
	 * may follow. */
	bool (*leave)(struct link *l, struct err *e);
};

extern const struct transport_ops transport_dfu;
extern const struct transport_ops transport_swd;
/* The boot magic and a reset by the probe, then DFU. */
extern const struct transport_ops transport_hybrid;
/* What works on this board: swd NULL, over DFU; else as its file says. */
const struct transport_ops *transport_for(const struct board *b, const struct swd_place *swd);

/* What a look at a probe shows, without halting or changing what is there: is there a target, and which? */
struct swd_seen {
	uint32_t dpidr;
	char uid[UID_TEXT_SIZE]; /* "" when it cannot be read */
};
/* False: nothing answers there (target-missing), or the probe is at fault.  Blocks for at most 16 s, unless it is
 * cancelled. */
bool swd_look(const struct swd_place *place, const struct board *b, const atomic_bool *cancel, struct swd_seen *out,
    struct err *e);

/* The watcher: one libusb context, one event thread, hotplug plus a periodic resync.  Events come from the event
 * thread, one at a time; the handler must only enqueue. */
struct usb_watch_event {
	bool arrived; /* else it left */
	struct usb_id id;
};
typedef void usb_watch_handler(void *context, const struct usb_watch_event *event);

/* The serial string of a device in run mode, opened for just that; "" when it has none.  Blocks for at most 2 s; not
 * from a usb_watch_handler.  usb-gone, usb-denied, usb-busy, usb-timeout, usb-protocol. */
bool usb_read_serial(const struct usb_id *id, char out[USB_STRING_SIZE], struct err *e);

/* One per process.  Devices already there are reported as arrivals before start returns. */
bool usb_watch_start(usb_watch_handler *handler, void *context, struct err *e);
/* Returns within 5 s, when the event thread has ended or, where libusb keeps a transfer for good, when it is left
 * behind; no event comes afterwards.  All links must be closed. */
void usb_watch_stop(void);

#endif
