/* Words of the agent's mailbox. */
#include "format/agent_box.h"

#include "base/digest.h"

#include <stdlib.h>
#include <string.h>

static uint32_t check_of(const void *words, size_t size)
{
	return crc32_of(span_of(words, size));
}

/* --- what is written --- */

#define MAILBOX_ROOM 1024u
#define SLOT_LEAST   4096u
#define SLOT_MOST    65536u
#define RESULTS_MOST 262144u

/* Four buffers, one for decompression, and results of at least a buffer's size. */
bool agent_box_layout(uint32_t size, struct agent_setup *out, struct err *e)
{
	uint32_t slot = SLOT_MOST;
	while (slot >= SLOT_LEAST && (size < MAILBOX_ROOM || slot > (size - MAILBOX_ROOM) / 6))
		slot /= 2;
	if (slot < SLOT_LEAST)
		return err_set(e, CODE_BOARD_INVALID, "%u bytes are too few for the agent's buffers", (unsigned)size);
	uint32_t used = MAILBOX_ROOM + 5 * slot, left = (size - used) & ~31u;
	*out = (struct agent_setup){ .room = size,
		.slot_size = slot,
		.slots = MAILBOX_ROOM,
		.work = MAILBOX_ROOM + 4 * slot,
		.results = used,
		.results_size = left < RESULTS_MOST ? left : RESULTS_MOST };
	return true;
}

/* The word of the chip's independent watchdog that wants 0xAAAA now and then: RM0433 (IWDG1), RM0090, RM0410. */
static uint32_t watchdog_of(uint32_t backend)
{
	static const uint32_t rows[AGENT_BACKENDS] = {
		[AGENT_STM32H7] = 0x58004800,
		[AGENT_QUADSPI] = 0x58004800,
		[AGENT_STM32F4] = 0x40003000,
		[AGENT_STM32F7] = 0x40003000,
	};
	return backend < AGENT_BACKENDS ? rows[backend] : 0;
}

void agent_box_setup(struct agent_setup *setup, const struct agent_medium media[AGENT_MEDIA])
{
	for (unsigned i = 0; i < AGENT_MEDIA; i++) {
		setup->medium[i] = media[i];
		if (!setup->watchdog)
			setup->watchdog = watchdog_of(media[i].backend);
	}
	setup->check = check_of(setup, offsetof(struct agent_setup, check));
}

uint32_t agent_box_backends(const struct agent_medium media[AGENT_MEDIA])
{
	uint32_t bits = 0;
	for (unsigned i = 0; i < AGENT_MEDIA; i++)
		if (media[i].backend != AGENT_NO_BACKEND)
			bits |= media[i].backend < 32 ? UINT32_C(1) << media[i].backend : UINT32_MAX;
	return bits;
}

void agent_box_request(struct agent_request *r, uint32_t ask, enum agent_command command, const uint32_t argument[5])
{
	r->ask = ask;
	r->command = command;
	memcpy(r->argument, argument, sizeof r->argument);
	r->check = check_of(r, offsetof(struct agent_request, check));
}

void agent_box_slot(struct agent_slot *s)
{
	s->check = check_of(s, offsetof(struct agent_slot, check));
}

/* --- what is read --- */

/* What a status means here; `again` ones are sent once more before they count. */
static const struct {
	enum code code;
	const char *what;
} statuses[AGENT_STATUSES] = {
	[AGENT_OK] = { CODE_INTERNAL, "the agent refused nothing" },
	[AGENT_BAD_CHECK] = { CODE_SWD_PROTOCOL, "what was sent to the agent arrived damaged, time after time" },
	[AGENT_BAD_CRC] = { CODE_SWD_PROTOCOL, "bytes sent to the agent arrived damaged, time after time" },
	[AGENT_BAD_LZ4] = { CODE_SWD_PROTOCOL, "compressed bytes sent to the agent arrived damaged, time after time" },
	[AGENT_BAD_COMMAND] = { CODE_INTERNAL, "the agent does not know a command" },
	[AGENT_BAD_ARGUMENT] = { CODE_INTERNAL, "the agent refuses a command's arguments" },
	[AGENT_NO_FLASH] = { CODE_AGENT_FOREIGN, "the agent has no back-end for the board's flash" },
	[AGENT_UNCLOCKED] = { CODE_FLASH_ERROR, "the flash controller does not run: its clock is off" },
	[AGENT_FOREIGN] = { CODE_WRONG_BOARD, "another flash chip answers than the board has, or none" },
	[AGENT_LOCKED] = { CODE_FLASH_ERROR, "the flash cannot be unlocked" },
	[AGENT_PROTECTED] = { CODE_FLASH_ERROR, "the flash is write protected" },
	[AGENT_SEQUENCE] = { CODE_FLASH_ERROR, "the flash says that it was programmed in a wrong order" },
	[AGENT_FAILED] = { CODE_FLASH_ERROR, "the flash says that it failed" },
	[AGENT_TIMEOUT] = { CODE_FLASH_ERROR, "the flash stays busy" },
	[AGENT_UNREADABLE] = { CODE_FLASH_ERROR, "the flash cannot be read" },
};

