/* libusb's contexts, each with the thread that serves its events, and opening devices.
 *
 * There is one context, and one thread, as long as nothing goes wrong.  libusb lists only what uevents told it; when
 * it misses a device that sysfs shows, a new context is opened, which scans afresh.  The old one lives on, with its
 * thread, until its last device is closed. */
#include "transport/usb_context.h"

#include "os/clock.h"
#include "os/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define IDLE_MS      2000                 /* how long a retired context waits for events at a time */
#define STOP_MS      (2 * IDLE_MS + 1000) /* how long a thread may take to end */
#define STOP_STEP_MS 2
#define OPEN_STEP_MS 20
#define MISSED_MS    300 /* libusb has had this long to hear of a device */

/* A libusb context and the thread that serves it. */
struct usb_context {
	libusb_context *usb; /* owned */
	libusb_hotplug_callback_handle hotplug;
	pthread_t thread;
	unsigned handles;         /* open devices; under contexts.lock */
	atomic_bool retired;      /* the thread ends when handles is 0 ... */
	atomic_bool ended;        /* ... and has ended */
	struct usb_context *next; /* owned: an older, retired one */
};

/* All contexts of the process. */
static struct {
	pthread_mutex_t lock;    /* over the list and the counts of handles */
	struct usb_context *all; /* the newest first; owned */
	atomic_bool look;        /* libusb saw something come or go */
} contexts = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool usb_error(struct err *e, int error, const char *what)
{
	static const struct {
		int error;
		enum code code;
	} rows[] = {
		{ LIBUSB_ERROR_NO_DEVICE, CODE_USB_GONE },
		{ LIBUSB_ERROR_NOT_FOUND, CODE_USB_GONE },
		{ LIBUSB_ERROR_ACCESS, CODE_USB_DENIED },
		{ LIBUSB_ERROR_BUSY, CODE_USB_BUSY },
		{ LIBUSB_ERROR_TIMEOUT, CODE_USB_TIMEOUT },
		{ LIBUSB_ERROR_NO_MEM, CODE_NO_MEMORY },
	};
	enum code code = CODE_USB_PROTOCOL;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].error == error)
			code = rows[i].code;
	return err_set(e, code, "%s: %s", what, libusb_strerror(error));
}

static int hotplug(libusb_context *usb, libusb_device *device, libusb_hotplug_event event, void *context)
{
	(void)usb, (void)device, (void)event, (void)context;
	atomic_store(&contexts.look, true);
	return 0;
}

static bool finished(struct usb_context *c)
{
	if (!atomic_load(&c->retired))
		return false;
	pthread_mutex_lock(&contexts.lock);
	bool idle = c->handles == 0;
	pthread_mutex_unlock(&contexts.lock);
	return idle;
}

/* Serves one context.  The newest one's thread also looks. */
static void *serve(void *argument)
{
	struct usb_context *c = argument;
	int64_t look_at = clock_mono_ms() + IDLE_MS;
	while (!finished(c)) {
		int64_t now = clock_mono_ms(), wait = look_at > now ? look_at - now : 0;
		struct timeval tv = { wait / 1000, wait % 1000 * 1000 };
		int r = libusb_handle_events_timeout_completed(c->usb, &tv, NULL);
		if (r && r != LIBUSB_ERROR_INTERRUPTED)
			usleep(1000); /* nothing known does this; do not spin on it */
		if (atomic_load(&c->retired))
			look_at = clock_mono_ms() + IDLE_MS;
		else if (atomic_exchange(&contexts.look, false) || clock_mono_ms() >= look_at)
			look_at = usb_look();
	}
	atomic_store(&c->ended, true);
	return NULL;
}

/* Signals belong to other threads. */
static int start_thread(struct usb_context *c)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&c->thread, NULL, serve, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!r)
		pthread_setname_np(c->thread, "usb");
	return r;
}

static void context_close(struct usb_context *c)
{
	libusb_hotplug_deregister_callback(c->usb, c->hotplug);
	libusb_exit(c->usb);
	free(c);
}

/* Opened, not served yet. */
static bool context_open(struct usb_context **out, struct err *e)
{
	struct usb_context *c = calloc(1, sizeof *c);
	if (!c)
		return err_set(e, CODE_NO_MEMORY, "no memory for the USB watcher");
	int r = libusb_init(&c->usb);
	if (r) {
		free(c);
		return usb_error(e, r, "libusb cannot start");
	}
	r = libusb_hotplug_register_callback(c->usb,
	    LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0, LIBUSB_HOTPLUG_MATCH_ANY,
	    LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY, hotplug, NULL, &c->hotplug);
	if (r) {
		libusb_exit(c->usb);
		free(c);
		return usb_error(e, r, "libusb cannot watch for devices");
	}
	*out = c;
	return true;
}

/* Takes c over, also when it fails. */
static bool context_serve(struct usb_context *c, struct err *e)
{
	int r = start_thread(c);
	if (r) {
		context_close(c);
		return err_sys(e, CODE_NO_MEMORY, r, "the USB thread cannot start");
	}
	pthread_mutex_lock(&contexts.lock);
	c->next = contexts.all;
	contexts.all = c;
	pthread_mutex_unlock(&contexts.lock);
	return true;
}

static void context_retire(struct usb_context *c)
{
	atomic_store(&c->retired, true);
	libusb_interrupt_event_handler(c->usb);
}

