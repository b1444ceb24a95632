/* What a person or the API tells a slot, and what everybody sees of it. */
#include "line/line_state.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "os/log.h"

#include <stdio.h>
#include <string.h>

bool slot_idle(const struct slot *s, struct err *e)
{
	if (s->line->stops)
		return err_set(e, CODE_CONFLICT, "the station is stopping");
	if (unit_busy(s->state))
		return err_set(e, CODE_CONFLICT, "slot %u is %s", s->number, unit_state_name(s->state));
	if (s->look)
		return err_set(e, CODE_CONFLICT, "the camera in slot %u is being read", s->number);
	return slot_boots(s) || err_set(e, CODE_REPLUG_NEEDED, "no camera in its bootloader is in slot %u", s->number);
}

/* What somebody told a slot, on disk before it is done and before he is answered; the rows of the attempt itself
 * follow.
 */
static bool write_ordered(
    struct slot *s, const char *order, const struct stored_recipe *recipe, const struct who *who, struct err *e)
{
	if (!who)
		return true;
	struct cJSON *body = json_new_object();
	json_add_integer(body, "slot", s->number);
	json_add_string(body, "order", order);
	json_add_string(body, "recipe", recipe ? recipe->sha256_text : NULL);
	who_add(body, who);
	return journal_write(s->line->o.journal, KIND_SLOT_ORDERED, body, e) != 0;
}

/* The attempt that an order began. */
static void set_ordered_by(struct slot *s, const struct who *who)
{
	if (who && s->attempt)
		snprintf(s->attempt->ordered_by, sizeof s->attempt->ordered_by, "%s", who->by);
}

void slot_operator(struct slot *s, char out[WHO_NAME_SIZE])
{
	struct line *l = s->line;
	const struct batch *b = batch_by_id(l, s->attempt->batch);
	int64_t now = journal_station_time(l->o.journal);
	pthread_mutex_lock(&l->public_lock);
	bool here = *l->operator&& now<l->operator_until;
	snprintf(out, WHO_NAME_SIZE, "%s",
	    *s->attempt->ordered_by ? s->attempt->ordered_by
	    : here                  ? l->operator
	    : b                     ? b->opened_by
				    : "");
	pthread_mutex_unlock(&l->public_lock);
}

/* A disabled slot too: there the station starts nothing by itself, and cameras wait for a person's word. */
bool slot_deploy(struct slot *s, struct stored_recipe *recipe, bool challenge, const struct who *who, struct err *e)
{
	const struct line *l = s->line;
	enum shift_state shift;
	if (challenge && !shift_look(l->reader, l->o.challenge, journal_station_time(l->o.journal), &shift, NULL, e))
		return false;
	if (challenge && shift != SHIFT_CHALLENGE)
		return err_set(e, CODE_CONFLICT, "no challenge is under way");
	if (!slot_idle(s, e))
		return false;
	if (recipe->trouble.code == CODE_OK && recipe->board != s->device_board)
		return err_set(e, CODE_BOARD_MISMATCH, "the recipe is for %s, the camera is %s", recipe->board->id,
		    s->device_board->id);
	if (!deploy_allowed(s->line, recipe, e) || !write_ordered(s, "deploy", recipe, who, e))
		return false;
	s->order = stored_recipe_hold(recipe);
	s->order_challenge = challenge;
	slot_event(s, UE_BOOT);
	set_ordered_by(s, who);
	return true;
}

bool slot_retry(struct slot *s, const struct who *who, struct err *e)
{
	if (unit_busy(s->state) || s->look)
		return err_set(
		    e, CODE_CONFLICT, "slot %u is %s", s->number, s->look ? "being read" : unit_state_name(s->state));
	if (!s->enabled)
		return err_set(e, CODE_CONFLICT, "slot %u is disabled", s->number);
	if (s->line->stops)
		return err_set(e, CODE_CONFLICT, "the station is stopping");
	if (!slot_boots(s))
		return err_set(e, CODE_REPLUG_NEEDED, "no camera in its bootloader is in slot %u", s->number);
	if (!unit_handles(s->state, UE_RETRY))
		return err_set(
		    e, CODE_REPLUG_NEEDED, "the camera in slot %u is %s", s->number, unit_state_name(s->state));
	if (!write_ordered(s, "retry", NULL, who, e))
		return false;
	s->quick = 0;
	slot_event(s, UE_RETRY);
	set_ordered_by(s, who);
	return true;
}

