/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Nested tables, and the dropping of what is cached of them. */
#include "tables.h"

#include "os/mock.h"

typedef struct k_iommu_hwpt_invalidate_selftest entry;

#define TYPE K_IOMMU_HWPT_INVALIDATE_DATA_SELFTEST

/* A mock device, a parent for its nested tables, and one of these. */
static struct iommufd_hwpt *get_both(struct fixture *f, struct iommufd_device **dev,
				     struct iommufd_hwpt **parent)
{
	*dev = get_mock(f, 0);
	if (!*dev)
		return NULL;
	*parent = get_hwpt(f, *dev, get_ioas(f), IOMMUFD_HWPT_NEST_PARENT);
	return get_nested(f, *dev, *parent, 7);
}

static void nested_table_goes_in_front_of_its_parent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_true(mock_iotlb_is(f, hwpt_id(nested), 0, 7));
	assert_ok(iommufd_device_attach_hwpt(dev, parent));
	ioas = ioas_of(dev);
	assert_ok(iommufd_device_replace_hwpt(dev, nested));
	assert_ptr_equal(hwpt_of(dev), nested);
	assert_ptr_equal(ioas_of(dev), ioas);
	assert_ok(iommufd_device_replace_hwpt(dev, parent));
	assert_ptr_equal(hwpt_of(dev), parent);
}

static void replacing_with_the_ioas_leaves_the_nested_table_for_its_parent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_device *dev;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_ok(iommufd_device_attach_hwpt(dev, nested));
	assert_ok(iommufd_device_replace(dev, ioas_of(dev)));
	assert_ptr_equal(hwpt_of(dev), parent);
}

static void what_is_no_nesting_parent_einval(void **state)
{
	struct fixture *f = *state;
	struct k_iommu_hwpt_selftest data = { .iotlb = 7 };
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
		.data_type = K_IOMMU_HWPT_DATA_SELFTEST,
	};
	struct iommufd_hwpt *parent, *nested, *plain, *out = (void *)1;
	struct iommufd_device *dev;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	plain = get_hwpt(f, dev, get_ioas(f), 0);
	assert_error(iommufd_hwpt_new_nested(dev, nested, &opts, &out), -EINVAL);
	assert_null(out);
	assert_non_null(strstr(expected_record()->message, "nested itself"));
	assert_error(iommufd_hwpt_new_nested(dev, plain, &opts, &out), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "nesting parent"));
	assert_error(iommufd_hwpt_new_nested(dev, NULL, &opts, &out), -EINVAL);
	assert_error(iommufd_hwpt_new_nested(NULL, parent, &opts, &out), -EINVAL);
	assert_error(iommufd_hwpt_new_nested(dev, parent, &opts, NULL), -EINVAL);
}

static void parent_of_another_context_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt *parent, *nested, *out;
	struct iommufd_device *dev, *other;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_ok(iommufd_device_open(get_ctx(f, NULL), device_name(f, ALONE1), NULL, &other));
	hold_device(f, other);
	assert_error(iommufd_hwpt_new_nested(other, parent, NULL, &out), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "context"));
}

static void data_that_the_iommu_does_not_take(void **state)
{
	struct fixture *f = *state;
	struct { struct k_iommu_hwpt_selftest known; uint64_t more; } data = { .more = 1 };
	struct iommufd_hwpt_vtd_s1 vtd = { .table = 4096, .width = 48 };
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts) };
	struct iommufd_hwpt *parent, *nested, *out = (void *)1;
	struct iommufd_device *dev;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_error(iommufd_hwpt_new_nested(dev, parent, NULL, &out), -EINVAL);
	assert_null(out);
	assert_error(iommufd_hwpt_new_nested(dev, parent, &opts, &out), -EINVAL);
	opts.data_type = IOMMUFD_HWPT_DATA_VTD_S1;
	opts.data = &vtd;
	opts.data_length = sizeof(vtd);
	assert_error(iommufd_hwpt_new_nested(dev, parent, &opts, &out), -EOPNOTSUPP);
	opts.flags = IOMMUFD_HWPT_NEST_PARENT;
	assert_error(iommufd_hwpt_new_nested(dev, parent, &opts, &out), -EOPNOTSUPP);
	opts.flags = 0;
	opts.data_type = K_IOMMU_HWPT_DATA_SELFTEST;
	opts.data = &data;
	opts.data_length = sizeof(data);
	assert_error(iommufd_hwpt_new_nested(dev, parent, &opts, &out), -EINVAL);
	opts.data = (void *)(uintptr_t)64;
	opts.data_length = sizeof(data.known);
	assert_error(iommufd_hwpt_new_nested(dev, parent, &opts, &out), -EFAULT);
	opts.data = &data;
	opts.data_length = 1;
	assert_error(iommufd_hwpt_new_nested(dev, parent, &opts, &out), -EINVAL);
}

