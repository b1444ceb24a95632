/* A queue of messages with an eventfd. */
#include "os/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
	pthread_mutex_t lock;
	unsigned char *ring; /* owned; capacity messages */
	size_t size, capacity, head, count;
	int fd;
};

bool mailbox_create(struct mailbox **out, size_t message_size, struct err *e)
{
	struct mailbox *box = calloc(1, sizeof *box);
	if (!box)
		return err_set(e, CODE_NO_MEMORY, "no memory for a mailbox");
	box->size = message_size;
	box->capacity = MAILBOX_READY;
	box->ring = calloc(box->capacity, box->size);
	if (!box->ring) {
		free(box);
		return err_set(e, CODE_NO_MEMORY, "no memory for a mailbox");
	}
	box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->fd < 0) {
		free(box->ring);
		free(box);
		return err_sys(e, CODE_INTERNAL, errno, "cannot create an eventfd");
	}
	pthread_mutex_init(&box->lock, NULL);
	*out = box;
	return true;
}

void mailbox_destroy(struct mailbox *box)
{
	if (!box)
		return;
	pthread_mutex_destroy(&box->lock);
	close(box->fd);
	free(box->ring);
	free(box);
}

static unsigned char *slot_of(const struct mailbox *box, size_t index)
{
	return box->ring + (box->head + index) % box->capacity * box->size;
}

/* Twice the room, oldest message first. */
static void grow(struct mailbox *box)
{
	size_t capacity = box->capacity * 2;
	unsigned char *ring = calloc(capacity, box->size);
	if (!ring) {
		fputs("out of memory in a mailbox\n", stderr);
		abort();
	}
	for (size_t i = 0; i < box->count; i++)
		memcpy(ring + i * box->size, slot_of(box, i), box->size);
	free(box->ring);
	box->ring = ring;
	box->capacity = capacity;
	box->head = 0;
}

void mailbox_post(struct mailbox *box, const void *message)
{
	pthread_mutex_lock(&box->lock);
	if (box->count == box->capacity)
		grow(box);
	memcpy(slot_of(box, box->count++), message, box->size);
	uint64_t one = 1;
	ssize_t n = write(box->fd, &one, sizeof one); /* fails only when the counter is full: then it is readable */
	(void)n;
	pthread_mutex_unlock(&box->lock);
}

bool mailbox_take(struct mailbox *box, void *message)
{
	pthread_mutex_lock(&box->lock);
	bool any = box->count > 0;
	if (any) {
		memcpy(message, slot_of(box, 0), box->size);
		box->head = (box->head + 1) % box->capacity;
		box->count--;
	}
	if (!box->count) {
		uint64_t seen;
		ssize_t n = read(box->fd, &seen, sizeof seen); /* EAGAIN: nothing was posted since */
		(void)n;
	}
	pthread_mutex_unlock(&box->lock);
	return any;
}

int mailbox_fd(const struct mailbox *box)
{
	return box->fd;
}
