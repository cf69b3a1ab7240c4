/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* IOMMU_OPTION. */
#include "emu/iommu.h"

#include <errno.h>

#include "os/uapi.h"

static int rlimit_mode(struct emu_iommu *iommu, struct k_iommu_option *arg)
{
	if (arg->object_id)
		return -EOPNOTSUPP;
	if (arg->op == K_IOMMU_OPTION_OP_GET) {
		arg->val64 = iommu->charge_process;
		return 0;
	}
	if (arg->op != K_IOMMU_OPTION_OP_SET)
		return -EOPNOTSUPP;
	if (!emu_is_privileged(iommu->emu))
		return -EPERM;
	if (iommu->nr_objects || iommu->nr_buried)
		return -EBUSY;
	if (arg->val64 > 1)
		return -EINVAL;
	iommu->charge_process = arg->val64;
	return 0;
}

int emu_ioas_forbid_huge_pages(struct emu_ioas *ioas)
{
	if (ioas->no_huge_pages)
		return 0;
	if (ioas->hwpts && ioas->nr_areas)
		return -EINVAL;
	for (size_t i = 0; i < ioas->nr_areas; i++) {
		const struct emu_area *area = ioas->areas[i];

		if ((area->start | (area->last + 1) | area->offset) & (EMU_PAGE - 1))
			return -EADDRINUSE;
	}
	ioas->no_huge_pages = true;
	ioas->alignment = EMU_PAGE;
	return 0;
}

static int huge_pages(struct emu_iommu *iommu, struct k_iommu_option *arg)
{
	struct emu_ioas *ioas = emu_ioas_get(iommu, arg->object_id);

	if (!ioas)
		return -ENOENT;
	if (arg->op == K_IOMMU_OPTION_OP_GET) {
		arg->val64 = !ioas->no_huge_pages;
		return 0;
	}
	if (arg->op != K_IOMMU_OPTION_OP_SET)
		return -EOPNOTSUPP;
	if (arg->val64 > 1)
		return -EINVAL;
	if (!arg->val64)
		return emu_ioas_forbid_huge_pages(ioas);
	ioas->no_huge_pages = false;
	emu_ioas_align(ioas);
	return 0;
}

int emu_cmd_option(struct emu_cmd *cmd)
{
	struct k_iommu_option *arg = cmd->arg;
	int r;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	if (arg->option_id == K_IOMMU_OPTION_RLIMIT_MODE)
		r = rlimit_mode(cmd->iommu, arg);
	else if (arg->option_id == K_IOMMU_OPTION_HUGE_PAGES)
		r = huge_pages(cmd->iommu, arg);
	else
		r = -EOPNOTSUPP;
	if (r)
		return r;
	return emu_user_write(cmd->user + offsetof(struct k_iommu_option, val64), &arg->val64,
			      sizeof(arg->val64));
}
