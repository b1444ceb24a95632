/* Alif Ensemble's OSPI: written from public code and register descriptions, executed on a virtual core, not yet seen on
 * silicon.
 *
 * A Synopsys SSI with an XIP port behind an AES block that lies 0x1000 above it; registers as in Alif's
 * ospi_private.h, transactions as in openmv/openmv boot/src/ports/alif/alif_ospi.c: one line, the whole transaction in
 * the FIFO before the chip is selected.  In XIP a data frame's first byte is its highest (MicroPython's ports/alif
 * swaps what it writes in longer ones), so that frames have 8 bits, by CTRLR0's word.  Clock and pins are the target
 * configuration's; a chip that was left in octal mode needs its reset pin. */
#include "nor.h"

#define CTRLR0        0x000u
#define CTRLR1        0x004u
#define SSIENR        0x008u
#define SER           0x010u
#define BAUDR         0x014u
#define RXFLR         0x024u
#define SR            0x028u
#define DATA          0x060u
#define SPI_CTRLR0    0x0F4u
#define XIP_MODE_BITS 0x0FCu
#define XIP_INCR      0x100u
#define XIP_WRAP      0x104u
#define XIP_CTRL      0x108u
#define XIP_SER       0x10Cu
#define AES_CONTROL   0x1000u

#define CTRLR0_MASTER (1u << 31)
#define CTRLR0_TMOD   10
#define CTRLR0_DFS_8  7u
#define TMOD_BOTH     0u
#define TMOD_SEND     1u
#define TMOD_RECEIVE  2u
#define SPI_FORMAT    2u /* transfer type: all of it in the frame format, which is single */
#define SPI_ADDRESS   2
#define SPI_INST_8    (2u << 8)
#define SR_BUSY       (1u << 0)
#define SR_TX_EMPTY   (1u << 2)
#define XIP_TYPE      2
#define XIP_ADDRESS   4
#define XIP_INST_8    (2u << 9)
#define XIP_DFS_HC    (1u << 18)
#define XIP_INST_EN   (1u << 22)
#define AES_XIP_EN    (1u << 4)
#define AES_DECRYPT   (1u << 0)
#define CHIP          1u
#define DIVIDER       16u
#define MOST          128u

static uint32_t timeout(struct medium *m)
{
	return flash_no(m, AGENT_TIMEOUT, reg_get(m->set.registers + SR));
}

static uint32_t unmap(struct medium *m)
{
	uint32_t r = m->set.registers;
	reg_set(r + AES_CONTROL, reg_get(r + AES_CONTROL) & ~AES_XIP_EN);
	reg_set(r + SSIENR, 0);
	reg_set(r + SER, 0);
	return AGENT_OK;
}

static uint32_t begin(struct medium *m)
{
	uint32_t r = m->set.registers, divider = m->set.divider ? m->set.divider : DIVIDER;
	unmap(m);
	reg_set(r + BAUDR, divider);
	return reg_get(r + BAUDR) == divider ? AGENT_OK : AGENT_UNCLOCKED;
}

static void setup(uint32_t r, const struct nor_command *c, uint32_t received)
{
	reg_set(r + SER, 0);
	reg_set(r + SSIENR, 0);
	reg_set(r + CTRLR0, CTRLR0_MASTER | CTRLR0_DFS_8 | (received ? TMOD_BOTH : TMOD_SEND) << CTRLR0_TMOD);
	reg_set(r + CTRLR1, received ? received - 1 : 0);
	reg_set(r + SPI_CTRLR0, SPI_FORMAT | c->address_bytes * 2u << SPI_ADDRESS | SPI_INST_8);
	reg_set(r + SSIENR, 1);
	reg_set(r + DATA, c->opcode);
	for (uint32_t i = c->address_bytes; i; i--)
		reg_set(r + DATA, c->address >> (i - 1) * 8 & 0xFF);
}

static uint32_t send(struct medium *m, const struct nor_command *c, const uint8_t *data, uint32_t size)
{
	uint32_t r = m->set.registers;
	setup(r, c, 0);
	while (size--)
		reg_set(r + DATA, *data++);
	reg_set(r + SER, CHIP);
	return reg_wait(r + SR, SR_TX_EMPTY | SR_BUSY, SR_TX_EMPTY, LOOKS_PROGRAM) ? AGENT_OK : timeout(m);
}

/* What comes back during opcode and address is nobody's. */
static uint32_t receive(struct medium *m, const struct nor_command *c, uint8_t *out, uint32_t size)
{
	uint32_t r = m->set.registers, skip = 1u + c->address_bytes;
	setup(r, c, size);
	for (uint32_t i = 0; i < size; i++)
		reg_set(r + DATA, 0);
	reg_set(r + SER, CHIP);
	for (uint32_t i = 0, looks = LOOKS_PROGRAM; i < skip + size;) {
		if (!reg_get(r + RXFLR)) {
			if (!--looks)
				return timeout(m);
			core_tick();
			continue;
		}
		uint8_t byte = (uint8_t)reg_get(r + DATA);
		if (i++ >= skip)
			*out++ = byte;
	}
	return AGENT_OK;
}

static uint32_t map(struct medium *m, const struct nor_command *c)
{
	uint32_t r = m->set.registers, length = c->address_bytes * 2u;
	reg_set(r + SSIENR, 0);
	reg_set(r + CTRLR0, CTRLR0_MASTER | CTRLR0_DFS_8 | TMOD_RECEIVE << CTRLR0_TMOD);
	reg_set(r + SPI_CTRLR0, SPI_FORMAT | length << SPI_ADDRESS | SPI_INST_8);
	reg_set(r + XIP_CTRL, SPI_FORMAT << XIP_TYPE | length << XIP_ADDRESS | XIP_INST_8 | XIP_INST_EN | XIP_DFS_HC);
	reg_set(r + XIP_MODE_BITS, 0);
	reg_set(r + XIP_INCR, c->opcode);
	reg_set(r + XIP_WRAP, c->opcode);
	reg_set(r + XIP_SER, CHIP);
	reg_set(r + SSIENR, 1);
	reg_set(r + AES_CONTROL, (reg_get(r + AES_CONTROL) & ~AES_DECRYPT) | AES_XIP_EN);
	return AGENT_OK;
}

const struct nor_bus ospi_bus = { begin, send, receive, map, unmap, MOST, 1 };
