/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct documented {
	const char *function;
	int codes[24];
};

#include "tests/fault/errnos.h"

uint8_t memory[MEMORY_PAGES * 4096] __attribute__((aligned(4096)));

static bool covered[ARRAY_SIZE(documented)];
static struct iommufd_error marker;

void wrong(struct run *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s, call %" PRIu64 "%s: ", r->what, r->nth,
		r->persistent ? " and all after it" : "");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	r->wrong++;
}

/* -- what is, as the library says and as the kernel has it */

static size_t describe_ioas(struct iommufd_ioas *ioas, int number, bool ranges, FILE *out)
{
	struct iommufd_mapping m = { .size = sizeof(m) };
	struct iommufd_range range[16];
	size_t count = ARRAY_SIZE(range), mappings = 0;
	uint64_t from = 0;

	if (!ranges || iommufd_ioas_get_ranges(ioas, range, &count))
		count = 0;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "ioas %d range %#" PRIx64 "-%#" PRIx64 "\n", number, range[i].start,
			range[i].last);
	while (!iommufd_ioas_next_mapping(ioas, from, &m)) {
		fprintf(out, "ioas %d iova %#" PRIx64 " length %#" PRIx64 " va %#" PRIx64
			" flags %#" PRIx32 "\n", number, m.iova, m.length, m.va, m.flags);
		mappings++;
		from = m.iova + m.length;
		if (!from)
			break;
	}
	return mappings;
}

static bool describe_dev(struct iommufd_device *dev, int number, FILE *out)
{
	struct iommufd_ioas *ioas = NULL;
	uint32_t id = 0;

	iommufd_device_get_ioas(dev, &ioas);
	if (ioas)
		iommufd_ioas_get_id(ioas, &id);
	fprintf(out, "device %d ioas %" PRIu32 "\n", number, id);
	iommufd_ioas_unref(ioas);
	return ioas != NULL;
}

struct totals {
	uint64_t ioas, bound, attached, mappings;
};

static struct totals describe(struct run *r, char *text, size_t room)
{
	FILE *out = fmemopen(text, room, "w");
	struct totals t = { 0 };

	*text = 0;
	for (int i = 0; i < (int)ARRAY_SIZE(r->ioas); i++)
		if (r->ioas[i]) {
			t.ioas++;
			/* A device that could not be taken back narrows the ranges. */
			t.mappings += describe_ioas(r->ioas[i], i, !r->persistent, out);
		}
	for (int i = 0; i < (int)ARRAY_SIZE(r->dev); i++)
		if (r->dev[i]) {
			t.bound++;
			t.attached += describe_dev(r->dev[i], i, out);
		}
	fclose(out);
	return t;
}

static void compare_with_kernel(struct run *r, const char *function, struct totals t)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	if (r->loose || iommufd_emu_get_counts(r->emu, &c))
		return;
	/* What cannot be undone stays in the kernel until the context closes, but no mapping. */
	if (r->persistent) {
		if (c.mappings > t.mappings)
			wrong(r, "after %s the kernel maps more than the library knows", function);
		return;
	}
	if (c.mappings != t.mappings || c.ioas != t.ioas || c.bound != t.bound ||
	    c.attached != t.attached)
		wrong(r, "after %s the library has %" PRIu64 " mappings, %" PRIu64 " ioas, %" PRIu64
		      " devices, %" PRIu64 " attached; the kernel %" PRIu64 ", %" PRIu64 ", %"
		      PRIu64 ", %" PRIu64, function, t.mappings, t.ioas, t.bound, t.attached,
		      c.mappings, c.ioas, c.bound, c.attached);
}

/* -- one step */

void step_begin(struct run *r)
{
	describe(r, r->before, sizeof(r->before));
	iommufd_irq_trigger(NULL, 0, 0, 0);
	marker = *iommufd_error_last();
	r->saboteur->arm(r);
}

static const struct documented *find_documented(const char *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		if (!strcmp(documented[i].function, function)) {
			covered[i] = true;
			return &documented[i];
		}
	return NULL;
}

static bool is_documented(const struct documented *d, int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(d->codes); i++)
		if (d->codes[i] && d->codes[i] == -code)
			return true;
	return false;
}

