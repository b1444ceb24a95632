/* XSPI, FlexSPI, OSPI and MRAM: each rule that their models hold, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "core/flexspi.h"
#include "core/mram.h"
#include "core/ospi.h"
#include "core/xspi.h"

#define SIZE     33554432u
#define PAGE_NS  400u
#define BLOCK_NS 150000u
#define FAULTS   0xdeadbeefu /* what a refused access gives here */
#define WIP      1u
#define WEL      2u

struct rig {
	struct cells cells;
	struct nor nor;
	struct xspi x;
	struct flexspi f;
	struct ospi o;
	struct mram m;
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
	r = (struct rig){ .now = 1000, .clock = true, .pins = true };
	assert_true(cells_create(&r.cells, SIZE, CELLS_PRIVATE));
	*state = &r;
	return 0;
}

static int end(void **state)
{
	cells_close(&((struct rig *)*state)->cells);
	return 0;
}

static void chip(struct rig *r, enum nor_kind kind)
{
	static const struct nor_times times = { PAGE_NS, 45000, BLOCK_NS, 80000000 };
	nor_init(&r->nor, kind, &r->cells, &times);
}

typedef enum bus_answer access_function(void *self, struct bus_access *a);

static void put(struct rig *r, access_function *to, void *self, uint32_t offset, uint32_t value)
{
	struct bus_access a = { offset, 4, true, value, r->now, 0 };
	assert_int_equal(to(self, &a), BUS_OK);
}

static uint32_t get_sized(struct rig *r, access_function *from, void *self, uint32_t offset, unsigned size)
{
	struct bus_access a = { offset, size, false, 0, r->now, 0 };
	return from(self, &a) == BUS_OK ? a.value : FAULTS;
}

static uint32_t get(struct rig *r, access_function *from, void *self, uint32_t offset)
{
	return get_sized(r, from, self, offset, 4);
}

/* ---- XSPI ---- */

enum {
	X_CR = 0,
	X_DCR1 = 8,
	X_SR = 0x20,
	X_FCR = 0x24,
	X_DLR = 0x40,
	X_AR = 0x48,
	X_DR = 0x50,
	X_CCR = 0x100,
	X_TCR = 0x108,
	X_IR = 0x110
};
#define X_EN     1u
#define X_ABORT  2u
#define X_READ   (1u << 28)
#define X_POLL   (2u << 28)
#define X_MAPPED (3u << 28)
#define X_TEF    1u
#define X_TCF    2u
#define X_BUSY   0x20u
#define I_1      1u
#define AD_1     (1u << 8)
#define AD_4     (3u << 12)
#define D_1      (1u << 24)

static void xput(struct rig *r, uint32_t offset, uint32_t value)
{
	put(r, xspi_registers, &r->x, offset, value);
}

static uint32_t xget(struct rig *r, uint32_t offset)
{
	return get(r, xspi_registers, &r->x, offset);
}

static void xbegin(struct rig *r)
{
	chip(r, NOR_MX25UM);
	xspi_init(&r->x, &r->nor);
	r->x.clocked = clocked;
	r->x.connected = connected;
	r->x.context = r;
	xput(r, X_DCR1, 24u << 16);
	xput(r, X_CR, X_EN);
}

static void xcommand(struct rig *r, uint32_t opcode)
{
	xput(r, X_FCR, 0x1b);
	xput(r, X_CR, X_EN);
	xput(r, X_CCR, I_1);
	xput(r, X_TCR, 0);
	xput(r, X_IR, opcode);
	assert_int_equal(xget(r, X_SR) & (X_TCF | X_BUSY), X_TCF);
}

static uint32_t xread(struct rig *r, uint32_t ccr, uint32_t opcode, uint32_t dummy, uint32_t address, unsigned size)
{
	xput(r, X_FCR, 0x1b);
	xput(r, X_CR, X_EN | X_READ);
	xput(r, X_DLR, size - 1);
	xput(r, X_TCR, dummy);
	xput(r, X_CCR, ccr | I_1 | D_1);
	xput(r, X_IR, opcode);
	if (ccr & AD_1)
		xput(r, X_AR, address);
	return get_sized(r, xspi_registers, &r->x, X_DR, size);
}

