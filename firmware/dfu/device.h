/* The DFU interface of OpenMV's bootloader: the state machine of TinyUSB's dfu_device.c and the callbacks of
 * openmv boot/src/common/dfu.c, over a flash given as three functions.
 *
 * Pure and transport-free: no clock, no allocation, no USB stack.  A control transfer comes in two calls, as it does
 * on the wire: setup (with all OUT data) decides and answers, ack says that the host has completed the status stage.
 * Flash work happens in ack, so the transfer after it waits for as long as the flash takes.
 *
 *   dfuIDLE, dfuDNLOAD-IDLE --DNLOAD(n > 0)--> dfuDNLOAD-SYNC --GETSTATUS says dfuDNBUSY, writes--> dfuDNLOAD-SYNC
 *   dfuDNLOAD-SYNC --GETSTATUS--> dfuDNLOAD-IDLE          a write that failed --> dfuERROR
 *   dfuIDLE, dfuDNLOAD-IDLE --DNLOAD(0)--> dfuMANIFEST-SYNC --GETSTATUS says dfuMANIFEST--> dfuMANIFEST-SYNC
 *   dfuMANIFEST-SYNC --GETSTATUS--> dfuIDLE
 *   any --CLRSTATUS, ABORT, SET_INTERFACE--> dfuIDLE
 * UPLOAD is served in every state and changes none, but it uses the one transfer buffer and ends the flashing flag:
 * a block that was downloaded and not yet asked for by GETSTATUS is lost, exactly as on the camera. */
#ifndef FIRMWARE_DFU_DEVICE_H
#define FIRMWARE_DFU_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "dfu/dfu.h"

#define DFU_TRANSFER_SIZE 4096u

/* An alternate setting: one partition of the flash. */
struct dfu_alt {
	uint32_t size;
	bool readonly;
};

struct dfu_flash_ops {
	/* offset counts from the partition's start; the range lies inside the partition.  data stays readable to the
	 * end of the transfer buffer, behind size are the bytes of earlier transfers.  DFU_OK or the status to report.
	 */
	enum dfu_status (*write)(void *flash, unsigned alt, uint32_t offset, const uint8_t *data, uint32_t size);
	bool (*read)(void *flash, unsigned alt, uint32_t offset, uint8_t *data, uint32_t size);
	/* Block 0 of the alternate was downloaded: it becomes writable; manifestation protects it again. */
	void (*protect)(void *flash, unsigned alt, bool on);
};

/* A control request's eight bytes, decoded. */
struct usb_setup {
	uint8_t type, request;
	uint16_t value, index, length;
};

struct dfu_device {
	const struct dfu_alt *alts; /* borrowed */
	unsigned alt_count;
	const struct dfu_flash_ops *ops; /* borrowed */
	void *flash;                     /* borrowed; handed to ops */

	enum dfu_state state;
	enum dfu_status status;
	unsigned alt;
	bool flashing; /* a download or manifestation waits for its GETSTATUS */
	uint16_t block, length;
	int acking;    /* the request whose status stage is outstanding; -1: none that matters */
	bool attached; /* a host has shown that it means DFU: the bootloader stays */
	bool detach;   /* DETACH was completed */
	uint8_t buffer[DFU_TRANSFER_SIZE];
};

void dfu_device_init(
    struct dfu_device *d, const struct dfu_alt *alts, unsigned alt_count, const struct dfu_flash_ops *ops, void *flash);
/* A bus reset or power-up: alternate 0, dfuIDLE; attached and detach are cleared. */
void dfu_device_reset(struct dfu_device *d);
/* A class or standard request to the interface.  data holds setup->length bytes of OUT data, or has room for that
 * many of IN data.  False: stall.  Otherwise *answered is the number of bytes answered (0 for OUT). */
bool dfu_device_setup(struct dfu_device *d, const struct usb_setup *setup, uint8_t *data, uint32_t *answered);
/* The status stage of the last setup that returned true is complete. */
void dfu_device_ack(struct dfu_device *d);

#endif
