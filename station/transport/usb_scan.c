/* Reading sysfs.  Its files may vanish between two reads: then the device is gone, which is no error here. */
#include "transport/usb_scan.h"

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "1-2.3": a bus, a dash, ports joined by points */
static bool is_device(const char *name)
{
	size_t digits = strspn(name, "0123456789");
	return digits && name[digits] == '-' && name[digits + 1] && strlen(name) < USB_PATH_SIZE &&
	       !name[digits + 1 + strspn(name + digits + 1, "0123456789.")];
}

/* Ports in their numbers' order, so that cameras present at start are met, and numbered, as they stand. */
static int by_path(const void *a, const void *b)
{
	return strverscmp(((const struct usb_name *)a)->path, ((const struct usb_name *)b)->path);
}

ssize_t usb_scan_names(const char *root, struct usb_name *out, size_t max)
{
	size_t count = 0;
	DIR *dir = opendir(root);
	const struct dirent *d;
	if (!dir)
		return errno == ENOENT ? 0 : -1;
	errno = 0;
	while (count < max && (d = readdir(dir)))
		if (is_device(d->d_name)) {
			snprintf(out[count].path, sizeof out[count].path, "%.*s", USB_PATH_SIZE - 1, d->d_name);
			out[count++].inode = d->d_ino;
		}
	bool whole = !errno;
	closedir(dir);
	qsort(out, count, sizeof *out, by_path);
	return whole ? (ssize_t)count : -1;
}

static size_t attribute(const char *root, const char *path, const char *name, void *out, size_t size)
{
	char file[512];
	size_t got = 0;
	snprintf(file, sizeof file, "%s/%s/%s", root, path, name);
	AUTO_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && got < size) {
		ssize_t n = read(fd, (uint8_t *)out + got, size - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

/* A decimal number from 1 to 999; 0 for anything else. */
static unsigned number(const char *root, const char *path, const char *name)
{
	char text[8] = "";
	text[attribute(root, path, name, text, sizeof text - 1)] = '\0';
	size_t digits = strspn(text, "0123456789");
	return digits >= 1 && digits <= 3 && (!text[digits] || text[digits] == '\n') ? (unsigned)strtoul(text, NULL, 10)
										     : 0;
}

static void serial(const char *root, const char *path, char out[USB_STRING_SIZE])
{
	size_t n = attribute(root, path, "serial", out, USB_STRING_SIZE);
	if (n && out[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n; i++)
		if (out[i] < 0x20 || out[i] > 0x7e)
			n = 0;
	out[n < USB_STRING_SIZE ? n : 0] = '\0';
}

bool usb_scan_device(const char *root, const char *path, struct usb_seen *out)
{
	uint8_t desc[USB_DEVICE_DESC_SIZE];
	size_t size = attribute(root, path, "descriptors", desc, sizeof desc);
	if (!usb_device_parse(span_of(desc, size), &out->desc, NULL))
		return false;
	out->bus = number(root, path, "busnum");
	out->address = number(root, path, "devnum");
	serial(root, path, out->serial);
	return out->bus && out->address;
}

size_t usb_scan_descriptors(const char *root, const char *path, uint8_t out[USB_DESCRIPTORS_MAX])
{
	return attribute(root, path, "descriptors", out, USB_DESCRIPTORS_MAX);
}
