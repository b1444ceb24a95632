/* The write plan against a model of flash as strict as silicon: units erase as a whole when a block starts one, bits
 * only clear, H7 words take one write, MRAM is locked until a visit's block 0.  Random regions, random old contents
 * and random differing units; the power may fail inside of every step, and what the camera would find then is looked
 * at.  Plans that were put into another order must be caught. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "format/plan.h"
#include "romfs.h"

#include "board_files.h"

#define REGIONS   4
#define MAX_UNITS 5  /* of a trimmed partition */
#define ROUNDS    40 /* for each board */

/* The same numbers in every run. */
static uint64_t seed;

static uint32_t roll(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

enum contents { CONTENTS_FIRMWARE, CONTENTS_COMMIT, CONTENTS_PLAIN };

/* One region, its partition cut down to a few units, and the flash behind it. */
struct model {
	struct partition partition;
	const struct medium *medium;
	enum contents contents;
	uint8_t *image, *flash, *before; /* owned */
	uint8_t *once;                   /* owned; a byte per programming word: written since the last erase */
	uint8_t differ[2], touched[2];   /* a bit per unit */
	bool begun;                      /* some step changed it */
	bool unlocked, ended;
};

struct world {
	const struct board *board;
	unsigned count, visit;
	struct region regions[REGIONS];
	struct model models[REGIONS];
	const uint8_t *differ[REGIONS];
};

static bool bit(const uint8_t *bits, uint32_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void set_bit(uint8_t *bits, uint32_t i)
{
	bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << i % 8);
}

static uint8_t *put_padded(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 5; i++)
		*p++ = (uint8_t)((i < 4 ? 0x80 : 0) | (v >> 7 * (4 - i) & 0x7f));
	return p;
}

/* A ROMFS image of one file; with a commit unit its first record is padding to the end of unit 0. */
static void make_romfs(uint8_t *out, uint32_t length, uint32_t unit0, bool commit)
{
	uint8_t *p = out, *end = out + length;
	memcpy(p, "\xd2\xcd\x31", 3);
	p = put_padded(p + 3, length - 8);
	if (commit) {
		*p = 1;
		p = put_padded(p + 1, unit0 - 14);
		memset(p, 0xff, unit0 - 14);
		p += unit0 - 14;
	}
	*p = 5;
	p = put_padded(p + 1, (uint32_t)(end - p) - 6);
	memcpy(p, "\1a\2", 3);
	p = put_padded(p + 3, (uint32_t)(end - p) - 8);
	while (p < end)
		*p++ = (uint8_t)roll(256);
}

/* Whole blocks of 0xff beyond `from`, so that there is something to leave out. */
static void sprinkle_blanks(uint8_t *out, uint32_t length, uint32_t from)
{
	uint32_t first = (from + 64 + DFU_BLOCK - 1) / DFU_BLOCK, last = length / DFU_BLOCK;
	for (uint32_t b = first; b < last; b++)
		if (!roll(3))
			memset(out + b * DFU_BLOCK, 0xff, DFU_BLOCK);
}

