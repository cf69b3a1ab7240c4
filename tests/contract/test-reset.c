/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Resetting a function. */
#include "edu.h"

static void reset_without_a_way_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_ok(iommufd_device_get_info(dev, &info));
	assert_int_equal(info.flags & IOMMUFD_DEVICE_RESET, 0);
	assert_error(iommufd_device_reset(dev), -EOPNOTSUPP);
}

static void reset_keeps_attachment_and_mappings(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_device(f, MSIX);
	struct iommufd_ioas *ioas = get_ioas(f), *after;

	assert_ok(iommufd_device_get_info(dev, &info));
	assert_int_equal(info.flags & IOMMUFD_DEVICE_RESET, IOMMUFD_DEVICE_RESET);
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_device_reset(dev));
	assert_ok(iommufd_device_get_ioas(dev, &after));
	assert_ptr_equal(after, ioas);
	iommufd_ioas_unref(after);
	assert_int_equal(count_mappings(ioas), 1);
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, PAGE, NULL));
	assert_ok(iommufd_device_detach(dev));
}

static void reset_leaves_the_device_usable(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	uint32_t before, after;

	assert_ok(iommufd_pci_config_read(dev, 0, 4, &before));
	for (int i = 0; i < 2; i++) {
		assert_ok(iommufd_device_reset(dev));
		assert_ok(iommufd_pci_config_read(dev, 0, 4, &after));
		assert_int_equal(after, before);
	}
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
}

static const struct CMUnitTest cases[] = {
	CASE(reset_without_a_way_eopnotsupp),
	CASE(reset_keeps_attachment_and_mappings),
	CASE(reset_leaves_the_device_usable),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("reset", cases, NULL, NULL);
}
