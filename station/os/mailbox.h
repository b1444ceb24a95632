/* A queue of fixed-size messages from any thread to one reader, with an eventfd so that the reader can wait for it
 * beside other descriptors. */
#ifndef STATION_OS_MAILBOX_H
#define STATION_OS_MAILBOX_H

#include "base/err.h"

#include <stddef.h>

#define MAILBOX_READY 1024

struct mailbox;

bool mailbox_create(struct mailbox **out, size_t message_size, struct err *e);
void mailbox_destroy(struct mailbox *box); /* accepts NULL; messages still inside are dropped */
/* Copies the message in.  There is room for MAILBOX_READY from the start, more than a full line has on its way; beyond
 * that it grows, and aborts the process when memory is gone, since a lost message would be a lost unit. */
void mailbox_post(struct mailbox *box, const void *message);
/* Takes the oldest message; false: none. */
bool mailbox_take(struct mailbox *box, void *message);
/* Readable while messages wait; owned by the mailbox. */
int mailbox_fd(const struct mailbox *box);

#endif
