/* What the sub-commands of stationctl share: their table, options, refusals, output.
 *
 * A sub-command gets argv from its own name on and returns the exit status.  It prints answers on stdout and
 * refusals on stderr, one line each: `stationctl: CODE: sentence; what to do`. */
#ifndef STATION_CTL_CTL_H
#define STATION_CTL_CTL_H

#include "base/err.h"
#include "base/span.h"

#include <limits.h>

enum ctl_status { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2 };

struct board;
struct board_set;
struct cJSON;

struct ctl_command {
	const char *name;
	const char *usage; /* one line, without "stationctl" */
	int (*run)(int argc, char **argv);
};

/* The table in commands.c; ends with a row whose name is NULL. */
extern const struct ctl_command ctl_commands[];
/* Runs the row that argv[1] names, with argv from there on.  `prefix` ("stationctl", "stationctl romfs") heads the
 * help, which --help and a missing or unknown name print. */
int ctl_dispatch(const struct ctl_command *table, const char *prefix, int argc, char **argv);

/* One option.  Exactly one of flag, value and list is set: a flag stands alone, a value may be given once, a list
 * any number of times up to its capacity.  Values point into argv. */
struct ctl_list {
	const char **items; /* borrowed: room for capacity pointers */
	unsigned count, capacity;
};
struct ctl_option {
	char letter;      /* 0: long form only */
	const char *name; /* without "--" */
	bool *flag;
	const char **value;
	struct ctl_list *list;
};
/* Takes the options of the table (it ends with a NULL name) out of argv, wherever they stand before a "--"; what is
 * left are argv[0] and *argc - 1 operands.  Forms: -x, -x VALUE, -xVALUE, --name, --name VALUE, --name=VALUE.
 * CODE_USAGE for an unknown option, a missing value, a second value. */
bool ctl_options(int *argc, char **argv, const struct ctl_option *table, struct err *e);
/* Exactly min to max operands behind argv[0]; CODE_USAGE with `usage` in the message otherwise. */
bool ctl_operands(int argc, int min, int max, const char *usage, struct err *e);

/* Prints the refusal; returns CTL_USAGE for CODE_USAGE, else CTL_REFUSED. */
int ctl_refuse(const struct err *e);
/* Prints the tree and a newline on stdout; json is NULL-safe and stays the caller's. */
bool ctl_print_json(const struct cJSON *json, struct err *e);
/* Prints bytes from outside as one field of text: what is no printable UTF-8 becomes \xHH, a backslash \\, so that a
 * name cannot drive a terminal or break a line. */
void ctl_print_text(struct span text);
/* Loads the board files of --boards (NULL when not given), else $ROMLINE_BOARDS, else those of the source tree that we
 * stand in or were built in, else the installed ones.  The caller clears the set. */
bool ctl_boards_folder(const char *option, char out[PATH_MAX], struct err *e);
bool ctl_boards(const char *option, struct board_set *out, struct err *e);
/* NULL with board-unknown. */
const struct board *ctl_board(const struct board_set *set, const char *id, struct err *e);
/* file-failed when `out` lies inside the folder that is being packed: it would be part of the next build. */
bool ctl_output_outside(const char *folder, const char *out, struct err *e);
/* Flushes stdout; a full disk or a closed pipe turns CTL_DONE into CTL_REFUSED, with a refusal. */
int ctl_close_output(int status);

#endif
