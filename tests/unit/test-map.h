/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the tests of the map layer share. */
#ifndef TEST_MAP_H
#define TEST_MAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PAGE 4096ull
#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define TIB (1ull << 40)

/* Random numbers of a test: the seed is printed, and LIBIOMMUFD_SEED repeats a run. */
static inline uint64_t test_seed(const char *name)
{
	const char *text = getenv("LIBIOMMUFD_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);

	printf("# %s: LIBIOMMUFD_SEED=%llu\n", name, (unsigned long long)seed);
	return (seed * 2 + 1) * 0x9e3779b97f4a7c15ull;
}

static inline uint64_t test_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * 0x2545f4914f6cdd1dull >> 11;
}

static inline uint64_t test_below(uint64_t *state, uint64_t limit)
{
	return test_random(state) % limit;
}

/* Fewer rounds where the program runs slowly (valgrind, sanitizers). */
static inline unsigned int test_rounds(unsigned int rounds)
{
	return getenv("LIBIOMMUFD_SLOW") ? rounds / 20 + 1 : rounds;
}

#endif
