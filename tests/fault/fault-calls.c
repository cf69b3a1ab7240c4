/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Every system call of every scenario fails once with each of some errnos, and
 * then from each call on all of them fail.
 */
#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int error;
static uint64_t failed;

static void arm(struct run *r)
{
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault), .error = error, .nth = r->nth,
		.count = r->persistent ? UINT64_MAX : 1,
	};

	iommufd_emu_inject(r->emu, &fault);
}

/* The machine is gone when a run ends: count what was injected just before. */
static void watch(struct run *r)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	iommufd_emu_get_counts(r->emu, &c);
	failed = c.injected;
}

static const struct scenario *played;

static void play_and_watch(struct run *r)
{
	played->play(r);
	watch(r);
}

static int play_all(const struct scenario *s, bool persistent)
{
	const struct scenario watched = { s->name, play_and_watch };
	char what[64];
	int wrong = 0;

	played = s;
	snprintf(what, sizeof(what), "%s, %s", s->name, strerror(error));
	for (uint64_t nth = 1; wrong < 20; nth++) {
		struct run r = { .what = what, .nth = nth, .persistent = persistent };

		wrong += play(&watched, &r, arm);
		if (!failed) {
			printf("%s%s: %" PRIu64 " calls\n", what, persistent ? " for good" : "",
			       nth - 1);
			return wrong;
		}
	}
	return wrong;
}

int main(void)
{
	static const int errors[] = { ENOMEM, EIO, EBUSY, EINTR, EINVAL };
	int wrong = 0;

	for (size_t e = 0; e < ARRAY_SIZE(errors); e++) {
		error = errors[e];
		for (size_t i = 0; i < num_scenarios; i++)
			wrong += play_all(&scenarios[i], false);
	}
	error = EIO;
	for (size_t i = 0; i < num_scenarios; i++)
		wrong += play_all(&scenarios[i], true);
	wrong += report_uncovered();
	return wrong != 0;
}