static void make_image(const struct world *w, const struct model *m, uint8_t *out, uint32_t length)
{
	uint32_t unit0 = partition_unit(&m->partition, 0).size;
	if (m->contents == CONTENTS_FIRMWARE) {
		uint32_t words[2] = { w->board->stack[0].start + w->board->stack[0].size,
			(uint32_t)m->partition.mapped + 0x201 };
		for (uint32_t i = 0; i < length; i++)
			out[i] = (uint8_t)roll(256);
		for (unsigned i = 0; i < 8; i++)
			out[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
	} else {
		make_romfs(out, length, unit0, m->contents == CONTENTS_COMMIT);
	}
	sprinkle_blanks(out, length, m->contents == CONTENTS_COMMIT ? unit0 : 0);
}

static void trim(struct partition *p)
{
	uint32_t left = MAX_UNITS, size = 0;
	for (unsigned i = 0; i < p->run_count; i++) {
		if (p->runs[i].count > left)
			p->runs[i].count = left;
		left -= p->runs[i].count;
		size += p->runs[i].count * p->runs[i].size;
		if (!p->runs[i].count)
			p->run_count = i;
	}
	p->size = p->run_count ? size : MAX_UNITS * DFU_BLOCK;
}

/* What was in the flash before: noise, blank, or an older image of the same kind; units that do not differ hold what
 * the recipe wants. */
static void make_old(const struct world *w, struct model *m, const struct region *r)
{
	uint32_t size = m->partition.size, units = region_unit_count(r), kind = roll(3);
	memset(m->flash, 0xff, size);
	if (kind == 0)
		for (uint32_t i = 0; i < size; i++)
			m->flash[i] = (uint8_t)roll(256);
	else if (kind == 1)
		make_image(w, m, m->flash, (uint32_t)r->image.size);
	memset(m->differ, 0, sizeof m->differ);
	for (uint32_t u = 0; u < units; u++) {
		struct unit unit = partition_unit(&m->partition, u);
		if (roll(4))
			set_bit(m->differ, u);
		else
			region_expect(r, unit.offset, m->flash + unit.offset, region_unit_bytes(r, u));
	}
	memcpy(m->before, m->flash, size);
	memset(m->once, 1, size / m->medium->program_bytes);
}

static void add_region(struct world *w, const struct partition *p)
{
	struct model *m = &w->models[w->count];
	struct region *r = &w->regions[w->count];
	*m = (struct model){ .partition = *p, .medium = board_medium(w->board, p) };
	*r = (struct region){ .partition = &m->partition, .tail_blank = !roll(3) };
	trim(&m->partition);
	uint32_t size = m->partition.size, unit0 = partition_unit(&m->partition, 0).size, least = 64;
	m->contents = p->role == ROLE_FIRMWARE || p->role == ROLE_COFIRMWARE ? CONTENTS_FIRMWARE : CONTENTS_PLAIN;
	if (m->contents == CONTENTS_PLAIN && size > unit0 && roll(4)) {
		m->contents = CONTENTS_COMMIT;
		least = unit0 + 64;
	}
	uint32_t length = least + roll(size - least + 1);
	m->image = malloc(length);
	m->flash = malloc(size);
	m->before = malloc(size);
	m->once = malloc(size / m->medium->program_bytes);
	assert_true(m->image && m->flash && m->before && m->once);
	make_image(w, m, m->image, length);
	r->image = span_of(m->image, length);
	make_old(w, m, r);
	w->differ[w->count++] = m->differ;
}

static void make_world(struct world *w, const struct board *b)
{
	*w = (struct world){ .board = b, .visit = REGIONS };
	while (!w->count)
		for (unsigned i = 0; i < b->partition_count && w->count < REGIONS; i++)
			if (!b->partitions[i].forbidden && roll(2))
				add_region(w, &b->partitions[i]);
}

static void clear_world(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		free(w->models[i].image);
		free(w->models[i].flash);
		free(w->models[i].before);
		free(w->models[i].once);
	}
}

/* Looking at the flash. */

/* Is everything from `from` on as the recipe wants it? */
static bool done_from(const struct model *m, const struct region *r, uint32_t from)
{
	if (from < r->image.size && memcmp(m->flash + from, m->image + from, r->image.size - from) != 0)
		return false;
	for (uint32_t i = from < r->image.size ? (uint32_t)r->image.size : from; r->tail_blank && i < m->partition.size;
	     i++)
		if (m->flash[i] != 0xff)
			return false;
	return true;
}

static bool mounts(const struct model *m)
{
	struct romfs fs;
	return romfs_mount(&fs, m->flash, m->partition.size) == ROMFS_OK;
}

static bool boots(const struct world *w, const struct model *m)
{
	return board_firmware_fits(w->board, &m->partition, get_le32(m->flash), get_le32(m->flash + 4));
}

static const char *judge_firmware(const struct world *w, unsigned i)
{
	const struct model *m = &w->models[i];
	if (!boots(w, m))
		return NULL;
	if (!done_from(m, &w->regions[i], partition_unit(&m->partition, 0).size))
		return "firmware would start before its later units are there";
	for (unsigned k = 0; m->partition.role == ROLE_FIRMWARE && k < w->count; k++)
		if (k != i && !done_from(&w->models[k], &w->regions[k], 0))
			return "firmware would start before the other regions are there";
	return NULL;
}

static const char *judge_data(const struct world *w, unsigned i)
{
	const struct model *m = &w->models[i];
	const struct region *r = &w->regions[i];
	if (region_unit_count(r) == 1 || !mounts(m))
		return NULL;
	/* With a commit unit, what lies between the header and the end of unit 0 is padding, there or not; without one
	 * the header may stand before the rest of unit 0, which this bootloader cannot help. */
	if (m->contents == CONTENTS_COMMIT && memcmp(m->flash, m->image, 14) != 0)
		return "a foreign image mounts";
	return done_from(m, r, partition_unit(&m->partition, 0).size) ? NULL : "a part of an image mounts";
}

