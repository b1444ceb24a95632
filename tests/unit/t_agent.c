/* The agent, compiled for the host over media in RAM, and the station's view of its mailbox: both halves in one memory.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../firmware/agent/ram_medium.h"
#include "agent/agent.h"
#include "base/digest.h"
#include "format/agent_box.h"
#include "os/file.h"
#include "romfs.h"

#define ROOM     (512u << 10)
#define INTERNAL (512u << 10)
#define NOR      (1u << 20)
#define TAIL     512u
#define MAPPED   0x90000000u

static struct {
	_Alignas(32) uint8_t room[ROOM];
	uint8_t internal[INTERNAL], used[INTERNAL / 32];
	uint8_t nor[NOR], tail[TAIL];
	struct agent agent;
	struct agent_setup layout;
	struct agent_ring_state ring;
	uint32_t ask;
} t;

static struct agent_mailbox *box(void)
{
	return (struct agent_mailbox *)(void *)t.room;
}

static const uint32_t *words(void)
{
	return (const uint32_t *)(const void *)t.room;
}

/* Two blank media; the NOR's mapping shows rubbish in its last bytes. */
static void start(void)
{
	const struct agent_medium media[AGENT_MEDIA] = {
		{ AGENT_STM32H7, 0, 0x08000000, INTERNAL, INTERNAL / 2, 0, 0, 0 },
		{ AGENT_QUADSPI, 0, MAPPED, NOR, 0, TAIL, 0, 0 },
	};
	struct err e = ERR_INIT;
	memset(&t, 0, sizeof t);
	memset(t.internal, 0xFF, sizeof t.internal);
	memset(t.nor, 0xFF, NOR - TAIL);
	memset(t.nor + NOR - TAIL, 0xA5, TAIL);
	memset(t.tail, 0xFF, TAIL);
	ram_media[0] = (struct ram_medium){ .bytes = t.internal, .used = t.used };
	ram_media[1] = (struct ram_medium){ .bytes = t.nor, .tail = t.tail };
	assert_true(agent_box_layout(ROOM, &t.layout, &e));
	agent_box_setup(&t.layout, media);
	box()->setup = t.layout;
	agent_begin(&t.agent, box(), 0x411FC271);
	assert_true(agent_box_who(words(), 0, &e));
}

static uint8_t *results(void)
{
	return t.room + t.layout.results;
}

/* A command and its answer. */
static enum agent_answer ask(enum agent_command command, const uint32_t argument[5], struct err *e)
{
	agent_box_request(&box()->request, ++t.ask, command, argument);
	assert_int_equal(agent_box_answer(words(), t.ask, e), AGENT_ANSWER_NONE);
	assert_true(agent_step(&t.agent));
	assert_false(agent_step(&t.agent));
	return agent_box_answer(words(), t.ask, e);
}

/* Puts buffer `number` into its slot, attempt by attempt. */
static struct agent_slot *put(uint32_t number, uint32_t attempt, struct agent_slot s, const void *bytes)
{
	struct agent_slot *slot = &box()->slot[(number - 1) % AGENT_SLOTS];
	uint8_t *to = t.room + t.layout.slots + (number - 1) % AGENT_SLOTS * t.layout.slot_size;
	if (s.stored)
		memcpy(to, bytes, s.stored);
	s.turn = AGENT_TURN(number, attempt);
	agent_box_slot(&s);
	*slot = s;
	t.ring.sent = number;
	t.ring.last_turn = s.turn;
	return slot;
}

static struct agent_slot plain(uint32_t medium, uint32_t offset, const void *bytes, uint32_t size)
{
	return (struct agent_slot){ .op = AGENT_OP_PROGRAM,
		.medium = medium,
		.offset = offset,
		.length = size,
		.stored = size,
		.crc32 = crc32_of(span_of(bytes, size)) };
}

static enum agent_ring look(struct err *e)
{
	return agent_box_ring(words(), &t.ring, e);
}

