/* The agent's life: loaded, started, looked at, asked. */
#include "transport/swd_agent_inner.h"

#include "os/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START_MS  1000
#define SILENT_MS 2000
#define STALL_MS  30000
#define CALL_MS   5000
#define PAUSE_US  100u

/* --- signs of life --- */

void agent_patience(struct swd_agent *a)
{
	a->beat_at = a->moved_at = clock_mono_ms();
}

static bool judge_signs(struct swd_agent *a, struct err *e)
{
	int64_t now = clock_mono_ms();
	uint32_t moved[3] = { a->words[AGENT_WORD(progress)], a->words[AGENT_WORD(ring_done)],
		a->words[AGENT_WORD(answered)] };
	if (a->words[AGENT_WORD(beat)] != a->beat)
		a->beat_at = now;
	a->beat = a->words[AGENT_WORD(beat)];
	if (memcmp(moved, a->moved, sizeof moved) != 0)
		a->moved_at = now;
	memcpy(a->moved, moved, sizeof moved);
	if (now - a->beat_at > a->s.silent_ms)
		return err_set(e, CODE_AGENT_SILENT, "the agent has stood still for %u ms", (unsigned)a->s.silent_ms);
	if (now - a->moved_at > a->s.stall_ms)
		return err_set(
		    e, CODE_AGENT_SILENT, "the agent has finished nothing for %u ms", (unsigned)a->s.stall_ms);
	return true;
}

bool agent_look(struct swd_agent *a, unsigned words, struct err *e)
{
	if (a->s.cancel && atomic_load(a->s.cancel))
		return err_set(e, CODE_ABORTED, "stopped by a person");
	a->counts.polls++;
	if (!ocd_read_words(a->s.ocd, a->s.buffers, a->words, words, e))
		return false;
	if (a->words[AGENT_WORD(state)] != AGENT_FAULT)
		return judge_signs(a, e);
	return ocd_read_words(a->s.ocd, a->s.buffers, a->words, AGENT_STATUS_WORDS, e) && agent_box_fault(a->words, e);
}

void agent_pause(uint32_t *us, uint32_t most)
{
	if (!*us)
		*us = PAUSE_US;
	struct timespec t = { 0, (long)*us * 1000 };
	nanosleep(&t, NULL);
	*us = *us * 2 < most ? *us * 2 : most;
}

/* --- the start --- */

/* A flipped bit in code would run: what was loaded is read back and compared. */
static bool load_image(struct swd_agent *a, struct span image, struct err *e)
{
	AUTO_FREE uint8_t *bytes = malloc(2 * image.size);
	if (!bytes)
		return err_set(e, CODE_NO_MEMORY, "no memory for the agent's image");
	memcpy(bytes, image.data, image.size);
	memcpy(bytes + offsetof(struct agent_image, mailbox), &a->s.buffers, 4);
	for (unsigned try = 0; try < TRIES; try++) {
		if (!ocd_load(a->s.ocd, a->s.load, span_of(bytes, image.size), e) ||
		    !ocd_dump(a->s.ocd, a->s.load, (uint32_t)image.size, bytes + image.size, e))
			return false;
		if (!memcmp(bytes, bytes + image.size, image.size))
			return true;
		a->counts.resent++;
	}
	return err_set(e, CODE_SWD_PROTOCOL, "the agent's image arrives damaged in the camera's memory");
}

static bool load_mailbox(struct swd_agent *a, struct err *e)
{
	struct agent_mailbox box;
	memset(&box, 0, sizeof box);
	box.setup = a->layout;
	return ocd_load(a->s.ocd, a->s.buffers, span_of(&box, sizeof box), e);
}

static bool wait_for_magic(struct swd_agent *a, struct err *e)
{
	int64_t until = clock_mono_ms() + a->s.start_ms;
	uint32_t pause = 0;
	do {
		if (!agent_look(a, AGENT_STATUS_WORDS, e))
			return false;
		if (a->words[AGENT_WORD(magic)] == AGENT_MAGIC)
			return agent_box_who(a->words, agent_box_backends(a->s.medium), e);
		agent_pause(&pause, AGENT_PAUSE_US);
	} while (clock_mono_ms() < until);
	return err_set(e, CODE_AGENT_SILENT, "the agent did not start within %u ms", (unsigned)a->s.start_ms);
}

static bool fits(const struct swd_agent_setup *s, const struct agent_image *head, struct err *e)
{
	if (s->load % 128 || s->buffers % 32)
		return err_set(e, CODE_BOARD_INVALID, "the agent's memory does not begin where it must");
	if (head->memory > s->load_size)
		return err_set(e, CODE_BOARD_INVALID, "the agent takes %u bytes, not %u", (unsigned)head->memory,
		    (unsigned)s->load_size);
	return true;
}

/* Is every chip there, and large enough? */
static bool open_all(struct swd_agent *a, struct err *e)
{
	uint32_t jedec;
	for (unsigned i = 0; i < AGENT_MEDIA; i++)
		if (a->s.medium[i].backend != AGENT_NO_BACKEND && !swd_agent_open(a, i, &jedec, e))
			return false;
	return true;
}

