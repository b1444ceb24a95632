/* Fuzz: any words in the agent's own mailbox: it answers or refuses, keeps its state, and touches nothing but its room
 * and its media. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../firmware/agent/ram_medium.h"
#include "agent/agent.h"
#include "format/agent_box.h"

#define ROOM     65536u
#define INTERNAL 0x40000u
#define NOR      0x20000u
#define TAIL     512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	_Alignas(32) uint8_t room[ROOM];
} * box;
static uint8_t *internal, *nor, *tail, *used;

static void fresh(struct agent *a)
{
	const struct agent_medium media[AGENT_MEDIA] = {
		{ AGENT_STM32H7, 0, 0x08000000, INTERNAL, INTERNAL / 2, 0, 0, 0 },
		{ AGENT_QUADSPI, 0, 0x90000000, NOR, 0, TAIL, 0, 0 },
	};
	struct err e = ERR_INIT;
	struct agent_setup layout;
	if (!box) {
		box = aligned_alloc(32, ROOM);
		internal = malloc(INTERNAL);
		used = malloc(INTERNAL / 32);
		nor = malloc(NOR - TAIL); /* the mapping ends there: the sanitizer sees who reads on */
		tail = malloc(TAIL);
	}
	memset(box, 0, ROOM);
	memset(used, 0, INTERNAL / 32);
	ram_media[0] = (struct ram_medium){ .bytes = internal, .used = used };
	ram_media[1] = (struct ram_medium){ .bytes = nor, .tail = tail };
	agent_box_layout(ROOM, &layout, &e);
	agent_box_setup(&layout, media);
	((struct agent_mailbox *)(void *)box)->setup = layout;
	agent_begin(a, (void *)box, 0);
}

/* A request or a slot of these bytes; with a check that holds when the first byte is odd. */
static void give(struct agent_mailbox *m, const uint8_t *data, uint32_t number)
{
	if (data[0] & 2) {
		struct agent_request r;
		memcpy(&r, data + 4, sizeof r);
		r.ask = number;
		if (data[0] & 1)
			agent_box_request(&m->request, r.ask, (enum agent_command)(r.command % 12), r.argument);
		else
			m->request = r;
		return;
	}
	struct agent_slot s;
	memcpy(&s, data + 4, sizeof s - 28);
	memset(s.reserved, 0, sizeof s.reserved);
	s.turn = AGENT_TURN(m->ring_done + 1, data[1] % AGENT_ATTEMPTS);
	s.medium %= 3;
	if (data[0] & 1)
		agent_box_slot(&s);
	m->slot[m->ring_done % AGENT_SLOTS] = s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent a;
	fresh(&a);
	struct agent_mailbox *m = (void *)box;
	uint32_t number = 0;
	/* the buffers hold the input too */
	memcpy(box->room + m->setup.slots, data, size < m->setup.slot_size ? size : m->setup.slot_size);
	for (; size >= 48 && number < 12; data += 48, size -= 48) {
		give(m, data, ++number);
		uint32_t done = m->ring_done;
		agent_step(&a);
		agent_step(&a);
		if (m->state != AGENT_READY || m->ring_done - done > 1 || m->magic != AGENT_MAGIC)
			abort();
	}
	return 0;
}
