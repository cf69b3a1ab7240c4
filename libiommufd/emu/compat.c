/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An iommufd as a VFIO container: the requests of type1, on the address space
 * that stands for one. What differs from the real type1 differs here too.
 */
#include <errno.h>
#include <stdlib.h>

#include "emu/iommu.h"
#include "os/uapi.h"

#define PAGE_SIZES UINT64_C(0x40201000)	/* 4 KiB, 2 MiB, 1 GiB */
#define ANY_PAGE_SIZE (~(uint64_t)(EMU_PAGE - 1))

/* Tables of this IOMMU cannot make DMA coherent whatever devices say. */
static int is_coherent(const struct emu_iommu *iommu)
{
	if (!iommu->vfio_ioas)
		return -ENODEV;
	return !iommu->vfio_ioas->hwpts;
}

static int check_extension(const struct emu_iommu *iommu, uint64_t extension)
{
	switch (extension) {
	case K_VFIO_TYPE1_IOMMU:
	case K_VFIO_TYPE1v2_IOMMU:
	case K_VFIO_UNMAP_ALL:
		return !iommu->noiommu;
	case K_VFIO_NOIOMMU_IOMMU:
		return 1; /* the kernel could, whether or not there is an IOMMU */
	case K_VFIO_DMA_CC_IOMMU:
		return is_coherent(iommu);
	default:
		return 0;
	}
}

/* Version 1 differs in that unmapping may cut, which huge pages would not allow. */
static int set_iommu(struct emu_iommu *iommu, uint64_t type)
{
	if (type == K_VFIO_NOIOMMU_IOMMU && iommu->noiommu)
		return emu_is_privileged(iommu->emu) ? 0 : -EPERM;
	if ((type != K_VFIO_TYPE1_IOMMU && type != K_VFIO_TYPE1v2_IOMMU) || iommu->noiommu)
		return -EINVAL;
	if (!iommu->vfio_ioas)
		return -ENODEV;
	return type == K_VFIO_TYPE1_IOMMU ? emu_ioas_forbid_huge_pages(iommu->vfio_ioas) : 0;
}

static int map_dma(struct emu_iommu *iommu, uint64_t arg)
{
	struct k_vfio_iommu_type1_dma_map in;
	uint32_t flags = K_IOMMU_IOAS_MAP_FIXED_IOVA;
	int r = emu_user_read(&in, arg, sizeof(in));

	if (r)
		return r;
	if (in.argsz < sizeof(in) ||
	    (in.flags & ~(uint32_t)(K_VFIO_DMA_MAP_FLAG_READ | K_VFIO_DMA_MAP_FLAG_WRITE)))
		return -EINVAL;
	if (!iommu->vfio_ioas)
		return -ENODEV;
	if (in.flags & K_VFIO_DMA_MAP_FLAG_READ)
		flags |= K_IOMMU_IOAS_MAP_READABLE;
	if (in.flags & K_VFIO_DMA_MAP_FLAG_WRITE)
		flags |= K_IOMMU_IOAS_MAP_WRITEABLE;
	return emu_ioas_map_memory(iommu->vfio_ioas, in.vaddr, in.size, flags, &in.iova);
}

static int unmap_range(struct emu_ioas *ioas, uint64_t iova, uint64_t size, uint64_t *removed)
{
	int r = 0;

	if (ioas->no_huge_pages)
		r = emu_ioas_cut(ioas, iova + size - 1);
	if (!r && ioas->no_huge_pages && iova)
		r = emu_ioas_cut(ioas, iova - 1);
	return r ? r : emu_ioas_unmap(ioas, iova, size, removed);
}

/* What a failed request removed all the same is told. */
static int unmap_dma(struct emu_iommu *iommu, uint64_t arg)
{
	const size_t min = sizeof(struct k_vfio_iommu_type1_dma_unmap);
	struct emu_ioas *ioas = iommu->vfio_ioas;
	struct k_vfio_iommu_type1_dma_unmap in;
	uint64_t removed = 0;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min || (in.flags & ~(uint32_t)K_VFIO_DMA_UNMAP_FLAG_ALL))
		return -EINVAL;
	if (!ioas)
		return -ENODEV;
	if (in.flags & K_VFIO_DMA_UNMAP_FLAG_ALL) {
		if (in.iova || in.size)
			return -EINVAL;
		r = emu_ioas_unmap_all(ioas, &removed);
	} else {
		r = unmap_range(ioas, in.iova, in.size, &removed);
	}
	in.size = removed;
	return emu_user_write(arg, &in, min) ? -EFAULT : r;
}

