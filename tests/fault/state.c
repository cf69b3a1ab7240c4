/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What is, as the library says and as the emulated kernel has it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "reach.h"

#include "backend/group.h"
#include "object/device.h"
#include "object/pasid.h"

static void describe_ioas(struct iommufd_ioas *ioas, int number, bool ranges, FILE *out)
{
	struct iommufd_mapping m = { .size = sizeof(m) };
	struct iommufd_range range[16];
	size_t count = ARRAY_SIZE(range);
	uint64_t from = 0;

	if (!ranges || iommufd_ioas_get_ranges(ioas, range, &count))
		count = 0;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "ioas %d range %#" PRIx64 "-%#" PRIx64 "\n", number, range[i].start,
			range[i].last);
	while (!iommufd_ioas_next_mapping(ioas, from, &m)) {
		fprintf(out, "ioas %d iova %#" PRIx64 " length %#" PRIx64 " va %#" PRIx64
			" flags %#" PRIx32 "\n", number, m.iova, m.length, m.va, m.flags);
		from = m.iova + m.length;
		if (!from)
			break;
	}
}

static void describe_dev(struct iommufd_device *dev, int number, FILE *out)
{
	struct iommufd_ioas *ioas = NULL;
	uint32_t id = 0;

	iommufd_device_get_ioas(dev, &ioas);
	if (ioas)
		iommufd_ioas_get_id(ioas, &id);
	fprintf(out, "device %d ioas %" PRIu32 "\n", number, id);
	iommufd_ioas_unref(ioas);
}

void describe(struct run *r, char *text, size_t room)
{
	FILE *out = fmemopen(text, room, "w");

	*text = 0;
	for (int i = 0; i < (int)ARRAY_SIZE(r->ioas); i++)
		if (r->ioas[i]) /* a device that could not be taken back narrows the ranges */
			describe_ioas(r->ioas[i], i, r->mode == ONCE, out);
	for (int i = 0; i < (int)ARRAY_SIZE(r->dev); i++)
		if (r->dev[i])
			describe_dev(r->dev[i], i, out);
	for (int i = 0; i < (int)ARRAY_SIZE(r->pasid); i++)
		if (r->pasid[i])
			fprintf(out, "pasid %d ioas %" PRIu32 "\n", i,
				r->pasid[i]->ioas ? r->pasid[i]->ioas->as.id : 0);
	fclose(out);
}

static void print_reach(const char *whose, const struct reach *reach)
{
	fprintf(stderr, "  %s%s:\n", whose, reach->tracked ? ", tracked" : "");
	for (size_t i = 0; i < reach->count; i++)
		fprintf(stderr, "    %#" PRIx64 "-%#" PRIx64 " va %#" PRIx64 " flags %#" PRIx32 "\n",
			reach->piece[i].start, reach->piece[i].last, reach->piece[i].va,
			reach->piece[i].prot);
}

/* Never more than the record says, and unless something could not be undone, not less. */
static void compare(struct run *r, const char *function, const char *whose,
		    const struct reach *kernel, const struct reach *record)
{
	struct reach reached = *kernel, recorded = *record;
	bool good;

	if (r->unclean && r->moves) {
		reach_forget_memory(&reached);
		reach_forget_memory(&recorded);
	}
	good = r->unclean || r->mode == FOR_GOOD ? reach_is_within(&reached, &recorded) :
						   reach_is(&reached, &recorded);
	if (good)
		return;
	wrong(r, "after %s the kernel has not what the library says of %s", function, whose);
	print_reach("kernel", kernel);
	print_reach("library", record);
}

/* By group a device that is not attached goes where its attached sibling does. */
static struct iommufd_ioas *ioas_of(const struct run *r, const struct iommufd_device *dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->dev) && dev->fd.group && !dev->ioas; i++)
		if (r->dev[i] && r->dev[i]->group == dev->group && r->dev[i]->ioas)
			return r->dev[i]->ioas;
	return dev->ioas;
}

