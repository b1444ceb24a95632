/* Shared by the store's own files only: store.c keeps the list, store_file.c the bytes on disk. */
#ifndef STATION_LINE_STORE_PRIVATE_H
#define STATION_LINE_STORE_PRIVATE_H

#include "line/store.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#define STORE_TEMPORARY ".incoming-"

/* A stored recipe with what keeps it alive; `shown` is what everybody sees, and must stand first. */
struct holder {
	struct stored_recipe shown;
	atomic_uint references;
	void *map; /* owned: the file's bytes, read-only; NULL: none */
	size_t size;
};

struct recipe_store {
	char folder[PATH_MAX], inbox[PATH_MAX], refused[PATH_MAX];
	struct intake_rules rules; /* require points at the copy below */
	struct role_list require;
	pthread_mutex_t lock; /* over the list; never held while hashing */
	struct holder **list; /* owned array, one reference each, ascending by SHA-256 */
	unsigned count, capacity;
};

/* Maps and examines the file behind fd, which stays the caller's.  NULL only when memory ran out or the file cannot be
 * mapped; what is wrong with the recipe is in its trouble. */
struct holder *holder_load(const struct recipe_store *s, int fd, struct err *e);
/* One with a trouble and an identity, without a file. */
struct holder *holder_broken(const uint8_t sha256[SHA256_SIZE], const struct err *trouble);
void holder_drop(struct holder *h); /* accepts NULL */

/* The list; the caller has the lock.  find: NULL when there is none.  reserve makes room for one more; put then takes
 * over the reference and drops the one it replaces. */
struct holder *store_list_find(struct recipe_store *s, const uint8_t sha256[SHA256_SIZE]);
bool store_list_reserve(struct recipe_store *s, struct err *e);
void store_list_put(struct recipe_store *s, struct holder *h);

#endif
