/* The watcher: which devices are plugged in.
 *
 * sysfs is the truth.  libusb's hotplug only says when to look; besides, the event thread looks every two seconds,
 * since uevents get lost when many cameras re-enumerate at once.  A directory entry's inode changes with each
 * enumeration, so a look costs one readdir, and a device that left and came back between two looks shows as both. */
#include "transport/usb_context.h"

#include "os/clock.h"

#include <pthread.h>
#include <string.h>

#define LOOK_MS       2000
#define LOOK_AGAIN_MS 50 /* something was there but not complete */

struct entry {
	struct usb_name name;
	struct usb_seen seen;
	uint64_t arrival;
};

/* The one watcher of the process. */
static struct {
	pthread_mutex_t looking; /* held by the thread that looks: it alone changes entries */
	pthread_mutex_t lock;    /* over entries, for those who read them elsewhere */
	struct entry entries[USB_SCAN_MAX];
	size_t count;
	uint64_t arrivals;
	usb_watch_handler *handler;
	void *context;
} watch = { .looking = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER };

static struct usb_id id_of(const struct entry *d)
{
	struct usb_id id = {
		.vid = d->seen.desc.vid, .pid = d->seen.desc.pid, .bcd = d->seen.desc.bcd, .arrival = d->arrival
	};
	memcpy(id.path, d->name.path, sizeof id.path);
	return id;
}

static void tell(bool arrived, const struct entry *d)
{
	struct usb_watch_event event = { .arrived = arrived, .id = id_of(d) };
	if (d->seen.desc.device_class != USB_CLASS_HUB)
		watch.handler(watch.context, &event);
}

static bool same_name(const struct usb_name *a, const struct usb_name *b)
{
	return a->inode == b->inode && !strcmp(a->path, b->path);
}

static bool among(const struct usb_name *name, const struct usb_name *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (same_name(name, &names[i]))
			return true;
	return false;
}

static void drop_left(const struct usb_name *names, size_t count)
{
	for (size_t i = 0; i < watch.count;) {
		if (among(&watch.entries[i].name, names, count)) {
			i++;
			continue;
		}
		struct entry gone = watch.entries[i];
		pthread_mutex_lock(&watch.lock);
		watch.entries[i] = watch.entries[--watch.count];
		pthread_mutex_unlock(&watch.lock);
		tell(false, &gone);
	}
}

static bool known(const struct usb_name *name)
{
	for (size_t i = 0; i < watch.count; i++)
		if (same_name(&watch.entries[i].name, name))
			return true;
	return false;
}

/* False when a device is there but cannot be read yet. */
static bool add_arrived(const struct usb_name *names, size_t count)
{
	bool complete = true;
	for (size_t i = 0; i < count && watch.count < USB_SCAN_MAX; i++) {
		struct entry d = { .name = names[i] };
		if (known(&names[i]))
			continue;
		if (!usb_scan_device(USB_SCAN_ROOT, names[i].path, &d.seen)) {
			complete = false;
			continue;
		}
		pthread_mutex_lock(&watch.lock);
		d.arrival = ++watch.arrivals;
		watch.entries[watch.count++] = d;
		pthread_mutex_unlock(&watch.lock);
		tell(true, &d);
	}
	return complete;
}

int64_t usb_look(void)
{
	static struct usb_name names[USB_SCAN_MAX];
	pthread_mutex_lock(&watch.looking);
	ssize_t count = usb_scan_names(USB_SCAN_ROOT, names, USB_SCAN_MAX);
	bool complete = count >= 0; /* a look that failed says nothing: no camera has left because of it */
	if (complete) {
		drop_left(names, (size_t)count);
		complete = add_arrived(names, (size_t)count);
	}
	pthread_mutex_unlock(&watch.looking);
	return clock_mono_ms() + (complete ? LOOK_MS : LOOK_AGAIN_MS);
}

bool usb_find(const struct usb_id *id, struct usb_seen *out)
{
	bool found = false;
	pthread_mutex_lock(&watch.lock);
	for (size_t i = 0; i < watch.count && !found; i++) {
		found = watch.entries[i].arrival == id->arrival && !strcmp(watch.entries[i].name.path, id->path);
		if (found)
			*out = watch.entries[i].seen;
	}
	pthread_mutex_unlock(&watch.lock);
	return found;
}

bool usb_arrival_at(const char *path, struct usb_id *out)
{
	bool found = false;
	pthread_mutex_lock(&watch.lock);
	for (size_t i = 0; i < watch.count; i++) {
		const struct entry *d = &watch.entries[i];
		if (strcmp(d->name.path, path) != 0 || (found && d->arrival < out->arrival))
			continue;
		*out = id_of(d);
		found = true;
	}
	pthread_mutex_unlock(&watch.lock);
	return found;
}

bool usb_watch_start(usb_watch_handler *handler, void *context, struct err *e)
{
	watch.handler = handler;
	watch.context = context;
	watch.count = 0;
	return usb_contexts_start(e);
}

void usb_watch_stop(void)
{
	usb_contexts_stop();
}
