/* The mailbox: order, its descriptor, and its reserve: MAILBOX_READY messages need no memory.
 *
 * The module is compiled in here, so that what it asks of memory can be seen and refused in every build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool poor; /* no memory is left */
static unsigned asked;

static void *counted_calloc(size_t count, size_t size)
{
	asked++;
	return poor ? NULL : calloc(count, size);
}

#define calloc counted_calloc
#include "station/os/mailbox.c"
#undef calloc

struct note {
	uint64_t number;
	char text[40];
};

static struct mailbox *fresh(void)
{
	struct mailbox *box;
	struct err e = ERR_INIT;
	poor = false;
	assert_true(mailbox_create(&box, sizeof(struct note), &e));
	asked = 0;
	return box;
}

static void post(struct mailbox *box, uint64_t number)
{
	struct note n = { number, "" };
	snprintf(n.text, sizeof n.text, "number %llu", (unsigned long long)number);
	mailbox_post(box, &n);
}

static void take(struct mailbox *box, uint64_t number)
{
	struct note n;
	char text[40];
	snprintf(text, sizeof text, "number %llu", (unsigned long long)number);
	assert_true(mailbox_take(box, &n));
	assert_int_equal(n.number, number);
	assert_string_equal(n.text, text);
}

static bool readable(const struct mailbox *box)
{
	struct pollfd p = { mailbox_fd(box), POLLIN, 0 };
	return poll(&p, 1, 0) == 1;
}

static void reserve(void **state)
{
	(void)state;
	struct mailbox *box = fresh();
	poor = true;
	for (unsigned round = 0, turn = 7; round < 3; round++, turn = 500) { /* wherever the ring begins */
		for (uint64_t n = 0; n < turn; n++) {
			post(box, n);
			take(box, n);
		}
		for (uint64_t n = 0; n < MAILBOX_READY; n++)
			post(box, n);
		for (uint64_t n = 0; n < MAILBOX_READY; n++)
			take(box, n);
	}
	assert_int_equal(asked, 0);
	struct note n;
	assert_false(mailbox_take(box, &n));
	mailbox_destroy(box);
}

static void growth(void **state)
{
	(void)state;
	struct mailbox *box = fresh();
	for (uint64_t n = 0; n < 100; n++)
		post(box, n);
	for (uint64_t n = 0; n < 100; n++)
		take(box, n);
	for (uint64_t n = 0; n < 5 * MAILBOX_READY; n++)
		post(box, n);
	for (uint64_t n = 0; n < 5 * MAILBOX_READY; n++)
		take(box, n);
	assert_int_equal(asked, 3); /* 2, 4 and 8 times the reserve */
	mailbox_destroy(box);
}

static void descriptor(void **state)
{
	(void)state;
	struct mailbox *box = fresh();
	assert_false(readable(box));
	post(box, 1);
	post(box, 2);
	assert_true(readable(box));
	take(box, 1);
	assert_true(readable(box)); /* one is left */
	take(box, 2);
	assert_false(readable(box));
	mailbox_destroy(box);
	mailbox_destroy(NULL);
}

/* A message beyond the reserve that finds no memory ends the process aloud: it would be a lost unit. */
static void beyond(void **state)
{
	(void)state;
	struct mailbox *box = fresh();
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		const struct rlimit none = { 0, 0 };
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		for (uint64_t n = 0; n < MAILBOX_READY; n++)
			post(box, n);
		poor = true;
		post(box, MAILBOX_READY);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	mailbox_destroy(box);
}

static void creation(void **state)
{
	(void)state;
	struct mailbox *box;
	struct err e = ERR_INIT;
	poor = true;
	assert_false(mailbox_create(&box, sizeof(struct note), &e));
	assert_int_equal(e.code, CODE_NO_MEMORY);
	poor = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserve),
		cmocka_unit_test(growth),
		cmocka_unit_test(descriptor),
		cmocka_unit_test(beyond),
		cmocka_unit_test(creation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
