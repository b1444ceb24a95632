/* Hostile images: each makes one kind of work as long as it can be. */
#include "hostile.h"

#include <string.h>

/* The same bytes again and again. */
static void repeat(uint8_t *payload, uint32_t size, const uint8_t *unit, uint32_t unit_size)
{
	for (uint32_t i = 0; i < size; i++)
		payload[i] = unit[i % unit_size];
}

static void pads(uint8_t *payload, uint32_t size)
{
	repeat(payload, size, (const uint8_t[]){ 1, 0 }, 2);
}

static void unknown_kinds(uint8_t *payload, uint32_t size)
{
	repeat(payload, size, (const uint8_t[]){ 0x8F, 0x7F, 0x80, 0x00 }, 4);
}

static void empty_directories(uint8_t *payload, uint32_t size)
{
	repeat(payload, size, (const uint8_t[]){ 4, 2, 1, 'd' }, 4);
}

static void small_files(uint8_t *payload, uint32_t size)
{
	repeat(payload, size, (const uint8_t[]){ 5, 6, 1, 'f', 1, 0, 2, 0 }, 8);
}

static void pointers(uint8_t *payload, uint32_t size)
{
	repeat(payload, size, (const uint8_t[]){ 5, 6, 1, 'p', 3, 2, 1, 0 }, 8);
}

/* A kind that never ends: nothing but continuation bytes. */
static void endless_kind(uint8_t *payload, uint32_t size)
{
	memset(payload, 0x80, size);
}

/* One record whose length ends with the very last byte. */
static void long_length(uint8_t *payload, uint32_t size)
{
	memset(payload, 0x80, size);
	payload[0] = 1;
	payload[size - 1] = 0;
}

static void blank(uint8_t *payload, uint32_t size)
{
	memset(payload, 0xFF, size);
}

/* A file of many records without data, up to the last one. */
static void late_data(uint8_t *payload, uint32_t size)
{
	uint32_t length = size - 5;
	pads(payload, size);
	payload[0] = 5;
	for (int i = 4; i > 0; i--, length >>= 7)
		payload[i] = (uint8_t)((i == 4 ? 0u : 0x80u) | (length & 0x7Fu));
	payload[5] = 1;
	payload[6] = 'f';
	/* they begin at an odd place, behind 5, length (4), name length, name; sizes are even: three bytes are left */
	pads(payload + 7, size - 7);
	memcpy(payload + size - 3, (const uint8_t[]){ 2, 1, 0 }, 3);
}

/* As deep as the driver goes and then deeper. */
static void deep(uint8_t *payload, uint32_t size)
{
	memset(payload, 0, size);
	uint32_t left = size;
	while (left > 8) {
		uint32_t length = left - 5;
		payload[0] = 4;
		for (int i = 4; i > 0; i--, length >>= 7)
			payload[i] = (uint8_t)((i == 4 ? 0u : 0x80u) | (length & 0x7Fu));
		payload[5] = 1;
		payload[6] = 'd';
		payload += 7;
		left -= 7;
	}
}

const struct hostile hostiles[] = {
	{ "pads", pads },
	{ "unknown-kinds", unknown_kinds },
	{ "empty-directories", empty_directories },
	{ "small-files", small_files },
	{ "pointers", pointers },
	{ "endless-kind", endless_kind },
	{ "long-length", long_length },
	{ "blank", blank },
	{ "late-data", late_data },
	{ "deep", deep },
};
const unsigned hostile_count = sizeof hostiles / sizeof *hostiles;

void hostile_make(const struct hostile *h, uint8_t *memory, uint32_t size)
{
	uint32_t length = size - 8;
	memcpy(memory, (const uint8_t[]){ 0xD2, 0xCD, 0x31 }, 3);
	for (int i = 7; i > 2; i--, length >>= 7)
		memory[i] = (uint8_t)((i == 7 ? 0u : 0x80u) | (length & 0x7Fu));
	h->fill(memory + 8, size - 8);
}
