/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices that have PASIDs, hardware that reserves addresses, and siblings: no mock device has all
 * three. The kernel attaches PASIDs of devices that have none, so it need only be believed that
 * they have some.
 */
#include "odd.h"

#define MSI UINT64_C(0xfee00000)

static uint8_t width;

static int tell_width(int fd, unsigned long request, void *arg, int rc)
{
	(void)fd;
	if (request == K_IOMMU_GET_HW_INFO && !rc)
		((struct k_iommu_hw_info *)arg)->out_max_pasid_log2 = width;
	return rc;
}

static int setup(void **state)
{
	int r = odd_setup(state);
	struct setting *s = *state;

	width = 20;
	bend = tell_width;
	return r || iommufd_device_open(s->ctx, "0000:00:03.0", NULL, &s->dev);
}

#define PASID_CASE(f) cmocka_unit_test_setup_teardown(f, setup, odd_teardown)

static struct iommufd_pasid *new_pasid(struct iommufd_device *dev, uint32_t number)
{
	struct iommufd_pasid_opts opts = { .size = sizeof(opts), .number = number };
	struct iommufd_pasid *pasid;

	assert_int_equal(iommufd_pasid_new(dev, &opts, &pasid), 0);
	return pasid;
}

static struct iommufd_ioas *new_ioas(struct setting *s)
{
	struct iommufd_ioas *ioas;

	assert_int_equal(iommufd_ioas_new(s->ctx, NULL, &ioas), 0);
	return ioas;
}

static int map(struct setting *s, struct iommufd_ioas *ioas, uint64_t iova)
{
	return iommufd_ioas_map(ioas, s->data, PAGE, FIXED_RW, &iova, NULL);
}

static struct iommufd_ioas *ioas_of(struct iommufd_pasid *pasid)
{
	struct iommufd_ioas *ioas;

	assert_int_equal(iommufd_pasid_get_ioas(pasid, &ioas), 0);
	iommufd_ioas_unref(ioas);
	return ioas;
}

static void a_mapping_where_the_hardware_reserves_eaddrinuse(void **state)
{
	struct setting *s = *state;
	struct iommufd_pasid *pasid = new_pasid(s->dev, 5);

	assert_int_equal(map(s, s->ioas, MSI + PAGE), 0);
	assert_error(iommufd_pasid_attach(pasid, s->ioas), -EADDRINUSE);
	assert_non_null(strstr(iommufd_error_last()->message, "0xfee01000..0xfee01fff"));
	assert_non_null(strstr(iommufd_error_last()->message, "0xfee00000..0xfeefffff"));
	assert_null(ioas_of(pasid));
	assert_int_equal(iommufd_ioas_unmap(s->ioas, MSI + PAGE, PAGE, NULL), 0);
	assert_int_equal(iommufd_pasid_attach(pasid, s->ioas), 0);
	iommufd_pasid_unref(pasid);
}

