/* The audit: what was done, by whom, when and from where. */
#include "http/api.h"

bool api_audit(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_actions, a, e);
}
