/* Runs the label's program. */
#include "line/label.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OUTPUT_LIMIT 4096
#define VALUES       11
#define PART_SIZE    512
#define IDLE_MS      3600000 /* every wait has an end */

static const char *const names[VALUES] = { "serial", "mac", "uid", "order", "batch", "recipe", "board", "slot",
	"station", "attempt", "at" };

/* --- the command -------------------------------------------------------------------------------------------------- */

static bool placeholders_known(const char *part, struct err *e)
{
	while ((part = strpbrk(part, "{}"))) {
		size_t n = *part == '{' ? strcspn(part + 1, "{}") : 0;
		bool known = false;
		for (int i = 0; i < VALUES && n; i++)
			known = known || (strlen(names[i]) == n && !memcmp(names[i], part + 1, n));
		if (!known || part[n + 1] != '}')
			return err_set(e, CODE_CONFIG_INVALID, "[label] command: what is %.20s?", part);
		part += n + 2;
	}
	return true;
}

bool label_parse(const char *command, struct label_command *out, struct err *e)
{
	out->count = 0;
	if (snprintf(out->text, sizeof out->text, "%s", command) >= (int)sizeof out->text)
		return err_set(e, CODE_CONFIG_INVALID, "[label] command is too long");
	char *at = out->text;
	while (*(at += strspn(at, " \t"))) {
		if (out->count == LABEL_ARGS - 1)
			return err_set(
			    e, CODE_CONFIG_INVALID, "[label] command has more than %d parts", LABEL_ARGS - 1);
		out->args[out->count++] = at;
		at += strcspn(at, " \t");
		if (*at)
			*at++ = '\0';
	}
	if (out->count && (out->args[0][0] != '/' || strpbrk(out->args[0], "{}")))
		return err_set(e, CODE_CONFIG_INVALID, "[label] command must begin with the program's whole path");
	for (unsigned i = 1; i < out->count; i++)
		if (!placeholders_known(out->args[i], e))
			return false;
	return true;
}

static const char *value_of(const struct label_value *values, unsigned count, const char *name, size_t size)
{
	for (unsigned i = 0; i < count; i++)
		if (strlen(values[i].name) == size && !memcmp(values[i].name, name, size))
			return values[i].value;
	return "";
}

