/* Inside the agent: what it knows, and its parts. */
#ifndef FIRMWARE_AGENT_H
#define FIRMWARE_AGENT_H

#include "agent/flash/flash.h"

struct agent {
	volatile struct agent_mailbox *box;
	uint8_t *base;            /* the same address: buffers are offsets from it */
	struct agent_setup setup; /* checked once, then a copy */
	struct medium medium[AGENT_MEDIA];
	uint32_t answered;
	uint32_t refused; /* the turn that stopped the ring, 0: none */
};

/* Reads the set-up, says who it is, and then the magic.  Without a good set-up it says so in `status` and stays in
 * AGENT_STARTING. */
void agent_begin(struct agent *a, volatile struct agent_mailbox *box, uint32_t cpuid);
/* Does what there is to do, at most one command or one buffer; false when there was nothing. */
int agent_step(struct agent *a);

/* A medium by its number, opened when it is first needed; *m is NULL when there is none. */
uint32_t agent_medium_of(struct agent *a, uint32_t number, struct medium **m);
/* The parts; each answers an enum agent_status. */
uint32_t agent_ring_step(struct agent *a, const struct agent_slot *slot, struct medium *m, uint32_t *skipped);
uint32_t agent_command(
    struct agent *a, const struct agent_request *r, uint32_t answer[AGENT_ANSWER_WORDS], uint32_t *detail);
uint32_t agent_mount(struct agent *a, struct medium *m, const uint32_t argument[5], uint32_t answer[AGENT_ANSWER_WORDS],
    uint32_t *detail);

/* CRC-32 of words. */
uint32_t agent_check(const uint32_t *words, uint32_t count);
/* Does [offset, offset + size) lie within `room` bytes? */
static inline int agent_within(uint32_t offset, uint32_t size, uint32_t room)
{
	return offset <= room && size <= room - offset;
}

#endif
