/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Resetting a function, and a bus with all that is on it. */
#include "driver.h"
#include "edu.h"
#include "shape.h"

#define IOVA UINT64_C(0x10000)

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

/* -- hot resets */

static struct iommufd_reset_info reset_info(struct iommufd_device *dev, uint32_t index)
{
	struct iommufd_reset_info info = { .size = sizeof(info) };

	assert_ok(iommufd_device_get_reset_info(dev, index, &info));
	return info;
}

/* What is told of one of them; count is 0 if it is not among them. */
static struct iommufd_reset_info find_reset_info(struct iommufd_device *dev, const char *name)
{
	struct iommufd_reset_info info = reset_info(dev, 0);

	for (uint32_t i = 0, count = info.count; i < count; i++) {
		info = reset_info(dev, i);
		assert_int_equal(info.count, count);
		if (!strcmp(info.name, name))
			return info;
	}
	return (struct iommufd_reset_info){ .count = 0 };
}

/* The siblings are behind a bridge, with a device whose driver can be chosen; else false, shown. */
static bool get_bridge(struct fixture *f, struct iommufd_device **dev, const struct blocker **blocker)
{
	struct iommufd_reset_info info = { .size = sizeof(info) };

	*blocker = get_blocker(f);
	*dev = get_edu(f, SIBLING1);
	if (iommufd_device_get_reset_info(*dev, 0, &info) != -EOPNOTSUPP)
		return true;
	assert_error(iommufd_device_hot_reset(*dev), -EOPNOTSUPP);
	return false;
}

static void hot_reset_on_the_first_bus_eopnotsupp(void **state)
{
	static const enum place places[] = { ALONE1, MSIX };
	struct fixture *f = *state;
	struct iommufd_reset_info info = { .size = sizeof(info) };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct iommufd_device *dev = get_device(f, places[i]);

		assert_error(iommufd_device_get_reset_info(dev, 0, &info), -EOPNOTSUPP);
		assert_error(iommufd_device_hot_reset(dev), -EOPNOTSUPP);
	}
}

static void reset_info_tells_who_is_affected(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 77 };
	struct iommufd_device_info sibling = { .size = sizeof(sibling) };
	struct iommufd_reset_info info;
	const struct blocker *blocker;
	struct iommufd_device *dev, *other;

	if (!get_bridge(f, &dev, &blocker))
		return;
	info = find_reset_info(dev, device_name(f, SIBLING2));
	assert_int_equal(info.flags, IOMMUFD_RESET_OWNED); /* its group is ours */
	assert_int_equal(info.id, 0);
	assert_ok(iommufd_device_open(f->ctx, device_name(f, SIBLING2), &opts, &other));
	hold_device(f, other);
	assert_ok(iommufd_device_get_info(other, &sibling));
	info = find_reset_info(dev, device_name(f, SIBLING2));
	assert_int_equal(info.flags, IOMMUFD_RESET_OWNED | IOMMUFD_RESET_OPEN);
	assert_int_equal(info.cookie, 77);
	assert_int_equal(info.id, sibling.id);
	assert_int_equal(info.group, sibling.group);
	info = find_reset_info(other, device_name(f, SIBLING1));
	assert_int_equal(info.flags, IOMMUFD_RESET_OWNED | IOMMUFD_RESET_OPEN);
	assert_int_equal(info.cookie, 0);
	info = find_reset_info(dev, blocker->name);
	assert_int_equal(info.flags, 0);
	assert_true(info.count >= 3);
	assert_int_equal(find_reset_info(dev, device_name(f, ALONE1)).count, 0);
}

static void reset_info_past_the_last_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_reset_info info = { .size = sizeof(info) };
	const struct blocker *blocker;
	struct iommufd_device *dev;
	uint32_t count;

	if (!get_bridge(f, &dev, &blocker))
		return;
	count = reset_info(dev, 0).count;
	assert_error(iommufd_device_get_reset_info(dev, count, &info), -ENOENT);
	assert_error(iommufd_device_get_reset_info(dev, UINT32_MAX, &info), -ENOENT);
}

static void reset_info_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_reset_info info = { .size = sizeof(info) };
	const struct blocker *blocker;
	struct iommufd_device *dev;

	assert_error(iommufd_device_get_reset_info(NULL, 0, &info), -EINVAL);
	assert_error(iommufd_device_hot_reset(NULL), -EINVAL);
	if (!get_bridge(f, &dev, &blocker))
		return;
	assert_error(iommufd_device_get_reset_info(dev, 0, NULL), -EINVAL);
	info.size = 0;
	assert_error(iommufd_device_get_reset_info(dev, 0, &info), -EINVAL);
}

