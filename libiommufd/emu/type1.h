/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The type1 IOMMU driver of a container. */
#ifndef EMU_TYPE1_H
#define EMU_TYPE1_H

#include "emu/iommu.h"
#include "os/uapi.h"

struct emu_group;

/* The largest bitmap of dirty pages in one request: 2^31 - 1 bits in whole words. */
#define EMU_TYPE1_MAX_BITMAP (UINT64_C(1) << 28)

/* A mapping: what one VFIO_IOMMU_MAP_DMA made. */
struct emu_dma {
	uint64_t start;
	uint64_t last;
	uint64_t va;		/* of start */
	uint32_t access;	/* K_VFIO_DMA_MAP_FLAG_READ, _WRITE */
	bool va_invalid;	/* the user is about to tell another va */
	uint64_t pinned;	/* pages; those of devices are not counted */
	uint64_t *dirty;	/* while dirty pages are tracked */
};

struct emu_type1 {
	struct iommufd_emu *emu;
	bool v2;
	bool dirty_tracking;
	struct emu_dma **dmas;		/* by IOVA */
	size_t nr_dmas;
	size_t room;
	uint32_t entries_left;
	unsigned int nr_va_invalid;
	struct emu_range *windows;	/* where mappings may be, by IOVA */
	size_t nr_windows;
	struct emu_group **groups;
	size_t nr_groups;
};

/* type1.c */
struct emu_type1 *emu_type1_new(struct iommufd_emu *emu, bool v2);
void emu_type1_free(struct emu_type1 *type1);
int emu_type1_attach(struct emu_type1 *type1, struct emu_group *group);
void emu_type1_detach(struct emu_type1 *type1, struct emu_group *group);
/* @type1 is NULL while there is no IOMMU driver. */
int emu_type1_extension(const struct iommufd_emu *emu, const struct emu_type1 *type1,
			uint64_t extension);
int emu_type1_ioctl(struct emu_type1 *type1, uint32_t request, uint64_t arg);
/* What a range that wraps is refused with. */
int emu_type1_overflow(const struct iommufd_emu *emu);

/* type1-map.c */
int emu_type1_map(struct emu_type1 *type1, uint64_t arg);
int emu_type1_unmap(struct emu_type1 *type1, uint64_t arg);
void emu_type1_unmap_all(struct emu_type1 *type1);
/* The mapping that holds @iova, or the first after it; nr_dmas if there is none. */
size_t emu_type1_search(const struct emu_type1 *type1, uint64_t iova);
/* An access of a device, within a page; false if the page table refuses it. */
bool emu_type1_access(const struct emu_type1 *type1, uint64_t iova, void *buf, size_t n,
		      bool to_memory);

/* type1-info.c */
int emu_type1_info(const struct emu_type1 *type1, uint64_t arg);

/* type1-dirty.c */
int emu_type1_dirty_pages(struct emu_type1 *type1, uint64_t arg);
/* Begins to track a mapping, and ends. */
int emu_type1_track(struct emu_dma *dma);
void emu_type1_untrack(struct emu_dma *dma);
/* Checks a bitmap that the user gives for @size bytes of IOVA. */
int emu_type1_check_bitmap(const struct k_vfio_bitmap *bitmap, uint64_t size);
/* Sets the bits of a tracked mapping in a bitmap that begins at @base. */
int emu_type1_report(struct emu_dma *dma, uint64_t base, uint64_t bitmap);

#endif
