/* STM32H7's QUADSPI: RM0433 chapter 23.
 *
 * Transactions in indirect mode, the data register filled and emptied by the FIFO's level; reads of the mapping in
 * memory-mapped mode.  Clock and pins are the target configuration's. */
#include "nor.h"

#define CR  0x00u
#define DCR 0x04u
#define SR  0x08u
#define FCR 0x0Cu
#define DLR 0x10u
#define CCR 0x14u
#define AR  0x18u
#define DR  0x20u

#define CR_EN         (1u << 0)
#define CR_ABORT      (1u << 1)
#define CR_SSHIFT     (1u << 4)
#define CR_PRESCALER  24
#define DCR_FSIZE     16
#define DCR_CSHT_4    (3u << 8)
#define SR_TEF        (1u << 0)
#define SR_TCF        (1u << 1)
#define SR_BUSY       (1u << 5)
#define SR_LEVEL(sr)  ((sr) >> 8 & 0x3Fu)
#define FCR_ALL       0x1Bu
#define CCR_IMODE_ONE (1u << 8)
#define CCR_ADMODE    10
#define CCR_ADSIZE    12
#define CCR_DCYC      18
#define CCR_DMODE     24
#define CCR_READ      (1u << 26)
#define CCR_MAPPED    (3u << 26)
#define FIFO          32u

/* From the 64 MHz that the core has out of reset, 32 MHz: every chip follows, with any wiring. */
#define DIVIDER 2u

static uint32_t log2_of(uint32_t size)
{
	uint32_t log = 0;
	while (size >> 1 >> log)
		log++;
	return log;
}

#define MOST 4096u

static uint32_t timeout(struct medium *m)
{
	return flash_no(m, AGENT_TIMEOUT, reg_get(m->set.registers + SR));
}

static uint32_t unmap(struct medium *m)
{
	uint32_t r = m->set.registers;
	reg_set(r + CR, reg_get(r + CR) | CR_ABORT);
	if (!reg_wait(r + CR, CR_ABORT, 0, LOOKS_PROGRAM) || !reg_wait(r + SR, SR_BUSY, 0, LOOKS_PROGRAM))
		return timeout(m);
	reg_set(r + FCR, FCR_ALL);
	return AGENT_OK;
}

static uint32_t begin(struct medium *m)
{
	uint32_t r = m->set.registers, divider = m->set.divider ? m->set.divider : DIVIDER;
	uint32_t dcr = (log2_of(m->set.size) - 1) << DCR_FSIZE | DCR_CSHT_4;
	uint32_t cr = (divider - 1) << CR_PRESCALER | CR_SSHIFT | CR_EN;
	if (reg_get(r + CR) & CR_EN) {
		uint32_t status = unmap(m);
		if (status != AGENT_OK)
			return status;
	}
	reg_set(r + CR, 0);
	reg_set(r + DCR, dcr);
	reg_set(r + CR, cr);
	return reg_get(r + DCR) == dcr && reg_get(r + CR) == cr ? AGENT_OK : AGENT_UNCLOCKED;
}

static uint32_t ccr_of(const struct nor_command *c, uint32_t size)
{
	uint32_t ccr = c->opcode | CCR_IMODE_ONE | (uint32_t)c->dummy << CCR_DCYC;
	if (c->address_bytes)
		ccr |= 1u << CCR_ADMODE | (c->address_bytes - 1u) << CCR_ADSIZE;
	return size ? ccr | (c->lines == 4 ? 3u : 1u) << CCR_DMODE : ccr;
}

static uint32_t start(struct medium *m, const struct nor_command *c, uint32_t mode, uint32_t size)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + SR, SR_BUSY, 0, LOOKS_PROGRAM))
		return timeout(m);
	reg_set(r + FCR, FCR_ALL);
	if (size)
		reg_set(r + DLR, size - 1);
	reg_set(r + CCR, ccr_of(c, size) | mode);
	if (c->address_bytes)
		reg_set(r + AR, c->address);
	return AGENT_OK;
}

static uint32_t end(struct medium *m)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + SR, SR_TCF, SR_TCF, LOOKS_PROGRAM))
		return timeout(m);
	uint32_t sr = reg_get(r + SR);
	reg_set(r + FCR, FCR_ALL);
	if (sr & SR_TEF)
		return flash_no(m, AGENT_SEQUENCE, sr);
	return reg_wait(r + SR, SR_BUSY, 0, LOOKS_PROGRAM) ? AGENT_OK : timeout(m);
}

/* How many bytes the FIFO takes or has; 0 when it gave up. */
static uint32_t room(struct medium *m, int sending)
{
	for (uint32_t looks = LOOKS_PROGRAM; looks; looks--) {
		uint32_t level = SR_LEVEL(reg_get(m->set.registers + SR));
		uint32_t bytes = sending ? FIFO - level : level;
		if (bytes)
			return bytes;
		core_tick();
	}
	return 0;
}

static uint32_t send(struct medium *m, const struct nor_command *c, const uint8_t *data, uint32_t size)
{
	uint32_t dr = m->set.registers + DR, status = start(m, c, 0, size);
	if (status != AGENT_OK)
		return status;
	while (size) {
		uint32_t some = room(m, 1);
		if (!some)
			return timeout(m);
		for (; some >= 4 && size >= 4; some -= 4, size -= 4, data += 4)
			reg_set(
			    dr, data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24);
		for (; size && size < 4 && some; some--, size--)
			*(volatile uint8_t *)(uintptr_t)dr = *data++;
	}
	return end(m);
}

static uint32_t receive(struct medium *m, const struct nor_command *c, uint8_t *out, uint32_t size)
{
	uint32_t dr = m->set.registers + DR, status = start(m, c, CCR_READ, size);
	if (status != AGENT_OK)
		return status;
	while (size) {
		uint32_t some = room(m, 0);
		if (!some)
			return timeout(m);
		for (; some && size; some--, size--)
			*out++ = *(volatile uint8_t *)(uintptr_t)dr;
	}
	return end(m);
}

static uint32_t map(struct medium *m, const struct nor_command *c)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + SR, SR_BUSY, 0, LOOKS_PROGRAM))
		return timeout(m);
	reg_set(r + FCR, FCR_ALL);
	reg_set(r + CCR, ccr_of(c, 1) | CCR_MAPPED);
	return AGENT_OK;
}

const struct nor_bus quadspi_bus = { begin, send, receive, map, unmap, MOST, 0 };
