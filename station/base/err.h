/* Every refusal and verdict of the product: one table of codes, and the error object that carries one upwards.
 *
 * A fallible function is `bool f(..., struct err *e)`: true and *e untouched, or false and *e filled.  The code is
 * stable (journal, REST, exit messages); the message is one plain sentence for this occasion; layers above may
 * prefix it, nobody replaces it.  The sentence and the action of the table are what an operator reads. */
#ifndef STATION_BASE_ERR_H
#define STATION_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum verdict { VERDICT_NONE, VERDICT_PASS, VERDICT_FAIL, VERDICT_ERROR, VERDICT_ABORTED };

/* X(NAME, "code", verdict, retryable, "sentence", "what to do now") */
#include "base/codes.h"

enum code {
#define X(name, text, verdict, retry, sentence, action) CODE_##name,
	CODE_MAP(X)
#undef X
	    CODE_COUNT
};

struct err {
	enum code code;
	char msg[232]; /* one sentence without a final newline; never empty after a failure */
};

#define ERR_INIT                                                                                                       \
	{                                                                                                              \
		CODE_OK, ""                                                                                            \
	}

/* Fills *e and returns false, so that a caller can write `return err_set(e, ...)`.  e may be NULL. */
bool err_set(struct err *e, enum code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same for a failed system call: appends strerror(errnum). */
bool err_sys(struct err *e, enum code code, int errnum, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Puts "prefix: " in front of the message; returns false. */
bool err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* All answers are static strings and never NULL; an out-of-range code reads as CODE_INTERNAL. */
const char *code_name(enum code code);
const char *code_sentence(enum code code);
const char *code_action(enum code code);
enum verdict code_verdict(enum code code);
bool code_retryable(enum code code);
/* CODE_COUNT when the text is no code. */
enum code code_from_name(const char *name);

const char *verdict_name(enum verdict v); /* "PASS", "FAIL", "ERROR", "ABORTED", "" */

#endif
