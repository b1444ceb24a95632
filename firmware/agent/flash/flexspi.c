/* i.MX RT1062's FlexSPI: written from public code and register descriptions, executed on a virtual core, not yet seen
 * on silicon.
 *
 * IMXRT1060RM chapter 27; registers as in NXP's CMSIS headers (PERI_FLEXSPI.h), the transfer as in Punch BOOT's
 * imx_flexspi.c and NXP's fsl_flexspi.c: a sequence in the look-up table, an IP command, FIFOs a watermark at a time.
 * Clock and pins are the target configuration's.  A core that was halted behind its reset has not run the boot ROM, so
 * that the controller is as a reset leaves it: off, its FIFOs the AHB's, its table and sizes nobody's; all that is set
 * here.  The last two sequences of the table are ours.  Before mapped reads the AHB buffers are emptied by a software
 * reset, as MicroPython does. */
#include "nor.h"

#define MCR0    0x000u
#define AHBCR   0x00Cu
#define INTR    0x014u
#define LUTKEY  0x018u
#define LUTCR   0x01Cu
#define FLSHCR0 0x060u
#define FLSHCR1 0x070u
#define FLSHCR2 0x080u
#define IPCR0   0x0A0u
#define IPCR1   0x0A4u
#define IPCMD   0x0B0u
#define IPRXFCR 0x0B8u
#define IPTXFCR 0x0BCu
#define DLLACR  0x0C0u
#define STS0    0x0E0u
#define RFDR    0x100u
#define TFDR    0x180u
#define LUT     0x200u

#define MCR0_SWRESET (1u << 0)
#define MCR0_MDIS    (1u << 1)
#define MCR0_WAITS                                                                                                     \
	0xFFFF0000u /* longest waits for the bus; FIFOs by registers, strobe looped back inside, no divider */
#define FLSHCR1_CS    (3u << 5 | 3u | 2u << 16) /* chip select: 3 clocks before and after, 2 between */
#define DLL_OVERRIDE  0x100u                    /* one delay cell: below 100 MHz */
#define PORTS         4u
#define INTR_DONE     (1u << 0)
#define INTR_GRANT    (1u << 1)
#define INTR_ERROR    (1u << 3)
#define INTR_RX       (1u << 5)
#define INTR_TX       (1u << 6)
#define INTR_SEQUENCE (1u << 11)
#define INTR_ERRORS   (INTR_GRANT | INTR_ERROR | INTR_SEQUENCE)
#define INTR_ALL      0xFFFu
#define STS0_IDLE     3u
#define FIFO_CLEAR    1u
#define KEY           0x5AF05AF0u
#define LUT_LOCK      1u
#define LUT_UNLOCK    2u
#define SEQUENCE      15u
#define MAPPED        14u
#define WATERMARK     8u /* bytes: the smallest */

enum { STOP = 0x00, COMMAND = 0x01, ADDRESS = 0x02, WRITE = 0x08, READ = 0x09, DUMMY = 0x0C };

#define MOST 4096u

static uint32_t timeout(struct medium *m)
{
	return flash_no(m, AGENT_TIMEOUT, reg_get(m->set.registers + INTR));
}

static uint32_t entry(uint32_t what, uint32_t lines, uint32_t operand)
{
	return what << 10 | (lines == 4 ? 2u : 0) << 8 | operand;
}

/* The command as sequence `where` of the table: opcode, address, dummy, data. */
static void describe(uint32_t r, uint32_t where, const struct nor_command *c, uint32_t data)
{
	uint32_t step[8] = { entry(COMMAND, 1, c->opcode) }, n = 1;
	if (c->address_bytes)
		step[n++] = entry(ADDRESS, 1, c->address_bytes * 8u);
	if (c->dummy)
		step[n++] = entry(DUMMY, c->lines, c->dummy);
	if (data)
		step[n++] = entry(data, c->lines, WATERMARK);
	reg_set(r + LUTKEY, KEY);
	reg_set(r + LUTCR, LUT_UNLOCK);
	for (uint32_t i = 0; i < 4; i++)
		reg_set(r + LUT + where * 16 + i * 4, step[2 * i] | step[2 * i + 1] << 16);
	reg_set(r + LUTKEY, KEY);
	reg_set(r + LUTCR, LUT_LOCK);
}

