/* What the files of this folder share about USB: the watcher's entries, libusb's contexts, opening a device. */
#ifndef STATION_TRANSPORT_USB_CONTEXT_H
#define STATION_TRANSPORT_USB_CONTEXT_H

#include "transport/transport.h"
#include "transport/usb_scan.h"

#include <libusb.h>

#define USB_OPEN_MS 1000 /* how long opening may wait for udev to set permissions */

/* A device and the context that it lives in. */
struct usb_handle {
	libusb_device_handle *device; /* owned; closed by usb_handle_close */
	void *context;                /* borrowed */
};

/* The watcher.  Looks at sysfs, tells what came and left, and returns when to look again. */
int64_t usb_look(void);
/* False when this arrival has left. */
bool usb_find(const struct usb_id *id, struct usb_seen *out);

/* The newest device at this path; false: none. */
bool usb_arrival_at(const char *path, struct usb_id *out);

/* The threads that serve libusb, and look; what is plugged in already is told before start returns. */
bool usb_contexts_start(struct err *e);
void usb_contexts_stop(void);

/* Opens the device of this arrival.  usb-gone, usb-denied, usb-busy, usb-protocol. */
bool usb_handle_open(const struct usb_id *id, struct usb_handle *out, struct err *e);
void usb_handle_close(struct usb_handle *h); /* accepts one that was never opened */
/* Every libusb error as one of the product's codes; returns false. */
bool usb_error(struct err *e, int error, const char *what);

#endif
