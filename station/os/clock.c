/* The two clocks. */
#include "os/clock.h"

static int64_t micros(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return micros(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
	return micros(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
	return micros(CLOCK_MONOTONIC);
}

struct timespec clock_deadline(int64_t ms)
{
	return clock_deadline_us(ms * 1000);
}

struct timespec clock_deadline_us(int64_t us)
{
	int64_t at = micros(CLOCK_MONOTONIC) + (us < 0 ? 0 : us);
	return (struct timespec){ .tv_sec = (time_t)(at / 1000000), .tv_nsec = (long)(at % 1000000) * 1000 };
}
