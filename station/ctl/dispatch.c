/* From argv to a sub-command: the table's look-up, its help, and the options. */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

static void print_help(FILE *out, const struct ctl_command *table, const char *prefix)
{
	fprintf(out, "usage: %s COMMAND ...\n", prefix);
	for (const struct ctl_command *c = table; c->name; c++)
		fprintf(out, "  stationctl %s\n", c->usage);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* One whose own commands are another table's; that one gives the help. */
static bool is_group(const struct ctl_command *c, const char *prefix)
{
	size_t n = strlen(c->usage);
	return !strchr(prefix, ' ') && n > 3 && !strcmp(c->usage + n - 3, "...");
}

static int run(const struct ctl_command *c, const char *prefix, int argc, char **argv)
{
	if (argc < 2 || !is_help(argv[1]) || is_group(c, prefix))
		return c->run(argc, argv);
	printf("usage: stationctl %s\n", c->usage);
	return CTL_DONE;
}

int ctl_dispatch(const struct ctl_command *table, const char *prefix, int argc, char **argv)
{
	struct err e = ERR_INIT;
	if (argc < 2) {
		print_help(stderr, table, prefix);
		err_set(&e, CODE_USAGE, "%s needs a command", prefix);
		return ctl_refuse(&e);
	}
	if (is_help(argv[1]) || !strcmp(argv[1], "help")) {
		print_help(stdout, table, prefix);
		return CTL_DONE;
	}
	for (const struct ctl_command *c = table; c->name; c++)
		if (!strcmp(argv[1], c->name))
			return run(c, prefix, argc - 1, argv + 1);
	print_help(stderr, table, prefix);
	err_set(&e, CODE_USAGE, "%s has no command '%.40s'", prefix, argv[1]);
	return ctl_refuse(&e);
}

/* Does `arg` select this option?  *attached is then the value written in the same word, or NULL. */
static bool selects(const struct ctl_option *o, const char *arg, const char **attached)
{
	*attached = NULL;
	if (arg[1] == '-') {
		size_t n = strlen(o->name);
		if (strncmp(arg + 2, o->name, n) || (arg[2 + n] && arg[2 + n] != '='))
			return false;
		if (arg[2 + n])
			*attached = arg + 3 + n;
		return true;
	}
	if (!o->letter || arg[1] != o->letter)
		return false;
	if (arg[2])
		*attached = arg + 2;
	return true;
}

static bool store(const struct ctl_option *o, const char *value, struct err *e)
{
	if (o->value) {
		if (*o->value)
			return err_set(e, CODE_USAGE, "--%s is given twice", o->name);
		*o->value = value;
		return true;
	}
	if (o->list->count == o->list->capacity)
		return err_set(e, CODE_USAGE, "--%s is given more than %u times", o->name, o->list->capacity);
	o->list->items[o->list->count++] = value;
	return true;
}

/* Handles the option at argv[*i]; moves *i to its last word. */
static bool take(const struct ctl_option *table, char **argv, int argc, int *i, struct err *e)
{
	const char *arg = argv[*i], *attached = NULL;
	const struct ctl_option *o = table;
	while (o->name && !selects(o, arg, &attached))
		o++;
	if (!o->name)
		return err_set(e, CODE_USAGE, "unknown option '%.60s'", arg);
	if (o->flag) {
		if (attached)
			return err_set(e, CODE_USAGE, "--%s takes no value", o->name);
		*o->flag = true;
		return true;
	}
	if (!attached) {
		if (*i + 1 >= argc)
			return err_set(e, CODE_USAGE, "--%s needs a value", o->name);
		attached = argv[++*i];
	}
	return store(o, attached, e);
}

bool ctl_options(int *argc, char **argv, const struct ctl_option *table, struct err *e)
{
	int kept = 1, i = 1;
	for (; i < *argc && strcmp(argv[i], "--"); i++) {
		/* "-" alone is an operand by custom */
		if (argv[i][0] != '-' || !argv[i][1])
			argv[kept++] = argv[i];
		else if (!take(table, argv, *argc, &i, e))
			return false;
	}
	for (i++; i < *argc; i++)
		argv[kept++] = argv[i];
	*argc = kept;
	return true;
}

bool ctl_operands(int argc, int min, int max, const char *usage, struct err *e)
{
	int count = argc - 1;
	if (count >= min && count <= max)
		return true;
	return err_set(e, CODE_USAGE, "stationctl %s", usage);
}