/* Frees the retired contexts whose threads have ended. */
static void reap(void)
{
	pthread_mutex_lock(&contexts.lock);
	struct usb_context **at = &contexts.all, *ended = NULL;
	while (*at) {
		struct usb_context *c = *at;
		if (atomic_load(&c->ended)) {
			*at = c->next;
			c->next = ended;
			ended = c;
		} else {
			at = &c->next;
		}
	}
	pthread_mutex_unlock(&contexts.lock);
	while (ended) {
		struct usb_context *c = ended;
		ended = c->next;
		pthread_join(c->thread, NULL);
		context_close(c);
	}
}

/* Replaces the context unless another thread has done so already. */
static bool replace(const struct usb_context *old, struct err *e)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	struct usb_context *fresh;
	pthread_mutex_lock(&one);
	pthread_mutex_lock(&contexts.lock);
	struct usb_context *newest = contexts.all;
	pthread_mutex_unlock(&contexts.lock);
	bool ok = newest != old || (context_open(&fresh, e) && context_serve(fresh, e));
	if (ok && newest == old) {
		log_warn("a USB event was lost; libusb starts afresh");
		context_retire(newest);
	}
	reap();
	pthread_mutex_unlock(&one);
	return ok;
}

bool usb_contexts_start(struct err *e)
{
	struct usb_context *c;
	if (!context_open(&c, e))
		return false;
	usb_look(); /* libusb listens already: whatever comes behind this look wakes the thread */
	return context_serve(c, e);
}

void usb_contexts_stop(void)
{
	pthread_mutex_lock(&contexts.lock);
	struct usb_context *c = contexts.all;
	contexts.all = NULL;
	pthread_mutex_unlock(&contexts.lock);
	for (struct usb_context *r = c; r; r = r->next)
		context_retire(r);
	int64_t until = clock_mono_ms() + STOP_MS;
	while (c) {
		struct usb_context *next = c->next;
		while (!atomic_load(&c->ended) && clock_mono_ms() < until)
			usleep(STOP_STEP_MS * 1000);
		/* a transfer that libusb never gave back holds its device, and that the thread: it looks no more, so
		 * it may stay until the process ends */
		if (!atomic_load(&c->ended)) {
			log_error("usb: libusb still holds a transfer; it is left behind");
		} else {
			pthread_join(c->thread, NULL);
			context_close(c);
		}
		c = next;
	}
}

/* LIBUSB_ERROR_NOT_FOUND: libusb does not list it. */
static int open_listed(struct usb_context *c, const struct usb_seen *seen, libusb_device_handle **out)
{
	libusb_device **list;
	int r = LIBUSB_ERROR_NOT_FOUND;
	ssize_t n = libusb_get_device_list(c->usb, &list);
	if (n < 0)
		return (int)n;
	for (ssize_t i = 0; i < n; i++)
		if (libusb_get_bus_number(list[i]) == seen->bus && libusb_get_device_address(list[i]) == seen->address)
			r = libusb_open(list[i], out);
	libusb_free_device_list(list, 1);
	return r;
}

/* The newest context, held open; NULL when the watcher does not run. */
static struct usb_context *context_hold(void)
{
	pthread_mutex_lock(&contexts.lock);
	struct usb_context *c = contexts.all;
	if (c)
		c->handles++;
	pthread_mutex_unlock(&contexts.lock);
	return c;
}

static void context_release(struct usb_context *c)
{
	pthread_mutex_lock(&contexts.lock);
	bool last = --c->handles == 0 && atomic_load(&c->retired);
	if (last) /* under the lock: the thread cannot end, nor be reaped, before this call is over */
		libusb_interrupt_event_handler(c->usb);
	pthread_mutex_unlock(&contexts.lock);
}

/* One try.  *again: waiting may help. */
static bool try_open(const struct usb_id *id, int64_t since, struct usb_handle *out, bool *again, struct err *e)
{
	struct usb_seen seen;
	*again = false;
	if (!usb_find(id, &seen))
		return err_set(e, CODE_USB_GONE, "no camera is at %s any more", id->path);
	struct usb_context *c = context_hold();
	if (!c)
		return err_set(e, CODE_INTERNAL, "the USB watcher does not run");
	int r = open_listed(c, &seen, &out->device);
	if (!r) {
		out->context = c;
		return true;
	}
	context_release(c);
	*again = r == LIBUSB_ERROR_ACCESS || r == LIBUSB_ERROR_NOT_FOUND;
	if (r == LIBUSB_ERROR_NOT_FOUND && clock_mono_ms() - since > MISSED_MS && !replace(c, e))
		return *again = false;
	return usb_error(e, r, "the camera cannot be opened");
}

bool usb_handle_open(const struct usb_id *id, struct usb_handle *out, struct err *e)
{
	int64_t since = clock_mono_ms();
	bool again = true;
	while (!try_open(id, since, out, &again, e)) {
		if (!again || clock_mono_ms() - since > USB_OPEN_MS)
			return false;
		usleep(OPEN_STEP_MS * 1000);
	}
	return true;
}

void usb_handle_close(struct usb_handle *h)
{
	if (!h->device)
		return;
	libusb_close(h->device);
	context_release(h->context);
	*h = (struct usb_handle){ NULL, NULL };
}
