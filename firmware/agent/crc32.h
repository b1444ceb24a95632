/* CRC-32 (ISO-HDLC) eight bytes at a time, from tables that are made at the start: 8 KiB of variables instead of 8 KiB
 * on the wire. */
#ifndef FIRMWARE_AGENT_CRC32_H
#define FIRMWARE_AGENT_CRC32_H

#include <stdint.h>

/* Before the first agent_crc32. */
void agent_crc32_begin(void);
/* The CRC of what `crc` is of, followed by the bytes; 0 is the CRC of nothing. */
uint32_t agent_crc32(uint32_t crc, const uint8_t *data, uint32_t size);

#endif
