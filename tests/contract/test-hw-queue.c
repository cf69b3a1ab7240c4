/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hardware queues: in order, and their memory stays where it is. */
#include "guest.h"

#define SELFTEST K_IOMMU_HW_QUEUE_TYPE_SELFTEST

#define refuse(viommu, type, index, iova, length, code) do { \
	struct iommufd_hw_queue *none_ = (void *)1; \
	assert_error(iommufd_hw_queue_new(viommu, type, index, iova, length, &none_), code); \
	assert_null(none_); \
} while (0)

static struct iommufd_hw_queue *get_queue(struct fixture *f, struct guest *g, uint32_t index,
					  uint64_t iova)
{
	struct iommufd_hw_queue *queue;

	assert_ok(iommufd_hw_queue_new(g->viommu, SELFTEST, index, iova, PAGE, &queue));
	return hold_hw_queue(f, queue);
}

/* With two pages of memory from MOCK_FIRST on, mapped one by one. */
static bool set_up(struct fixture *f, struct guest *g)
{
	uint8_t *memory;

	if (!get_guest(f, g))
		return false;
	memory = get_buffer(f, 2 * PAGE);
	map_at(g->ioas, memory, PAGE, MOCK_FIRST);
	map_at(g->ioas, memory + PAGE, PAGE, MOCK_FIRST + PAGE);
	return true;
}

static void queue_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct guest g;
	uint64_t iova = MOCK_FIRST + 2 * PAGE;

	refuse(NULL, SELFTEST, 0, MOCK_FIRST, PAGE, -EINVAL);
	assert_null(iommufd_hw_queue_ref(NULL));
	assert_null(iommufd_hw_queue_unref(NULL));
	if (!set_up(f, &g))
		return;
	assert_error(iommufd_hw_queue_new(g.viommu, SELFTEST, 0, MOCK_FIRST, PAGE, NULL), -EINVAL);
	refuse(g.viommu, SELFTEST, 0, MOCK_FIRST, 0, -EINVAL);
	refuse(g.viommu, SELFTEST, 0, MOCK_FIRST, UINT64_MAX, -EOVERFLOW);
	refuse(g.viommu, 0, 0, MOCK_FIRST, PAGE, -EOPNOTSUPP);
	refuse(g.viommu, SELFTEST - 1, 0, MOCK_FIRST, PAGE, -EOPNOTSUPP);
	refuse(g.viommu, SELFTEST, K_IOMMU_TEST_HW_QUEUE_MAX, MOCK_FIRST, PAGE, -EINVAL);
	refuse(g.viommu, SELFTEST, 0, iova, PAGE, -ENOENT);
	refuse(g.viommu, SELFTEST, 0, MOCK_FIRST + PAGE, 2 * PAGE, -ENOENT);
	assert_ok(iommufd_ioas_map(g.ioas, get_buffer(f, PAGE), PAGE,
				   IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED, &iova, NULL));
	refuse(g.viommu, SELFTEST, 0, iova, PAGE, -EPERM);
}

static void memory_that_is_not_contiguous_efault(void **state)
{
	struct fixture *f = *state;
	struct guest g;
	uint8_t *page;

	if (!get_guest(f, &g))
		return;
	page = get_buffer(f, PAGE);
	map_at(g.ioas, page, PAGE, MOCK_FIRST);
	map_at(g.ioas, page, PAGE, MOCK_FIRST + PAGE);
	refuse(g.viommu, SELFTEST, 0, MOCK_FIRST, 2 * PAGE, -EFAULT);
	get_queue(f, &g, 0, MOCK_FIRST);
}

static void queues_come_from_the_lowest_up(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hw_queue *queue;
	struct guest g;

	if (!set_up(f, &g))
		return;
	refuse(g.viommu, SELFTEST, 1, MOCK_FIRST, PAGE, -EIO);
	queue = get_queue(f, &g, 0, MOCK_FIRST);
	refuse(g.viommu, SELFTEST, 0, MOCK_FIRST + PAGE, PAGE, -EEXIST);
	get_queue(f, &g, 1, MOCK_FIRST + PAGE);
	assert_ptr_equal(iommufd_hw_queue_ref(queue), queue);
	assert_null(iommufd_hw_queue_unref(queue));
}

static void queues_go_from_the_highest_down(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hw_queue *low, *high;
	struct guest g;

	if (!set_up(f, &g))
		return;
	low = get_queue(f, &g, 0, MOCK_FIRST);
	high = get_queue(f, &g, 1, MOCK_FIRST + PAGE);
	put_object(f, low);
	refuse(g.viommu, SELFTEST, 0, MOCK_FIRST, PAGE, -EEXIST); /* held by the higher */
	assert_error(iommufd_ioas_unmap(g.ioas, MOCK_FIRST, PAGE, NULL), -EBUSY);
	put_object(f, high);
	assert_ok(iommufd_ioas_unmap(g.ioas, MOCK_FIRST + PAGE, PAGE, NULL));
	low = get_queue(f, &g, 0, MOCK_FIRST);
	put_object(f, g.viommu); /* each queue holds it */
	put_object(f, g.parent);
	put_object(f, low);
}

static void memory_of_a_queue_stays_mapped_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hw_queue *queue;
	uint64_t unmapped = 7;
	struct guest g;

	if (!set_up(f, &g))
		return;
	queue = get_queue(f, &g, 0, MOCK_FIRST);
	assert_error(iommufd_ioas_unmap(g.ioas, MOCK_FIRST, 2 * PAGE, &unmapped), -EBUSY);
	assert_non_null(strstr(expected_record()->message, "hw queue"));
	assert_error(iommufd_ioas_unmap_all(g.ioas, &unmapped), -EBUSY);
	assert_int_equal(unmapped, 7);
	assert_int_equal(count_mappings(g.ioas), 2);
	assert_ok(iommufd_ioas_unmap(g.ioas, MOCK_FIRST + PAGE, PAGE, NULL));
	put_object(f, queue);
	assert_ok(iommufd_ioas_unmap_all(g.ioas, &unmapped));
	assert_int_equal(unmapped, PAGE);
}

static const struct CMUnitTest cases[] = {
	CASE(queue_bad_argument),
	CASE(memory_that_is_not_contiguous_efault),
	CASE(queues_come_from_the_lowest_up),
	CASE(queues_go_from_the_highest_down),
	CASE(memory_of_a_queue_stays_mapped_ebusy),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("hw_queue", cases, NULL, NULL);
}
