/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Every system call of every scenario fails once with each of some errnos; then
 * from each call on all of its step fail, and then all that follow.
 */
#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int error;
static enum mode mode;
static uint64_t calls_before, injected_before;

static void arm(struct run *r)
{
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault), .error = error, .nth = r->left,
		.count = mode == ONCE ? 1 : UINT64_MAX,
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
		r->failed = true;
		r->left = mode == FOR_GOOD; /* all that follow fail at once, or none */
	} else if (r->left) {
		r->left -= c.calls - calls_before;
	}
}

static int play_all(const struct pair *pair, const struct scenario *s)
{
	static const struct saboteur saboteur = { arm, disarm };
	static const char *const lasts[] = { "", " while the step lasts", " for good" };
	/* Of each scenario others. */
	uint64_t step = sampling();
	char what[64];
	int wrong = 0;

	snprintf(what, sizeof(what), "%s, %s", s->name, strerror(error));
	for (uint64_t nth = 1 + strlen(s->name) % step; wrong < 20; nth += step) {
		struct run r = {
			.what = what, .pair = pair, .saboteur = &saboteur, .nth = nth, .mode = mode,
		};

		wrong += play(s, &r);
		if (!r.failed) {
			printf("%s, %s%s: fewer than %" PRIu64 " calls\n", pair->name, what,
			       lasts[mode], nth);
			return wrong;
		}
	}
	return wrong;
}

int main(void)
{
	static const int errors[] = { EIO, ENOMEM, EBUSY, EINTR, EINVAL };
	size_t count = sampling() > 1 ? 1 : ARRAY_SIZE(errors);
	int wrong = 0;

	for (size_t e = 0; e < count; e++) {
		error = errors[e];
		wrong += play_everything(play_all);
	}
	error = EIO;
	for (mode = STEP; mode <= FOR_GOOD; mode++)
		wrong += play_everything(play_all);
	return wrong != 0;
}
