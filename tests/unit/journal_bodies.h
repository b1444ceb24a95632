/* Bodies of rows for the journal's tests: a small factory day. */
#ifndef TESTS_JOURNAL_BODIES_H
#define TESTS_JOURNAL_BODIES_H

#include "format/json.h"
#include "journal/journal.h"
#include "journal/kinds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UID_1 "000000010000000200000003"
#define UID_2 "000000010000000200000004"
#define WHEN  "2026-11-20T21:54:07.123Z"

/* Text of JSON to a tree; the tests' own texts are right. */
static inline struct cJSON *tree_of(const char *text)
{
	struct err e = ERR_INIT;
	struct cJSON *tree = json_parse(span_of(text, strlen(text)), &e);
	if (!tree) {
		fprintf(stderr, "%s\n%s\n", text, e.msg);
		abort();
	}
	return tree;
}

/* Writes one row; its seq, 0 when refused. */
__attribute__((format(printf, 3, 4))) static inline int64_t put(
    struct journal *j, const char *kind, const char *format, ...)
{
	char text[4096];
	struct err e = ERR_INIT;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return journal_write(j, kind, tree_of(text), &e);
}

static inline int64_t put_recipe(struct journal *j, const char *sha, const char *name, int rollback)
{
	return put(j, KIND_RECIPE_ADDED,
	    "{\"sha256\":\"%s\",\"name\":\"%s\",\"version\":\"1.4.0\",\"rollback\":%d,\"board\":\"openmv-n6\","
	    "\"bytes\":4096,"
	    "\"not_before\":null,\"not_after\":null,\"units\":null,\"after\":\"run\",\"regions\":[{\"partition\":"
	    "\"ROMFS0\","
	    "\"payload\":\"payload/"
	    "romfs0.img\",\"kind\":\"romfs\",\"length\":123,\"crc32\":\"cbf43926\",\"sha256\":\"" SHA_B
	    "\",\"tail\":\"keep\"}],\"signers\":[{\"key\":\"0123456789ABCDEF\",\"roles\":[\"release\"]}],\"by\":null}",
	    sha, name, rollback);
}

static inline int64_t put_batch(struct journal *j, const char *sha, const char *order, int quantity)
{
	return put(j, KIND_BATCH_OPENED,
	    "{\"order\":\"%s\",\"recipe\":\"%s\",\"board\":\"openmv-n6\",\"quantity\":%d,\"key\":null,\"request\":null,"
	    "\"by\":\"anna\"}",
	    order, sha, quantity);
}

/* serials: its list, as JSON. */
static inline int64_t put_listed(struct journal *j, const char *board, const char *serials)
{
	return put(j, KIND_BATCH_OPENED,
	    "{\"order\":\"WO-L\",\"recipe\":\"" SHA_A "\",\"board\":\"%s\",\"quantity\":1,\"serials\":%s,"
	    "\"key\":null,\"request\":null,\"by\":\"anna\"}",
	    board, serials);
}

static inline int64_t put_start(
    struct journal *j, const char *uid, int64_t batch, const char *order, const char *sha, int slot)
{
	return put(j, KIND_ATTEMPT_STARTED,
	    "{\"slot\":%d,\"path\":\"1-1.%d\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":\"anna\","
	    "\"started_at\":\"" WHEN "\",\"uid\":\"%s\",\"usb_serial\":\"204C3\",\"batch\":\"%lld\",\"order\":\"%s\","
	    "\"recipe\":\"%s\",\"versions\":{\"bootloader\":\"1.0.3\"}}",
	    slot, slot, uid, (long long)batch, order, sha);
}

/* It gets a serial and a MAC number, by the MES's word. */
static inline int64_t put_numbered(struct journal *j, const char *uid, const char *serial, const char *mac)
{
	return put(j, KIND_ATTEMPT_STARTED,
	    "{\"slot\":1,\"path\":\"1-1.1\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"" WHEN "\",\"uid\":\"%s\",\"usb_serial\":\"204C3\",\"batch\":null,\"order\":null,"
	    "\"recipe\":\"" SHA_A "\",\"new_serial\":\"%s\",\"new_mac\":\"%s\",\"number_source\":\"mes\",\"permit\":"
	    "\"granted\",\"permit_message\":\"with care\"}",
	    uid, serial, mac);
}

/* It gets a serial for this batch; 0: outside of any. */
static inline int64_t put_given(struct journal *j, const char *uid, int64_t batch, const char *serial)
{
	char name[24];
	snprintf(name, sizeof name, batch ? "\"%lld\"" : "null", (long long)batch);
	return put(j, KIND_ATTEMPT_STARTED,
	    "{\"slot\":1,\"path\":\"1-1.1\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"" WHEN "\",\"uid\":\"%s\",\"usb_serial\":\"204C3\",\"batch\":%s,\"order\":null,"
	    "\"recipe\":\"" SHA_A "\",\"new_serial\":\"%s\",\"number_source\":\"pool\"}",
	    uid, name, serial);
}

