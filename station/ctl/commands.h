/* The sub-commands that the table in commands.c lists; each stands in a file of its own, ctl_NAME.c. */
#ifndef STATION_CTL_COMMANDS_H
#define STATION_CTL_COMMANDS_H

#include "ctl/ctl.h"

#define PLAN_USAGE                                                                                                     \
	"plan [-b BOARD] [-p PARTITION] [--line FILE | --slots N --hubs H] [--hub own|stt] [--delta auto|yes|no] "     \
	"[--changed PERCENT] [--handling SECONDS] [--json] IMG"

int ctl_attempts(int argc, char **argv);
int ctl_audit(int argc, char **argv);
int ctl_batch(int argc, char **argv);
int ctl_export(int argc, char **argv);
int ctl_journal(int argc, char **argv);
int ctl_label(int argc, char **argv);
int ctl_line(int argc, char **argv);
int ctl_mes(int argc, char **argv);
int ctl_people(int argc, char **argv);
int ctl_plan(int argc, char **argv);
int ctl_recipe(int argc, char **argv);
int ctl_romfs(int argc, char **argv);
int ctl_serial(int argc, char **argv);
int ctl_shift(int argc, char **argv);
int ctl_slot(int argc, char **argv);
int ctl_station(int argc, char **argv);
int ctl_stats(int argc, char **argv);
int ctl_token(int argc, char **argv);
int ctl_unit(int argc, char **argv);

#endif
