/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* vDEVICEs: which of the guest's device numbers is which device. */
#include <errno.h>
#include <stdlib.h>

#include "emu/viommu.h"
#include "os/uapi.h"

struct emu_vdevice *emu_vdevice_find(const struct emu_viommu *viommu, const struct emu_mock *mock)
{
	struct emu_vdevice *vdevice = viommu->vdevices;

	while (vdevice && vdevice->mock != mock)
		vdevice = vdevice->next;
	return vdevice;
}

static bool is_taken(const struct emu_viommu *viommu, uint64_t virt_id)
{
	const struct emu_vdevice *vdevice = viommu->vdevices;

	while (vdevice && vdevice->virt_id != virt_id)
		vdevice = vdevice->next;
	return vdevice;
}

static int new_vdevice(struct emu_viommu *viommu, struct emu_mock *mock, uint64_t virt_id,
		       struct emu_vdevice **out)
{
	struct emu_vdevice *vdevice = calloc(1, sizeof(*vdevice));
	int r;

	if (!vdevice)
		return -ENOMEM;
	r = emu_object_add(viommu->iommu, &vdevice->object, EMU_OBJECT_VDEVICE);
	if (r) {
		free(vdevice);
		return r;
	}
	vdevice->viommu = viommu;
	vdevice->mock = mock;
	vdevice->virt_id = virt_id;
	vdevice->next = viommu->vdevices;
	viommu->vdevices = vdevice;
	viommu->object.users++;
	mock->vdevice = vdevice;
	*out = vdevice;
	return 0;
}

/* The device stays attached, and what it last heard of its number holds. */
static void unlink_vdevice(struct emu_vdevice *vdevice)
{
	struct emu_vdevice **at = &vdevice->viommu->vdevices;

	while (*at != vdevice)
		at = &(*at)->next;
	*at = vdevice->next;
	vdevice->viommu->object.users--;
	vdevice->mock->vdevice = NULL;
}

void emu_vdevice_destroy(struct emu_vdevice *vdevice)
{
	unlink_vdevice(vdevice);
	emu_object_remove(vdevice->viommu->iommu, &vdevice->object);
	free(vdevice);
}

void emu_vdevice_bury(struct emu_vdevice *vdevice)
{
	unlink_vdevice(vdevice);
	emu_object_bury(vdevice->viommu->iommu, &vdevice->object);
	free(vdevice);
}

int emu_cmd_vdevice_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_vdevice_alloc *arg = cmd->arg;
	struct emu_vdevice *vdevice;
	struct emu_viommu *viommu;
	struct emu_device *dev;
	int r;

	viommu = emu_object_get(cmd->iommu, arg->viommu_id, EMU_OBJECT_VIOMMU);
	dev = emu_device_get(cmd->iommu, arg->dev_id);
	if (!viommu || !dev)
		return -ENOENT;
	if (!dev->mock)
		return -EINVAL; /* it is behind another IOMMU */
	if (dev->mock->vdevice || is_taken(viommu, arg->virt_id))
		return -EEXIST;
	r = new_vdevice(viommu, dev->mock, arg->virt_id, &vdevice);
	if (r)
		return r;
	arg->out_vdevice_id = vdevice->object.id;
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r)
		emu_vdevice_destroy(vdevice);
	return r;
}
