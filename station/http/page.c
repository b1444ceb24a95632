/* The line without any script, for browsers that run none: the slots as a table, drawn anew every two seconds. */
#include "http/api.h"

#include "journal/journal.h"
#include "os/text_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{font:18px/1.4 system-ui,sans-serif;margin:1.5rem;color:#111;background:#fff}\n"
    "h1{font-size:1.6rem;margin:0 0 .5rem}\n"
    "p.held{background:#B3261E;color:#fff;padding:.8rem 1rem;font-weight:bold}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.5rem .7rem;border-bottom:1px solid #bbb;vertical-align:top}\n"
    "td.word{font-weight:bold;font-size:1.4rem;white-space:nowrap}\n"
    ".pass{background:#007A5E;color:#fff}\n"
    ".fail{background:#B3261E;color:#fff}\n"
    ".error{background:#8A5A00;color:#fff}\n"
    ".run{background:#0B57D0;color:#fff}\n";

bool page_style(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	(void)h;
	return request_no_params(r, e) && answer_text(a, 200, TYPE_CSS, strdup(style), e);
}

/* Text from outside as HTML. */
static void put(FILE *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		switch (*c) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*c, out);
		}
	}
}

struct word {
	const char *text, *style;
};

/* What a lamp says: never colour alone, always a word. */
static struct word word_of(const struct slot_view *v)
{
	if (v->state == US_UNRECORDED)
		return (struct word){ "DO NOT SHIP", "fail" };
	if (v->state == US_PASSED && v->deploy)
		return (struct word){ "DEPLOYED", "run" };
	if (v->state == US_PASSED && v->verdict == VERDICT_PASS)
		return (struct word){ "PASS", "pass" };
	if (v->state == US_FAILED)
		return (struct word){ "FAIL", "fail" };
	if (v->state == US_ERROR || v->state == US_REFUSED || v->state == US_ABORTED || v->state == US_ASKING)
		return (struct word){ v->state == US_REFUSED   ? "REFUSED"
				      : v->state == US_ASKING  ? "ASKING"
				      : v->state == US_ABORTED ? "ABORTED"
							       : "ERROR",
			"error" };
	if (unit_busy(v->state))
		return (struct word){ "WORKING", "run" };
	if (!v->enabled)
		return (struct word){ "DISABLED", "error" };
	return (struct word){ v->state == US_RUNNING ? "RUNNING" : "EMPTY", "" };
}

static void put_slot(FILE *out, const struct slot_view *v)
{
	struct word word = word_of(v);
	bool code = slot_has_code(v);
	fprintf(out, "<tr><td>%u", v->slot);
	fputs("</td><td>", out);
	put(out, v->name);
	fprintf(out, "</td><td class=\"word %s\">%s</td><td>%s", word.style, word.text, unit_state_name(v->state));
	if (v->step && *v->step && v->total_bytes)
		fprintf(out, " %llu %%", (unsigned long long)(v->done_bytes * 100 / v->total_bytes));
	fputs("</td><td>", out);
	put(out, code ? code_name(v->code) : "");
	fputs("</td><td>", out);
	put(out, *v->message ? v->message : code ? code_sentence(v->code) : "");
	if (code) {
		fputs(" <strong>", out);
		put(out, v->deploy && v->code == CODE_OK ? DEPLOYED_ACTION : code_action(v->code));
		fputs("</strong>", out);
	}
	fputs("</td><td>", out);
	put(out, v->uid);
	fputs("</td></tr>\n", out);
}

static void put_batches(FILE *out, struct line *l)
{
	struct batch_view views[64];
	unsigned count = line_batches(l, views, 64);
	if (!count)
		fputs("<p>No batch is open.</p>\n", out);
	for (unsigned i = 0; i < count && i < 64; i++) {
		fprintf(out, "<p>Batch %s, order ", views[i].id);
		put(out, views[i].order);
		fputs(", ", out);
		put(out, views[i].board);
		fprintf(out, ": %lld of %lld passed, %s", (long long)views[i].passed, (long long)views[i].quantity,
		    batch_state_name(views[i].state));
		if (*views[i].reason)
			fputs(": ", out);
		put(out, views[i].reason);
		fputs("</p>\n", out);
	}
}

static void put_page(FILE *out, struct http *h, const struct slot_list *list)
{
	enum code held = line_held(h->o.line);
	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta http-equiv=\"refresh\" content=\"2\">"
	      "<meta name=\"viewport\" content=\"width=device-width\">"
	      "<link rel=\"stylesheet\" href=\"/style.css\"><title>",
	    out);
	put(out, h->station);
	fputs("</title></head><body>\n<h1>Station ", out);
	put(out, h->station);
	fputs("</h1>\n", out);
	if (held != CODE_OK)
		fprintf(out, "<p class=\"held\">HELD: %s %s</p>\n", code_sentence(held), code_action(held));
	put_batches(out, h->o.line);
	fputs("<table><thead><tr><th>Slot</th><th>Name</th><th>Lamp</th><th>State</th><th>Code</th>"
	      "<th>What to do</th><th>UID</th></tr></thead><tbody>\n",
	    out);
	for (unsigned i = 0; i < list->count; i++)
		put_slot(out, &list->slots[i]);
	fputs("</tbody></table>\n", out);
	if (!list->count)
		fputs("<p>No camera has been plugged in yet.</p>\n", out);
	fputs("</body></html>\n", out);
}

bool page_line(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct text_out text;
	struct slot_list *list = request_no_params(r, e) ? slots_now(h->o.line, e) : NULL;
	if (!list)
		return false;
	FILE *out = text_begin(&text);
	if (out)
		put_page(out, h, list);
	free(list);
	return answer_text(a, 200, TYPE_HTML, text_end(&text, NULL), e);
}
