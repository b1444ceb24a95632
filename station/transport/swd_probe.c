/* Which debug probe is at a place: by its USB path, or an stlink-server's port. */
#include "transport/swd_inner.h"
#include "transport/usb_scan.h"

#include <stdio.h>
#include <string.h>

#define VID_ST 0x0483

/* Is there another device with these numbers?  Without a serial any of the same kind would do for OpenOCD. */
static bool doubled(const char *path, const struct usb_seen *mine)
{
	struct usb_name names[USB_SCAN_MAX];
	ssize_t count = usb_scan_names(USB_SCAN_ROOT, names, USB_SCAN_MAX);
	for (ssize_t i = 0; i < count; i++) {
		struct usb_seen other;
		if (!strcmp(names[i].path, path) || !usb_scan_device(USB_SCAN_ROOT, names[i].path, &other))
			continue;
		if (other.desc.vid == mine->desc.vid && other.desc.pid == mine->desc.pid &&
		    (!mine->serial[0] || !strcmp(other.serial, mine->serial)))
			return true;
	}
	return false;
}

static bool find_on_usb(const struct line_probe *p, struct ocd_probe *out, struct err *e)
{
	struct usb_seen seen;
	if (!usb_scan_device(USB_SCAN_ROOT, p->path, &seen))
		return err_set(e, CODE_PROBE_MISSING, "no debug probe is at %s", p->path);
	if ((p->driver == PROBE_ST_LINK) != (seen.desc.vid == VID_ST))
		return err_set(e, CODE_PROBE_WRONG, "the device %04x:%04x at %s is no %s", seen.desc.vid, seen.desc.pid,
		    p->path, p->driver == PROBE_ST_LINK ? "ST-Link" : "CMSIS-DAP probe");
	if (doubled(p->path, &seen))
		return err_set(e, CODE_PROBE_DUPLICATE, "the probe at %s has the serial '%.40s' of another one",
		    p->path, seen.serial);
	if (seen.serial[0] && !ocd_name_valid(seen.serial))
		return err_set(e, CODE_PROBE_WRONG,
		    "the serial '%.40s' of the probe at %s has other characters than "
		    "letters, digits, . _ and -",
		    seen.serial, p->path);
	out->vid = seen.desc.vid;
	out->pid = seen.desc.pid;
	snprintf(out->serial, sizeof out->serial, "%s", seen.serial);
	return true;
}

bool swd_probe_find(const struct line_probe *p, struct ocd_probe *out, struct err *e)
{
	*out = (struct ocd_probe){ .driver = p->driver, .port = p->port, .khz = p->khz };
	return p->port || find_on_usb(p, out, e);
}
