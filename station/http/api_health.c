/* The station's own health: disk, journal, clock, queues, versions, devices without a slot, the end of its log. */
#include "http/api.h"

#include "base/timefmt.h"
#include "base/version.h"
#include "format/json.h"
#include "http/events.h"
#include "http/slow.h"
#include "journal/journal.h"
#include "os/clock.h"
#include "os/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

static int64_t size_of(const char *path)
{
	struct stat s;
	return stat(path, &s) ? 0 : (int64_t)s.st_size;
}

static bool add_journal(struct cJSON *parent, struct http *h, struct err *e)
{
	char wal[PATH_MAX + 8];
	int64_t newest;
	struct query_mark mark;
	if (!query_newest(h->reader, &newest, e) || !query_checkpoint(h->reader, &mark, e))
		return false;
	snprintf(wal, sizeof wal, "%s-wal", h->journal_file);
	struct cJSON *json = json_add_object(parent, "journal");
	json_add_u64_text(json, "rows", (uint64_t)newest);
	json_add_u64_text(json, "bytes", (uint64_t)size_of(h->journal_file));
	json_add_u64_text(json, "log_bytes", (uint64_t)size_of(wal));
	struct cJSON *point = mark.size ? json_add_object(json, "checkpoint") : NULL;
	if (!point)
		json_add_null(json, "checkpoint");
	else {
		json_add_u64_text(point, "rows", (uint64_t)mark.size);
		json_add_string(point, "at", mark.at);
	}
	return true;
}

static void add_disk(struct cJSON *parent, const struct http *h)
{
	struct statvfs v;
	struct cJSON *json = json_add_object(parent, "disk");
	bool known = !statvfs(h->journal_file, &v);
	json_add_u64_text(json, "bytes", known ? (uint64_t)v.f_blocks * v.f_frsize : 0);
	json_add_u64_text(json, "free", known ? (uint64_t)v.f_bavail * v.f_frsize : 0);
}

static void add_clock(struct cJSON *parent, struct http *h)
{
	char now[TIME_TEXT_SIZE];
	struct timex t = { .modes = 0 };
	bool known = adjtimex(&t) >= 0;
	struct cJSON *json = json_add_object(parent, "clock");
	time_format(now, clock_wall_ms());
	json_add_string(json, "time", now);
	json_add_integer(json, "behind_ms", journal_clock_lag(h->o.journal));
	if (known)
		json_add_bool(json, "synchronized", !(t.status & STA_UNSYNC));
	else
		json_add_null(json, "synchronized");
}

static void add_queues(struct cJSON *parent, struct http *h)
{
	struct cJSON *json = json_add_object(parent, "queues");
	json_add_integer(json, "journal", journal_queued(h->o.journal));
	json_add_integer(json, "long_questions", slow_waiting(h->slow));
	json_add_integer(json, "event_clients", events_clients(h->events));
}

static void add_versions(struct cJSON *parent)
{
	struct cJSON *json = json_add_object(parent, "versions");
	json_add_string(json, "stationd", STATION_VERSION);
	json_add_string(json, "sqlite", journal_library());
	json_add_string(json, "libmicrohttpd", http_library());
}

static void add_strangers(struct cJSON *parent, struct http *h)
{
	struct stranger list[LINE_MAX_STRANGERS];
	unsigned count = line_strangers(h->o.line, list, LINE_MAX_STRANGERS);
	struct cJSON *json = json_add_array(parent, "strangers");
	for (unsigned i = 0; i < count && i < LINE_MAX_STRANGERS; i++) {
		char id[12];
		struct cJSON *item = json_add_object(json, NULL);
		snprintf(id, sizeof id, "%04x:%04x", list[i].vid, list[i].pid);
		json_add_string(item, "path", list[i].path);
		json_add_string(item, "usb_id", id);
		json_add_string(item, "why", list[i].board ? "no slot" : "no board");
	}
}

static void add_line(void *context, const char *line)
{
	json_add_string(context, NULL, line);
}

bool api_health(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	char started[TIME_TEXT_SIZE];
	if (!request_no_params(r, e))
		return false;
	struct cJSON *json = json_new_object();
	time_format(started, h->started);
	json_add_string(json, "started_at", started);
	if (!add_journal(json, h, e)) {
		json_free(json);
		return false;
	}
	add_disk(json, h);
	add_clock(json, h);
	add_queues(json, h);
	add_versions(json);
	add_strangers(json, h);
	log_tail(add_line, json_add_array(json, "log"));
	return answer_json(a, 200, json, e);
}
