/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices on page tables of the program's own, and which table an IOAS gives them. */
#include "tables.h"

#include "os/mock.h"

#define IOVA MOCK_FIRST

static bool has_tables(struct iommufd_device *dev)
{
	return iommufd_device_has(dev, IOMMUFD_CAP_HWPT) == 1;
}

static void attached_device_has_table_and_ioas(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_hwpt *hwpt;

	assert_null(hwpt_of(dev));
	if (!has_tables(dev))
		return;
	hwpt = get_hwpt(f, dev, ioas, 0);
	assert_ok(iommufd_device_attach_hwpt(dev, hwpt));
	assert_ptr_equal(hwpt_of(dev), hwpt);
	assert_ptr_equal(ioas_of(dev), ioas);
	assert_error(iommufd_device_attach_hwpt(dev, hwpt), -EBUSY);
	assert_error(iommufd_device_attach(dev, ioas), -EBUSY);
	assert_ok(iommufd_device_detach(dev));
	assert_null(hwpt_of(dev));
	assert_null(ioas_of(dev));
	assert_error(iommufd_device_replace_hwpt(dev, hwpt), -EINVAL);
}

static void attaching_reserves_what_the_hardware_does(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_hwpt *hwpt;
	uint64_t iova;

	if (!has_tables(dev))
		return;
	hwpt = get_hwpt(f, dev, ioas, 0);
	assert_ok(iommufd_device_attach_hwpt(dev, hwpt));
	iova = reserved_iova(ioas);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, FIXED_RW, &iova, NULL), -EADDRNOTAVAIL);
	assert_ok(iommufd_device_detach(dev));
	put_object(f, hwpt);
	map_at(ioas, data, PAGE, iova);
	hwpt = get_hwpt(f, get_device(f, ALONE2), ioas, 0);
	assert_error(iommufd_device_attach_hwpt(dev, hwpt), -EADDRINUSE);
}

static void replace_moves_between_tables_and_address_spaces(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *a = get_ioas(f), *b = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_hwpt *first, *second;

	if (!has_tables(dev))
		return;
	first = get_hwpt(f, dev, a, 0);
	second = get_hwpt(f, dev, a, 0);
	assert_ok(iommufd_device_attach(dev, b));
	assert_null(hwpt_of(dev));
	assert_ok(iommufd_device_replace_hwpt(dev, second));
	assert_ptr_equal(hwpt_of(dev), second);
	assert_ptr_equal(ioas_of(dev), a);
	assert_ok(iommufd_device_replace_hwpt(dev, second));
	assert_ok(iommufd_device_replace_hwpt(dev, first));
	assert_ptr_equal(hwpt_of(dev), first);
	assert_ok(iommufd_device_replace(dev, a));
	assert_ptr_equal(hwpt_of(dev), first);
	assert_ok(iommufd_device_replace(dev, b));
	assert_null(hwpt_of(dev));
	assert_ptr_equal(ioas_of(dev), b);
}

static void an_ioas_gives_the_first_table_that_will_do(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *tracked = get_mock(f, 0), *untracked;
	struct iommufd_hwpt *dirty, *plain;
	struct iommufd_ioas *ioas;

	if (!tracked)
		return;
	untracked = get_mock(f, MOCK_NO_DIRTY);
	ioas = get_ioas(f);
	dirty = get_hwpt(f, tracked, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	plain = get_hwpt(f, tracked, ioas, 0);
	assert_ok(iommufd_device_attach(tracked, ioas));
	assert_ptr_equal(hwpt_of(tracked), dirty);
	assert_ok(iommufd_device_attach(untracked, ioas));
	assert_ptr_equal(hwpt_of(untracked), plain);
}

static void an_ioas_whose_tables_will_not_do_has_the_kernels(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *tracked = get_mock(f, 0), *untracked;
	struct iommufd_ioas *ioas;

	if (!tracked)
		return;
	untracked = get_mock(f, MOCK_NO_DIRTY);
	ioas = get_ioas(f);
	get_hwpt(f, tracked, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_ok(iommufd_device_attach(untracked, ioas));
	assert_null(hwpt_of(untracked));
	assert_ptr_equal(ioas_of(untracked), ioas);
}

static void a_device_opened_with_an_ioas_has_its_table(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .ioas = get_ioas(f) };
	struct iommufd_device *dev = get_device(f, ALONE1), *other;
	struct iommufd_hwpt *hwpt;

	if (!has_tables(dev))
		return;
	hwpt = get_hwpt(f, dev, opts.ioas, 0);
	assert_ok(iommufd_device_open(f->ctx, device_name(f, ALONE2), &opts, &other));
	hold_device(f, other);
	assert_ptr_equal(hwpt_of(other), hwpt);
}

static void unfit_table_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *tracked = get_mock(f, 0), *untracked;
	struct iommufd_hwpt *dirty;
	struct iommufd_ioas *ioas;

	if (!tracked)
		return;
	untracked = get_mock(f, MOCK_NO_DIRTY);
	ioas = get_ioas(f);
	dirty = get_hwpt(f, tracked, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_error(iommufd_device_attach_hwpt(untracked, dirty), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "dirty-tracked"));
	assert_ok(iommufd_device_attach(untracked, get_ioas(f)));
	assert_error(iommufd_device_replace_hwpt(untracked, dirty), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "hwpt"));
	assert_non_null(strstr(expected_record()->object, "mock"));
	assert_null(hwpt_of(untracked));
}

