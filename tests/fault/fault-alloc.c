/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Every allocation that the library makes in every scenario fails once. The
 * linker sends the library's calls here; the emulator, a library of its own,
 * keeps the real ones.
 */
#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__real_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);

static bool armed;
static uint64_t allocations, fail_at;

static bool fails(void)
{
	return armed && ++allocations == fail_at;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(align, size);
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	if (fails()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return __real_mmap(addr, length, prot, flags, fd, offset);
}

static void arm(struct run *r)
{
	fail_at = r->nth;
	armed = true;
}

static void disarm(struct run *r)
{
	armed = false;
	if (allocations < fail_at)
		return;
	r->left = 0;
	r->failed = true;
}

static int play_all(const struct pair *pair, const struct scenario *s)
{
	static const struct saboteur saboteur = { arm, disarm };
	uint64_t step = sampling();
	int wrong = 0;

	for (uint64_t nth = 1 + strlen(s->name) % step; wrong < 20; nth += step) {
		struct run r = {
			.what = s->name, .pair = pair, .saboteur = &saboteur, .nth = nth,
		};

		allocations = 0;
		wrong += play(s, &r);
		if (!r.failed) {
			printf("%s, %s: %" PRIu64 " allocations\n", pair->name, s->name,
			       allocations);
			if (!allocations) {
				fprintf(stderr, "%s: no allocation was seen\n", s->name);
				wrong++;
			}
			return wrong;
		}
	}
	return wrong;
}

int main(void)
{
	return play_everything(play_all) != 0;
}
