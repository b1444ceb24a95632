/* Texts in memory: whole, or none at all, whichever request for memory is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

static unsigned refused, asked; /* the request that is refused, from 1; 0: none */

static void *counted_realloc(void *p, size_t size)
{
	return ++asked == refused ? NULL : realloc(p, size);
}

#define realloc counted_realloc
#include "station/os/text_out.c"
#undef realloc

static void print_lines(FILE *out, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "line %u of a text\n", i);
}

static void whole(void **state)
{
	(void)state;
	struct text_out t;
	size_t size = 1;
	refused = asked = 0;
	assert_non_null(text_begin(&t));
	char *text = text_end(&t, &size);
	assert_string_equal(text, "");
	assert_int_equal(size, 0);
	free(text);
	print_lines(text_begin(&t), 3);
	text = text_end(&t, &size);
	assert_string_equal(text, "line 0 of a text\nline 1 of a text\nline 2 of a text\n");
	assert_int_equal(size, strlen(text));
	free(text);
}

/* One request is refused, later ones are not: what is behind the hole must not be taken for the text. */
static void refusal(void **state)
{
	(void)state;
	struct text_out t;
	size_t size;
	refused = asked = 0;
	print_lines(text_begin(&t), 10000);
	char *text = text_end(&t, &size);
	assert_int_equal(size, strlen(text));
	free(text);
	unsigned most = asked;
	assert_true(most > 3);
	for (unsigned n = 1; n <= most; n++) {
		refused = n;
		asked = 0;
		print_lines(text_begin(&t), 10000);
		assert_null(text_end(&t, &size));
		assert_int_equal(size, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(whole), cmocka_unit_test(refusal) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
