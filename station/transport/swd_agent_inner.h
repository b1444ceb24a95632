/* Inside the agent's host half: its memory, and looking at the mailbox. */
#ifndef STATION_TRANSPORT_SWD_AGENT_INNER_H
#define STATION_TRANSPORT_SWD_AGENT_INNER_H

#include "transport/swd_agent.h"

/* How often something that arrived wrong is sent before it counts. */
#define TRIES 4u

/* A buffer on its way; kept for sending it again. */
struct pending {
	struct agent_slot slot;
	uint8_t *bytes; /* owned: slot_size of them, as they go over the wire */
	uint32_t attempt;
	uint32_t ends; /* the operation that is whole with this buffer; 0: none */
};

struct swd_agent {
	struct swd_agent_setup s;
	struct agent_setup layout;
	uint32_t ask;
	struct agent_ring_state ring;
	struct pending pending[AGENT_SLOTS];
	uint32_t operations, operations_done;
	uint32_t lz4_pause,
	    lz4_skip; /* buffers that are not tried: how many after the next poor one, and still to go */
	struct swd_agent_counts counts;
	/* signs of life */
	uint32_t beat, moved[3];
	int64_t beat_at, moved_at;
	bool closed; /* AGENT_CLOSE was the last that it was told */
	uint32_t words[AGENT_STATUS_WORDS];
	uint8_t *results; /* owned: results_size */
};

/* Reads the mailbox's first words and judges the signs; agent-silent, aborted. */
bool agent_look(struct swd_agent *a, unsigned words, struct err *e);
/* A new deadline for what begins now. */
void agent_patience(struct swd_agent *a);
/* Sleeps before the next look; *us grows, to `most`. */
#define AGENT_PAUSE_US 2000u
void agent_pause(uint32_t *us, uint32_t most);
/* One command with its answer in a->words; waits until the ring is empty first. */
bool agent_call(struct swd_agent *a, enum agent_command command, const uint32_t argument[5], struct err *e);
/* `size` bytes of the results, whose CRC-32 the agent said. */
bool agent_results(struct swd_agent *a, uint32_t size, uint32_t crc32, struct err *e);
static inline uint32_t agent_answer_word(const struct swd_agent *a, unsigned n)
{
	return a->words[AGENT_WORD(answer) + n];
}

#endif
