/* Every sub-command of stationctl, one row each, sorted by name. */
#include "ctl/commands.h"

const struct ctl_command ctl_commands[] = {
	{ "attempts", "attempts [ID [--proof] | FILTER... [--follow]] [--json]", ctl_attempts },
	{ "audit", "audit [--who NAME] [--what KIND] [--from T] [--to T] [--csv] [-c CONF] [--json]", ctl_audit },
	{ "batch", "batch open|list|show|hold|resume|close ...", ctl_batch },
	{ "export", "export [-o FILE] [FILTER...] [--json]", ctl_export },
	{ "journal", "journal verify|prove ...", ctl_journal },
	{ "label", "label ATTEMPT --reason TEXT [--json]", ctl_label },
	{ "line", "line teach -o FILE [--slots N]", ctl_line },
	{ "mes", "mes [parked | resend | drop ROW] [--json]", ctl_mes },
	{ "people", "people list|add|remove|role|pin|badge|own-pin ...", ctl_people },
	{ "plan", PLAN_USAGE, ctl_plan },
	{ "recipe", "recipe add|approve|activate|retire|revoke|build|sign|attach|detach|verify|inspect|unpack ...",
	    ctl_recipe },
	{ "romfs", "romfs ls|cat|check|build|new|add|mkdir|mv|rm|extract|diff|edit|query|read|deploy|reset ...",
	    ctl_romfs },
	{ "serial", "serial add|list|scan|void ...", ctl_serial },
	{ "shift", "shift [start | end] [--json]", ctl_shift },
	{ "slot", "slot list|show|retry|abort|enable|disable ...", ctl_slot },
	{ "station", "station [resume] [--json]", ctl_station },
	{ "stats", "stats [FILTER...] [--follow] [--json]", ctl_stats },
	{ "token", "token list|create|revoke ...", ctl_token },
	{ "unit", "unit UID|SERIAL [--follow] | bind UID SERIAL | unbind UID [--json]", ctl_unit },
	{ NULL, NULL, NULL },
};
