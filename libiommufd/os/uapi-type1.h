/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_UAPI_TYPE1_H
#define LIBIOMMUFD_OS_UAPI_TYPE1_H

/* The type1 IOMMU of a VFIO container. */

#include "uapi-vfio.h"

/* ---- information ---- */

#define K_VFIO_IOMMU_INFO_PGSIZES (1 << 0)
#define K_VFIO_IOMMU_INFO_CAPS (1 << 1)

struct k_vfio_iommu_type1_info {
	uint32_t argsz;
	uint32_t flags;
	k_aligned_u64 iova_pgsizes;	/* bitmap of sizes in bytes */
	uint32_t cap_offset;
	uint32_t pad;
};
#define K_VFIO_IOMMU_GET_INFO _IO(K_VFIO_TYPE, K_VFIO_BASE + 12)

/* Capability: windows in which mappings are allowed. */
#define K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE 1	/* 5.4 */

struct k_vfio_iova_range {
	uint64_t start;
	uint64_t end;			/* inclusive */
};

struct k_vfio_iommu_type1_info_cap_iova_range {
	struct k_vfio_info_cap_header header;
	uint32_t nr_iovas;
	uint32_t reserved;
	struct k_vfio_iova_range iova_ranges[];
};

/* Capability: dirty tracking is there. */
#define K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION 2	/* 5.8 */

struct k_vfio_iommu_type1_info_cap_migration {
	struct k_vfio_info_cap_header header;
	uint32_t flags;
	uint64_t pgsize_bitmap;
	uint64_t max_dirty_bitmap_size;	/* bytes, per request */
};

/* Capability: how many more mappings may be made. */
#define K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL 3	/* 5.10 */

struct k_vfio_iommu_type1_info_dma_avail {
	struct k_vfio_info_cap_header header;
	uint32_t avail;
};

/* ---- map and unmap ---- */

#define K_VFIO_DMA_MAP_FLAG_READ (1 << 0)	/* by the device */
#define K_VFIO_DMA_MAP_FLAG_WRITE (1 << 1)
#define K_VFIO_DMA_MAP_FLAG_VADDR (1 << 2)	/* new address of the same memory */

/* EEXIST: taken; EINVAL: outside the windows; ENOSPC: too many mappings. */
struct k_vfio_iommu_type1_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t vaddr;
	uint64_t iova;
	uint64_t size;			/* bytes */
};
#define K_VFIO_IOMMU_MAP_DMA _IO(K_VFIO_TYPE, K_VFIO_BASE + 13)

struct k_vfio_bitmap {
	uint64_t pgsize;		/* bytes; the smallest the IOMMU has */
	uint64_t size;			/* of data, bytes */
	uint64_t *data;			/* zeroed by the caller */
};

#define K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP (1 << 0)	/* struct k_vfio_bitmap in data */
#define K_VFIO_DMA_UNMAP_FLAG_ALL (1 << 1)		/* iova and size 0 */
#define K_VFIO_DMA_UNMAP_FLAG_VADDR (1 << 2)		/* forget only the CPU addresses */

/*
 * Version 2: a range that cuts a mapping is EINVAL and removes nothing; an
 * empty one succeeds with size 0. On error size is left as it was.
 */
struct k_vfio_iommu_type1_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t size;			/* bytes; out: removed */
	uint8_t data[];
};
#define K_VFIO_IOMMU_UNMAP_DMA _IO(K_VFIO_TYPE, K_VFIO_BASE + 14)

/* ---- dirty tracking ---- */

/* Exactly one. */
#define K_VFIO_IOMMU_DIRTY_PAGES_FLAG_START (1 << 0)
#define K_VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP (1 << 1)
#define K_VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP (1 << 2)

/* Trap: unless the device says what it writes, every pinned page is dirty. */
struct k_vfio_iommu_type1_dirty_bitmap {
	uint32_t argsz;			/* with the bitmap_get, without the bits */
	uint32_t flags;
	uint8_t data[];
};

/* data of GET_BITMAP. The range must not cut a mapping. */
struct k_vfio_iommu_type1_dirty_bitmap_get {
	uint64_t iova;
	uint64_t size;
	struct k_vfio_bitmap bitmap;
};
#define K_VFIO_IOMMU_DIRTY_PAGES _IO(K_VFIO_TYPE, K_VFIO_BASE + 17)

#endif
