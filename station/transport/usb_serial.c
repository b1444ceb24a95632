/* The serial of a camera in run mode.  The kernel read it when the camera came up, so that nothing has to be opened;
 * when the kernel could not, the camera is asked. */
#include "transport/dfu_xfer.h"
#include "transport/usb_context.h"

#include <string.h>

static bool ask(struct usb_handle *h, uint8_t index, char out[USB_STRING_SIZE], struct err *e)
{
	struct xfer *x;
	uint8_t bytes[XFER_STRING_SIZE];
	uint16_t got;
	if (!xfer_create(&x, h->device, 0, NULL, e))
		return false;
	bool ok = xfer_ask_string(x, index, bytes, &got, e);
	if (!xfer_destroy(x))
		return false; /* its transfer is lost in libusb: the device stays open */
	usb_handle_close(h);
	return ok && (usb_string_text(span_of(bytes, got), out, USB_STRING_SIZE) ||
			 err_set(e, CODE_USB_PROTOCOL, "the serial is not printable"));
}

bool usb_read_serial(const struct usb_id *id, char out[USB_STRING_SIZE], struct err *e)
{
	struct usb_seen seen;
	struct usb_handle h = { NULL, NULL };
	out[0] = '\0';
	if (!usb_find(id, &seen))
		return err_set(e, CODE_USB_GONE, "no camera is at %s any more", id->path);
	memcpy(out, seen.serial, sizeof seen.serial);
	if (out[0] || !seen.desc.serial)
		return true;
	return usb_handle_open(id, &h, e) && ask(&h, seen.desc.serial, out, e);
}
