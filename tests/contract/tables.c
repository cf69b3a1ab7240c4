/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "tables.h"

#include "os/mock.h"

static void release(void *object)
{
	iommufd_hwpt_unref(object);
}

struct iommufd_hwpt *hold_hwpt(struct fixture *f, struct iommufd_hwpt *hwpt)
{
	hold_object(f, hwpt, release);
	return hwpt;
}

struct iommufd_hwpt *get_hwpt(struct fixture *f, struct iommufd_device *dev,
			      struct iommufd_ioas *ioas, uint64_t flags)
{
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts), .flags = flags };
	struct iommufd_hwpt *hwpt;

	assert_ok(iommufd_hwpt_new(dev, ioas, &opts, &hwpt));
	return hold_hwpt(f, hwpt);
}

struct iommufd_hwpt *get_nested(struct fixture *f, struct iommufd_device *dev,
				struct iommufd_hwpt *parent, uint32_t iotlb)
{
	struct k_iommu_hwpt_selftest data = { .iotlb = iotlb };
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
		.data_type = K_IOMMU_HWPT_DATA_SELFTEST,
	};
	struct iommufd_hwpt *hwpt;

	assert_ok(iommufd_hwpt_new_nested(dev, parent, &opts, &hwpt));
	return hold_hwpt(f, hwpt);
}

static void release_pasid(void *object)
{
	iommufd_pasid_unref(object);
}

struct iommufd_pasid *hold_pasid(struct fixture *f, struct iommufd_pasid *pasid)
{
	hold_object(f, pasid, release_pasid);
	return pasid;
}

struct iommufd_pasid *get_pasid(struct fixture *f, struct iommufd_device *dev, uint32_t number)
{
	struct iommufd_pasid_opts opts = { .size = sizeof(opts), .number = number };
	struct iommufd_pasid *pasid;

	assert_ok(iommufd_pasid_new(dev, &opts, &pasid));
	return hold_pasid(f, pasid);
}

struct iommufd_pasid_info pasid_info(struct iommufd_pasid *pasid)
{
	struct iommufd_pasid_info info = { .size = sizeof(info) };

	assert_ok(iommufd_pasid_get_info(pasid, &info));
	return info;
}

uint32_t hwpt_id(struct iommufd_hwpt *hwpt)
{
	struct iommufd_hwpt_info info = { .size = sizeof(info) };

	assert_ok(iommufd_hwpt_get_info(hwpt, &info));
	return info.id;
}

uint32_t next_id(struct fixture *f)
{
	struct iommufd_ioas *ioas;
	uint32_t id;

	assert_ok(iommufd_ioas_new(f->ctx, NULL, &ioas));
	assert_ok(iommufd_ioas_get_id(ioas, &id));
	iommufd_ioas_unref(ioas);
	return id;
}

struct iommufd_hwpt *hwpt_of(struct iommufd_device *dev)
{
	struct iommufd_hwpt *hwpt;

	assert_ok(iommufd_device_get_hwpt(dev, &hwpt));
	iommufd_hwpt_unref(hwpt);
	return hwpt;
}

struct iommufd_ioas *ioas_of(struct iommufd_device *dev)
{
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_device_get_ioas(dev, &ioas));
	iommufd_ioas_unref(ioas);
	return ioas;
}
