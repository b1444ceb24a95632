/* QUADSPI and the serial NOR behind it: each rule that silicon holds, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/quadspi.h"

#define SIZE     33554432u
#define PAGE_NS  400u
#define BLOCK_NS 150000u
#define BLOCK    65536u

enum {
	CR = 0x00,
	DCR = 0x04,
	SR = 0x08,
	FCR = 0x0c,
	DLR = 0x10,
	CCR = 0x14,
	AR = 0x18,
	DR = 0x20,
	PSMKR = 0x24,
	PSMAR = 0x28
};
#define EN        1u
#define ABORT     2u
#define TEF       1u
#define TCF       2u
#define BUSY      0x20u
#define SMF       8u
#define ON_1      (1u << 8)
#define ADDRESS_1 (1u << 10)
#define BYTES_3   (2u << 12)
#define BYTES_4   (3u << 12)
#define DATA_1    (1u << 24)
#define DATA_4    (3u << 24)
#define DUMMY(n)  ((uint32_t)(n) << 18)
#define READ_MODE (1u << 26)
#define POLL      (2u << 26)
#define MAPPED    (3u << 26)
#define WIP       1u
#define WEL       2u

struct rig {
	struct cells cells;
	struct nor nor;
	struct quadspi q;
	uint64_t now;
	bool clock, pins;
};

static bool clocked(void *rig)
{
	return ((struct rig *)rig)->clock;
}

static bool connected(void *rig)
{
	return ((struct rig *)rig)->pins;
}

static int begin(void **state)
{
	static struct rig r;
	static const struct nor_times times = { PAGE_NS, 45000, BLOCK_NS, 80000000 };
	r = (struct rig){ .now = 1000, .clock = true, .pins = true };
	assert_true(cells_create(&r.cells, SIZE, CELLS_PRIVATE));
	nor_init(&r.nor, NOR_W25Q, &r.cells, &times);
	quadspi_init(&r.q, &r.nor);
	r.q.clocked = clocked;
	r.q.connected = connected;
	r.q.context = &r;
	*state = &r;
	return 0;
}

static int end(void **state)
{
	cells_close(&((struct rig *)*state)->cells);
	return 0;
}

static void put(struct rig *r, uint32_t reg, unsigned size, uint32_t value)
{
	struct bus_access a = { reg, size, true, value, r->now, 0 };
	assert_int_equal(quadspi_registers(&r->q, &a), BUS_OK);
}

static uint32_t get(struct rig *r, uint32_t reg, unsigned size)
{
	struct bus_access a = { reg, size, false, 0, r->now, 0 };
	assert_int_equal(quadspi_registers(&r->q, &a), BUS_OK);
	return a.value;
}

static enum bus_answer mapped(struct rig *r, uint32_t offset, uint32_t *value)
{
	struct bus_access a = { offset, 4, false, 0, r->now, 0 };
	enum bus_answer answer = quadspi_window(&r->q, &a);
	*value = a.value;
	return answer;
}

static void enable(struct rig *r)
{
	put(r, CR, 4, EN);
	put(r, DCR, 4, 24u << 16);
}

static void command(struct rig *r, uint32_t ccr)
{
	put(r, FCR, 4, 0x1b);
	put(r, CCR, 4, ccr);
	assert_int_equal(get(r, SR, 4) & (TCF | BUSY), TCF);
}

static uint32_t read_after(struct rig *r, uint32_t ccr, uint32_t address, uint32_t size)
{
	put(r, FCR, 4, 0x1b);
	put(r, DLR, 4, size - 1);
	put(r, CCR, 4, ccr | READ_MODE);
	if (ccr & ADDRESS_1)
		put(r, AR, 4, address);
	return get(r, DR, size);
}

static uint32_t status(struct rig *r)
{
	return read_after(r, 0x05 | ON_1 | DATA_1, 0, 1);
}

static void program(struct rig *r, uint32_t ccr, uint32_t address, const uint8_t *data, uint32_t size)
{
	put(r, FCR, 4, 0x1b);
	put(r, DLR, 4, size - 1);
	put(r, CCR, 4, ccr);
	put(r, AR, 4, address);
	for (uint32_t i = 0; i < size; i++)
		put(r, DR, 1, data[i]);
}

#define WRITE_ENABLE (0x06 | ON_1)
#define PROGRAM_3    (0x02 | ON_1 | ADDRESS_1 | BYTES_3 | DATA_1)
#define PROGRAM_4    (0x12 | ON_1 | ADDRESS_1 | BYTES_4 | DATA_1)
#define READ_4       (0x13 | ON_1 | ADDRESS_1 | BYTES_4 | DATA_1)
#define ERASE_4      (0xdc | ON_1 | ADDRESS_1 | BYTES_4)

static void needs_clock_pins_and_enable(void **state)
{
	struct rig *r = *state;
	r->clock = false;
	put(r, CR, 4, EN);
	assert_int_equal(get(r, CR, 4), 0);
	r->clock = true;
	put(r, CCR, 4, WRITE_ENABLE);
	assert_int_equal(get(r, CCR, 4), 0);
	enable(r);
	assert_int_equal(read_after(r, 0x9f | ON_1 | DATA_1, 0, 3), 0x1940ef);
	r->pins = false;
	assert_int_equal(read_after(r, 0x9f | ON_1 | DATA_1, 0, 3), 0xffffff);
}

static void writes_need_the_latch(void **state)
{
	struct rig *r = *state;
	static const uint8_t data[] = { 0x12, 0x34 };
	enable(r);
	program(r, PROGRAM_4, 0, data, 2);
	assert_int_equal(status(r), 0);
	command(r, WRITE_ENABLE);
	assert_int_equal(status(r), WEL);
	program(r, PROGRAM_4, 0, data, 2);
	assert_int_equal(status(r), WIP | WEL);
	assert_int_equal(read_after(r, READ_4, 0, 2), 0xffff); /* a busy chip answers its status only */
	r->now += PAGE_NS;
	assert_int_equal(status(r), 0); /* the latch is used up */
	assert_int_equal(read_after(r, READ_4, 0, 2), 0x3412);
	command(r, WRITE_ENABLE);
	command(r, 0x04 | ON_1);
	program(r, PROGRAM_4, 16, data, 2);
	assert_int_equal(status(r), 0);
}

