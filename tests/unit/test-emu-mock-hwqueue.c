/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Queues of a guest that hardware reads by itself. */
#include "test-emu-mock.h"

struct scene {
	struct mock mock;
	uint32_t parent;
	uint32_t viommu;
};

static struct scene new_scene(struct mocks *m)
{
	struct scene s = { .mock = new_mock(m, 0) };

	s.parent = new_hwpt(m, &s.mock, K_IOMMU_HWPT_ALLOC_NEST_PARENT);
	s.viommu = new_viommu(m, &s.mock, s.parent);
	assert_int_equal(map(m, m->mem, PAGES * PAGE, APERTURE), 0);
	return s;
}

static int try_queue(struct mocks *m, struct k_iommu_hw_queue_alloc arg, uint32_t *id)
{
	int r;

	arg.size = sizeof(arg);
	r = request(m, K_IOMMU_HW_QUEUE_ALLOC, &arg);
	*id = arg.out_hw_queue_id;
	return r;
}

static struct k_iommu_hw_queue_alloc at(const struct scene *s, uint32_t index, uint64_t iova)
{
	return (struct k_iommu_hw_queue_alloc){
		.viommu_id = s->viommu, .type = K_IOMMU_HW_QUEUE_TYPE_SELFTEST, .index = index,
		.nesting_parent_iova = iova, .length = PAGE,
	};
}

static void memory_stays_mapped_under_a_queue(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	uint64_t second = APERTURE + 32 * PAGE;
	uint32_t id;

	assert_int_equal(map(m, m->mem, PAGE, second), 0);
	assert_int_equal(try_queue(m, at(&s, 0, second), &id), 0);
	assert_int_equal(unmap(m, second, PAGE), -EBUSY);
	assert_int_equal(unmap(m, APERTURE, 64 * PAGE), -EBUSY); /* and the first is gone */
	assert_int_equal(map(m, m->mem, PAGES * PAGE, APERTURE), 0);
	assert_int_equal(unmap(m, 0, UINT64_MAX), -EBUSY);
	assert_int_equal(map(m, m->mem, PAGES * PAGE, APERTURE), 0);
	assert_int_equal(destroy(m, s.viommu), -EBUSY);
	assert_int_equal(destroy(m, id), 0);
	assert_int_equal(unmap(m, second, PAGE), 0);
}

static void queues_come_and_go_in_order(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	uint32_t first, second, id;

	assert_int_equal(try_queue(m, at(&s, 1, APERTURE), &id), -EIO);
	assert_int_equal(try_queue(m, at(&s, K_IOMMU_TEST_HW_QUEUE_MAX, APERTURE), &id), -EINVAL);
	assert_int_equal(try_queue(m, at(&s, 0, APERTURE), &first), 0);
	assert_int_equal(try_queue(m, at(&s, 0, APERTURE), &id), -EEXIST);
	assert_int_equal(try_queue(m, at(&s, 1, APERTURE), &second), 0);
	assert_int_equal(second, first + 2); /* between them is what keeps the memory */
	assert_int_equal(destroy(m, first), -EBUSY);
	assert_int_equal(destroy(m, first + 1), -EBUSY);
	assert_int_equal(destroy(m, second), 0);
	assert_int_equal(unmap(m, APERTURE, PAGES * PAGE), -EBUSY);
	assert_int_equal(destroy(m, first), 0);
	assert_int_equal(destroy(m, first + 1), -ENOENT);
	assert_int_equal(unmap(m, APERTURE, PAGES * PAGE), 0);
	assert_int_equal(destroy(m, s.viommu), 0);
}

