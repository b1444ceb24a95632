/* Every route of the product. */
#include "http/api.h"

#define PAGE "limit cursor"
/* The conditions on attempts. */
#define ATTEMPTS "serial uid batch order recipe slot operator verdict code board from to"

/* clang-format off */
const struct route http_routes[] = {
	{ "GET",  "/",                            BODY_NONE,   asset_index, NULL },
	{ "GET",  "/units",                       BODY_NONE,   asset_index, NULL },
	{ "GET",  "/units/{name}",                BODY_NONE,   asset_index, NULL },
	{ "GET",  "/quality",                     BODY_NONE,   asset_index, NULL },
	{ "GET",  "/images",                      BODY_NONE,   asset_index, NULL },
	{ "GET",  "/assets/{name}",               BODY_NONE,   asset_file, NULL },
	{ "GET",  "/plain",                       BODY_NONE,   page_line, NULL },
	{ "GET",  "/style.css",                   BODY_NONE,   page_style, NULL },
	{ "GET",  "/healthz",                     BODY_NONE,   api_healthz, NULL },
	{ "GET",  "/readyz",                      BODY_NONE,   api_readyz, NULL },
	{ "GET",  "/metrics",                     BODY_NONE,   api_metrics, NULL },
	{ "GET",  "/openapi.json",                BODY_NONE,   api_openapi, NULL },
	{ "GET",  API "/station",                 BODY_NONE,   api_station, NULL },
	{ "POST", API "/station/resume",          BODY_JSON,   api_station_resume, NULL },
	{ "GET",  API "/slots",                   BODY_NONE,   api_slots, PAGE },
	{ "GET",  API "/slots/{slot}",            BODY_NONE,   api_slot, NULL },
	{ "POST", API "/slots/{slot}/retry",      BODY_JSON,   api_slot_retry, NULL },
	{ "POST", API "/slots/{slot}/abort",      BODY_JSON,   api_slot_abort, NULL },
	{ "POST", API "/slots/{slot}/enable",     BODY_JSON,   api_slot_enable, NULL },
	{ "POST", API "/slots/{slot}/disable",    BODY_JSON,   api_slot_disable, NULL },
	{ "POST", API "/slots/{slot}/deploy",     BODY_JSON,   api_slot_deploy, NULL },
	{ "GET",  API "/slots/{slot}/partitions", BODY_NONE,   api_partitions, NULL },
	{ "GET",  API "/slots/{slot}/partitions/{name}", BODY_NONE, api_partition, "length" },
	{ "GET",  API "/boards",                  BODY_NONE,   api_boards, NULL },
	{ "POST", API "/images",                  BODY_IMAGE,  api_image, "board partition" },
	{ "GET",  API "/recipes",                 BODY_NONE,   api_recipes, "board recipe from to " PAGE },
	{ "POST", API "/recipes",                 BODY_RECIPE, api_recipe_add, NULL },
	{ "GET",  API "/recipes/{sha256}",        BODY_NONE,   api_recipe, NULL },
	{ "GET",  API "/recipes/{sha256}/payloads/{name}", BODY_NONE, api_recipe_payload, NULL },
	{ "POST", API "/recipes/{sha256}/revoke", BODY_JSON,   api_recipe_revoke, NULL },
	{ "GET",  API "/batches",                 BODY_NONE,   api_batches, "batch order recipe board state from to " PAGE },
	{ "POST", API "/batches",                 BODY_BATCH,  api_batch_open, NULL },
	{ "GET",  API "/batches/{id}",            BODY_NONE,   api_batch, NULL },
	{ "POST", API "/batches/{id}/hold",       BODY_JSON,   api_batch_hold, NULL },
	{ "POST", API "/batches/{id}/resume",     BODY_JSON,   api_batch_resume, NULL },
	{ "POST", API "/batches/{id}/close",      BODY_JSON,   api_batch_close, NULL },
	{ "GET",  API "/units",                   BODY_NONE,   api_units, "uid serial batch order recipe board from to " PAGE },
	{ "GET",  API "/units/{name}",            BODY_NONE,   api_unit, NULL },
	{ "POST", API "/units/{name}/serial",     BODY_JSON,   api_unit_serial, NULL },
	{ "GET",  API "/attempts",                BODY_NONE,   api_attempts, ATTEMPTS " " PAGE },
	{ "GET",  API "/attempts/{id}",           BODY_NONE,   api_attempt, NULL },
	{ "GET",  API "/stats",                   BODY_NONE,   api_stats, ATTEMPTS },
	{ "GET",  API "/events",                  BODY_NONE,   api_events, "last_event_id" },
	{ "GET",  API "/exports/attempts.csv",    BODY_NONE,   api_export, ATTEMPTS },
	{ NULL, NULL, BODY_NONE, NULL, NULL },
};
/* clang-format on */
