/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Virtual devices: by the guest's numbers, and gone before their device. */
#include "guest.h"

#define refuse(viommu, dev, id, code) do { \
	struct iommufd_vdevice *none_ = (void *)1; \
	assert_error(iommufd_vdevice_new(viommu, dev, id, &none_), code); \
	assert_null(none_); \
} while (0)

static void a_device_is_found_by_the_guests_number(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *found = (void *)1;
	struct iommufd_vdevice *vdevice;
	struct guest g;

	assert_error(iommufd_vdevice_get_device(NULL, &found), -EINVAL);
	assert_error(iommufd_viommu_find_device(NULL, 9, &found), -EINVAL);
	assert_null(found);
	assert_null(iommufd_vdevice_ref(NULL));
	assert_null(iommufd_vdevice_unref(NULL));
	if (!get_guest(f, &g))
		return;
	vdevice = get_vdevice(f, g.viommu, g.dev, UINT64_C(0x123456789));
	assert_ok(iommufd_vdevice_get_device(vdevice, &found));
	assert_ptr_equal(found, g.dev);
	iommufd_device_unref(found);
	assert_ok(iommufd_viommu_find_device(g.viommu, UINT64_C(0x123456789), &found));
	assert_ptr_equal(found, g.dev);
	iommufd_device_unref(found);
	assert_error(iommufd_viommu_find_device(g.viommu, 9, &found), -ENOENT);
	assert_error(iommufd_viommu_find_device(g.viommu, 9, NULL), -EINVAL);
	assert_error(iommufd_vdevice_get_device(vdevice, NULL), -EINVAL);
	assert_ptr_equal(iommufd_vdevice_ref(vdevice), vdevice);
	assert_null(iommufd_vdevice_unref(vdevice));
	put_object(f, vdevice);
	assert_error(iommufd_viommu_find_device(g.viommu, UINT64_C(0x123456789), &found), -ENOENT);
	get_vdevice(f, g.viommu, g.dev, 1);
}

static void vdevice_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *real;
	struct guest g;

	if (!get_guest(f, &g))
		return;
	refuse(NULL, g.dev, 1, -EINVAL);
	refuse(g.viommu, NULL, 1, -EINVAL);
	assert_error(iommufd_vdevice_new(g.viommu, g.dev, 1, NULL), -EINVAL);
	real = get_device(f, ALONE1); /* behind another IOMMU */
	refuse(g.viommu, real, 1, -EINVAL);
}

static void a_device_and_a_number_are_used_once_eexist(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *other;
	struct iommufd_viommu *second;
	struct iommufd_vdevice *vdevice;
	struct guest g;

	if (!get_guest(f, &g))
		return;
	vdevice = get_vdevice(f, g.viommu, g.dev, 1);
	refuse(g.viommu, g.dev, 2, -EEXIST);
	assert_non_null(strstr(expected_record()->message, "vDEVICE"));
	assert_ok(iommufd_viommu_new(g.dev, g.parent, K_IOMMU_VIOMMU_TYPE_SELFTEST, NULL, &second));
	hold_viommu(f, second);
	refuse(second, g.dev, 1, -EEXIST);
	other = get_mock(f, 0);
	refuse(g.viommu, other, 1, -EEXIST);
	get_vdevice(f, g.viommu, other, 2);
	put_object(f, vdevice);
	get_vdevice(f, second, g.dev, 1);
}

static void a_device_is_closed_before_its_vdevice(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *found;
	struct iommufd_vdevice *vdevice;
	struct guest g;

	if (!get_guest(f, &g))
		return;
	vdevice = get_vdevice(f, g.viommu, g.dev, 1);
	assert_ok(iommufd_device_attach_hwpt(g.dev, get_on_viommu(f, &g)));
	put_device(f, g.dev);
	assert_error(iommufd_vdevice_get_device(vdevice, &found), -ENODEV);
	assert_error(iommufd_viommu_find_device(g.viommu, 1, &found), -ENOENT);
	get_vdevice(f, g.viommu, get_mock(f, 0), 1); /* its number is free */
}

static void attach_without_a_vdevice_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt *hwpt;
	struct guest g;

	if (!get_guest(f, &g))
		return;
	hwpt = get_on_viommu(f, &g);
	assert_error(iommufd_device_attach_hwpt(g.dev, hwpt), -ENOENT);
	get_vdevice(f, g.viommu, g.dev, 1);
	assert_ok(iommufd_device_attach_hwpt(g.dev, hwpt));
}

static const struct CMUnitTest cases[] = {
	CASE(a_device_is_found_by_the_guests_number),
	CASE(vdevice_bad_argument),
	CASE(a_device_and_a_number_are_used_once_eexist),
	CASE(a_device_is_closed_before_its_vdevice),
	CASE(attach_without_a_vdevice_enoent),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("vdevice", cases, NULL, NULL);
}