static void wraps_inside_its_page_and_only_clears(void **state)
{
	struct rig *r = *state;
	static const uint8_t data[] = { 0xf0, 0x0f, 0x33 };
	enable(r);
	command(r, WRITE_ENABLE);
	program(r, PROGRAM_4, 0x1fe, data, 3);
	r->now += PAGE_NS;
	assert_int_equal(read_after(r, READ_4, 0x1fe, 3), 0xff0ff0); /* the third byte is not behind the page ... */
	assert_int_equal(read_after(r, READ_4, 0x100, 1), 0x33);     /* ... but at its start */
	command(r, WRITE_ENABLE);
	program(r, PROGRAM_4, 0x1fe, data + 1, 1);
	r->now += PAGE_NS;
	assert_int_equal(read_after(r, READ_4, 0x1fe, 1), 0x00);
	command(r, WRITE_ENABLE);
	put(r, CCR, 4, ERASE_4);
	put(r, AR, 4, 0x1234);
	r->now += BLOCK_NS - 1;
	assert_int_equal(status(r) & WIP, WIP);
	r->now += 1;
	assert_int_equal(read_after(r, READ_4, 0x100, 1), 0xff);
}

static void addresses_have_the_length_of_the_mode(void **state)
{
	struct rig *r = *state;
	static const uint8_t data[] = { 0x77 };
	enable(r);
	command(r, WRITE_ENABLE);
	program(r, PROGRAM_3 | BYTES_4, 0, data, 1); /* not understood: the latch stays */
	assert_int_equal(status(r), WEL);
	program(r, PROGRAM_3, 0, data, 1);
	r->now += PAGE_NS;
	command(r, 0xb7 | ON_1);
	assert_int_equal(read_after(r, 0x03 | ON_1 | ADDRESS_1 | BYTES_3 | DATA_1, 0, 1), 0xff);
	assert_int_equal(read_after(r, 0x03 | ON_1 | ADDRESS_1 | BYTES_4 | DATA_1, 0, 1), 0x77);
	nor_power_off(&r->nor, r->now);
	assert_int_equal(read_after(r, 0x03 | ON_1 | ADDRESS_1 | BYTES_3 | DATA_1, 0, 1), 0x77);
}

static void dummy_clocks_and_quad_enable_count(void **state)
{
	struct rig *r = *state;
	static const uint8_t data[] = { 0x5a }, nothing[] = { 0 };
	uint32_t quad = 0x6c | ON_1 | ADDRESS_1 | BYTES_4 | DATA_4;
	enable(r);
	command(r, WRITE_ENABLE);
	program(r, PROGRAM_4, 0, data, 1);
	r->now += PAGE_NS;
	assert_int_equal(read_after(r, quad | DUMMY(8), 0, 1), 0x5a);
	assert_int_equal(read_after(r, quad | DUMMY(4), 0, 1), 0xff);
	command(r, WRITE_ENABLE);
	put(r, DLR, 4, 0);
	put(r, CCR, 4, 0x31 | ON_1 | DATA_1);
	put(r, DR, 1, nothing[0]);
	r->now += 100000000;
	assert_int_equal(read_after(r, quad | DUMMY(8), 0, 1), 0xff); /* QE is off */
}