static void hot_reset_of_what_is_not_owned_eperm(void **state)
{
	struct fixture *f = *state;
	const struct blocker *blocker;
	struct iommufd_device *dev;

	if (!get_bridge(f, &dev, &blocker))
		return;
	assert_error(iommufd_device_hot_reset(dev), -EPERM);
	assert_non_null(strstr(expected_record()->message, blocker->name));
	assert_null(strstr(expected_record()->message, device_name(f, SIBLING2)));
}

/* A sibling that is not open is owned with its group, whichever way the group is had. */
static void hot_reset_of_what_is_owned(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *after;
	uint8_t *data = get_buffer(f, PAGE);
	const struct blocker *blocker;
	struct iommufd_device *dev;
	uint32_t before, now;

	if (!get_bridge(f, &dev, &blocker))
		return;
	assert_int_equal(set_driver(f, blocker->name, "vfio-pci"), 0);
	assert_int_equal(find_reset_info(dev, blocker->name).flags, IOMMUFD_RESET_OWNED);
	map_at(ioas, data, PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_pci_config_read(dev, 4, 2, &before));
	for (int i = 0; i < 2; i++) {
		assert_ok(iommufd_device_hot_reset(dev));
		assert_ok(iommufd_pci_config_read(dev, 4, 2, &now));
		assert_int_equal(now, before);
	}
	assert_ok(iommufd_device_get_ioas(dev, &after));
	assert_ptr_equal(after, ioas);
	iommufd_ioas_unref(after);
	assert_int_equal(count_mappings(ioas), 1);
	fill_pattern(data, 64, 3);
	edu_fetch(dev, IOVA, 64);
	memset(data, 0, 64);
	edu_store(dev, IOVA, 64);
	assert_true(is_pattern(data, 64, 3));
}

/* Without an IOMMU only VFIO makes groups: whom it does not have is in none. */
static void hot_reset_beside_a_device_in_no_group_eperm(void **state)
{
	static const char neighbour[] = "0000:01:02.0";
	struct fixture *f = *state;
	struct iommufd_reset_info info = { .size = sizeof(info) };
	struct iommufd_device *dev;

	if (contract_is_isolated())
		return;
	assert_int_equal(set_driver(f, neighbour, ""), 0);
	dev = get_device(f, SIBLING1);
	if (has_by_group(f))
		assert_error(iommufd_device_get_reset_info(dev, 0, &info), -EPERM);
	else
		assert_int_equal(find_reset_info(dev, neighbour).flags, 0);
	assert_error(iommufd_device_hot_reset(dev), -EPERM);
}

static void hot_reset_with_a_sibling_open(void **state)
{
	struct fixture *f = *state;
	const struct blocker *blocker;
	struct iommufd_device *dev, *other;

	if (!get_bridge(f, &dev, &blocker))
		return;
	assert_int_equal(set_driver(f, blocker->name, "vfio-pci"), 0);
	other = get_edu(f, SIBLING2);
	assert_ok(iommufd_device_hot_reset(dev));
	assert_ok(iommufd_device_hot_reset(other));
	assert_int_equal(edu_read(other, EDU_ID), 0x010000ed);
	edu_write(other, EDU_LIVENESS, 5);
	assert_int_equal(edu_read(other, EDU_LIVENESS), ~5u);
}

static const struct CMUnitTest cases[] = {
	CASE(reset_without_a_way_eopnotsupp),
	CASE(reset_keeps_attachment_and_mappings),
	CASE(reset_leaves_the_device_usable),
	CASE(hot_reset_on_the_first_bus_eopnotsupp),
	CASE(reset_info_tells_who_is_affected),
	CASE(reset_info_past_the_last_enoent),
	CASE(reset_info_bad_argument_einval),
	CASE(hot_reset_of_what_is_not_owned_eperm),
	DRIVER_CASE(hot_reset_of_what_is_owned),
	DRIVER_CASE(hot_reset_with_a_sibling_open),
	DRIVER_CASE(hot_reset_beside_a_device_in_no_group_eperm),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return run_on_backends("reset", cases, ARRAY_SIZE(cases));
}
