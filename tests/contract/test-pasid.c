/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* PASIDs: which numbers are given, what devices without any say, and their life. */
#include "tables.h"

#include "os/uapi.h"

#define LAST ((UINT32_C(1) << MOCK_PASID_WIDTH) - 1)

static uint32_t number_of(struct iommufd_pasid *pasid)
{
	return pasid_info(pasid).number;
}

static int new_in(struct iommufd_device *dev, uint32_t min, uint32_t max,
		  struct iommufd_pasid **out)
{
	struct iommufd_pasid_opts opts = { .size = sizeof(opts), .min = min, .max = max };

	return iommufd_pasid_new(dev, &opts, out);
}

static int new_number(struct iommufd_device *dev, uint32_t number, struct iommufd_pasid **out)
{
	struct iommufd_pasid_opts opts = { .size = sizeof(opts), .number = number };

	return iommufd_pasid_new(dev, &opts, out);
}

static void the_lowest_free_number_is_given(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *one, *two, *in;

	if (!dev)
		return;
	assert_ok(iommufd_pasid_new(dev, NULL, &one));
	hold_pasid(f, one);
	assert_int_equal(number_of(one), 1);
	two = get_pasid(f, dev, 0);
	assert_int_equal(number_of(two), 2);
	put_object(f, one);
	assert_int_equal(number_of(get_pasid(f, dev, 0)), 1);
	assert_ok(new_in(dev, 100, 200, &in));
	hold_pasid(f, in);
	assert_int_equal(number_of(in), 100);
	assert_ok(new_in(dev, 2, 0, &in));
	hold_pasid(f, in);
	assert_int_equal(number_of(in), 3);
}

static void a_number_can_be_asked_for_and_is_given_once(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID), *other;
	struct iommufd_pasid *pasid, *none = (void *)1;

	if (!dev)
		return;
	pasid = get_pasid(f, dev, LAST);
	assert_int_equal(number_of(pasid), LAST);
	assert_error(new_number(dev, LAST, &none), -EEXIST);
	assert_null(none);
	other = get_mock(f, MOCK_PASID);
	assert_int_equal(number_of(get_pasid(f, other, LAST)), LAST);
	put_object(f, pasid);
	get_pasid(f, dev, LAST);
}

static void a_number_beyond_the_width_erange(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *none;

	if (!dev)
		return;
	assert_error(new_number(dev, LAST + 1, &none), -ERANGE);
	assert_error(new_number(dev, UINT32_MAX, &none), -ERANGE);
	assert_error(new_in(dev, LAST + 1, 0, &none), -ERANGE);
	assert_error(iommufd_device_reserve_pasids(dev, LAST, LAST + 1), -ERANGE);
	get_pasid(f, dev, LAST);
}

static void none_free_enospc(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *none;

	if (!dev)
		return;
	get_pasid(f, dev, 7);
	assert_error(new_in(dev, 7, 7, &none), -ENOSPC);
	assert_ok(iommufd_device_reserve_pasids(dev, 8, LAST));
	assert_error(new_in(dev, 7, UINT32_MAX, &none), -ENOSPC);
	assert_non_null(strstr(expected_record()->message, "1048575"));
	assert_ok(iommufd_device_reserve_pasids(dev, 1, 6));
	assert_error(iommufd_pasid_new(dev, NULL, &none), -ENOSPC);
}

static void reserved_numbers_are_not_given(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *none;

	if (!dev)
		return;
	assert_ok(iommufd_device_reserve_pasids(dev, 1, 1000));
	assert_error(new_number(dev, 500, &none), -EEXIST);
	assert_int_equal(number_of(get_pasid(f, dev, 0)), 1001);
	assert_error(iommufd_device_reserve_pasids(dev, 1000, 1000), -EEXIST);
	assert_error(iommufd_device_reserve_pasids(dev, 1001, 2000), -EEXIST);
	assert_ok(iommufd_device_reserve_pasids(dev, 1002, 2000));
	assert_error(iommufd_device_reserve_pasids(dev, 0, 0), -EINVAL);
	assert_error(iommufd_device_reserve_pasids(dev, 4000, 3000), -EINVAL);
	assert_error(iommufd_device_reserve_pasids(NULL, 1, 1), -EINVAL);
}