bool label_fill(
    const char *part, const struct label_value *values, unsigned count, char *out, size_t size, struct err *e)
{
	size_t used = 0;
	for (const char *at = part; *at;) {
		size_t n = *at == '{' ? strcspn(at + 1, "}") : 0;
		const char *text = *at == '{' ? value_of(values, count, at + 1, n) : at;
		size_t length = *at == '{' ? strlen(text) : 1;
		if (at == part && *at == '{' && *text == '-')
			return err_set(e, CODE_LABEL_FAILED, "'%.40s' would be taken for an option", text);
		if (used + length >= size)
			return err_set(e, CODE_LABEL_FAILED, "an argument is too long");
		memcpy(out + used, text, length);
		used += length;
		at += *at == '{' ? n + 2 : 1;
	}
	out[used] = '\0';
	return true;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

struct waiting {
	int64_t attempt;
	bool again;
	char reason[129];
	struct who who;
	bool has_who;
};

struct labels {
	struct label_options o;
	struct label_command command;
	struct journal_reader *reader; /* owned */
	pthread_t thread;
	bool running;
	int stop_fd; /* readable: end the program that runs */
	atomic_bool stop;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	unsigned first, count;
	struct waiting queue[LABEL_QUEUE];
};

static const char *text_of(const struct cJSON *json, const char *key)
{
	const char *text = NULL;
	return json && json_string_or_null(json, key, &text, NULL) && text ? text : "";
}

/* The attempt says all but the MAC number, which is the unit's. */
static bool collect(struct labels *l, int64_t attempt, struct cJSON **a, struct cJSON **unit, struct err *e)
{
	char *json = NULL;
	*unit = NULL;
	*a = NULL;
	if (!query_attempt(l->reader, attempt, &json, e))
		return false;
	*a = json_parse(span_of(json, strlen(json)), e);
	free(json);
	json = NULL;
	if (!*a || !query_unit_alone(l->reader, text_of(*a, "uid"), &json, e))
		return false;
	*unit = json_parse(span_of(json, strlen(json)), e);
	free(json);
	return *unit != NULL;
}

static bool run_program(struct labels *l, const struct label_value *values, struct err *e)
{
	const char *argv[LABEL_ARGS] = { NULL };
	char(*parts)[PART_SIZE] = calloc(LABEL_ARGS, PART_SIZE);
	bool ok = parts || err_set(e, CODE_NO_MEMORY, "no memory for a label");
	for (unsigned i = 0; ok && i < l->command.count; i++) {
		ok = label_fill(l->command.args[i], values, VALUES, parts[i], PART_SIZE, e);
		argv[i] = parts[i];
	}
	struct child_spec spec = { .argv = argv,
		.cwd = "/",
		.output_limit = OUTPUT_LIMIT,
		.deadline_ms = l->o.deadline_s * 1000,
		.stop_fd = l->stop_fd };
	struct child_result result;
	if (ok) {
		ok = child_run_ok(&spec, &result, e);
		child_result_clear(&result);
	}
	free(parts);
	return ok;
}

static bool print_one(struct labels *l, const struct waiting *w, struct err *e)
{
	char slot[16] = "";
	int64_t number;
	AUTO_JSON struct cJSON *a = NULL;
	AUTO_JSON struct cJSON *unit = NULL;
	if (!collect(l, w->attempt, &a, &unit, e))
		return false;
	if (json_integer(a, "slot", 0, 9999, &number, NULL))
		snprintf(slot, sizeof slot, "%lld", (long long)number);
	struct label_value values[VALUES];
	for (int i = 0; i < VALUES; i++)
		values[i] = (struct label_value){ names[i], text_of(a, names[i]) };
	values[1].value = text_of(unit, "mac");
	values[7].value = slot;
	values[8].value = l->o.station;
	values[9].value = text_of(a, "id");
	values[10].value = text_of(a, "ended_at");
	return run_program(l, values, e);
}

static void record(struct labels *l, const struct waiting *w, const struct err *why)
{
	char id[24];
	bool printed = why->code == CODE_OK;
	snprintf(id, sizeof id, "%lld", (long long)w->attempt);
	struct cJSON *body = json_new_object();
	json_add_string(body, "attempt", id);
	json_add_string(body, "code", code_name(printed ? CODE_OK : CODE_LABEL_FAILED));
	json_add_string(body, "message", printed ? NULL : why->msg);
	json_add_string(body, "reason", w->again ? w->reason : NULL);
	who_add(body, w->has_who ? &w->who : NULL);
	if (!printed)
		log_warn("label of attempt %s: %s", id, why->msg);
	journal_append(l->o.journal, KIND_LABEL_PRINTED, body, NULL, NULL);
}

static bool take(struct labels *l, struct waiting *out)
{
	pthread_mutex_lock(&l->lock);
	while (!l->count && !atomic_load(&l->stop)) {
		struct timespec until = clock_deadline(IDLE_MS);
		pthread_cond_clockwait(&l->work, &l->lock, CLOCK_MONOTONIC, &until);
	}
	bool some = l->count > 0 && !atomic_load(&l->stop);
	if (some) {
		*out = l->queue[l->first];
		l->first = (l->first + 1) % LABEL_QUEUE;
		l->count--;
	}
	pthread_mutex_unlock(&l->lock);
	return some;
}

static void *print_all(void *context)
{
	struct labels *l = context;
	struct waiting w;
	while (take(l, &w)) {
		struct err why = ERR_INIT;
		print_one(l, &w, &why);
		record(l, &w, &why);
	}
	return NULL;
}

/* --- for others --------------------------------------------------------------------------------------------------- */

bool label_print(struct labels *l, int64_t attempt, const char *reason, const struct who *who, struct err *e)
{
	if (!l)
		return err_set(e, CODE_CONFLICT, "no [label] command is configured");
	pthread_mutex_lock(&l->lock);
	bool room = l->count < LABEL_QUEUE;
	if (room) {
		struct waiting *w = &l->queue[(l->first + l->count++) % LABEL_QUEUE];
		*w = (struct waiting){ .attempt = attempt, .again = reason != NULL };
		snprintf(w->reason, sizeof w->reason, "%s", reason ? reason : "");
		w->has_who = who != NULL;
		if (who)
			w->who = *who;
		pthread_cond_signal(&l->work);
	}
	pthread_mutex_unlock(&l->lock);
	if (room)
		return true;
	struct waiting w = { .attempt = attempt, .again = reason != NULL };
	struct err why = ERR_INIT;
	err_set(&why, CODE_LABEL_FAILED, "%d labels wait already", LABEL_QUEUE);
	record(l, &w, &why);
	return err_set(e, CODE_CONFLICT, "%s", why.msg);
}

unsigned labels_waiting(struct labels *l)
{
	if (!l)
		return 0;
	pthread_mutex_lock(&l->lock);
	unsigned count = l->count;
	pthread_mutex_unlock(&l->lock);
	return count;
}

static bool start(struct labels *l, struct err *e)
{
	l->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (l->stop_fd < 0)
		return err_set(e, CODE_FILE_FAILED, "no descriptor for the labels");
	if (!label_parse(l->o.command, &l->command, e) || !journal_reader_open(l->o.journal_path, &l->reader, e))
		return false;
	int rc = pthread_create(&l->thread, NULL, print_all, l);
	if (rc)
		return err_sys(e, CODE_INTERNAL, rc, "cannot start the thread that prints labels");
	pthread_setname_np(l->thread, "labels");
	l->running = true;
	return true;
}

bool labels_start(const struct label_options *o, struct labels **out, struct err *e)
{
	*out = NULL;
	if (!*o->command)
		return true;
	struct labels *l = calloc(1, sizeof *l);
	if (!l)
		return err_set(e, CODE_NO_MEMORY, "no memory for labels");
	l->o = *o;
	l->stop_fd = -1;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	*out = l;
	if (start(l, e))
		return true;
	labels_stop(l);
	*out = NULL;
	return false;
}

void labels_stop(struct labels *l)
{
	uint64_t one = 1;
	if (!l)
		return;
	if (l->running) {
		pthread_mutex_lock(&l->lock);
		atomic_store(&l->stop, true);
		pthread_cond_signal(&l->work);
		pthread_mutex_unlock(&l->lock);
		if (write(l->stop_fd, &one, sizeof one) < 0)
			log_warn("the label's program is not told to stop");
		pthread_join(l->thread, NULL);
	}
	if (l->stop_fd >= 0)
		close(l->stop_fd);
	journal_reader_close(l->reader);
	pthread_cond_destroy(&l->work);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
