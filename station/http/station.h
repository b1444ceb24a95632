/* A whole station: every part of it, built from its configuration from the bottom up and taken down the other way
 * round. stationd is one for as long as it runs, stationctl for one order where no stationd runs. */
#ifndef STATION_HTTP_STATION_H
#define STATION_HTTP_STATION_H

#include "http/http.h"
#include "line/trust.h"
#include "mes/mes.h"

#include <limits.h>

struct station {
	struct conf conf;
	bool bench; /* nothing starts by itself */
	/* the parts, in the order in which they are built */
	char journal_path[PATH_MAX], key_path[PATH_MAX];
	struct board_set boards;
	struct trust *trust;
	struct role_list require;
	struct journal *journal;
	struct recipe_store *store;
	struct mes mes;
	struct challenge_list challenge;
	struct labels *labels;
	struct line *line;
	struct http *http;
	bool watching;
	int64_t started; /* the row of this start */
};

/* Boards, trusted keys, roles and the line file; nothing else is touched. */
bool station_read_rules(struct station *s, struct err *e);
/* All the rest.  The state directory is locked from here on: journal-failed when another program has it. */
bool station_start(struct station *s, struct err *e);
/* SIGTERM and SIGINT reach only the thread that station_run keeps for them.  Before any thread starts. */
void station_block_signals(void);
/* Runs the line until line_stop or a signal, then writes the stop into the journal. */
bool station_run(struct station *s, struct err *e);
/* Accepts a station that was built only in part. */
void station_take_down(struct station *s);

#endif
