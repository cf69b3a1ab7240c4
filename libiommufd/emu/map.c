/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping, copying and unmapping in an address space. */
#include "emu/iommu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/uapi.h"

#define KNOWN_FLAGS \
	(K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_WRITEABLE | K_IOMMU_IOAS_MAP_READABLE)
#define ACCESS_FLAGS (K_IOMMU_IOAS_MAP_WRITEABLE | K_IOMMU_IOAS_MAP_READABLE)

/* Part of a map request: consecutive parts get consecutive IOVAs. */
struct slice {
	struct emu_pages *pages;
	uint64_t offset;
	uint64_t length;
};

static int check_slice(const struct emu_ioas *ioas, const struct slice *slice, uint32_t flags)
{
	if ((flags & K_IOMMU_IOAS_MAP_WRITEABLE) && !slice->pages->writable)
		return -EPERM;
	return slice->offset % EMU_PAGE & (ioas->alignment - 1) ? -EINVAL : 0;
}

static int add_area(struct emu_ioas *ioas, const struct slice *slice, uint64_t iova, uint32_t flags)
{
	struct emu_area *area = malloc(sizeof(*area));
	int r;

	if (!area)
		return -ENOMEM;
	*area = (struct emu_area){
		.ioas = ioas,
		.start = iova,
		.last = iova + slice->length - 1,
		.flags = flags & ACCESS_FLAGS,
		.pages = slice->pages,
		.offset = slice->offset,
	};
	if (ioas->hwpts) {
		r = emu_area_pin(area);
		if (r) {
			free(area);
			return r;
		}
	}
	slice->pages->refs++;
	emu_ioas_insert(ioas, area);
	return 0;
}

/* All slices or none. */
static int map_slices(struct emu_ioas *ioas, const struct slice *slices, size_t nr, uint64_t length,
		      uint32_t flags, uint64_t *iova)
{
	uint64_t at;
	size_t done;
	int r = emu_ioas_make_room(ioas, nr);

	if (r)
		return r;
	if (!length || (length & (ioas->alignment - 1)))
		return -EINVAL;
	if (flags & K_IOMMU_IOAS_MAP_FIXED_IOVA)
		r = emu_iova_check(ioas, *iova, length);
	else
		r = emu_iova_pick(ioas, slices->pages->base + slices->offset, length, iova);
	for (size_t i = 0; !r && i < nr; i++)
		r = check_slice(ioas, &slices[i], flags);
	if (r)
		return r;
	at = *iova;
	for (done = 0; done < nr; done++) {
		r = add_area(ioas, &slices[done], at, flags);
		if (r)
			break;
		at += slices[done].length;
	}
	while (r && done--)
		emu_ioas_remove(ioas, emu_ioas_search(ioas, *iova));
	return r;
}

static int check_flags(uint32_t flags, uint64_t a, uint64_t b, uint64_t c)
{
	if (flags & ~(uint32_t)KNOWN_FLAGS)
		return -EOPNOTSUPP;
	if (a == UINT64_MAX || b == UINT64_MAX || c == UINT64_MAX)
		return -EOVERFLOW;
	return flags & ACCESS_FLAGS ? 0 : -EINVAL;
}

static int map_pages(struct emu_ioas *ioas, int fd, uint64_t start, uint64_t length, uint32_t flags,
		     uint64_t *iova)
{
	struct slice slice = { .offset = start % EMU_PAGE, .length = length };
	int r;

	if (!length || length > UINT64_MAX - EMU_PAGE)
		return -EINVAL;
	slice.pages = emu_pages_new(fd, start - slice.offset, flags & K_IOMMU_IOAS_MAP_WRITEABLE);
	if (!slice.pages)
		return -ENOMEM;
	r = map_slices(ioas, &slice, 1, length, flags, iova);
	emu_pages_put(slice.pages);
	return r;
}

int emu_ioas_map_memory(struct emu_ioas *ioas, uint64_t va, uint64_t length, uint32_t flags,
			uint64_t *iova)
{
	uint64_t end;

	if (__builtin_add_overflow(va, length, &end))
		return -EOVERFLOW;
	return map_pages(ioas, -1, va, length, flags, iova);
}

int emu_cmd_ioas_map(struct emu_cmd *cmd)
{
	struct k_iommu_ioas_map *arg = cmd->arg;
	uint64_t iova = arg->iova;
	struct emu_ioas *ioas;
	int r;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	r = check_flags(arg->flags, arg->iova, arg->length, 0);
	if (r)
		return r;
	ioas = emu_ioas_get(cmd->iommu, arg->ioas_id);
	if (!ioas)
		return -ENOENT;
	r = emu_ioas_map_memory(ioas, arg->user_va, arg->length, arg->flags, &iova);
	if (r)
		return r;
	arg->iova = iova;
	return emu_cmd_respond(cmd, sizeof(*arg));
}

int emu_cmd_ioas_map_file(struct emu_cmd *cmd)
{
	struct k_iommu_ioas_map_file *arg = cmd->arg;
	uint64_t iova = arg->iova, last;
	struct emu_ioas *ioas;
	int r = check_flags(arg->flags, arg->iova, arg->length, 0);

	if (r)
		return r;
	ioas = emu_ioas_get(cmd->iommu, arg->ioas_id);
	if (!ioas)
		return -ENOENT;
	if (!arg->length)
		return -EINVAL;
	if (__builtin_add_overflow(arg->start, arg->length - 1, &last))
		return -EOVERFLOW;
	if (arg->fd < 0 || fcntl(arg->fd, F_GETFD) < 0)
		return -EBADF;
	r = map_pages(ioas, arg->fd, arg->start, arg->length, arg->flags, &iova);
	if (r)
		return r;
	arg->iova = iova;
	return emu_cmd_respond(cmd, sizeof(*arg));
}

