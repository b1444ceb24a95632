/* station.conf: what is accepted prints as a file that is accepted and prints the same. */
#include <stdlib.h>
#include <string.h>

#include "os/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf conf, again;
	struct err e = ERR_INIT;
	if (!conf_parse(span_of(data, size), "f", "host", &conf, &e)) {
		if (e.code != CODE_CONFIG_INVALID || !*e.msg)
			abort();
		return 0;
	}
	AUTO_FREE char *text = conf_print(&conf);
	if (!text || !conf_parse(span_of(text, strlen(text)), "f", "other", &again, &e))
		abort();
	AUTO_FREE char *twice = conf_print(&again);
	if (!twice || strcmp(text, twice) != 0)
		abort();
	return 0;
}
