/* The flash controllers of virtual cores: each rule that silicon holds, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/f4_flash.h"
#include "core/h7_flash.h"

#define H7_SIZE    2097152u
#define ERASE_NS   1100000u
#define PROGRAM_NS 100u

enum {
	H7_KEYR = 0x04,
	H7_CR = 0x0c,
	H7_SR = 0x10,
	H7_CCR = 0x14,
	H7_OPTKEYR = 0x08,
	H7_OPTCR = 0x18,
	H7_WPSN_PRG = 0x3c
};
#define H7_PG     (1u << 1)
#define H7_SER    (1u << 2)
#define H7_BER    (1u << 3)
#define H7_X64    (3u << 4)
#define H7_FW     (1u << 6)
#define H7_START  (1u << 7)
#define H7_QW     (1u << 2)
#define H7_WBNE   (1u << 1)
#define H7_WRPERR (1u << 17)
#define H7_PGSERR (1u << 18)
#define H7_STRB   (1u << 19)
#define H7_INC    (1u << 21)
#define H7_DBECC  (1u << 26)
#define KEY1      0x45670123u
#define KEY2      0xcdef89abu

struct rig {
	struct cells cells;
	struct h7_flash h7;
	struct f4_flash f4;
	uint64_t now;
};

static enum bus_answer access_at(struct rig *r, enum bus_answer (*to)(void *, struct bus_access *), void *self,
    uint32_t offset, unsigned size, bool write, uint32_t *value)
{
	struct bus_access a = { offset, size, write, *value, r->now, 0 };
	enum bus_answer answer = to(self, &a);
	*value = a.value;
	return answer;
}

static enum bus_answer put(struct rig *r, uint32_t reg, uint32_t value)
{
	return access_at(r, h7_flash_registers, &r->h7, reg, 4, true, &value);
}

static uint32_t get(struct rig *r, uint32_t reg)
{
	uint32_t value = 0;
	assert_int_equal(access_at(r, h7_flash_registers, &r->h7, reg, 4, false, &value), BUS_OK);
	return value;
}

static enum bus_answer store(struct rig *r, uint32_t offset, uint32_t value)
{
	return access_at(r, h7_flash_array, &r->h7, offset, 4, true, &value);
}

static enum bus_answer load(struct rig *r, uint32_t offset, uint32_t *value)
{
	return access_at(r, h7_flash_array, &r->h7, offset, 4, false, value);
}

static void unlock(struct rig *r, uint32_t bank)
{
	assert_int_equal(put(r, bank + H7_KEYR, KEY1), BUS_OK);
	assert_int_equal(put(r, bank + H7_KEYR, KEY2), BUS_OK);
}

static void word(struct rig *r, uint32_t offset, uint32_t value)
{
	for (uint32_t i = 0; i < CELLS_WORD; i += 4)
		assert_int_equal(store(r, offset + i, value), BUS_OK);
}

static int begin(void **state)
{
	static struct rig r;
	static const struct h7_times times = { ERASE_NS, PROGRAM_NS };
	r.now = 1000;
	assert_true(cells_create(&r.cells, H7_SIZE, CELLS_PRIVATE));
	h7_flash_init(&r.h7, &r.cells, &times);
	*state = &r;
	return 0;
}

static int end(void **state)
{
	struct rig *r = *state;
	cells_close(&r->cells);
	return 0;
}

static void is_locked_until_both_keys(void **state)
{
	struct rig *r = *state;
	put(r, H7_CR, H7_PG);
	assert_int_equal(get(r, H7_CR), 1);
	assert_int_equal(put(r, H7_KEYR, KEY1), BUS_OK);
	put(r, H7_CR, H7_PG);
	assert_int_equal(get(r, H7_CR), 1);
	assert_int_equal(put(r, H7_KEYR, KEY2), BUS_OK);
	put(r, H7_CR, H7_PG);
	assert_int_equal(get(r, H7_CR), H7_PG);
	assert_int_equal(get(r, 0x100 + H7_CR), 1); /* the other bank has a lock of its own */
}

