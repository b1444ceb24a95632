/* STM32N6's XSPI: written from public code and register descriptions, executed on a virtual core, not yet seen on
 * silicon.
 *
 * RM0486 chapter "Extended-SPI interface"; registers as in the N657's SVD (Laur59/uKOS-X-IWYU stm32N657_xspi.h); the
 * chip's use as in openmv/openmv boot/src/ports/stm32/stm32_xspi.c: one line, single rate, eight clocks of dummy for
 * 0Ch.  Clock, pins and I/O manager are the target configuration's; a chip that was left in octal mode needs its reset
 * pin. */
#include "nor.h"

#define CR   0x000u
#define DCR1 0x008u
#define DCR2 0x00Cu
#define SR   0x020u
#define FCR  0x024u
#define DLR  0x040u
#define AR   0x048u
#define DR   0x050u
#define CCR  0x100u
#define TCR  0x108u
#define IR   0x110u

#define CR_EN        (1u << 0)
#define CR_ABORT     (1u << 1)
#define CR_FMODE     28
#define FMODE_WRITE  0u
#define FMODE_READ   1u
#define FMODE_MAPPED 3u
#define DCR1_CSHT_2  (1u << 8)
#define DCR1_DEVSIZE 16
#define SR_TEF       (1u << 0)
#define SR_TCF       (1u << 1)
#define SR_BUSY      (1u << 5)
#define SR_LEVEL(sr) ((sr) >> 8 & 0x7Fu)
#define FCR_ALL      0x1Bu
#define CCR_IMODE_1  (1u << 0)
#define CCR_ADMODE_1 (1u << 8)
#define CCR_ADSIZE   12
#define CCR_DMODE    24
#define FIFO         64u
#define DIVIDER      4u

#define MOST 4096u

static uint32_t timeout(struct medium *m)
{
	return flash_no(m, AGENT_TIMEOUT, reg_get(m->set.registers + SR));
}

static uint32_t log2_of(uint32_t size)
{
	uint32_t log = 0;
	while (size >> 1 >> log)
		log++;
	return log;
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
	uint32_t dcr1 = (log2_of(m->set.size) - 1) << DCR1_DEVSIZE | DCR1_CSHT_2;
	if (reg_get(r + CR) & CR_EN) {
		uint32_t status = unmap(m);
		if (status != AGENT_OK)
			return status;
	}
	reg_set(r + CR, 0);
	reg_set(r + DCR1, dcr1);
	reg_set(r + DCR2, divider - 1);
	reg_set(r + CR, CR_EN);
	return reg_get(r + DCR1) == dcr1 && (reg_get(r + CR) & CR_EN) ? AGENT_OK : AGENT_UNCLOCKED;
}

/* How the command looks on the wires; the last of these registers starts it where it needs no more. */
static void describe(uint32_t r, const struct nor_command *c, int data)
{
	uint32_t ccr = CCR_IMODE_1;
	if (c->address_bytes)
		ccr |= CCR_ADMODE_1 | (c->address_bytes - 1u) << CCR_ADSIZE;
	if (data)
		ccr |= (c->lines == 4 ? 3u : 1u) << CCR_DMODE;
	reg_set(r + TCR, c->dummy);
	reg_set(r + CCR, ccr);
	reg_set(r + IR, c->opcode);
}

/* Registers in the manual's order; the instruction last, or the address where there is one, starts it. */
static uint32_t start(struct medium *m, const struct nor_command *c, uint32_t mode, uint32_t size)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + SR, SR_BUSY, 0, LOOKS_PROGRAM))
		return timeout(m);
	reg_set(r + FCR, FCR_ALL);
	reg_set(r + CR, CR_EN | mode << CR_FMODE);
	if (size)
		reg_set(r + DLR, size - 1);
	describe(r, c, size != 0);
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
	volatile uint8_t *dr = (volatile uint8_t *)(uintptr_t)(m->set.registers + DR);
	uint32_t status = start(m, c, FMODE_WRITE, size);
	if (status != AGENT_OK)
		return status;
	while (size) {
		uint32_t some = room(m, 1);
		if (!some)
			return timeout(m);
		for (; some && size; some--, size--)
			*dr = *data++;
	}
	return end(m);
}

static uint32_t receive(struct medium *m, const struct nor_command *c, uint8_t *out, uint32_t size)
{
	volatile uint8_t *dr = (volatile uint8_t *)(uintptr_t)(m->set.registers + DR);
	uint32_t status = start(m, c, FMODE_READ, size);
	if (status != AGENT_OK)
		return status;
	while (size) {
		uint32_t some = room(m, 0);
		if (!some)
			return timeout(m);
		for (; some && size; some--, size--)
			*out++ = *dr;
	}
	return end(m);
}

/* First the command, in a mode where it starts nothing without its data, then the mode, as ST's HAL does. */
static uint32_t map(struct medium *m, const struct nor_command *c)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + SR, SR_BUSY, 0, LOOKS_PROGRAM))
		return timeout(m);
	reg_set(r + FCR, FCR_ALL);
	reg_set(r + CR, CR_EN | FMODE_WRITE << CR_FMODE);
	describe(r, c, 1);
	reg_set(r + CR, CR_EN | FMODE_MAPPED << CR_FMODE);
	return AGENT_OK;
}

const struct nor_bus xspi_bus = { begin, send, receive, map, unmap, MOST, 0 };