/* What a camera would find if the power failed now. */
static const char *judge(const struct world *w)
{
	const char *fault = NULL;
	for (unsigned i = 0; i < w->count && !fault; i++)
		if (w->models[i].begun)
			fault = w->models[i].contents == CONTENTS_FIRMWARE ? judge_firmware(w, i) : judge_data(w, i);
	return fault;
}

/* Doing a step. */

static bool starts_erase_unit(const struct partition *p, uint32_t offset, struct unit *unit)
{
	*unit = partition_unit(p, partition_unit_at(p, offset));
	return unit->offset == offset;
}

static const char *program_word(struct model *m, uint32_t at, const uint8_t *data)
{
	uint32_t size = m->medium->program_bytes;
	if (m->medium->erases) {
		if (m->medium->write_once && m->once[at / size])
			return "a word is written twice without an erase";
		for (uint32_t i = 0; i < size; i++)
			if (data[i] & ~m->flash[at + i])
				return "a bit would have to rise";
	}
	m->once[at / size] = 1;
	memcpy(m->flash + at, data, size);
	m->begun = true;
	return NULL;
}

static const char *program(struct world *w, struct model *m, uint32_t offset, const uint8_t data[DFU_BLOCK])
{
	uint32_t size = m->medium->program_bytes;
	const char *fault = NULL;
	for (uint32_t at = 0; at < DFU_BLOCK && !fault; at += size) {
		fault = program_word(m, offset + at, data + at);
		if (!fault && (at == 0 || at == DFU_BLOCK / 2 || at == DFU_BLOCK - size))
			fault = judge(w);
	}
	return fault;
}

static const char *write_step(struct world *w, const struct plan_step *s)
{
	struct model *m = &w->models[s->region];
	struct unit unit;
	uint8_t data[DFU_BLOCK];
	uint64_t offset = (uint64_t)s->block * DFU_BLOCK;
	if (offset + DFU_BLOCK > m->partition.size)
		return "a block beyond the partition";
	if (w->visit != s->region)
		for (unsigned i = 0; i < w->count; i++)
			w->models[i].unlocked = false;
	w->visit = s->region;
	m->unlocked = m->unlocked || s->block == 0;
	if (m->medium->block0_first && !m->unlocked)
		return "a visit does not start with block 0";
	plan_block(w->regions, s, data);
	set_bit(m->touched, partition_unit_at(&m->partition, (uint32_t)offset));
	if (m->medium->erases && starts_erase_unit(&m->partition, (uint32_t)offset, &unit)) {
		memset(m->flash + unit.offset, 0xff, unit.size);
		memset(m->once + unit.offset / m->medium->program_bytes, 0, unit.size / m->medium->program_bytes);
		m->begun = true;
		const char *fault = judge(w);
		if (fault)
			return fault;
	}
	return program(w, m, (uint32_t)offset, data);
}

static const char *do_step(struct world *w, const struct plan_step *s)
{
	struct model *m = &w->models[s->region];
	if (m->ended)
		return "a step behind the region's end";
	if (s->op == PLAN_WRITE)
		return write_step(w, s);
	m->ended = true;
	m->unlocked = false;
	if (w->board->dialect == DIALECT_DFUSE)
		return "the end of a region, which would end the session";
	return w->visit == s->region ? NULL : "the end of a region that is not selected";
}

static const char *judge_end(const struct world *w, unsigned i)
{
	const struct model *m = &w->models[i];
	const struct region *r = &w->regions[i];
	if (!done_from(m, r, 0))
		return "the flash does not hold the recipe";
	if (w->board->dialect == DIALECT_DFUSE ? m->ended : m->begun != m->ended)
		return "a region was written and not ended, or the reverse";
	for (uint32_t u = 0; u < partition_unit_count(&m->partition); u++) {
		struct unit unit = partition_unit(&m->partition, u);
		bool same = !memcmp(m->flash + unit.offset, m->before + unit.offset, unit.size);
		if (!bit(m->touched, u) && !same)
			return "a unit changed that no step touched";
		if (bit(m->touched, u) && u && !(u < region_unit_count(r) && bit(m->differ, u)))
			return "a unit was written that did not differ";
	}
	return NULL;
}