static void wrong_key_locks_until_reset(void **state)
{
	struct rig *r = *state;
	assert_int_equal(put(r, H7_KEYR, KEY2), BUS_FAULT);
	assert_int_equal(put(r, H7_KEYR, KEY1), BUS_FAULT);
	assert_int_equal(put(r, H7_KEYR, KEY2), BUS_FAULT);
	assert_int_equal(get(r, H7_CR), 1);
	h7_flash_reset(&r->h7, r->now);
	unlock(r, 0);
	assert_int_equal(get(r, H7_CR), 0);
	assert_int_equal(put(r, H7_KEYR, KEY1), BUS_FAULT); /* nor do keys twice */
}

static void programs_whole_words_in_their_time(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0;
	unlock(r, 0);
	put(r, H7_CR, H7_PG | H7_X64);
	for (uint32_t i = 0; i < CELLS_WORD - 4; i += 4)
		store(r, 64 + i, 0x11223344);
	assert_int_equal(get(r, H7_SR), H7_WBNE); /* nothing is programmed yet */
	store(r, 64 + 28, 0x11223344);
	assert_int_equal(get(r, H7_SR) & H7_QW, H7_QW);
	r->now += PROGRAM_NS - 1;
	assert_int_equal(load(r, 64, &value), BUS_WAIT); /* the bank is held off, the other one is not */
	assert_int_equal(load(r, H7_FLASH_BANK, &value), BUS_OK);
	r->now += 1;
	assert_int_equal(get(r, H7_SR), 1u << 16);
	assert_int_equal(load(r, 64, &value), BUS_OK);
	assert_int_equal(value, 0x11223344);
	put(r, H7_CR, H7_PG); /* x8 takes 2.9 times as long */
	word(r, 96, 5);
	r->now += 2 * PROGRAM_NS;
	assert_int_equal(get(r, H7_SR) & H7_QW, H7_QW);
	r->now += PROGRAM_NS;
	assert_int_equal(get(r, H7_SR) & H7_QW, 0);
}

static void a_word_takes_one_programming(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0;
	unlock(r, 0);
	put(r, H7_CR, H7_PG | H7_X64);
	word(r, 0, 0xffff0f0f);
	r->now += PROGRAM_NS;
	word(r, 0, 0x0ffff0ff);
	r->now += PROGRAM_NS;
	assert_int_equal(get(r, H7_SR), 1u << 16); /* no flag says so, but the check bits do not fit */
	assert_int_equal(load(r, 4, &value), BUS_FAULT);
	assert_int_equal(get(r, H7_SR) & H7_DBECC, H7_DBECC);
	assert_int_equal(load(r, 32, &value), BUS_OK);
	put(r, H7_CCR, 0x0fef0000);
	put(r, H7_CR, H7_SER | H7_X64);
	put(r, H7_CR, H7_SER | H7_X64 | H7_START);
	r->now += ERASE_NS;
	assert_int_equal(load(r, 4, &value), BUS_OK);
	assert_int_equal(value, 0xffffffff);
}

static void sequence_errors(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0;
	unlock(r, 0);
	store(r, 0, 1); /* without PG */
	assert_int_equal(get(r, H7_SR), H7_PGSERR);
	put(r, H7_CR, H7_PG);
	store(r, 0, 1); /* the flag stands */
	assert_int_equal(get(r, H7_SR), H7_PGSERR);
	put(r, H7_CCR, H7_PGSERR);
	store(r, 0, 1);
	store(r, 0, 2); /* the same bytes again */
	assert_int_equal(get(r, H7_SR), H7_STRB);
	put(r, H7_CCR, H7_STRB);
	store(r, 0, 1);
	store(r, 32, 1); /* another word before this one is full */
	assert_int_equal(get(r, H7_SR), H7_INC);
	put(r, H7_CCR, H7_INC);
	put(r, H7_CR, H7_PG | H7_SER | H7_START); /* both at once */
	assert_int_equal(get(r, H7_SR), H7_PGSERR);
	put(r, H7_CCR, H7_PGSERR);
	put(r, H7_CR, H7_PG);
	word(r, 0, 7);
	put(r, H7_CR, H7_SER); /* while it works */
	assert_int_equal(get(r, H7_SR) & H7_PGSERR, H7_PGSERR);
	assert_int_equal(get(r, H7_CR), H7_PG);
	r->now += 10 * PROGRAM_NS;
	assert_int_equal(load(r, 0, &value), BUS_OK);
	assert_int_equal(value, 7);
}

