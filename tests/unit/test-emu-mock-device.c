/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mock devices: how they come and go, what they say, what they reach. */
#include "test-emu-mock.h"

static int hw_info(struct mocks *m, struct k_iommu_hw_info *arg)
{
	arg->size = sizeof(*arg);
	return request(m, K_IOMMU_GET_HW_INFO, arg);
}

static void ids_are_the_lowest_free_ones(void **state)
{
	struct mocks *m = *state;
	struct mock first = new_mock(m, 0), second;

	assert_int_equal(m->ioas, 1);
	assert_int_equal(first.stdev, 2);
	assert_int_equal(first.dev, 3);
	assert_int_equal(first.hwpt, 4);
	second = new_mock(m, 0);
	assert_int_equal(second.hwpt, first.hwpt); /* the same, as it fits */
	assert_int_equal(destroy(m, first.stdev), 0);
	assert_int_equal(new_ioas(m), 2);
}

static void a_device_goes_by_its_other_id_and_its_table_with_it(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);

	assert_int_equal(destroy(m, mock.dev), -EBUSY);
	assert_int_equal(destroy(m, mock.hwpt), -EBUSY);
	assert_int_equal(destroy(m, m->ioas), -EBUSY);
	assert_int_equal(destroy(m, mock.stdev), 0);
	assert_int_equal(destroy(m, mock.stdev), -ENOENT);
	assert_int_equal(destroy(m, mock.dev), -ENOENT);
	assert_int_equal(destroy(m, mock.hwpt), -ENOENT);
	assert_int_equal(destroy(m, m->ioas), 0);
}

static void bad_requests_leave_no_device(void **state)
{
	struct k_iommu_test_cmd cmd = { .op = 999 };
	struct mocks *m = *state;
	struct mock mock;

	assert_int_equal(op(m, &cmd), -EOPNOTSUPP);
	assert_int_equal(request(m, K_IOMMU_TEST_CMD,
				 &(struct k_iommu_test_cmd){ .size = 16 }), -EINVAL);
	assert_int_equal(add_mock(m, m->ioas, 1 << 1, &mock), -EINVAL);
	assert_int_equal(add_mock(m, 99, 0, &mock), -ENOENT);
	mock = new_mock(m, 0);
	assert_int_equal(mock.stdev, 2);
	assert_int_equal(add_mock(m, mock.dev, 0, &mock), -EINVAL);
	mock.stdev = 99;
	assert_int_equal(replace(m, &mock, m->ioas), -ENOENT);
}

static void it_tells_what_it_can(void **state)
{
	const uint32_t flags[] = { 0, K_MOCK_FLAGS_DEVICE_NO_DIRTY, K_MOCK_FLAGS_DEVICE_PASID };
	const uint64_t caps[] = { 9, 8, 9 };
	struct mocks *m = *state;

	for (int i = 0; i < 3; i++) {
		struct mock mock = new_mock(m, flags[i]);
		struct k_iommu_test_hw_info facts[2] = { { 0 } };
		struct k_iommu_hw_info arg = { .dev_id = mock.dev, .data_len = sizeof(facts),
					       .data_uptr = (uintptr_t)facts };

		memset(facts, 0xff, sizeof(facts));
		assert_int_equal(hw_info(m, &arg), 0);
		assert_int_equal(arg.out_data_type, K_IOMMU_HW_INFO_TYPE_SELFTEST);
		assert_int_equal(arg.data_len, sizeof(*facts));
		assert_int_equal(facts[0].flags, 0);
		assert_int_equal(facts[0].test_reg, K_IOMMU_HW_INFO_SELFTEST_REGVAL);
		assert_int_equal(facts[1].test_reg, 0);
		assert_int_equal(arg.out_capabilities, caps[i]);
		assert_int_equal(arg.out_max_pasid_log2, i == 2 ? K_MOCK_PASID_WIDTH : 0);
	}
}

static void its_type_can_be_asked_for(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	struct k_iommu_hw_info arg = { .dev_id = mock.dev,
				       .flags = K_IOMMU_HW_INFO_FLAG_INPUT_TYPE,
				       .in_data_type = K_IOMMU_HW_INFO_TYPE_SELFTEST };

	assert_int_equal(hw_info(m, &arg), 0);
	assert_int_equal(arg.data_len, sizeof(struct k_iommu_test_hw_info));
	arg.data_len = 0;
	arg.in_data_type = K_IOMMU_HW_INFO_TYPE_DEFAULT;
	assert_int_equal(hw_info(m, &arg), 0);
	arg.data_len = 0;
	arg.in_data_type = K_IOMMU_HW_INFO_TYPE_INTEL_VTD;
	assert_int_equal(hw_info(m, &arg), -EOPNOTSUPP);
	arg.dev_id = mock.stdev;
	assert_int_equal(hw_info(m, &arg), -ENOENT);
}

