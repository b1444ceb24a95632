/* Media in RAM for the agent: a serial NOR and write-once internal flash, as strict as silicon, with faults to order.
 * flash_find of this file stands where the agent's own would: back-end AGENT_QUADSPI is the NOR, AGENT_STM32H7 the
 * internal flash, others are not there. */
#ifndef TESTS_FIRMWARE_RAM_MEDIUM_H
#define TESTS_FIRMWARE_RAM_MEDIUM_H

#include "agent/flash/flash.h"

#define RAM_SECTOR 0x20000u
#define RAM_BLOCK  0x10000u

struct ram_medium {
	uint8_t *bytes; /* as mapped reads see them; borrowed */
	uint8_t *tail;  /* what commands see of the last set.tail bytes; NULL: the mapping shows them too */
	uint8_t *used;  /* write-once: a byte per word of 32, 1 when programmed; borrowed, NULL for the NOR */
	uint32_t erases, programs, maps;
	uint32_t fail_erase, fail_program; /* the n-th of them from now fails, 0: none */
	int never_erases;                  /* says that it did and did not */
	uint32_t misuse;                   /* things that silicon would have punished */
};

extern struct ram_medium ram_media[AGENT_MEDIA];

#endif
