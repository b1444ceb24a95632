/* The schema: numbered, forward-only migrations, compiled in from db/. */
#include "journal/schema.h"

#include <stdio.h>

static const char *const migrations[] = {
#include "migrations.inc"
};

int schema_newest(void)
{
	return (int)(sizeof migrations / sizeof *migrations);
}

static bool numbers_of(sqlite3 *db, int64_t *application, int64_t *version, int64_t *objects, struct err *e)
{
	return sql_int(db, "PRAGMA application_id", application, e) && sql_int(db, "PRAGMA user_version", version, e) &&
	       sql_int(db, "SELECT count(*) FROM sqlite_schema", objects, e);
}

static bool apply_migration(sqlite3 *db, int number, struct err *e)
{
	char mark[128];
	snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d", SCHEMA_APPLICATION, number);
	if (!sql_exec(db, "BEGIN IMMEDIATE", e))
		return false;
	if (sql_exec(db, migrations[number - 1], e) && sql_exec(db, mark, e) && sql_exec(db, "COMMIT", e))
		return true;
	sql_exec(db, "ROLLBACK", NULL);
	return err_prefix(e, "migration %d", number);
}

bool schema_migrate(sqlite3 *db, struct err *e)
{
	int64_t application, version, objects;
	if (!numbers_of(db, &application, &version, &objects, e))
		return false;
	if (objects && application != SCHEMA_APPLICATION)
		return err_set(e, CODE_JOURNAL_FAILED, "the file is a database, but no journal");
	if (version > schema_newest())
		return err_set(e, CODE_JOURNAL_FAILED, "the journal is of a newer program (schema %lld, ours is %d)",
		    (long long)version, schema_newest());
	for (int number = (int)version + 1; number <= schema_newest(); number++)
		if (!apply_migration(db, number, e))
			return false;
	return true;
}

bool schema_check(sqlite3 *db, struct err *e)
{
	int64_t application, version, objects;
	if (!numbers_of(db, &application, &version, &objects, e))
		return false;
	if (application != SCHEMA_APPLICATION)
		return err_set(e, CODE_JOURNAL_FAILED, "the file is no journal");
	if (version != schema_newest())
		return err_set(e, CODE_JOURNAL_FAILED, "the journal has schema %lld, this program knows %d",
		    (long long)version, schema_newest());
	return true;
}
