/* The body of every kind of row, as tables; and the check of a body against them.
 *
 * Beside these fields every stored body starts with "kind" and "at". */
#include "journal/kinds.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "format/json.h"

#include <stdlib.h>
#include <string.h>

enum field_type {
	F_TEXT,   /* any text */
	F_TIME,   /* RFC 3339 with milliseconds and Z */
	F_SHA256, /* 64 lower-case hex digits */
	F_CRC32,  /* 8 lower-case hex digits */
	F_ID,     /* decimal text of a number above 0 */
	F_COUNT,  /* a whole number from 0 */
	F_BOOL,
	F_VERDICT, /* PASS, FAIL, ERROR, ABORTED */
	F_OBJECT,  /* any object */
	F_TEXTS,   /* an array of texts */
	F_LIST     /* an array of objects with the fields `of` */
};

struct field {
	const char *name; /* NULL ends a table */
	enum field_type type;
	bool null_too, optional; /* may the value be null, may the field be missing */
	const struct field *of;
};

/* clang-format off */
#define FIELDS(...)      ((const struct field[]){ __VA_ARGS__, { NULL, F_TEXT, false, false, NULL } })
#define MUST(name, type) { name, F_##type, false, false, NULL }
#define NULLABLE(name, type) { name, F_##type, true, false, NULL }
#define MAY(name, type)  { name, F_##type, true, true, NULL }
#define LIST(name, ...)  { name, F_LIST, false, false, FIELDS(__VA_ARGS__) }
#define MAY_LIST(name, ...) { name, F_LIST, false, true, FIELDS(__VA_ARGS__) }

/* Who asked for it: a person's name, "token:NAME" or "local", null when nobody said who it is or the station did it by
 * itself; and the address that it came from.  Every row with these fields stands in the audit, by that alone. */
#define BY NULLABLE("by", TEXT), MAY("from", TEXT)

/* An Idempotency-Key, 64 hex digits that tell its request from others, and the status that it was answered with: of a row
 * that a request led to, which with that key is answered so for a day and not done again. */
#define KEY MAY("key", TEXT), MAY("request", SHA256), MAY("status", COUNT)
#define ASKED KEY, BY

/* key: a minisign key id, 16 upper-case hex digits */
#define SIGNERS LIST("signers", MUST("key", TEXT), MUST("roles", TEXTS))

#define STEP \
	MUST("step", TEXT),       /* identified, admitted, compared, written, read-back, proved, restarted, confirmed */ \
	MUST("started_at", TIME), \
	MUST("ms", COUNT),        /* how long it took */ \
	MUST("bytes", COUNT),     /* over the wire */ \
	MUST("units", COUNT),     /* programming units worked on */ \
	MUST("skipped", COUNT),   /* programming units found equal */ \
	MUST("outcome", TEXT)     /* "ok" or a code */

#define START \
	MUST("slot", COUNT), \
	MUST("path", TEXT),           /* the USB path */ \
	MUST("board", TEXT), \
	MUST("transport", TEXT), \
	NULLABLE("operator", TEXT), \
	MUST("started_at", TIME), \
	NULLABLE("uid", TEXT),        /* null: malformed, or not read yet */ \
	NULLABLE("usb_serial", TEXT), /* as USB said it */ \
	NULLABLE("batch", ID), \
	NULLABLE("order", TEXT), \
	NULLABLE("recipe", SHA256), \
	MAY("attempt_kind", TEXT),    /* program, when missing; deploy */ \
	MAY("new_serial", TEXT),      /* reserved for it */ \
	MAY("new_mac", TEXT), \
	MAY("number_source", TEXT),   /* of those, or of the serial alone: pool, scan, mes */ \
	MAY("mac_source", TEXT),      /* where it is another one than the serial's */ \
	MAY("unit_data", TEXTS),      /* serial, mac: which of them the recipe writes into the camera */ \
	MAY("permit", TEXT),          /* the MES's: granted, cached; silent: it gave no answer and that is allowed */ \
	MAY("permit_message", TEXT),  /* what it said with it to people */ \
	MAY("versions", OBJECT)       /* bootloader, bootloader_sha256, ...: later rows are merged in, key by key */

#define RESULT \
	MUST("code", TEXT),           /* "ok" with PASS */ \
	NULLABLE("message", TEXT),    /* this occasion's sentence */ \
	NULLABLE("action", TEXT)      /* what to do now */

#define REGION_WANTED \
	MUST("partition", TEXT), MUST("payload", TEXT), MUST("kind", TEXT), MUST("length", COUNT), \
	MUST("crc32", CRC32), MUST("sha256", SHA256), MUST("tail", TEXT), \
	MAY("fields", COUNT)            /* places that are filled in for each unit; missing: none */