/* It gets a serial and a MAC number of the pool, of which the recipe writes the serial into the camera. */
static inline int64_t put_filled(struct journal *j, const char *uid, const char *serial, const char *mac)
{
	return put(j, KIND_ATTEMPT_STARTED,
	    "{\"slot\":1,\"path\":\"1-1.1\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"" WHEN "\",\"uid\":\"%s\",\"usb_serial\":\"204C3\",\"batch\":null,\"order\":null,"
	    "\"recipe\":\"" SHA_A "\",\"new_serial\":\"%s\",\"new_mac\":\"%s\",\"number_source\":\"pool\","
	    "\"unit_data\":[\"serial\"]}",
	    uid, serial, mac);
}

/* At a person's word, outside of any batch. */
static inline int64_t put_deploy(struct journal *j, const char *uid, const char *sha, const char *kind)
{
	return put(j, KIND_ATTEMPT_STARTED,
	    "{\"slot\":1,\"path\":\"1-1.1\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"" WHEN "\",\"uid\":\"%s\",\"usb_serial\":\"204C3\",\"batch\":null,\"order\":null,"
	    "\"recipe\":\"%s\",\"attempt_kind\":\"%s\"}",
	    uid, sha, kind);
}

static inline int64_t put_step(struct journal *j, int64_t attempt, const char *step, const char *outcome)
{
	return put(j, KIND_ATTEMPT_STEP,
	    "{\"attempt\":\"%lld\",\"step\":\"%s\",\"started_at\":\"" WHEN "\",\"ms\":12,\"bytes\":4096,\"units\":1,"
	    "\"skipped\":0,\"outcome\":\"%s\"}",
	    (long long)attempt, step, outcome);
}

static inline int64_t put_writing(struct journal *j, int64_t attempt)
{
	return put(j, KIND_ATTEMPT_WRITING, "{\"attempt\":\"%lld\"}", (long long)attempt);
}

static inline int64_t put_end(struct journal *j, int64_t attempt, const char *verdict, const char *code)
{
	return put(j, KIND_ATTEMPT_ENDED,
	    "{\"attempt\":\"%lld\",\"verdict\":\"%s\",\"refused\":false,\"code\":\"%s\",\"message\":null,\"action\":"
	    "null,"
	    "\"retries\":0,\"proof\":\"run\",\"regions\":[{\"partition\":\"ROMFS0\",\"length\":123,\"crc32\":"
	    "\"cbf43926\","
	    "\"crc32_read\":\"cbf43926\",\"sha256_read\":\"" SHA_B "\",\"files\":3}],"
	    "\"versions\":{\"firmware\":\"4.7.0\"}}",
	    (long long)attempt, verdict, code);
}

static inline int64_t put_refusal(struct journal *j, const char *uid, const char *code)
{
	return put(j, KIND_ATTEMPT_REFUSED,
	    "{\"slot\":2,\"path\":\"1-1.2\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"" WHEN "\",\"uid\":%s,\"usb_serial\":\"X\",\"batch\":null,\"order\":null,\"recipe\":null,"
	    "\"code\":\"%s\",\"message\":\"m\",\"action\":\"a\",\"steps\":[{\"step\":\"identified\",\"started_at\":"
	    "\"" WHEN "\",\"ms\":3,\"bytes\":0,\"units\":0,\"skipped\":0,\"outcome\":\"ok\"}]}",
	    uid, code);
}

/* A camera that passes: start, steps, writing, end.  Returns the attempt. */
static inline int64_t put_pass(
    struct journal *j, const char *uid, int64_t batch, const char *order, const char *sha, int slot)
{
	int64_t a = put_start(j, uid, batch, order, sha, slot);
	put_step(j, a, "identified", "ok");
	put_step(j, a, "admitted", "ok");
	put_writing(j, a);
	put_step(j, a, "written", "ok");
	put_step(j, a, "proved", "ok");
	put_end(j, a, "PASS", "ok");
	return a;
}

/* name, role, pin and badge as JSON */
#define PERSON_ADDED                                                                                                   \
	"{\"person\":\"%s\",\"role\":\"%s\",\"pin\":%s,\"badge\":%s,\"by\":\"local\",\"from\":\"127.0.0.1\"}"
/* name, hash */
#define TOKEN_CREATED                                                                                                  \
	"{\"name\":\"%s\",\"hash\":\"%s\",\"scopes\":[\"read\",\"batches\"],\"expires_at\":\"" WHEN                    \
	"\",\"by\":\"anna\"}"

/* A fresh folder for one test; its database and key. */
struct place {
	char folder[64], db[96], key[96], witness[96];
};

static inline void place_make(struct place *p)
{
	char folder[] = "/tmp/romline-journal-XXXXXX";
	if (!mkdtemp(folder))
		abort();
	snprintf(p->folder, sizeof p->folder, "%s", folder);
	snprintf(p->db, sizeof p->db, "%s/journal.db", folder);
	snprintf(p->key, sizeof p->key, "%s/station.key", folder);
	snprintf(p->witness, sizeof p->witness, "%s/checkpoints", folder);
}

static inline void place_remove(struct place *p)
{
	static const char *const names[] = { "journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock",
		"station.key", "station.key.pub", "checkpoints", "other.key", "other.key.pub", "copy.db", "copy.db-wal",
		"copy.db-shm" };
	char path[160];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%.63s/%s", p->folder, names[i]);
		remove(path);
	}
	remove(p->folder);
}

static inline bool place_open(const struct place *p, struct journal **j, struct err *e)
{
	struct journal_options o = { p->db, "line-1", p->key, p->witness };
	return journal_open(&o, j, e);
}

#endif
