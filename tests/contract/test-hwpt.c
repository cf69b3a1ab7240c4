/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables of the program's own: made, asked, attached to, given back. */
#include "edu.h"
#include "tables.h"

#include "os/mock.h"

#define IOVA MOCK_FIRST

/* A device whose IOMMU makes ordinary tables. NULL, with the refusal shown, where it cannot. */
static struct iommufd_device *get_table_device(struct fixture *f, enum place place,
					       struct iommufd_ioas *ioas)
{
	struct iommufd_device *dev = get_device(f, place);
	struct iommufd_hwpt *none = (void *)1;

	if (iommufd_device_has(dev, IOMMUFD_CAP_HWPT) == 1)
		return dev;
	assert_error(iommufd_hwpt_new(dev, ioas, NULL, &none), -EOPNOTSUPP);
	assert_null(none);
	return NULL;
}

static void table_leads_to_what_the_ioas_maps_before_and_after(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *hwpt;

	if (!dev)
		return;
	ioas = get_ioas(f);
	map_at(ioas, data, PAGE, IOVA);
	hwpt = get_hwpt(f, dev, ioas, 0);
	assert_ok(iommufd_device_attach_hwpt(dev, hwpt));
	assert_true(mock_maps(f, hwpt_id(hwpt), IOVA, data, PAGE));
	map_at(ioas, data + PAGE, PAGE, IOVA + PAGE);
	assert_true(mock_maps(f, hwpt_id(hwpt), IOVA, data, 2 * PAGE));
	assert_ok(iommufd_ioas_unmap(ioas, IOVA, PAGE, NULL));
	assert_false(mock_maps(f, hwpt_id(hwpt), IOVA, data, PAGE));
}

static void device_does_dma_through_a_table_of_the_programs(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_hwpt *hwpt;
	struct iommufd_device *dev;
	uint64_t iova;

	if (!get_table_device(f, ALONE1, ioas))
		return;
	dev = get_edu(f, ALONE2);
	fill_pattern(data, 256, 3);
	assert_ok(iommufd_ioas_map(ioas, data, PAGE, MAP_RW, &iova, NULL));
	hwpt = get_hwpt(f, dev, ioas, 0);
	assert_ok(iommufd_device_attach_hwpt(dev, hwpt));
	edu_fetch(dev, iova, 256);
	memset(data, 0, PAGE);
	edu_store(dev, iova, 256);
	assert_true(is_pattern(data, 256, 3));
	assert_ok(iommufd_device_detach(dev));
	memset(data, 0, PAGE);
	edu_store(dev, iova, 256);
	assert_true(is_all(data, PAGE, 0));
}

static void info_tells_what_it_was_made_with(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_hwpt_info info = { .size = sizeof(info) };
	struct iommufd_hwpt *hwpt, *nested;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	hwpt = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_NEST_PARENT | IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_ok(iommufd_hwpt_get_info(hwpt, &info));
	assert_int_equal(info.kind, IOMMUFD_HWPT_PAGING);
	assert_int_equal(info.flags, IOMMUFD_HWPT_NEST_PARENT | IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_ptr_equal(info.ioas, ioas);
	assert_null(info.parent);
	nested = get_nested(f, dev, hwpt, 7);
	assert_ok(iommufd_hwpt_get_info(nested, &info));
	assert_int_equal(info.kind, IOMMUFD_HWPT_NESTED);
	assert_int_equal(info.flags, 0);
	assert_ptr_equal(info.ioas, ioas);
	assert_ptr_equal(info.parent, hwpt);
	assert_int_not_equal(info.id, hwpt_id(hwpt));
	assert_error(iommufd_hwpt_get_info(hwpt, NULL), -EINVAL);
	info.size = 0;
	assert_error(iommufd_hwpt_get_info(hwpt, &info), -EINVAL);
	assert_error(iommufd_hwpt_get_info(NULL, &info), -EINVAL);
}

static void bad_arguments_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *other;
	struct { struct iommufd_hwpt_opts known; uint64_t more; } future = {
		.known.size = sizeof(future), .more = 1,
	};
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts) };
	struct iommufd_hwpt *out = (void *)1;
	struct iommufd_device *dev = get_device(f, ALONE1);
	int data = 0;

	assert_error(iommufd_hwpt_new(NULL, ioas, NULL, &out), -EINVAL);
	assert_null(out);
	assert_error(iommufd_hwpt_new(dev, NULL, NULL, &out), -EINVAL);
	assert_error(iommufd_hwpt_new(dev, ioas, NULL, NULL), -EINVAL);
	assert_ok(iommufd_ioas_new(get_ctx(f, NULL), NULL, &other));
	hold_ioas(f, other);
	assert_error(iommufd_hwpt_new(dev, other, NULL, &out), -EINVAL);
	assert_error(iommufd_hwpt_new(dev, ioas, &future.known, &out), -E2BIG);
	opts.size = 0;
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EINVAL);
	opts = (struct iommufd_hwpt_opts){ .size = sizeof(opts), .flags = 1u << 31 };
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EOPNOTSUPP);
	opts = (struct iommufd_hwpt_opts){ .size = sizeof(opts), .data = &data, .data_length = 4 };
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EINVAL);
	opts = (struct iommufd_hwpt_opts){ .size = sizeof(opts), .data_type = 1 };
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EINVAL);
	assert_error(iommufd_device_attach_hwpt(dev, NULL), -EINVAL);
	assert_error(iommufd_device_replace_hwpt(dev, NULL), -EINVAL);
	assert_error(iommufd_device_get_hwpt(dev, NULL), -EINVAL);
	assert_error(iommufd_device_get_hwpt(NULL, &out), -EINVAL);
	assert_null(iommufd_hwpt_ref(NULL));
	assert_null(iommufd_hwpt_unref(NULL));
}