#define REGION_FOUND \
	MUST("partition", TEXT), MUST("length", COUNT), \
	MUST("crc32", CRC32),           /* what the manifest says, or with the unit's data filled in */ \
	NULLABLE("crc32_read", CRC32),  /* of the bytes read back; null: not read */ \
	NULLABLE("sha256_read", SHA256), \
	NULLABLE("files", COUNT),       /* walked in its ROMFS; null: raw, or not walked */ \
	MAY("crc32_core", CRC32),       /* as the camera's own core finds it, over SWD */ \
	MAY("files_core", COUNT)        /* that its mount driver walked */

static const struct {
	const char *kind;
	const struct field *fields;
} kinds[] = {
	{ KIND_STATION_STARTED, FIELDS(
		MUST("station", TEXT),
		MUST("version", TEXT),
		MAY("slots", COUNT),
		MAY("note", TEXT)) },
	{ KIND_STATION_STOPPED, FIELDS(MUST("reason", TEXT)) },
	{ KIND_STATION_EVENT, FIELDS(
		NULLABLE("code", TEXT),
		MUST("message", TEXT),
		NULLABLE("slot", COUNT),
		NULLABLE("path", TEXT)) },
	{ KIND_STATION_HELD, FIELDS(MUST("code", TEXT), MUST("message", TEXT), BY) },
	{ KIND_STATION_RESUMED, FIELDS(ASKED) },
	{ KIND_RECIPE_ADDED, FIELDS(
		MUST("sha256", SHA256),
		MUST("name", TEXT),
		MUST("version", TEXT),
		MUST("rollback", COUNT),
		MUST("board", TEXT),
		MUST("bytes", COUNT),         /* of the unsigned image */
		NULLABLE("not_before", TEXT),
		NULLABLE("not_after", TEXT),
		NULLABLE("units", COUNT),
		MUST("after", TEXT),          /* run, bootloader */
		MAY("state", TEXT),           /* draft where the station asks for approvals; missing: active */
		LIST("regions", REGION_WANTED),
		SIGNERS,
		ASKED) },
	{ KIND_RECIPE_SIGNATURES, FIELDS(MUST("sha256", SHA256), SIGNERS, ASKED) },
	{ KIND_RECIPE_REVOKED, FIELDS(MUST("sha256", SHA256), NULLABLE("reason", TEXT), ASKED) },
	{ KIND_RECIPE_APPROVED, FIELDS(
		MUST("sha256", SHA256),
		MUST("state", TEXT),          /* draft while it lacks approvals, else approved */
		ASKED) },
	{ KIND_RECIPE_ACTIVATED, FIELDS(MUST("sha256", SHA256), ASKED) },
	{ KIND_RECIPE_RETIRED, FIELDS(MUST("sha256", SHA256), NULLABLE("reason", TEXT), ASKED) },
	{ KIND_BATCH_OPENED, FIELDS(
		MUST("order", TEXT),
		MUST("recipe", SHA256),
		MUST("board", TEXT),
		MUST("quantity", COUNT),
		MAY("listed", COUNT),         /* how many serials stand in its list */
		MAY("serials", TEXTS),        /* the list; missing: it has none */
		NULLABLE("key", TEXT),        /* Idempotency-Key of the request */
		NULLABLE("request", SHA256),  /* of the request's body, to tell a repeat from a misuse */
		BY) },
	{ KIND_BATCH_HELD, FIELDS(MUST("batch", ID), NULLABLE("code", TEXT), NULLABLE("message", TEXT), ASKED) },
	{ KIND_BATCH_RESUMED, FIELDS(MUST("batch", ID), ASKED) },
	{ KIND_BATCH_CLOSED, FIELDS(MUST("batch", ID), ASKED) },
	{ KIND_ATTEMPT_STARTED, FIELDS(START) },
	/* What was not known at the start may come with a step. */
	{ KIND_ATTEMPT_STEP, FIELDS(
		MUST("attempt", ID),
		STEP,
		MAY("uid", TEXT),
		MAY("usb_serial", TEXT),
		MAY("batch", ID),
		MAY("order", TEXT),
		MAY("recipe", SHA256),
		MAY("versions", OBJECT)) },
	/* The attempt has its uid and recipe by now. */
	{ KIND_ATTEMPT_WRITING, FIELDS(MUST("attempt", ID)) },
	{ KIND_ATTEMPT_ENDED, FIELDS(
		MUST("attempt", ID),
		MUST("verdict", VERDICT),
		MUST("refused", BOOL),
		RESULT,
		MUST("retries", COUNT),       /* automatic ones within the attempt */
		NULLABLE("proof", TEXT),      /* how `confirmed` was shown */
		MAY("versions", OBJECT),
		LIST("regions", REGION_FOUND)) },
	{ KIND_ATTEMPT_REFUSED, FIELDS(START, RESULT, MAY_LIST("steps", STEP)) },
	{ KIND_SLOT_ADDED, FIELDS(MUST("slot", COUNT), MUST("name", TEXT), MUST("path", TEXT)) },
	{ KIND_SLOT_ENABLED, FIELDS(MUST("slot", COUNT), ASKED) },
	{ KIND_SLOT_DISABLED, FIELDS(MUST("slot", COUNT), ASKED) },
	{ KIND_SLOT_ORDERED, FIELDS(MUST("slot", COUNT), MUST("order", TEXT), NULLABLE("recipe", SHA256), ASKED) },
	{ KIND_SLOT_HELD, FIELDS(MUST("slot", COUNT), MUST("code", TEXT), NULLABLE("message", TEXT)) },
	{ KIND_UNIT_SERIAL, FIELDS(MUST("uid", TEXT), NULLABLE("serial", TEXT), ASKED) },
	{ KIND_NUMBERS_ADDED, FIELDS(
		MUST("number_kind", TEXT),    /* serial, mac */
		LIST("numbers", MUST("value", TEXT)),
		ASKED) },
	{ KIND_NUMBER_VOIDED, FIELDS(
		MUST("number_kind", TEXT), MUST("value", TEXT), NULLABLE("reason", TEXT), ASKED) },
	{ KIND_SHIFT_STARTED, FIELDS(
		MUST("hours", COUNT),         /* it ends by itself after so many */
		LIST("units", NULLABLE("uid", TEXT), NULLABLE("serial", TEXT), MUST("verdict", VERDICT), MUST("code", TEXT)),
		ASKED) },
	{ KIND_SHIFT_ENDED, FIELDS(MUST("shift", ID), ASKED) },
	{ KIND_LABEL_PRINTED, FIELDS(
		MUST("attempt", ID),
		MUST("code", TEXT),           /* ok, label-failed */
		NULLABLE("message", TEXT),
		NULLABLE("reason", TEXT),     /* of a reprint */
		BY) },
	{ KIND_REQUEST_ANSWERED, FIELDS(KEY) },
	{ KIND_MES_STARTED, FIELDS(MUST("events", TEXT)) },
	{ KIND_MES_PARKED, FIELDS(
		MUST("row", ID),
		MUST("id", TEXT),             /* the event's UUID */
		MUST("event", TEXT),          /* the row's kind */
		MUST("status", COUNT),
		MUST("code", TEXT),           /* mes-parked */
		MUST("message", TEXT)) },
	{ KIND_MES_RESOLVED, FIELDS(MUST("row", ID), MUST("outcome", TEXT) /* delivered, dropped */, ASKED) },
	/* pin, badge: Argon2id, see db/003_people.sql */
	{ KIND_PERSON_ADDED, FIELDS(MUST("person", TEXT), MUST("role", TEXT), NULLABLE("pin", TEXT), NULLABLE("badge", TEXT), ASKED) },
	{ KIND_PERSON_REMOVED, FIELDS(MUST("person", TEXT), ASKED) },
	{ KIND_PERSON_ROLE, FIELDS(MUST("person", TEXT), MUST("role", TEXT), ASKED) },
	{ KIND_PERSON_PIN, FIELDS(MUST("person", TEXT), NULLABLE("pin", TEXT), ASKED) },
	{ KIND_PERSON_BADGE, FIELDS(MUST("person", TEXT), NULLABLE("badge", TEXT), ASKED) },
	{ KIND_TOKEN_CREATED, FIELDS(
		MUST("name", TEXT),
		MUST("hash", SHA256),         /* BLAKE2b-256 of the token */
		MUST("scopes", TEXTS),
		MUST("expires_at", TIME),
		ASKED) },
	{ KIND_TOKEN_REVOKED, FIELDS(MUST("token", ID), ASKED) },
	{ KIND_LOGIN, FIELDS(MUST("person", TEXT), MUST("way", TEXT), BY) }, /* badge, pin */
	{ KIND_LOGIN_FAILED, FIELDS(NULLABLE("person", TEXT), MUST("way", TEXT), BY) },
	{ KIND_LOGOUT, FIELDS(MUST("person", TEXT), BY) },
};
/* clang-format on */

