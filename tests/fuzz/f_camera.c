/* A virtual camera under any sequence of control requests, resets, power cuts and waits: it never answers more than was
 * asked, never writes where it may not, and always has a next state.
 *
 * Input: a byte chooses the board, then steps of 8 bytes: kind or bmRequestType, bRequest, wValue, wLength, two bytes
 * of waiting. */
#include <stdlib.h>
#include <string.h>

#include "fixtures/virtual/camera_place.h"
#include "line/boards.h"

#define MS 1000000u

struct host {
	bool attached;
};

static void on_attach(void *host, enum usb_speed speed)
{
	(void)speed;
	((struct host *)host)->attached = true;
}

static void on_detach(void *host)
{
	((struct host *)host)->attached = false;
}

static void on_cut(void *host, bool unplugged)
{
	(void)host, (void)unplugged;
	abort(); /* nobody asked for it */
}

static struct camera_fault on_fault(void *host, enum camera_moment moment, const char *partition, uint32_t block)
{
	(void)host, (void)moment, (void)partition, (void)block;
	return (struct camera_fault){ CAMERA_AS_USUAL, DFU_OK, 0, 0 };
}

static void on_complain(void *host, const char *sentence)
{
	(void)host, (void)sentence;
	abort();
}

static const struct camera_host host_ops = { on_attach, on_detach, on_cut, on_fault, on_complain };

static void ask(struct camera *c, const uint8_t step[8], uint64_t now)
{
	static uint8_t data[CAMERA_MAX_DATA];
	const struct usb_setup s = { step[0], step[1], (uint16_t)(step[2] | step[3] << 8), 0,
		(uint16_t)((step[4] | step[5] << 8) & 0xfff) };
	memset(data, step[6], sizeof data);
	const char *partition = NULL;
	int32_t block;
	if (camera_place(c, &s, &partition, &block) && (partition != NULL) != (block >= 0))
		abort();
	struct camera_reply reply = camera_ops.control(c, &s, data, now);
	if (reply.size > s.length || reply.answer > CAMERA_SILENT)
		abort();
	if (reply.answer == CAMERA_DATA)
		camera_ops.ack(c, now);
}

/* Arduino's bootloader erases itself when it is told to. */
static void check_bootloader(struct camera *c, const struct board *b, const uint8_t before[64])
{
	uint8_t after[64];
	if (b->dialect != DIALECT_OPENMV)
		return;
	for (unsigned i = 0; i < b->partition_count; i++)
		if (b->partitions[i].role == ROLE_BOOTLOADER &&
		    camera_ops.peek(c, &b->partitions[i], 0, after, sizeof after) &&
		    memcmp(before, after, sizeof after))
			abort();
}

static void walk(struct camera *c, const struct board *b, const uint8_t *data, size_t size)
{
	uint8_t before[64];
	uint64_t now = MS;
	for (unsigned i = 0; i < b->partition_count; i++)
		if (b->partitions[i].role == ROLE_BOOTLOADER)
			camera_ops.peek(c, &b->partitions[i], 0, before, sizeof before);
	camera_ops.power(c, CAMERA_HOLD, now);
	for (; size >= 8; data += 8, size -= 8) {
		uint64_t busy = camera_ops.busy_until(c), deadline = camera_ops.deadline(c);
		now += (uint64_t)data[7] * 10 * MS;
		if (deadline <= now)
			camera_ops.tick(c, now);
		if (data[0] == 0xfe)
			camera_ops.bus_reset(c, now);
		else if (data[0] == 0xff) {
			camera_ops.power_off(c, now);
			camera_ops.power(c, (enum camera_mode)(data[1] % 3), now);
		} else if (busy != CAMERA_NEVER) {
			now = busy > now ? busy : now;
			ask(c, data, now);
		}
	}
	check_bootloader(c, b, before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct board_set set;
	struct err e = ERR_INIT;
	struct host host = { false };
	if (!set.count && !boards_load("fixtures/boards", &set, &e))
		abort();
	if (!size)
		return 0;
	const struct board *b = &set.boards[data[0] % set.count];
	const struct camera_setup setup = { .board = b,
		.number = 1,
		.seed = 1,
		.bootloader = data[0] & 0x80 ? 0x0101 : 0x0103,
		.flash_slowness = 1,
		.window_slowness = 1,
		.flash = "factory",
		.host_ops = &host_ops,
		.host = &host };
	struct camera *c = camera_ops.create(&setup, &e);
	if (!c)
		abort();
	walk(c, b, data + 1, size - 1);
	camera_ops.destroy(c);
	return 0;
}