static void check_ranges(struct mocks *m, uint64_t start, uint64_t last, uint64_t alignment)
{
	struct k_iommu_iova_range range[4] = { { 0 } };
	struct k_iommu_ioas_iova_ranges arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .num_iovas = 4,
		.allowed_iovas = (uintptr_t)range,
	};

	assert_int_equal(request(m, K_IOMMU_IOAS_IOVA_RANGES, &arg), 0);
	assert_int_equal(arg.num_iovas, 1);
	assert_int_equal(range[0].start, start);
	assert_int_equal(range[0].last, last);
	assert_int_equal(arg.out_iova_alignment, alignment);
}

static void it_reaches_two_gibibytes_in_pages_of_two_kibibytes(void **state)
{
	struct mocks *m = *state;
	struct mock mock;

	check_ranges(m, 0, UINT64_MAX, 1);
	mock = new_mock(m, 0);
	check_ranges(m, APERTURE, K_MOCK_APERTURE_LAST, K_MOCK_PAGE_SIZE);
	assert_int_equal(map(m, m->mem, PAGE, APERTURE - PAGE), -EINVAL);
	assert_int_equal(map(m, m->mem, PAGE, K_MOCK_APERTURE_LAST + 1), -EINVAL);
	assert_int_equal(map(m, m->mem, 1024, APERTURE), -EINVAL);
	assert_int_equal(map(m, m->mem, 2048, APERTURE + 2048), 0);
	assert_int_equal(destroy(m, mock.stdev), 0);
	check_ranges(m, 0, UINT64_MAX, 1);
}

static void without_huge_pages_its_pages_are_the_processors(void **state)
{
	struct mocks *m = *state;

	forbid_huge_pages(m);
	check_ranges(m, 0, UINT64_MAX, PAGE);
	new_mock(m, 0);
	check_ranges(m, APERTURE, K_MOCK_APERTURE_LAST, PAGE);
	assert_int_equal(map(m, m->mem, 2048, APERTURE), -EINVAL);
}

static void a_table_of_huge_pages_reaches_more(void **state)
{
	const struct k_iommu_hwpt_selftest data = { .pagetable_type = 1 };
	const struct k_iommu_hwpt_selftest unknown = { .pagetable_type = 2 };
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	struct k_iommu_hwpt_alloc arg = {
		.dev_id = mock.dev, .pt_id = m->ioas, .data_type = K_IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&unknown,
	};
	uint32_t hwpt;

	assert_int_equal(alloc_hwpt(m, arg, &hwpt), -EOPNOTSUPP);
	arg.data_uptr = (uintptr_t)&data;
	arg.data_len = sizeof(data) + 1;
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), -EINVAL);
	arg.data_len = 3;
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), -EINVAL);
	arg.data_len = sizeof(data);
	arg.data_type = K_IOMMU_HWPT_DATA_VTD_S1;
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), -EOPNOTSUPP);
	arg.data_type = K_IOMMU_HWPT_DATA_SELFTEST;
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), 0);
	check_ranges(m, APERTURE, K_MOCK_APERTURE_LAST, PAGE);
	assert_int_equal(replace(m, &mock, hwpt), 0);
	check_ranges(m, 0, (UINT64_C(1) << 38) - 1, PAGE);
}

static void mappings_that_it_cannot_take_keep_it_away(void **state)
{
	struct mocks *m = *state;
	struct mock mock;

	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(add_mock(m, m->ioas, 0, &mock), -EADDRINUSE);
	assert_int_equal(unmap(m, 0x10000, PAGE), 0);
	assert_int_equal(map(m, m->mem, 1024, APERTURE), 0);
	assert_int_equal(add_mock(m, m->ioas, 0, &mock), -EADDRINUSE);
	assert_int_equal(unmap(m, APERTURE, 1024), 0);
	new_mock(m, 0);
}

static int check_map(struct mocks *m, uint32_t hwpt, uint64_t iova, uint64_t length,
		     const void *va)
{
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_MD_CHECK_MAP, .id = hwpt,
		.check_map = { iova, length, (uintptr_t)va },
	};

	return op(m, &cmd);
}