static void table_of_another_context_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1), *other;
	struct iommufd_hwpt *hwpt;

	if (!has_tables(dev))
		return;
	hwpt = get_hwpt(f, dev, get_ioas(f), 0);
	assert_ok(iommufd_device_open(get_ctx(f, NULL), device_name(f, ALONE2), NULL, &other));
	hold_device(f, other);
	assert_error(iommufd_device_attach_hwpt(other, hwpt), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "context"));
}

static void a_group_shares_one_table(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_hwpt *first, *second;

	if (!has_tables(one))
		return;
	first = get_hwpt(f, one, ioas, 0);
	second = get_hwpt(f, two, ioas, 0);
	assert_ok(iommufd_device_attach_hwpt(one, second));
	assert_error(iommufd_device_attach_hwpt(two, first), -EBUSY);
	assert_non_null(strstr(expected_record()->message, device_name(f, SIBLING1)));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_ptr_equal(hwpt_of(two), second);
	assert_ok(iommufd_device_replace_hwpt(one, first));
	assert_ptr_equal(hwpt_of(two), first);
	assert_ok(iommufd_device_replace(two, get_ioas(f)));
	assert_null(hwpt_of(one));
	assert_ok(iommufd_device_detach(one));
	assert_ok(iommufd_device_detach(two));
}

static void a_sibling_on_the_kernels_table_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_hwpt *hwpt;

	if (!has_tables(one))
		return;
	assert_ok(iommufd_device_attach(one, ioas));
	hwpt = get_hwpt(f, two, ioas, 0);
	assert_error(iommufd_device_attach_hwpt(two, hwpt), -EBUSY);
	assert_ok(iommufd_device_attach(two, ioas));
	assert_null(hwpt_of(two));
}

static void the_group_policy_holds_for_tables(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx_opts opts = { .size = sizeof(opts),
					 .group_policy = IOMMUFD_GROUP_ONE_IOAS };
	struct iommufd_device *one, *two;
	struct iommufd_ctx *ctx;
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *hwpt, *second;

	device_name(f, SIBLING1);
	ctx = get_ctx(f, &opts);
	assert_ok(iommufd_device_open(ctx, device_name(f, SIBLING1), NULL, &one));
	hold_device(f, one);
	if (!has_tables(one))
		return;
	assert_ok(iommufd_device_open(ctx, device_name(f, SIBLING2), NULL, &two));
	hold_device(f, two);
	assert_ok(iommufd_ioas_new(ctx, NULL, &ioas));
	hold_ioas(f, ioas);
	hwpt = get_hwpt(f, one, ioas, 0);
	assert_ok(iommufd_device_attach(one, ioas));
	assert_ptr_equal(hwpt_of(one), hwpt);
	assert_ok(iommufd_device_attach(two, ioas));
	second = get_hwpt(f, one, ioas, 0);
	assert_error(iommufd_device_replace_hwpt(one, second), -EBUSY);
}

static const struct CMUnitTest cases[] = {
	CASE(attached_device_has_table_and_ioas),
	CASE(attaching_reserves_what_the_hardware_does),
	CASE(replace_moves_between_tables_and_address_spaces),
	CASE(an_ioas_gives_the_first_table_that_will_do),
	CASE(an_ioas_whose_tables_will_not_do_has_the_kernels),
	CASE(a_device_opened_with_an_ioas_has_its_table),
	CASE(unfit_table_einval),
	CASE(table_of_another_context_einval),
	CASE(a_group_shares_one_table),
	CASE(a_sibling_on_the_kernels_table_ebusy),
	CASE(the_group_policy_holds_for_tables),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("hwpt-attach", cases, NULL, NULL);
}
