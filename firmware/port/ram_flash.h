/* Flash drivers over RAM, as strict as silicon: for proving the partition layer where there is no flash.
 *
 * NOR: erasing sets whole units to 0xFF, programming only clears bits and never crosses a page in one go.  MRAM: words
 * of 16 bytes are overwritten at once.  Both refuse (EIO) what a real part would ruin, and count what they did. */
#ifndef FIRMWARE_PORT_RAM_FLASH_H
#define FIRMWARE_PORT_RAM_FLASH_H

#include "vfs/rom_ioctl.h"

#define RAM_NOR_PAGE  256u
#define RAM_MRAM_WORD 16u

struct ram_flash {
	uint8_t *bytes; /* borrowed: the partition's own */
	uint32_t size, erase_size;
	uint32_t erases, programs, completions;
	uint32_t fail_after; /* programs until every further one fails; 0: never */
};

extern const struct flash_ops ram_nor_ops, ram_mram_ops;

#endif