static const char *run(struct world *w, const struct plan *plan)
{
	const char *fault = NULL;
	for (uint32_t i = 0; i < plan->count && !fault; i++)
		fault = do_step(w, &plan->steps[i]);
	for (unsigned i = 0; i < w->count && !fault; i++)
		fault = judge_end(w, i);
	return fault;
}

static void check_counts(const struct world *w, const struct plan *plan)
{
	uint32_t touched = 0, all = 0;
	for (unsigned i = 0; i < w->count; i++) {
		all += region_unit_count(&w->regions[i]);
		for (uint32_t u = 0; u < MAX_UNITS; u++)
			touched += bit(w->models[i].touched, u);
	}
	assert_int_equal(plan->units_written, touched);
	assert_int_equal(plan->units_skipped, all - touched);
}

static void test_random(void **state)
{
	(void)state;
	unsigned writing = 0, commits = 0;
	for (unsigned b = 0; b < set.count; b++) {
		for (unsigned round = 1; round <= ROUNDS; round++) {
			struct world w;
			struct plan plan;
			struct err e = ERR_INIT;
			seed = (uint64_t)round << 32 | (b + 1);
			make_world(&w, &set.boards[b]);
			assert_true(plan_make(w.board, w.regions, w.count, w.differ, &plan, &e));
			const char *fault = run(&w, &plan);
			if (fault)
				fail_msg("%s, round %u: %s", w.board->id, round, fault);
			check_counts(&w, &plan);
			writing += plan.count > 0;
			for (unsigned i = 0; i < w.count; i++)
				commits += w.models[i].contents == CONTENTS_COMMIT && w.models[i].begun;
			plan_clear(&plan);
			clear_world(&w);
		}
	}
	assert_true(writing > 100 && commits > 50);
}

/* The model must catch plans in another order; each of these on a world made for it. */

/* All writes from the last to the first; the end stays at the end. */
static void reverse(struct plan *p)
{
	for (uint32_t i = 0; i < (p->count - 1) / 2; i++) {
		struct plan_step s = p->steps[i];
		p->steps[i] = p->steps[p->count - 2 - i];
		p->steps[p->count - 2 - i] = s;
	}
}

/* Units of 16 blocks from the last written to the first, each in its own order. */
static void reverse_units(struct plan *p)
{
	uint32_t end = p->count - 1, n = 0;
	AUTO_FREE struct plan_step *old = malloc(end * sizeof *old);
	assert_non_null(old);
	memcpy(old, p->steps, end * sizeof *old);
	while (end) {
		uint32_t start = end - 1;
		while (old[start].block % 16)
			start--;
		memcpy(&p->steps[n], &old[start], (end - start) * sizeof *old);
		n += end - start;
		end = start;
	}
}

static void drop(struct plan *p, uint32_t i)
{
	memmove(&p->steps[i], &p->steps[i + 1], (--p->count - i) * sizeof *p->steps);
}

static void drop_first(struct plan *p)
{
	drop(p, 0);
}

static void drop_end(struct plan *p)
{
	drop(p, p->count - 1);
}

static void drop_middle(struct plan *p)
{
	drop(p, p->count / 2);
}

/* Unit 0 before the others: the step of block 0 that carries the image becomes the first. */
static void first_unit_first(struct plan *p)
{
	uint32_t i = 0;
	while (p->steps[i].op != PLAN_WRITE || p->steps[i].source != PLAN_IMAGE || p->steps[i].block)
		i++;
	struct plan_step s = p->steps[i];
	memmove(&p->steps[1], &p->steps[0], i * sizeof s);
	p->steps[0] = s;
}

/* The first block of a unit after its second: it erases what was just written. */
static void swap_in_unit(struct plan *p)
{
	struct plan_step s = p->steps[1];
	p->steps[1] = p->steps[2];
	p->steps[2] = s;
}

static void end_early(struct plan *p)
{
	struct plan_step s = p->steps[p->count - 1];
	p->steps[p->count - 1] = p->steps[p->count - 2];
	p->steps[p->count - 2] = s;
}