static void pattern(uint8_t *out, uint32_t size, uint32_t seed)
{
	for (uint32_t i = 0; i < size; i++)
		out[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
}

/* --- the start --- */

static void a_damaged_setup_starts_nothing(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	for (size_t word = 0; word < offsetof(struct agent_setup, check) / 4; word++) {
		start();
		struct agent_setup damaged = t.layout;
		((uint32_t *)&damaged)[word] ^= 1u << word % 32;
		memset(t.room, 0, sizeof(struct agent_mailbox));
		box()->setup = damaged;
		agent_begin(&t.agent, box(), 0);
		assert_int_equal(box()->magic, AGENT_MAGIC);
		assert_false(agent_box_who(words(), 0, &e));
		assert_int_equal(e.code, CODE_SWD_PROTOCOL);
	}
	start();
	t.layout.slots = t.layout.room; /* soundly sent, but beyond the room */
	agent_box_setup(&t.layout, t.layout.medium);
	box()->setup = t.layout;
	agent_begin(&t.agent, box(), 0);
	assert_false(agent_box_who(words(), 0, &e));
}

static void another_abi_or_a_missing_back_end_is_foreign(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	start();
	assert_false(agent_box_who(words(), 1u << 31, &e));
	assert_int_equal(e.code, CODE_AGENT_FOREIGN);
	box()->abi++;
	assert_false(agent_box_who(words(), 0, &e));
	assert_int_equal(e.code, CODE_AGENT_FOREIGN);
}

static void every_core_has_an_image_and_others_have_none(void **unused)
{
	(void)unused;
	static const unsigned cores[] = { 4, 7, 33 };
	static const uint32_t backends[] = { 1u << AGENT_STM32F4,
		1u << AGENT_STM32H7 | 1u << AGENT_STM32F7 | 1u << AGENT_QUADSPI | 1u << AGENT_FLEXSPI,
		1u << AGENT_XSPI | 1u << AGENT_MRAM | 1u << AGENT_OSPI };
	struct err e = ERR_INIT;
	struct agent_image head;
	for (size_t i = 0; i < 3; i++) {
		struct span image = agent_code_for(cores[i]);
		assert_true(agent_box_head(image, cores[i], backends[i], &head, &e));
		assert_true(head.memory <= 32u << 10 && head.mailbox == 0);
		assert_false(agent_box_head(image, 55, 0, &head, &e));
		assert_false(agent_box_head(span_of(image.data, image.size - 1), cores[i], 0, &head, &e));
		assert_false(agent_box_head(image, cores[i], 1u << 31, &head, &e));
	}
	assert_int_equal(agent_code_for(55).size, 0);
	assert_false(agent_box_head(agent_code_for(55), 55, 0, &head, &e));
	assert_int_equal(e.code, CODE_AGENT_FOREIGN);
}

static void areas_of_any_room_lie_apart(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	for (uint32_t size = 0; size < 700u << 10; size += 1013) {
		struct agent_setup s;
		if (!agent_box_layout(size, &s, &e)) {
			assert_true(size < 32u << 10);
			continue;
		}
		assert_true(s.slots >= sizeof(struct agent_mailbox) && s.work == s.slots + AGENT_SLOTS * s.slot_size);
		assert_true(s.results == s.work + s.slot_size && s.results_size >= s.slot_size);
		assert_true(s.results + s.results_size <= size && s.slot_size % 4096 == 0);
	}
}

/* --- the ring --- */

static void buffers_take_effect_in_order(void **unused)
{
	(void)unused;
	static uint8_t image[12 * 4096];
	struct err e = ERR_INIT;
	start();
	pattern(image, sizeof image, 7);
	for (uint32_t n = 1; n <= 12; n++) {
		struct agent_slot s = plain(1, (n - 1) * 4096, image + (n - 1) * 4096, 4096);
		if (n == 1) {
			s.op |= AGENT_OP_ERASE;
			s.erase = s.unit = RAM_BLOCK;
		}
		put(n, 0, s, image + (n - 1) * 4096);
		if (n % AGENT_SLOTS)
			continue;
		/* the four are there: the agent takes them one by one */
		for (uint32_t i = 0; i < AGENT_SLOTS; i++) {
			assert_int_equal(box()->ring_done, n - AGENT_SLOTS + i);
			assert_true(agent_step(&t.agent));
		}
		assert_false(agent_step(&t.agent));
		assert_int_equal(look(&e), AGENT_RING_RUNS);
		assert_int_equal(t.ring.done, n);
	}
	assert_memory_equal(t.nor, image, sizeof image);
	assert_int_equal(ram_media[1].erases, 1);
	assert_int_equal(ram_media[1].misuse, 0);
}

static void compressed_buffers_are_the_same_bytes(void **unused)
{
	(void)unused;
	static uint8_t bytes[60000], packed[65536];
	struct err e = ERR_INIT;
	start();
	memset(bytes, 'x', sizeof bytes);
	pattern(bytes + 1000, 2000, 3);
	struct agent_slot s = plain(1, 0x40000, bytes, sizeof bytes);
	s.op |= AGENT_OP_LZ4;
	s.stored = (uint32_t)LZ4_compress_default((char *)bytes, (char *)packed, sizeof bytes, sizeof packed);
	put(1, 0, s, packed);
	assert_true(agent_step(&t.agent));
	assert_int_equal(look(&e), AGENT_RING_RUNS);
	assert_int_equal(t.ring.done, 1);
	assert_memory_equal(t.nor + 0x40000, bytes, sizeof bytes);
}

/* Damages the n-th of what was sent; the agent refuses it, touches nothing, waits, and takes it when it comes again. */
static void refused_and_taken_again(void (*damage)(struct agent_slot *s, uint8_t *bytes), uint32_t status)
{
	static uint8_t bytes[8192];
	struct err e = ERR_INIT;
	start();
	memset(bytes, 'y', sizeof bytes);
	struct agent_slot s = plain(0, 0, bytes, sizeof bytes), *slot = put(1, 0, s, bytes);
	s.op |= AGENT_OP_ERASE;
	s.erase = s.unit = RAM_SECTOR;
	slot = put(1, 0, s, bytes);
	put(2, 0, plain(0, 8192, bytes, sizeof bytes), bytes);
	t.ring.last_turn = AGENT_TURN(1, 0);
	damage(slot, t.room + t.layout.slots);
	assert_true(agent_step(&t.agent));
	assert_false(agent_step(&t.agent));
	assert_int_equal(box()->ring_status, status);
	assert_int_equal(look(&e), AGENT_RING_AGAIN);
	assert_int_equal(t.ring.done, 0);
	assert_int_equal(ram_media[0].erases + ram_media[0].programs, 0);
	put(1, 1, s, bytes);
	t.ring.sent = 2;
	assert_true(agent_step(&t.agent));
	assert_true(agent_step(&t.agent));
	assert_int_equal(look(&e), AGENT_RING_RUNS);
	assert_int_equal(t.ring.done, 2);
	assert_memory_equal(t.internal, bytes, sizeof bytes);
	assert_memory_equal(t.internal + 8192, bytes, sizeof bytes);
}

static void flip_a_byte(struct agent_slot *s, uint8_t *bytes)
{
	(void)s;
	bytes[4711] ^= 4;
}

static void flip_the_address(struct agent_slot *s, uint8_t *bytes)
{
	(void)bytes;
	s->offset ^= 0x10000;
}

static void flip_the_check(struct agent_slot *s, uint8_t *bytes)
{
	(void)bytes;
	s->check ^= 1;
}

static void claim_lz4(struct agent_slot *s, uint8_t *bytes)
{
	(void)bytes;
	s->op |= AGENT_OP_LZ4;
	agent_box_slot(s);
}

static void what_arrives_damaged_is_sent_again(void **unused)
{
	(void)unused;
	refused_and_taken_again(flip_a_byte, AGENT_BAD_CRC);
	refused_and_taken_again(flip_the_address, AGENT_BAD_CHECK);
	refused_and_taken_again(flip_the_check, AGENT_BAD_CHECK);
	refused_and_taken_again(claim_lz4, AGENT_BAD_LZ4);
}

static void flash_that_fails_stops_the_ring(void **unused)
{
	(void)unused;
	static uint8_t bytes[4096];
	struct err e = ERR_INIT;
	for (unsigned programs = 0; programs < 2; programs++) {
		start();
		pattern(bytes, sizeof bytes, 1);
		struct agent_slot s = plain(0, 0x20000, bytes, sizeof bytes);
		s.op |= AGENT_OP_ERASE;
		s.erase = s.unit = RAM_SECTOR;
		if (programs)
			ram_media[0].fail_program = 5;
		else
			ram_media[0].fail_erase = 1;
		put(1, 0, s, bytes);
		put(2, 0, plain(0, 0x21000, bytes, sizeof bytes), bytes);
		t.ring.last_turn = AGENT_TURN(1, 0);
		assert_true(agent_step(&t.agent));
		assert_false(agent_step(&t.agent));
		assert_int_equal(look(&e), AGENT_RING_BROKEN);
		assert_int_equal(e.code, CODE_FLASH_ERROR);
		assert_int_equal(t.ring.done, 0);
		assert_int_equal(t.internal[0x21000], 0xFF);
	}
}

static void blank_units_are_not_erased(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	start();
	t.nor[3 * RAM_BLOCK + 77] = 0xFE;
	struct agent_slot s = {
		.op = AGENT_OP_ERASE | AGENT_OP_SKIP_BLANK, .medium = 1, .erase = 6 * RAM_BLOCK, .unit = RAM_BLOCK
	};
	put(1, 0, s, NULL);
	assert_true(agent_step(&t.agent));
	assert_int_equal(look(&e), AGENT_RING_RUNS);
	assert_int_equal(ram_media[1].erases, 1);
	assert_int_equal(box()->skipped, 5);
	assert_int_equal(t.nor[3 * RAM_BLOCK + 77], 0xFF);
	s.op = AGENT_OP_ERASE; /* without the flag, all of them */
	put(2, 0, s, NULL);
	assert_true(agent_step(&t.agent));
	assert_int_equal(ram_media[1].erases, 7);
	/* the last unit is blank but for what the mapping does not show */
	t.tail[500] = 0;
	s = (struct agent_slot){ .op = AGENT_OP_ERASE | AGENT_OP_SKIP_BLANK,
		.medium = 1,
		.offset = NOR - RAM_BLOCK,
		.erase = RAM_BLOCK,
		.unit = RAM_BLOCK };
	put(3, 0, s, NULL);
	assert_true(agent_step(&t.agent));
	assert_int_equal(ram_media[1].erases, 8);
	assert_int_equal(t.tail[500], 0xFF);
}

static void nothing_reaches_beyond_its_medium(void **unused)
{
	(void)unused;
	static uint8_t bytes[4096];
	struct err e = ERR_INIT;
	const struct agent_slot bad[] = {
		plain(0, INTERNAL - 4095, bytes, 4096),
		plain(0, UINT32_MAX - 10, bytes, 4096),
		plain(7, 0, bytes, 4096),
		{ .op = AGENT_OP_ERASE, .erase = RAM_SECTOR, .unit = 0 },
		{ .op = AGENT_OP_ERASE, .erase = RAM_SECTOR, .unit = RAM_SECTOR, .offset = 4096 },
		{ .op = AGENT_OP_ERASE, .erase = INTERNAL + RAM_SECTOR, .unit = RAM_SECTOR },
		{ .op = AGENT_OP_ERASE,
		    .erase = UINT32_MAX / RAM_SECTOR * RAM_SECTOR,
		    .unit = RAM_SECTOR,
		    .offset = RAM_SECTOR },
		{ .op = AGENT_OP_PROGRAM, .length = 70000, .stored = 4096 },
		{ .op = AGENT_OP_PROGRAM, .length = 4096, .stored = 4095 },
		{ .op = AGENT_OP_PROGRAM | AGENT_OP_LZ4, .length = 4096, .stored = UINT32_MAX },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		start();
		struct agent_slot s = bad[i];
		s.turn = AGENT_TURN(1, 0);
		agent_box_slot(&s);
		box()->slot[0] = s;
		t.ring.sent = 1;
		t.ring.last_turn = s.turn;
		assert_true(agent_step(&t.agent));
		assert_int_equal(look(&e), AGENT_RING_BROKEN);
		assert_int_equal(ram_media[0].erases + ram_media[0].programs + ram_media[1].programs, 0);
	}
}

/* --- commands --- */

static void a_table_says_what_every_unit_holds(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	const struct agent_unit *unit = (const void *)results();
	start();
	pattern(t.nor, 2 * RAM_BLOCK, 5);
	t.tail[TAIL - 1] = 1;
	const uint32_t argument[5] = { 1, 0, RAM_BLOCK, NOR / RAM_BLOCK };
	unit = (const void *)results();
	assert_int_equal(ask(AGENT_TABLE, argument, &e), AGENT_ANSWER_GOOD);
	assert_int_equal(box()->answer[0], 16);
	assert_int_equal(box()->answer[1], crc32_of(span_of(unit, 16 * sizeof *unit)));
	for (unsigned i = 0; i < 16; i++) {
		uint8_t *bytes = malloc(RAM_BLOCK);
		memcpy(bytes, t.nor + i * RAM_BLOCK, RAM_BLOCK);
		if (i == 15)
			memcpy(bytes + RAM_BLOCK - TAIL, t.tail, TAIL);
		assert_int_equal(unit[i].crc32, crc32_of(span_of(bytes, RAM_BLOCK)));
		assert_int_equal(unit[i].flags, i > 1 && i < 15 ? AGENT_UNIT_BLANK : 0);
		free(bytes);
	}
	const uint32_t beyond[][5] = { { 1, 0, RAM_BLOCK, 17 }, { 1, 4, RAM_BLOCK, 16 }, { 1, 0, 0, 1 }, { 1, 0, 6, 1 },
		{ 1, 0, 4, UINT32_MAX }, { 2, 0, 4, 1 } };
	for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
		assert_int_equal(ask(AGENT_TABLE, beyond[i], &e), AGENT_ANSWER_BAD);
}

static void a_digest_covers_the_last_bytes_too(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	struct digest d;
	static uint8_t all[NOR];
	start();
	pattern(t.nor, NOR - TAIL, 11);
	pattern(t.tail, TAIL, 12);
	memcpy(all, t.nor, NOR - TAIL);
	memcpy(all + NOR - TAIL, t.tail, TAIL);
	static const uint32_t ranges[][2] = { { 0, NOR }, { NOR - TAIL, TAIL }, { NOR - 1000, 999 }, { 4, 0 },
		{ 8, 1 } };
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		const uint32_t argument[5] = { 1, ranges[i][0], ranges[i][1] };
		assert_int_equal(ask(AGENT_DIGEST, argument, &e), AGENT_ANSWER_GOOD);
		assert_true(digest_of(span_of(all + ranges[i][0], ranges[i][1]), &d, &e));
		assert_int_equal(box()->answer[0], d.crc32);
		for (unsigned k = 0; k < 32; k++)
			assert_int_equal((uint8_t)(box()->answer[1 + k / 4] >> (24 - k % 4 * 8)), d.sha256[k]);
		assert_int_equal(box()->answer[9], ranges[i][1]);
	}
}

