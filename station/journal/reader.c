/* A reader's connections. */
#include "journal/reader.h"

#include "os/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 8
#define STATEMENTS  48
#define WAIT_MS     10000

struct kept {
	char *sql; /* owned */
	sqlite3_stmt *stmt;
	unsigned long used; /* when, by the connection's own count */
};

struct reading {
	struct journal_reader *reader; /* borrowed */
	sqlite3 *db;                   /* NULL: never opened */
	bool lent;
	unsigned long clock;
	struct kept kept[STATEMENTS];
};

struct journal_reader {
	char *path;
	pthread_mutex_t mutex; /* guards `lent` of all */
	pthread_cond_t given;
	struct reading readings[CONNECTIONS];
};

static void forget(struct kept *k)
{
	sqlite3_finalize(k->stmt);
	free(k->sql);
	*k = (struct kept){ NULL, NULL, 0 };
}

bool journal_reader_open(const char *path, struct journal_reader **out, struct err *e)
{
	struct journal_reader *r = calloc(1, sizeof *r);
	*out = NULL;
	if (r)
		r->path = strdup(path);
	if (!r || !r->path) {
		free(r);
		return err_set(e, CODE_NO_MEMORY, "no memory for a reader of the journal");
	}
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->given, NULL);
	for (int i = 0; i < CONNECTIONS; i++)
		r->readings[i].reader = r;
	/* The first one tells whether there is a journal at all. */
	struct reading *g = reading_begin(r, e);
	bool ok = g && reading_prepare(g, "SELECT max(seq) FROM journal", e);
	reading_end(&g);
	if (!ok) {
		journal_reader_close(r);
		return false;
	}
	*out = r;
	return true;
}

void journal_reader_close(struct journal_reader *r)
{
	if (!r)
		return;
	for (int i = 0; i < CONNECTIONS; i++) {
		for (int k = 0; k < STATEMENTS; k++)
			forget(&r->readings[i].kept[k]);
		sqlite3_close(r->readings[i].db);
	}
	pthread_cond_destroy(&r->given);
	pthread_mutex_destroy(&r->mutex);
	free(r->path);
	free(r);
}

static struct reading *find_free(struct journal_reader *r)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (!r->readings[i].lent)
			return &r->readings[i];
	return NULL;
}

struct reading *reading_begin(struct journal_reader *r, struct err *e)
{
	struct timespec until = clock_deadline(WAIT_MS);
	struct reading *g;
	int rc = 0;
	pthread_mutex_lock(&r->mutex);
	while (!(g = find_free(r)) && !rc)
		rc = pthread_cond_clockwait(&r->given, &r->mutex, CLOCK_MONOTONIC, &until);
	if (g)
		g->lent = true;
	pthread_mutex_unlock(&r->mutex);
	if (!g) {
		err_set(e, CODE_JOURNAL_FAILED, "all %d readers of the journal are busy", CONNECTIONS);
		return NULL;
	}
	if (!g->db && !sql_open_readonly(r->path, false, &g->db, e)) {
		reading_end(&g);
		return NULL;
	}
	return g;
}

void reading_end(struct reading **lent)
{
	struct reading *g = *lent;
	if (!g)
		return;
	for (int k = 0; k < STATEMENTS; k++) {
		if (!g->kept[k].stmt)
			continue;
		sqlite3_reset(g->kept[k].stmt);
		sqlite3_clear_bindings(g->kept[k].stmt);
	}
	pthread_mutex_lock(&g->reader->mutex);
	g->lent = false;
	pthread_cond_signal(&g->reader->given);
	pthread_mutex_unlock(&g->reader->mutex);
	*lent = NULL;
}

sqlite3_stmt *reading_prepare(struct reading *g, const char *sql, struct err *e)
{
	if (!g)
		return NULL;
	struct kept *oldest = &g->kept[0];
	for (int k = 0; k < STATEMENTS; k++) {
		if (g->kept[k].sql && !strcmp(g->kept[k].sql, sql)) {
			g->kept[k].used = ++g->clock;
			return g->kept[k].stmt;
		}
		if (g->kept[k].used < oldest->used)
			oldest = &g->kept[k];
	}
	forget(oldest);
	oldest->stmt = sql_prepare(g->db, sql, e);
	if (!oldest->stmt)
		return NULL;
	oldest->sql = strdup(sql);
	oldest->used = ++g->clock;
	return oldest->stmt;
}

int reading_step(sqlite3_stmt *s, struct err *e)
{
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	sql_error(sqlite3_db_handle(s), e, "the journal cannot be read");
	return -1;
}