static void what_the_iommu_cannot_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_NO_DIRTY);
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts) };
	struct iommufd_hwpt *out = (void *)1;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	opts.flags = IOMMUFD_HWPT_DIRTY_TRACKING;
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EOPNOTSUPP);
	assert_null(out);
	assert_non_null(strstr(expected_record()->message, "track"));
	opts.flags = IOMMUFD_HWPT_NEST_PARENT;
	opts.fault_queue = (void *)1;
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EOPNOTSUPP);
	assert_non_null(strstr(expected_record()->message, "fault queue"));
}

static void put_queue(void *object)
{
	iommufd_fault_queue_unref(object);
}

static void table_holds_its_fault_queue_and_is_for_who_names_it(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts) };
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_hwpt *hwpt;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	assert_ok(iommufd_fault_queue_new(f->ctx, NULL, &opts.fault_queue));
	hold_object(f, opts.fault_queue, put_queue);
	assert_ok(iommufd_hwpt_new(dev, ioas, &opts, &hwpt));
	hold_hwpt(f, hwpt);
	put_object(f, opts.fault_queue);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_null(hwpt_of(dev));
	assert_ok(iommufd_device_replace_hwpt(dev, hwpt));
	assert_int_equal(mock_fault(f, dev, 0, 1, IOVA), 0);
}

static void table_with_what_is_no_fault_queue_of_the_context_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts) };
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_hwpt *out = (void *)1;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	opts.fault_queue = (struct iommufd_fault_queue *)ioas;
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EINVAL);
	assert_null(out);
	assert_ok(iommufd_fault_queue_new(get_ctx(f, NULL), NULL, &opts.fault_queue));
	hold_object(f, opts.fault_queue, put_queue);
	assert_error(iommufd_hwpt_new(dev, ioas, &opts, &out), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "context"));
}

static void table_narrows_ranges_as_long_as_it_lives(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_range range[8];
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *hwpt;

	if (!dev)
		return;
	ioas = get_ioas(f);
	assert_int_equal(get_ranges(ioas, range, 8), 1);
	assert_true(range[0].last > MOCK_LAST);
	hwpt = get_hwpt(f, dev, ioas, 0);
	assert_int_equal(get_ranges(ioas, range, 8), 1);
	assert_int_equal(range[0].start, MOCK_FIRST);
	assert_int_equal(range[0].last, MOCK_LAST);
	put_object(f, hwpt);
	assert_int_equal(get_ranges(ioas, range, 8), 1);
	assert_true(range[0].last > MOCK_LAST);
}

static void table_for_mappings_out_of_reach_eaddrinuse(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_hwpt *out = (void *)1;
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	map_at(ioas, data, PAGE, MOCK_LAST + 1);
	assert_error(iommufd_hwpt_new(dev, ioas, NULL, &out), -EADDRINUSE);
	assert_null(out);
}

static void table_for_memory_that_is_not_there_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_hwpt *out = (void *)1;
	uint8_t *data = get_buffer(f, 2 * PAGE);
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	map_at(ioas, data, 2 * PAGE, IOVA);
	put_buffer(f, data);
	assert_error(iommufd_hwpt_new(dev, ioas, NULL, &out), -EFAULT);
	assert_null(out);
}

static void objects_can_be_given_back_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_ioas *ioas;
	uint32_t id;

	if (!dev)
		return;
	ioas = get_ioas(f);
	map_at(ioas, data, PAGE, IOVA);
	parent = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_NEST_PARENT);
	id = hwpt_id(parent);
	nested = get_nested(f, dev, parent, 7);
	assert_ok(iommufd_device_attach_hwpt(dev, nested));
	put_ioas(f, ioas);
	put_object(f, parent);
	put_object(f, nested);
	assert_true(mock_maps(f, id, IOVA, data, PAGE));
	assert_ok(iommufd_device_detach(dev));
	assert_false(mock_maps(f, id, IOVA, data, PAGE));
}

static const struct CMUnitTest cases[] = {
	CASE(table_leads_to_what_the_ioas_maps_before_and_after),
	CASE(device_does_dma_through_a_table_of_the_programs),
	CASE(info_tells_what_it_was_made_with),
	CASE(bad_arguments_einval),
	CASE(what_the_iommu_cannot_eopnotsupp),
	CASE(table_holds_its_fault_queue_and_is_for_who_names_it),
	CASE(table_with_what_is_no_fault_queue_of_the_context_einval),
	CASE(table_narrows_ranges_as_long_as_it_lives),
	CASE(table_for_mappings_out_of_reach_eaddrinuse),
	CASE(table_for_memory_that_is_not_there_efault),
	CASE(objects_can_be_given_back_in_any_order),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("hwpt", cases, NULL, NULL);
}
