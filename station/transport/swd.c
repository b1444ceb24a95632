/* The SWD transport: a camera behind a debug probe, from open to leave, by an OpenOCD of its own.
 *
 * open attaches and halts nothing: who it is, and its internal flash, are read while the camera runs.  The core is
 * halted, behind a reset, when flash is to be written or external flash read. */
#include "transport/swd_inner.h"

#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_MS         5000
#define RESET_MS        5000
#define HALT_MS         2000
#define CONFIRM_STEP_MS 100
/* CoreSight: DHCSR and its S_LOCKUP */
#define DHCSR        0xE000EDF0u
#define DHCSR_LOCKUP (1u << 19)
/* A look has a DAP and a memory port of its own, and no core. */
#define LOOK_SETUP                                                                                                     \
	"swd newdap look cpu -expected-id 0; dap create look.dap -chain-position look.cpu; target create look.mem "    \
	"mem_ap -dap "                                                                                                 \
	"look.dap "                                                                                                    \
	"-ap-num 0"
#define FIRST_DAP "[lindex [dap names] 0]"

/* --- open and close ----------------------------------------------------------------------------------------------- */

static bool start(struct link *l, struct ocd **out, struct err *e)
{
	struct ocd_setup s = { .scripts = l->swd->scripts, .config = l->board->swd.config, .cancel = l->cancel };
	return swd_probe_find(&l->swd->probe, &s.probe, e) && ocd_start(&s, out, e);
}

static bool swd_open(struct link *l, struct err *e)
{
	struct swd_link *w = l->priv = calloc(1, sizeof *w);
	if (!w)
		return err_set(e, CODE_NO_MEMORY, "no memory for a link");
	return start(l, &w->ocd, e);
}

static void swd_close(struct link *l)
{
	struct swd_link *w = l->priv;
	if (!w)
		return;
	if (w->stock && ocd_lives(w->ocd))
		ocd_call(w->ocd, HALT_MS, NULL, 0, NULL, "romline_stock_end");
	swd_agent_stop(w->agent);
	ocd_stop(w->ocd);
	for (unsigned i = 0; i < BOARD_MAX_MEDIA; i++)
		free(w->blank[i]);
	free(w);
	l->priv = NULL;
}

/* The link's private part, when it may be used. */
static struct swd_link *usable(const struct link *l, struct err *e)
{
	struct swd_link *w = l->priv;
	if (w && ocd_lives(w->ocd))
		return w;
	err_set(e, CODE_SWD_LOST, "the connection over SWD is not open");
	return NULL;
}

/* --- who it is ---------------------------------------------------------------------------------------------------- */

static bool read_dpidr(struct ocd *o, uint32_t *out, struct err *e)
{
	char text[64];
	if (!ocd_call(o, CALL_MS, text, sizeof text, e, FIRST_DAP " dpreg 0"))
		return false;
	return ocd_words(text, out, 1) || err_set(e, CODE_SWD_PROTOCOL, "the debug port gave no identity");
}

static bool check_dpidr(const struct board *b, uint32_t dpidr, struct err *e)
{
	return !b->swd.has_dpidr || dpidr == b->swd.dpidr ||
	       err_set(e, CODE_WRONG_BOARD, "its debug port is 0x%08x, that of %s is 0x%08x", (unsigned)dpidr, b->id,
		   (unsigned)b->swd.dpidr);
}

static bool check_idcode(struct ocd *o, const struct board *b, struct err *e)
{
	uint32_t word;
	if (!b->swd.has_idcode)
		return true;
	if (!ocd_read_words(o, b->swd.idcode_address, &word, 1, e))
		return false;
	return (word & b->swd.idcode_mask) == b->swd.idcode_value ||
	       err_set(e, CODE_WRONG_BOARD, "its chip is 0x%08x, that of %s is 0x%08x", (unsigned)word, b->id,
		   (unsigned)b->swd.idcode_value);
}

