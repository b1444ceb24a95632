/* The RAM agent, from the station's side: loaded, started and spoken to over one OpenOCD (transport/openocd.h).
 *
 * Order: the core is halted out of reset (`reset halt`; pins and clocks of external flash set up by the target
 * configuration), swd_agent_start, any of the calls below, swd_agent_stop.  While the agent lives the core runs and
 * must not be halted.  Calls on one agent never overlap.  Each returns at the latest when the agent's beat has stood
 * still for silent_ms, when nothing was finished for stall_ms, or when cancel is set.
 *
 * Codes: agent-silent (no magic, the beat stands still, a fault in the agent, nothing finished in time), agent-foreign
 * (another ABI, core or back-end than asked for), swd-protocol (bytes or words arrived wrong time after time),
 * flash-error (the flash said no), wrong-board (another chip than the board has), aborted, and those of the OpenOCD.
 * After a failure of any code but flash-error only swd_agent_stop may follow.
 *
 * What the agent says is evidence, never proof by itself: whoever wants proof reads back (swd_agent_read). */
#ifndef STATION_TRANSPORT_SWD_AGENT_H
#define STATION_TRANSPORT_SWD_AGENT_H

#include "base/digest.h"
#include "format/agent_box.h"
#include "transport/openocd.h"
#include "transport/transport.h"

struct swd_agent_setup {
	struct ocd *ocd;                         /* borrowed until stop; attached, core halted out of reset */
	unsigned core;                           /* 4, 7, 33 (an M55 is 33) */
	uint32_t load, load_size;                /* RAM that the agent is loaded into and runs from */
	uint32_t buffers, buffers_size;          /* RAM for mailbox and buffers; at least 64 KiB */
	struct agent_medium medium[AGENT_MEDIA]; /* backend AGENT_NO_BACKEND: none */
	const atomic_bool *cancel;               /* borrowed; may be NULL */
	uint32_t start_ms, silent_ms, stall_ms;  /* 0: 1000, 2000, 30000 */
};

struct swd_agent; /* owned by the caller */

/* Loads the image that fits the core, reads it back, starts it, waits for its magic and opens every medium (so that
 * wrong-board and flash-error come here already).  Nothing was erased or written but RAM. */
bool swd_agent_start(const struct swd_agent_setup *s, struct swd_agent **out, struct err *e);
/* Frees; the core runs on.  Accepts NULL. */
void swd_agent_stop(struct swd_agent *a);

/* Is the medium's flash there?  *jedec: its id, 0 for internal flash.  wrong-board when its size is known and smaller.
 */
bool swd_agent_open(struct swd_agent *a, unsigned medium, uint32_t *jedec, struct err *e);
/* CRC-32 and blankness of `count` units of `unit` bytes from `offset` on.  unit: any size, a multiple of 4. */
bool swd_agent_table(struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t unit, uint32_t count,
    struct agent_unit *out, struct err *e);
/* CRC-32 and SHA-256 of a range, as the camera's core reads it. */
bool swd_agent_digest(
    struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t length, struct digest *out, struct err *e);

/* One operation on flash: first the erase (0: none), then the bytes (size 0: none).  offset + erase and offset + size
 * lie within the medium; erase is a multiple of unit, offset too where there is an erase.  Bytes larger than the
 * agent's buffer go as several buffers; they are copied before the call returns. */
struct swd_op {
	unsigned medium;
	uint32_t offset;
	struct span bytes;
	uint32_t erase, unit;
	bool skip_blank; /* do not erase units that are blank already */
};
/* Queues; waits only while the ring is full.  Operations take effect in order, one after the other: at a failure (of
 * this call, a later one or drain) nothing behind the operation that failed has been touched. */
bool swd_agent_put(struct swd_agent *a, const struct swd_op *op, struct err *e);
/* Waits until everything that was put is in flash. */
bool swd_agent_drain(struct swd_agent *a, struct err *e);
/* Operations that are in flash as a whole, of those put since the start; true to the last answer that was looked at. */
uint32_t swd_agent_done(const struct swd_agent *a);

/* The camera's own mount driver over what stands at the offset, at most `length` bytes: filled also when it does not
 * mount (out->status).  The caller clears it. */
bool swd_agent_mount(
    struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t length, struct agent_mounted *out, struct err *e);

/* Locks flash and leaves it readable at its mapped addresses. */
bool swd_agent_close(struct swd_agent *a, struct err *e);
/* Every byte of a range over the wire: by the mapping, and by the agent's commands where the mapping must not be read.
 * Closes first.  The sink's offsets count in the medium; its own errors pass through. */
bool swd_agent_read(struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t size, link_sink *sink,
    void *context, struct err *e);

struct swd_agent_counts {
	uint64_t bytes, wire_bytes;       /* to program; as they were loaded */
	uint32_t buffers, compressed;     /* buffers sent; of them with LZ4 */
	uint32_t resent;                  /* buffers and commands sent again because they arrived wrong */
	uint32_t polls;                   /* looks at the mailbox */
	uint32_t waits_flash, waits_wire; /* times the ring was full when a buffer was ready; or empty */
	uint32_t skipped;                 /* units that were blank and not erased */
};
void swd_agent_counts(const struct swd_agent *a, struct swd_agent_counts *out);

#endif
