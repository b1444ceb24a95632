/* stationctl: finds the sub-command and runs it. */
#include "ctl/ctl.h"

#include "base/version.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("stationctl " STATION_VERSION);
		return ctl_close_output(CTL_DONE);
	}
	return ctl_close_output(ctl_dispatch(ctl_commands, "stationctl", argc, argv));
}
