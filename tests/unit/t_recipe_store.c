/* The store of recipes: intake, sets of signatures, the inbox, and what a start finds. */
#include "recipes.h"

#include "base/timefmt.h"
#include "line/store.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1800000000000)

static struct board_set boards;
static struct trust *trust;
static struct role_list require;
static char root[64];
static struct test_key alice, bob;
static struct bytes payload;

static void put(const char *name, struct span data)
{
	char path[256];
	assert_true(file_join(path, sizeof path, root, name, NULL));
	unlink(path); /* stored recipes are read-only */
	assert_true(file_write_atomic(path, data, 0644, NULL));
}

static void put_key(const char *name, const struct test_key *k)
{
	char text[256];
	test_key_text(k, text);
	put(name, span_of(text, strlen(text)));
}

static int set_up(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char path[256];
	snprintf(root, sizeof root, "/tmp/romline-store-XXXXXX");
	alice = test_key(1);
	bob = test_key(2);
	payload = romfs_with("main.py", 64);
	assert_non_null(mkdtemp(root));
	assert_true(file_join(path, sizeof path, root, "trust", &e) && file_make_folder(path, false, &e));
	put_key("trust/alice.pub", &alice);
	put_key("trust/bob.pub", &bob);
	assert_true(roles_parse("release", &require, &e));
	assert_true(trust_open(path, &trust, &e));
	assert_true(boards_load("fixtures/boards", &boards, &e));
	return 0;
}

static int delete_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	trust_close(trust);
	boards_clear(&boards);
	free(payload.data);
	return nftw(root, delete_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char reported[256];

static void report(void *context, const char *file, const struct err *why)
{
	(void)context;
	snprintf(reported, sizeof reported, "%.70s %s", file, code_name(why->code));
}

static struct recipe_store *open_at(int64_t now, bool allow_unsigned)
{
	const struct store_options o = { root, &boards, trust, &require, allow_unsigned };
	struct recipe_store *s = NULL;
	struct err e = ERR_INIT;
	reported[0] = '\0';
	if (!recipe_store_open(&o, now, report, NULL, &s, &e))
		fail_msg("%s: %s", code_name(e.code), e.msg);
	return s;
}

/* A recipe called `name`, signed by some of alice (1) and bob (2). */
static struct bytes make(const char *name, unsigned who)
{
	char manifest[MANIFEST_SIZE], quoted[80];
	struct test_key keys[2];
	unsigned count = 0;
	if (who & 1)
		keys[count++] = alice;
	if (who & 2)
		keys[count++] = bob;
	manifest_for(manifest, "openmv-n6", "ROMFS0", "romfs", span_of(payload.data, payload.size));
	snprintf(quoted, sizeof quoted, "\"%s\"", name);
	edit(manifest, "\"demo\"", quoted);
	edit(manifest, "\"not_after\":null", "\"not_after\":\"2030-01-01T00:00:00Z\"");
	struct bytes b = recipe_of(manifest, span_of(payload.data, payload.size)), s = signed_by(&b, keys, count);
	free(b.data);
	return s;
}

static bool add(
    struct recipe_store *s, struct span file, enum store_outcome *outcome, struct stored_recipe **out, struct err *e)
{
	struct store_intake *in;
	if (!recipe_store_begin(s, &in, e))
		return false;
	for (size_t at = 0; at < file.size; at += 100) {
		size_t left = file.size - at;
		if (!recipe_store_write(in, span_of(file.data + at, left < 100 ? left : 100), e)) {
			recipe_store_abandon(in);
			return false;
		}
	}
	return recipe_store_commit(in, NOW, outcome, out, e);
}

/* Adds and drops; returns the code, and says the outcome. */
static enum code try(struct recipe_store *s, const char *name, unsigned who, enum store_outcome *outcome)
{
	struct bytes file = make(name, who);
	struct stored_recipe *r = NULL;
	struct err e = ERR_INIT;
	*outcome = STORE_KNOWN;
	assert_true(add(s, span_of(file.data, file.size), outcome, &r, &e) == (e.code == CODE_OK));
	stored_recipe_drop(r);
	free(file.data);
	return e.code;
}

static unsigned files_in(const char *name)
{
	char path[256];
	unsigned count = 0;
	assert_true(file_join(path, sizeof path, root, name, NULL));
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir));)
		count += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static void a_recipe_goes_in(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, false);
	struct bytes file = make("one", 1);
	struct stored_recipe *r, *found, *list[4];
	enum store_outcome outcome;
	struct err e = ERR_INIT;
	struct stat st;
	char path[256];
	uint8_t *stored;
	size_t size;
	assert_true(add(s, span_of(file.data, file.size), &outcome, &r, &e));
	assert_int_equal(outcome, STORE_NEW);
	assert_string_equal(r->recipe.name, "one");
	assert_ptr_equal(r->board, boards_find(&boards, "openmv-n6"));
	assert_ptr_equal(r->recipe.regions[0].bound.partition, board_partition(r->board, "ROMFS0"));
	assert_int_equal(r->recipe.regions[0].files, 1);
	assert_memory_equal(r->recipe.regions[0].bound.image.data, payload.data, payload.size);
	assert_int_equal(r->signers.count, 1);
	assert_string_equal(r->signers.keys[0]->name, "alice");
	assert_true(r->stored_at > 0);
	snprintf(path, sizeof path, "%s/recipes/%s.img", root, r->sha256_text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_true(file_read(path, RECIPE_MAX_BYTES, &stored, &size, &e));
	assert_int_equal(size, file.size);
	assert_memory_equal(stored, file.data, size);
	free(stored);
	found = recipe_store_find(s, r->sha256);
	assert_ptr_equal(found, r);
	assert_int_equal(recipe_store_list(s, NULL, list, 4), 1);
	assert_int_equal(recipe_store_list(s, r->sha256, list + 1, 3), 0);
	assert_ptr_equal(list[0], r);
	stored_recipe_drop(list[0]);
	stored_recipe_drop(found);
	recipe_store_close(s);
	/* a reference outlives the store */
	assert_memory_equal(r->recipe.regions[0].bound.image.data, payload.data, payload.size);
	stored_recipe_drop(r);
	free(file.data);
}