static uint64_t page_sizes(const struct emu_ioas *ioas)
{
	return ioas->hwpts && !emu_is_noiommu(ioas->iommu->emu) ? PAGE_SIZES : ANY_PAGE_SIZE;
}

/* The capability of where mappings may be; its size. */
static uint32_t fill_windows(const struct emu_ioas *ioas,
			     struct k_vfio_iommu_type1_info_cap_iova_range *out, uint32_t room)
{
	struct emu_range hole = { 0 };
	uint64_t from = 0;
	uint32_t n = 0;

	while (emu_iova_next_hole(ioas, false, from, UINT64_MAX, &hole)) {
		if (n < room)
			out->iova_ranges[n] = (struct k_vfio_iova_range){ hole.start, hole.last };
		n++;
		if (hole.last == UINT64_MAX)
			break;
		from = hole.last + 1;
	}
	out->header = (struct k_vfio_info_cap_header){
		.id = K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1,
	};
	out->nr_iovas = n;
	return (uint32_t)(sizeof(*out) + n * sizeof(struct k_vfio_iova_range));
}

/* Capabilities that fit are written; without room for all they cannot be found. */
static int write_caps(const struct emu_ioas *ioas, uint64_t arg, uint32_t room, uint32_t *total)
{
	const uint32_t first = sizeof(struct k_vfio_iommu_type1_info);
	const uint32_t second = first + 16; /* the first, up to a multiple of 8 */
	struct k_vfio_iommu_type1_info_dma_avail avail = {
		.header = { .id = K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, .version = 1 },
		.avail = UINT32_MAX, /* there is no such limit */
	};
	struct k_vfio_iommu_type1_info_cap_iova_range *windows;
	uint32_t most = 1, size;
	int r = 0;

	for (const struct emu_reserved *at = ioas->reserved; at; at = at->next)
		most++;
	windows = calloc(1, sizeof(*windows) + most * sizeof(struct k_vfio_iova_range));
	if (!windows)
		return -ENOMEM;
	size = fill_windows(ioas, windows, most);
	*total = second + size;
	if (room >= second)
		avail.header.next = second;
	if (room >= first + sizeof(avail))
		r = emu_user_write(arg + first, &avail, sizeof(avail));
	if (!r && room >= *total)
		r = emu_user_write(arg + second, windows, size);
	free(windows);
	return r;
}

static int get_info(struct emu_iommu *iommu, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_iommu_type1_info, iova_pgsizes);
	struct k_vfio_iommu_type1_info info = { 0 };
	uint32_t room, total = 0;
	int r = emu_user_read(&info, arg, min);

	if (r)
		return r;
	if (info.argsz < min)
		return -EINVAL;
	if (!iommu->vfio_ioas)
		return -ENODEV;
	room = info.argsz;
	r = write_caps(iommu->vfio_ioas, arg, room, &total);
	if (r)
		return r;
	info.argsz = total;
	info.flags = K_VFIO_IOMMU_INFO_PGSIZES | K_VFIO_IOMMU_INFO_CAPS;
	info.iova_pgsizes = page_sizes(iommu->vfio_ioas);
	info.cap_offset = room >= total ? sizeof(info) : 0;
	return emu_user_write(arg, &info, room < sizeof(info) ? room : sizeof(info));
}

int emu_compat_ioctl(struct emu_iommu *iommu, uint32_t request, uint64_t arg)
{
	switch (request) {
	case K_VFIO_GET_API_VERSION:
		return K_VFIO_API_VERSION;
	case K_VFIO_CHECK_EXTENSION:
		return check_extension(iommu, arg);
	case K_VFIO_SET_IOMMU:
		return set_iommu(iommu, arg);
	case K_VFIO_IOMMU_GET_INFO:
		return get_info(iommu, arg);
	case K_VFIO_IOMMU_MAP_DMA:
		return map_dma(iommu, arg);
	case K_VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(iommu, arg);
	default:
		return -ENOTTY; /* VFIO_IOMMU_DIRTY_PAGES among them */
	}
}
