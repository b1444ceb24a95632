/* The file of checkpoints: appending and walking. */
#include "journal/witness.h"

#include "journal/key.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 6

/* What has to come first, so that the new record starts behind an empty line. */
static bool gap_needed(int fd, const char **gap)
{
	struct stat st;
	char last[2] = { '\n', '\n' };
	*gap = "";
	if (fstat(fd, &st))
		return false;
	if (st.st_size == 0)
		return true;
	ssize_t n = st.st_size == 1 ? pread(fd, last + 1, 1, 0) : pread(fd, last, 2, st.st_size - 2);
	if (n <= 0)
		return false;
	if (last[1] != '\n')
		*gap = "\n\n";
	else if (last[0] != '\n')
		*gap = "\n";
	return true;
}

static bool sync_parent(const char *path, struct err *e)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int n = !slash ? 1 : slash == path ? 1 : (int)(slash - path);
	snprintf(folder, sizeof folder, "%.*s", n, slash ? path : ".");
	return file_sync_folder(folder, e);
}

bool witness_append(const char *path, const char *text, const uint8_t signature[SIGNATURE_SIZE], struct err *e)
{
	char line[BASE64_SIZE(SIGNATURE_SIZE) + 1], record[CHECKPOINT_TEXT_SIZE + sizeof line + 8];
	const char *gap;
	bool fresh = access(path, F_OK) != 0;
	AUTO_CLOSE int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	if (fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot open the checkpoints file %s", path);
	if (!gap_needed(fd, &gap))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot read the checkpoints file %s", path);
	base64_print(signature, SIGNATURE_SIZE, line);
	int n = snprintf(record, sizeof record, "%s%s%s\n\n", gap, text, line);
	if (!file_write_all(fd, span_of(record, (size_t)n), path, e))
		return false;
	if (fdatasync(fd))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot sync the checkpoints file %s", path);
	return !fresh || sync_parent(path, e);
}

/* The next paragraph's lines: up to LINES of them are noted, all are counted.  Returns where the paragraph ends. */
static size_t paragraph(struct span file, size_t at, struct span lines[LINES], unsigned *count)
{
	*count = 0;
	while (at < file.size && file.data[at] != '\n') {
		const uint8_t *start = file.data + at, *end = memchr(start, '\n', file.size - at);
		size_t size = end ? (size_t)(end - start) : file.size - at;
		if (*count < LINES)
			lines[*count] = span_of(start, size);
		(*count)++;
		at += size + (end ? 1 : 0);
	}
	return at;
}

void witness_each(struct span file, witness_record *each, void *context)
{
	for (size_t at = 0; at < file.size;) {
		struct span line[LINES], text;
		unsigned count;
		uint8_t signature[SIGNATURE_SIZE] = { 0 };
		struct checkpoint c;
		if (file.data[at] == '\n') {
			at++;
			continue;
		}
		at = paragraph(file, at, line, &count);
		if (count < LINES || (count == LINES && line[5].size < BASE64_SIZE(SIGNATURE_SIZE)))
			continue;
		text = span_of(line[0].data, (size_t)(line[5].data - line[0].data));
		bool valid =
		    count == LINES && checkpoint_parse(text, &c) && base64_read(line[5], signature, SIGNATURE_SIZE);
		if (!each(context, valid, text, signature))
			return;
	}
}
