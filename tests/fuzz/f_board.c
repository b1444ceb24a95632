/* A board file: what the reader accepts must be in tune with itself, unit by unit. */
#include <stdlib.h>
#include <string.h>

#include "format/board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_partition(const struct board *b, const struct partition *p)
{
	uint32_t at = 0, count = partition_unit_count(p);
	must(p->medium < b->media_count && p->size && p->size % DFU_BLOCK == 0);
	/* A few thousand units suffice: the largest partition would have a quarter of a million. */
	for (uint32_t u = 0; u < count && u < 4096; u++) {
		struct unit unit = partition_unit(p, u);
		must(unit.offset == at && unit.size >= DFU_BLOCK && partition_unit_at(p, at) == u);
		at += unit.size;
	}
	must(at <= p->size && (count > 4096 || at == p->size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct board b;
	struct err e = ERR_INIT;
	if (!board_parse(span_of(data, size), &b, &e)) {
		must(e.code == CODE_BOARD_INVALID && *e.msg);
		return 0;
	}
	must(memchr(b.id, 0, sizeof b.id) && b.media_count && b.partition_count);
	for (unsigned i = 0; i < b.partition_count; i++)
		check_partition(&b, &b.partitions[i]);
	return 0;
}