static bool check_flash_kib(struct ocd *o, const struct board *b, struct err *e)
{
	uint32_t word, at = b->swd.flash_kib_address;
	if (!b->swd.has_flash_kib)
		return true;
	if (!ocd_read_words(o, at & ~3u, &word, 1, e))
		return false;
	uint32_t kib = word >> (8 * (at & 2)) & 0xffff;
	return kib == b->swd.flash_kib || err_set(e, CODE_WRONG_BOARD, "its chip has %u KiB of flash, that of %s %u",
					      (unsigned)kib, b->id, (unsigned)b->swd.flash_kib);
}

static bool read_uid(struct ocd *o, const struct board *b, char uid[UID_TEXT_SIZE], struct err *e)
{
	uint32_t words[4] = { 0 };
	uid[0] = '\0';
	for (unsigned i = 0; i < b->swd.uid_words; i++)
		if (!ocd_read_words(o, b->swd.uid_address + i * b->swd.uid_stride, &words[i], 1, e))
			return false;
	if (!board_uid_from_words(b, words, uid))
		uid[0] = '\0'; /* the line says that it is malformed */
	return true;
}

/* Its debug port has answered; a core that does not, twice, is locked. */
static bool check_core(struct ocd *o, struct err *e)
{
	char text[64];
	struct err again = ERR_INIT;
	uint32_t examined = 0;
	for (int i = 0; i < 2 && !examined; i++) {
		if (i)
			ocd_call(o, CALL_MS, NULL, 0, &again, "[target current] arp_examine");
		if (!ocd_call(o, CALL_MS, text, sizeof text, e, "[target current] was_examined"))
			return false;
		if (!ocd_words(text, &examined, 1))
			return err_set(e, CODE_SWD_PROTOCOL, "OpenOCD does not say whether it knows the core");
	}
	return examined || err_set(e, CODE_TARGET_LOCKED, "its debug port answers, its core does not");
}

static bool swd_identify(struct link *l, struct identity *out, struct err *e)
{
	const struct board *b = l->board;
	struct swd_link *w = usable(l, e);
	uint32_t dpidr;
	*out = (struct identity){ .uid = "" };
	if (!w || !read_dpidr(w->ocd, &dpidr, e) || !check_dpidr(b, dpidr, e) || !check_core(w->ocd, e) ||
	    !check_idcode(w->ocd, b, e) || !check_flash_kib(w->ocd, b, e) || !read_uid(w->ocd, b, out->uid, e))
		return false;
	/* there are no alternates to ask for: the chip is the board's, and so is its layout */
	for (unsigned i = 0; i < b->partition_count; i++)
		memcpy(out->alts[i], b->partitions[i].name, sizeof b->partitions[i].name);
	out->alt_count = b->partition_count;
	return true;
}

static bool swd_probe(struct link *l, const struct partition *p, struct err *e)
{
	const struct swd_medium *m = &l->board->swd.media[p->medium];
	if (m->backend == SWD_BACKEND_NONE || (l->swd->stock && !m->stock))
		return err_set(e, CODE_BOARD_INVALID, "%s is in a medium that %s cannot write", p->name,
		    l->swd->stock ? "OpenOCD's own drivers" : "the station");
	return true;
}

bool swd_look(const struct swd_place *place, const struct board *b, const atomic_bool *cancel, struct swd_seen *out,
    struct err *e)
{
	struct ocd_setup s = { .before = LOOK_SETUP, .scripts = place->scripts, .cancel = cancel };
	struct err unread = ERR_INIT;
	struct ocd *o = NULL;
	*out = (struct swd_seen){ .uid = "" };
	bool there =
	    swd_probe_find(&place->probe, &s.probe, e) && ocd_start(&s, &o, e) && read_dpidr(o, &out->dpidr, e);
	/* a camera whose memory cannot be read is there all the same: its attempt says what is wrong */
	if (there)
		read_uid(o, b, out->uid, &unread);
	ocd_stop(o);
	return there;
}

/* --- working on it ------------------------------------------------------------------------------------------------ */

bool swd_reset(struct link *l, struct err *e)
{
	struct swd_link *w = l->priv;
	return ocd_call(w->ocd, RESET_MS, NULL, 0, e, "reset halt") &&
	       ocd_call(w->ocd, CALL_MS, NULL, 0, e, "adapter speed %u", (unsigned)l->swd->probe.khz) &&
	       ocd_call(w->ocd, CALL_MS, NULL, 0, e, "romline_prepare") &&
	       (!w->stock || ocd_call(w->ocd, CALL_MS, NULL, 0, e, "romline_stock_begin"));
}

