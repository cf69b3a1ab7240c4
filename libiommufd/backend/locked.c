/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/locked.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* From @va up to the next step, @count mappings hold the memory. */
struct step {
	uint64_t va;
	uint32_t count;
};

struct locked {
	const struct core *core;
	pthread_mutex_t lock; /* innermost */
	struct step *steps;   /* ascending, neighbours differ; the last has count 0 */
	size_t count, room;
	size_t held;          /* ranges added; they have two ends each */
};

int locked_new(const struct core *core, struct locked **out)
{
	struct locked *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->core = core;
	pthread_mutex_init(&l->lock, NULL);
	*out = l;
	return 0;
}

void locked_free(struct locked *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l->steps);
	free(l);
}

/* The first step at @va or after. */
static size_t find(const struct locked *l, uint64_t va)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->steps[middle].va < va)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t count_before(const struct locked *l, size_t at)
{
	return at ? l->steps[at - 1].count : 0;
}

/* The step at @va, made if there is none. There is room. */
static size_t cut(struct locked *l, uint64_t va)
{
	size_t at = find(l, va);

	if (at < l->count && l->steps[at].va == va)
		return at;
	memmove(&l->steps[at + 1], &l->steps[at], (l->count++ - at) * sizeof(*l->steps));
	l->steps[at] = (struct step){ va, count_before(l, at) };
	return at;
}

/* Remove the step if it makes no difference. */
static void heal(struct locked *l, size_t at)
{
	if (l->steps[at].count == count_before(l, at))
		memmove(&l->steps[at], &l->steps[at + 1],
			(--l->count - at) * sizeof(*l->steps));
}

/* Steps for two ends of each range, and two more while they are being moved. */
static int make_room(struct locked *l)
{
	size_t room = 2 * (l->held + 1) + 2;
	struct step *larger;

	if (room <= l->room)
		return 0;
	larger = realloc(l->steps, 2 * room * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	l->steps = larger;
	l->room = 2 * room;
	return 0;
}

/* Count va..end up or down; memory that nothing holds any more is unlocked. */
static void change(struct locked *l, uint64_t va, uint64_t end, uint32_t by)
{
	size_t first = cut(l, va), last = cut(l, end);

	for (size_t i = first; i < last; i++) {
		l->steps[i].count += by;
		if (!l->steps[i].count) /* if it is gone, it is not locked either */
			sys_lock_memory(l->core->sys, (void *)(uintptr_t)l->steps[i].va,
					l->steps[i + 1].va - l->steps[i].va, 0);
	}
	heal(l, last);
	heal(l, first);
}

/* madvise() says ENOMEM of memory that is not there, EINVAL of what is protected. */
static int populate(const struct core *core, void *addr, uint64_t length, bool writable)
{
	int r = sys_populate(core->sys, addr, length, writable);

	return r == -EINVAL || r == -ENOMEM || r == -EHWPOISON ? -EFAULT : r;
}

int locked_add(struct locked *l, uint64_t va, uint64_t length, bool writable)
{
	void *addr = (void *)(uintptr_t)va;
	int r;

	pthread_mutex_lock(&l->lock);
	r = make_room(l);
	if (!r)
		r = populate(l->core, addr, length, writable);
	if (r)
		goto unlock;
	l->held++;
	change(l, va, va + length, 1);
	r = sys_lock_memory(l->core->sys, addr, length, 1);
	if (r) { /* some of it may be locked */
		change(l, va, va + length, (uint32_t)-1);
		l->held--;
	}
unlock:
	pthread_mutex_unlock(&l->lock);
	return r == -EAGAIN || r == -EPERM ? -ENOMEM : r;
}

void locked_remove(struct locked *l, uint64_t va, uint64_t length)
{
	pthread_mutex_lock(&l->lock);
	change(l, va, va + length, (uint32_t)-1);
	l->held--;
	pthread_mutex_unlock(&l->lock);
}
