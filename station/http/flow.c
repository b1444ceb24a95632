/* Carries a source's pieces to libmicrohttpd, under the deadlines of conns.h.
 *
 * While a connection is suspended the library looks at nothing that happens to it, not even at its end; so we look
 * ourselves, and a live source must have a piece now and then for those that went away without a word. */
#include "http/flow.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PIECE      16384
#define LIVE_PIECE 4096
/* What the system keeps for a client that does not read: enough for a burst, little enough to notice it soon. */
#define LIVE_SEND_BUFFER 65536
/* One that has vanished without a word (a cable, a closed lid) takes frames into that buffer for hours; so the system
 * ends it when it has acknowledged nothing for LIVE_MS, as one that does not read is ended. */

struct flow {
	struct source source;
	struct conns *conns;               /* borrowed */
	struct conn *conn;                 /* borrowed */
	struct MHD_Connection *connection; /* borrowed */
};

static ssize_t take(void *context, uint64_t position, char *out, size_t size)
{
	struct flow *f = context;
	(void)position;
	conns_phase(f->conns, f->conn, f->source.live ? PHASE_LIVE : PHASE_ANSWER);
	long n = f->source.read(f->source.context, f, out, size);
	if (n >= 0)
		return n;
	return n == SOURCE_END ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void end(void *context)
{
	struct flow *f = context;
	f->source.end(f->source.context);
	free(f);
}

struct MHD_Response *flow_create(
    const struct source *source, struct conns *conns, struct conn *conn, struct MHD_Connection *connection)
{
	const int bytes = LIVE_SEND_BUFFER;
	const unsigned silence = LIVE_MS;
	struct flow *f = calloc(1, sizeof *f);
	if (!f) {
		source->end(source->context);
		return NULL;
	}
	*f = (struct flow){ *source, conns, conn, connection };
	if (source->live) {
		setsockopt(conn->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
		setsockopt(conn->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
	}
	struct MHD_Response *response = MHD_create_response_from_callback(
	    source->size ? source->size : MHD_SIZE_UNKNOWN, source->live ? LIVE_PIECE : PIECE, take, f, end);
	if (!response)
		end(f);
	return response;
}

void flow_sleep(struct flow *f)
{
	conns_phase(f->conns, f->conn, PHASE_ASLEEP);
	MHD_suspend_connection(f->connection);
}

void flow_wake(struct flow *f)
{
	conns_phase(f->conns, f->conn, PHASE_LIVE);
	MHD_resume_connection(f->connection);
}

bool flow_gone(const struct flow *f)
{
	char byte;
	return recv(f->conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}
