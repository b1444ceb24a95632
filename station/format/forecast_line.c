/* What a fixture makes of one camera's forecast: cameras that wait for each other on a shared wire, units per hour, and
 * what limits them. */
#include "format/forecast.h"

#include <string.h>

/* One camera as it goes through its legs. */
struct runner {
	uint32_t leg;
	double ready_ns; /* when it can use the wire again */
};

/* The camera that asks for the wire first; n: all are done. */
static unsigned next_runner(const struct forecast_unit *u, const struct runner *runners, unsigned n)
{
	unsigned best = n;
	for (unsigned i = 0; i < n; i++)
		if (runners[i].leg < u->leg_count && (best == n || runners[i].ready_ns < runners[best].ready_ns))
			best = i;
	return best;
}

double forecast_together(const struct forecast_unit *u, unsigned n)
{
	struct runner runners[LINE_MAX_SLOTS] = { { 0, 0 } };
	double wire_free = 0, end = 0;
	n = n < LINE_MAX_SLOTS ? n : LINE_MAX_SLOTS;
	if (n <= 1)
		return u->total;
	for (unsigned i; (i = next_runner(u, runners, n)) < n;) {
		struct runner *r = &runners[i];
		const struct forecast_leg *leg = &u->legs[r->leg++];
		wire_free = (wire_free > r->ready_ns ? wire_free : r->ready_ns) + leg->wire_ns;
		r->ready_ns = wire_free + leg->busy_ns;
		end = r->ready_ns > end ? r->ready_ns : end;
	}
	return end / 1e9;
}

static enum forecast_limit largest(const struct forecast_unit *u, double waiting)
{
	double flash = u->erase + u->program, wire = u->wire + waiting;
	if (flash >= wire && flash >= u->restart)
		return LIMIT_FLASH;
	if (u->restart > wire)
		return LIMIT_RESTART;
	return waiting > 0 ? LIMIT_SHARED_WIRE : LIMIT_WIRE;
}

/* Seconds of a hub with n slots; those that hubs before it had are not played again. */
static double hub_seconds(const struct forecast_unit *u, bool shared, unsigned n, double known[LINE_MAX_SLOTS + 1])
{
	if (!shared)
		return u->total;
	if (known[n] == 0)
		known[n] = forecast_together(u, n);
	return known[n];
}

struct forecast_yield forecast_line(const struct forecast_unit *u, const struct board *b, const struct forecast_line *l)
{
	double known[LINE_MAX_SLOTS + 1] = { 0 }, per_second = 0;
	bool shared = l->shared && b->speed == USB_FULL;
	struct forecast_yield y = { .slots = 0 };
	for (unsigned i = 0; i < l->hubs; i++) {
		unsigned n = l->slots[i];
		double seconds = n ? hub_seconds(u, shared, n, known) : 0;
		y.slots += n;
		per_second += n ? n / (seconds + l->handling_s) : 0;
		y.seconds = seconds > y.seconds ? seconds : y.seconds;
	}
	y.limit = largest(u, y.seconds - u->total);
	if (l->handling_s > y.seconds)
		y.limit = LIMIT_PERSON;
	if (per_second * l->handling_s > 1) {
		per_second = 1 / l->handling_s;
		y.limit = LIMIT_PERSON;
	}
	y.units_per_hour = per_second * 3600;
	return y;
}

void forecast_spread(struct forecast_line *l, unsigned slots, unsigned hubs)
{
	l->hubs = hubs;
	for (unsigned i = 0; i < hubs; i++)
		l->slots[i] = slots / hubs + (i < slots % hubs);
}

/* The length of a path without its last port. */
static size_t hub_of(const char *path)
{
	size_t end = strlen(path);
	while (end && path[end - 1] != '.' && path[end - 1] != '-')
		end--;
	return end;
}

void forecast_places(struct forecast_line *l, const struct line_file *file)
{
	const char *hubs[LINE_MAX_SLOTS];
	l->hubs = 0;
	for (unsigned i = 0; i < file->count; i++) {
		const char *path = file->places[i].path;
		size_t size = hub_of(path);
		unsigned hub = 0;
		while (hub < l->hubs && (hub_of(hubs[hub]) != size || strncmp(hubs[hub], path, size) != 0))
			hub++;
		if (hub == l->hubs) {
			hubs[hub] = path;
			l->slots[l->hubs++] = 0;
		}
		l->slots[hub]++;
	}
}

static unsigned all_slots(const struct forecast_line *l)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < l->hubs; i++)
		sum += l->slots[i];
	return sum;
}

bool forecast_add_hub(struct forecast_line *l)
{
	if (l->hubs == LINE_MAX_SLOTS)
		return false;
	forecast_spread(l, all_slots(l), l->hubs + 1);
	return true;
}

bool forecast_add_slot(struct forecast_line *l)
{
	unsigned fewest = 0;
	for (unsigned i = 0; i < l->hubs; i++)
		if (l->slots[i] < l->slots[fewest])
			fewest = i;
	if (all_slots(l) == LINE_MAX_SLOTS)
		return false;
	l->slots[fewest]++;
	return true;
}

const char *forecast_limit_word(enum forecast_limit limit)
{
	static const char *const words[] = {
		[LIMIT_FLASH] = "flash",
		[LIMIT_WIRE] = "wire",
		[LIMIT_SHARED_WIRE] = "shared-wire",
		[LIMIT_RESTART] = "restart",
		[LIMIT_PERSON] = "person",
	};
	return words[limit];
}
