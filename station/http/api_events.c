/* The event stream and the export: answers that come in pieces. */
#include "http/api.h"

#include "http/events.h"
#include "http/params.h"

#include <stdlib.h>
#include <string.h>

static void answer_source(struct answer *a, const char *type, const struct source *source)
{
	a->status = 200;
	a->type = type;
	a->source = *source;
}

/* The header wins: a browser that reconnects sends it, while its address still has the parameter that it began with. */
bool api_events(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct source source;
	const char *last = r->last_event_id ? r->last_event_id : uri_param(&r->uri, r->params);
	for (unsigned i = 0; i < r->uri.param_count; i++)
		if (strcmp(r->uri.params[i].name, r->params) != 0)
			return err_set(
			    e, CODE_BAD_REQUEST, "there is no parameter '%.32s' here", r->uri.params[i].name);
	if (!events_join(h->events, last, &source, e))
		return false;
	answer_source(a, TYPE_EVENTS, &source);
	return true;
}

/* --- the export --------------------------------------------------------------------------------------------------- */

struct export
{
	struct journal_reader *reader; /* borrowed */
	struct list_filter filter;     /* into the request, which outlives its answer */
	enum export_kind kind;
	int64_t next; /* 0: the text is the last page */
	char *text;   /* owned */
	size_t size, at;
};

/* A page is one short read of the journal, however slow the client is. */
static bool next_page(struct export *x, struct err *e)
{
	free(x->text);
	x->text = NULL;
	x->at = 0;
	if (!query_export(x->reader, &x->filter.query, x->kind, &x->next, &x->text, e))
		return false;
	x->size = strlen(x->text);
	return true;
}

static long read_export(void *context, struct flow *flow, char *out, size_t size)
{
	struct export *x = context;
	struct err why = ERR_INIT;
	(void)flow;
	if (x->at == x->size && !x->next)
		return SOURCE_END;
	if (x->at == x->size && !next_page(x, &why))
		return SOURCE_FAILED;
	size_t n = x->size - x->at < size ? x->size - x->at : size;
	memcpy(out, x->text + x->at, n);
	x->at += n;
	return n ? (long)n : SOURCE_END;
}

static void end_export(void *context)
{
	struct export *x = context;
	free(x->text);
	free(x);
}

static bool export_as(
    struct http *h, struct request *r, enum export_kind kind, const char *type, struct answer *a, struct err *e)
{
	struct export *x = calloc(1, sizeof *x);
	if (!x)
		return err_set(e, CODE_NO_MEMORY, "no memory for the export");
	x->reader = h->reader;
	x->kind = kind;
	if (!params_read(&r->uri, r->params, &x->filter, e) || !next_page(x, e)) {
		end_export(x);
		return false;
	}
	answer_source(a, type, &(struct source){ .read = read_export, .end = end_export, .context = x });
	return true;
}

bool api_export_csv(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return export_as(h, r, EXPORT_CSV, TYPE_CSV, a, e);
}

bool api_export_audit(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return export_as(h, r, EXPORT_AUDIT, TYPE_CSV, a, e);
}

bool api_export_json(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return export_as(h, r, EXPORT_JSON, TYPE_JSON, a, e);
}
