/* USB DFU 1.1 as bytes: requests, states, status codes, their names, the answer to GETSTATUS, and which of the
 * product's codes a camera's status stands for.
 *
 * Source: Universal Serial Bus Device Class Specification for Device Firmware Upgrade 1.1 (2004-08-05), tables 3.2 and
 * A.1, sections 4.1.3 and 6.1.2; DfuSe commands: ST AN3156 section 4.  Enums are in the order of the specification.
 * Pure. */
#ifndef STATION_FORMAT_DFU_PROTO_H
#define STATION_FORMAT_DFU_PROTO_H

#include "base/err.h"
#include "base/span.h"

#define DFU_TYPE_OUT    0x21 /* bmRequestType: host to device, class, interface */
#define DFU_TYPE_IN     0xa1
#define DFU_STATUS_SIZE 6

#define DFUSE_SET_ADDRESS 0x21
#define DFUSE_ERASE       0x41
#define DFUSE_FIRST_BLOCK 2 /* wValue of the block at the address pointer */

enum dfu_request { DFU_DETACH, DFU_DNLOAD, DFU_UPLOAD, DFU_GETSTATUS, DFU_CLRSTATUS, DFU_GETSTATE, DFU_ABORT };

#define DFU_STATE_MAP(X)                                                                                               \
	X(APP_IDLE, "appIDLE")                                                                                         \
	X(APP_DETACH, "appDETACH")                                                                                     \
	X(IDLE, "dfuIDLE")                                                                                             \
	X(DNLOAD_SYNC, "dfuDNLOAD-SYNC")                                                                               \
	X(DNBUSY, "dfuDNBUSY")                                                                                         \
	X(DNLOAD_IDLE, "dfuDNLOAD-IDLE")                                                                               \
	X(MANIFEST_SYNC, "dfuMANIFEST-SYNC")                                                                           \
	X(MANIFEST, "dfuMANIFEST")                                                                                     \
	X(MANIFEST_WAIT_RESET, "dfuMANIFEST-WAIT-RESET")                                                               \
	X(UPLOAD_IDLE, "dfuUPLOAD-IDLE")                                                                               \
	X(ERROR, "dfuERROR")

#define DFU_STATUS_MAP(X)                                                                                              \
	X(OK, "OK")                                                                                                    \
	X(TARGET, "errTARGET")                                                                                         \
	X(FILE, "errFILE")                                                                                             \
	X(WRITE, "errWRITE")                                                                                           \
	X(ERASE, "errERASE")                                                                                           \
	X(CHECK_ERASED, "errCHECK_ERASED")                                                                             \
	X(PROG, "errPROG")                                                                                             \
	X(VERIFY, "errVERIFY")                                                                                         \
	X(ADDRESS, "errADDRESS")                                                                                       \
	X(NOTDONE, "errNOTDONE")                                                                                       \
	X(FIRMWARE, "errFIRMWARE")                                                                                     \
	X(VENDOR, "errVENDOR")                                                                                         \
	X(USBR, "errUSBR")                                                                                             \
	X(POR, "errPOR")                                                                                               \
	X(UNKNOWN, "errUNKNOWN")                                                                                       \
	X(STALLEDPKT, "errSTALLEDPKT")

enum dfu_state {
#define X(name, text) DFU_STATE_##name,
	DFU_STATE_MAP(X)
#undef X
	    DFU_STATE_COUNT
};

enum dfu_code {
#define X(name, text) DFU_CODE_##name,
	DFU_STATUS_MAP(X)
#undef X
	    DFU_CODE_COUNT
};

/* What GETSTATUS answers. */
struct dfu_status {
	enum dfu_code code;
	enum dfu_state state;
	uint32_t poll_ms; /* bwPollTimeout: a 24-bit claim, capped by whoever waits */
};

/* The specification's own words; "?" for a number outside of it. */
const char *dfu_request_name(unsigned request);
const char *dfu_state_name(unsigned state);
const char *dfu_code_name(unsigned code);

/* False when it is not exactly six bytes with a known status and state. */
bool dfu_status_parse(struct span answer, struct dfu_status *out);
/* flash-error for errERASE, errWRITE, errPROG and errVERIFY; usb-protocol for every other trouble. */
enum code dfu_code_means(enum dfu_code code);

#endif