static bool begin(struct swd_agent *a, struct err *e)
{
	struct span image = agent_code_for(a->s.core);
	struct agent_image head;
	if (!agent_box_head(image, a->s.core, agent_box_backends(a->s.medium), &head, e) || !fits(&a->s, &head, e) ||
	    !agent_box_layout(a->s.buffers_size, &a->layout, e))
		return false;
	agent_box_setup(&a->layout, a->s.medium);
	a->results = malloc(a->layout.results_size);
	for (unsigned i = 0; i < AGENT_SLOTS; i++)
		a->pending[i].bytes = malloc(a->layout.slot_size);
	for (unsigned i = 0; i < AGENT_SLOTS; i++)
		if (!a->results || !a->pending[i].bytes)
			return err_set(e, CODE_NO_MEMORY, "no memory for the agent's buffers");
	if (!load_image(a, image, e) || !load_mailbox(a, e) ||
	    !ocd_call(a->s.ocd, CALL_MS, NULL, 0, e, "resume 0x%08x", (unsigned)a->s.load))
		return false;
	agent_patience(a);
	return wait_for_magic(a, e) && open_all(a, e);
}

bool swd_agent_start(const struct swd_agent_setup *s, struct swd_agent **out, struct err *e)
{
	*out = NULL;
	struct swd_agent *a = calloc(1, sizeof *a);
	if (!a)
		return err_set(e, CODE_NO_MEMORY, "no memory for the agent");
	a->s = *s;
	a->s.start_ms = s->start_ms ? s->start_ms : START_MS;
	a->s.silent_ms = s->silent_ms ? s->silent_ms : SILENT_MS;
	a->s.stall_ms = s->stall_ms ? s->stall_ms : STALL_MS;
	if (!begin(a, e)) {
		swd_agent_stop(a);
		return err_prefix(e, "the agent");
	}
	*out = a;
	return true;
}

void swd_agent_stop(struct swd_agent *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < AGENT_SLOTS; i++)
		free(a->pending[i].bytes);
	free(a->results);
	free(a);
}

void swd_agent_counts(const struct swd_agent *a, struct swd_agent_counts *out)
{
	*out = a->counts;
	out->skipped = a->words[AGENT_WORD(skipped)];
}

/* --- commands --- */

/* The request's words, then the number that makes it count. */
static bool send_request(struct swd_agent *a, const struct agent_request *r, struct err *e)
{
	uint32_t at = a->s.buffers + offsetof(struct agent_mailbox, request);
	return ocd_call(a->s.ocd, CALL_MS, NULL, 0, e,
	    "write_memory 0x%08x 32 {%u %u %u %u %u %u %u}; write_memory 0x%08x 32 %u", (unsigned)at + 4,
	    (unsigned)r->command, (unsigned)r->argument[0], (unsigned)r->argument[1], (unsigned)r->argument[2],
	    (unsigned)r->argument[3], (unsigned)r->argument[4], (unsigned)r->check, (unsigned)at, (unsigned)r->ask);
}

static enum agent_answer wait_for_answer(struct swd_agent *a, uint32_t ask, struct err *e)
{
	uint32_t pause = 0;
	agent_patience(a);
	for (;;) {
		if (!agent_look(a, AGENT_STATUS_WORDS, e))
			return AGENT_ANSWER_BAD;
		enum agent_answer answer = agent_box_answer(a->words, ask, e);
		if (answer != AGENT_ANSWER_NONE)
			return answer;
		agent_pause(&pause, AGENT_PAUSE_US);
	}
}

bool agent_call(struct swd_agent *a, enum agent_command command, const uint32_t argument[5], struct err *e)
{
	enum agent_answer answer = AGENT_ANSWER_AGAIN;
	if (!swd_agent_drain(a, e))
		return false;
	a->closed = false; /* what reads by commands leaves no mapping behind */
	for (unsigned try = 0; try < TRIES && answer == AGENT_ANSWER_AGAIN; try++) {
		struct agent_request r;
		a->counts.resent += try > 0;
		agent_box_request(&r, ++a->ask, command, argument);
		if (!send_request(a, &r, e))
			return false;
		answer = wait_for_answer(a, r.ask, e);
	}
	return answer == AGENT_ANSWER_GOOD;
}

bool agent_results(struct swd_agent *a, uint32_t size, uint32_t crc32, struct err *e)
{
	if (size > a->layout.results_size)
		return err_set(e, CODE_SWD_PROTOCOL, "the agent says that it has %u bytes of results", (unsigned)size);
	for (unsigned try = 0; try < TRIES; try++) {
		if (size && !ocd_dump(a->s.ocd, a->s.buffers + a->layout.results, size, a->results, e))
			return false;
		if (crc32_of(span_of(a->results, size)) == crc32)
			return true;
		a->counts.resent++;
	}
	return err_set(e, CODE_SWD_PROTOCOL, "the agent's results arrive damaged");
}