static void force_write_pads(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0;
	unlock(r, 0);
	put(r, H7_CR, H7_PG | H7_X64);
	store(r, 32, 0x55);
	put(r, H7_CR, H7_PG | H7_X64 | H7_FW);
	r->now += PROGRAM_NS;
	load(r, 32, &value);
	assert_int_equal(value, 0x55);
	load(r, 36, &value);
	assert_int_equal(value, 0xffffffff);
	assert_true(cells_written(&r->cells, 32));
}

static void protected_sectors_refuse(void **state)
{
	struct rig *r = *state;
	assert_int_equal(put(r, H7_OPTKEYR, 0x08192a3b), BUS_OK);
	put(r, H7_WPSN_PRG, 0xfd); /* still locked */
	assert_int_equal(put(r, H7_OPTKEYR, 0x4c5d6e7f), BUS_OK);
	put(r, H7_WPSN_PRG, 0xfd);
	put(r, H7_OPTCR, 2);
	r->now += 1000000000;
	assert_int_equal(get(r, 0x38), 0xfd);
	unlock(r, 0);
	put(r, H7_CR, H7_SER | 1 << 8 | H7_START);
	assert_int_equal(get(r, H7_SR), H7_WRPERR);
	put(r, H7_CCR, H7_WRPERR);
	put(r, H7_CR, H7_BER | H7_START);
	assert_int_equal(get(r, H7_SR), H7_WRPERR);
	put(r, H7_CCR, H7_WRPERR);
	put(r, H7_CR, H7_PG);
	word(r, H7_FLASH_SECTOR, 1);
	assert_int_equal(get(r, H7_SR), H7_WRPERR);
	put(r, H7_CCR, H7_WRPERR);
	put(r, H7_CR, H7_SER | 2 << 8 | H7_START);
	assert_int_equal(get(r, H7_SR) & H7_QW, H7_QW);
	h7_flash_reset(&r->h7, r->now + ERASE_NS); /* protection outlives a reset */
	assert_int_equal(get(r, 0x38), 0xfd);
}

static void reset_tears_what_is_under_way(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0, wrong = 0;
	unlock(r, 0x100);
	put(r, 0x100 + H7_CR, H7_SER | H7_START);
	r->now += ERASE_NS / 2;
	h7_flash_reset(&r->h7, r->now);
	for (uint32_t i = 0; i < 1024; i += 4)
		wrong += load(r, H7_FLASH_BANK + i, &value) != BUS_OK;
	assert_int_equal(wrong, 256);
	assert_int_equal(load(r, H7_FLASH_BANK + H7_FLASH_SECTOR, &value), BUS_OK);
}

/* ---- STM32F42x ---- */

enum { F4_KEYR = 0x04, F4_SR = 0x0c, F4_CR = 0x10 };
#define F4_PG     1u
#define F4_SER    2u
#define F4_X32    (2u << 8)
#define F4_STRT   (1u << 16)
#define F4_BSY    (1u << 16)
#define F4_PGPERR (1u << 6)
#define F4_PGSERR (1u << 7)
#define F4_WRPERR (1u << 4)

static int begin_f4(void **state)
{
	static struct rig r;
	static const struct f4_layout layout = { { { 0, 16384, ERASE_NS }, { 16384, 16384, ERASE_NS } }, 2, PROGRAM_NS,
		0x0ffdaaec };
	r.now = 1000;
	assert_true(cells_create(&r.cells, 32768, CELLS_PRIVATE));
	f4_flash_init(&r.f4, &r.cells, &layout);
	*state = &r;
	return 0;
}

static enum bus_answer put4(struct rig *r, uint32_t reg, uint32_t value)
{
	return access_at(r, f4_flash_registers, &r->f4, reg, 4, true, &value);
}

