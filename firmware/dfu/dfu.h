/* The words of USB DFU 1.1: requests, states and status codes in the order of the specification, and their names. */
#ifndef FIRMWARE_DFU_H
#define FIRMWARE_DFU_H

#include <stdint.h>

enum dfu_request { DFU_DETACH, DFU_DNLOAD, DFU_UPLOAD, DFU_GETSTATUS, DFU_CLRSTATUS, DFU_GETSTATE, DFU_ABORT };
#define DFU_REQUEST_COUNT 7

enum dfu_state {
	DFU_APP_IDLE,
	DFU_APP_DETACH,
	DFU_IDLE,
	DFU_DNLOAD_SYNC,
	DFU_DNBUSY,
	DFU_DNLOAD_IDLE,
	DFU_MANIFEST_SYNC,
	DFU_MANIFEST,
	DFU_MANIFEST_WAIT_RESET,
	DFU_UPLOAD_IDLE,
	DFU_ERROR
};

#define DFU_STATUS_MAP(X)                                                                                              \
	X(OK, "OK")                                                                                                    \
	X(ERR_TARGET, "errTARGET")                                                                                     \
	X(ERR_FILE, "errFILE")                                                                                         \
	X(ERR_WRITE, "errWRITE")                                                                                       \
	X(ERR_ERASE, "errERASE")                                                                                       \
	X(ERR_CHECK_ERASED, "errCHECK_ERASED")                                                                         \
	X(ERR_PROG, "errPROG")                                                                                         \
	X(ERR_VERIFY, "errVERIFY")                                                                                     \
	X(ERR_ADDRESS, "errADDRESS")                                                                                   \
	X(ERR_NOTDONE, "errNOTDONE")                                                                                   \
	X(ERR_FIRMWARE, "errFIRMWARE")                                                                                 \
	X(ERR_VENDOR, "errVENDOR")                                                                                     \
	X(ERR_USBR, "errUSBR")                                                                                         \
	X(ERR_POR, "errPOR")                                                                                           \
	X(ERR_UNKNOWN, "errUNKNOWN")                                                                                   \
	X(ERR_STALLEDPKT, "errSTALLEDPKT")

enum dfu_status {
#define X(name, text) DFU_##name,
	DFU_STATUS_MAP(X)
#undef X
	    DFU_STATUS_COUNT
};

/* Bits of bmAttributes in the functional descriptor. */
#define DFU_CAN_DNLOAD             0x01
#define DFU_CAN_UPLOAD             0x02
#define DFU_MANIFESTATION_TOLERANT 0x04
#define DFU_WILL_DETACH            0x08

#define DFU_STATUS_SIZE 6 /* bytes of a GETSTATUS answer */

/* DFU_STATUS_COUNT when the text is no status; otherwise its number. */
enum dfu_status dfu_status_from_name(const char *name);
/* Static; "?" for a number that is no status. */
const char *dfu_status_name(enum dfu_status status);

#endif
