/* The arithmetic of quality: rates with their intervals, control limits, percentiles, bins.  Pure. */
#ifndef STATION_BASE_FIGURES_H
#define STATION_BASE_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A share with its Wilson score interval at 95 % (E. B. Wilson, 1927; z = 1.959963985): unlike p +- z * deviation it
 * stays within 0 and 1 and says something at 0 and 100 % and for few units. */
struct rate {
	int64_t good, of; /* of 0: nothing counts, the rest is 0 */
	double share, low, high;
};
struct rate rate_of(int64_t good, int64_t of);

/* A p-chart's limits for n units where the mean share is p: p +- 3 * sqrt(p * (1 - p) / n), kept within 0 and 1. */
void control_limits(double p, int64_t n, double *low, double *high);

/* The value that `percent` of all do not exceed, by the nearest-rank method: the ceil(percent / 100 * count)-th of
 * them in their order.  0 without values. */
uint32_t percentile(const uint32_t *sorted, size_t count, unsigned percent);
void sort_numbers(uint32_t *values, size_t count);

/* The smallest of 1, 2 or 5 times a power of ten with which `most` bins cover 0 to span. */
uint32_t bin_width(uint32_t span, unsigned most);

#endif
