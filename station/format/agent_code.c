/* The agents' images, one per core, built from firmware/agent. */
#include "format/agent_box.h"

#include <string.h>

#include "agent.inc"

static const struct {
	unsigned core;
	const uint8_t *bytes;
	size_t size;
} rows[] = {
	{ 4, agent_m4, sizeof agent_m4 },
	{ 7, agent_m7, sizeof agent_m7 },
	{ 33, agent_m33, sizeof agent_m33 },
};

struct span agent_code_for(unsigned core)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].core == core)
			return span_of(rows[i].bytes, rows[i].size);
	return span_of(NULL, 0);
}

bool agent_box_head(struct span image, unsigned core, uint32_t backends, struct agent_image *out, struct err *e)
{
	if (image.size < sizeof *out)
		return err_set(e, CODE_AGENT_FOREIGN, "there is no agent for a Cortex-M%u", core);
	memcpy(out, image.data, sizeof *out);
	if (out->magic != AGENT_IMAGE_MAGIC || out->abi != AGENT_ABI || out->core != core || out->size != image.size ||
	    out->memory < out->size)
		return err_set(e, CODE_AGENT_FOREIGN, "the agent's image is none for a Cortex-M%u", core);
	if (backends & ~out->backends)
		return err_set(e, CODE_AGENT_FOREIGN, "the agent has no back-end for the board's flash");
	return true;
}
