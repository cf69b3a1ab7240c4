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
static uint64_t calls_before, injected_before;
static bool failed;

static void arm(struct run *r)
{
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault), .error = error, .nth = r->left,
		.count = r->persistent ? UINT64_MAX : 1,
	};
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	iommufd_emu_get_counts(r->emu, &c);
	calls_before = c.calls;
	injected_before = c.injected;
	if (r->left)
		iommufd_emu_inject(r->emu, &fault);
}

static void disarm(struct run *r)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	iommufd_emu_inject(r->emu, NULL);
	iommufd_emu_get_counts(r->emu, &c);
	if (c.injected != injected_before) {
		failed = true;
		r->left = r->persistent; /* all that follow fail at once, or none */
	} else if (r->left) {
		r->left -= c.calls - calls_before;
	}
}

static int play_all(const struct scenario *s, bool persistent)
{
	static const struct saboteur saboteur = { arm, disarm };
	char what[64];
	int wrong = 0;

	snprintf(what, sizeof(what), "%s, %s", s->name, strerror(error));
	for (uint64_t nth = 1; wrong < 20; nth++) {
		struct run r = {
			.what = what, .saboteur = &saboteur, .nth = nth, .persistent = persistent,
		};

		failed = false;
		wrong += play(s, &r);
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
