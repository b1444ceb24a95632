/* What the kernel shows of USB devices in sysfs: plain files, no libusb, no device opened.
 *
 * `root` is /sys/bus/usb/devices, or a copy of its shape in a test. */
#ifndef STATION_TRANSPORT_USB_SCAN_H
#define STATION_TRANSPORT_USB_SCAN_H

#include "format/dfu_desc.h"
#include "transport/transport.h"

#include <sys/types.h>

#define USB_SCAN_ROOT       "/sys/bus/usb/devices"
#define USB_SCAN_MAX        512 /* devices and hubs */
#define USB_DESCRIPTORS_MAX 1024

/* A name under root; the inode tells one enumeration at a path from the next. */
struct usb_name {
	char path[USB_PATH_SIZE];
	ino_t inode;
};

struct usb_seen {
	unsigned bus, address;
	struct usb_device_desc desc;
	char serial[USB_STRING_SIZE]; /* as the kernel read it; "" when it has none, or an unprintable one */
};

/* Devices and hubs, no interfaces, no root hubs.  Returns how many, at most max; -1: the folder could not be read to
 * its end, which says nothing of what is plugged in.  A system without USB has no such folder, and no devices. */
ssize_t usb_scan_names(const char *root, struct usb_name *out, size_t max);
/* False when the device is gone or not complete yet. */
bool usb_scan_device(const char *root, const char *path, struct usb_seen *out);
/* The device descriptor and the configurations behind it; returns the size, 0 when it cannot be read. */
size_t usb_scan_descriptors(const char *root, const char *path, uint8_t out[USB_DESCRIPTORS_MAX]);

#endif
