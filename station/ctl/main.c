/* stationctl: finds the sub-command and runs it. */
#include "ctl/ctl.h"

int main(int argc, char **argv)
{
	return ctl_close_output(ctl_dispatch(ctl_commands, "stationctl", argc, argv));
}
