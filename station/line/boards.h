/* The boards that this station knows: every board file of one folder, read once at start. */
#ifndef STATION_LINE_BOARDS_H
#define STATION_LINE_BOARDS_H

#include "format/board.h"

#define BOARDS_MAX      64
#define BOARDS_MAX_FILE 65536

struct board_set {
	unsigned count;
	struct board *boards; /* owned; freed by boards_clear; ascending by id */
};

/* Reads every *.json of the folder.  False, naming the file, on the first that breaks a rule, is not called by its
 * id, or answers to the bootloader id of another; and when there is none.  *out is all zero then. */
bool boards_load(const char *folder, struct board_set *out, struct err *e);
void boards_clear(struct board_set *set); /* accepts an all-zero set */

/* NULL when there is none. */
const struct board *boards_find(const struct board_set *set, const char *id);
const struct board *boards_by_dfu(const struct board_set *set, uint16_t vid, uint16_t pid);
/* A board's own run-mode id first; else the first board with that legacy id, which several models share: compare
 * run_vid and run_pid where the model matters. */
const struct board *boards_by_run(const struct board_set *set, uint16_t vid, uint16_t pid);

#endif