static void bytes_are_read_by_commands(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	start();
	pattern(t.tail, TAIL, 12);
	const uint32_t argument[5] = { 1, NOR - TAIL, TAIL }, internal[5] = { 0, 0, 16 }, beyond[5] = { 1, NOR - 1, 2 };
	assert_int_equal(ask(AGENT_READ, argument, &e), AGENT_ANSWER_GOOD);
	assert_memory_equal(results(), t.tail, TAIL);
	assert_int_equal(box()->answer[1], crc32_of(span_of(t.tail, TAIL)));
	assert_int_equal(ask(AGENT_READ, internal, &e), AGENT_ANSWER_BAD);
	assert_int_equal(ask(AGENT_READ, beyond, &e), AGENT_ANSWER_BAD);
	const uint32_t none[5] = { 0 };
	uint32_t maps = ram_media[1].maps;
	assert_int_equal(ask(AGENT_CLOSE, none, &e), AGENT_ANSWER_GOOD);
	assert_int_equal(ram_media[1].maps, maps + 1);
}

static void a_damaged_request_is_asked_again(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	start();
	const uint32_t argument[5] = { 1, 0, 4096 };
	for (unsigned word = 1; word < 8; word++) {
		agent_box_request(&box()->request, ++t.ask, AGENT_DIGEST, argument);
		((uint32_t *)&box()->request)[word] ^= 0x100;
		assert_true(agent_step(&t.agent));
		assert_int_equal(agent_box_answer(words(), t.ask, &e), AGENT_ANSWER_AGAIN);
	}
	assert_int_equal(ask(AGENT_DIGEST, argument, &e), AGENT_ANSWER_GOOD);
	/* an answer that is misread is no answer */
	for (unsigned word = AGENT_WORD(answered); word <= AGENT_WORD(answer_check); word++) {
		uint32_t copy[AGENT_STATUS_WORDS];
		if (word == AGENT_WORD(skipped))
			continue;
		memcpy(copy, words(), sizeof copy);
		copy[word] ^= 0x8000;
		assert_int_equal(agent_box_answer(copy, t.ask, &e), AGENT_ANSWER_NONE);
	}
	const uint32_t none[5] = { 0 };
	assert_int_equal(ask((enum agent_command)77, none, &e), AGENT_ANSWER_BAD);
	assert_int_equal(e.code, CODE_INTERNAL);
}

