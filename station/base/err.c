/* The error object and the look-ups in the table of codes. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code_row {
	const char *name, *sentence, *action;
	enum verdict verdict;
	bool retryable;
};

static const struct code_row rows[CODE_COUNT] = {
#define X(name, text, verdict, retry, sentence, action) [CODE_##name] = { text, sentence, action, verdict, retry },
	CODE_MAP(X)
#undef X
};

static const struct code_row *row_of(enum code code)
{
	return &rows[(unsigned)code < CODE_COUNT ? code : CODE_INTERNAL];
}

__attribute__((format(printf, 3, 0))) static void fill(struct err *e, enum code code, const char *fmt, va_list args)
{
	e->code = code;
	vsnprintf(e->msg, sizeof e->msg, fmt, args);
}

bool err_set(struct err *e, enum code code, const char *fmt, ...)
{
	if (e) {
		va_list args;
		va_start(args, fmt);
		fill(e, code, fmt, args);
		va_end(args);
	}
	return false;
}

bool err_sys(struct err *e, enum code code, int errnum, const char *fmt, ...)
{
	if (e) {
		char text[96] = "";
		va_list args;
		va_start(args, fmt);
		fill(e, code, fmt, args);
		va_end(args);
		size_t used = strlen(e->msg);
		snprintf(e->msg + used, sizeof e->msg - used, ": %s", strerror_r(errnum, text, sizeof text));
	}
	return false;
}

bool err_prefix(struct err *e, const char *fmt, ...)
{
	if (e) {
		struct err old = *e;
		va_list args;
		va_start(args, fmt);
		fill(e, old.code, fmt, args);
		va_end(args);
		size_t used = strlen(e->msg);
		snprintf(e->msg + used, sizeof e->msg - used, ": %s", old.msg);
	}
	return false;
}

const char *code_name(enum code code)
{
	return row_of(code)->name;
}

const char *code_sentence(enum code code)
{
	return row_of(code)->sentence;
}

const char *code_action(enum code code)
{
	return row_of(code)->action;
}

enum verdict code_verdict(enum code code)
{
	return row_of(code)->verdict;
}

bool code_retryable(enum code code)
{
	return row_of(code)->retryable;
}

enum code code_from_name(const char *name)
{
	unsigned i = 0;
	while (i < CODE_COUNT && strcmp(rows[i].name, name))
		i++;
	return (enum code)i;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = { "", "PASS", "FAIL", "ERROR", "ABORTED" };
	return (unsigned)v < sizeof names / sizeof *names ? names[v] : "";
}
