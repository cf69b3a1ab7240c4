/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "guest.h"

static void release_viommu(void *viommu)
{
	iommufd_viommu_unref(viommu);
}

struct iommufd_viommu *hold_viommu(struct fixture *f, struct iommufd_viommu *viommu)
{
	hold_object(f, viommu, release_viommu);
	return viommu;
}

bool get_parent(struct fixture *f, struct guest *g)
{
	struct iommufd_viommu *none = (void *)1;
	struct iommufd_device *real;

	*g = (struct guest){ .dev = get_mock_as(f, 0, COOKIE) };
	if (!g->dev) {
		assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_VIOMMU), 0);
		assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_VEVENTQ), 0);
		assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_HW_QUEUE), 0);
		real = get_device(f, ALONE1);
		assert_error(iommufd_viommu_new(real, NULL, 1, NULL, &none), -EOPNOTSUPP);
		assert_null(none);
		return false;
	}
	g->ioas = get_ioas(f);
	g->parent = get_hwpt(f, g->dev, g->ioas, IOMMUFD_HWPT_NEST_PARENT);
	return true;
}

bool get_guest(struct fixture *f, struct guest *g)
{
	struct iommufd_viommu_opts opts = {
		.size = sizeof(opts), .data = &g->data, .data_length = sizeof(g->data),
	};

	if (!get_parent(f, g))
		return false;
	g->data.in_data = 0x1234;
	assert_ok(iommufd_viommu_new(g->dev, g->parent, K_IOMMU_VIOMMU_TYPE_SELFTEST, &opts,
				     &g->viommu));
	hold_viommu(f, g->viommu);
	return true;
}

static void release_vdevice(void *vdevice)
{
	iommufd_vdevice_unref(vdevice);
}

struct iommufd_vdevice *get_vdevice(struct fixture *f, struct iommufd_viommu *viommu,
				    struct iommufd_device *dev, uint64_t virtual_id)
{
	struct iommufd_vdevice *vdevice;

	assert_ok(iommufd_vdevice_new(viommu, dev, virtual_id, &vdevice));
	hold_object(f, vdevice, release_vdevice);
	return vdevice;
}

static void release_hw_queue(void *queue)
{
	iommufd_hw_queue_unref(queue);
}

struct iommufd_hw_queue *hold_hw_queue(struct fixture *f, struct iommufd_hw_queue *queue)
{
	hold_object(f, queue, release_hw_queue);
	return queue;
}

struct iommufd_hwpt *get_on_viommu(struct fixture *f, struct guest *g)
{
	struct k_iommu_hwpt_selftest data = { .iotlb = 1 };
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
		.data_type = K_IOMMU_HWPT_DATA_SELFTEST,
	};
	struct iommufd_hwpt *hwpt;

	assert_ok(iommufd_hwpt_new_on_viommu(g->dev, g->viommu, &opts, &hwpt));
	return hold_hwpt(f, hwpt);
}
