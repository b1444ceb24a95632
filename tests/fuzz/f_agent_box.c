/* Fuzz: any words at all as the agent's mailbox and its report of a mount; the station's judgement stays within its own
 * bounds, and nothing is believed without its check. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "format/agent_box.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const uint32_t *words, const uint8_t *more)
{
	struct err e = ERR_INIT;
	uint32_t sent, done;
	memcpy(&sent, more, 4);
	memcpy(&done, more + 4, 4);
	struct agent_ring_state ring = {
		.sent = sent, .done = sent - done % (AGENT_SLOTS + 1), .last_turn = AGENT_TURN(done, 0)
	};
	struct agent_ring_state before = ring;
	enum agent_ring state = agent_box_ring(words, &ring, &e);
	if (ring.sent - ring.done > before.sent - before.done || ring.sent != sent)
		abort();
	if ((state == AGENT_RING_BROKEN) != (e.code != CODE_OK))
		abort();
	e = (struct err)ERR_INIT;
	if (agent_box_answer(words, done, &e) == AGENT_ANSWER_GOOD && words[AGENT_WORD(answered)] != done)
		abort();
	if (!agent_box_who(words, sent, &e) && (e.code == CODE_OK || !e.msg[0]))
		abort();
	agent_box_fault(words, &e);
	agent_box_refuse(&e, sent, done);
}

/* What a mount reports, against an image made of the same bytes. */
static void compare(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct agent_mounted m = { 0 };
	uint32_t entries = data[0];
	if (size < 28 + entries * sizeof *m.entry)
		return;
	memcpy(&m, data + 1, 7 * 4 - 4);
	m.entries = entries;
	m.entry = malloc(entries * sizeof *m.entry + 1);
	memcpy(m.entry, data + 28, entries * sizeof *m.entry);
	struct span image = span_of(data + 28, size - 28);
	if (!agent_mounted_equals(&m, image, 0x90000000, &e) && (e.code != CODE_ROMFS_BAD || !e.msg[0]))
		abort();
	agent_mounted_clear(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t words[AGENT_STATUS_WORDS];
	if (size >= sizeof words + 8) {
		memcpy(words, data, sizeof words);
		judge(words, data + sizeof words);
		/* and once with a check that holds */
		uint32_t said[3 + AGENT_ANSWER_WORDS] = { words[AGENT_WORD(answered)], words[AGENT_WORD(status)],
			words[AGENT_WORD(detail)] };
		memcpy(said + 3, words + AGENT_WORD(answer), AGENT_ANSWER_WORDS * 4);
		words[AGENT_WORD(answer_check)] = crc32_of(span_of(said, sizeof said));
		judge(words, data + sizeof words);
	}
	if (size > 28)
		compare(data, size);
	return 0;
}