static void xprogram(struct rig *r, uint32_t address, uint32_t word)
{
	xput(r, X_FCR, 0x1b);
	xput(r, X_CR, X_EN);
	xput(r, X_DLR, 3);
	xput(r, X_TCR, 0);
	xput(r, X_CCR, I_1 | AD_1 | AD_4 | D_1);
	xput(r, X_IR, 0x12);
	xput(r, X_AR, address);
	assert_int_equal(xget(r, X_SR) & X_BUSY, 0); /* it waits for its data */
	xput(r, X_DR, word);
}

static void xspi_needs_clock_pins_and_its_own_chip(void **state)
{
	struct rig *r = *state;
	xbegin(r);
	assert_int_equal(xread(r, 0, 0x9f, 0, 0, 3), 0x3980c2);
	r->pins = false;
	assert_int_equal(xread(r, 0, 0x9f, 0, 0, 3), 0xffffff);
	r->pins = true;
	xput(r, X_CR, X_EN | 1u << 24); /* the other chip select */
	xput(r, X_CCR, I_1 | D_1);
	xput(r, X_CR, X_EN | 1u << 24 | X_READ);
	xput(r, X_DLR, 2);
	xput(r, X_IR, 0x9f);
	assert_int_equal(get_sized(r, xspi_registers, &r->x, X_DR, 1), 0xff);
	r->clock = false;
	assert_int_equal(xget(r, X_CR), 0);
}

static void xspi_programs_and_reads(void **state)
{
	struct rig *r = *state;
	xbegin(r);
	xprogram(r, 16, 0x12345678);
	assert_int_equal(xread(r, 0, 0x05, 0, 0, 1), 0); /* not without the latch */
	xcommand(r, 0x06);
	xprogram(r, 16, 0x12345678);
	assert_int_equal(xread(r, 0, 0x05, 0, 0, 1), WIP | WEL);
	r->now += PAGE_NS;
	assert_int_equal(xread(r, AD_1 | AD_4, 0x0c, 8, 16, 4), 0x12345678);
	assert_int_equal(xread(r, AD_1 | AD_4, 0x0c, 7, 16, 4), 0xffffffff);     /* a clock too few */
	assert_int_equal(xread(r, AD_1 | AD_4 | 8, 0x0c, 8, 16, 4), 0xffffffff); /* both edges */
	xcommand(r, 0x06);
	xput(r, X_CCR, I_1 | AD_1 | AD_4);
	xput(r, X_IR, 0x5c);
	xput(r, X_AR, 0);
	assert_int_equal(xread(r, 0, 0x05, 0, 0, 1), WEL); /* it has no blocks of 32 KiB */
}

static void xspi_refuses_behind_the_end(void **state)
{
	struct rig *r = *state;
	xbegin(r);
	xput(r, X_CR, X_EN | X_READ);
	xput(r, X_DLR, 3);
	xput(r, X_TCR, 8);
	xput(r, X_CCR, I_1 | AD_1 | AD_4 | D_1);
	xput(r, X_IR, 0x0c);
	xput(r, X_AR, SIZE - 2);
	assert_int_equal(xget(r, X_SR) & (X_TEF | X_BUSY), X_TEF);
}

static void xmap(struct rig *r)
{
	xput(r, X_CR, X_EN);
	xput(r, X_TCR, 8);
	xput(r, X_CCR, I_1 | AD_1 | AD_4 | D_1);
	xput(r, X_IR, 0x0c);
	xput(r, X_CR, X_EN | X_MAPPED);
}