static void senseless_options(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid_opts opts = { .size = sizeof(opts), .number = 5, .min = 1 };
	struct { struct iommufd_pasid_opts known; uint64_t more; } later = {
		.known.size = sizeof(later), .more = 1,
	};
	struct iommufd_pasid *none = (void *)1;

	if (!dev)
		return;
	assert_error(iommufd_pasid_new(dev, &opts, &none), -EINVAL);
	assert_null(none);
	opts = (struct iommufd_pasid_opts){ .size = sizeof(opts), .min = 6, .max = 5 };
	assert_error(iommufd_pasid_new(dev, &opts, &none), -EINVAL);
	opts = (struct iommufd_pasid_opts){ .size = sizeof(opts), .flags = 1 };
	assert_error(iommufd_pasid_new(dev, &opts, &none), -EOPNOTSUPP);
	opts.size = 0;
	assert_error(iommufd_pasid_new(dev, &opts, &none), -EINVAL);
	assert_error(iommufd_pasid_new(dev, &later.known, &none), -E2BIG);
	assert_error(iommufd_pasid_new(dev, NULL, NULL), -EINVAL);
	assert_error(iommufd_pasid_new(NULL, NULL, &none), -EINVAL);
}

static void assert_no_pasids(struct iommufd_device *dev)
{
	struct iommufd_pasid *none = (void *)1;

	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_PASID), 0);
	assert_error(iommufd_pasid_new(dev, NULL, &none), -EOPNOTSUPP);
	assert_null(none);
	assert_error(iommufd_device_reserve_pasids(dev, 1, 1), -EOPNOTSUPP);
}

static void a_device_without_pasids_eopnotsupp(void **state)
{
	struct fixture *f = *state;

	assert_no_pasids(get_device(f, ALONE1));
	assert_no_pasids(get_device(f, SIBLING1));
}

static void a_mock_device_without_pasids_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0), *with;

	if (!dev)
		return;
	assert_no_pasids(dev);
	with = get_mock(f, MOCK_PASID);
	assert_int_equal(iommufd_device_has(with, IOMMUFD_CAP_PASID), 1);
}

static int attach_raw(struct iommufd_device *dev, uint32_t pasid, struct iommufd_hwpt *hwpt)
{
	struct k_vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = K_VFIO_DEVICE_ATTACH_PASID, .pasid = pasid,
		.pt_id = hwpt_id(hwpt),
	};

	return raw_ioctl(iommufd_device_get_fd(dev), K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);
}

static int detach_raw(struct iommufd_device *dev, uint32_t pasid)
{
	struct k_vfio_device_detach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = K_VFIO_DEVICE_DETACH_PASID, .pasid = pasid,
	};

	return raw_ioctl(iommufd_device_get_fd(dev), K_VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg);
}

/* A table with the flag on a device without PASIDs, where IOMMU and kernel make such; or NULL. */
static struct iommufd_hwpt *get_useless(struct fixture *f, struct iommufd_device *dev,
					struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_HWPT_PASID };
	struct iommufd_hwpt *hwpt;
	int r;

	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_PASID) != 1)
		return NULL;
	r = iommufd_hwpt_new(dev, ioas, &opts, &hwpt);
	assert_true(!r || r == -EOPNOTSUPP);
	return r ? NULL : hold_hwpt(f, hwpt);
}

static void the_kernel_attaches_a_pasid_that_does_not_exist(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_hwpt *hwpt = get_useless(f, dev, ioas);

	if (!hwpt)
		return;
	assert_int_equal(attach_raw(dev, 5, hwpt), 0);
	assert_int_equal(attach_raw(dev, LAST, hwpt), 0);
	assert_int_equal(detach_raw(dev, LAST), 0);
	assert_int_equal(detach_raw(dev, 5), 0);
	assert_int_equal(detach_raw(dev, 5), 0);
	assert_no_pasids(dev);
}

/* Of a device without PASIDs too: this is before its IOMMU is asked. */
static void the_kernel_attaches_a_pasid_to_what_the_hardware_reserves(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_hwpt *hwpt = get_useless(f, dev, ioas);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova;

	if (!hwpt)
		return;
	assert_ok(iommufd_device_attach(dev, ioas));
	iova = reserved_iova(ioas);
	assert_ok(iommufd_device_detach(dev));
	map_at(ioas, data, PAGE, iova);
	assert_int_equal(attach_raw(dev, 5, hwpt), 0);
	assert_int_equal(detach_raw(dev, 5), 0);
	assert_error(iommufd_device_attach(dev, ioas), -EADDRINUSE);
}