static void impossible_progress_is_not_believed(void **unused)
{
	(void)unused;
	struct err e = ERR_INIT;
	uint32_t w[AGENT_RING_WORDS] = { 0 };
	struct agent_ring_state s = { .sent = 10, .done = 7, .last_turn = AGENT_TURN(8, 0) };
	static const uint32_t impossible[] = { 0, 6, 11, UINT32_MAX };
	for (size_t i = 0; i < 4; i++) {
		w[AGENT_WORD(ring_done)] = impossible[i];
		w[AGENT_WORD(ring_failed)] = s.last_turn;
		w[AGENT_WORD(ring_status)] = AGENT_FAILED;
		assert_int_equal(agent_box_ring(w, &s, &e), AGENT_RING_RUNS);
		assert_int_equal(s.done, 7);
	}
	w[AGENT_WORD(ring_done)] = 7;
	assert_int_equal(agent_box_ring(w, &s, &e), AGENT_RING_BROKEN);
	for (uint32_t status = 1; status < 40; status++) {
		e = (struct err)ERR_INIT;
		assert_false(agent_box_refuse(&e, status, 0x1234));
		assert_true(e.code != CODE_OK && e.msg[0]);
	}
}

/* --- the mount --- */

/* The image stands where it ends with the chip, or in front. */
static void mount_and_compare(struct span image, uint32_t offset, struct agent_mounted *m)
{
	struct err e = ERR_INIT;
	*m = (struct agent_mounted){ 0 };
	start();
	for (uint32_t i = 0; i < image.size; i++)
		*(offset + i >= NOR - TAIL ? &t.tail[offset + i - (NOR - TAIL)] : &t.nor[offset + i]) = image.data[i];
	do {
		const uint32_t argument[5] = { 1, offset, (uint32_t)image.size, m->entries };
		assert_int_equal(ask(AGENT_MOUNT, argument, &e), AGENT_ANSWER_GOOD);
		const uint32_t *a = box()->answer;
		assert_int_equal(a[AGENT_MOUNT_CHECK],
		    crc32_of(span_of(results(), a[AGENT_MOUNT_COUNT] * sizeof(struct agent_entry))));
		m->entry = realloc(m->entry, (m->entries + a[AGENT_MOUNT_COUNT] + 1) * sizeof *m->entry);
		memcpy(m->entry + m->entries, results(), a[AGENT_MOUNT_COUNT] * sizeof *m->entry);
		m->entries += a[AGENT_MOUNT_COUNT];
		m->status = a[AGENT_MOUNT_STATUS];
		m->files = a[AGENT_MOUNT_FILES];
		m->begin = a[AGENT_MOUNT_BEGIN];
		m->end = a[AGENT_MOUNT_END];
	} while (m->entries < box()->answer[AGENT_MOUNT_ENTRIES] && box()->answer[AGENT_MOUNT_COUNT]);
}

