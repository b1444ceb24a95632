/* Puts the asker into a row of the journal. */
#include "format/who.h"

#include "format/json.h"

#include <stddef.h>

void who_add(struct cJSON *body, const struct who *who)
{
	json_add_string(body, "by", who && *who->by ? who->by : NULL);
	if (who && *who->from)
		json_add_string(body, "from", who->from);
	if (!who || !*who->key)
		return;
	json_add_string(body, "key", who->key);
	json_add_string(body, "request", who->request);
	json_add_integer(body, "status", who->status);
}
