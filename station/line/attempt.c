/* An attempt's life and its step records. */
#include "line/attempt.h"

#include "os/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const step_names[STEP_COUNT] = {
	[STEP_IDENTIFIED] = "identified",
	[STEP_ADMITTED] = "admitted",
	[STEP_COMPARED] = "compared",
	[STEP_WRITTEN] = "written",
	[STEP_READ_BACK] = "read-back",
	[STEP_PROVED] = "proved",
	[STEP_RESTARTED] = "restarted",
	[STEP_CONFIRMED] = "confirmed",
};

const char *step_name(enum step step)
{
	return step_names[step];
}

struct attempt *attempt_create(const struct board *b, const struct usb_id *id, const struct swd_place *swd,
    const char *state_dir, struct progress *progress)
{
	struct attempt *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->board = b;
	a->state_dir = state_dir;
	a->progress = progress;
	a->started_at = clock_wall_ms();
	a->spool = -1;
	a->link =
	    (struct link){ .ops = transport_for(b, swd), .swd = swd, .board = b, .id = *id, .cancel = &a->cancel };
	return a;
}

void attempt_close_spool(struct attempt *a)
{
	if (a->spool >= 0)
		close(a->spool);
	a->spool = -1;
}

void attempt_close_link(struct attempt *a)
{
	if (a->link_open)
		a->link.ops->close(&a->link);
	a->link_open = false;
}

static void empty(struct attempt *a)
{
	for (unsigned i = 0; i < RECIPE_MAX_REGIONS; i++) {
		free(a->filled[i]);
		a->filled[i] = NULL;
	}
}

void attempt_destroy(struct attempt *a)
{
	if (!a)
		return;
	attempt_close_link(a);
	attempt_close_spool(a);
	for (unsigned i = 0; i < RECIPE_MAX_REGIONS; i++)
		free(a->regions[i].differ);
	empty(a);
	stored_recipe_drop(a->recipe);
	free(a);
}

void attempt_bind(struct attempt *a, struct stored_recipe *recipe, const char *batch, const char *order)
{
	stored_recipe_drop(a->recipe);
	empty(a);
	a->recipe = recipe;
	memcpy(a->batch, batch, strlen(batch) + 1);
	memcpy(a->order, order, strlen(order) + 1);
	a->region_count = recipe->recipe.region_count;
	for (unsigned i = 0; i < a->region_count; i++)
		a->bound[i] = recipe->recipe.regions[i].bound;
}

/* Takes over `image`. */
static bool fill_region(struct attempt *a, unsigned i, uint8_t *image, struct err *e)
{
	const struct recipe_region *r = &a->recipe->recipe.regions[i];
	const char *const values[UNIT_VALUES] = { [UNIT_SERIAL] = a->serial, [UNIT_MAC] = a->mac, [UNIT_UID] = a->uid };
	struct digest d;
	a->filled[i] = image;
	if (!image)
		return err_set(e, CODE_NO_MEMORY, "no memory for the unit's data");
	memcpy(image, r->bound.image.data, r->length);
	if (!unit_data_fill(r->fields, r->field_count, values, image, r->length, e) ||
	    !digest_of(span_of(image, r->length), &d, e))
		return false;
	a->bound[i].image = span_of(image, r->length);
	a->bound[i].crc32 = d.crc32;
	memcpy(a->bound[i].sha256, d.sha256, SHA256_SIZE);
	return true;
}

bool attempt_fill(struct attempt *a, struct err *e)
{
	empty(a);
	for (unsigned i = 0; i < a->region_count; i++)
		if (a->recipe->recipe.regions[i].field_count && !fill_region(a, i, malloc(a->bound[i].image.size), e))
			return false;
	return true;
}

void step_begin(struct attempt *a, enum step step)
{
	struct step_record *s = &a->steps[step];
	/* a step taken again within one attempt keeps its first start */
	if (!s->begun) {
		s->started_at = clock_wall_ms();
		s->started_mono = clock_mono_ms();
	}
	s->begun = true;
	atomic_store(&a->progress->done, 0);
	atomic_store(&a->progress->total, 0);
}

void step_end(struct attempt *a, enum step step, enum code outcome)
{
	struct step_record *s = &a->steps[step];
	s->ended = true;
	s->ms = clock_mono_ms() - s->started_mono;
	s->outcome = outcome;
}