static const struct {
	const char *board, *partition;
	enum contents contents;
	void (*change)(struct plan *);
	const char *fault; /* NULL: a sound plan */
} changes[] = {
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, NULL, NULL },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, drop_first, "a foreign image mounts" },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, first_unit_first, "a part of an image mounts" },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, reverse, "a part of an image mounts" },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, reverse_units, "a part of an image mounts" },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, swap_in_unit, "a bit would have to rise" },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, drop_middle, "a part of an image mounts" },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, drop_end, "a region was written and not ended, or the reverse" },
	{ "openmv-h7-plus", "ROMFS0", CONTENTS_COMMIT, end_early, "a step behind the region's end" },
	{ "openmv-n6", "ROMFS0", CONTENTS_PLAIN, NULL, NULL },
	{ "openmv-n6", "ROMFS0", CONTENTS_PLAIN, first_unit_first, "a part of an image mounts" },
	{ "openmv-n6", "FIRMWARE", CONTENTS_FIRMWARE, NULL, NULL },
	{ "openmv-n6", "FIRMWARE", CONTENTS_FIRMWARE, first_unit_first,
	    "firmware would start before its later units are there" },
	{ "openmv-n6", "FIRMWARE", CONTENTS_FIRMWARE, drop_first,
	    "firmware would start before its later units are there" },
	{ "openmv-h7", "FIRMWARE", CONTENTS_FIRMWARE, swap_in_unit, "a word is written twice without an erase" },
	{ "openmv-ae3", "ROMFS1", CONTENTS_COMMIT, NULL, NULL },
	{ "openmv-ae3", "ROMFS1", CONTENTS_COMMIT, drop_first, "a visit does not start with block 0" },
	{ "openmv-ae3", "HP", CONTENTS_FIRMWARE, first_unit_first,
	    "firmware would start before its later units are there" },
};

/* One full region over an older image, every unit different. */
static void make_full_world(struct world *w, const struct board *b, const char *partition, enum contents contents)
{
	*w = (struct world){ .board = b, .visit = REGIONS };
	add_region(w, board_partition(b, partition));
	struct model *m = &w->models[0];
	uint32_t size = m->partition.size;
	m->contents = contents;
	free(m->image);
	m->image = malloc(size);
	assert_non_null(m->image);
	make_image(w, m, m->image, size);
	make_image(w, m, m->flash, size - 1);
	memcpy(m->before, m->flash, size);
	memset(m->differ, 0xff, sizeof m->differ);
	w->regions[0].image = span_of(m->image, size);
}

static void test_wrong_orders(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct world w;
		struct plan plan;
		struct err e = ERR_INIT;
		seed = i + 1;
		make_full_world(&w, boards_find(&set, changes[i].board), changes[i].partition, changes[i].contents);
		assert_true(plan_make(w.board, w.regions, w.count, w.differ, &plan, &e));
		if (changes[i].change)
			changes[i].change(&plan);
		const char *fault = run(&w, &plan);
		assert_string_equal(fault ? fault : "sound", changes[i].fault ? changes[i].fault : "sound");
		plan_clear(&plan);
		clear_world(&w);
	}
}

/* Firmware beside data: the camera must not start until all of it is there. */
static void test_firmware_last(void **state)
{
	(void)state;
	for (unsigned swap = 0; swap < 2; swap++) {
		struct world w = { .board = boards_find(&set, "openmv-n6"), .visit = REGIONS };
		struct plan plan;
		struct err e = ERR_INIT;
		seed = 77;
		add_region(&w, board_partition(w.board, "FIRMWARE"));
		add_region(&w, board_partition(w.board, "ROMFS0"));
		for (unsigned i = 0; i < 2; i++)
			memset(w.models[i].differ, 0xff, sizeof w.models[i].differ);
		assert_true(plan_make(w.board, w.regions, w.count, w.differ, &plan, &e));
		uint32_t data = 0, count = 0;
		while (plan.steps[data].region == 0)
			data++;
		while (plan.steps[data + count].region == 1)
			count++;
		AUTO_FREE struct plan_step *moved = malloc(count * sizeof *moved);
		assert_non_null(moved);
		if (swap) { /* the data's steps go behind the firmware */
			memcpy(moved, &plan.steps[data], count * sizeof *moved);
			memmove(
			    &plan.steps[data], &plan.steps[data + count], (plan.count - data - count) * sizeof *moved);
			memcpy(&plan.steps[plan.count - count], moved, count * sizeof *moved);
		}
		const char *fault = run(&w, &plan);
		assert_string_equal(fault ? fault : "sound",
		    swap ? "firmware would start before the other regions are there" : "sound");
		plan_clear(&plan);
		clear_world(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_wrong_orders),
		cmocka_unit_test(test_firmware_last),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