static uint32_t get4(struct rig *r, uint32_t reg)
{
	uint32_t value = 0;
	access_at(r, f4_flash_registers, &r->f4, reg, 4, false, &value);
	return value;
}

static void store4(struct rig *r, uint32_t offset, unsigned size, uint32_t value)
{
	assert_int_equal(access_at(r, f4_flash_array, &r->f4, offset, size, true, &value), BUS_OK);
}

static void f4_holds_the_width(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0;
	assert_int_equal(put4(r, F4_KEYR, KEY1), BUS_OK);
	assert_int_equal(put4(r, F4_KEYR, KEY2), BUS_OK);
	store4(r, 0, 4, 1);
	assert_int_equal(get4(r, F4_SR), F4_PGSERR);
	put4(r, F4_SR, F4_PGSERR);
	put4(r, F4_CR, F4_PG | F4_X32);
	store4(r, 0, 2, 1);
	assert_int_equal(get4(r, F4_SR), F4_PGPERR);
	store4(r, 0, 4, 1); /* the flag stands */
	assert_int_equal(get4(r, F4_SR), F4_PGPERR | F4_PGSERR);
	put4(r, F4_SR, F4_PGPERR | F4_PGSERR);
	put4(r, F4_CR, F4_PG | 3u << 8); /* no programming voltage for x64 */
	store4(r, 0, 4, 1);
	assert_int_equal(get4(r, F4_SR), F4_PGPERR);
	put4(r, F4_SR, F4_PGPERR);
	put4(r, F4_CR, F4_PG | F4_X32);
	store4(r, 0, 4, 0xfffff0f0);
	assert_int_equal(get4(r, F4_SR) & F4_BSY, F4_BSY);
	assert_int_equal(access_at(r, f4_flash_array, &r->f4, 8192, 4, false, &value), BUS_WAIT);
	r->now += PROGRAM_NS;
	store4(r, 0, 4, 0xffff0fff); /* only clears */
	r->now += PROGRAM_NS;
	access_at(r, f4_flash_array, &r->f4, 0, 4, false, &value);
	assert_int_equal(value, 0xffff00f0);
}

static void f4_erases_what_may_be(void **state)
{
	struct rig *r = *state;
	put4(r, F4_KEYR, KEY1);
	put4(r, F4_KEYR, KEY2);
	put4(r, F4_CR, F4_SER | 1 << 3 | F4_X32 | F4_STRT); /* write-protected */
	assert_int_equal(get4(r, F4_SR), F4_WRPERR);
	put4(r, F4_SR, F4_WRPERR);
	put4(r, F4_CR, F4_SER | 2 << 3 | F4_X32 | F4_STRT); /* there is none */
	assert_int_equal(get4(r, F4_SR), F4_PGSERR);
	put4(r, F4_SR, F4_PGSERR);
	put4(r, F4_CR, F4_SER | F4_X32 | F4_STRT);
	r->now += ERASE_NS - 1;
	assert_int_equal(get4(r, F4_SR), F4_BSY);
	put4(r, F4_CR, F4_PG); /* taken by nobody */
	assert_int_equal(get4(r, F4_CR) & F4_PG, 0);
	r->now += 1;
	assert_int_equal(get4(r, F4_SR), 1);
	assert_int_equal(put4(r, F4_KEYR, KEY1), BUS_FAULT);
	put4(r, F4_CR, F4_PG);
	assert_int_equal(get4(r, F4_CR) & (1u << 31), 1u << 31);
}

#define ON_H7(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define ON_F4(name) cmocka_unit_test_setup_teardown(name, begin_f4, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_H7(is_locked_until_both_keys),
		ON_H7(wrong_key_locks_until_reset),
		ON_H7(programs_whole_words_in_their_time),
		ON_H7(a_word_takes_one_programming),
		ON_H7(sequence_errors),
		ON_H7(force_write_pads),
		ON_H7(protected_sectors_refuse),
		ON_H7(reset_tears_what_is_under_way),
		ON_F4(f4_holds_the_width),
		ON_F4(f4_erases_what_may_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
