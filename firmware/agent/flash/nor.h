/* Serial NOR flash behind any controller: the chip's commands here, the controller's registers in a bus. */
#ifndef FIRMWARE_AGENT_NOR_H
#define FIRMWARE_AGENT_NOR_H

#include "flash.h"

/* One transaction: opcode on one line, address on one line, `dummy` clocks, data on `lines`. */
struct nor_command {
	uint8_t opcode, address_bytes, dummy, lines;
	uint32_t address;
};

/* A controller.  size may be 0: no data phase.  Each answers AGENT_OK, AGENT_TIMEOUT or AGENT_UNCLOCKED. */
struct nor_bus {
	/* Ready for transactions; the chip may be of m->set.size bytes. */
	uint32_t (*begin)(struct medium *m);
	uint32_t (*send)(struct medium *m, const struct nor_command *c, const uint8_t *data, uint32_t size);
	uint32_t (*receive)(struct medium *m, const struct nor_command *c, uint8_t *out, uint32_t size);
	/* Memory-mapped reads with this command, until begin or abort. */
	uint32_t (*map)(struct medium *m, const struct nor_command *c);
	/* Ends memory-mapped reads. */
	uint32_t (*unmap)(struct medium *m);
	uint32_t most; /* bytes of data in one transaction */
	int slow;      /* knows one line and no dummy clocks: reads with 03h and 13h */
};

extern const struct flash_ops nor_ops;
/* The controllers; a medium's back-end chooses. */
const struct nor_bus *nor_bus_of(uint32_t backend);
extern const struct nor_bus quadspi_bus, xspi_bus, flexspi_bus, ospi_bus;

#endif
