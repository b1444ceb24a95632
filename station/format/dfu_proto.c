/* USB DFU 1.1 as bytes: names, the answer to GETSTATUS, and what a camera's status means to the product. */
#include "format/dfu_proto.h"

static const char *const request_names[] = {
	[DFU_DETACH] = "DETACH",
	[DFU_DNLOAD] = "DNLOAD",
	[DFU_UPLOAD] = "UPLOAD",
	[DFU_GETSTATUS] = "GETSTATUS",
	[DFU_CLRSTATUS] = "CLRSTATUS",
	[DFU_GETSTATE] = "GETSTATE",
	[DFU_ABORT] = "ABORT",
};

static const char *const state_names[DFU_STATE_COUNT] = {
#define X(name, text) [DFU_STATE_##name] = text,
	DFU_STATE_MAP(X)
#undef X
};

static const char *const code_names[DFU_CODE_COUNT] = {
#define X(name, text) [DFU_CODE_##name] = text,
	DFU_STATUS_MAP(X)
#undef X
};

const char *dfu_request_name(unsigned request)
{
	return request <= DFU_ABORT ? request_names[request] : "?";
}

const char *dfu_state_name(unsigned state)
{
	return state < DFU_STATE_COUNT ? state_names[state] : "?";
}

const char *dfu_code_name(unsigned code)
{
	return code < DFU_CODE_COUNT ? code_names[code] : "?";
}

bool dfu_status_parse(struct span answer, struct dfu_status *out)
{
	const uint8_t *b = answer.data;
	if (answer.size != DFU_STATUS_SIZE || b[0] >= DFU_CODE_COUNT || b[4] >= DFU_STATE_COUNT)
		return false;
	out->code = b[0];
	out->poll_ms = (uint32_t)b[1] | (uint32_t)b[2] << 8 | (uint32_t)b[3] << 16;
	out->state = b[4];
	return true;
}

enum code dfu_code_means(enum dfu_code code)
{
	static const bool flash[DFU_CODE_COUNT] = {
		[DFU_CODE_ERASE] = true,
		[DFU_CODE_WRITE] = true,
		[DFU_CODE_PROG] = true,
		[DFU_CODE_VERIFY] = true,
	};
	return (unsigned)code < DFU_CODE_COUNT && flash[code] ? CODE_FLASH_ERROR : CODE_USB_PROTOCOL;
}
