/* JSON text: whatever gets through the scanner must print, and what is printed must get through again. */
#include <stdlib.h>
#include <string.h>

#include "format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	AUTO_JSON struct cJSON *json = json_parse(span_of(data, size), &e);
	if (!json) {
		if (e.code != CODE_JSON_INVALID || !*e.msg)
			abort();
		return 0;
	}
	AUTO_FREE char *text = json_print(json);
	if (!text)
		abort();
	AUTO_JSON struct cJSON *again = json_parse(span_of(text, strlen(text)), &e);
	if (!again)
		abort();
	return 0;
}
