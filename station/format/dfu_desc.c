/* Reading descriptors: every length is checked against what is really there before it is believed. */
#include "format/dfu_desc.h"

#include <string.h>

enum { DESC_DEVICE = 1, DESC_CONFIG = 2, DESC_STRING = 3, DESC_INTERFACE = 4, DESC_DFU = 0x21 };

#define CONFIG_SIZE    9
#define INTERFACE_SIZE 9
#define DFU_SIZE       9 /* 7 in DFU 1.0, which has no version */

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

bool usb_device_parse(struct span descriptors, struct usb_device_desc *out, struct err *e)
{
	const uint8_t *d = descriptors.data;
	if (descriptors.size < USB_DEVICE_DESC_SIZE || d[0] != USB_DEVICE_DESC_SIZE || d[1] != DESC_DEVICE)
		return err_set(e, CODE_USB_PROTOCOL, "the device descriptor is malformed");
	*out = (struct usb_device_desc){
		.vid = le16(d + 8), .pid = le16(d + 10), .bcd = le16(d + 12), .device_class = d[4], .serial = d[16]
	};
	return true;
}

/* The next descriptor of the list, cut off it; size 0 at its end or where it is broken. */
static struct span next_desc(struct span *list)
{
	struct span d = { list->data, 0 };
	if (list->size < 2 || list->data[0] < 2 || list->data[0] > list->size)
		return d;
	d.size = list->data[0];
	list->data += d.size;
	list->size -= d.size;
	return d;
}

static bool add_alternate(struct span d, struct dfu_desc *out, struct err *e)
{
	if (out->alt_count && d.data[2] != out->interface)
		return err_set(e, CODE_USB_PROTOCOL, "two interfaces are in DFU mode");
	if (out->alt_count == DFU_MAX_ALTERNATES)
		return err_set(e, CODE_USB_PROTOCOL, "there are more than %d alternates", DFU_MAX_ALTERNATES);
	if (d.data[3] != out->alt_count)
		return err_set(
		    e, CODE_USB_PROTOCOL, "alternate %u stands in the place of %u", d.data[3], out->alt_count);
	out->interface = d.data[2];
	out->alt_strings[out->alt_count++] = d.data[8];
	return true;
}

static bool in_dfu_mode(struct span d)
{
	return d.size >= INTERFACE_SIZE && d.data[5] == 0xfe && d.data[6] == 0x01 && d.data[7] == 0x02;
}

/* Everything below one configuration. */
static bool walk(struct span list, struct dfu_desc *out, struct err *e)
{
	bool functional = false, ours = false;
	for (struct span d = next_desc(&list); d.size; d = next_desc(&list)) {
		if (d.data[1] == DESC_INTERFACE) {
			ours = in_dfu_mode(d);
			if (ours && !add_alternate(d, out, e))
				return false;
		} else if (d.data[1] == DESC_DFU && ours && d.size >= DFU_SIZE) {
			out->attributes = d.data[2];
			out->detach_ms = le16(d.data + 3);
			out->transfer_size = le16(d.data + 5);
			out->version = le16(d.data + 7);
			functional = true;
		}
	}
	if (list.size)
		return err_set(e, CODE_USB_PROTOCOL, "the configuration descriptor is malformed");
	if (!out->alt_count)
		return err_set(e, CODE_USB_PROTOCOL, "no interface is in DFU mode");
	return functional || err_set(e, CODE_USB_PROTOCOL, "the DFU functional descriptor is missing");
}

bool dfu_desc_parse(struct span descriptors, struct dfu_desc *out, struct err *e)
{
	struct usb_device_desc device;
	if (!usb_device_parse(descriptors, &device, e))
		return false;
	*out = (struct dfu_desc){ 0 };
	struct span list = { descriptors.data + USB_DEVICE_DESC_SIZE, descriptors.size - USB_DEVICE_DESC_SIZE };
	struct span d = next_desc(&list);
	size_t total = d.size >= CONFIG_SIZE && d.data[1] == DESC_CONFIG ? le16(d.data + 2) : 0;
	if (total < d.size || !d.size || total - d.size > list.size)
		return err_set(e, CODE_USB_PROTOCOL, "the configuration descriptor is malformed");
	out->config = d.data[5];
	return walk(span_of(list.data, total - d.size), out, e);
}

bool usb_string_text(struct span descriptor, char *out, size_t size)
{
	const uint8_t *d = descriptor.data;
	out[0] = '\0';
	if (descriptor.size < 2 || d[1] != DESC_STRING || d[0] != descriptor.size || d[0] % 2)
		return false;
	size_t length = d[0] / 2u - 1;
	if (length >= size)
		return false;
	for (size_t i = 0; i < length; i++) {
		uint16_t c = le16(d + 2 + 2 * i);
		if (c < 0x20 || c > 0x7e) {
			out[0] = '\0';
			return false;
		}
		out[i] = (char)c;
	}
	out[length] = '\0';
	return true;
}
