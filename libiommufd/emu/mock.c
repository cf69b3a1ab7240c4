/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "emu/mock.h"

#include <errno.h>
#include <stdlib.h>

#include "emu/attach.h"
#include "emu/viommu.h"
#include "os/mock.h"

static int add_objects(struct emu_mock *mock, struct emu_iommu *iommu)
{
	int r = emu_object_add(iommu, &mock->object, EMU_OBJECT_MOCK);

	if (r)
		return r;
	r = emu_object_add(iommu, &mock->dev.object, EMU_OBJECT_DEVICE);
	if (r)
		emu_object_remove(iommu, &mock->object);
	return r;
}

int emu_mock_new(struct emu_iommu *iommu, uint32_t flags, struct emu_mock **out)
{
	struct emu_mock *mock;
	int r;

	if (flags & ~(uint32_t)(K_MOCK_FLAGS_DEVICE_NO_DIRTY | K_MOCK_FLAGS_DEVICE_PASID))
		return -EINVAL;
	mock = calloc(1, sizeof(*mock));
	if (!mock)
		return -ENOMEM;
	r = add_objects(mock, iommu);
	if (r) {
		free(mock);
		return r;
	}
	mock->flags = flags;
	for (size_t i = 0; i < EMU_MOCK_CACHES; i++)
		mock->caches[i] = K_IOMMU_TEST_DEV_CACHE_DEFAULT;
	mock->group.emu = iommu->emu;
	mock->dev.emu = iommu->emu;
	mock->dev.group = &mock->group;
	mock->dev.iommu = iommu; /* which it does not outlive */
	mock->dev.mock = mock;
	mock->dev.object.users++; /* the driver's: user space cannot destroy it */
	iommu->emu->counts.bound++;
	*out = mock;
	return 0;
}

void emu_mock_destroy(struct emu_mock *mock)
{
	struct emu_iommu *iommu = mock->dev.iommu;

	emu_device_detach_all(&mock->dev);
	if (mock->vdevice)
		emu_vdevice_bury(mock->vdevice);
	emu_object_remove(iommu, &mock->dev.object);
	emu_object_remove(iommu, &mock->object);
	iommu->emu->counts.bound--;
	free(mock);
}

int emu_mock_attach(struct emu_mock *mock, struct emu_hwpt *hwpt)
{
	const struct emu_vdevice *vdevice = NULL;

	if (hwpt->can_track && (mock->flags & K_MOCK_FLAGS_DEVICE_NO_DIRTY))
		return -EINVAL;
	if (hwpt->viommu) {
		vdevice = emu_vdevice_find(hwpt->viommu, mock);
		if (!vdevice)
			return -ENOENT;
	}
	if (mock->viommu != hwpt->viommu)
		mock->virt_id = vdevice ? vdevice->virt_id : 0;
	mock->viommu = hwpt->viommu;
	return 0;
}

void emu_mock_detach(struct emu_mock *mock)
{
	mock->viommu = NULL;
}

int emu_mock_attach_pasid(struct emu_mock *mock, int pasid)
{
	unsigned int width = mock->flags & K_MOCK_FLAGS_DEVICE_PASID ? K_MOCK_PASID_WIDTH : 0;

	if ((uint32_t)pasid >> width)
		return -EINVAL;
	if (pasid != K_IOMMU_TEST_PASID_RESERVED)
		return 0;
	mock->refuse_reserved = !mock->refuse_reserved;
	return mock->refuse_reserved ? 0 : -ENOMEM;
}

void emu_mock_detach_pasid(struct emu_mock *mock, int pasid)
{
	if (pasid == K_IOMMU_TEST_PASID_RESERVED)
		mock->refuse_reserved = false;
}

int emu_mock_read(void *dst, size_t known, size_t min, uint64_t user, uint32_t length)
{
	if (length < min || length > known)
		return -EINVAL;
	return emu_user_struct(dst, known, user, length);
}