static void xspi_maps_what_was_set_before(void **state)
{
	struct rig *r = *state;
	xbegin(r);
	cells_clear(&r->cells, 0x100, (const uint8_t *)"abcd", 4);
	assert_int_equal(get(r, xspi_window, &r->x, 0x100), FAULTS);
	xmap(r);
	assert_int_equal(xget(r, X_SR) & X_BUSY, 0);
	assert_int_equal(get(r, xspi_window, &r->x, 0x100), 0x64636261);
	assert_int_equal(xget(r, X_SR) & X_BUSY, X_BUSY);
	xput(r, X_CR, X_EN | X_READ); /* the mode stays while BUSY */
	assert_int_equal(get(r, xspi_window, &r->x, 0x100), 0x64636261);
	xput(r, X_CR, X_EN | X_MAPPED | X_ABORT);
	assert_int_equal(xget(r, X_SR) & X_BUSY, 0);
	xput(r, X_CCR, I_1); /* in mapped mode the command stays */
	assert_int_equal(get(r, xspi_window, &r->x, 0x100), 0x64636261);
	assert_int_equal(get(r, xspi_window, &r->x, SIZE), FAULTS);
	struct bus_access a = { 0, 4, true, 0, r->now, 0 };
	assert_int_equal(xspi_window(&r->x, &a), BUS_FAULT);
	/* the mode before its command: nothing there */
	xput(r, X_CR, X_EN | X_MAPPED | X_ABORT);
	xput(r, X_CR, X_EN);
	xput(r, X_CCR, I_1);
	xput(r, X_CR, X_EN | X_MAPPED);
	xput(r, X_CCR, I_1 | AD_1 | AD_4 | D_1);
	assert_int_equal(get(r, xspi_window, &r->x, 0x100), 0xffffffff);
}

static void an_octal_chip_hears_nothing_on_one_line(void **state)
{
	struct rig *r = *state;
	xbegin(r);
	nor_go_octal(&r->nor);
	xput(r, X_CCR, I_1);
	xput(r, X_IR, 0x66);
	xput(r, X_IR, 0x99);
	assert_int_equal(xread(r, 0, 0x9f, 0, 0, 3), 0xffffff);
	nor_power_off(&r->nor, r->now); /* its reset pin */
	assert_int_equal(xread(r, 0, 0x9f, 0, 0, 3), 0x3980c2);
	/* its own command does the same */
	xcommand(r, 0x06);
	xput(r, X_DLR, 0);
	xput(r, X_CCR, I_1 | AD_1 | AD_4 | D_1);
	xput(r, X_IR, 0x72);
	xput(r, X_AR, 0);
	struct bus_access a = { X_DR, 1, true, 2, r->now, 0 };
	assert_int_equal(xspi_registers(&r->x, &a), BUS_OK);
	assert_int_equal(xread(r, 0, 0x9f, 0, 0, 3), 0xffffff);
}

/* ---- FlexSPI ---- */

enum {
	F_MCR0 = 0,
	F_INTR = 0x14,
	F_KEY = 0x18,
	F_LUTCR = 0x1c,
	F_SIZE = 0x60,
	F_CR2 = 0x80,
	F_IPCR0 = 0xa0,
	F_IPCR1 = 0xa4,
	F_IPCMD = 0xb0,
	F_RXFCR = 0xb8,
	F_TXFCR = 0xbc,
	F_STS0 = 0xe0,
	F_STS1 = 0xe4,
	F_RFDR = 0x100,
	F_TFDR = 0x180,
	F_LUT = 0x200
};
#define F_OFF                     2u
#define F_AHB_FIFO                0xc0u
#define F_DONE                    1u
#define F_ERROR                   8u
#define F_RX                      0x20u
#define F_TX                      0x40u
#define STEP(code, pads, operand) ((uint32_t)(code) << 10 | (uint32_t)(pads) << 8 | (operand))

static void fput(struct rig *r, uint32_t offset, uint32_t value)
{
	put(r, flexspi_registers, &r->f, offset, value);
}

static uint32_t fget(struct rig *r, uint32_t offset)
{
	return get(r, flexspi_registers, &r->f, offset);
}

static void lut(struct rig *r, unsigned id, uint32_t one, uint32_t two)
{
	fput(r, F_KEY, 0x5af05af0);
	fput(r, F_LUTCR, 2);
	fput(r, F_LUT + id * 16, one);
	fput(r, F_LUT + id * 16 + 4, two);
	fput(r, F_LUT + id * 16 + 8, 0);
	fput(r, F_KEY, 0x5af05af0);
	fput(r, F_LUTCR, 1);
}