static void compare_dev(struct run *r, const char *function, struct iommufd_device *dev)
{
	struct iommufd_ioas *ioas = ioas_of(r, dev);
	struct reach kernel, record = { 0 };
	bool reaches = reach_of_device(r->emu, dev->fd.name, &kernel);

	/* What an open could not undo stays until the group is used again. */
	if (!ioas && (r->loose || (dev->fd.group && dev->fd.group->container->soiled)))
		return;
	if (ioas)
		reach_of_record(ioas, &record);
	if (r->foreign && !reach_remove(&kernel, r->foreign))
		wrong(r, "after %s what someone else mapped is gone", function);
	if (dev->ioas && !reaches)
		wrong(r, "after %s %s is attached, and in the kernel it is not", function,
		      dev->fd.object);
	compare(r, function, dev->fd.object, &kernel, &record);
	if (ioas && !r->unclean && r->mode == ONCE && kernel.tracked != record.tracked)
		wrong(r, "after %s the kernel %s of %s", function,
		      kernel.tracked ? "tracks writes" : "tracks no writes", dev->fd.object);
}

static void compare_pasid(struct run *r, const char *function, struct iommufd_pasid *pasid)
{
	struct reach kernel, record = { 0 };
	bool reaches = reach_of_pasid(r->emu, pasid->dev->fd.name, pasid->number, &kernel);

	if (pasid->ioas)
		reach_of_record(pasid->ioas, &record);
	if (reaches != (pasid->ioas != NULL))
		wrong(r, "after %s %s is %sattached in the kernel alone", function, pasid->object,
		      reaches ? "" : "not ");
	compare(r, function, pasid->object, &kernel, &record);
}

/* Those that the kernel numbers as address spaces. */
static uint64_t count_containers(const struct run *r)
{
	const struct container *seen[ARRAY_SIZE(r->dev)];
	size_t count = 0, i;

	for (size_t d = 0; d < ARRAY_SIZE(r->dev); d++) {
		const struct vfio_group *g = r->dev[d] ? r->dev[d]->fd.group : NULL;

		if (!g || g->container->is_ioas)
			continue;
		for (i = 0; i < count && seen[i] != g->container; i++)
			;
		if (i == count)
			seen[count++] = g->container;
	}
	return count;
}

static void compare_counts(struct run *r, const char *function)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };
	size_t open = 0, ioas = 0;

	/* One that is in two contexts is one, and a mock device is none. */
	for (size_t i = 0; i < ARRAY_SIZE(r->dev); i++)
		open += r->dev[i] && !r->dev[i]->fd.mock &&
			!(i && r->dev[i - 1] && r->dev[i]->ctx != r->dev[i - 1]->ctx);
	if (count_open_devices(r->emu) != open)
		wrong(r, "after %s the library has %zu devices, the kernel %zu", function, open,
		      count_open_devices(r->emu));
	if (r->pair->records || r->mode != ONCE || r->loose)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(r->ioas); i++)
		ioas += r->ioas[i] != NULL;
	ioas += count_containers(r) + r->homes;
	iommufd_emu_get_counts(r->emu, &c);
	if (c.ioas != ioas)
		wrong(r, "after %s the library has %zu ioas, the kernel %" PRIu64, function, ioas,
		      c.ioas);
}

void compare_with_kernel(struct run *r, const char *function)
{
	struct reach kernel, record;

	for (size_t i = 0; i < ARRAY_SIZE(r->dev); i++)
		if (r->dev[i] && !r->dev[i]->fd.mock && !r->pair->is_without_tables)
			compare_dev(r, function, r->dev[i]);
	for (size_t i = 0; i < ARRAY_SIZE(r->pasid); i++)
		if (r->pasid[i])
			compare_pasid(r, function, r->pasid[i]);
	for (size_t i = 0; i < ARRAY_SIZE(r->ioas); i++) {
		if (!r->ioas[i] || r->pair->records)
			continue;
		reach_of_record(r->ioas[i], &record);
		if (!reach_of_ioas(r->emu, r->ioas[i]->as.id, &kernel))
			wrong(r, "after %s the kernel lacks ioas %zu", function, i);
		compare(r, function, r->ioas[i]->object, &kernel, &record);
	}
	compare_counts(r, function);
}
