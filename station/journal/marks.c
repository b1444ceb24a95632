/* Collecting checkpoints and checking their signatures. */
#include "journal/marks.h"

#include "journal/witness.h"

#include <stdlib.h>
#include <string.h>

static void keep(struct marks *m, const struct checkpoint *c, bool filed)
{
	if (m->count == m->room) {
		size_t room = m->room ? 2 * m->room : 256;
		struct mark *items = realloc(m->items, room * sizeof *items);
		if (!items) {
			m->no_memory = true;
			return;
		}
		m->items = items;
		m->room = room;
	}
	m->items[m->count].size = c->size;
	m->items[m->count].filed = filed;
	memcpy(m->items[m->count++].head, c->head, CHAIN_HASH_SIZE);
}

/* A checkpoint of another station is as good as one of nobody. */
static bool take(struct marks *m, struct span text, const uint8_t *signature, int64_t size, bool filed)
{
	struct checkpoint c;
	if (!checkpoint_parse(text, &c) || strcmp(c.station, m->station) != 0 || (size && c.size != size) ||
	    !signature_valid(m->public, text, signature))
		return false;
	keep(m, &c, filed);
	return true;
}

static bool add_record(void *context, bool valid, struct span text, const uint8_t signature[SIGNATURE_SIZE])
{
	struct marks *m = context;
	if (!valid || !take(m, text, signature, 0, true))
		m->bad++;
	return !m->no_memory;
}

void marks_add_file(struct marks *m, struct span file)
{
	witness_each(file, add_record, m);
}

bool marks_add_database(struct marks *m, sqlite3 *db, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = sql_prepare(db, "SELECT size, text, signature FROM checkpoint", e);
	if (!s)
		return false;
	int rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && !m->no_memory) {
		const void *text = sqlite3_column_blob(s, 1), *signature = sqlite3_column_blob(s, 2);
		struct span span = span_of(text, (size_t)sqlite3_column_bytes(s, 1));
		if (!text || sqlite3_column_bytes(s, 2) != SIGNATURE_SIZE ||
		    !take(m, span, signature, sqlite3_column_int64(s, 0), false))
			m->bad++;
	}
	if (m->no_memory)
		return err_set(e, CODE_NO_MEMORY, "no memory for the checkpoints");
	return rc == SQLITE_DONE || sql_error(db, e, "the checkpoints cannot be read");
}

static int by_size(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->filed - y->filed; /* the database's first */
}

void marks_sort(struct marks *m)
{
	if (m->count)
		qsort(m->items, m->count, sizeof *m->items, by_size);
}

int64_t marks_missing(const struct marks *m)
{
	int64_t stored = 0;
	for (size_t i = 0; i < m->count; i++) {
		if (!m->items[i].filed)
			stored = m->items[i].size;
		else if (m->items[i].size != stored)
			return m->items[i].size;
	}
	return 0;
}

void marks_clear(struct marks *m)
{
	free(m->items);
	m->items = NULL;
	m->count = m->room = 0;
}
