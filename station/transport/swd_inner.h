/* What the files of the SWD transport share. */
#ifndef STATION_TRANSPORT_SWD_INNER_H
#define STATION_TRANSPORT_SWD_INNER_H

#include "transport/openocd.h"
#include "transport/swd_agent.h"
#include "transport/transport.h"

/* An open link's private part. */
struct swd_link {
	struct ocd *ocd;         /* owned */
	bool prepared;           /* the core is halted behind a reset, clocks and pins of external flash are set up */
	bool stock;              /* ... for OpenOCD's own drivers */
	uint32_t stock_changes;  /* made by them */
	struct swd_agent *agent; /* owned; NULL: OpenOCD's own drivers work */
	/* owned; a bit for each SWD_GRAIN of a medium that the agent has found blank and nobody has written to since */
	uint8_t *blank[BOARD_MAX_MEDIA];
};
#define SWD_GRAIN 4096u

/* --- swd_probe.c: which probe, as OpenOCD is told of it --- */

/* A USB path becomes vendor, product and serial, by sysfs: OpenOCD 0.12's cmsis-dap driver knows no paths.
 * probe-missing, probe-wrong, probe-duplicate. */
bool swd_probe_find(const struct line_probe *p, struct ocd_probe *out, struct err *e);

/* --- swd.c --- */

/* Halts the core behind a reset, once, and sets up what flash needs. */
bool swd_prepare(struct link *l, struct err *e);
/* Halts the core behind a reset and sets up what flash needs, again. */
bool swd_reset(struct link *l, struct err *e);

/* --- swd_stock.c: OpenOCD's own flash drivers --- */

/* One operation on flash: first the erase (0: none), then the bytes. */
struct swd_change {
	unsigned medium; /* index into board.media */
	uint32_t offset; /* from the medium's first byte */
	struct span bytes;
	uint32_t erase;
};
bool swd_stock_change(struct link *l, const struct swd_change *c, struct err *e);
/* size bytes at most SWD_CHUNK. */
#define SWD_CHUNK 65536u
bool swd_stock_read(struct link *l, unsigned medium, uint32_t offset, uint32_t size, uint8_t *out, struct err *e);

/* --- swd_flash.c: flash through the agent, or through OpenOCD's own drivers --- */

/* Loads and starts the agent; the core is halted behind a reset. */
bool swd_flash_begin(struct link *l, struct err *e);
/* Takes effect in the order given; may return before. */
bool swd_flash_change(struct link *l, const struct swd_change *c, struct err *e);
/* The agent has just read these bytes, and all of them are 0xFF: an erase of them is no work. */
void swd_flash_is_blank(struct link *l, unsigned medium, uint32_t offset, uint32_t size);
/* Everything that was given is in flash. */
bool swd_flash_finish(struct link *l, struct err *e);
/* Changes that are in flash as a whole, of those given since the link is open. */
uint32_t swd_flash_done(const struct link *l);
bool swd_flash_read(
    struct link *l, unsigned medium, uint32_t offset, uint32_t size, link_sink *sink, void *context, struct err *e);
/* Where a partition starts, from its medium's first byte. */
uint32_t swd_offset(const struct link *l, const struct partition *p);

/* --- swd_core.c: the transport's compare and report --- */

bool swd_compare(struct link *l, const struct region *r, uint8_t *differ, bool *any, struct err *e);
bool swd_knows_itself(struct link *l, bool *answers, struct err *e);
bool swd_report(struct link *l, const struct region *r, struct camera_report *out, struct err *e);

/* --- swd_write.c --- */

bool swd_write(struct link *l, const struct region *regions, const struct plan_step *steps, uint32_t count,
    uint32_t *done, link_progress *progress, void *context, struct err *e);

#endif
