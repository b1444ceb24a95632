/* Any text as a line file: read within bounds, and what is taken holds its rules. */
#include "format/line_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line_file f;
	struct err e = ERR_INIT;
	if (!line_file_parse(span_of(data, size), &f, &e))
		return 0;
	for (unsigned i = 0; i < f.count; i++)
		if (usb_path_valid(f.places[i].path) != f.places[i].has_usb || !f.places[i].name[0] ||
		    (!f.places[i].has_usb && !f.places[i].probe.there))
			abort();
	return 0;
}
