/* Internal flash of STM32F42x (RM0090 chapter 3) and STM32F76x in one bank (RM0410 chapter 3).
 *
 * One set of registers; sectors of several sizes.  Programmed 32 bits at a time (PSIZE 2, for 2.7 V and more). */
#include "flash.h"

#define ACR   0x00u
#define KEYR  0x04u
#define SR    0x0Cu
#define CR    0x10u
#define OPTCR 0x14u

#define KEY1 0x45670123u
#define KEY2 0xCDEF89ABu

#define CR_PG   (1u << 0)
#define CR_SER  (1u << 1)
#define CR_SNB  3
#define CR_X32  (2u << 8)
#define CR_STRT (1u << 16)
#define CR_LOCK (1u << 31)

#define SR_EOP    (1u << 0)
#define SR_OPERR  (1u << 1)
#define SR_WRPERR (1u << 4)
#define SR_PGAERR (1u << 5)
#define SR_PGPERR (1u << 6)
#define SR_PGSERR (1u << 7) /* F7: ERSERR */
#define SR_RDERR  (1u << 8)
#define SR_BSY    (1u << 16)
#define SR_ERRORS (SR_OPERR | SR_WRPERR | SR_PGAERR | SR_PGPERR | SR_PGSERR | SR_RDERR)

/* Prefetch and caches of the flash interface, which would show what stood there before. */
#define ACR_CACHES   0x00000700u
#define OPTCR_NDBANK (1u << 29) /* F7: one bank */

/* Four small sectors, one that fills up to `large`, then large ones; numbers of the second bank start at 16. */
struct layout {
	uint32_t small, large, bank;
};
static const struct layout f4 = { 0x4000, 0x20000, 0x100000 }, f7 = { 0x8000, 0x40000, 0 };

/* The sector that starts at offset and has `unit` bytes: its number, or -1. */
static int32_t sector_at(const struct layout *l, uint32_t offset, uint32_t unit)
{
	int32_t first = l->bank && offset >= l->bank ? 16 : 0;
	uint32_t at = first ? offset - l->bank : offset;
	if (at < 4 * l->small)
		return unit == l->small && at % unit == 0 ? first + (int32_t)(at / unit) : -1;
	if (at < l->large)
		return unit == 4 * l->small && at == unit ? first + 4 : -1;
	return unit == l->large && at % unit == 0 ? first + 4 + (int32_t)(at / unit) : -1;
}

static uint32_t judge(struct medium *m, uint32_t sr)
{
	if (sr & SR_WRPERR)
		return flash_no(m, AGENT_PROTECTED, sr);
	if (sr & (SR_PGAERR | SR_PGPERR | SR_PGSERR))
		return flash_no(m, AGENT_SEQUENCE, sr);
	return sr & SR_ERRORS ? flash_no(m, AGENT_FAILED, sr) : AGENT_OK;
}

static uint32_t wait(struct medium *m, uint32_t looks)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + SR, SR_BSY, 0, looks))
		return flash_no(m, AGENT_TIMEOUT, reg_get(r + SR));
	return judge(m, reg_get(r + SR));
}

static uint32_t prepare(struct medium *m)
{
	uint32_t r = m->set.registers;
	if (!reg_wait(r + SR, SR_BSY, 0, LOOKS_ERASE))
		return flash_no(m, AGENT_TIMEOUT, reg_get(r + SR));
	if (reg_get(r + CR) & CR_LOCK) {
		reg_set(r + KEYR, KEY1);
		reg_set(r + KEYR, KEY2);
	}
	if (reg_get(r + CR) & CR_LOCK)
		return flash_no(m, AGENT_LOCKED, reg_get(r + SR));
	reg_set(r + SR, SR_ERRORS | SR_EOP);
	return AGENT_OK;
}

static uint32_t map(struct medium *m)
{
	reg_set(m->set.registers + CR, 0);
	reg_set(m->set.registers + CR, CR_LOCK);
	return AGENT_OK;
}

static uint32_t open(struct medium *m)
{
	uint32_t r = m->set.registers;
	m->visible = 1;
	m->chip = m->bytes = 0;
	if (m->ops == &stm32f7_ops && !(reg_get(r + OPTCR) & OPTCR_NDBANK))
		return flash_no(m, AGENT_FOREIGN, reg_get(r + OPTCR));
	reg_set(r + ACR, reg_get(r + ACR) & ~ACR_CACHES);
	uint32_t status = prepare(m);
	map(m);
	return status;
}

static uint32_t erase(struct medium *m, uint32_t offset, uint32_t unit)
{
	uint32_t r = m->set.registers;
	int32_t sector = sector_at(m->ops == &stm32f7_ops ? &f7 : &f4, offset, unit);
	if (sector < 0)
		return AGENT_BAD_ARGUMENT;
	uint32_t status = prepare(m);
	if (status != AGENT_OK)
		return status;
	uint32_t cr = CR_SER | CR_X32 | (uint32_t)sector << CR_SNB;
	reg_set(r + CR, cr);
	reg_set(r + CR, cr | CR_STRT);
	core_barrier();
	status = wait(m, LOOKS_ERASE);
	map(m);
	return status;
}

/* Four bytes, 0xFF behind the data's end. */
static uint32_t word_of(const uint8_t *data, uint32_t size)
{
	uint32_t word = 0;
	for (uint32_t b = 0; b < 4; b++)
		word |= (uint32_t)(b < size ? data[b] : 0xFF) << 8 * b;
	return word;
}

static uint32_t program(struct medium *m, uint32_t offset, const uint8_t *data, uint32_t size)
{
	if (offset % 4)
		return AGENT_BAD_ARGUMENT;
	uint32_t status = prepare(m);
	if (status != AGENT_OK)
		return status;
	reg_set(m->set.registers + CR, CR_PG | CR_X32);
	for (uint32_t at = 0; at < size && status == AGENT_OK; at += 4) {
		uint32_t word = word_of(data + at, size - at);
		if (at % 256 == 0)
			core_progress(at);
		if (word == UINT32_MAX)
			continue;
		*(volatile uint32_t *)((uintptr_t)m->mapped + offset + at) = word;
		core_barrier();
		status = wait(m, LOOKS_PROGRAM);
	}
	map(m);
	return status;
}

const struct flash_ops stm32f4_ops = { open, erase, program, map, 0 };
const struct flash_ops stm32f7_ops = { open, erase, program, map, 0 };
