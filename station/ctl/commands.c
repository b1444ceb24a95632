/* Every sub-command of stationctl, one row each, sorted by name. */
#include "ctl/commands.h"

const struct ctl_command ctl_commands[] = {
	{ "attempts", "attempts [ID | FILTER...] [--json]", ctl_attempts },
	{ "batch", "batch open|list|show|hold|resume|close ...", ctl_batch },
	{ "journal", "journal verify [--db FILE] [--checkpoints FILE] [--pubkey FILE] [--json]", ctl_journal },
	{ "recipe", "recipe add|build|sign|attach|detach|verify|inspect|unpack ...", ctl_recipe },
	{ "romfs", "romfs ls|cat|check|build|extract|diff ...", ctl_romfs },
	{ "slot", "slot list|show|retry|abort|enable|disable ...", ctl_slot },
	{ "station", "station [--json]", ctl_station },
	{ "unit", "unit UID|SERIAL [--json]", ctl_unit },
	{ NULL, NULL, NULL },
};
