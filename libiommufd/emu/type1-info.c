/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* VFIO_IOMMU_GET_INFO of a type1 container, with its chain of capabilities. */
#include "emu/type1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZES UINT64_C(0x40201000)	/* 4 KiB, 2 MiB, 1 GiB */

struct chain {
	unsigned char *info;
	size_t used;
	size_t alignment;	/* of capabilities */
	size_t link;		/* the last one's place, or 0 */
};

static void link_to(struct chain *c, uint32_t next)
{
	if (c->link)
		memcpy(c->info + c->link + offsetof(struct k_vfio_info_cap_header, next), &next,
		       sizeof(next));
	c->link = next;
}

/* Adds a capability; its header is filled here. */
static void add_cap(struct chain *c, uint16_t id, const void *cap, size_t size)
{
	unsigned char *at = c->info + c->used;
	const struct k_vfio_info_cap_header header = { .id = id, .version = 1 };

	memcpy(at, cap, size);
	memcpy(at, &header, sizeof(header));
	link_to(c, (uint32_t)c->used);
	c->used += (size + c->alignment - 1) / c->alignment * c->alignment;
}

static void fill_caps(const struct emu_type1 *type1, struct chain *c)
{
	struct k_vfio_iommu_type1_info_cap_migration migration = {
		.pgsize_bitmap = EMU_PAGE,
		.max_dirty_bitmap_size = EMU_TYPE1_MAX_BITMAP,
	};
	struct k_vfio_iommu_type1_info_dma_avail avail = { .avail = type1->entries_left };
	struct k_vfio_iommu_type1_info_cap_iova_range iova = {
		.nr_iovas = (uint32_t)type1->nr_windows,
	};

	add_cap(c, K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, &migration, sizeof(migration));
	add_cap(c, K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, &avail, sizeof(avail));
	add_cap(c, K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, &iova, sizeof(iova));
	/* first and last, as the kernel has them */
	memcpy(c->info + c->used, type1->windows, type1->nr_windows * sizeof(*type1->windows));
	c->used += type1->nr_windows * sizeof(*type1->windows);
}

int emu_type1_info(const struct emu_type1 *type1, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_iommu_type1_info, iova_pgsizes);
	struct k_vfio_iommu_type1_info info = { 0 };
	struct chain c = { .used = sizeof(info), .alignment = 1 };
	size_t size;
	int r = emu_user_read(&info, arg, min);

	if (r)
		return r;
	if (info.argsz < min)
		return -EINVAL;
	c.info = calloc(1, sizeof(info) + 128 + type1->nr_windows * sizeof(*type1->windows));
	if (!c.info)
		return -ENOMEM;
	if (emu_has(type1->emu, EMU_FEATURE_ALIGNED_CAPS))
		c.alignment = sizeof(uint64_t);
	fill_caps(type1, &c);
	size = info.argsz < sizeof(info) ? info.argsz : sizeof(info);
	info.flags = K_VFIO_IOMMU_INFO_PGSIZES | K_VFIO_IOMMU_INFO_CAPS;
	info.iova_pgsizes = PAGE_SIZES;
	if (info.argsz < c.used) {
		info.argsz = (uint32_t)c.used; /* what it takes to see the capabilities */
	} else {
		info.cap_offset = sizeof(info);
		r = emu_user_write(arg + sizeof(info), c.info + sizeof(info),
				   c.used - sizeof(info));
	}
	free(c.info);
	return r ? r : emu_user_write(arg, &info, size);
}
