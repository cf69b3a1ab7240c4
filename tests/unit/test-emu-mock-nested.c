/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables of a guest on top of one of ours, and the caches in front of them. */
#include "test-emu-mock.h"

enum { PARENT = K_IOMMU_HWPT_ALLOC_NEST_PARENT };

static int check_iotlb(struct mocks *m, uint32_t hwpt, uint32_t i, uint32_t value)
{
	struct k_iommu_test_cmd cmd = { .op = K_IOMMU_TEST_OP_MD_CHECK_IOTLB, .id = hwpt,
					.check_iotlb = { i, value } };

	return op(m, &cmd);
}

static int invalidate(struct mocks *m, uint32_t id, const void *entries, uint32_t length,
		      uint32_t *n)
{
	struct k_iommu_hwpt_invalidate arg = {
		.size = sizeof(arg), .hwpt_id = id, .data_uptr = (uintptr_t)entries,
		.data_type = K_IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, .entry_len = length,
		.entry_num = *n,
	};
	int r = request(m, K_IOMMU_HWPT_INVALIDATE, &arg);

	*n = arg.entry_num;
	return r;
}

static void nested_tables_are_made_of_parents_alone(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), plain = new_hwpt(m, &mock, 0);
	uint32_t nested = new_nested(m, &mock, parent), id;
	const struct k_iommu_hwpt_selftest data = { 0 };
	struct k_iommu_hwpt_alloc arg = {
		.dev_id = mock.dev, .pt_id = parent, .data_type = K_IOMMU_HWPT_DATA_VTD_S1,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};

	assert_int_equal(try_nested(m, mock.dev, plain, 0, 0, &id), -EINVAL);
	assert_int_equal(try_nested(m, mock.dev, mock.hwpt, 0, 0, &id), -EINVAL);
	assert_int_equal(try_nested(m, mock.dev, nested, 0, 0, &id), -EINVAL);
	assert_int_equal(try_nested(m, mock.dev, parent, PARENT, 0, &id), -EOPNOTSUPP);
	assert_int_equal(try_hwpt(m, mock.dev, parent, 0, &id), -EOPNOTSUPP);
	assert_int_equal(alloc_hwpt(m, arg, &id), -EOPNOTSUPP);
	arg.data_type = K_IOMMU_HWPT_DATA_SELFTEST;
	arg.data_len = 3;
	assert_int_equal(alloc_hwpt(m, arg, &id), -EINVAL);
	arg.data_len = 0;
	assert_int_equal(alloc_hwpt(m, arg, &id), -EINVAL);
	arg.data_len = 4;
	arg.data_uptr = 0;
	assert_int_equal(alloc_hwpt(m, arg, &id), -EFAULT);
	assert_int_equal(try_nested(m, 99, parent, 0, 0, &id), -ENOENT);
	assert_int_equal(try_nested(m, mock.dev, 99, 0, 0, &id), -EINVAL);
	assert_int_equal(try_nested(m, mock.dev, mock.stdev, 0, 0, &id), -EINVAL);
}

static void flags_of_tables(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t id;

	assert_int_equal(try_hwpt(m, mock.dev, m->ioas, 1 << 9, &id), -EOPNOTSUPP);
	assert_int_equal(try_hwpt(m, mock.dev, m->ioas, PARENT | K_IOMMU_HWPT_FAULT_ID_VALID, &id),
			 -EOPNOTSUPP);
	assert_int_equal(try_hwpt(m, mock.dev, m->ioas, K_IOMMU_HWPT_FAULT_ID_VALID, &id), -ENOENT);
	assert_int_equal(try_hwpt(m, mock.dev, m->ioas, K_IOMMU_HWPT_ALLOC_PASID, &id), 0);
	assert_int_equal(destroy(m, id), 0);
	assert_int_equal(try_hwpt(m, mock.dev, m->ioas,
				  PARENT | K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &id), 0);
}

static void a_parent_stays_while_there_are_tables_on_it(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), nested = new_nested(m, &mock, parent);

	assert_int_equal(replace(m, &mock, nested), 0);
	assert_int_equal(destroy(m, parent), -EBUSY);
	assert_int_equal(destroy(m, nested), -EBUSY);
	assert_int_equal(replace(m, &mock, m->ioas), 0);
	assert_int_equal(destroy(m, parent), -EBUSY);
	assert_int_equal(destroy(m, nested), 0);
	assert_int_equal(destroy(m, parent), 0);
}

