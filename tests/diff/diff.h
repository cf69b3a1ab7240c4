/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * One random stream of operations for every backend and for a model that shares
 * no code with the library. What each operation answers is compared with the
 * model at once, and the traces of the backends with each other afterwards:
 * they own the devices, so they run one after the other.
 *
 * An operation is a kind and a random number; all else follows from them and
 * from what exists at the time. So any operation may be left out of a stream and
 * the others ask for the same, which is what shrinking a failure needs.
 */
#ifndef DIFF_H
#define DIFF_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <libiommufd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE UINT64_C(4096)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define MAP_RW (IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE)

enum {
	NUM_DEVICES = 4, /* two alone in their groups, two that share one */
	NUM_IOAS = 4,
	MAX_RANGES = 16,
	MAX_BACKENDS = 4,
};

typedef unsigned long long ull; /* for printf */

struct op {
	uint32_t kind;
	uint64_t seed;
};

/* What a stream may contain; follows from its seed. */
struct profile {
	bool wild;    /* also mappings that no device can have */
	bool protect; /* also protected ranges */
	bool special; /* also what makes backends part: devices opened with an IOAS, no huge pages */
	bool dense;   /* far more mapped than unmapped */
};

struct stream {
	uint64_t seed;
	struct profile profile;
	struct op *ops;
	size_t count;
};

/* -- random numbers */

static inline uint64_t draw(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline uint64_t below(uint64_t *state, uint64_t limit)
{
	return draw(state) % limit;
}

static inline bool chance(uint64_t *state, unsigned int percent)
{
	return below(state, 100) < percent;
}

#endif
