/* What the runs share: included by dfu_*.c only. */
#ifndef STATION_FORMAT_DFU_INNER_H
#define STATION_FORMAT_DFU_INNER_H

#include "format/dfu_run.h"

static inline struct dfu_action dfu_act(enum dfu_do what)
{
	return (struct dfu_action){ .what = what };
}

static inline struct dfu_action dfu_pause(uint32_t ms)
{
	return (struct dfu_action){ .what = DFU_DO_PAUSE, .ms = ms };
}

static inline struct dfu_action dfu_send(enum dfu_request request, uint16_t value, uint16_t length, uint32_t ms)
{
	return (struct dfu_action){
		.what = DFU_DO_SEND, .request = (uint8_t)request, .value = value, .length = length, .ms = ms
	};
}

static inline bool dfu_failed(const struct dfu_run *r)
{
	return r->err.code != CODE_OK;
}

/* The first failure counts; later ones are its echo. */
void dfu_fail(struct dfu_run *r, enum code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The failure for a transfer that got no usable answer. */
void dfu_fail_result(struct dfu_run *r, unsigned request, enum dfu_result result);

enum dfu_exchange_end { DFU_EXCHANGE_RUNS, DFU_EXCHANGE_ACKED, DFU_EXCHANGE_FAILED };

/* bytes NULL: those of plan step `step`. */
void dfu_exchange_begin(struct dfu_run *r, uint16_t value, uint16_t length, const uint8_t *bytes, uint32_t step);
struct dfu_action dfu_exchange_next(struct dfu_run *r);
void dfu_exchange_answer(struct dfu_run *r, unsigned request, enum dfu_result result, struct span data);
enum dfu_exchange_end dfu_exchange_state(const struct dfu_run *r);
/* DfuSe: starts the exchange for a command with an address. */
void dfu_command_begin(struct dfu_run *r, uint8_t command, uint32_t address);

struct dfu_action dfu_write_next(struct dfu_run *r);
struct dfu_action dfu_read_next(struct dfu_run *r);
bool dfu_read_answer(struct dfu_run *r, unsigned request, enum dfu_result result, struct span data);
struct dfu_action dfu_leave_next(struct dfu_run *r);
void dfu_leave_answer(struct dfu_run *r, unsigned request, enum dfu_result result, struct span data);

#endif
