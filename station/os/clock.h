/* The two clocks.  Deadlines use the monotonic one; only what is written down uses the wall. */
#ifndef STATION_OS_CLOCK_H
#define STATION_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_wall_ms(void); /* since 1970 UTC */
int64_t clock_mono_ms(void); /* since some fixed instant */
int64_t clock_mono_us(void);
/* The absolute CLOCK_MONOTONIC time ms from now, for pthread_cond_clockwait and friends. */
struct timespec clock_deadline(int64_t ms);
struct timespec clock_deadline_us(int64_t us);

#endif