static void fbegin(struct rig *r)
{
	chip(r, NOR_W25Q);
	flexspi_init(&r->f, &r->nor);
	r->f.clocked = clocked;
	r->f.connected = connected;
	r->f.context = r;
	fput(r, F_SIZE, SIZE / 1024);
	fput(r, F_MCR0, 0xffff0000);
	lut(r, 1, STEP(1, 0, 0x9f) | STEP(9, 0, 8) << 16, 0);
	lut(r, 2, STEP(1, 0, 0x13) | STEP(2, 0, 32) << 16, STEP(9, 0, 8));
	lut(r, 3, STEP(1, 0, 0x06), 0);
	lut(r, 4, STEP(1, 0, 0x12) | STEP(2, 0, 32) << 16, STEP(8, 0, 8));
	lut(r, 5, STEP(1, 0, 0x05) | STEP(9, 0, 1) << 16, 0);
	fput(r, F_CR2, 2);
}

static uint32_t go(struct rig *r, unsigned id, uint32_t address, uint32_t size)
{
	fput(r, F_RXFCR, 1);
	fput(r, F_IPCR0, address);
	fput(r, F_IPCR1, id << 16 | size);
	fput(r, F_IPCMD, 1);
	return fget(r, F_INTR);
}

static void flexspi_needs_its_set_up(void **state)
{
	struct rig *r = *state;
	fbegin(r);
	assert_int_equal(go(r, 1, 0, 3) & F_DONE, F_DONE);
	assert_int_equal(fget(r, F_RFDR), 0x1940ef);
	assert_int_equal(fget(r, F_RFDR + 4), FAULTS); /* more than there is */
	r->pins = false;
	go(r, 1, 0, 3);
	assert_int_equal(fget(r, F_RFDR), 0xffffff);
	r->pins = true;
	fput(r, F_MCR0, 0xffff0000 | F_AHB_FIFO);
	go(r, 1, 0, 3);
	assert_int_equal(fget(r, F_RFDR), 0);
	fput(r, F_MCR0, 0xffff0000 | F_OFF);
	assert_int_equal(go(r, 1, 0, 3) & F_DONE, 0);
	flexspi_reset(&r->f, r->now);
	assert_int_equal(fget(r, F_MCR0), 0xffff80c2);
	r->clock = false;
	assert_int_equal(fget(r, F_MCR0), FAULTS);
}

static void flexspi_locks_its_table(void **state)
{
	struct rig *r = *state;
	fbegin(r);
	fput(r, F_LUT + 16, 0);
	assert_int_equal(go(r, 1, 0, 3) & F_DONE, F_DONE);
	fput(r, F_LUTCR, 2); /* without the key */
	fput(r, F_LUT + 16, 0);
	assert_int_equal(fget(r, F_LUT + 16) != 0, 1);
}

static void flexspi_says_what_it_does_not_do(void **state)
{
	struct rig *r = *state;
	fbegin(r);
	lut(r, 6, STEP(0x21, 3, 0xee), 0);
	assert_int_equal(go(r, 6, 0, 0) & F_ERROR, F_ERROR);
	assert_int_equal(fget(r, F_STS1), 3u << 24 | 6u << 16);
	fput(r, F_INTR, F_ERROR | F_DONE);
	assert_int_equal(fget(r, F_STS1), 0);
	assert_int_equal(go(r, 2, SIZE, 4) & F_ERROR, F_ERROR);
	assert_int_equal(fget(r, F_STS1), 6u << 24 | 2u << 16);
}

static void flexspi_moves_watermarks(void **state)
{
	struct rig *r = *state;
	fbegin(r);
	fput(r, F_INTR, F_DONE);
	assert_int_equal(go(r, 3, 0, 0) & F_DONE, F_DONE);
	fput(r, F_INTR, F_DONE);
	fput(r, F_TXFCR, 1);
	assert_int_equal(go(r, 4, 0, 12) & (F_DONE | F_TX), F_TX);
	assert_int_equal(fget(r, F_STS0), 0);
	fput(r, F_TFDR, 0x03020100);
	fput(r, F_TFDR + 4, 0x07060504);
	fput(r, F_INTR, F_TX);
	assert_int_equal(fget(r, F_INTR) & F_DONE, 0);
	fput(r, F_TFDR, 0x0b0a0908);
	fput(r, F_INTR, F_TX);
	assert_int_equal(fget(r, F_INTR) & F_DONE, F_DONE);
	assert_int_equal(fget(r, F_STS0), 3);
	r->now += PAGE_NS;
	fput(r, F_INTR, F_DONE);
	assert_int_equal(go(r, 2, 0, 200) & (F_DONE | F_RX), F_RX); /* the FIFO is full, the chip waits */
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(fget(r, F_INTR) & F_DONE, i < 9 ? 0 : F_DONE);
		assert_int_equal(fget(r, F_RFDR), i == 0 ? 0x03020100 : i == 1 ? 0x0b0a0908 : 0xffffffff);
		fput(r, F_INTR, F_RX);
	}
	fput(r, F_RXFCR, 1);
	assert_int_equal(fget(r, F_RFDR), FAULTS);
}

