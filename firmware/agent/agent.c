/* The agent's loop: a command when there is one, else the next buffer of the ring. */
#include "agent.h"

#include "crc32.h"

uint32_t agent_check(const uint32_t *words, uint32_t count)
{
	return agent_crc32(0, (const void *)words, count * 4);
}

static void copy_words(uint32_t *to, const volatile void *from, uint32_t count)
{
	const volatile uint32_t *words = from;
	for (uint32_t i = 0; i < count; i++)
		to[i] = words[i];
}

/* --- the start --- */

static int areas_fit(const struct agent_setup *s)
{
	return s->slot_size && s->slot_size % 256 == 0 && s->slot_size <= s->room / AGENT_SLOTS &&
	       agent_within(s->slots, s->slot_size * AGENT_SLOTS, s->room) &&
	       agent_within(s->work, s->slot_size, s->room) && agent_within(s->results, s->results_size, s->room) &&
	       s->slots % 32 == 0 && s->work % 32 == 0 && s->results % 32 == 0 &&
	       s->slots >= sizeof(struct agent_mailbox) && s->work >= sizeof(struct agent_mailbox) &&
	       s->results >= sizeof(struct agent_mailbox);
}

static uint32_t take_setup(struct agent *a)
{
	copy_words((void *)&a->setup, &a->box->setup, sizeof a->setup / 4);
	if (agent_check((void *)&a->setup, offsetof(struct agent_setup, check) / 4) != a->setup.check)
		return AGENT_BAD_CHECK;
	if (!areas_fit(&a->setup))
		return AGENT_BAD_ARGUMENT;
	for (unsigned i = 0; i < AGENT_MEDIA; i++)
		if (flash_find(&a->medium[i], &a->setup.medium[i]) != AGENT_OK &&
		    a->setup.medium[i].backend != AGENT_NO_BACKEND)
			return AGENT_NO_FLASH;
	return AGENT_OK;
}

void agent_begin(struct agent *a, volatile struct agent_mailbox *box, uint32_t cpuid)
{
	a->box = box;
	a->base = (uint8_t *)(uintptr_t)box;
	a->answered = a->refused = 0;
	core_begin(box);
	agent_crc32_begin();
	uint32_t status = take_setup(a);
	core_watchdog(status == AGENT_OK ? a->setup.watchdog : 0);
	box->abi = AGENT_ABI;
	box->cpuid = cpuid;
	box->backends = FLASH_BACKENDS;
	box->status = status;
	box->state = status == AGENT_OK ? AGENT_READY : AGENT_STARTING;
	core_barrier();
	box->magic = AGENT_MAGIC;
}

uint32_t agent_medium_of(struct agent *a, uint32_t number, struct medium **m)
{
	*m = number < AGENT_MEDIA && a->medium[number].ops ? &a->medium[number] : 0;
	if (!*m)
		return AGENT_NO_FLASH;
	(*m)->detail = 0;
	uint32_t status = (*m)->opened ? AGENT_OK : (*m)->ops->open(*m);
	(*m)->opened = status == AGENT_OK;
	return status;
}

/* --- commands --- */

static void answer(struct agent *a, uint32_t ask, uint32_t status, uint32_t detail, const uint32_t *words)
{
	uint32_t check = agent_crc32(0, (void *)&ask, 4);
	check = agent_crc32(check, (void *)&status, 4);
	check = agent_crc32(check, (void *)&detail, 4);
	check = agent_crc32(check, (const void *)words, AGENT_ANSWER_WORDS * 4);
	for (unsigned i = 0; i < AGENT_ANSWER_WORDS; i++)
		a->box->answer[i] = words[i];
	a->box->status = status;
	a->box->detail = detail;
	a->box->answer_check = check;
	core_barrier();
	a->box->answered = ask;
	a->answered = ask;
}

static int command_step(struct agent *a)
{
	uint32_t ask = a->box->request.ask, words[AGENT_ANSWER_WORDS] = { 0 }, detail = 0;
	struct agent_request r;
	if (ask == a->answered)
		return 0;
	core_barrier();
	copy_words((void *)&r, &a->box->request, sizeof r / 4);
	a->box->state = AGENT_WORKING;
	uint32_t status = AGENT_BAD_CHECK;
	if (r.check == agent_check((void *)&r, offsetof(struct agent_request, check) / 4))
		status = agent_command(a, &r, words, &detail);
	a->box->state = AGENT_READY;
	answer(a, ask, status, detail, words);
	return 1;
}

/* --- the ring --- */

static void refuse(struct agent *a, uint32_t turn, uint32_t status, uint32_t detail)
{
	a->box->ring_status = status;
	a->box->ring_detail = detail;
	core_barrier();
	a->box->ring_failed = turn;
	a->refused = turn;
}

static int ring_step(struct agent *a)
{
	uint32_t next = a->box->ring_done + 1, skipped = 0;
	volatile struct agent_slot *box_slot = &a->box->slot[(next - 1) % AGENT_SLOTS];
	uint32_t turn = box_slot->turn;
	struct agent_slot slot;
	if (turn / AGENT_ATTEMPTS != next || turn == a->refused)
		return 0;
	core_barrier();
	copy_words((void *)&slot, box_slot, sizeof slot / 4);
	a->box->state = AGENT_WORKING;
	uint32_t status = AGENT_BAD_CHECK, detail = 0;
	if (slot.check == agent_check((void *)&slot, offsetof(struct agent_slot, check) / 4)) {
		struct medium *m;
		status = agent_medium_of(a, slot.medium, &m);
		if (status == AGENT_OK)
			status = agent_ring_step(a, &slot, m, &skipped);
		detail = m ? m->detail : 0;
	}
	a->box->state = AGENT_READY;
	if (status != AGENT_OK) {
		refuse(a, turn, status, detail);
		return 1;
	}
	a->box->skipped += skipped;
	core_barrier();
	a->box->ring_done = next;
	return 1;
}

int agent_step(struct agent *a)
{
	core_tick();
	return command_step(a) || ring_step(a);
}