static uint8_t *map_again(int fd)
{
	uint8_t *va = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(va != MAP_FAILED);
	memset(va, 1, 8 * PAGE);
	return va;
}

static void its_table_leads_to_the_memory(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	int fd = memfd_create("mock", MFD_CLOEXEC);
	uint8_t *va, *again;

	assert_int_equal(ftruncate(fd, 8 * (off_t)PAGE), 0);
	va = map_again(fd);
	again = map_again(fd);
	assert_int_equal(map(m, va, 4 * PAGE, APERTURE), 0);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE, 4 * PAGE, va), 0);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE, 4 * PAGE, again), 0);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE + 2048, 2048, va + 2048), 0);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE, 4 * PAGE, va + PAGE), -EINVAL);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE, 5 * PAGE, va), -EINVAL);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE + 1, PAGE, va), -EINVAL);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE, PAGE, NULL), -EFAULT);
	assert_int_equal(check_map(m, mock.dev, APERTURE, PAGE, va), -ENOENT);
	munmap(va, 8 * PAGE);
	munmap(again, 8 * PAGE);
	close(fd);
}

static void its_table_leads_to_a_file(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	int fd = memfd_create("mock", MFD_CLOEXEC);
	uint8_t *va;
	struct k_iommu_ioas_map_file arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .fd = fd, .start = PAGE, .length = PAGE,
		.flags = K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_READABLE, .iova = APERTURE,
	};

	assert_int_equal(ftruncate(fd, 8 * (off_t)PAGE), 0);
	va = map_again(fd);
	assert_int_equal(request(m, K_IOMMU_IOAS_MAP_FILE, &arg), 0);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE, PAGE, va + PAGE), 0);
	assert_int_equal(check_map(m, mock.hwpt, APERTURE, PAGE, va), -EINVAL);
	munmap(va, 8 * PAGE);
	close(fd);
}

static void windows_can_be_taken_out(void **state)
{
	struct mocks *m = *state;
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_ADD_RESERVED, .id = m->ioas,
		.add_reserved = { APERTURE, PAGE },
	};

	new_mock(m, 0);
	assert_int_equal(op(m, &cmd), 0);
	check_ranges(m, APERTURE + PAGE, K_MOCK_APERTURE_LAST, K_MOCK_PAGE_SIZE);
	assert_int_equal(map(m, m->mem, PAGE, APERTURE), -EINVAL);
	assert_int_equal(map(m, m->mem, PAGE, APERTURE + PAGE), 0);
	cmd.add_reserved.start = APERTURE + PAGE;
	assert_int_equal(op(m, &cmd), -EADDRINUSE);
	cmd.add_reserved.length = 0;
	assert_int_equal(op(m, &cmd), -EINVAL);
	cmd.add_reserved.length = UINT64_MAX;
	assert_int_equal(op(m, &cmd), -EOVERFLOW);
	cmd.add_reserved.length = PAGE;
	cmd.id = 99;
	assert_int_equal(op(m, &cmd), -ENOENT);
}

static void it_moves_between_address_spaces(void **state)
{
	struct mocks *m = *state;
	uint32_t other = new_ioas(m);
	struct mock mock = new_mock(m, 0);
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, .id = mock.stdev,
		.mock_domain_replace.pt_id = other,
	};

	assert_int_equal(op(m, &cmd), 0);
	assert_int_not_equal(cmd.mock_domain_replace.pt_id, other);
	assert_int_equal(destroy(m, mock.hwpt), -ENOENT);
	assert_int_equal(destroy(m, m->ioas), 0);
	assert_int_equal(destroy(m, other), -EBUSY);
	assert_int_equal(replace(m, &mock, mock.dev), -EINVAL);
	assert_int_equal(replace(m, &mock, 99), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ids_are_the_lowest_free_ones),
		TEST(a_device_goes_by_its_other_id_and_its_table_with_it),
		TEST(bad_requests_leave_no_device),
		TEST(it_tells_what_it_can),
		TEST(its_type_can_be_asked_for),
		TEST(it_reaches_two_gibibytes_in_pages_of_two_kibibytes),
		TEST(without_huge_pages_its_pages_are_the_processors),
		TEST(a_table_of_huge_pages_reaches_more),
		TEST(mappings_that_it_cannot_take_keep_it_away),
		TEST(its_table_leads_to_the_memory),
		TEST(its_table_leads_to_a_file),
		TEST(windows_can_be_taken_out),
		TEST(it_moves_between_address_spaces),
	};

	return RUN(tests);
}