static void check_record(struct run *r, const char *function, int rc)
{
	const struct iommufd_error *e = iommufd_error_last();

	if (!memcmp(e, &marker, sizeof(*e)))
		wrong(r, "%s returned %d and left no error record", function, rc);
	else if (e->code != rc || !*e->operation || !*e->object || !*e->message || !*e->remedy)
		wrong(r, "%s returned %d; its record is not complete: %d '%s' '%s' '%s' '%s'",
		      function, rc, e->code, e->operation, e->object, e->message, e->remedy);
}

bool step_end(struct run *r, const char *function, int try, int rc)
{
	const struct documented *d = find_documented(function);
	struct totals t;

	r->saboteur->disarm(r);
	if (!d)
		wrong(r, "%s documents no errors", function);
	if (rc < 0 && d && !is_documented(d, rc))
		wrong(r, "%s returned %d (%s), which it does not document", function, rc,
		      strerror(-rc));
	if (rc < 0)
		check_record(r, function, rc);
	if (rc < 0 && try)
		wrong(r, "%s failed again (%d, %s: %s) though nothing fails any more", function, rc,
		      strerror(-rc), iommufd_error_last()->message);
	t = describe(r, r->after, sizeof(r->after));
	if (rc < 0 && rc != -EUCLEAN && strcmp(r->before, r->after))
		wrong(r, "%s returned %d and changed something\nbefore:\n%safter:\n%s", function,
		      rc, r->before, r->after);
	compare_with_kernel(r, function, t);
	return rc >= 0;
}

/* -- ends */

void drop_ioas(struct run *r, int index)
{
	uint64_t left = r->left;

	r->saboteur->arm(r);
	r->ioas[index] = iommufd_ioas_unref(r->ioas[index]);
	r->saboteur->disarm(r);
	r->loose |= left && (!r->left || r->persistent);
}

void drop_dev(struct run *r, int index)
{
	uint64_t left = r->left;

	r->saboteur->arm(r);
	r->dev[index] = iommufd_device_unref(r->dev[index]);
	r->saboteur->disarm(r);
	r->loose |= left && (!r->left || r->persistent);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

void finish(struct run *r)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	for (int i = 0; i < (int)ARRAY_SIZE(r->dev); i++)
		drop_dev(r, i);
	for (int i = 0; i < (int)ARRAY_SIZE(r->ioas); i++)
		drop_ioas(r, i);
	r->saboteur->arm(r);
	r->second = iommufd_ctx_unref(r->second);
	r->ctx = iommufd_ctx_unref(r->ctx);
	r->saboteur->disarm(r);
	iommufd_emu_get_counts(r->emu, &c);
	if (c.fds + c.ioas + c.bound + c.attached + c.mappings + c.pinned_pages + c.bar_maps +
	    c.eventfds)
		wrong(r, "left in the kernel: %" PRIu64 " fds, %" PRIu64 " ioas, %" PRIu64
		      " bound, %" PRIu64 " attached, %" PRIu64 " mappings, %" PRIu64
		      " pages, %" PRIu64 " BAR maps, %" PRIu64 " eventfds", c.fds, c.ioas, c.bound,
		      c.attached, c.mappings, c.pinned_pages, c.bar_maps, c.eventfds);
}

int play(const struct scenario *s, struct run *r)
{
	int fds;

	r->left = r->nth;
	r->fds_before = count_fds();
	if (iommufd_emu_new(NULL, &r->emu)) {
		fprintf(stderr, "no emulated machine\n");
		exit(99);
	}
	r->opts = (struct iommufd_ctx_opts){
		.size = sizeof(r->opts), .sys = iommufd_emu_get_sys(r->emu),
		.backend = "iommufd", /* whose counts are compared: a refused /dev/iommu is a failure */
	};
	s->play(r);
	finish(r);
	iommufd_emu_unref(r->emu);
	fds = count_fds();
	if (fds != r->fds_before)
		wrong(r, "%d descriptors were open before, %d after", r->fds_before, fds);
	return r->wrong;
}

int report_uncovered(void)
{
	int count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		if (!covered[i]) {
			fprintf(stderr, "no scenario calls %s\n", documented[i].function);
			count++;
		}
	return count;
}
