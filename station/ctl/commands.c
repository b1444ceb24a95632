/* Every sub-command of stationctl, one row each, sorted by name. */
#include "ctl/commands.h"

const struct ctl_command ctl_commands[] = {
	{ "attempts", "attempts [ID | FILTER...] [--json]", ctl_attempts },
	{ "batch", "batch open|list|show|hold|resume|close ...", ctl_batch },
	{ "export", "export [-o FILE] [FILTER...]", ctl_export },
	{ "journal", "journal verify [--db FILE] [--checkpoints FILE] [--pubkey FILE] [--json]", ctl_journal },
	{ "line", "line teach -o FILE [--slots N]", ctl_line },
	{ "plan", PLAN_USAGE, ctl_plan },
	{ "recipe", "recipe add|revoke|build|sign|attach|detach|verify|inspect|unpack ...", ctl_recipe },
	{ "romfs", "romfs ls|cat|check|build|new|add|mkdir|mv|rm|extract|diff|edit|query|read|deploy|reset ...",
	    ctl_romfs },
	{ "slot", "slot list|show|retry|abort|enable|disable ...", ctl_slot },
	{ "station", "station [resume] [--json]", ctl_station },
	{ "stats", "stats [FILTER...] [--json]", ctl_stats },
	{ "unit", "unit UID|SERIAL | bind UID SERIAL | unbind UID [--json]", ctl_unit },
	{ NULL, NULL, NULL },
};
