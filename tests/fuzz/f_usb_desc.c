/* Descriptors as a camera might send them: device and configuration, and string descriptors. */
#include "format/dfu_desc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct dfu_desc desc;
	char text[64];
	if (dfu_desc_parse(span_of(data, size), &desc, &e)) {
		if (!desc.alt_count || desc.alt_count > DFU_MAX_ALTERNATES)
			abort();
	} else if (e.code != CODE_USB_PROTOCOL || !*e.msg) {
		abort();
	}
	if (usb_string_text(span_of(data, size), text, sizeof text))
		for (const char *p = text; *p; p++)
			if (*p < 0x20 || *p > 0x7e)
				abort();
	return 0;
}
