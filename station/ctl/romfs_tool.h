/* One file through one program. */
#ifndef STATION_CTL_ROMFS_TOOL_H
#define STATION_CTL_ROMFS_TOOL_H

#include "base/span.h"
#include "base/words.h"
#include "format/board.h"

enum romfs_tool_kind {
	ROMFS_TOOL_TEMPLATE, /* {in}, {out} and {board} in the words are replaced */
	ROMFS_TOOL_MPY       /* mpy-cross: the board's arguments, -s PATH -o OUT IN follow the words */
};

struct romfs_tool {
	const struct words *command;
	enum romfs_tool_kind kind;
	const struct board *board;
	const char *path; /* of the file below its folder: what a compiled file says that it came from */
	const char *name; /* the copy's name, for tools that look at a suffix */
	uint32_t wait_ms;
};

/* The caller frees *data.  child-failed, not-found, file-failed. */
bool romfs_tool_run(const struct romfs_tool *tool, struct span file, uint8_t **data, size_t *size, struct err *e);

#endif