static uint32_t start(struct medium *m, const struct nor_command *c, uint32_t data, uint32_t size)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + STS0, STS0_IDLE, STS0_IDLE, LOOKS_PROGRAM))
		return timeout(m);
	describe(r, SEQUENCE, c, data);
	reg_set(r + INTR, INTR_ALL);
	reg_set(r + IPTXFCR, FIFO_CLEAR);
	reg_set(r + IPRXFCR, FIFO_CLEAR);
	reg_set(r + IPCR0, c->address);
	reg_set(r + IPCR1, SEQUENCE << 16 | size);
	reg_set(r + IPCMD, 1);
	return AGENT_OK;
}

/* Waits for one of the flags; an error ends it. */
static uint32_t wait(struct medium *m, uint32_t flags)
{
	uint32_t r = m->set.registers;
	for (uint32_t looks = LOOKS_PROGRAM; looks; looks--) {
		uint32_t intr = reg_get(r + INTR);
		if (intr & INTR_ERRORS)
			return flash_no(m, AGENT_SEQUENCE, intr);
		if (intr & flags)
			return AGENT_OK;
		core_tick();
	}
	return timeout(m);
}

static uint32_t send(struct medium *m, const struct nor_command *c, const uint8_t *data, uint32_t size)
{
	uint32_t r = m->set.registers, status = start(m, c, size ? WRITE : 0, size);
	while (size && status == AGENT_OK) {
		uint32_t word[2] = { 0, 0 };
		status = wait(m, INTR_TX);
		for (uint32_t i = 0; i < WATERMARK && size; i++, size--)
			word[i / 4] |= (uint32_t)*data++ << i % 4 * 8;
		reg_set(r + TFDR, word[0]);
		reg_set(r + TFDR + 4, word[1]);
		reg_set(r + INTR, INTR_TX);
	}
	return status == AGENT_OK ? wait(m, INTR_DONE) : status;
}

/* Whole watermarks as they come; what is left is there when the command is done. */
static uint32_t receive(struct medium *m, const struct nor_command *c, uint8_t *out, uint32_t size)
{
	uint32_t r = m->set.registers, status = start(m, c, READ, size);
	while (size && status == AGENT_OK) {
		status = wait(m, size >= WATERMARK ? INTR_RX : INTR_DONE);
		for (uint32_t i = 0; i < WATERMARK && size; i++, size--)
			*out++ = (uint8_t)(reg_get(r + RFDR + (i & 4)) >> i % 4 * 8);
		reg_set(r + INTR, INTR_RX);
	}
	return status == AGENT_OK ? wait(m, INTR_DONE) : status;
}

static uint32_t restart(struct medium *m)
{
	uint32_t r = m->set.registers;
	reg_set(r + MCR0, MCR0_WAITS | MCR0_SWRESET);
	return reg_wait(r + MCR0, MCR0_SWRESET, 0, LOOKS_PROGRAM) ? AGENT_OK : timeout(m);
}

/* What a program before has begun ends first. */
static uint32_t begin(struct medium *m)
{
	uint32_t r = m->set.registers, kib = m->set.size / 1024;
	uint32_t status = reg_get(r + MCR0) & MCR0_MDIS ? AGENT_OK : restart(m);
	if (status != AGENT_OK)
		return status;
	reg_set(r + MCR0, MCR0_WAITS | MCR0_MDIS);
	reg_set(r + AHBCR, 0);
	for (uint32_t i = 0; i < PORTS; i++)
		reg_set(r + FLSHCR0 + 4 * i, i ? 0 : kib);
	reg_set(r + FLSHCR1, FLSHCR1_CS);
	reg_set(r + FLSHCR2, MAPPED);
	reg_set(r + DLLACR, DLL_OVERRIDE);
	reg_set(r + MCR0, MCR0_WAITS);
	return reg_get(r + FLSHCR0) == kib ? restart(m) : AGENT_UNCLOCKED;
}

static uint32_t map(struct medium *m, const struct nor_command *c)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + STS0, STS0_IDLE, STS0_IDLE, LOOKS_PROGRAM))
		return timeout(m);
	describe(r, MAPPED, c, READ);
	return restart(m);
}

static uint32_t unmap(struct medium *m)
{
	(void)m;
	return AGENT_OK;
}

const struct nor_bus flexspi_bus = { begin, send, receive, map, unmap, MOST, 0 };
