/* Internal flash of STM32H742/743/745/747/753: RM0433 chapter 4 (the same registers in RM0399).
 *
 * Two banks, each with its own registers 0x100 apart.  Words of 32 bytes carry an ECC and are programmed once: what is
 * all 0xFF is left alone, since a word programmed with ones is as used up as any.  64 bits at a time (PSIZE 3), the
 * fastest, and allowed at the 3.3 V that all boards have. */
#include "flash.h"

#define KEYR 0x04u
#define CR   0x0Cu
#define SR   0x10u
#define CCR  0x14u

#define KEY1 0x45670123u
#define KEY2 0xCDEF89ABu

#define CR_LOCK  (1u << 0)
#define CR_PG    (1u << 1)
#define CR_SER   (1u << 2)
#define CR_X64   (3u << 4)
#define CR_FW    (1u << 6)
#define CR_START (1u << 7)
#define CR_SNB   8

#define SR_BSY      (1u << 0)
#define SR_WBNE     (1u << 1)
#define SR_QW       (1u << 2)
#define SR_EOP      (1u << 16)
#define SR_WRPERR   (1u << 17)
#define SR_PGSERR   (1u << 18)
#define SR_STRBERR  (1u << 19)
#define SR_INCERR   (1u << 21)
#define SR_OPERR    (1u << 22)
#define SR_RDPERR   (1u << 23)
#define SR_RDSERR   (1u << 24)
#define SR_SNECCERR (1u << 25)
#define SR_DBECCERR (1u << 26)
#define SR_ERRORS   (SR_WRPERR | SR_PGSERR | SR_STRBERR | SR_INCERR | SR_OPERR | SR_RDPERR | SR_RDSERR | SR_DBECCERR)
#define SR_CLEAR    (SR_ERRORS | SR_SNECCERR | SR_EOP)

#define SECTOR 0x20000u
#define WORD   32u

static uint32_t bank_of(const struct medium *m, uint32_t offset)
{
	return m->set.registers + (m->set.bank && offset >= m->set.bank ? 0x100u : 0);
}

static uint32_t judge(struct medium *m, uint32_t sr)
{
	if (sr & SR_WRPERR)
		return flash_no(m, AGENT_PROTECTED, sr);
	if (sr & (SR_PGSERR | SR_STRBERR | SR_INCERR))
		return flash_no(m, AGENT_SEQUENCE, sr);
	return sr & SR_ERRORS ? flash_no(m, AGENT_FAILED, sr) : AGENT_OK;
}

static uint32_t wait(struct medium *m, uint32_t bank, uint32_t looks)
{
	if (!reg_wait(bank + SR, SR_BSY | SR_WBNE | SR_QW, 0, looks))
		return flash_no(m, AGENT_TIMEOUT, reg_get(bank + SR));
	return judge(m, reg_get(bank + SR));
}

/* An idle bank without old errors, unlocked. */
static uint32_t prepare(struct medium *m, uint32_t bank)
{
	if (!reg_wait(bank + SR, SR_BSY | SR_WBNE | SR_QW, 0, LOOKS_ERASE))
		return flash_no(m, AGENT_TIMEOUT, reg_get(bank + SR));
	if (reg_get(bank + CR) & CR_LOCK) {
		reg_set(bank + KEYR, KEY1);
		reg_set(bank + KEYR, KEY2);
	}
	if (reg_get(bank + CR) & CR_LOCK)
		return flash_no(m, AGENT_LOCKED, reg_get(bank + SR));
	reg_set(bank + CCR, SR_CLEAR);
	return AGENT_OK;
}

static void finish(uint32_t bank)
{
	reg_set(bank + CR, 0);
	reg_set(bank + CR, CR_LOCK);
}

static uint32_t open(struct medium *m)
{
	m->visible = 1;
	m->chip = m->bytes = 0;
	uint32_t status = prepare(m, m->set.registers);
	finish(m->set.registers);
	return status;
}

static uint32_t erase(struct medium *m, uint32_t offset, uint32_t unit)
{
	uint32_t bank = bank_of(m, offset);
	uint32_t sector = (m->set.bank ? offset % m->set.bank : offset) / SECTOR;
	if (unit != SECTOR || sector > 7)
		return AGENT_BAD_ARGUMENT;
	uint32_t status = prepare(m, bank);
	if (status != AGENT_OK)
		return status;
	uint32_t cr = CR_SER | CR_X64 | sector << CR_SNB;
	reg_set(bank + CR, cr);
	reg_set(bank + CR, cr | CR_START);
	core_barrier();
	status = wait(m, bank, LOOKS_ERASE);
	finish(bank);
	return status;
}

/* A word as the array wants it: eight stores in order, 0xFF behind the data's end. */
static int gather(uint32_t word[WORD / 4], const uint8_t *data, uint32_t size)
{
	uint32_t ones = UINT32_MAX;
	for (uint32_t i = 0; i < WORD / 4; i++) {
		word[i] = 0;
		for (uint32_t b = 0; b < 4; b++)
			word[i] |= (uint32_t)(i * 4 + b < size ? data[i * 4 + b] : 0xFF) << 8 * b;
		ones &= word[i];
	}
	return ones != UINT32_MAX;
}

static uint32_t program_word(struct medium *m, uint32_t bank, uint32_t offset, const uint32_t word[WORD / 4])
{
	volatile uint32_t *to = (volatile uint32_t *)((uintptr_t)m->mapped + offset);
	for (unsigned i = 0; i < WORD / 4; i++)
		to[i] = word[i];
	core_barrier();
	return wait(m, bank, LOOKS_PROGRAM);
}

static uint32_t program(struct medium *m, uint32_t offset, const uint8_t *data, uint32_t size)
{
	uint32_t open_bank = 0, status = AGENT_OK, word[WORD / 4];
	if (offset % WORD)
		return AGENT_BAD_ARGUMENT;
	for (uint32_t at = 0; at < size && status == AGENT_OK; at += WORD) {
		uint32_t bank = bank_of(m, offset + at);
		core_progress(at);
		if (!gather(word, data + at, size - at))
			continue;
		if (bank != open_bank) {
			if (open_bank)
				finish(open_bank);
			open_bank = bank;
			status = prepare(m, bank);
			reg_set(bank + CR, CR_PG | CR_X64);
		}
		if (status == AGENT_OK)
			status = program_word(m, bank, offset + at, word);
	}
	if (open_bank)
		finish(open_bank);
	return status;
}

static uint32_t map(struct medium *m)
{
	finish(m->set.registers);
	if (m->set.bank && m->set.bank < m->set.size)
		finish(m->set.registers + 0x100u);
	return AGENT_OK;
}

const struct flash_ops stm32h7_ops = { open, erase, program, map, 0 };
