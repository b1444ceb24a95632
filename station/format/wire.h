/* What a control transfer takes on the wire of USB 2.0, at best: packets one after the other, 13 of 64 bytes in a
 * frame at full speed, 26 in a microframe at high speed (USB 2.0, tables 5-2 and 5-3). */
#ifndef STATION_FORMAT_WIRE_H
#define STATION_FORMAT_WIRE_H

#include "format/board.h"

#define WIRE_PACKET       64u
#define WIRE_FULL_PACKETS 13u /* in 1 ms */
#define WIRE_HIGH_PACKETS 26u /* in 125 us */

/* Nanoseconds of a transfer with that many bytes of data: its set-up, its data, its status. */
static inline double wire_transfer_ns(enum usb_speed speed, uint32_t bytes)
{
	double packets = 2 + (bytes + WIRE_PACKET - 1) / WIRE_PACKET;
	return packets * (speed == USB_HIGH ? 125000.0 / WIRE_HIGH_PACKETS : 1000000.0 / WIRE_FULL_PACKETS);
}

#endif
