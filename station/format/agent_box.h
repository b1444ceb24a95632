/* The RAM agent's mailbox as words: what the station writes into it and how it judges what it reads there.  Pure. */
#ifndef STATION_FORMAT_AGENT_BOX_H
#define STATION_FORMAT_AGENT_BOX_H

#include "agent/mailbox.h"
#include "base/err.h"
#include "base/span.h"

#define AGENT_WORD(member) (offsetof(struct agent_mailbox, member) / 4)
/* What is read to see how far the ring is, and what to see everything the agent says: from the mailbox's first word. */
#define AGENT_RING_WORDS   16u
#define AGENT_STATUS_WORDS 48u

/* The image for a core (4, 7, 33); empty when there is none. */
struct span agent_code_for(unsigned core);
/* The head of an image; agent-foreign when it is none of ours, or lacks a back-end (bits as in the head). */
bool agent_box_head(struct span image, unsigned core, uint32_t backends, struct agent_image *out, struct err *e);

/* Where things lie in `size` bytes of buffers; false (board-invalid) when they are too few. */
bool agent_box_layout(uint32_t size, struct agent_setup *out, struct err *e);
/* Puts in the media and the watchdog that their back-ends have; fills in the check. */
void agent_box_setup(struct agent_setup *setup, const struct agent_medium media[AGENT_MEDIA]);
uint32_t agent_box_backends(const struct agent_medium media[AGENT_MEDIA]);
void agent_box_request(struct agent_request *r, uint32_t ask, enum agent_command command, const uint32_t argument[5]);
void agent_box_slot(struct agent_slot *s); /* fills in the check */

/* Who answers, once the magic is there: agent-foreign when it is another ABI or lacks a back-end, or did not take its
 * set-up.  From AGENT_STATUS_WORDS words. */
bool agent_box_who(const uint32_t *words, uint32_t backends, struct err *e);
/* The fault of an agent whose state is AGENT_FAULT, as agent-silent; returns false. */
bool agent_box_fault(const uint32_t *words, struct err *e);

enum agent_ring { AGENT_RING_RUNS, AGENT_RING_AGAIN, AGENT_RING_BROKEN };
struct agent_ring_state {
	uint32_t sent, done; /* buffers */
	uint32_t last_turn;  /* of buffer done + 1, as it was sent last */
};
/* How far the ring is, from AGENT_RING_WORDS words.  RUNS: s->done is the new one.  AGAIN: buffer s->done + 1 arrived
 * wrong and is to be sent again.  BROKEN: *e says why. */
enum agent_ring agent_box_ring(const uint32_t *words, struct agent_ring_state *s, struct err *e);

enum agent_answer { AGENT_ANSWER_NONE, AGENT_ANSWER_GOOD, AGENT_ANSWER_AGAIN, AGENT_ANSWER_BAD };
/* The answer to number `ask`, from AGENT_STATUS_WORDS words.  NONE: not there yet, or still being written.  AGAIN: the
 * request arrived wrong.  BAD: *e says why. */
enum agent_answer agent_box_answer(const uint32_t *words, uint32_t ask, struct err *e);

/* A status as a code and a sentence; returns false. */
bool agent_box_refuse(struct err *e, uint32_t status, uint32_t detail);

/* What the camera's own mount driver found. */
struct agent_mounted {
	uint32_t status, rule, fault; /* enum romfs_status, enum romfs_rule */
	uint32_t begin, end, files, entries;
	struct agent_entry *entry; /* owned, `entries` of them */
};
void agent_mounted_clear(struct agent_mounted *m); /* accepts an all-zero one */
/* Does the camera's answer equal what the same driver finds in these bytes here, alignment at the mapped address of
 * their first byte included?  romfs-bad when not. */
bool agent_mounted_equals(const struct agent_mounted *m, struct span image, uint32_t mapped, struct err *e);

#endif
