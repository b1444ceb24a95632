/* What a camera's descriptors say about DFU: the interface in DFU mode, its alternates, its functional descriptor; and
 * string descriptors as plain text.
 *
 * Input is what the kernel keeps in sysfs: the device descriptor, then each configuration descriptor as the camera
 * sent it.  USB 2.0 section 9.6, USB DFU 1.1 section 4.  Pure; all input is hostile. */
#ifndef STATION_FORMAT_DFU_DESC_H
#define STATION_FORMAT_DFU_DESC_H

#include "base/err.h"
#include "base/span.h"

#define USB_DEVICE_DESC_SIZE 18
#define USB_CLASS_HUB        9
#define DFU_MAX_ALTERNATES   16

#define DFU_CAN_DNLOAD 0x01
#define DFU_CAN_UPLOAD 0x02

struct usb_device_desc {
	uint16_t vid, pid, bcd;
	uint8_t device_class, serial; /* serial: index of the string; 0: none */
};

struct dfu_desc {
	uint8_t config, interface; /* bConfigurationValue, bInterfaceNumber */
	unsigned alt_count;
	uint8_t alt_strings[DFU_MAX_ALTERNATES]; /* index of each alternate's name; 0: none */
	uint8_t attributes;
	uint16_t detach_ms, transfer_size, version;
};

bool usb_device_parse(struct span descriptors, struct usb_device_desc *out, struct err *e);
/* The first configuration's interface in DFU mode; its alternates must be 0 .. alt_count - 1, in order. */
bool dfu_desc_parse(struct span descriptors, struct dfu_desc *out, struct err *e);
/* A string descriptor as text; false, and out is "", unless it is well-formed, fits, and is printable ASCII only. */
bool usb_string_text(struct span descriptor, char *out, size_t size);

#endif
