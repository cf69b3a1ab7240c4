/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Unmapping: every mapping in a range, or none. */
#include "contract.h"

/* Unmaps and says how much. */
static uint64_t unmap(struct iommufd_ioas *ioas, uint64_t iova, uint64_t length)
{
	uint64_t unmapped = 77;

	assert_ok(iommufd_ioas_unmap(ioas, iova, length, &unmapped));
	return unmapped;
}

/* Three mappings: 0x10000-0x13fff, 0x14000-0x14fff next to it, 0x20000-0x21fff apart. */
static struct iommufd_ioas *three_mappings(struct fixture *f)
{
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);

	map_at(ioas, data, 4 * PAGE, 0x10000);
	map_at(ioas, data + 4 * PAGE, PAGE, 0x14000);
	map_at(ioas, data, 2 * PAGE, 0x20000);
	return ioas;
}

static void ioas_unmap_removes_one(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_int_equal(unmap(ioas, 0x14000, PAGE), PAGE);
	assert_int_equal(count_mappings(ioas), 2);
	assert_int_equal(unmap(ioas, 0x10000, 4 * PAGE), 4 * PAGE);
	assert_int_equal(unmap(ioas, 0x20000, 2 * PAGE), 2 * PAGE);
	assert_int_equal(count_mappings(ioas), 0);
}

static void ioas_unmap_removes_all_in_the_range(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_int_equal(unmap(ioas, 0, 0x20000), 5 * PAGE);
	assert_int_equal(count_mappings(ioas), 1);
	assert_int_equal(unmap(ioas, 0x1f000, 0x100000), 2 * PAGE);
	assert_int_equal(count_mappings(ioas), 0);
}

static void ioas_unmap_nearly_everything(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_int_equal(unmap(ioas, 0, UINT64_MAX - PAGE + 1), 7 * PAGE);
}

static void ioas_unmap_of_nothing_is_success(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_int_equal(unmap(ioas, 0x15000, PAGE), 0);
	assert_int_equal(unmap(ioas, 0x15000, 0xb000), 0);
	assert_int_equal(unmap(ioas, 0, 0x10000), 0);
	assert_int_equal(unmap(ioas, 0x22000, 1ull << 40), 0);
	assert_int_equal(unmap(ioas, UINT64_MAX - PAGE + 1, PAGE), 0);
	assert_int_equal(count_mappings(ioas), 3);
}

static void ioas_unmap_twice_is_success(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_int_equal(unmap(ioas, 0x14000, PAGE), PAGE);
	assert_int_equal(unmap(ioas, 0x14000, PAGE), 0);
}

static void ioas_unmap_of_a_part_einval(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_error(iommufd_ioas_unmap(ioas, 0x10000, PAGE, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0x13000, PAGE, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0x11000, 2 * PAGE, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0xf000, 2 * PAGE, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0x13000, 2 * PAGE, NULL), -EINVAL);
	/* a whole one first, then half of another */
	assert_error(iommufd_ioas_unmap(ioas, 0x14000, 0xd000, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0x10000, 0x11000, NULL), -EINVAL);
}

static void ioas_unmap_failed_says_nothing(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);
	uint64_t unmapped = 77;

	assert_error(iommufd_ioas_unmap(ioas, 0x10000, PAGE, &unmapped), -EINVAL);
	assert_true(unmapped == 77 || unmapped == 0);
}

static void ioas_unmap_misaligned_einval(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_error(iommufd_ioas_unmap(ioas, 0x14001, PAGE, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0x14000, PAGE + 1, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0x14000, 1, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0x14000, 0, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap(ioas, 0, UINT64_MAX, NULL), -EINVAL);
}

static void ioas_unmap_wrapping_eoverflow(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);

	assert_error(iommufd_ioas_unmap(ioas, 0x20000, UINT64_MAX - PAGE + 1, NULL), -EOVERFLOW);
	assert_error(iommufd_ioas_unmap(ioas, UINT64_MAX - PAGE + 1, 2 * PAGE, NULL), -EOVERFLOW);
}

static void ioas_unmap_all_removes_everything(void **state)
{
	struct iommufd_ioas *ioas = three_mappings(*state);
	uint64_t unmapped = 77;

	assert_ok(iommufd_ioas_unmap_all(ioas, &unmapped));
	assert_int_equal(unmapped, 7 * PAGE);
	assert_int_equal(count_mappings(ioas), 0);
	assert_ok(iommufd_ioas_unmap_all(ioas, &unmapped));
	assert_int_equal(unmapped, 0);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
}

static void ioas_unmap_all_at_the_ends(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t unmapped;

	map_at(ioas, data, PAGE, 0);
	map_at(ioas, data, PAGE, LAST_IOVA - PAGE + 1);
	assert_ok(iommufd_ioas_unmap_all(ioas, &unmapped));
	assert_int_equal(unmapped, 2 * PAGE);
	map_at(ioas, data, PAGE, LAST_IOVA - PAGE + 1);
	assert_int_equal(unmap(ioas, LAST_IOVA - PAGE + 1, PAGE), PAGE);
}

static void ioas_unmap_frees_the_iova(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = three_mappings(f);

	assert_int_equal(unmap(ioas, 0x10000, 4 * PAGE), 4 * PAGE);
	map_at(ioas, get_buffer(f, 2 * PAGE), 2 * PAGE, 0x11000);
	assert_int_equal(count_mappings(ioas), 3);
}

static void ioas_unmap_while_attached(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = three_mappings(f);

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_error(iommufd_ioas_unmap(ioas, 0x10000, 0x11000, NULL), -EINVAL);
	assert_int_equal(unmap(ioas, 0x10000, 5 * PAGE), 5 * PAGE);
	map_at(ioas, get_buffer(f, HUGE_PAGE), HUGE_PAGE, HUGE_PAGE);
	assert_error(iommufd_ioas_unmap(ioas, HUGE_PAGE, PAGE, NULL), -EINVAL);
	assert_int_equal(unmap(ioas, HUGE_PAGE, HUGE_PAGE), HUGE_PAGE);
	assert_int_equal(count_mappings(ioas), 1);
}

static void ioas_unmap_of_memory_that_left_the_process(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	map_at(ioas, data, 4 * PAGE, 0x10000);
	put_buffer(f, data);
	assert_int_equal(unmap(ioas, 0x10000, 4 * PAGE), 4 * PAGE);
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_unmap_removes_one),
	CASE(ioas_unmap_removes_all_in_the_range),
	CASE(ioas_unmap_nearly_everything),
	CASE(ioas_unmap_of_nothing_is_success),
	CASE(ioas_unmap_twice_is_success),
	CASE(ioas_unmap_of_a_part_einval),
	CASE(ioas_unmap_failed_says_nothing),
	CASE(ioas_unmap_misaligned_einval),
	CASE(ioas_unmap_wrapping_eoverflow),
	CASE(ioas_unmap_all_removes_everything),
	CASE(ioas_unmap_all_at_the_ends),
	CASE(ioas_unmap_frees_the_iova),
	CASE(ioas_unmap_while_attached),
	CASE(ioas_unmap_of_memory_that_left_the_process),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-unmap", cases, NULL, NULL);
}