static bool digits_text(const char *text, int64_t *out)
{
	char *end = NULL;
	size_t n = strspn(text, "0123456789");
	if (!n || n > 18 || text[n] || text[0] == '0')
		return false;
	*out = strtoll(text, &end, 10);
	return true;
}

static bool hex_text(const char *text, size_t size)
{
	uint8_t bytes[32];
	return hex_decode(bytes, size, text);
}

static bool time_text(const char *text)
{
	int64_t ms;
	char again[TIME_TEXT_SIZE];
	if (!time_parse(text, &ms))
		return false;
	time_format(again, ms);
	return !strcmp(text, again);
}

static bool verdict_text(const char *text)
{
	for (int v = VERDICT_PASS; v <= VERDICT_ABORTED; v++)
		if (!strcmp(text, verdict_name((enum verdict)v)))
			return true;
	return false;
}

static bool text_fits(enum field_type type, const char *text)
{
	int64_t id;
	switch (type) {
	case F_TEXT:
		return true;
	case F_TIME:
		return time_text(text);
	case F_SHA256:
		return hex_text(text, 32);
	case F_CRC32:
		return hex_text(text, 4);
	case F_ID:
		return digits_text(text, &id);
	case F_VERDICT:
		return verdict_text(text);
	case F_COUNT:
	case F_BOOL:
	case F_OBJECT:
	case F_TEXTS:
	case F_LIST:
		break;
	}
	return false;
}

