/* What the kernel shows of a device, with anything in its files: busnum, devnum, serial and descriptors, each a length
 * byte and that many bytes, the descriptors the rest.  What is believed is within its bounds. */
#include "folder.h"

#include "transport/usb_scan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void put_piece(const char *name, struct span *in)
{
	size_t n = in->size ? in->data[0] : 0;
	if (in->size)
		*in = span_of(in->data + 1, in->size - 1);
	n = n < in->size ? n : in->size;
	folder_put(name, in->data ? (const void *)in->data : "", n);
	*in = span_of(in->data + n, in->size - n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t raw[USB_DESCRIPTORS_MAX];
	struct usb_seen seen;
	struct dfu_desc desc;
	struct err e = ERR_INIT;
	struct span in = span_of(data, size);
	char place[128];
	snprintf(place, sizeof place, "%s/1-1.1", folder());
	mkdir(place, 0755);
	put_piece("1-1.1/busnum", &in);
	put_piece("1-1.1/devnum", &in);
	put_piece("1-1.1/serial", &in);
	folder_put("1-1.1/descriptors", in.data ? (const void *)in.data : "", in.size);
	size_t got = usb_scan_descriptors(folder(), "1-1.1", raw);
	must(got <= sizeof raw && got == (in.size < sizeof raw ? in.size : sizeof raw) &&
	     (!got || !memcmp(raw, in.data, got)));
	if (usb_scan_device(folder(), "1-1.1", &seen)) {
		must(seen.bus >= 1 && seen.bus <= 999 && seen.address >= 1 && seen.address <= 999);
		must(memchr(seen.serial, 0, sizeof seen.serial));
		for (const char *p = seen.serial; *p; p++)
			must(*p >= 0x20 && *p <= 0x7e);
		must(got >= USB_DEVICE_DESC_SIZE);
	}
	if (dfu_desc_parse(span_of(raw, got), &desc, &e))
		must(desc.alt_count >= 1 && desc.alt_count <= DFU_MAX_ALTERNATES);
	struct usb_name name;
	must(usb_scan_names(folder(), &name, 1) == 1 && !strcmp(name.path, "1-1.1"));
	return 0;
}
