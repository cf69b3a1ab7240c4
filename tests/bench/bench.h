/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the benchmarks share: a clock, medians, a processor of one's own. */
#ifndef BENCH_H
#define BENCH_H

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Nanoseconds of a clock that only goes forward. */
static inline uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nanoseconds of processor time of this thread: what others do on the machine counts less. */
static inline uint64_t bench_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the samples. */
static inline double bench_median(double *samples, unsigned int count)
{
	qsort(samples, count, sizeof(*samples), bench_compare);
	if (count % 2)
		return samples[count / 2];
	return (samples[count / 2 - 1] + samples[count / 2]) / 2;
}

/* Stay on one processor, where there is a choice; a migration in the middle spoils a sample. */
static inline void bench_pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* Make the compiler forget what it knows about a value. */
#define bench_hide(value) \
({ \
	uint64_t hidden_ = (value); \
	__asm__ volatile("" : "+r"(hidden_)); \
	hidden_; \
})

/* Keep the compiler from working out, or leaving out, what is measured. */
#define bench_use(value) __asm__ volatile("" : : "r"(value) : "memory")

#endif
