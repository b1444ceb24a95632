/* The file of the place in the journal. */
#include "mes/place.h"

#include "format/json.h"
#include "mes/rules.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT   "romline.mes.1"
#define MAX_FILE 4096

static bool read_text(struct span text, int64_t *seq, char uuid[UUID_SIZE], struct err *e)
{
	const char *format, *row, *id;
	AUTO_JSON struct cJSON *json = json_parse(text, e);
	if (!json || !json_string(json, "format", &format, e) || !json_string(json, "row", &row, e) ||
	    !json_string(json, "event", &id, e) || strcmp(format, FORMAT) != 0)
		return false;
	snprintf(uuid, UUID_SIZE, "%s", id);
	size_t n = strspn(row, "0123456789");
	*seq = n && n <= 18 && !row[n] ? strtoll(row, NULL, 10) : 0;
	return *seq > 0;
}

bool place_load(const char *path, struct journal_reader *r, int64_t *seq, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	char uuid[UUID_SIZE], ours[UUID_SIZE];
	struct told_row row = { .body = NULL };
	struct err why = ERR_INIT;
	int64_t at;
	*seq = 0;
	if (!file_read(path, MAX_FILE, &text, &size, &why) || !read_text(span_of(text, size), &at, uuid, &why))
		return true;
	if (!query_told_row(r, at, &row, &why)) {
		if (why.code == CODE_NOT_FOUND)
			return true;
		*e = why;
		return false;
	}
	free(row.body);
	uuid_text(row.hash, ours);
	if (!strcmp(ours, uuid))
		*seq = at;
	return true;
}

bool place_save(const char *path, struct journal_reader *r, int64_t seq, struct err *e)
{
	char uuid[UUID_SIZE], text[160];
	struct told_row row = { .body = NULL };
	if (!query_told_row(r, seq, &row, e))
		return false;
	free(row.body);
	uuid_text(row.hash, uuid);
	int n = snprintf(
	    text, sizeof text, "{\"format\":\"" FORMAT "\",\"row\":\"%lld\",\"event\":\"%s\"}\n", (long long)seq, uuid);
	return file_write_atomic(path, span_of(text, (size_t)n), 0600, e);
}
