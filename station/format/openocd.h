/* OpenOCD's side of a conversation over its Tcl port: what is sent, what its answers and its complaints mean.
 *
 * Pure.  A request and an answer are text that ends with one byte 0x1a.  An answer carries no status by itself, so
 * every request is wrapped in `list [catch {...} r] $r`: the answer is a Tcl list of two elements, a return code (0
 * good, 1 a Tcl error, negative OpenOCD's own) and a text.  Everything that comes from OpenOCD is untrusted. */
#ifndef STATION_FORMAT_OPENOCD_H
#define STATION_FORMAT_OPENOCD_H

#include "base/err.h"
#include "base/span.h"

#define OCD_END         0x1a
#define OCD_REQUEST_MAX 65536   /* a request with its wrapping and its end */
#define OCD_ANSWER_MAX  1048576 /* an answer with its end */
#define OCD_WORDS_MAX   4096    /* of one write: their text must fit a request */

/* Wraps tcl and ends it; returns the size, 0 when it does not fit or would break out of its wrapping (braces that are
 * not in pairs, a backslash, an end). */
size_t ocd_wrap(const char *tcl, char *out, size_t size);
/* Takes an answer apart, its end left away.  text: cut to what fits.  False: it is no list of a number and one text. */
bool ocd_answer(struct span answer, int *rc, char *text, size_t size);
/* Exactly count numbers, "0x20000000 7", separated by blanks. */
bool ocd_words(const char *text, uint32_t *out, unsigned count);
/* The number in front of " bytes" in what load_image, dump_image and flash write_image answer: "downloaded 64 bytes
 * in ...", "dumped 64 bytes in ...", "wrote 0 bytes from file ...".  False: there is none. */
bool ocd_byte_count(const char *text, uint64_t *out);

/* What OpenOCD complained about since ocd_trouble_clear: the heaviest line by the table, else its first error. */
struct ocd_trouble {
	enum code code; /* CODE_OK: no line that the table knows */
	char line[128]; /* printable; "" when nothing was complained about */
};
void ocd_trouble_clear(struct ocd_trouble *t);
/* Takes one line of its standard error, with or without its newline. */
void ocd_trouble_note(struct ocd_trouble *t, struct span line);

/* A debug probe, as OpenOCD is told of it. */
enum probe_driver { PROBE_ST_LINK, PROBE_CMSIS_DAP };
#define PROBE_SERIAL_SIZE 64
struct ocd_probe {
	enum probe_driver driver;
	uint16_t port;                  /* of an stlink-server on 127.0.0.1; 0: by USB */
	uint16_t vid, pid;              /* by USB */
	char serial[PROBE_SERIAL_SIZE]; /* by USB; "": whichever OpenOCD finds first */
	uint32_t khz;
};
/* The commands that choose the adapter and its transport.  False: the serial may not stand there, or it does not fit.
 */
bool ocd_probe_commands(const struct ocd_probe *p, char *out, size_t size);

/* May this text stand in Tcl and on a command line as it is: letters, digits, '.', '_', '-', not empty, at most 63, and
 * no '-' or '.' in front? */
bool ocd_name_valid(const char *text);

#endif