static void flexspi_shows_what_it_has_buffered(void **state)
{
	struct rig *r = *state;
	fbegin(r);
	assert_int_equal(get(r, flexspi_window, &r->f, 0x40), 0xffffffff);
	cells_clear(&r->cells, 0x40, (const uint8_t *)"abcd", 4);
	assert_int_equal(get(r, flexspi_window, &r->f, 0x40), 0xffffffff);
	fput(r, F_MCR0, 0xffff0001);
	assert_int_equal(get(r, flexspi_window, &r->f, 0x40), 0x64636261);
	assert_int_equal(get(r, flexspi_window, &r->f, SIZE), FAULTS);
	fput(r, F_CR2, 3); /* a sequence that reads nothing */
	fput(r, F_MCR0, 0xffff0001);
	assert_int_equal(get(r, flexspi_window, &r->f, 0x40), FAULTS);
}

/* ---- OSPI ---- */

enum {
	O_CTRLR0 = 0,
	O_SSIENR = 8,
	O_SER = 0x10,
	O_RXFLR = 0x24,
	O_SR = 0x28,
	O_DATA = 0x60,
	O_INCR = 0x100,
	O_XIP = 0x108,
	O_XIP_SER = 0x10c,
	O_AES = 0x1000
};
#define O_MASTER (1u << 31)
#define O_BYTES  7u
#define O_SEND   (1u << 10)
#define O_PLAIN  (2u << 2 | 8u << 4 | 2u << 9 | 1u << 22 | 1u << 18)

static void oput(struct rig *r, uint32_t offset, uint32_t value)
{
	put(r, ospi_registers, &r->o, offset, value);
}

static uint32_t oget(struct rig *r, uint32_t offset)
{
	return get(r, ospi_registers, &r->o, offset);
}

static void obegin(struct rig *r)
{
	chip(r, NOR_MX25UM);
	ospi_init(&r->o, &r->nor);
	r->o.connected = connected;
	r->o.context = r;
}

/* A transaction: the bytes in the FIFO, then the chip selected; the last four that came back. */
static uint32_t transact(struct rig *r, uint32_t ctrlr0, const uint8_t *bytes, uint32_t size)
{
	uint32_t last = 0;
	oput(r, O_SER, 0);
	oput(r, O_SSIENR, 0);
	oput(r, O_CTRLR0, ctrlr0);
	oput(r, O_SSIENR, 1);
	for (uint32_t i = 0; i < size; i++)
		oput(r, O_DATA, bytes[i]);
	oput(r, O_SER, 1);
	while (oget(r, O_RXFLR))
		last = last << 8 | oget(r, O_DATA);
	return last;
}

static const uint8_t read_id[4] = { 0x9f };

static void ospi_shifts_whole_transactions(void **state)
{
	static const uint8_t enable[] = { 0x06 }, status[2] = { 0x05 };
	static const uint8_t program[] = { 0x12, 0, 0, 1, 0, 'a', 'b', 'c', 'd' }, fetch[9] = { 0x13, 0, 0, 1, 0 };
	struct rig *r = *state;
	obegin(r);
	assert_int_equal(transact(r, O_MASTER | O_BYTES, read_id, 4), 0xffc28039);
	assert_int_equal(transact(r, O_MASTER | O_BYTES | O_SEND, read_id, 4), 0);
	assert_int_equal(transact(r, O_MASTER | 31, read_id, 4) & 0xffffff, 0xffffff);
	r->pins = false;
	assert_int_equal(transact(r, O_MASTER | O_BYTES, read_id, 4) & 0xffffff, 0xffffff);
	r->pins = true;
	oput(r, O_CTRLR0, 31); /* taken only while it is off */
	assert_int_equal(oget(r, O_CTRLR0), O_MASTER | O_BYTES);
	transact(r, O_MASTER | O_BYTES | O_SEND, program, sizeof program);
	assert_int_equal(transact(r, O_MASTER | O_BYTES, status, 2) & 0xff, 0);
	transact(r, O_MASTER | O_BYTES | O_SEND, enable, 1);
	transact(r, O_MASTER | O_BYTES | O_SEND, program, sizeof program);
	assert_int_equal(transact(r, O_MASTER | O_BYTES, status, 2) & 0xff, WIP | WEL);
	r->now += PAGE_NS;
	assert_int_equal(transact(r, O_MASTER | O_BYTES, fetch, 9), 0x61626364);
	/* a chip that is selected before the rest is there sees a transaction a byte */
	oput(r, O_SSIENR, 0);
	oput(r, O_SSIENR, 1);
	for (unsigned i = 0; i < 4; i++)
		oput(r, O_DATA, read_id[i]);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(oget(r, O_DATA), 0xff);
}

