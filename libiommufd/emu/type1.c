/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The type1 driver: its groups, and the windows they leave for mappings. */
#include "emu/type1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/device.h"

struct emu_type1 *emu_type1_new(struct iommufd_emu *emu, bool v2)
{
	struct emu_type1 *type1 = calloc(1, sizeof(*type1));

	if (!type1)
		return NULL;
	type1->emu = emu;
	type1->v2 = v2;
	type1->entries_left = emu->dma_entries;
	return type1;
}

void emu_type1_free(struct emu_type1 *type1)
{
	if (!type1)
		return;
	emu_type1_unmap_all(type1);
	free(type1->dmas);
	free(type1->windows);
	free(type1->groups);
	free(type1);
}

/* Takes a range out of sorted windows, which have room for one more. */
static void exclude(struct emu_range *windows, size_t *nr, const struct emu_range *out)
{
	for (size_t i = 0; i < *nr;) {
		struct emu_range *w = &windows[i];

		if (out->start > w->last || out->last < w->start) {
			i++;
		} else if (out->start > w->start && out->last < w->last) {
			memmove(w + 1, w, (*nr - i) * sizeof(*w));
			++*nr;
			w[0].last = out->start - 1;
			w[1].start = out->last + 1;
			return;
		} else if (out->start > w->start) {
			w->last = out->start - 1;
			i++;
		} else if (out->last < w->last) {
			w->start = out->last + 1;
			i++;
		} else {
			memmove(w, w + 1, (*nr - i - 1) * sizeof(*w));
			--*nr;
		}
	}
}

static void exclude_group(const struct emu_type1 *type1, const struct emu_group *group,
			  struct emu_range *windows, size_t *nr)
{
	for (const struct emu_device *dev = type1->emu->devices; dev; dev = dev->next) {
		struct emu_range reserved[EMU_MAX_RESERVED];
		size_t n = dev->group == group ? emu_device_reserved(dev, reserved) : 0;

		for (size_t i = 0; i < n; i++)
			exclude(windows, nr, &reserved[i]);
	}
}

/* Room for the windows of these and for what the groups of the machine may cut them into. */
static struct emu_range *windows_room(const struct emu_type1 *type1)
{
	size_t nr = type1->nr_windows + 1;

	for (const struct emu_device *dev = type1->emu->devices; dev; dev = dev->next)
		nr += EMU_MAX_RESERVED;
	return calloc(nr, sizeof(struct emu_range));
}

static bool in_the_way(const struct emu_type1 *type1, const struct emu_group *group)
{
	for (const struct emu_device *dev = type1->emu->devices; dev; dev = dev->next) {
		struct emu_range reserved[EMU_MAX_RESERVED];
		size_t n = dev->group == group ? emu_device_reserved(dev, reserved) : 0;

		while (n--) {
			size_t at = emu_type1_search(type1, reserved[n].start);

			if (at < type1->nr_dmas && type1->dmas[at]->start <= reserved[n].last)
				return true;
		}
	}
	return false;
}

/* The windows that are left when a group joins, or none: nr is 0. */
static int narrow(const struct emu_type1 *type1, const struct emu_group *group,
		  struct emu_range **out, size_t *nr)
{
	const unsigned int bits = type1->emu->address_bits;
	struct emu_range *windows = windows_room(type1);

	if (!windows)
		return -ENOMEM;
	*nr = type1->nr_windows;
	if (*nr)
		memcpy(windows, type1->windows, *nr * sizeof(*windows));
	else
		windows[(*nr)++].last = UINT64_MAX >> (64 - bits);
	exclude_group(type1, group, windows, nr);
	*out = windows;
	return 0;
}

int emu_type1_attach(struct emu_type1 *type1, struct emu_group *group)
{
	struct emu_group **groups;
	struct emu_range *windows = NULL;
	size_t nr;
	int r;

	if (type1->nr_va_invalid)
		return -EBUSY;
	if (in_the_way(type1, group))
		return -EINVAL;
	r = narrow(type1, group, &windows, &nr);
	if (r)
		return r;
	if (!nr)
		r = -EINVAL;
	else if (type1->emu->flags & IOMMUFD_EMU_NO_MSI_ISOLATION)
		r = -EPERM;
	groups = r ? NULL : realloc(type1->groups, (type1->nr_groups + 1) * sizeof(*groups));
	if (!groups) {
		free(windows);
		return r ? r : -ENOMEM;
	}
	groups[type1->nr_groups++] = group;
	type1->groups = groups;
	free(type1->windows);
	type1->windows = windows;
	type1->nr_windows = nr;
	return 0;
}

/*
 * The windows grow again between the first and the last: as the kernel counts,
 * what was lost at either end stays lost.
 */
static void widen(struct emu_type1 *type1)
{
	struct emu_range *windows = windows_room(type1);
	size_t nr = 1;

	if (!windows)
		return;
	windows[0].start = type1->windows[0].start;
	windows[0].last = type1->windows[type1->nr_windows - 1].last;
	for (size_t i = 0; i < type1->nr_groups; i++)
		exclude_group(type1, type1->groups[i], windows, &nr);
	free(type1->windows);
	type1->windows = windows;
	type1->nr_windows = nr;
}

void emu_type1_detach(struct emu_type1 *type1, struct emu_group *group)
{
	size_t at = 0;

	while (type1->groups[at] != group)
		at++;
	type1->groups[at] = type1->groups[--type1->nr_groups];
	if (type1->nr_groups)
		widen(type1);
}

int emu_type1_extension(const struct iommufd_emu *emu, const struct emu_type1 *type1,
			uint64_t extension)
{
	switch (extension) {
	case K_VFIO_TYPE1_IOMMU:
	case K_VFIO_TYPE1v2_IOMMU:
		return 1;
	case K_VFIO_UNMAP_ALL:
		return emu_has(emu, EMU_FEATURE_UNMAP_ALL);
	case K_VFIO_UPDATE_VADDR:
		return type1 && emu_has(emu, EMU_FEATURE_UPDATE_VADDR);
	default:
		return 0; /* this IOMMU has no snoop control, so no DMA_CC either */
	}
}

int emu_type1_overflow(const struct iommufd_emu *emu)
{
	return emu_has(emu, EMU_FEATURE_OVERFLOW) ? -EOVERFLOW : -EINVAL;
}

int emu_type1_ioctl(struct emu_type1 *type1, uint32_t request, uint64_t arg)
{
	switch (request) {
	case K_VFIO_IOMMU_GET_INFO:
		return emu_type1_info(type1, arg);
	case K_VFIO_IOMMU_MAP_DMA:
		return emu_type1_map(type1, arg);
	case K_VFIO_IOMMU_UNMAP_DMA:
		return emu_type1_unmap(type1, arg);
	case K_VFIO_IOMMU_DIRTY_PAGES:
		return emu_type1_dirty_pages(type1, arg);
	default:
		return -ENOTTY;
	}
}
