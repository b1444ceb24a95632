/* The board files of this tree, loaded once for a group of tests: load and unload are its set-up and its end. */
#ifndef TESTS_BOARD_FILES_H
#define TESTS_BOARD_FILES_H

#include "line/boards.h"

static struct board_set set;

static int load(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	if (boards_load("fixtures/boards", &set, &e))
		return 0;
	print_error("%s\n", e.msg);
	return -1;
}

static int unload(void **state)
{
	(void)state;
	boards_clear(&set);
	return 0;
}

#endif
