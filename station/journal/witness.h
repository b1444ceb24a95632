/* The file of checkpoints, kept outside the database and best on another machine: what the journal said of itself,
 * out of reach of whoever changes the database later.
 *
 * One record per checkpoint: its five lines, a line with the signature in base64 (88 digits), an empty line.  The
 * file is only ever appended to.  A record of fewer than six lines, or with a shorter last line, was cut by a crash
 * and is passed over; anything else that is no checkpoint counts as badly signed. */
#ifndef STATION_JOURNAL_WITNESS_H
#define STATION_JOURNAL_WITNESS_H

#include "journal/chain.h"

#define WITNESS_MAX_FILE (256u << 20)

/* Appends and syncs; makes the file when it is missing.  Ends a record that a crash cut. */
bool witness_append(const char *path, const char *text, const uint8_t signature[SIGNATURE_SIZE], struct err *e);

/* valid: well formed; then text is its five lines.  Returns false to stop. */
typedef bool witness_record(void *context, bool valid, struct span text, const uint8_t signature[SIGNATURE_SIZE]);
void witness_each(struct span file, witness_record *each, void *context);

#endif