/* The slices behind a range without holes; each holds its pages. */
static int collect(const struct emu_ioas *ioas, uint64_t iova, uint64_t length, struct slice **out,
		   size_t *nr)
{
	uint64_t last, at = iova;
	size_t first, n = 0;
	struct slice *slices;

	if (!length)
		return -EINVAL;
	if (__builtin_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	first = emu_ioas_search(ioas, iova);
	for (size_t i = first;; i++, n++) {
		if (i == ioas->nr_areas || ioas->areas[i]->start > at)
			return -ENOENT;
		if (ioas->areas[i]->last >= last)
			break;
		at = ioas->areas[i]->last + 1;
	}
	n++;
	slices = calloc(n, sizeof(*slices));
	if (!slices)
		return -ENOMEM;
	at = iova;
	for (size_t i = 0; i < n; i++) {
		const struct emu_area *area = ioas->areas[first + i];
		uint64_t end = area->last < last ? area->last : last;

		area->pages->refs++;
		slices[i] = (struct slice){ area->pages, area->offset + (at - area->start),
					    end - at + 1 };
		at = end + 1;
	}
	*out = slices;
	*nr = n;
	return 0;
}

int emu_cmd_ioas_copy(struct emu_cmd *cmd)
{
	struct k_iommu_ioas_copy *arg = cmd->arg;
	struct emu_ioas *src, *dst;
	uint64_t iova = arg->dst_iova;
	struct slice *slices = NULL;
	size_t nr = 0;
	int r = check_flags(arg->flags, arg->length, arg->src_iova, arg->dst_iova);

	if (r)
		return r;
	src = emu_ioas_get(cmd->iommu, arg->src_ioas_id);
	if (!src)
		return -ENOENT;
	r = collect(src, arg->src_iova, arg->length, &slices, &nr);
	if (r)
		return r;
	dst = emu_ioas_get(cmd->iommu, arg->dst_ioas_id);
	r = dst ? map_slices(dst, slices, nr, arg->length, arg->flags, &iova) : -ENOENT;
	for (size_t i = 0; i < nr; i++)
		emu_pages_put(slices[i].pages);
	free(slices);
	if (r)
		return r;
	arg->dst_iova = iova;
	return emu_cmd_respond(cmd, sizeof(*arg));
}

int emu_cmd_ioas_unmap(struct emu_cmd *cmd)
{
	struct k_iommu_ioas_unmap *arg = cmd->arg;
	struct emu_ioas *ioas = emu_ioas_get(cmd->iommu, arg->ioas_id);
	uint64_t removed = 0;
	int r;

	if (!ioas)
		return -ENOENT;
	if (!arg->iova && arg->length == UINT64_MAX) {
		r = emu_ioas_unmap_all(ioas, &removed);
		if (r)
			return r;
	} else {
		if (arg->iova == UINT64_MAX || arg->length == UINT64_MAX)
			return -EOVERFLOW;
		r = emu_ioas_unmap(ioas, arg->iova, arg->length, &removed);
		if (r)
			return r;
		if (!removed)
			return -ENOENT;
	}
	arg->length = removed;
	return emu_cmd_respond(cmd, sizeof(*arg));
}

/* One process: nothing moves, but the kernel's refusals are the same. */
int emu_cmd_ioas_change_process(struct emu_cmd *cmd)
{
	const struct k_iommu_ioas_change_process *arg = cmd->arg;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	for (uint32_t id = 1; id <= cmd->iommu->room; id++) {
		const struct emu_ioas *ioas = emu_ioas_get(cmd->iommu, id);

		for (size_t i = 0; ioas && i < ioas->nr_areas; i++)
			if (ioas->areas[i]->pages->fd < 0)
				return -EINVAL;
	}
	return 0;
}

int emu_cmd_noiommu_get_pa(struct emu_cmd *cmd)
{
	struct k_iommu_ioas_noiommu_get_pa *arg = cmd->arg;
	const struct iommufd_emu *emu = cmd->iommu->emu;
	const struct emu_area *area;
	const struct emu_ioas *ioas;
	size_t i;

	if (!emu_has(emu, EMU_FEATURE_NOIOMMU_CDEV))
		return -EOPNOTSUPP;
	if (!emu_is_privileged(emu))
		return -EPERM;
	if (arg->flags || arg->__reserved)
		return -EOPNOTSUPP;
	if (!arg->length)
		return -EINVAL;
	if (arg->iova == UINT64_MAX)
		return -EOVERFLOW;
	ioas = emu_ioas_get(cmd->iommu, arg->ioas_id);
	if (!ioas)
		return -ENOENT;
	i = emu_ioas_search(ioas, arg->iova);
	if (i == ioas->nr_areas || ioas->areas[i]->start > arg->iova)
		return -ENOENT;
	area = ioas->areas[i];
	if (!emu_is_noiommu(emu) || !area->pinned)
		return -EOPNOTSUPP;
	arg->out_phys = emu_area_address(area, arg->iova);
	if (arg->length > area->last - arg->iova + 1)
		arg->length = area->last - arg->iova + 1;
	return emu_cmd_respond(cmd, sizeof(*arg));
}
