/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Address spaces: their life, the windows they report and the ones they must keep. */
#include "emu/iommu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/uapi.h"

struct emu_ioas *emu_ioas_new(struct emu_iommu *iommu)
{
	struct emu_ioas *ioas = calloc(1, sizeof(*ioas));

	if (!ioas)
		return NULL;
	ioas->iommu = iommu;
	ioas->alignment = 1; /* until a device has a say */
	if (emu_object_add(iommu, &ioas->object, EMU_OBJECT_IOAS)) {
		free(ioas);
		return NULL;
	}
	iommu->emu->counts.ioas++;
	return ioas;
}

void emu_ioas_destroy(struct emu_ioas *ioas)
{
	struct emu_iommu *iommu = ioas->iommu;
	uint64_t removed;

	if (iommu->vfio_ioas == ioas)
		iommu->vfio_ioas = NULL;
	emu_ioas_unmap_all(ioas, &removed);
	emu_iova_unreserve(ioas, NULL);
	emu_object_remove(iommu, &ioas->object);
	iommu->emu->counts.ioas--;
	free(ioas->areas);
	free(ioas->allowed);
	free(ioas);
}

struct emu_ioas *emu_ioas_get(struct emu_iommu *iommu, uint32_t id)
{
	return emu_object_get(iommu, id, EMU_OBJECT_IOAS);
}

size_t emu_ioas_search(const struct emu_ioas *ioas, uint64_t iova)
{
	size_t low = 0, high = ioas->nr_areas;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ioas->areas[mid]->last < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int emu_cmd_ioas_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_ioas_alloc *arg = cmd->arg;
	struct emu_ioas *ioas;
	int r;

	if (arg->flags)
		return -EOPNOTSUPP;
	ioas = emu_ioas_new(cmd->iommu);
	if (!ioas)
		return -ENOMEM;
	arg->out_ioas_id = ioas->object.id;
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r)
		emu_ioas_destroy(ioas);
	return r;
}

/* Only what devices forbid is subtracted: neither mappings nor the allow list. */
int emu_cmd_ioas_ranges(struct emu_cmd *cmd)
{
	struct k_iommu_ioas_iova_ranges *arg = cmd->arg;
	uint32_t room = arg->num_iovas;
	struct emu_range hole = { 0 };
	struct emu_ioas *ioas;
	uint64_t from = 0;
	int r;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	ioas = emu_ioas_get(cmd->iommu, arg->ioas_id);
	if (!ioas)
		return -ENOENT;
	arg->num_iovas = 0;
	arg->out_iova_alignment = ioas->alignment;
	while (emu_iova_next_hole(ioas, false, from, UINT64_MAX, &hole)) {
		struct k_iommu_iova_range out = { .start = hole.start, .last = hole.last };

		if (arg->num_iovas < room) {
			r = emu_user_write(arg->allowed_iovas + arg->num_iovas * sizeof(out), &out,
					   sizeof(out));
			if (r)
				return r;
		}
		arg->num_iovas++;
		if (hole.last == UINT64_MAX)
			break;
		from = hole.last + 1;
	}
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r)
		return r;
	return arg->num_iovas > room ? -EMSGSIZE : 0;
}

static int load_allowed(const struct k_iommu_ioas_allow_iovas *arg, struct emu_range **out,
			size_t *nr)
{
	struct emu_range *list = NULL;
	size_t n = 0;
	int r;

	for (; n < arg->num_iovas; n++) {
		struct k_iommu_iova_range in;
		struct emu_range *grown;
		size_t at = n;

		r = emu_user_read(&in, arg->allowed_iovas + n * sizeof(in), sizeof(in));
		if (r)
			goto fail;
		r = -EINVAL;
		if (in.start >= in.last)
			goto fail;
		for (size_t i = 0; i < n; i++)
			if (in.start <= list[i].last && list[i].start <= in.last)
				goto fail;
		r = -ENOMEM;
		grown = realloc(list, (n + 1) * sizeof(*list));
		if (!grown)
			goto fail;
		list = grown;
		for (; at && list[at - 1].start > in.start; at--)
			list[at] = list[at - 1];
		list[at] = (struct emu_range){ in.start, in.last };
	}
	*out = list;
	*nr = n;
	return 0;
fail:
	free(list);
	return r;
}

int emu_cmd_ioas_allow(struct emu_cmd *cmd)
{
	const struct k_iommu_ioas_allow_iovas *arg = cmd->arg;
	struct emu_range *list = NULL;
	struct emu_ioas *ioas;
	size_t nr = 0;
	int r;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	ioas = emu_ioas_get(cmd->iommu, arg->ioas_id);
	if (!ioas)
		return -ENOENT;
	r = load_allowed(arg, &list, &nr);
	if (r)
		return r;
	for (size_t i = 0; i < nr; i++)
		if (emu_iova_reserved(ioas, list[i].start, list[i].last)) {
			free(list);
			return -EADDRINUSE;
		}
	free(ioas->allowed);
	ioas->allowed = list;
	ioas->nr_allowed = nr;
	return 0;
}

struct emu_ioas *emu_ioas_compat(struct emu_iommu *iommu)
{
	if (!iommu->vfio_ioas)
		iommu->vfio_ioas = emu_ioas_new(iommu);
	return iommu->vfio_ioas;
}

int emu_cmd_vfio_ioas(struct emu_cmd *cmd)
{
	struct k_iommu_vfio_ioas *arg = cmd->arg;
	struct emu_iommu *iommu = cmd->iommu;
	struct emu_ioas *ioas;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	switch (arg->op) {
	case K_IOMMU_VFIO_IOAS_GET:
		if (!iommu->vfio_ioas)
			return -ENODEV;
		arg->ioas_id = iommu->vfio_ioas->object.id;
		return emu_cmd_respond(cmd, sizeof(*arg));
	case K_IOMMU_VFIO_IOAS_SET:
		ioas = emu_ioas_get(iommu, arg->ioas_id);
		if (!ioas)
			return -ENOENT;
		iommu->vfio_ioas = ioas;
		return 0;
	case K_IOMMU_VFIO_IOAS_CLEAR:
		iommu->vfio_ioas = NULL;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
