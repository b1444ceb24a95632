/* The DFU interface of Arduino's bootloader for the STM32H7 (mcuboot-arduino-stm32h7 version 25): ST's DfuSe class as
 * its app/dfu has it, over a flash given as three functions.
 *
 * Pure, and called as dfu/device.h is: setup decides and answers, ack says that the host has completed the status
 * stage.  Unlike there, flash work is done before the status stage of the GETSTATUS that says dfuDNBUSY: it is that
 * transfer which lasts as long as the flash takes.
 *
 *   dfuIDLE, dfuDNLOAD-IDLE --DNLOAD(n > 0)--> dfuDNLOAD-SYNC --GETSTATUS says dfuDNBUSY, works--> dfuDNLOAD-SYNC
 *   dfuDNLOAD-SYNC --GETSTATUS--> dfuDNLOAD-IDLE
 *   dfuIDLE, dfuDNLOAD-IDLE --DNLOAD(0)--> dfuMANIFEST-SYNC --GETSTATUS--> dfuMANIFEST --> dfuMANIFEST-WAIT-RESET:
 * leave dfuIDLE, dfuUPLOAD-IDLE --UPLOAD(2 up)--> dfuUPLOAD-IDLE     UPLOAD(0) tells the commands     UPLOAD(1): lost,
 * below all but dfuDNBUSY, dfuMANIFEST and what follows, dfuERROR --ABORT, DETACH--> dfuIDLE dfuERROR --CLRSTATUS-->
 * dfuIDLE     any other --CLRSTATUS--> dfuERROR What is particular, and kept so:
 * - SET_INTERFACE selects nothing but the number that GET_INTERFACE tells, and leaves the state alone;
 * - DNLOAD to block 0 is a command: 0x21 and four bytes set the address pointer, 0x41 and four bytes erase a sector and
 *   set it too, 0x00 does nothing; every other one stalls the GETSTATUS that would do it;
 * - UPLOAD of block 1 leads into a state that is none (15), which only CLRSTATUS, twice, ends;
 * - where erasing or programming fails, the state stays dfuDNBUSY and every later transfer is stalled until power is
 *   taken away: there is no other word of it. */
#ifndef FIRMWARE_DFU_DFUSE_H
#define FIRMWARE_DFU_DFUSE_H

#include "dfu/device.h"

struct dfuse_flash_ops {
	/* False: the driver failed, and with it the bootloader. */
	bool (*erase)(void *flash, uint32_t address);
	/* data is readable to the end of the transfer buffer. */
	bool (*write)(void *flash, uint32_t address, const uint8_t *data, uint32_t size);
	/* Where there is nothing, data stays as it is. */
	void (*read)(void *flash, uint32_t address, uint8_t *data, uint32_t size);
};

struct dfuse_device {
	const struct dfuse_flash_ops *ops; /* borrowed */
	void *flash;                       /* borrowed; handed to ops */
	unsigned alt_count;
	uint32_t first; /* where the address pointer is at first: the firmware */

	uint8_t state; /* enum dfu_state, or 15 */
	enum dfu_status status;
	unsigned alt;
	uint32_t pointer;
	uint16_t block, length; /* of a DNLOAD that waits for its GETSTATUS */
	bool wedged;            /* by a driver that failed; only power_on ends it */
	bool used;              /* a host has asked for something of DFU */
	bool leave, replug; /* to be done now: reset in 200 ms; off the bus and on it again.  The owner clears them */
	int acking;
	uint8_t buffer[DFU_TRANSFER_SIZE];
};

void dfuse_device_init(
    struct dfuse_device *d, unsigned alt_count, uint32_t first, const struct dfuse_flash_ops *ops, void *flash);
void dfuse_device_power_on(struct dfuse_device *d);
/* A bus reset: the class starts anew, a wedged one does not. */
void dfuse_device_reset(struct dfuse_device *d);
/* As dfu_device_setup and dfu_device_ack. */
bool dfuse_device_setup(struct dfuse_device *d, const struct usb_setup *setup, uint8_t *data, uint32_t *answered);
void dfuse_device_ack(struct dfuse_device *d);
/* The address that the next GETSTATUS will erase or program; false: it will do neither. */
bool dfuse_device_pending(const struct dfuse_device *d, uint32_t *address);

#endif
