/* The few SQLite calls that every file of this folder needs, with our errors. */
#include "journal/sql.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a savepoint saves stays in memory: the default spills it to a file in /var/tmp, so that a full disk there would
 * stop the journal, and costs more calls than the journal itself.  A row touches some dozen pages; they are let go with
 * its savepoint.  Refused when the program has used SQLite before, as some tests have; then the default stands. */
static void configure_library(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
	(void)sqlite3_config(
	    SQLITE_CONFIG_MEMSTATUS, 0); /* a lock around each allocation, for figures that nobody reads */
}

void sql_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, configure_library);
}

bool sql_error(sqlite3 *db, struct err *e, const char *what)
{
	int rc = sqlite3_errcode(db);
	enum code code = CODE_JOURNAL_FAILED;
	if (rc == SQLITE_CONSTRAINT)
		code = CODE_CONFLICT;
	else if (rc == SQLITE_NOMEM)
		code = CODE_NO_MEMORY;
	/* "disk I/O error" is no help to anybody; what the system said is */
	int cause = rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN || rc == SQLITE_FULL ? sqlite3_system_errno(db) : 0;
	if (!cause)
		return err_set(e, code, "%s: %s", what, sqlite3_errmsg(db));
	char reason[64];
	return err_set(e, code, "%s: %s (%s)", what, sqlite3_errmsg(db), strerror_r(cause, reason, sizeof reason));
}

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) == SQLITE_OK)
		return s;
	sql_error(db, e, "the database refuses a statement");
	return NULL;
}

bool sql_exec(sqlite3 *db, const char *sql, struct err *e)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	char what[64];
	snprintf(what, sizeof what, "%.60s", sql);
	return sql_error(db, e, what);
}

bool sql_run(sqlite3_stmt *s, int64_t *value, struct err *e)
{
	if (value)
		*value = 0;
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		if (value)
			*value = sqlite3_column_int64(s, 0);
		rc = sqlite3_step(s);
	}
	bool ok = rc == SQLITE_DONE;
	if (!ok)
		sql_error(sqlite3_db_handle(s), e, "the database fails");
	sqlite3_reset(s);
	return ok;
}

bool sql_int(sqlite3 *db, const char *sql, int64_t *value, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = sql_prepare(db, sql, e);
	return s && sql_run(s, value, e);
}

const char *sql_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	return text ? text : "";
}

bool sql_row_whole(sqlite3_stmt *s, struct err *e)
{
	if (sqlite3_errcode(sqlite3_db_handle(s)) != SQLITE_NOMEM)
		return true;
	return err_set(e, CODE_NO_MEMORY, "no memory for a row of the journal");
}

void sql_copy(sqlite3_stmt *s, int column, char *out, size_t size)
{
	snprintf(out, size, "%s", sql_text(s, column));
}

void sql_bind_text(sqlite3_stmt *s, int index, const char *text)
{
	/* Binding can only fail for want of memory or a wrong index; the step that follows would then see null, which
	 * every caller's table refuses or finds nothing for. */
	sqlite3_bind_text(s, index, text, -1, SQLITE_STATIC);
}

bool sql_harden(sqlite3 *db, struct err *e)
{
	sqlite3_extended_result_codes(db, 0);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_busy_timeout(db, SQL_BUSY_MS);
	return sql_exec(db, "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", e);
}

/* The path as a URI, so that immutable can be said: every byte outside the plain ones is escaped. */
static char *uri_of(const char *path, bool immutable)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
	size_t room = strlen(path) * 3 + 64;
	char *uri = malloc(room);
	if (!uri)
		return NULL;
	size_t n = (size_t)snprintf(uri, room, "file:");
	for (; *path; path++)
		n += (size_t)snprintf(uri + n, room - n, strchr(plain, *path) ? "%c" : "%%%02X", (unsigned char)*path);
	snprintf(uri + n, room - n, "?mode=ro%s", immutable ? "&immutable=1" : "");
	return uri;
}

bool sql_open_readonly(const char *path, bool immutable, sqlite3 **db, struct err *e)
{
	AUTO_FREE char *uri = uri_of(path, immutable);
	*db = NULL;
	if (!uri)
		return err_set(e, CODE_NO_MEMORY, "no memory to open %.80s", path);
	sql_begin();
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(uri, db, flags, NULL) == SQLITE_OK && sql_harden(*db, e) &&
	    sql_exec(*db, "PRAGMA query_only = ON", e))
		return true;
	if (*db)
		sql_error(*db, e, path);
	else
		err_set(e, CODE_NO_MEMORY, "no memory to open %.80s", path);
	sqlite3_close(*db);
	*db = NULL;
	return false;
}

void sql_auto_finalize_(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}

void sql_auto_reset_(sqlite3_stmt **s)
{
	if (*s) {
		sqlite3_reset(*s);
		sqlite3_clear_bindings(*s);
	}
}