static void bad_requests_make_no_queue(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	struct k_iommu_hw_queue_alloc arg = at(&s, 0, APERTURE);
	uint32_t id;

	arg.flags = 1;
	assert_int_equal(try_queue(m, arg, &id), -EOPNOTSUPP);
	arg = at(&s, 0, APERTURE);
	arg.type = K_IOMMU_HW_QUEUE_TYPE_DEFAULT;
	assert_int_equal(try_queue(m, arg, &id), -EOPNOTSUPP);
	arg.type = K_IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV;
	assert_int_equal(try_queue(m, arg, &id), -EOPNOTSUPP);
	arg = at(&s, 0, APERTURE);
	arg.viommu_id = 99;
	assert_int_equal(try_queue(m, arg, &id), -ENOENT);
	arg = at(&s, 0, APERTURE);
	arg.length = 0;
	assert_int_equal(try_queue(m, arg, &id), -EINVAL);
	arg.length = UINT64_MAX;
	assert_int_equal(try_queue(m, arg, &id), -EOVERFLOW);
	arg.nesting_parent_iova = 1;
	assert_int_equal(try_queue(m, arg, &id), -ERANGE);
	arg.length = UINT64_C(1) << 62;
	assert_int_equal(try_queue(m, arg, &id), -ENOMEM);
	assert_int_equal(try_queue(m, at(&s, 0, APERTURE + PAGES * PAGE), &id), -ENOENT);
	assert_int_equal(try_queue(m, at(&s, 0, 0), &id), -ENOENT);
	assert_int_equal(unmap(m, APERTURE, PAGES * PAGE), 0);
	assert_int_equal(destroy(m, s.viommu), 0);
}

static void hardware_must_be_allowed_to_read(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	struct k_iommu_ioas_map arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .user_va = (uintptr_t)m->mem,
		.flags = K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_WRITEABLE,
		.length = PAGE, .iova = APERTURE + 32 * PAGE,
	};
	uint32_t id;

	assert_int_equal(request(m, K_IOMMU_IOAS_MAP, &arg), 0);
	assert_int_equal(try_queue(m, at(&s, 0, arg.iova), &id), -EPERM);
}

static uint64_t alignment(struct mocks *m)
{
	struct k_iommu_ioas_iova_ranges arg = { .size = sizeof(arg), .ioas_id = m->ioas };

	assert_int_equal(request(m, K_IOMMU_IOAS_IOVA_RANGES, &arg), -EMSGSIZE);
	return arg.out_iova_alignment;
}

static void iovas_are_in_whole_pages_meanwhile(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	uint64_t odd = APERTURE + 32 * PAGE;
	uint32_t id;

	assert_int_equal(alignment(m), K_MOCK_PAGE_SIZE);
	assert_int_equal(map(m, m->mem, K_MOCK_PAGE_SIZE, odd), 0);
	assert_int_equal(try_queue(m, at(&s, 0, APERTURE), &id), -EADDRINUSE);
	assert_int_equal(unmap(m, odd, K_MOCK_PAGE_SIZE), 0);
	assert_int_equal(try_queue(m, at(&s, 0, APERTURE), &id), 0);
	assert_int_equal(alignment(m), PAGE);
	assert_int_equal(map(m, m->mem, K_MOCK_PAGE_SIZE, odd), -EINVAL);
	assert_int_equal(destroy(m, id), 0);
	assert_int_equal(alignment(m), K_MOCK_PAGE_SIZE);
}

static void a_queue_need_not_be_at_the_start_of_a_page(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	struct k_iommu_hw_queue_alloc arg = at(&s, 0, APERTURE + 512);
	uint32_t id;

	arg.length = 256;
	assert_int_equal(try_queue(m, arg, &id), 0);
	assert_int_equal(unmap(m, APERTURE, PAGES * PAGE), -EBUSY);
	assert_int_equal(destroy(m, id), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_stays_mapped_under_a_queue),
		TEST(queues_come_and_go_in_order),
		TEST(bad_requests_make_no_queue),
		TEST(hardware_must_be_allowed_to_read),
		TEST(iovas_are_in_whole_pages_meanwhile),
		TEST(a_queue_need_not_be_at_the_start_of_a_page),
	};

	return RUN(tests);
}
