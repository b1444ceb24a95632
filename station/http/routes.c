/* Every route of the product. */
#include "http/api.h"

/* clang-format off */
const struct route http_routes[] = {
	{ "GET",  "/",                            BODY_NONE,   page_line },
	{ "GET",  "/style.css",                   BODY_NONE,   page_style },
	{ "GET",  "/healthz",                     BODY_NONE,   api_healthz },
	{ "GET",  "/readyz",                      BODY_NONE,   api_readyz },
	{ "GET",  API "/station",                 BODY_NONE,   api_station },
	{ "POST", API "/station/resume",          BODY_JSON,   api_station_resume },
	{ "GET",  API "/slots",                   BODY_NONE,   api_slots },
	{ "GET",  API "/slots/{slot}",            BODY_NONE,   api_slot },
	{ "POST", API "/slots/{slot}/retry",      BODY_JSON,   api_slot_retry },
	{ "POST", API "/slots/{slot}/abort",      BODY_JSON,   api_slot_abort },
	{ "POST", API "/slots/{slot}/enable",     BODY_JSON,   api_slot_enable },
	{ "POST", API "/slots/{slot}/disable",    BODY_JSON,   api_slot_disable },
	{ "GET",  API "/recipes",                 BODY_NONE,   api_recipes },
	{ "POST", API "/recipes",                 BODY_RECIPE, api_recipe_add },
	{ "GET",  API "/recipes/{sha256}",        BODY_NONE,   api_recipe },
	{ "GET",  API "/batches",                 BODY_NONE,   api_batches },
	{ "POST", API "/batches",                 BODY_BATCH,  api_batch_open },
	{ "GET",  API "/batches/{id}",            BODY_NONE,   api_batch },
	{ "POST", API "/batches/{id}/hold",       BODY_JSON,   api_batch_hold },
	{ "POST", API "/batches/{id}/resume",     BODY_JSON,   api_batch_resume },
	{ "POST", API "/batches/{id}/close",      BODY_JSON,   api_batch_close },
	{ "GET",  API "/units",                   BODY_NONE,   api_units },
	{ "GET",  API "/units/{name}",            BODY_NONE,   api_unit },
	{ "GET",  API "/attempts",                BODY_NONE,   api_attempts },
	{ "GET",  API "/attempts/{id}",           BODY_NONE,   api_attempt },
	{ "GET",  API "/stats",                   BODY_NONE,   api_stats },
	{ "GET",  API "/events",                  BODY_NONE,   api_events },
	{ "GET",  API "/exports/attempts.csv",    BODY_NONE,   api_export },
	{ NULL, NULL, BODY_NONE, NULL },
};
/* clang-format on */
