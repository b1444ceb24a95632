/* Flash through OpenOCD's own drivers: slower than the agent, and there for some media only. */
#include "transport/swd_inner.h"

#include <string.h>

#define ERASE_MS   30000 /* the largest unit of any board takes 4 s at worst */
#define PROGRAM_MS 30000
#define READ_MS    10000

static uint32_t mapped(const struct link *l, unsigned medium)
{
	return (uint32_t)board_medium_extent(l->board, medium).mapped;
}

/* Nothing is written where no bank is: OpenOCD says that it wrote 0 bytes, and that all is well. */
static bool wrote_all(const char *text, size_t size, struct err *e)
{
	uint64_t count = 0;
	return (ocd_byte_count(text, &count) && count == size) ||
	       err_set(e, CODE_FLASH_ERROR, "OpenOCD wrote %llu of %zu bytes", (unsigned long long)count, size);
}

/* A flash driver's refusal is the flash's, as long as the way to it is there. */
static bool flash_refused(struct ocd *o, struct err *e)
{
	if (ocd_lives(o) && e->code == CODE_SWD_LOST)
		e->code = CODE_FLASH_ERROR;
	return false;
}

bool swd_stock_change(struct link *l, const struct swd_change *c, struct err *e)
{
	struct swd_link *w = l->priv;
	uint32_t at = mapped(l, c->medium) + c->offset;
	char text[256];
	if (!swd_prepare(l, e))
		return false;
	if (c->erase && !ocd_call(w->ocd, ERASE_MS, NULL, 0, e, "flash erase_address 0x%08x 0x%x", (unsigned)at,
			    (unsigned)c->erase))
		return flash_refused(w->ocd, e);
	if (!c->bytes.size)
		return true;
	if (!ocd_bulk_put(w->ocd, c->bytes, e))
		return false;
	if (!ocd_call(
		w->ocd, PROGRAM_MS, text, sizeof text, e, "flash write_image " OCD_BULK " 0x%08x bin", (unsigned)at))
		return flash_refused(w->ocd, e);
	return wrote_all(text, c->bytes.size, e);
}

bool swd_stock_read(struct link *l, unsigned medium, uint32_t offset, uint32_t size, uint8_t *out, struct err *e)
{
	struct swd_link *w = l->priv;
	struct medium_extent x = board_medium_extent(l->board, medium);
	char text[256];
	/* what the chip maps by itself is read as memory; external flash by its driver, which knows no mapping */
	if (x.base == x.mapped)
		return ocd_dump(w->ocd, (uint32_t)x.mapped + offset, size, out, e);
	return swd_prepare(l, e) &&
	       ocd_call(w->ocd, READ_MS, text, sizeof text, e,
		   "flash read_bank [romline_external_bank] " OCD_BULK " 0x%x 0x%x", (unsigned)offset,
		   (unsigned)size) &&
	       wrote_all(text, size, e) && ocd_bulk_get(w->ocd, out, size, e);
}
