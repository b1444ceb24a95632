/* Runs of the DFU protocol against a camera that answers with the input's bytes. */
#include "tests/unit/dfu_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t next_byte(void *context)
{
	struct span *rest = context;
	if (!rest->size)
		return 0;
	rest->size--;
	return *rest->data++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct partition partition = {
		.address = 0x90000000, .size = 65536, .run_count = 2, .runs = { { 4096, 8 }, { 32768, 1 } }
	};
	static const struct plan_step steps[] = {
		{ 0, PLAN_WRITE, PLAN_ZEROS, 0 },
		{ 0, PLAN_WRITE, PLAN_IMAGE, 7 },
		{ 0, PLAN_WRITE, PLAN_IMAGE, 8 },
		{ 0, PLAN_WRITE, PLAN_IMAGE, 9 },
		{ 0, PLAN_WRITE, PLAN_IMAGE, 0 },
		{ 0, PLAN_MANIFEST, PLAN_IMAGE, 1 },
	};
	struct span rest = { data, size };
	uint8_t how = next_byte(&rest);
	enum dfu_dialect dialect = how & 4 ? DIALECT_DFUSE : DIALECT_OPENMV;
	struct dfu_run run;
	switch (how & 3) {
	case 0:
		dfu_write_begin(&run, dialect, &partition, 1000, steps, sizeof steps / sizeof *steps);
		break;
	case 1:
		dfu_read_begin(&run, dialect, &partition, 3, 12, how >> 4);
		break;
	case 2:
		dfu_peek_begin(&run, how);
		break;
	default:
		dfu_leave_begin(&run, dialect);
		break;
	}
	if (how & 8)
		dfu_run_stop(&run);
	drive(&run, next_byte, &rest, 10000);
	return 0;
}