static void signatures_are_a_set(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, false);
	struct bytes file = make("one", 1);
	struct stored_recipe *old, *new;
	enum store_outcome outcome;
	struct err e = ERR_INIT;
	assert_true(add(s, span_of(file.data, file.size), &outcome, &old, &e));
	assert_int_equal(try(s, "one", 1, &outcome), CODE_OK);
	assert_int_equal(outcome, STORE_KNOWN);
	assert_int_equal(try(s, "one", 3, &outcome), CODE_OK);
	assert_int_equal(outcome, STORE_UPDATED);
	assert_int_equal(files_in("recipes"), 1);
	new = recipe_store_find(s, old->sha256);
	assert_ptr_not_equal(new, old);
	assert_int_equal(new->signers.count, 2);
	assert_int_equal(old->signers.count, 1); /* who holds the old one keeps it */
	stored_recipe_drop(new);
	assert_int_equal(try(s, "one", 2, &outcome), CODE_OK);
	assert_int_equal(outcome, STORE_UPDATED);
	new = recipe_store_find(s, old->sha256);
	assert_string_equal(new->signers.keys[0]->name, "bob");
	stored_recipe_drop(new);
	stored_recipe_drop(old);
	recipe_store_close(s);
	free(file.data);
	s = open_at(NOW, false);
	assert_string_equal(reported, "");
	struct stored_recipe *list[2];
	assert_int_equal(recipe_store_list(s, NULL, list, 2), 1);
	assert_string_equal(list[0]->signers.keys[0]->name, "bob");
	stored_recipe_drop(list[0]);
	recipe_store_close(s);
}

static void refusals_leave_nothing(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, false);
	struct stored_recipe *r = NULL;
	struct store_intake *in;
	enum store_outcome outcome;
	struct err e = ERR_INIT;
	assert_int_equal(try(s, "unsigned", 0, &outcome), CODE_UNSIGNED);
	assert_false(add(s, span_of("junk", 4), &outcome, &r, &e));
	assert_int_equal(e.code, CODE_RECIPE_MALFORMED);
	assert_false(add(s, span_of("", 0), &outcome, &r, &e));
	assert_int_equal(e.code, CODE_RECIPE_MALFORMED);
	assert_true(recipe_store_begin(s, &in, &e));
	assert_int_equal(files_in("recipes"), 1);
	recipe_store_abandon(in);
	recipe_store_abandon(NULL);
	AUTO_FREE uint8_t *much = calloc(1, 1u << 20);
	assert_non_null(much);
	assert_true(recipe_store_begin(s, &in, &e));
	for (unsigned i = 0; i < 64; i++)
		assert_true(recipe_store_write(in, span_of(much, 1u << 20), &e));
	assert_false(recipe_store_write(in, span_of(much, 1), &e));
	assert_int_equal(e.code, CODE_TOO_LARGE);
	recipe_store_abandon(in);
	struct bytes file = make("late", 1);
	assert_true(recipe_store_begin(s, &in, &e) && recipe_store_write(in, span_of(file.data, file.size), &e));
	assert_false(recipe_store_commit(in, INT64_C(2000000000000), &outcome, &r, &e));
	assert_int_equal(e.code, CODE_EXPIRED);
	free(file.data);
	assert_int_equal(files_in("recipes"), 0);
	assert_null(r);
	recipe_store_close(s);
}