static void invalidate_drops_what_the_entries_say(void **state)
{
	struct fixture *f = *state;
	entry some[] = { { .iotlb_id = 1 }, { .iotlb_id = 3 } };
	entry all = { .flags = K_IOMMU_TEST_INVALIDATE_FLAG_ALL };
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_device *dev;
	uint32_t count = 2;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_ok(iommufd_hwpt_invalidate(nested, TYPE, some, sizeof(entry), &count));
	assert_int_equal(count, 2);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(mock_iotlb_is(f, hwpt_id(nested), i, i % 2 ? 0 : 7));
	count = 1;
	assert_ok(iommufd_hwpt_invalidate(nested, TYPE, &all, sizeof(all), &count));
	for (uint32_t i = 0; i < 4; i++)
		assert_true(mock_iotlb_is(f, hwpt_id(nested), i, 0));
}

static void invalidate_counts_what_was_done_before_it_failed(void **state)
{
	struct fixture *f = *state;
	entry some[] = { { .iotlb_id = 0 }, { .iotlb_id = 1 }, { .iotlb_id = 99 }, { .iotlb_id = 2 } };
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_device *dev;
	uint32_t count = 4;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, some, sizeof(entry), &count), -EINVAL);
	assert_int_equal(count, 2);
	assert_true(mock_iotlb_is(f, hwpt_id(nested), 1, 0));
	assert_true(mock_iotlb_is(f, hwpt_id(nested), 2, 7));
	some[0].flags = 1u << 31;
	count = 4;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, some, sizeof(entry), &count),
		     -EOPNOTSUPP);
	assert_int_equal(count, 0);
}

static void invalidate_takes_more_entries_than_the_kernel_at_once(void **state)
{
	struct fixture *f = *state;
	uint32_t many = (1u << 19) + 3, count = many;
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_device *dev;
	entry *entries;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	entries = calloc(many, sizeof(*entries));
	assert_non_null(entries);
	entries[many - 1].iotlb_id = 2;
	assert_ok(iommufd_hwpt_invalidate(nested, TYPE, entries, sizeof(entry), &count));
	assert_int_equal(count, many);
	assert_true(mock_iotlb_is(f, hwpt_id(nested), 2, 0));
	entries[many - 1].iotlb_id = 99;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, entries, sizeof(entry), &count),
		     -EINVAL);
	assert_int_equal(count, many - 1);
	free(entries);
}

static void invalidating_nothing_tells_whether_the_type_is_supported(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_device *dev;
	uint32_t count = 0;

	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_ok(iommufd_hwpt_invalidate(nested, TYPE, NULL, 0, &count));
	assert_error(iommufd_hwpt_invalidate(nested, IOMMUFD_INVALIDATE_VTD_S1, NULL, 0, &count),
		     -EOPNOTSUPP);
	assert_int_equal(count, 0);
}

static void invalidate_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct { entry known; uint64_t more; } longer = { .more = 1 };
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_device *dev;
	uint32_t count = 1;
	entry one = { 0 };

	assert_error(iommufd_hwpt_invalidate(NULL, TYPE, &one, sizeof(one), &count), -EINVAL);
	nested = get_both(f, &dev, &parent);
	if (!nested)
		return;
	assert_error(iommufd_hwpt_invalidate(parent, TYPE, &one, sizeof(one), &count), -EINVAL);
	assert_int_equal(count, 0);
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, &one, sizeof(one), NULL), -EINVAL);
	count = 1;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, NULL, sizeof(one), &count), -EINVAL);
	assert_int_equal(count, 0);
	count = 1;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, &one, 0, &count), -EINVAL);
	count = 1;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, &one, 4097, &count), -EINVAL);
	count = 1;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, &longer, sizeof(longer), &count),
		     -EINVAL);
	count = 1;
	assert_error(iommufd_hwpt_invalidate(nested, TYPE, (void *)(uintptr_t)64, sizeof(one),
					     &count), -EFAULT);
}

static const struct CMUnitTest cases[] = {
	CASE(nested_table_goes_in_front_of_its_parent),
	CASE(replacing_with_the_ioas_leaves_the_nested_table_for_its_parent),
	CASE(what_is_no_nesting_parent_einval),
	CASE(parent_of_another_context_einval),
	CASE(data_that_the_iommu_does_not_take),
	CASE(invalidate_drops_what_the_entries_say),
	CASE(invalidate_counts_what_was_done_before_it_failed),
	CASE(invalidate_takes_more_entries_than_the_kernel_at_once),
	CASE(invalidating_nothing_tells_whether_the_type_is_supported),
	CASE(invalidate_bad_argument),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("hwpt-nested", cases, NULL, NULL);
}
