/* Serial NOR: identify, erase, program, read.
 *
 * Opcodes are those that Winbond, GigaDevice, ISSI and Macronix share (W25Q256JV, GD25Q256, IS25LP256, MX25L256
 * datasheets; JESD216): above 16 MiB the ones with a four-byte address, so that no mode of the chip has to be known
 * or changed.  Four lines are used where the chip says that they are enabled; enabling them is not the agent's. */
#include "nor.h"

#define PAGE        256u
#define THREE_BYTES (UINT32_C(1) << 24)

enum {
	WRITE_ENABLE = 0x06,
	READ_STATUS = 0x05,
	READ_STATUS_2 = 0x35,
	READ_ID = 0x9F,
	RESET_ENABLE = 0x66,
	RESET_CHIP = 0x99,
	RELEASE = 0xAB
};
#define STATUS_WIP 1u
#define STATUS_WEL 2u

/* Opcodes: with three, with four address bytes. */
static const uint8_t page_one[2] = { 0x02, 0x12 }, page_four[2] = { 0x32, 0x34 }, read_one[2] = { 0x0B, 0x0C },
		     read_slow[2] = { 0x03, 0x13 }, read_four[2] = { 0x6B, 0x6C }, erase_64k[2] = { 0xD8, 0xDC },
		     erase_4k[2] = { 0x20, 0x21 };
#define READ_DUMMY 8

/* Where a manufacturer's chips say that four lines are enabled, and whether 32h and 34h program on them. */
static const struct {
	uint8_t manufacturer, opcode, bit;
} quad_rows[] = {
	{ 0xEF, READ_STATUS_2, 0x02 }, /* Winbond */
	{ 0xC8, READ_STATUS_2, 0x02 }, /* GigaDevice */
	{ 0x9D, READ_STATUS, 0x40 },   /* ISSI */
};

static const struct nor_bus *bus(const struct medium *m)
{
	return nor_bus_of(m->set.backend);
}

static int wide(const struct medium *m)
{
	return m->set.size > THREE_BYTES;
}

static struct nor_command at(
    const struct medium *m, const uint8_t opcode[2], uint32_t address, unsigned dummy, int quad)
{
	return (
	    struct nor_command){ opcode[wide(m)], (uint8_t)(wide(m) ? 4 : 3), (uint8_t)dummy, quad ? 4 : 1, address };
}

static uint32_t plain(struct medium *m, uint8_t opcode)
{
	const struct nor_command c = { opcode, 0, 0, 1, 0 };
	return bus(m)->send(m, &c, 0, 0);
}

static uint32_t get(struct medium *m, uint8_t opcode, uint8_t *out, uint32_t size)
{
	const struct nor_command c = { opcode, 0, 0, 1, 0 };
	return bus(m)->receive(m, &c, out, size);
}

static uint32_t wait_idle(struct medium *m, uint32_t looks)
{
	uint8_t status = 0;
	while (looks--) {
		uint32_t result = get(m, READ_STATUS, &status, 1);
		if (result != AGENT_OK || !(status & STATUS_WIP))
			return result;
		core_tick();
	}
	return flash_no(m, AGENT_TIMEOUT, status);
}

/* Commands instead of the mapping. */
static uint32_t hide(struct medium *m)
{
	if (!m->visible)
		return AGENT_OK;
	m->visible = 0;
	return bus(m)->unmap(m);
}

static uint32_t identify(struct medium *m)
{
	uint8_t id[3];
	uint32_t status = get(m, READ_ID, id, sizeof id);
	m->chip = (uint32_t)id[0] << 16 | (uint32_t)id[1] << 8 | id[2];
	return status;
}

static int nobody(uint32_t chip)
{
	return chip == 0 || chip == 0xFFFFFF;
}

/* A chip that sleeps, or in another mode, does not answer: once more after a reset. */
static uint32_t find(struct medium *m)
{
	uint32_t status = identify(m);
	if (status != AGENT_OK || !nobody(m->chip))
		return status;
	(void)plain(m, RELEASE);
	(void)plain(m, RESET_ENABLE);
	(void)plain(m, RESET_CHIP);
	for (unsigned i = 0; i < 10000; i++)
		core_tick();
	status = identify(m);
	return status == AGENT_OK && nobody(m->chip) ? flash_no(m, AGENT_FOREIGN, m->chip) : status;
}