static void info_tells_number_device_and_attachment(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock_as(f, MOCK_PASID, 0x1234);
	struct iommufd_device_info of_device = { .size = sizeof(of_device) };
	struct iommufd_pasid_info info = { 0 };
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas;
	uint32_t id;

	if (!dev)
		return;
	assert_ok(iommufd_device_get_info(dev, &of_device));
	pasid = get_pasid(f, dev, 9);
	info = pasid_info(pasid);
	assert_int_equal(info.number, 9);
	assert_int_equal(info.cookie, 0x1234);
	assert_int_equal(info.device, of_device.id);
	assert_int_equal(info.ioas, 0);
	assert_int_equal(info.hwpt, 0);
	ioas = get_ioas(f);
	assert_ok(iommufd_ioas_get_id(ioas, &id));
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	info = pasid_info(pasid);
	assert_int_equal(info.ioas, id);
	assert_true(mock_pasid_is(f, dev, 9, info.hwpt));
	info.size = 0;
	assert_error(iommufd_pasid_get_info(pasid, &info), -EINVAL);
	assert_error(iommufd_pasid_get_info(pasid, NULL), -EINVAL);
	assert_error(iommufd_pasid_get_info(NULL, &info), -EINVAL);
}

static void what_is_no_pasid_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_pasid *no = (void *)f->ctx;
	struct iommufd_ioas *space = get_ioas(f), *ioas = (void *)1;
	struct iommufd_hwpt *hwpt = (void *)1;

	assert_error(iommufd_pasid_attach(no, space), -EINVAL);
	assert_error(iommufd_pasid_replace(NULL, space), -EINVAL);
	assert_error(iommufd_pasid_attach_hwpt(no, NULL), -EINVAL);
	assert_error(iommufd_pasid_replace_hwpt(no, NULL), -EINVAL);
	assert_error(iommufd_pasid_detach(no), -EINVAL);
	assert_error(iommufd_pasid_get_ioas(no, &ioas), -EINVAL);
	assert_null(ioas);
	assert_error(iommufd_pasid_get_hwpt(no, &hwpt), -EINVAL);
	assert_null(hwpt);
	assert_null(iommufd_pasid_ref(NULL));
	assert_null(iommufd_pasid_unref(NULL));
}

static void a_pasid_holds_its_device_and_what_it_is_attached_to(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID), *found;
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas, *same;
	struct iommufd_pasid_info info;
	struct iommufd_hwpt *hwpt;

	if (!dev)
		return;
	ioas = get_ioas(f);
	map_at(ioas, data, PAGE, MOCK_FIRST);
	hwpt = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID);
	pasid = get_pasid(f, dev, 3);
	assert_ok(iommufd_pasid_attach_hwpt(pasid, hwpt));
	info = pasid_info(pasid);
	put_object(f, hwpt);
	put_ioas(f, ioas);
	put_device(f, dev);
	assert_ok(iommufd_device_find_id(f->ctx, info.device, &found));
	assert_ptr_equal(found, dev);
	iommufd_device_unref(found);
	assert_true(mock_maps(f, info.hwpt, MOCK_FIRST, data, PAGE));
	assert_ok(iommufd_pasid_get_ioas(pasid, &same));
	assert_ptr_equal(same, ioas);
	iommufd_ioas_unref(same);
	assert_ptr_equal(iommufd_pasid_ref(pasid), pasid);
	assert_null(iommufd_pasid_unref(pasid));
	assert_true(mock_pasid_is(f, dev, 3, info.hwpt));
}

static void the_last_reference_detaches(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *pasid;

	if (!dev)
		return;
	pasid = get_pasid(f, dev, 3);
	assert_ok(iommufd_pasid_attach(pasid, get_ioas(f)));
	assert_false(mock_pasid_is(f, dev, 3, 0));
	put_object(f, pasid);
	assert_true(mock_pasid_is(f, dev, 3, 0));
	get_pasid(f, dev, 3);
}

static const struct CMUnitTest cases[] = {
	CASE(the_lowest_free_number_is_given),
	CASE(a_number_can_be_asked_for_and_is_given_once),
	CASE(a_number_beyond_the_width_erange),
	CASE(none_free_enospc),
	CASE(reserved_numbers_are_not_given),
	CASE(senseless_options),
	CASE(a_device_without_pasids_eopnotsupp),
	CASE(a_mock_device_without_pasids_eopnotsupp),
	CASE(the_kernel_attaches_a_pasid_that_does_not_exist),
	CASE(the_kernel_attaches_a_pasid_to_what_the_hardware_reserves),
	CASE(info_tells_number_device_and_attachment),
	CASE(what_is_no_pasid_einval),
	CASE(a_pasid_holds_its_device_and_what_it_is_attached_to),
	CASE(the_last_reference_detaches),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("pasid", cases, NULL, NULL);
}
