/* The LZ4 block format, decompression only, bounded: it never reads behind the input nor writes behind the output,
 * whatever the bytes are. */
#ifndef FIRMWARE_AGENT_LZ4_H
#define FIRMWARE_AGENT_LZ4_H

#include <stdint.h>

/* The number of bytes written, or -1 when the input is no LZ4 block, or one of more than `capacity` bytes. */
int32_t agent_lz4(const uint8_t *from, uint32_t size, uint8_t *to, uint32_t capacity);

#endif
