/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mappings of a type1 container: pinned when made, and each on its own. */
#include "emu/type1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/device.h"
#include "emu/mapping.h"

#define ACCESS_FLAGS ((uint32_t)(K_VFIO_DMA_MAP_FLAG_READ | K_VFIO_DMA_MAP_FLAG_WRITE))

size_t emu_type1_search(const struct emu_type1 *type1, uint64_t iova)
{
	size_t low = 0, high = type1->nr_dmas;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (type1->dmas[mid]->last < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct emu_dma *find(const struct emu_type1 *type1, uint64_t start, uint64_t last)
{
	size_t i = emu_type1_search(type1, start);

	return i < type1->nr_dmas && type1->dmas[i]->start <= last ? type1->dmas[i] : NULL;
}

static int make_room(struct emu_type1 *type1)
{
	size_t room = type1->room ? type1->room * 2 : 16;
	struct emu_dma **dmas;

	if (type1->nr_dmas < type1->room)
		return 0;
	dmas = realloc(type1->dmas, room * sizeof(*dmas));
	if (!dmas)
		return -ENOMEM;
	type1->dmas = dmas;
	type1->room = room;
	return 0;
}

/* Device memory can be mapped here: it needs no pin, and is not counted. */
static int pin(struct iommufd_emu *emu, struct emu_dma *dma)
{
	const bool writable = dma->access & K_VFIO_DMA_MAP_FLAG_WRITE;
	uint64_t size = dma->last - dma->start + 1, pages = 0;
	int r = 0;

	if (!emu_mapping_overlaps(emu, dma->va, size)) {
		r = emu_user_populate(dma->va, size, writable);
		pages = size / EMU_PAGE;
	} else {
		for (uint64_t at = 0; !r && at < size; at += EMU_PAGE) {
			if (emu_mapping_overlaps(emu, dma->va + at, EMU_PAGE))
				continue;
			r = emu_user_populate(dma->va + at, EMU_PAGE, writable);
			pages++;
		}
	}
	if (r)
		return r;
	if (emu->memlock_pages && emu->counts.pinned_pages + pages > emu->memlock_pages)
		return -ENOMEM;
	emu->counts.pinned_pages += pages;
	dma->pinned = pages;
	return 0;
}

static int add(struct emu_type1 *type1, const struct emu_dma *in)
{
	struct emu_dma *dma;
	size_t at;
	int r = make_room(type1);

	if (r)
		return r;
	dma = malloc(sizeof(*dma));
	if (!dma)
		return -ENOMEM;
	*dma = *in;
	r = type1->dirty_tracking ? emu_type1_track(dma) : 0;
	if (!r)
		r = pin(type1->emu, dma);
	if (r) {
		emu_type1_untrack(dma);
		free(dma);
		return r;
	}
	at = emu_type1_search(type1, dma->start);
	memmove(type1->dmas + at + 1, type1->dmas + at,
		(type1->nr_dmas - at) * sizeof(*type1->dmas));
	type1->dmas[at] = dma;
	type1->nr_dmas++;
	type1->entries_left--;
	type1->emu->counts.mappings++;
	return 0;
}

static void remove_dma(struct emu_type1 *type1, size_t at)
{
	struct emu_dma *dma = type1->dmas[at];

	type1->emu->counts.pinned_pages -= dma->pinned;
	type1->nr_va_invalid -= dma->va_invalid;
	emu_type1_untrack(dma);
	free(dma);
	type1->nr_dmas--;
	type1->entries_left++;
	type1->emu->counts.mappings--;
	memmove(type1->dmas + at, type1->dmas + at + 1,
		(type1->nr_dmas - at) * sizeof(*type1->dmas));
}

void emu_type1_unmap_all(struct emu_type1 *type1)
{
	while (type1->nr_dmas)
		remove_dma(type1, type1->nr_dmas - 1);
}

/*
 * Devices went on with the memory; the user says where it is seen now. Here they
 * reach it through that address, so until then the old one must still be there.
 */
static int update_va(struct emu_type1 *type1, const struct emu_dma *in)
{
	struct emu_dma *dma = find(type1, in->start, in->last);

	if (!dma)
		return -ENOENT;
	if (!dma->va_invalid || dma->start != in->start || dma->last != in->last)
		return -EINVAL;
	dma->va = in->va;
	dma->va_invalid = false;
	type1->nr_va_invalid--;
	return 0;
}

static bool in_window(const struct emu_type1 *type1, uint64_t start, uint64_t last)
{
	for (size_t i = 0; i < type1->nr_windows; i++)
		if (start >= type1->windows[i].start && last <= type1->windows[i].last)
			return true;
	return false;
}

int emu_type1_map(struct emu_type1 *type1, uint64_t arg)
{
	uint32_t known = ACCESS_FLAGS;
	struct k_vfio_iommu_type1_dma_map in;
	struct emu_dma dma = { 0 };
	uint64_t va_last;
	int r = emu_user_read(&in, arg, sizeof(in));

	if (r)
		return r;
	if (emu_has(type1->emu, EMU_FEATURE_UPDATE_VADDR))
		known |= K_VFIO_DMA_MAP_FLAG_VADDR;
	if (in.argsz < sizeof(in) || (in.flags & ~known) || !in.size)
		return -EINVAL;
	dma.start = in.iova;
	dma.va = in.vaddr;
	dma.access = in.flags & ACCESS_FLAGS;
	if (__builtin_add_overflow(in.iova, in.size - 1, &dma.last) ||
	    __builtin_add_overflow(in.vaddr, in.size - 1, &va_last))
		return emu_type1_overflow(type1->emu);
	if (!dma.access == !(in.flags & K_VFIO_DMA_MAP_FLAG_VADDR))
		return -EINVAL;
	if ((in.size | in.iova | in.vaddr) % EMU_PAGE)
		return -EINVAL;
	if (in.flags & K_VFIO_DMA_MAP_FLAG_VADDR)
		return update_va(type1, &dma);
	if (find(type1, dma.start, dma.last))
		return -EEXIST;
	if (!type1->entries_left)
		return -ENOSPC;
	if (!in_window(type1, dma.start, dma.last))
		return -EINVAL;
	return add(type1, &dma);
}

/* All of the range, or as it was. */
static int invalidate_va(struct emu_type1 *type1, uint64_t start, uint64_t last, uint64_t *size)
{
	size_t first = emu_type1_search(type1, start), i = first;

	for (; i < type1->nr_dmas && type1->dmas[i]->start <= last; i++) {
		struct emu_dma *dma = type1->dmas[i];

		if (!type1->v2 && start > dma->start)
			break;
		if (dma->va_invalid) {
			while (i-- > first) {
				type1->dmas[i]->va_invalid = false;
				type1->nr_va_invalid--;
			}
			return -EINVAL;
		}
		dma->va_invalid = true;
		type1->nr_va_invalid++;
		*size += dma->last - dma->start + 1;
	}
	return 0;
}

/* Version 2: the range may not cut a mapping, and that is seen before any goes. */
static bool cuts(const struct emu_type1 *type1, uint64_t start, uint64_t last)
{
	const struct emu_dma *first = find(type1, start, start), *end = find(type1, last, last);

	return (first && first->start != start) || (end && end->last != last);
}

static int remove_range(struct emu_type1 *type1, uint64_t start, uint64_t last,
			const struct k_vfio_bitmap *bitmap, uint64_t *size)
{
	for (;;) {
		size_t i = emu_type1_search(type1, start);
		struct emu_dma *dma = i < type1->nr_dmas ? type1->dmas[i] : NULL;

		if (!dma || dma->start > last)
			return 0;
		if (!type1->v2 && start > dma->start)
			return 0; /* version 1: nothing, if it begins inside a mapping */
		if (bitmap) {
			int r = emu_type1_report(dma, start, (uintptr_t)bitmap->data);

			if (r)
				return r;
		}
		*size += dma->last - dma->start + 1;
		remove_dma(type1, i);
	}
}

static int unmap(struct emu_type1 *type1, struct k_vfio_iommu_type1_dma_unmap *in,
		 const struct k_vfio_bitmap *bitmap)
{
	uint64_t last = UINT64_MAX, size = 0;
	int r;

	if (in->iova % EMU_PAGE)
		return -EINVAL;
	if (in->flags & K_VFIO_DMA_UNMAP_FLAG_ALL) {
		if (in->iova || in->size)
			return -EINVAL;
	} else {
		if (!in->size || in->size % EMU_PAGE)
			return -EINVAL;
		if (__builtin_add_overflow(in->iova, in->size - 1, &last))
			return emu_type1_overflow(type1->emu);
	}
	if (bitmap && (!type1->dirty_tracking || bitmap->pgsize != EMU_PAGE))
		return -EINVAL;
	if (type1->v2 && !(in->flags & K_VFIO_DMA_UNMAP_FLAG_ALL) && cuts(type1, in->iova, last))
		return -EINVAL;
	if (in->flags & K_VFIO_DMA_UNMAP_FLAG_VADDR)
		r = invalidate_va(type1, in->iova, last, &size);
	else
		r = remove_range(type1, in->iova, last, bitmap, &size);
	in->size = size;
	return r;
}

int emu_type1_unmap(struct emu_type1 *type1, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_iommu_type1_dma_unmap, size);
	uint32_t others = 0;
	struct k_vfio_iommu_type1_dma_unmap in;
	struct k_vfio_bitmap bitmap;
	bool report;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (emu_has(type1->emu, EMU_FEATURE_UNMAP_ALL))
		others |= K_VFIO_DMA_UNMAP_FLAG_ALL;
	if (emu_has(type1->emu, EMU_FEATURE_UPDATE_VADDR))
		others |= K_VFIO_DMA_UNMAP_FLAG_VADDR;
	report = in.flags & K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	if (in.argsz < min ||
	    (in.flags & ~(others | (uint32_t)K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)))
		return -EINVAL;
	if (report) {
		if ((in.flags & others) || in.argsz < min + sizeof(bitmap))
			return -EINVAL;
		r = emu_user_read(&bitmap, arg + min, sizeof(bitmap));
		if (!r)
			r = emu_type1_check_bitmap(&bitmap, in.size);
		if (r)
			return r;
	}
	r = unmap(type1, &in, report ? &bitmap : NULL);
	return r ? r : emu_user_write(arg, &in, min);
}

bool emu_type1_access(const struct emu_type1 *type1, uint64_t iova, void *buf, size_t n,
		      bool to_memory)
{
	const uint32_t need = to_memory ? K_VFIO_DMA_MAP_FLAG_WRITE : K_VFIO_DMA_MAP_FLAG_READ;
	const struct emu_dma *dma = find(type1, iova, iova);
	uint64_t va;

	if (!dma || n - 1 > dma->last - iova || !(dma->access & need))
		return false;
	va = dma->va + (iova - dma->start);
	return !(to_memory ? emu_user_write(va, buf, n) : emu_user_read(buf, va, n));
}