static void mapped_reads_need_their_mode(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0;
	enable(r);
	assert_int_equal(mapped(r, 0, &value), BUS_FAULT);
	put(r, CCR, 4, READ_4 | MAPPED);
	assert_int_equal(mapped(r, 0, &value), BUS_OK);
	assert_int_equal(value, 0xffffffff);
	assert_int_equal(get(r, SR, 4) & BUSY, BUSY);
	put(r, CCR, 4, WRITE_ENABLE); /* takes nothing until ABORT */
	assert_int_equal(get(r, CCR, 4), READ_4 | MAPPED);
	put(r, CR, 4, EN | ABORT);
	assert_int_equal(get(r, SR, 4) & BUSY, 0);
	put(r, CCR, 4, READ_4 | READ_MODE);
	assert_int_equal(mapped(r, 0, &value), BUS_FAULT);
}

static void mapped_reads_of_the_end_wedge(void **state)
{
	struct rig *r = *state;
	uint32_t value = 0;
	enable(r);
	assert_int_equal(read_after(r, READ_4, SIZE - 4, 4), 0xffffffff); /* indirect ones do not */
	put(r, CCR, 4, READ_4 | MAPPED);
	assert_int_equal(mapped(r, SIZE - QUADSPI_WEDGE - 4, &value), BUS_OK);
	assert_int_equal(mapped(r, SIZE - QUADSPI_WEDGE, &value), BUS_WAIT);
	assert_int_equal(mapped(r, 0, &value), BUS_WAIT); /* for good */
	quadspi_reset(&r->q, r->now);
	enable(r);
	put(r, CCR, 4, READ_4 | MAPPED);
	assert_int_equal(mapped(r, 0, &value), BUS_OK);
}

static void addresses_behind_the_end_are_errors(void **state)
{
	struct rig *r = *state;
	enable(r);
	put(r, DLR, 4, 3);
	put(r, CCR, 4, READ_4 | READ_MODE);
	put(r, AR, 4, SIZE - 2);
	assert_int_equal(get(r, SR, 4) & (TEF | BUSY), TEF);
}

static void polls_by_itself(void **state)
{
	struct rig *r = *state;
	enable(r);
	command(r, WRITE_ENABLE);
	put(r, CCR, 4, ERASE_4);
	put(r, AR, 4, 0);
	put(r, CR, 4, EN | 1u << 22);
	put(r, PSMKR, 4, WIP);
	put(r, PSMAR, 4, 0);
	put(r, DLR, 4, 0);
	put(r, CCR, 4, 0x05 | ON_1 | DATA_1 | POLL);
	assert_int_equal(get(r, SR, 4) & (SMF | BUSY), BUSY);
	r->now += BLOCK_NS;
	assert_int_equal(get(r, SR, 4) & (SMF | BUSY), SMF);
}

static void power_cut_tears(void **state)
{
	struct rig *r = *state;
	uint8_t block[512];
	unsigned erased = 0;
	enable(r);
	for (uint32_t i = 0; i < sizeof block; i++)
		block[i] = 0;
	cells_put(&r->cells, 0, block, sizeof block);
	command(r, WRITE_ENABLE);
	put(r, CCR, 4, ERASE_4);
	put(r, AR, 4, 0);
	r->now += BLOCK_NS / 2;
	nor_power_off(&r->nor, r->now);
	cells_read(&r->cells, 0, block, sizeof block);
	for (uint32_t i = 0; i < sizeof block; i++)
		erased += block[i] == 0xff;
	assert_true(erased < sizeof block / 2 && block[0] + block[1] + block[2] + block[3] > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(needs_clock_pins_and_enable),
		T(writes_need_the_latch),
		T(wraps_inside_its_page_and_only_clears),
		T(addresses_have_the_length_of_the_mode),
		T(dummy_clocks_and_quad_enable_count),
		T(mapped_reads_need_their_mode),
		T(mapped_reads_of_the_end_wedge),
		T(addresses_behind_the_end_are_errors),
		T(polls_by_itself),
		T(power_cut_tears),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
