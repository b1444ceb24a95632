/* The station in figures, as Prometheus reads them (exposition formats, "Text-based format", version 0.0.4). */
#include "http/api.h"

#include "base/version.h"
#include "http/events.h"
#include "journal/lookup.h"
#include "journal/numbers.h"
#include "os/text_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BATCHES 64

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* ` name="value"` without the blank; a backslash, a quote and a line end are escaped. */
static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (const char *c = value; *c; c++) {
		if (*c == '\\' || *c == '"')
			putc('\\', out);
		fputs(*c == '\n' ? "\\n" : (char[]){ *c, 0 }, out);
	}
	putc('"', out);
}

static void put_alone(FILE *out, const char *name, const char *type, const char *help, int64_t value)
{
	put_head(out, name, type, help);
	fprintf(out, "%s %" PRId64 "\n", name, value);
}

static void put_station(FILE *out, struct http *h)
{
	put_head(out, "romline_info", "gauge", "Always 1; who this is.");
	fputs("romline_info{", out);
	put_label(out, "station", h->station);
	putc(',', out);
	put_label(out, "version", STATION_VERSION);
	fputs("} 1\n", out);
	put_alone(out, "romline_held", "gauge", "1 while the station is held and starts nothing.",
	    line_held(h->o.line) != CODE_OK);
	put_head(out, "romline_clock_lag_seconds", "gauge", "How far the clock is behind the newest journal row.");
	fprintf(out, "romline_clock_lag_seconds %.3f\n", (double)journal_clock_lag(h->o.journal) / 1000);
	put_alone(out, "romline_event_clients", "gauge", "Clients that listen to the events.",
	    (int64_t)events_clients(h->events));
}

static bool put_slots(FILE *out, struct http *h, struct err *e)
{
	unsigned in_state[US_COUNT] = { 0 }, disabled = 0;
	struct slot_list *list = slots_now(h->o.line, e);
	if (!list)
		return false;
	for (unsigned i = 0; i < list->count; i++) {
		in_state[list->slots[i].state]++;
		disabled += !list->slots[i].enabled;
	}
	free(list);
	put_head(out, "romline_slots", "gauge", "Slots by what they are doing.");
	for (int s = 0; s < US_COUNT; s++)
		fprintf(out, "romline_slots{state=\"%s\"} %u\n", unit_state_name((enum unit_state)s), in_state[s]);
	put_alone(out, "romline_slots_disabled", "gauge", "Slots that start nothing.", disabled);
	return true;
}

static void put_total(void *context, const char *code, int64_t count)
{
	FILE *out = context;
	enum code known = code_from_name(code);
	fputs("romline_attempts_total{", out);
	put_label(out, "verdict", known < CODE_COUNT ? verdict_name(code_verdict(known)) : "");
	putc(',', out);
	put_label(out, "code", code);
	fprintf(out, "} %" PRId64 "\n", count);
}

static void put_batch(FILE *out, const char *name, const struct batch_view *b, int64_t value)
{
	fprintf(out, "%s{batch=\"%s\",", name, b->id);
	put_label(out, "order", b->order);
	putc(',', out);
	put_label(out, "board", b->board);
	fprintf(out, "} %" PRId64 "\n", value);
}

static void put_batches(FILE *out, struct http *h)
{
	static const char passed[] = "romline_batch_passed", quantity[] = "romline_batch_quantity",
			  held[] = "romline_batch_held";
	struct batch_view views[MAX_BATCHES];
	unsigned all = line_batches(h->o.line, views, MAX_BATCHES), count = all < MAX_BATCHES ? all : MAX_BATCHES;
	put_head(out, passed, "gauge", "Units that have passed in an open batch.");
	for (unsigned i = 0; i < count; i++)
		put_batch(out, passed, &views[i], views[i].passed);
	put_head(out, quantity, "gauge", "Units that an open batch is for.");
	for (unsigned i = 0; i < count; i++)
		put_batch(out, quantity, &views[i], views[i].quantity);
	put_head(out, held, "gauge", "1 while an open batch is held.");
	for (unsigned i = 0; i < count; i++)
		put_batch(out, held, &views[i], views[i].state == BATCH_HELD);
}

static void put_requests(FILE *out, struct http *h)
{
	put_head(out, "romline_http_requests_total", "counter", "Requests answered, by the first digit of the status.");
	for (int digit = 2; digit <= 5; digit++)
		fprintf(out, "romline_http_requests_total{status=\"%dxx\"} %llu\n", digit,
		    (unsigned long long)atomic_load(&h->answered[digit]));
}

static void put_mes(FILE *out, struct http *h)
{
	struct outbox_view v;
	if (!h->o.mes->outbox)
		return;
	outbox_look(h->o.mes->outbox, &v);
	put_alone(out, "romline_mes_behind_rows", "gauge", "Rows of the journal that the MES has not been told of.",
	    v.behind_rows);
	put_head(out, "romline_mes_behind_seconds", "gauge", "How old the event is that the MES is being told.");
	fprintf(out, "romline_mes_behind_seconds %.3f\n", (double)v.behind_ms / 1000);
	put_alone(out, "romline_mes_parked", "gauge", "Events that the MES would not take.", v.parked);
	put_alone(out, "romline_mes_taken_total", "counter", "Events that the MES has taken since the start.", v.taken);
	put_alone(out, "romline_mes_failed_total", "counter", "Tries that failed since the start.", v.failed);
}

static bool put_numbers(FILE *out, struct http *h, struct err *e)
{
	int64_t free_now[NUMBER_KINDS];
	for (int k = 0; k < NUMBER_KINDS; k++)
		if (!query_numbers_free(h->reader, (enum number_kind)k, &free_now[k], e))
			return false;
	put_head(out, "romline_numbers_free", "gauge", "Numbers of the pool that can still be given to units.");
	for (int k = 0; k < NUMBER_KINDS; k++)
		fprintf(out, "romline_numbers_free{kind=\"%s\"} %" PRId64 "\n", number_kind_name((enum number_kind)k),
		    free_now[k]);
	return true;
}

static bool put_all(FILE *out, struct http *h, struct err *e)
{
	int64_t newest;
	if (!query_newest(h->reader, &newest, e))
		return false;
	put_station(out, h);
	put_alone(out, "romline_journal_rows_total", "counter", "Rows of the journal.", newest);
	put_batches(out, h);
	put_requests(out, h);
	put_mes(out, h);
	put_head(out, "romline_attempts_total", "counter", "Ended attempts; refused ones are among the errors.");
	return query_totals(h->reader, put_total, out, e) && put_slots(out, h, e) && put_numbers(out, h, e);
}

bool api_metrics(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct text_out figures;
	if (!request_no_params(r, e))
		return false;
	FILE *out = text_begin(&figures);
	bool ok = !out || put_all(out, h, e);
	char *text = text_end(&figures, NULL);
	if (ok)
		return answer_text(a, 200, TYPE_METRICS, text, e);
	free(text);
	return false;
}