static bool check_object(const struct field *fields, const struct cJSON *object, struct err *e);

static bool check_items(const struct field *f, const struct cJSON *object, struct err *e)
{
	const struct cJSON *list;
	if (!json_array(object, f->name, &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i)) {
		if (f->type == F_TEXTS ? !json_text(i) : !json_is_object(i))
			return err_set(e, CODE_JSON_INVALID, "an item of \"%s\" has the wrong type", f->name);
		if (f->type == F_LIST && !check_object(f->of, i, e))
			return err_prefix(e, "%s", f->name);
	}
	return true;
}

static bool check_value(const struct field *f, const struct cJSON *object, struct err *e)
{
	const struct cJSON *value = json_member(object, f->name);
	const char *text;
	bool flag;
	int64_t number;
	if (value ? f->null_too && json_is_null(value) : f->optional)
		return true;
	if (f->type == F_COUNT)
		return json_integer(object, f->name, 0, INT64_C(1) << 53, &number, e);
	if (f->type == F_BOOL)
		return json_bool(object, f->name, &flag, e);
	if (f->type == F_OBJECT)
		return json_object(object, f->name, &value, e);
	if (f->type == F_TEXTS || f->type == F_LIST)
		return check_items(f, object, e);
	if (!json_string(object, f->name, &text, e))
		return false;
	return text_fits(f->type, text) || err_set(e, CODE_JSON_INVALID, "\"%s\" is not in its form", f->name);
}

static bool has_field(const struct field *fields, const char *name)
{
	while (fields->name && strcmp(fields->name, name) != 0)
		fields++;
	return fields->name != NULL;
}

static bool check_object(const struct field *fields, const struct cJSON *object, struct err *e)
{
	for (const struct cJSON *m = json_first(object); m; m = json_after(m))
		if (!has_field(fields, json_key(m)))
			return err_set(e, CODE_JSON_INVALID, "there is no field \"%s\"", json_key(m));
	for (; fields->name; fields++)
		if (!check_value(fields, object, e))
			return false;
	return true;
}

static const struct field *fields_of(const char *kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(kinds[i].kind, kind))
			return kinds[i].fields;
	return NULL;
}

bool kind_known(const char *kind)
{
	return fields_of(kind) != NULL;
}

bool kind_secret(const char *kind)
{
	static const char *const secrets[] = { "pin", "badge", "hash" };
	const struct field *fields = fields_of(kind);
	for (size_t i = 0; fields && i < sizeof secrets / sizeof *secrets; i++)
		if (has_field(fields, secrets[i]))
			return true;
	return false;
}

bool kind_check(const char *kind, const struct cJSON *body, struct err *e)
{
	const struct field *fields = fields_of(kind);
	struct err why = ERR_INIT;
	if (!fields)
		return err_set(e, CODE_INTERNAL, "the journal has no rows of the kind %.40s", kind);
	if (!json_is_object(body))
		return err_set(e, CODE_INTERNAL, "the body of %s is no object", kind);
	if (check_object(fields, body, &why))
		return true;
	return err_set(e, CODE_INTERNAL, "the body of %s: %s", kind, why.msg);
}
