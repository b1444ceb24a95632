/* The kinds of rows that the journal takes, and a check of each row's body against its table.
 *
 * The table of fields is in kinds.c and is the definition: name, type, whether null is allowed, whether the field may
 * be missing.  A body with a missing, unknown or wrongly typed field is refused before it is queued.  Numbers of
 * attempts and batches are the seq of their first row, as decimal text (json_add_u64_text). */
#ifndef STATION_JOURNAL_KINDS_H
#define STATION_JOURNAL_KINDS_H

#include "base/err.h"

struct cJSON;

/* The station. */
#define KIND_STATION_STARTED "station-started"
#define KIND_STATION_STOPPED "station-stopped" /* a clean stop */
#define KIND_STATION_EVENT   "station-event"   /* worth knowing, but no attempt: an unknown device, ... */
#define KIND_STATION_HELD    "station-held"
#define KIND_STATION_RESUMED "station-resumed"
/* Recipes, by the SHA-256 of their unsigned image. */
#define KIND_RECIPE_ADDED      "recipe-added"
#define KIND_RECIPE_SIGNATURES "recipe-signatures" /* the new whole set */
#define KIND_RECIPE_REVOKED    "recipe-revoked"
/* Its life: approved by one person more, taken into use, taken out of use. */
#define KIND_RECIPE_APPROVED  "recipe-approved"
#define KIND_RECIPE_ACTIVATED "recipe-activated"
#define KIND_RECIPE_RETIRED   "recipe-retired"
/* Batches; a batch's id is the seq of its batch-opened row. */
#define KIND_BATCH_OPENED  "batch-opened"
#define KIND_BATCH_HELD    "batch-held"
#define KIND_BATCH_RESUMED "batch-resumed"
#define KIND_BATCH_CLOSED  "batch-closed" /* the journal writes a checkpoint behind it by itself */
/* Attempts; an attempt's id is the seq of its attempt-started row, or of its attempt-refused row. */
#define KIND_ATTEMPT_STARTED "attempt-started" /* on disk before anything is done to the camera */
#define KIND_ATTEMPT_STEP    "attempt-step"    /* one finished step */
#define KIND_ATTEMPT_WRITING "attempt-writing" /* reached `written`: on disk before the first erase */
#define KIND_ATTEMPT_ENDED   "attempt-ended"
#define KIND_ATTEMPT_REFUSED "attempt-refused" /* a refused admission as one row: start and end */
/* Slots and units. */
#define KIND_SLOT_ADDED    "slot-added"    /* a new slot, or a new path or name of an old one */
#define KIND_SLOT_ENABLED  "slot-enabled"  /* by a person; also clears a hold */
#define KIND_SLOT_DISABLED "slot-disabled" /* by a person */
#define KIND_SLOT_ORDERED  "slot-ordered"  /* retry, abort or deploy, by a person or a program */
#define KIND_SLOT_HELD     "slot-held"     /* by the station: too many equal codes in a row */
#define KIND_UNIT_SERIAL   "unit-serial"   /* binds the product's serial to a unit; null unbinds */

/* Serials and MAC numbers. */
#define KIND_NUMBERS_ADDED "numbers-added"
#define KIND_NUMBER_VOIDED "number-voided"
/* Shifts; a shift's id is the seq of its shift-started row. */
#define KIND_SHIFT_STARTED "shift-started"
#define KIND_SHIFT_ENDED   "shift-ended"
#define KIND_LABEL_PRINTED "label-printed" /* or not; see its code */
/* A request with an Idempotency-Key that led to no other row. */
#define KIND_REQUEST_ANSWERED "request-answered"
/* What the MES is told; `row` is the number of the row that it was told of.  No row of these is told itself. */
#define KIND_MES_STARTED  "mes-started"  /* the first start with a webhook: rows behind this one are told */
#define KIND_MES_PARKED   "mes-parked"   /* the MES would not take it */
#define KIND_MES_RESOLVED "mes-resolved" /* a parked one was taken after all, or dropped by a person */
/* People, machines, and who comes in. */
#define KIND_PERSON_ADDED   "person-added"
#define KIND_PERSON_REMOVED "person-removed"
#define KIND_PERSON_ROLE    "person-role"
#define KIND_PERSON_PIN     "person-pin"   /* null: none any more */
#define KIND_PERSON_BADGE   "person-badge" /* likewise */
#define KIND_TOKEN_CREATED  "token-created"
#define KIND_TOKEN_REVOKED  "token-revoked"
#define KIND_LOGIN          "login"
#define KIND_LOGIN_FAILED   "login-failed"
#define KIND_LOGOUT         "logout"

/* False with CODE_INTERNAL naming the field: a wrong body is a fault of the program. */
bool kind_check(const char *kind, const struct cJSON *body, struct err *e);
bool kind_known(const char *kind);
/* Do its rows carry what people or machines prove themselves by?  Then they are for this station alone. */
bool kind_secret(const char *kind);

#endif
