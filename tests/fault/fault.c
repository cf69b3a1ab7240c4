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
	fprintf(stderr, "%s on %s, call %" PRIu64 "%s: ", r->what, r->pair->name, r->nth,
		r->mode == ONCE ? "" : r->mode == STEP ? " and the step's rest" :
							 " and all after it");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	r->wrong++;
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
	r->unclean |= rc == -EUCLEAN;
	describe(r, r->after, sizeof(r->after));
	if (rc < 0 && rc != -EUCLEAN && strcmp(r->before, r->after))
		wrong(r, "%s returned %d and changed something\nbefore:\n%safter:\n%s", function,
		      rc, r->before, r->after);
	compare_with_kernel(r, function);
	return rc >= 0;
}

/* What cannot be undone is not tried again: the record says so. */
bool gives_up(const struct run *r, int try)
{
	return try && (r->mode == FOR_GOOD || r->unclean);
}

unsigned int sampling(void)
{
	const char *text = getenv("LIBIOMMUFD_SLOW");
	int value = text ? atoi(text) : 0;

	return !text ? 1 : 4 * (value > 0 && value < 100 ? (unsigned int)value : 1);
}

bool can(struct run *r, uint32_t cap)
{
	return iommufd_ctx_has(r->ctx, cap) == 1;
}

/* -- ends */

void drop_end(struct run *r, uint64_t left)
{
	r->saboteur->disarm(r);
	r->loose |= left && (!r->left || r->mode == FOR_GOOD);
}

void drop_ioas(struct run *r, int index)
{
	DROP(r, iommufd_ioas_unref, r->ioas[index]);
}

void drop_dev(struct run *r, int index)
{
	DROP(r, iommufd_device_unref, r->dev[index]);
}

void drop_hwpt(struct run *r, int index)
{
	DROP(r, iommufd_hwpt_unref, r->hwpt[index]);
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

/* What could not be undone then can be undone now, and all is good again. */
static void recover(struct run *r)
{
	r->unclean = false;
	for (int i = 0; i < (int)ARRAY_SIZE(r->ioas); i++) {
		int rc = r->ioas[i] ? iommufd_ioas_unmap_all(r->ioas[i], NULL) : 0;

		if (rc)
			wrong(r, "after -EUCLEAN nothing can be unmapped: %d (%s)", rc,
			      iommufd_error_last()->message);
	}
	compare_with_kernel(r, "the recovery");
	for (int i = 0; i < (int)ARRAY_SIZE(r->ioas); i++) {
		uint64_t iova = 0x10000;

		if (r->ioas[i] && iommufd_ioas_map(r->ioas[i], memory, PAGE, FIXED_RW, &iova, NULL))
			wrong(r, "after the recovery nothing can be mapped: %s",
			      iommufd_error_last()->message);
	}
	compare_with_kernel(r, "the mapping after it");
}

void finish(struct run *r)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	if (r->unclean && r->mode == STEP)
		recover(r);
	for (int i = 0; i < (int)ARRAY_SIZE(r->pasid); i++)
		DROP(r, iommufd_pasid_unref, r->pasid[i]);
	for (int i = 0; i < (int)ARRAY_SIZE(r->dev); i++)
		drop_dev(r, i);
	for (int i = 0; i < (int)ARRAY_SIZE(r->hwpt); i++)
		drop_hwpt(r, i);
	for (int i = 0; i < (int)ARRAY_SIZE(r->ioas); i++)
		drop_ioas(r, i);
	r->saboteur->arm(r);
	r->second = iommufd_ctx_unref(r->second);
	r->ctx = iommufd_ctx_unref(r->ctx);
	r->saboteur->disarm(r);
	iommufd_emu_get_counts(r->emu, &c);
	/* Memory that the kernel does not want to unlock stays locked. */
	if (r->pair->is_without_tables && r->failed)
		c.pinned_pages = 0;
	if (c.fds + c.ioas + c.bound + c.attached + c.mappings + c.pinned_pages + c.bar_maps +
	    c.eventfds + c.groups + c.containers)
		wrong(r, "left in the kernel: %" PRIu64 " fds, %" PRIu64 " ioas, %" PRIu64
		      " bound, %" PRIu64 " attached, %" PRIu64 " mappings, %" PRIu64
		      " pages, %" PRIu64 " BAR maps, %" PRIu64 " eventfds, %" PRIu64
		      " groups, %" PRIu64 " containers", c.fds, c.ioas, c.bound, c.attached,
		      c.mappings, c.pinned_pages, c.bar_maps, c.eventfds, c.groups, c.containers);
}

int play(const struct scenario *s, struct run *r)
{
	struct iommufd_emu_opts shape = {
		.size = sizeof(shape), .flags = r->pair->noiommu ? IOMMUFD_EMU_NOIOMMU : 0,
	};
	int fds;

	r->left = r->nth;
	r->fds_before = count_fds();
	if (iommufd_emu_new(&shape, &r->emu)) {
		fprintf(stderr, "no emulated machine\n");
		exit(99);
	}
	r->opts = (struct iommufd_ctx_opts){
		.size = sizeof(r->opts), .sys = iommufd_emu_get_sys(r->emu),
		.backend = r->pair->name, /* not "auto": a refused node is a failure */
	};
	s->play(r);
	finish(r);
	iommufd_emu_unref(r->emu);
	fds = count_fds();
	if (fds != r->fds_before)
		wrong(r, "%d descriptors were open before, %d after", r->fds_before, fds);
	return r->wrong;
}

/* -- everything */

static const struct pair pairs[] = {
	{ .name = "iommufd" }, /* by character device, but groups can be taken over */
	{ .name = "group+iommufd" },
	{ .name = "group+type1", .records = true },
	{ .name = "cdev+noiommu", .noiommu = true },
	{ .name = "group+noiommu", .noiommu = true, .records = true, .is_without_tables = true },
};

static int report_uncovered(void)
{
	int count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		if (!covered[i]) {
			fprintf(stderr, "no scenario calls %s\n", documented[i].function);
			count++;
		}
	return count;
}

int play_everything(int (*play_all)(const struct pair *pair, const struct scenario *s))
{
	const char *only = getenv("LIBIOMMUFD_BACKEND");
	int wrong = 0, played = 0;

	for (size_t p = 0; p < ARRAY_SIZE(pairs); p++) {
		if (only && *only && strcmp(only, pairs[p].name))
			continue;
		for (size_t i = 0; i < num_scenarios; i++)
			wrong += play_all(&pairs[p], &scenarios[i]);
		played++;
	}
	if (!played) {
		fprintf(stderr, "nothing is played on LIBIOMMUFD_BACKEND=%s\n", only);
		return 1;
	}
	/* No backend can do all. */
	return wrong + (only && *only ? 0 : report_uncovered());
}
