/* From options to the query of a request. */
#include "ctl/filters.h"

static const char *const names[FILTERS] = { "serial", "uid", "batch", "order", "recipe", "slot", "operator", "verdict",
	"code", "board", "from", "to" };

void filters_options(struct filters *f, struct ctl_option *table)
{
	for (size_t i = 0; i < FILTERS; i++)
		table[i] = (struct ctl_option){ .name = names[i], .value = &f->values[i] };
}

bool filters_add(const struct filters *f, char path[LIVE_PATH], struct err *e)
{
	for (size_t i = 0; i < FILTERS; i++)
		if (f->values[i] && !live_path_add(path, names[i], f->values[i], e))
			return false;
	return true;
}

const char *filters_name(size_t i)
{
	return names[i];
}
