/* The verifier: does the journal still say what the station wrote?  Reads only, one read transaction, so that it may
 * look at the file of a running daemon.
 *
 * It walks the chain from the first row, builds every relational row once more from the bodies and compares, and
 * holds both against the signed checkpoints of the database and of the file.  What the file says is read first: rows
 * that the daemon adds meanwhile cannot make it look truncated.
 *
 * When several things are wrong the strongest evidence is reported: a broken chain, rows that contradict a signed
 * checkpoint, rows that are missing, tables that differ from the rows, a checkpoint that nobody signed. */
#ifndef STATION_JOURNAL_VERIFY_H
#define STATION_JOURNAL_VERIFY_H

#include "base/err.h"
#include "journal/chain.h"

/* The values are the exit statuses of `stationctl journal verify`; 2 is a wrong command line. */
enum verify_result {
	VERIFY_INTACT = 0,
	VERIFY_UNREADABLE = 1,
	VERIFY_TAMPERED = 3,
	VERIFY_TRUNCATED = 4,
	VERIFY_BADLY_SIGNED = 5
};

struct verify_options {
	const char *db;
	const char *checkpoints; /* the file; NULL: only those of the database */
	const char *public_key;  /* NULL: the one in the database, which whoever changed it could have changed too */
};

struct verify_report {
	enum verify_result result;
	int64_t rows;
	char head[2 * CHAIN_HASH_SIZE + 1]; /* "" without rows */
	int64_t first_bad;                  /* 0: no row can be named */
	int64_t checkpoints;                /* that were held against the rows */
	char message[200];                  /* what is wrong; "" when intact */
};

const char *verify_result_name(enum verify_result result);
void verify_journal(const struct verify_options *o, struct verify_report *out);

#endif
