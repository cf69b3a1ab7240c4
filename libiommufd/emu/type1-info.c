/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* VFIO_IOMMU_GET_INFO of a type1 container, with its chain of capabilities. */
#include "emu/type1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZES UINT64_C(0x40201000)	/* 4 KiB, 2 MiB, 1 GiB */

#define ALIGN8(n) (((n) + 7) & ~(size_t)7)

/* The place of the next capability, linked to the one before; its header is filled. */
static void *next_cap(unsigned char *info, size_t *used, uint32_t *link, uint16_t id, size_t size)
{
	struct k_vfio_info_cap_header *header = (void *)(info + *used);

	*header = (struct k_vfio_info_cap_header){ .id = id, .version = 1 };
	if (*link)
		((struct k_vfio_info_cap_header *)(void *)(info + *link))->next = (uint32_t)*used;
	*link = (uint32_t)*used;
	*used += ALIGN8(size);
	return header;
}

static void fill_caps(const struct emu_type1 *type1, unsigned char *info, size_t *used)
{
	struct k_vfio_iommu_type1_info_cap_migration *migration;
	struct k_vfio_iommu_type1_info_dma_avail *avail;
	struct k_vfio_iommu_type1_info_cap_iova_range *iova;
	uint32_t link = 0;

	migration = next_cap(info, used, &link, K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
			     sizeof(*migration));
	migration->pgsize_bitmap = EMU_PAGE;
	migration->max_dirty_bitmap_size = EMU_TYPE1_MAX_BITMAP;
	avail = next_cap(info, used, &link, K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, sizeof(*avail));
	avail->avail = type1->entries_left;
	iova = next_cap(info, used, &link, K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
			sizeof(*iova) + type1->nr_windows * sizeof(*iova->iova_ranges));
	iova->nr_iovas = (uint32_t)type1->nr_windows;
	for (size_t i = 0; i < type1->nr_windows; i++)
		iova->iova_ranges[i] = (struct k_vfio_iova_range){ type1->windows[i].start,
								   type1->windows[i].last };
}

int emu_type1_info(const struct emu_type1 *type1, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_iommu_type1_info, iova_pgsizes);
	struct k_vfio_iommu_type1_info in = { 0 }, *info;
	size_t used = sizeof(*info), size;
	unsigned char *buf;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min)
		return -EINVAL;
	buf = calloc(1, sizeof(in) + 128 + type1->nr_windows * sizeof(struct k_vfio_iova_range));
	if (!buf)
		return -ENOMEM;
	fill_caps(type1, buf, &used);
	info = (void *)buf;
	info->argsz = in.argsz;
	info->flags = K_VFIO_IOMMU_INFO_PGSIZES | K_VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = PAGE_SIZES;
	size = in.argsz < sizeof(in) ? in.argsz : sizeof(in);
	if (in.argsz < used) {
		info->argsz = (uint32_t)used; /* what it takes to see the capabilities */
	} else {
		info->cap_offset = sizeof(in);
		r = emu_user_write(arg + sizeof(in), buf + sizeof(in), used - sizeof(in));
	}
	if (!r)
		r = emu_user_write(arg, buf, size);
	free(buf);
	return r;
}
