/* Names of the DFU status codes. */
#include "dfu/dfu.h"

#include <string.h>

static const char *const names[DFU_STATUS_COUNT] = {
#define X(name, text) [DFU_##name] = text,
	DFU_STATUS_MAP(X)
#undef X
};

enum dfu_status dfu_status_from_name(const char *name)
{
	unsigned i = 0;
	while (i < DFU_STATUS_COUNT && strcmp(names[i], name))
		i++;
	return (enum dfu_status)i;
}

const char *dfu_status_name(enum dfu_status status)
{
	return (unsigned)status < DFU_STATUS_COUNT ? names[status] : "?";
}