static void entries_are_invalidated_one_by_one(void **state)
{
	const struct k_iommu_hwpt_invalidate_selftest one[] = { { .iotlb_id = 1 },
								{ .iotlb_id = 99 },
								{ .iotlb_id = 2 } };
	struct k_iommu_hwpt_invalidate_selftest all = { .flags = K_IOMMU_TEST_INVALIDATE_FLAG_ALL };
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), nested = new_nested(m, &mock, parent), n = 3;

	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(check_iotlb(m, nested, i, K_IOMMU_TEST_IOTLB_DEFAULT), 0);
	assert_int_equal(check_iotlb(m, nested, 4, K_IOMMU_TEST_IOTLB_DEFAULT), -EINVAL);
	assert_int_equal(invalidate(m, nested, one, sizeof(*one), &n), -EINVAL);
	assert_int_equal(n, 1); /* and that one was done */
	assert_int_equal(check_iotlb(m, nested, 1, 0), 0);
	assert_int_equal(check_iotlb(m, nested, 2, K_IOMMU_TEST_IOTLB_DEFAULT), 0);
	n = 1;
	assert_int_equal(invalidate(m, nested, &all, sizeof(all), &n), 0);
	assert_int_equal(n, 1);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(check_iotlb(m, nested, i, 0), 0);
	all.flags = 2;
	assert_int_equal(invalidate(m, nested, &all, sizeof(all), &n), -EOPNOTSUPP);
	assert_int_equal(n, 0);
	assert_int_equal(check_iotlb(m, parent, 0, 0), -ENOENT);
}

static void bad_invalidations(void **state)
{
	const struct k_iommu_hwpt_invalidate_selftest entry = { 0 };
	struct k_iommu_hwpt_invalidate arg = {
		.size = sizeof(arg), .data_type = K_IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
	};
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), nested = new_nested(m, &mock, parent), n = 0;

	assert_int_equal(invalidate(m, nested, NULL, 0, &n), 0); /* asks for the type */
	arg.hwpt_id = nested;
	assert_int_equal(request(m, K_IOMMU_HWPT_INVALIDATE, &arg), -EINVAL);
	n = 1;
	assert_int_equal(invalidate(m, parent, &entry, sizeof(entry), &n), -EINVAL);
	assert_int_equal(n, 0);
	n = 1;
	assert_int_equal(invalidate(m, 99, &entry, sizeof(entry), &n), -ENOENT);
	n = 1;
	assert_int_equal(invalidate(m, nested, NULL, sizeof(entry), &n), -EINVAL);
	n = 1;
	assert_int_equal(invalidate(m, nested, &entry, 0, &n), -EINVAL);
	n = 1;
	assert_int_equal(invalidate(m, nested, &entry, 4, &n), -EINVAL);
	n = 1;
	assert_int_equal(invalidate(m, nested, &entry, PAGE + 1, &n), -EINVAL);
	n = (1u << 19) + 1;
	assert_int_equal(invalidate(m, nested, &entry, sizeof(entry), &n), -EINVAL);
	n = 1;
	assert_int_equal(invalidate(m, nested, (void *)PAGE, sizeof(entry), &n), -EFAULT);
	assert_int_equal(n, 0);
}

static void caches_of_a_device_are_there(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_DEV_CHECK_CACHE, .id = mock.dev,
		.check_dev_cache = { 3, K_IOMMU_TEST_DEV_CACHE_DEFAULT },
	};

	assert_int_equal(op(m, &cmd), 0);
	cmd.check_dev_cache.id = 4;
	assert_int_equal(op(m, &cmd), -EINVAL);
	cmd.id = mock.stdev;
	assert_int_equal(op(m, &cmd), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nested_tables_are_made_of_parents_alone),
		TEST(flags_of_tables),
		TEST(a_parent_stays_while_there_are_tables_on_it),
		TEST(entries_are_invalidated_one_by_one),
		TEST(bad_invalidations),
		TEST(caches_of_a_device_are_there),
	};

	return RUN(tests);
}