static void ospi_maps_bytes(void **state)
{
	struct rig *r = *state;
	obegin(r);
	cells_clear(&r->cells, 0x100, (const uint8_t *)"abcd", 4);
	oput(r, O_CTRLR0, O_MASTER | O_BYTES);
	oput(r, O_XIP, O_PLAIN);
	oput(r, O_INCR, 0x13);
	oput(r, O_XIP_SER, 1);
	oput(r, O_SSIENR, 1);
	assert_int_equal(get(r, ospi_window, &r->o, 0x100), FAULTS);
	oput(r, O_AES, 0x10);
	assert_int_equal(get(r, ospi_window, &r->o, 0x100), 0x64636261);
	oput(r, O_SSIENR, 0);
	assert_int_equal(get(r, ospi_window, &r->o, 0x100), FAULTS);
	oput(r, O_CTRLR0, O_MASTER | 31); /* frames that turn bytes around */
	oput(r, O_SSIENR, 1);
	assert_int_equal(get(r, ospi_window, &r->o, 0x100), FAULTS);
}

/* ---- MRAM ---- */

static void mram_takes_whole_units(void **state)
{
	static const uint32_t order[] = { 0, 4, 8, 12 };
	struct rig *r = *state;
	mram_init(&r->m, &r->cells, 100);
	for (unsigned i = 0; i < 4; i++)
		put(r, mram_array, &r->m, 32 + order[i], i + 1);
	r->now += 100;
	assert_int_equal(get(r, mram_array, &r->m, 32), 1);
	assert_int_equal(get(r, mram_array, &r->m, 44), 4);
	/* overwritten in place; in another order it is not */
	for (unsigned i = 0; i < 4; i++)
		put(r, mram_array, &r->m, 32 + order[i], 0xfffffff0 + i);
	struct bus_access a = { 32, 4, false, 0, r->now, 0 };
	assert_int_equal(mram_array(&r->m, &a), BUS_WAIT);
	r->now = a.until;
	assert_int_equal(get(r, mram_array, &r->m, 40), 0xfffffff2);
	for (unsigned i = 4; i-- > 0;)
		put(r, mram_array, &r->m, 32 + order[i], 7);
	assert_int_equal(get(r, mram_array, &r->m, 40), 0xfffffff2);
	/* three words, a reset, the fourth: nothing */
	for (unsigned i = 0; i < 4; i++) {
		if (i == 3)
			mram_reset(&r->m);
		put(r, mram_array, &r->m, 32 + order[i], 9);
	}
	assert_int_equal(get(r, mram_array, &r->m, 32), 0xfffffff0);
	assert_int_equal(get(r, mram_array, &r->m, SIZE), FAULTS);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(xspi_needs_clock_pins_and_its_own_chip),
		T(xspi_programs_and_reads),
		T(xspi_refuses_behind_the_end),
		T(xspi_maps_what_was_set_before),
		T(an_octal_chip_hears_nothing_on_one_line),
		T(flexspi_needs_its_set_up),
		T(flexspi_locks_its_table),
		T(flexspi_says_what_it_does_not_do),
		T(flexspi_moves_watermarks),
		T(flexspi_shows_what_it_has_buffered),
		T(ospi_shifts_whole_transactions),
		T(ospi_maps_bytes),
		T(mram_takes_whole_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
