/* Lines for the control socket: every word is read within bounds, the answer is JSON or a refusal in words.  The line
 * has no cameras, so that nothing is plugged and no file is opened; what a camera's number leads to is behind that. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/virtual/verbs.h"
#include "format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool stopped;

static void on_stop(void *context)
{
	*(bool *)context = true;
}

static void obey(struct control *c, const uint8_t *data, size_t size)
{
	char line[CONTROL_LINE_SIZE];
	AUTO_FREE char *json = NULL;
	struct verb_wait wait = { .device = NULL };
	struct err e = ERR_INIT;
	memcpy(line, data, size);
	line[size] = '\0';
	stopped = false;
	bool ok = verb_obey(c, line, 1, &json, &wait, &e);
	if (ok ? wait.device != NULL : !*e.msg || json)
		abort(); /* there is nobody to wait for */
	if (ok && json) {
		AUTO_JSON struct cJSON *tree = json_parse(span_of(json, strlen(json)), &e);
		if (!tree || !json_is_object(tree))
			abort();
	}
	if (stopped && strncmp(line + strspn(line, " \t"), "stop", 4) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bus bus;
	struct control control = { .door.fd = -1, .bus = &bus, .stop = on_stop, .context = &stopped };
	bus.faults.count = 0;
	bus.now = 0;
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;
		if (length < CONTROL_LINE_SIZE) /* a longer one is refused by who reads it */
			obey(&control, data, length);
		data += length + (end != NULL);
		size -= length + (end != NULL);
	}
	return 0;
}
