/* The log: one line per event on standard error, for engineers; what happened to units is in the journal.
 *
 * text:  at=2026-11-20T21:54:07.123Z level=info slot=3 attempt=17 msg="..."
 * json:  {"at":"...","level":"info","slot":3,"attempt":"17","msg":"..."}
 * slot and attempt stand on every line that is about one.  Under journald (JOURNAL_STREAM is set) each line starts with
 * <N>, its level. */
#ifndef STATION_OS_LOG_H
#define STATION_OS_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DBG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Call once before any thread starts. */
void log_setup(enum log_level least, enum log_format format);
bool log_format_from_name(const char *name, enum log_format *out);
/* Thread-safe: one write per line.  Control bytes of the message are replaced, lines are cut at 1000 bytes. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same about a slot and its attempt ("": none yet). */
void log_about(enum log_level level, unsigned slot, const char *attempt, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* What this thread logs from now on is about this slot and attempt; slot 0: about none any more. */
void log_context(unsigned slot, const char *attempt);

/* The newest lines, as text, oldest first; what is older is forgotten.  Thread-safe; each must not log. */
#define LOG_KEPT 200
typedef void log_each(void *context, const char *line);
void log_tail(log_each *each, void *context);

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DBG, __VA_ARGS__)

#endif
