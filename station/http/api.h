/* The handlers that the table of routes names, and what they share. */
#ifndef STATION_HTTP_API_H
#define STATION_HTTP_API_H

#include "http/server.h"

#define API "/api/v1"

/* api_station.c */
route_handler api_healthz, api_readyz, api_station, api_station_resume;
/* api_health.c */
route_handler api_health;
/* api_slots.c */
route_handler api_slots, api_slot, api_slot_retry, api_slot_abort, api_slot_enable, api_slot_disable;
/* api_partitions.c */
route_handler api_partitions, api_partition, api_slot_deploy;
/* api_images.c */
route_handler api_boards, api_image, api_recipe_payload;
/* api_recipes.c */
route_handler api_recipes, api_recipe, api_recipe_add, api_recipe_revoke;
route_handler api_recipe_approve, api_recipe_activate, api_recipe_retire;
/* api_batches.c */
route_handler api_batches, api_batch, api_batch_open, api_batch_hold, api_batch_resume, api_batch_close;
/* api_units.c */
route_handler api_attempts, api_attempt, api_units, api_unit, api_unit_serial, api_stats;
/* api_numbers.c */
route_handler api_numbers, api_number_counts, api_numbers_add, api_number_void, api_slot_serial, api_scan;
/* api_shift.c */
route_handler api_shift, api_shift_start, api_shift_end, api_attempt_label;
/* api_mes.c */
route_handler api_mes, api_mes_parked, api_mes_resend, api_mes_drop;
/* api_records.c */
route_handler api_search, api_unit_log, api_proof, api_batch_report;
/* api_events.c */
route_handler api_events, api_export_csv, api_export_json, api_export_audit;
/* assets.c */
route_handler asset_index, asset_file;
/* api_session.c */
route_handler api_session, api_session_begin, api_session_end, api_session_pin;
/* api_people.c */
route_handler api_people, api_person_add, api_person_remove, api_person_role, api_person_pin, api_person_badge;
/* api_tokens.c */
route_handler api_tokens, api_token_create, api_token_revoke;
/* api_audit.c */
route_handler api_audit;
/* openapi.c */
route_handler api_openapi;
/* api_metrics.c */
route_handler api_metrics;
/* page.c */
route_handler page_line, page_style;

/* A session began or ended: who works at the line may be another one now. */
void session_line_changed(struct http *h);
/* A person's rights changed: all sessions of that name end. */
void session_end_all(struct http *h, const char *name);
/* Long enough, short enough and printable; bad-request names it. */
bool pin_valid(const char *key, const char *pin, struct err *e);

struct slot_list {
	unsigned count;
	struct slot_view slots[LINE_MAX_SLOTS];
};
/* All slots as they are now; the caller frees.  NULL: no memory. */
struct slot_list *slots_now(struct line *l, struct err *e);
/* Fills an object with the API's shape of a slot.  serial: the product's, "" when none is bound. */
void slot_fill(struct cJSON *json, const struct slot_view *v, const char *serial);
/* The answer is the slot as it is now. */
bool answer_slot(struct http *h, unsigned number, struct answer *a, struct err *e);
/* The API's objects of a slot and of the station, as they are now; the caller frees.  not-found. */
struct cJSON *slot_object(struct http *h, unsigned number, struct err *e);
struct cJSON *station_object(struct http *h, struct err *e);
struct request_key;
/* What a request with this key was answered with within the last day; seq 0: it is new.  key-reused: it was another
 * one. */
bool key_before(struct http *h, const char *key, const char *digest, struct request_key *out, struct err *e);
/* The members of a row that keep a request's key; key NULL: none. */
void key_fill(struct cJSON *row, const char *key, const char *digest, unsigned status);
/* How telling the MES goes. */
void mes_fill(struct cJSON *json, struct http *h);
/* A board's partitions, as the API has them, into an array. */
void partitions_fill(struct cJSON *items, const struct board *b);
/* Has the slot a verdict, a refusal or a question to show? */
bool slot_has_code(const struct slot_view *v);

/* A list of the journal, by the request's parameters. */
typedef bool query_list(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
bool answer_list(struct http *h, const struct request *r, query_list *list, struct answer *a, struct err *e);
/* A short text of people's own: 1 to LABEL_MAX bytes without control characters; bad-request names it. */
#define LABEL_MAX 128
bool label_valid(const char *name, const char *text, struct err *e);
/* A unit by UID or serial, as query_unit. */
bool find_unit(struct http *h, const char *name, char **json, unsigned *found, struct err *e);
/* The number that an {id} placeholder took. */
int64_t request_id(const struct request *r, unsigned arg);

#endif
