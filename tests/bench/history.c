/* A journal of many attempts, made by the journal's own writer in large groups: every row is chained and applied as if
 * it had come one by one.
 *
 *   history FOLDER ATTEMPTS     FOLDER/journal.db, FOLDER/station.key; two attempts per unit, one unit in 50 fails
 *
 * Each attempt has three rows: started, writing, its verdict; one in ten has a step beside them. */
#include <time.h>

#include "base/timefmt.h"
#include "journal/store.h"
#include "os/log.h"
#include "tests/unit/journal_bodies.h"

#define STEP_EVERY 10
#define GROUP      20000
#define PER_WORK   10000         /* attempts of an order */
#define BEGIN_MS   1767225600000 /* 2026-01-01 */

static struct store store;
static int64_t at = BEGIN_MS;
static int in_group;

static _Noreturn void die(const struct err *e)
{
	fprintf(stderr, "history: %s\n", e->msg);
	exit(1);
}

static void regroup(bool last)
{
	struct err e = ERR_INIT;
	if (in_group && !store_commit(&store, &e))
		die(&e);
	in_group = 0;
	store_settle(&store, last);
	if (!last && !store_begin(&store, false, &e))
		die(&e);
}

/* One row; its body without kind and time. */
__attribute__((format(printf, 2, 3))) static int64_t row(const char *kind, const char *format, ...)
{
	char members[2048], body[2304], time[TIME_TEXT_SIZE];
	struct err e = ERR_INIT;
	bool lost = false;
	va_list args;
	va_start(args, format);
	vsnprintf(members, sizeof members, format, args);
	va_end(args);
	time_format(time, at);
	snprintf(body, sizeof body, "{\"kind\":\"%s\",\"at\":\"%s\",%s}", kind, time, members);
	if (in_group == GROUP)
		regroup(false);
	AUTO_JSON struct cJSON *tree = json_parse(span_of(body, strlen(body)), &e);
	struct wish w = { kind, body, tree, at };
	int64_t seq = tree ? store_add(&store, &w, &lost, &e) : 0;
	if (!seq || lost)
		die(&e);
	in_group++;
	return seq;
}

static int64_t open_batch(int number)
{
	return row(KIND_BATCH_OPENED,
	    "\"order\":\"WO-%d\",\"recipe\":\"" SHA_A "\",\"board\":\"openmv-n6\",\"quantity\":%d,\"key\":null,"
	    "\"request\":null,\"by\":null",
	    number, PER_WORK);
}

static void attempt(int n, int units, int64_t batch)
{
	char started[TIME_TEXT_SIZE];
	unsigned unit = (unsigned)(n % units);
	bool fails = unit % 50 == 7 && n < units;
	time_format(started, at);
	int64_t id = row(KIND_ATTEMPT_STARTED,
	    "\"slot\":%d,\"path\":\"1-%d.%d\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"%s\",\"uid\":\"%08x%08x%08x\",\"usb_serial\":\"%08X\",\"batch\":\"%lld\",\"order\":\"WO-%"
	    "d\","
	    "\"recipe\":\"" SHA_A "\",\"versions\":{\"bootloader\":\"1.0.3\"}",
	    n % 64 + 1, n % 64 / 8 + 1, n % 8 + 1, started, unit * 2654435761u, unit, 7u, unit, (long long)batch,
	    n / PER_WORK);
	row(KIND_ATTEMPT_WRITING, "\"attempt\":\"%lld\"", (long long)id);
	if (n % STEP_EVERY == 0)
		row(KIND_ATTEMPT_STEP,
		    "\"attempt\":\"%lld\",\"step\":\"written\",\"started_at\":\"%s\",\"ms\":1200,\"bytes\":4096,"
		    "\"units\":1,"
		    "\"skipped\":0,\"outcome\":\"ok\"",
		    (long long)id, started);
	row(KIND_ATTEMPT_ENDED,
	    "\"attempt\":\"%lld\",\"verdict\":\"%s\",\"refused\":false,\"code\":\"%s\",\"message\":null,\"action\":"
	    "null,"
	    "\"retries\":0,\"proof\":\"run-serial\",\"regions\":[{\"partition\":\"ROMFS0\",\"length\":123,\"crc32\":"
	    "\"cbf43926\",\"crc32_read\":\"cbf43926\",\"sha256_read\":\"" SHA_B "\",\"files\":3}]",
	    (long long)id, fails ? "FAIL" : "PASS", fails ? "flash-mismatch" : "ok");
	at += 1000;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	char db[256], key[256];
	int count = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0, units = count / 2;
	int64_t batch = 0;
	if (count < 2 || count > 10000000) {
		fprintf(stderr, "usage: history FOLDER ATTEMPTS\n");
		return 2;
	}
	snprintf(db, sizeof db, "%s/journal.db", argv[1]);
	snprintf(key, sizeof key, "%s/station.key", argv[1]);
	log_setup(LOG_ERR, LOG_TEXT);
	if (!store_open(&store, db, "test", key, NULL, &e) || !store_begin(&store, false, &e))
		die(&e);
	row(KIND_RECIPE_ADDED,
	    "\"sha256\":\"" SHA_A
	    "\",\"name\":\"cam\",\"version\":\"1\",\"rollback\":0,\"board\":\"openmv-n6\",\"bytes\":1,"
	    "\"not_before\":null,\"not_after\":null,\"units\":null,\"after\":\"run\",\"regions\":[],\"signers\":[],"
	    "\"by\":null");
	for (int n = 0; n < count; n++) {
		if (n % PER_WORK == 0) {
			if (batch)
				row(KIND_BATCH_CLOSED, "\"batch\":\"%lld\",\"by\":null", (long long)batch);
			batch = open_batch(n / PER_WORK);
		}
		attempt(n, units, batch);
	}
	row(KIND_BATCH_CLOSED, "\"batch\":\"%lld\",\"by\":null", (long long)batch);
	regroup(true);
	if (!store_checkpoint(&store, at, &e))
		die(&e);
	store_close(&store);
	return 0;
}
