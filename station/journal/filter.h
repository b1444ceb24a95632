/* A query's conditions as SQL: only those that are given, so that each statement can use the best index. */
#ifndef STATION_JOURNAL_FILTER_H
#define STATION_JOURNAL_FILTER_H

#include "journal/reader.h"

#include <stdio.h>

enum filter_of { OF_ATTEMPTS, OF_BATCHES, OF_UNITS, OF_RECIPES, OF_ACTIONS, OF_PEOPLE, OF_TOKENS };

struct filter {
	const struct query_filter *asked;
	enum filter_of of;
	char from[25], to[25]; /* in one form, "" when not asked for */
	int64_t first, behind; /* ids that can have started in that time; 0: no such condition */
};

/* Looks at from and to.  bad-request when they are no times. */
bool filter_make(struct reading *g, const struct query_filter *f, enum filter_of of, struct filter *out, struct err *e);
/* " WHERE ..." with every condition; parameters ?1 to ?20. */
void filter_print(const struct filter *f, FILE *sql);
/* A whole statement: head, conditions, tail.  The caller frees; NULL: no memory. */
char *filter_sql(const char *head, const struct filter *f, const char *tail);
void filter_bind(const struct filter *f, sqlite3_stmt *s);
unsigned filter_limit(const struct query_filter *f);

#endif
