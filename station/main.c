/* stationd: reads its configuration, builds a station of it, runs its line until a signal, takes it down. */
#include "base/refusal.h"
#include "base/version.h"
#include "http/station.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE };

static bool serve(struct station *s, struct err *e)
{
	if (!station_start(s, e))
		return false;
	log_info("%s is ready: %u boards, %u trusted keys", s->conf.name, s->boards.count, trust_key_count(s->trust));
	return station_run(s, e);
}

static int refuse(const struct err *e)
{
	char line[REFUSAL_SIZE];
	refusal_text("stationd", e, line);
	fprintf(stderr, "%s\n", line);
	return EXIT_REFUSED;
}

/* What was printed is out, or it is a refusal. */
static int printed(bool good)
{
	struct err e = ERR_INIT;
	if (good && fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	err_sys(&e, CODE_FILE_FAILED, errno, "cannot write the answer");
	return refuse(&e);
}

static int dump_config(const struct conf *conf)
{
	struct err e = ERR_INIT;
	AUTO_FREE char *text = conf_print(conf);
	if (text)
		return printed(fputs(text, stdout) != EOF);
	err_set(&e, CODE_NO_MEMORY, "no memory to print the configuration");
	return refuse(&e);
}

static void print_usage(FILE *out)
{
	fputs("usage: stationd -c station.conf [--log text|json] [--check-config | --dump-config | --dump-states]\n",
	    out);
}

/* What is asked of a program without any configuration. */
static bool answered(int argc, char **argv)
{
	if (argc != 2)
		return false;
	if (!strcmp(argv[1], "--version"))
		puts("stationd " STATION_VERSION);
	else if (!strcmp(argv[1], "--help"))
		print_usage(stdout);
	else
		return false;
	return true;
}

struct arguments {
	const char *config, *log; /* log: overrides [log] format */
	bool check, dump_config, dump_states;
};

static bool parse_arguments(int argc, char **argv, struct arguments *a)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-c") && i + 1 < argc && !a->config)
			a->config = argv[++i];
		else if (!strcmp(argv[i], "--log") && i + 1 < argc && !a->log)
			a->log = argv[++i];
		else if (!strcmp(argv[i], "--check-config"))
			a->check = true;
		else if (!strcmp(argv[i], "--dump-config"))
			a->dump_config = true;
		else if (!strcmp(argv[i], "--dump-states"))
			a->dump_states = true;
		else
			return false;
	}
	enum log_format format;
	return (!a->log || log_format_from_name(a->log, &format)) && (a->config || a->dump_states) &&
	       a->check + a->dump_config + a->dump_states <= 1;
}

int main(int argc, char **argv)
{
	struct arguments a = { NULL, NULL, false, false, false };
	static struct station s;
	struct err e = ERR_INIT;
	if (answered(argc, argv))
		return printed(true);
	if (!parse_arguments(argc, argv, &a)) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (a.dump_states) {
		unit_dump(stdout);
		return printed(true);
	}
	if (sodium_init() < 0 || !conf_load(a.config, &s.conf, &e))
		return refuse(&e);
	if (a.log)
		log_format_from_name(a.log, &s.conf.format);
	if (a.dump_config)
		return dump_config(&s.conf);
	log_setup(s.conf.level, s.conf.format);
	station_block_signals();
	bool ok = station_read_rules(&s, &e) && (a.check || serve(&s, &e));
	station_take_down(&s);
	return ok ? EXIT_DONE : refuse(&e);
}