static void allowed_unsigned(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, true);
	enum store_outcome outcome;
	struct stored_recipe *list[2];
	struct err e = ERR_INIT;
	assert_int_equal(try(s, "plain", 0, &outcome), CODE_OK);
	assert_int_equal(outcome, STORE_NEW);
	assert_int_equal(recipe_store_list(s, NULL, list, 2), 1);
	assert_true(recipe_store_in_force(s, list[0], NOW, &e));
	stored_recipe_drop(list[0]);
	assert_int_equal(try(s, "plain", 1, &outcome), CODE_OK);
	assert_int_equal(outcome, STORE_UPDATED);
	assert_int_equal(try(s, "plain", 0, &outcome), CODE_OK);
	assert_int_equal(outcome, STORE_KNOWN); /* signatures are not lost */
	recipe_store_close(s);
	s = open_at(NOW, false);
	assert_string_equal(reported, "");
	recipe_store_close(s);
}

/* The stored file changed, was exchanged, cut, or left half-written; each is found at the next start. */
static void a_start_checks_everything(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, false);
	struct bytes one = make("one", 1), two = make("two", 1);
	struct stored_recipe *r;
	enum store_outcome outcome;
	struct err e = ERR_INIT;
	char name[128], text[SHA256_TEXT_SIZE];
	uint8_t sha[SHA256_SIZE];
	assert_true(add(s, span_of(one.data, one.size), &outcome, &r, &e));
	memcpy(sha, r->sha256, sizeof sha);
	snprintf(text, sizeof text, "%s", r->sha256_text);
	snprintf(name, sizeof name, "recipes/%s.img", text);
	stored_recipe_drop(r);
	recipe_store_close(s);

	put("recipes/.incoming-abcdef", span_of("half", 4));
	put("recipes/notes.txt", span_of("kept", 4));
	const struct {
		struct span file;
		enum code code;
	} rows[] = {
		{ span_of(one.data, one.size - 1), CODE_RECIPE_MALFORMED },
		{ span_of(two.data, two.size), CODE_RECIPE_MALFORMED },
		{ span_of("", 0), CODE_RECIPE_MALFORMED },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		put(name, rows[i].file);
		s = open_at(NOW, false);
		assert_non_null(strstr(reported, text));
		assert_non_null(strstr(reported, code_name(rows[i].code)));
		r = recipe_store_find(s, sha);
		assert_non_null(r);
		assert_false(recipe_store_in_force(s, r, NOW, &e));
		assert_int_equal(e.code, rows[i].code);
		assert_int_equal(r->recipe.region_count, 0);
		stored_recipe_drop(r);
		assert_int_equal(files_in("recipes"), 2);
		recipe_store_close(s);
	}
	/* the right file again mends it */
	s = open_at(NOW, false);
	assert_true(add(s, span_of(one.data, one.size), &outcome, &r, &e));
	assert_int_equal(outcome, STORE_UPDATED);
	assert_true(recipe_store_in_force(s, r, NOW, &e));
	assert_false(recipe_store_in_force(s, r, INT64_C(2000000000000), &e));
	assert_int_equal(e.code, CODE_EXPIRED);
	stored_recipe_drop(r);
	recipe_store_close(s);
	s = open_at(INT64_C(2000000000000), false);
	assert_non_null(strstr(reported, "expired"));
	recipe_store_close(s);
	free(one.data);
	free(two.data);
}

static unsigned taken_good, taken_bad;

static void taken(
    void *context, const char *file, enum store_outcome outcome, const struct stored_recipe *r, const struct err *why)
{
	(void)context;
	(void)file;
	(void)outcome;
	assert_true((r != NULL) == (why->code == CODE_OK));
	*(r ? &taken_good : &taken_bad) += 1;
}

static void scan(struct recipe_store *s, unsigned good, unsigned bad)
{
	struct err e = ERR_INIT;
	taken_good = taken_bad = 0;
	assert_true(recipe_store_scan_inbox(s, NOW, taken, NULL, &e));
	assert_int_equal(taken_good, good);
	assert_int_equal(taken_bad, bad);
}

