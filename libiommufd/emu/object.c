/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The objects of one /dev/iommu context, by id. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/viommu.h"
#include "os/uapi.h"

int emu_object_add(struct emu_iommu *iommu, struct emu_object *object, enum emu_object_type type)
{
	uint32_t at = 0;

	while (at < iommu->room && iommu->objects[at])
		at++;
	if (at == iommu->room) {
		uint32_t room = at ? at * 2 : 8;
		struct emu_object **objects = realloc(iommu->objects, room * sizeof(*objects));

		if (!objects)
			return -ENOMEM;
		memset(objects + at, 0, (room - at) * sizeof(*objects));
		iommu->objects = objects;
		iommu->room = room;
	}
	iommu->objects[at] = object;
	iommu->nr_objects++;
	iommu->emu->counts.objects++;
	object->id = at + 1;
	object->type = type;
	object->users = 1;
	return 0;
}

void emu_object_remove(struct emu_iommu *iommu, struct emu_object *object)
{
	iommu->objects[object->id - 1] = NULL;
	iommu->nr_objects--;
	iommu->emu->counts.objects--;
}

void emu_object_bury(struct emu_iommu *iommu, struct emu_object *object)
{
	emu_object_remove(iommu, object);
	iommu->objects[object->id - 1] = &iommu->grave;
	iommu->nr_buried++;
}

void *emu_object_get(struct emu_iommu *iommu, uint32_t id, enum emu_object_type type)
{
	struct emu_object *object = id && id <= iommu->room ? iommu->objects[id - 1] : NULL;

	if (!object || object == &iommu->grave)
		return NULL;
	return type == EMU_OBJECT_ANY || object->type == type ? object : NULL;
}

/* Neither devices nor accesses are destroyed here: others hold them, and destroy them. */
static void destroy(struct emu_object *object)
{
	switch (object->type) {
	case EMU_OBJECT_IOAS:
		emu_ioas_destroy((struct emu_ioas *)object);
		break;
	case EMU_OBJECT_HWPT:
	case EMU_OBJECT_NESTED:
		emu_hwpt_destroy((struct emu_hwpt *)object);
		break;
	case EMU_OBJECT_FAULT:
		emu_fault_destroy((struct emu_fault *)object);
		break;
	case EMU_OBJECT_VIOMMU:
		emu_viommu_destroy((struct emu_viommu *)object);
		break;
	case EMU_OBJECT_VDEVICE:
		emu_vdevice_destroy((struct emu_vdevice *)object);
		break;
	case EMU_OBJECT_VEVENTQ:
		emu_veventq_destroy((struct emu_veventq *)object);
		break;
	case EMU_OBJECT_HW_QUEUE:
		emu_hw_queue_destroy((struct emu_hw_queue *)object);
		break;
	case EMU_OBJECT_MOCK:
		emu_mock_destroy((struct emu_mock *)object);
		break;
	case EMU_OBJECT_ANY:
	case EMU_OBJECT_DEVICE:
	case EMU_OBJECT_ACCESS:
		break;
	}
}

int emu_cmd_destroy(struct emu_cmd *cmd)
{
	const struct k_iommu_destroy *arg = cmd->arg;
	struct emu_object *object = emu_object_get(cmd->iommu, arg->id, EMU_OBJECT_ANY);

	if (!object)
		return -ENOENT;
	if (object->users > 1)
		return -EBUSY;
	destroy(object);
	return 0;
}

void emu_object_destroy_all(struct emu_iommu *iommu)
{
	/* page tables hold address spaces, so one pass may not be enough */
	while (iommu->nr_objects)
		for (uint32_t i = 0; i < iommu->room; i++)
			if (iommu->objects[i] && iommu->objects[i]->users == 1)
				destroy(iommu->objects[i]);
}
