/* Every sub-command of stationctl, one row each, sorted by name. */
#include "ctl/commands.h"

const struct ctl_command ctl_commands[] = {
	{ "journal", "journal verify [--db FILE] [--checkpoints FILE] [--pubkey FILE] [--json]", ctl_journal },
	{ "recipe", "recipe build|sign|attach|detach|verify|inspect|unpack ...", ctl_recipe },
	{ "romfs", "romfs ls|cat|check|build ...", ctl_romfs },
	{ NULL, NULL, NULL },
};