/* What is stopped stays stopped, whatever becomes of the row. */
static void write_aborted(struct slot *s, const struct who *who)
{
	struct err why = ERR_INIT;
	if (!write_ordered(s, "abort", NULL, who, &why))
		log_error("slot %u: an abort is not in the journal: %s", s->number, why.msg);
}

bool slot_abort(struct slot *s, const struct who *who, struct err *e)
{
	if (s->look) {
		slot_stop_look(s);
		write_aborted(s, who);
		return true;
	}
	if (!unit_handles(s->state, UE_ABORT))
		return err_set(e, CODE_CONFLICT, "slot %u is %s", s->number, unit_state_name(s->state));
	s->abort_wanted = true;
	set_ordered_by(s, who);
	if (s->working)
		atomic_store(&s->attempt->cancel, true);
	write_aborted(s, who);
	if (!s->working && s->state != US_IDENTIFIED) /* there the start row is under way; its commit ends it */
		slot_stop(s);
	return true;
}

bool slot_enable(struct slot *s, bool enable, const struct who *who, struct err *e)
{
	struct cJSON *body = json_new_object();
	json_add_integer(body, "slot", s->number);
	who_add(body, who);
	if (!journal_write(s->line->o.journal, enable ? KIND_SLOT_ENABLED : KIND_SLOT_DISABLED, body, e))
		return false;
	s->enabled = enable;
	s->equal_codes = 0;
	s->quick = 0;
	slot_publish(s);
	/* a camera that came while the slot was disabled */
	if (!unit_busy(s->state) && s->device_new && slot_may_start(s))
		slot_event(s, UE_BOOT);
	return true;
}

static void copy_attempt(struct slot_view *v, const struct slot *s)
{
	const struct attempt *a = s->attempt;
	memcpy(v->uid, s->shown_uid, sizeof v->uid);
	memcpy(v->attempt, a->id, sizeof v->attempt);
	memcpy(v->batch, a->batch, sizeof v->batch);
	memcpy(v->board, a->board->id, sizeof v->board);
	v->deploy = a->deploy;
	if (a->admitted) /* before that the MES's answer is the worker's */
		v->permit = permit_name(a->permit.how);
}

void slot_publish(struct slot *s)
{
	struct line *l = s->line;
	enum step step;
	bool steps = slot_step(s, &step);
	pthread_mutex_lock(&l->public_lock);
	struct slot_view *v = &l->views[s->number - 1];
	*v = (struct slot_view){ .slot = s->number,
		.x = s->x,
		.y = s->y,
		.enabled = s->enabled,
		.state = s->state,
		.step = s->look                        ? "reading"
			: steps && unit_busy(s->state) ? step_name(step)
						       : "",
		.camera = !s->device.path[0] ? ""
			  : !s->device_board ? "unknown"
			  : s->device_boots  ? "bootloader"
					     : "run",
		.verdict = s->verdict,
		.code = s->result.code,
		.since = s->since };
	memcpy(v->name, s->name, sizeof v->name);
	memcpy(v->path, s->path, sizeof v->path);
	memcpy(v->message, s->result.msg, sizeof v->message);
	memcpy(v->scanned, s->scanned, sizeof v->scanned);
	if (s->device_board)
		memcpy(v->camera_board, s->device_board->id, sizeof v->camera_board);
	if (s->attempt)
		copy_attempt(v, s);
	pthread_mutex_unlock(&l->public_lock);
}