bool agent_box_refuse(struct err *e, uint32_t status, uint32_t detail)
{
	if (status >= AGENT_STATUSES)
		return err_set(
		    e, CODE_SWD_PROTOCOL, "the agent answers with status %u, which means nothing", (unsigned)status);
	return err_set(e, statuses[status].code, "%s (0x%08x)", statuses[status].what, (unsigned)detail);
}

static bool worth_again(uint32_t status)
{
	return status == AGENT_BAD_CHECK || status == AGENT_BAD_CRC || status == AGENT_BAD_LZ4;
}

bool agent_box_who(const uint32_t *words, uint32_t backends, struct err *e)
{
	if (words[AGENT_WORD(abi)] != AGENT_ABI)
		return err_set(e, CODE_AGENT_FOREIGN, "the agent's ABI is %u, not %u", (unsigned)words[AGENT_WORD(abi)],
		    AGENT_ABI);
	if (backends & ~words[AGENT_WORD(backends)])
		return err_set(e, CODE_AGENT_FOREIGN, "the agent has no back-end for the board's flash");
	if (words[AGENT_WORD(state)] == AGENT_READY)
		return true;
	if (words[AGENT_WORD(state)] == AGENT_FAULT)
		return agent_box_fault(words, e);
	return agent_box_refuse(e, words[AGENT_WORD(status)], 0);
}

bool agent_box_fault(const uint32_t *words, struct err *e)
{
	return err_set(e, CODE_AGENT_SILENT,
	    "the agent ended with exception %u at 0x%08x, status 0x%08x, address 0x%08x",
	    (unsigned)words[AGENT_WORD(fault_kind)], (unsigned)words[AGENT_WORD(fault_pc)],
	    (unsigned)words[AGENT_WORD(fault_status)], (unsigned)words[AGENT_WORD(fault_address)]);
}

/* What cannot be is taken as misread: the next look tells, or the caller's deadline. */
enum agent_ring agent_box_ring(const uint32_t *words, struct agent_ring_state *s, struct err *e)
{
	uint32_t done = words[AGENT_WORD(ring_done)], status = words[AGENT_WORD(ring_status)];
	if (done - s->done > s->sent - s->done)
		return AGENT_RING_RUNS;
	bool moved = done != s->done;
	s->done = done;
	if (moved || done == s->sent || words[AGENT_WORD(ring_failed)] != s->last_turn || status == AGENT_OK)
		return AGENT_RING_RUNS;
	if (worth_again(status))
		return AGENT_RING_AGAIN;
	agent_box_refuse(e, status, words[AGENT_WORD(ring_detail)]);
	return AGENT_RING_BROKEN;
}

enum agent_answer agent_box_answer(const uint32_t *words, uint32_t ask, struct err *e)
{
	uint32_t said[3 + AGENT_ANSWER_WORDS] = { words[AGENT_WORD(answered)], words[AGENT_WORD(status)],
		words[AGENT_WORD(detail)] };
	memcpy(said + 3, words + AGENT_WORD(answer), AGENT_ANSWER_WORDS * 4);
	if (said[0] != ask || words[AGENT_WORD(answer_check)] != check_of(said, sizeof said))
		return AGENT_ANSWER_NONE;
	if (said[1] == AGENT_OK)
		return AGENT_ANSWER_GOOD;
	agent_box_refuse(e, said[1], said[2]);
	return worth_again(said[1]) ? AGENT_ANSWER_AGAIN : AGENT_ANSWER_BAD;
}