static void the_inbox(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, false);
	struct bytes one = make("one", 1), none = make("none", 0);
	char path[256], target[256];
	uint8_t *reason;
	size_t size;
	struct err e = ERR_INIT;
	scan(s, 0, 0);
	put("inbox/one.img", span_of(one.data, one.size));
	put("inbox/none.img", span_of(none.data, none.size));
	put("inbox/one.txt", span_of(one.data, one.size));
	put("inbox/.one.img", span_of(one.data, one.size));
	put("elsewhere", span_of(one.data, one.size));
	snprintf(path, sizeof path, "%s/inbox/link.img", root);
	snprintf(target, sizeof target, "%s/elsewhere", root);
	assert_int_equal(symlink(target, path), 0);
	snprintf(path, sizeof path, "%s/inbox/folder.img", root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof path, "%s/inbox/pipe.img", root);
	assert_int_equal(mkfifo(path, 0644), 0);
	scan(s, 1, 1);
	assert_int_equal(files_in("recipes"), 1);
	assert_int_equal(files_in("inbox"), 6); /* refused/, one.txt, .one.img, link, folder, pipe */
	assert_int_equal(files_in("inbox/refused"), 2);
	snprintf(path, sizeof path, "%s/inbox/refused/none.img.reason", root);
	assert_true(file_read(path, 4096, &reason, &size, &e));
	assert_non_null(strstr((char *)reason, "unsigned: "));
	free(reason);
	scan(s, 0, 0);
	recipe_store_close(s);
	free(one.data);
	free(none.data);
}

/* A file that somebody still writes is left alone until it is closed. */
static void the_inbox_waits_for_writers(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, false);
	struct bytes one = make("one", 1);
	char path[256];
	snprintf(path, sizeof path, "%s/inbox/one.img", root);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, one.data, one.size / 2), one.size / 2);
	scan(s, 0, 0);
	assert_int_equal(write(fd, one.data + one.size / 2, one.size - one.size / 2), one.size - one.size / 2);
	scan(s, 0, 0);
	close(fd);
	scan(s, 1, 0);
	assert_int_equal(files_in("inbox"), 1);
	recipe_store_close(s);
	free(one.data);
}

/* Many recipes, added by several threads at once while others read. */
struct crowd {
	struct recipe_store *store;
	unsigned number;
	unsigned good;
};

static void *member(void *context)
{
	struct crowd *c = context;
	struct stored_recipe *list[64];
	for (unsigned i = 0; i < 12; i++) {
		enum store_outcome outcome;
		struct stored_recipe *r = NULL;
		char name[16];
		snprintf(name, sizeof name, "recipe-%u", i);
		struct bytes file = make(name, 1 + (c->number + i) % 3);
		struct err e = ERR_INIT;
		if (add(c->store, span_of(file.data, file.size), &outcome, &r, &e) &&
		    recipe_store_in_force(c->store, r, NOW, &e) && !strcmp(r->recipe.name, name))
			c->good++;
		stored_recipe_drop(r);
		free(file.data);
		unsigned count = recipe_store_list(c->store, NULL, list, 64);
		while (count)
			stored_recipe_drop(list[--count]);
	}
	return NULL;
}

static void threads(void **state)
{
	(void)state;
	struct recipe_store *s = open_at(NOW, false);
	struct crowd crowd[4];
	pthread_t thread[4];
	for (unsigned i = 0; i < 4; i++) {
		crowd[i] = (struct crowd){ s, i, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, member, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(crowd[i].good, 12);
	}
	struct stored_recipe *list[64];
	unsigned count = recipe_store_list(s, NULL, list, 64);
	assert_int_equal(count, 12);
	assert_int_equal(files_in("recipes"), 12);
	for (unsigned i = 0; i < count; i++) {
		assert_true(!i || memcmp(list[i - 1]->sha256, list[i]->sha256, SHA256_SIZE) < 0);
		if (i)
			stored_recipe_drop(list[i - 1]);
	}
	/* paging finds each once */
	struct stored_recipe *page[5];
	unsigned seen = 0;
	const uint8_t *behind = NULL;
	uint8_t last[SHA256_SIZE];
	for (unsigned n; (n = recipe_store_list(s, behind, page, 5));) {
		seen += n;
		memcpy(last, page[n - 1]->sha256, sizeof last);
		behind = last;
		while (n)
			stored_recipe_drop(page[--n]);
	}
	assert_int_equal(seen, 12);
	stored_recipe_drop(list[count - 1]);
	recipe_store_close(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_recipe_goes_in),
		CASE(signatures_are_a_set),
		CASE(refusals_leave_nothing),
		CASE(allowed_unsigned),
		CASE(a_start_checks_everything),
		CASE(the_inbox),
		CASE(the_inbox_waits_for_writers),
		CASE(threads),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
