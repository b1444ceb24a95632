/* Bytes as lower-case hexadecimal text, and integers as bytes in network order. */
#ifndef STATION_BASE_HEX_H
#define STATION_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* out needs 2 * size + 1 bytes. */
void hex_encode(char *out, const uint8_t *data, size_t size);
/* Exactly size bytes from exactly 2 * size lower-case digits; false on anything else. */
bool hex_decode(uint8_t *out, size_t size, const char *text);

void put_be16(uint8_t *out, uint16_t v);
void put_be32(uint8_t *out, uint32_t v);
void put_be64(uint8_t *out, uint64_t v);
uint16_t get_le16(const uint8_t *p);
uint32_t get_le32(const uint8_t *p);
uint64_t get_le64(const uint8_t *p);

#endif
