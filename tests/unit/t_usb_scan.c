/* Reading sysfs, on a copy of its shape: which names are devices, half-built entries, hostile attributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/usb_scan.h"

static char root[64];

static const uint8_t device[] = { 18, 1, 0, 2, 0, 0, 0, 64, 0xc5, 0x37, 0x4a, 0x92, 0x03, 0x01, 1, 2, 3, 1, 9, 2, 9 };

static void put(const char *path, const char *name, const void *bytes, size_t size)
{
	char file[256];
	snprintf(file, sizeof file, "%s/%s", root, path);
	mkdir(file, 0755);
	snprintf(file, sizeof file, "%s/%s/%s", root, path, name);
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

static void put_device(const char *path, const char *serial)
{
	put(path, "busnum", "1\n", 2);
	put(path, "devnum", "17\n", 3);
	put(path, "descriptors", device, sizeof device);
	put(path, "serial", serial, strlen(serial));
}

static int set_up(void **state)
{
	(void)state;
	snprintf(root, sizeof root, "/tmp/romline-scan-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -r '%s'", root);
	return system(command);
}

static void names(void **state)
{
	static const char *const those[] = { "1-10", "usb1", "1-2", "1-2:1.0", "1-2.10", "1-2.9", "1-0:1.0",
		"2-1.1.4.2", "1-", "x-1", "1-2a", "-1", "1-1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1" };
	static const char *const want[] = { "1-2", "1-2.9", "1-2.10", "1-10", "2-1.1.4.2" };
	struct usb_name found[16];
	(void)state;
	for (size_t i = 0; i < sizeof those / sizeof *those; i++)
		put(those[i], "busnum", "1\n", 2);
	assert_int_equal(usb_scan_names(root, found, 16), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(found[i].path, want[i]);
	assert_int_equal(usb_scan_names(root, found, 3), 3);
	assert_int_equal(usb_scan_names("/nowhere", found, 16), 0);
}

/* A folder that cannot be read is not an empty one: with no descriptor left, no camera has been pulled. */
static void unreadable(void **state)
{
	struct usb_name found[4];
	struct rlimit before;
	(void)state;
	put_device("1-1", "A\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	const struct rlimit none = { 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	ssize_t count = usb_scan_names(root, found, 4);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(count, -1);
	assert_int_equal(usb_scan_names(root, found, 4), 1);
}

static void again(void **state)
{
	struct usb_name before, after;
	char file[256], other[256];
	(void)state;
	put_device("1-1", "A\n");
	assert_int_equal(usb_scan_names(root, &before, 1), 1);
	snprintf(file, sizeof file, "%s/1-1", root);
	snprintf(other, sizeof other, "%s/gone", root);
	assert_int_equal(rename(file, other), 0);
	put_device("1-1", "A\n");
	assert_int_equal(usb_scan_names(root, &after, 1), 1);
	assert_true(before.inode != after.inode);
}

static void whole(void **state)
{
	struct usb_seen seen;
	uint8_t bytes[USB_DESCRIPTORS_MAX];
	(void)state;
	put_device("1-2.3", "DB1ECAA0D79F\n");
	assert_true(usb_scan_device(root, "1-2.3", &seen));
	assert_int_equal(seen.bus, 1);
	assert_int_equal(seen.address, 17);
	assert_int_equal(seen.desc.vid, 0x37c5);
	assert_int_equal(seen.desc.pid, 0x924a);
	assert_int_equal(seen.desc.bcd, 0x0103);
	assert_string_equal(seen.serial, "DB1ECAA0D79F");
	assert_int_equal(usb_scan_descriptors(root, "1-2.3", bytes), sizeof device);
	assert_memory_equal(bytes, device, sizeof device);
}

static void incomplete(void **state)
{
	static const char *const numbers[] = { "", "\n", "0\n", "x\n", "1x\n", "1000\n", "99999999999999\n", "-1\n" };
	struct usb_seen seen;
	(void)state;
	assert_false(usb_scan_device(root, "1-1", &seen));
	assert_int_equal(usb_scan_descriptors(root, "1-1", (uint8_t[USB_DESCRIPTORS_MAX]){ 0 }), 0);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		put_device("1-1", "");
		put("1-1", "devnum", numbers[i], strlen(numbers[i]));
		assert_false(usb_scan_device(root, "1-1", &seen));
	}
	put_device("1-1", "");
	assert_true(usb_scan_device(root, "1-1", &seen));
	put("1-1", "descriptors", device, 17);
	assert_false(usb_scan_device(root, "1-1", &seen));
}

static void serials(void **state)
{
	char longest[USB_STRING_SIZE + 2] = "";
	struct usb_seen seen;
	(void)state;
	static const char *const none[] = { "", "\n", "a\x01\n", "\xc3\xa9\n", "a\nb\n", "a\x7f\n" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		put_device("1-1", none[i]);
		assert_true(usb_scan_device(root, "1-1", &seen));
		assert_string_equal(seen.serial, "");
	}
	memset(longest, 'A', sizeof longest);
	for (size_t n = USB_STRING_SIZE - 1; n <= USB_STRING_SIZE + 1; n++) {
		longest[n] = '\0';
		put_device("1-1", longest);
		longest[n] = 'A';
		assert_true(usb_scan_device(root, "1-1", &seen));
		assert_int_equal(strlen(seen.serial), n < USB_STRING_SIZE ? n : 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unreadable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(incomplete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(serials, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("usb_scan", tests, NULL, NULL);
}