static struct span corpus(const char *name)
{
	char path[200];
	uint8_t *bytes;
	size_t size;
	struct err e = ERR_INIT;
	snprintf(path, sizeof path, "tests/corpus/romfs/images/%s.img", name);
	assert_true(file_read(path, 1u << 20, &bytes, &size, &e));
	return span_of(bytes, size);
}

static void the_camera_finds_what_the_station_finds(void **unused)
{
	(void)unused;
	static const char *const names[] = { "v_many_5000", "v_many_in_dirs", "v_many_mixed_2000", "v_many_1000",
		"z_314", "v_prefix_names", "z_250", "z_298", "v_pad_4096", "m_name_f_backslash_dd", "v_file_127",
		"z_312", "z_190", "z_130", "v_file_65535", "v_utf8_dirs" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct span image = corpus(names[i]);
		const uint32_t offsets[] = { 0, 0x20000, (NOR - (uint32_t)image.size),
			(NOR - (uint32_t)image.size - 100) };
		for (size_t k = 0; k < 4; k++) {
			struct agent_mounted m;
			struct err e = ERR_INIT;
			mount_and_compare(image, offsets[k], &m);
			if (!agent_mounted_equals(&m, image, MAPPED + offsets[k], &e))
				fail_msg("%s at %x: %s", names[i], (unsigned)offsets[k], e.msg);
			/* and nothing else */
			for (uint32_t n = 0; n < m.entries; n += m.entries / 3 + 1) {
				m.entry[n].crc32 ^= 1;
				assert_false(agent_mounted_equals(&m, image, MAPPED + offsets[k], &e));
				m.entry[n].crc32 ^= 1;
			}
			assert_int_equal(e.code, CODE_ROMFS_BAD);
			m.files++;
			assert_false(agent_mounted_equals(&m, image, MAPPED + offsets[k], &e));
			agent_mounted_clear(&m);
		}
		free((void *)(uintptr_t)image.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_setup_starts_nothing),
		cmocka_unit_test(another_abi_or_a_missing_back_end_is_foreign),
		cmocka_unit_test(every_core_has_an_image_and_others_have_none),
		cmocka_unit_test(areas_of_any_room_lie_apart),
		cmocka_unit_test(buffers_take_effect_in_order),
		cmocka_unit_test(compressed_buffers_are_the_same_bytes),
		cmocka_unit_test(what_arrives_damaged_is_sent_again),
		cmocka_unit_test(flash_that_fails_stops_the_ring),
		cmocka_unit_test(blank_units_are_not_erased),
		cmocka_unit_test(nothing_reaches_beyond_its_medium),
		cmocka_unit_test(a_table_says_what_every_unit_holds),
		cmocka_unit_test(a_digest_covers_the_last_bytes_too),
		cmocka_unit_test(bytes_are_read_by_commands),
		cmocka_unit_test(a_damaged_request_is_asked_again),
		cmocka_unit_test(impossible_progress_is_not_believed),
		cmocka_unit_test(the_camera_finds_what_the_station_finds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
