/* Prints a station's answers for people: fields, lines, lists. */
#include "ctl/live.h"

#include "format/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX ((int64_t)1 << 53)

/* The member as text; `-` for null, missing, or what has no short form. */
static const char *text_of(const struct cJSON *object, const char *key, char number[24])
{
	const struct cJSON *item = json_member(object, key);
	const char *text = item ? json_text(item) : NULL;
	int64_t value;
	bool flag;
	if (text)
		return text;
	if (item && json_whole(item, -NUMBER_MAX, NUMBER_MAX, &value)) {
		snprintf(number, 24, "%" PRId64, value);
		return number;
	}
	if (item && json_bool(object, key, &flag, NULL))
		return flag ? "yes" : "no";
	return NULL;
}

void live_field(const struct cJSON *object, const char *key, unsigned width)
{
	char number[24];
	const char *text = text_of(object, key, number);
	if (!text)
		text = "-";
	size_t size = strlen(text);
	ctl_print_text(span_of(text, size));
	for (; size < width; size++)
		putchar(' ');
	if (width)
		putchar(' ');
}

void live_line(const struct cJSON *object, const char *key)
{
	char number[24];
	const char *text = text_of(object, key, number);
	if (!text)
		return;
	printf("%s: ", key);
	ctl_print_text(span_of(text, strlen(text)));
	putchar('\n');
}

void live_items(const struct cJSON *list, live_show *each)
{
	const struct cJSON *items;
	const char *next;
	if (!json_array(list, "items", &items, NULL))
		return;
	for (const struct cJSON *item = json_first(items); item; item = json_after(item))
		each(item);
	if (json_string_or_null(list, "next", &next, NULL) && next) {
		fputs("more: --cursor ", stdout);
		ctl_print_text(span_of(next, strlen(next)));
		putchar('\n');
	}
}