static uint32_t look_for_quad(struct medium *m)
{
	m->quad = 0;
	for (unsigned i = 0; !bus(m)->slow && i < sizeof quad_rows / sizeof *quad_rows; i++) {
		uint8_t status;
		if (quad_rows[i].manufacturer != m->chip >> 16)
			continue;
		uint32_t result = get(m, quad_rows[i].opcode, &status, 1);
		if (result != AGENT_OK)
			return result;
		m->quad = (status & quad_rows[i].bit) != 0;
	}
	return AGENT_OK;
}

/* The third byte of the id is log2 of the size (from 512 Mbit on some makers count on from 0x20); what is no such
 * number says nothing. */
static uint32_t size_of(uint32_t chip)
{
	uint32_t log = chip & 0xFF;
	if (log >= 0x20 && log <= 0x22)
		log -= 6;
	return log >= 16 && log <= 28 ? UINT32_C(1) << log : 0;
}

static uint32_t open(struct medium *m)
{
	m->visible = 0;
	uint32_t status = bus(m)->begin(m);
	if (status == AGENT_OK)
		status = find(m);
	if (status == AGENT_OK)
		status = wait_idle(m, LOOKS_ERASE >> 6);
	if (status == AGENT_OK)
		status = look_for_quad(m);
	m->bytes = size_of(m->chip);
	return status;
}

/* WEL must be seen: a chip that ignores it would ignore what follows too. */
static uint32_t enable(struct medium *m)
{
	uint8_t status = 0;
	uint32_t result = plain(m, WRITE_ENABLE);
	if (result == AGENT_OK)
		result = get(m, READ_STATUS, &status, 1);
	return result == AGENT_OK && !(status & STATUS_WEL) ? flash_no(m, AGENT_PROTECTED, status) : result;
}

static uint32_t erase(struct medium *m, uint32_t offset, uint32_t unit)
{
	if (unit != 0x10000 && unit != 0x1000)
		return AGENT_BAD_ARGUMENT;
	const struct nor_command c = at(m, unit == 0x1000 ? erase_4k : erase_64k, offset, 0, 0);
	uint32_t status = hide(m);
	if (status == AGENT_OK)
		status = enable(m);
	if (status == AGENT_OK)
		status = bus(m)->send(m, &c, 0, 0);
	return status == AGENT_OK ? wait_idle(m, LOOKS_ERASE >> 6) : status;
}

static int blank(const uint8_t *data, uint32_t size)
{
	while (size && *data == 0xFF)
		data++, size--;
	return !size;
}

static uint32_t program(struct medium *m, uint32_t offset, const uint8_t *data, uint32_t size)
{
	uint32_t status = hide(m);
	for (uint32_t done = 0, part; done < size && status == AGENT_OK; done += part) {
		part = PAGE - (offset + done) % PAGE;
		if (part > size - done)
			part = size - done;
		if (part > bus(m)->most)
			part = bus(m)->most;
		core_progress(done);
		if (blank(data + done, part))
			continue;
		const struct nor_command c = at(m, m->quad ? page_four : page_one, offset + done, 0, m->quad);
		status = enable(m);
		if (status == AGENT_OK)
			status = bus(m)->send(m, &c, data + done, part);
		if (status == AGENT_OK)
			status = wait_idle(m, LOOKS_PROGRAM >> 4);
	}
	return status;
}

static struct nor_command read_at(const struct medium *m, uint32_t address, int quad)
{
	if (bus(m)->slow)
		return at(m, read_slow, address, 0, 0);
	return at(m, quad ? read_four : read_one, address, READ_DUMMY, quad);
}

static uint32_t map(struct medium *m)
{
	if (m->visible)
		return AGENT_OK;
	const struct nor_command c = read_at(m, 0, m->quad);
	uint32_t status = bus(m)->map(m, &c);
	m->visible = status == AGENT_OK;
	return status;
}

static uint32_t read(struct medium *m, uint32_t offset, uint8_t *out, uint32_t size)
{
	uint32_t status = hide(m);
	for (uint32_t part; size && status == AGENT_OK; offset += part, out += part, size -= part) {
		const struct nor_command c = read_at(m, offset, 0);
		part = size < bus(m)->most ? size : bus(m)->most;
		status = bus(m)->receive(m, &c, out, part);
	}
	return status;
}

const struct flash_ops nor_ops = { open, erase, program, map, read };
