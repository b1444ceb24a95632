/* Fault SPECs: what is accepted makes sense, and says the same when read again. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/virtual/faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[FAULT_SPEC_SIZE * 2];
	struct fault fault, again;
	struct err e = ERR_INIT;
	if (size >= sizeof text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!fault_parse(text, &fault, &e)) {
		if (!*e.msg)
			abort();
		return 0;
	}
	if (fault.at >= AT_COUNT || fault.deed >= DO_COUNT || fault.camera > FAULT_MAX_CAMERAS || !fault.nth ||
	    !fault.times || fault.bit > 7 || fault.status >= DFU_STATUS_COUNT)
		abort();
	if (!fault_parse(fault.spec, &again, &e) || memcmp(&fault, &again, sizeof fault))
		abort();
	return 0;
}