bool swd_prepare(struct link *l, struct err *e)
{
	struct swd_link *w = usable(l, e);
	if (!w)
		return false;
	if (w->prepared)
		return true;
	w->stock = l->swd->stock || !l->board->swd.has_agent;
	w->prepared = swd_reset(l, e) && swd_flash_begin(l, e);
	return w->prepared;
}

/* The sink counts from the partition's start, flash from its medium's. */
struct shifted {
	link_sink *sink;
	void *context;
	uint32_t start;
};

static bool shift(void *context, uint32_t offset, struct span data, struct err *e)
{
	const struct shifted *s = context;
	return s->sink(s->context, offset - s->start, data, e);
}

static bool swd_read(struct link *l, const struct partition *p, uint32_t offset, uint32_t size, link_sink *sink,
    void *context, struct err *e)
{
	struct shifted s = { sink, context, swd_offset(l, p) };
	return usable(l, e) && swd_flash_read(l, p->medium, s.start + offset, size, shift, &s, e);
}

/* --- leaving ------------------------------------------------------------------------------------------------------ */

static bool swd_leave(struct link *l, struct err *e)
{
	struct swd_link *w = usable(l, e);
	if (!w || (w->stock && !ocd_call(w->ocd, CALL_MS, NULL, 0, e, "romline_stock_end")))
		return false;
	w->stock = false;
	swd_agent_stop(w->agent);
	w->agent = NULL;
	if (!ocd_call(w->ocd, RESET_MS, NULL, 0, e, "reset run"))
		return false;
	swd_close(l);
	return true;
}

static bool in_firmware(const struct board *b, uint32_t pc)
{
	for (unsigned i = 0; i < b->partition_count; i++) {
		const struct partition *p = &b->partitions[i];
		bool firmware = p->role == ROLE_FIRMWARE || p->role == ROLE_COFIRMWARE;
		if (firmware && pc >= p->mapped && pc - p->mapped < p->size)
			return true;
	}
	return false;
}

/* Halts it for a moment to see where it is. */
static bool runs_firmware(struct ocd *o, const struct board *b, struct err *e)
{
	char text[64];
	uint32_t status, pc;
	if (!ocd_read_words(o, DHCSR, &status, 1, e) ||
	    !ocd_call(o, RESET_MS, text, sizeof text, e,
		"halt; wait_halt %d; set pc [dict get [get_reg pc] pc]; resume; set pc", HALT_MS))
		return false;
	if (!ocd_words(text, &pc, 1))
		return err_set(e, CODE_SWD_PROTOCOL, "its core gave no program counter");
	if (status & DHCSR_LOCKUP)
		return err_set(e, CODE_NO_RETURN, "its core is locked up");
	return in_firmware(b, pc) ||
	       err_set(e, CODE_NO_RETURN, "its core runs at 0x%08x, which is no firmware", (unsigned)pc);
}

static bool swd_confirm(struct link *l, uint32_t within_ms, struct err *e)
{
	int64_t until = clock_mono_ms() + within_ms;
	struct ocd *o = NULL;
	if (!start(l, &o, e))
		return false;
	unsigned times = 0; /* twice in a row: it runs there, and did not just pass by */
	while (times < 2) {
		struct err why = ERR_INIT;
		times = runs_firmware(o, l->board, &why) ? times + 1 : 0;
		bool waits = !times && why.code == CODE_NO_RETURN;
		if ((!times && !waits) || (waits && clock_mono_ms() >= until)) {
			err_set(e, why.code, "%s", why.msg);
			break;
		}
		usleep(CONFIRM_STEP_MS * 1000);
	}
	ocd_stop(o);
	return times == 2;
}

const struct transport_ops transport_swd = {
	.name = "swd",
	.open = swd_open,
	.close = swd_close,
	.identify = swd_identify,
	.probe = swd_probe,
	.read = swd_read,
	.reads_past_bad = true,
	.write = swd_write,
	.compare = swd_compare,
	.report = swd_report,
	.knows_itself = swd_knows_itself,
	.confirm = swd_confirm,
	.leave = swd_leave,
};