static void nothing_is_mapped_there_while_pasids_are_attached(void **state)
{
	struct setting *s = *state;
	struct iommufd_pasid *one = new_pasid(s->dev, 1), *two = new_pasid(s->dev, 2);
	struct iommufd_map_opts opts = { .size = sizeof(opts), .min = MSI, .last = MSI + 0xfffff };
	struct iommufd_range range[8];
	uint64_t iova;
	size_t count = 8;

	assert_int_equal(iommufd_pasid_attach(one, s->ioas), 0);
	assert_int_equal(iommufd_pasid_attach(two, s->ioas), 0);
	assert_int_equal(iommufd_ioas_get_ranges(s->ioas, range, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(range[0].last, MSI - 1);
	assert_int_equal(range[1].start, MSI + 0x100000);
	assert_error(map(s, s->ioas, MSI), -EADDRNOTAVAIL);
	assert_int_equal(iommufd_pasid_detach(two), 0);
	assert_error(map(s, s->ioas, MSI + 0xff000), -EADDRNOTAVAIL);
	assert_error(iommufd_ioas_map(s->ioas, s->data, PAGE, MAP_RW, &iova, &opts), -ENOSPC);
	assert_int_equal(map(s, s->ioas, MSI - PAGE), 0);
	assert_int_equal(map(s, s->ioas, MSI + 0x100000), 0);
	assert_int_equal(iommufd_pasid_detach(one), 0);
	assert_int_equal(map(s, s->ioas, MSI), 0);
	iommufd_pasid_unref(two);
	iommufd_pasid_unref(one);
}

static void a_protected_range_there_eaddrinuse(void **state)
{
	struct setting *s = *state;
	struct iommufd_range allow[] = { { 0x10000, 0x1ffff }, { MSI - PAGE, MSI + PAGE - 1 } };
	struct iommufd_pasid *pasid = new_pasid(s->dev, 1);

	assert_int_equal(iommufd_ioas_allow(s->ioas, allow, 2), 0);
	assert_error(iommufd_pasid_attach(pasid, s->ioas), -EADDRINUSE);
	assert_non_null(strstr(iommufd_error_last()->message, "protected"));
	assert_int_equal(iommufd_ioas_allow(s->ioas, allow, 1), 0);
	assert_int_equal(iommufd_pasid_attach(pasid, s->ioas), 0);
	assert_error(iommufd_ioas_allow(s->ioas, allow, 2), -EADDRNOTAVAIL);
	iommufd_pasid_unref(pasid);
}

static void a_move_to_where_the_hardware_reserves_leaves_the_pasid(void **state)
{
	struct setting *s = *state;
	struct iommufd_pasid *pasid = new_pasid(s->dev, 1);
	struct iommufd_ioas *other = new_ioas(s);

	assert_int_equal(map(s, other, MSI), 0);
	assert_int_equal(iommufd_pasid_attach(pasid, s->ioas), 0);
	assert_error(iommufd_pasid_replace(pasid, other), -EADDRINUSE);
	assert_ptr_equal(ioas_of(pasid), s->ioas);
	assert_error(map(s, s->ioas, MSI), -EADDRNOTAVAIL);
	assert_int_equal(iommufd_ioas_unmap(other, MSI, PAGE, NULL), 0);
	assert_int_equal(iommufd_pasid_replace(pasid, other), 0);
	assert_int_equal(map(s, s->ioas, MSI), 0);
	assert_error(map(s, other, MSI), -EADDRNOTAVAIL);
	iommufd_pasid_unref(pasid);
	iommufd_ioas_unref(other);
}

static ssize_t no_file(void *data, const char *path, char *buf, size_t size)
{
	(void)data, (void)path, (void)buf, (void)size;
	return -EACCES;
}

static void what_is_reserved_cannot_be_read_eio(void **state)
{
	struct setting *s = *state;
	struct iommufd_pasid *pasid = new_pasid(s->dev, 1);

	s->sys.read_file = no_file;
	assert_error(iommufd_pasid_attach(pasid, s->ioas), -EIO);
	assert_null(ioas_of(pasid));
	iommufd_pasid_unref(pasid);
}

static void a_width_that_cannot_be_is_not_believed(void **state)
{
	struct setting *s = *state;
	struct iommufd_pasid_opts opts = { .size = sizeof(opts), .number = 1 << 20 };
	struct iommufd_pasid *pasid;

	width = 255;
	assert_error(iommufd_pasid_new(s->dev, &opts, &pasid), -ERANGE);
}

static void in_a_group_a_number_leads_to_one_table(void **state)
{
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_HWPT_PASID,
	};
	struct setting *s = *state;
	struct iommufd_device *dev[2];
	struct iommufd_pasid *one, *two;
	struct iommufd_ioas *other = new_ioas(s);
	struct iommufd_hwpt *hwpt;

	assert_int_equal(iommufd_device_open(s->ctx, "0000:01:01.0", NULL, &dev[0]), 0);
	assert_int_equal(iommufd_device_open(s->ctx, "0000:01:02.0", NULL, &dev[1]), 0);
	one = new_pasid(dev[0], 7);
	two = new_pasid(dev[1], 7);
	assert_int_equal(iommufd_hwpt_new(dev[0], s->ioas, &opts, &hwpt), 0);
	assert_int_equal(iommufd_pasid_attach_hwpt(one, hwpt), 0);
	assert_error(iommufd_pasid_attach(two, other), -EBUSY);
	assert_non_null(strstr(iommufd_error_last()->message, "pasid 7 of 0000:01:01.0"));
	assert_int_equal(iommufd_pasid_attach_hwpt(two, hwpt), 0);
	assert_error(iommufd_pasid_replace(two, other), -EBUSY);
	iommufd_pasid_unref(one);
	iommufd_pasid_unref(two);
	iommufd_hwpt_unref(hwpt);
	iommufd_device_unref(dev[1]);
	iommufd_device_unref(dev[0]);
	iommufd_ioas_unref(other);
}

static void a_whole_group_moves_to_a_table_that_takes_pasids(void **state)
{
	struct setting *s = *state;
	struct iommufd_device *dev[2];
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *other = new_ioas(s), *ioas;

	assert_int_equal(iommufd_device_open(s->ctx, "0000:01:01.0", NULL, &dev[0]), 0);
	assert_int_equal(iommufd_device_open(s->ctx, "0000:01:02.0", NULL, &dev[1]), 0);
	assert_int_equal(iommufd_device_attach(dev[1], s->ioas), 0);
	pasid = new_pasid(dev[0], 7);
	assert_int_equal(iommufd_pasid_attach(pasid, other), 0);
	assert_int_equal(iommufd_device_attach(dev[0], s->ioas), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(iommufd_device_get_ioas(dev[i], &ioas), 0);
		assert_ptr_equal(ioas, s->ioas);
		iommufd_ioas_unref(ioas);
		assert_int_equal(iommufd_device_detach(dev[i]), 0);
	}
	assert_int_equal(iommufd_device_attach(dev[1], s->ioas), 0);
	assert_int_equal(iommufd_device_attach(dev[0], s->ioas), 0);
	iommufd_pasid_unref(pasid);
	assert_int_equal(iommufd_device_replace(dev[0], other), 0);
	pasid = new_pasid(dev[1], 7);
	assert_int_equal(iommufd_pasid_attach(pasid, s->ioas), 0);
	assert_int_equal(iommufd_device_replace(dev[1], s->ioas), 0);
	iommufd_pasid_unref(pasid);
	iommufd_device_unref(dev[1]);
	iommufd_device_unref(dev[0]);
	iommufd_ioas_unref(other);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		PASID_CASE(a_mapping_where_the_hardware_reserves_eaddrinuse),
		PASID_CASE(nothing_is_mapped_there_while_pasids_are_attached),
		PASID_CASE(a_protected_range_there_eaddrinuse),
		PASID_CASE(a_move_to_where_the_hardware_reserves_leaves_the_pasid),
		PASID_CASE(what_is_reserved_cannot_be_read_eio),
		PASID_CASE(a_width_that_cannot_be_is_not_believed),
		PASID_CASE(in_a_group_a_number_leads_to_one_table),
		PASID_CASE(a_whole_group_moves_to_a_table_that_takes_pasids),
	};
	int failed = 0;

	while (next_pair())
		if (!strcmp(pair->name, "cdev+iommufd")) /* PASIDs are had there alone */
			failed += cmocka_run_group_tests_name(pair->name, cases, NULL, NULL);
	return failed;
}
