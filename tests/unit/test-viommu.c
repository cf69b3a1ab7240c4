/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* vIOMMUs and what hangs on them: in which order the kernel sees them go. */
#include "nesting.h"

#define FIRST 0x100000u

/* What went, from the @from-th on, is this. */
#define gone_are(s, from, ...) do { \
	const uint32_t expected_[] = { __VA_ARGS__ }; \
	assert_int_equal((s)->nr_gone - (from), ARRAY_SIZE(expected_)); \
	for (size_t i_ = 0; i_ < ARRAY_SIZE(expected_); i_++) \
		assert_int_equal((s)->gone[(from) + i_], expected_[i_]); \
} while (0)

static void a_virtual_device_goes_before_its_device(void **state)
{
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	struct iommufd_device *found;
	struct iommufd_vdevice *vdevice;
	uint32_t id;

	assert_int_equal(iommufd_vdevice_new(n.viommu, n.dev, 9, &vdevice), 0);
	id = s->last_id;
	assert_int_equal(iommufd_viommu_find_device(n.viommu, 9, &found), 0);
	assert_ptr_equal(found, n.dev);
	iommufd_device_unref(found);
	n.dev = iommufd_device_unref(n.dev);
	gone_are(s, 0, id);
	assert_error(iommufd_vdevice_get_device(vdevice, &found), -ENODEV);
	assert_error(iommufd_viommu_find_device(n.viommu, 9, &found), -ENOENT);
	iommufd_vdevice_unref(vdevice);
	gone_are(s, 0, id);
	drop_nest(&n);
}

static void children_go_before_parents_whoever_is_given_back_first(void **state)
{
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	uint32_t viommu = s->last_id, parent = viommu - 1, ioas = viommu - 2, first;
	struct k_iommu_hwpt_arm_smmuv3 data = { { 0 } };
	struct iommufd_fault_queue *faults;
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
		.data_type = IOMMUFD_HWPT_DATA_SMMUV3,
	};
	struct iommufd_vdevice *vdevice;
	struct iommufd_veventq *events;
	struct iommufd_hwpt *nested;

	assert_int_equal(iommufd_fault_queue_new(s->ctx, NULL, &faults), 0);
	opts.fault_queue = faults;
	assert_int_equal(iommufd_vdevice_new(n.viommu, n.dev, 9, &vdevice), 0);
	assert_int_equal(iommufd_veventq_new(n.viommu, IOMMUFD_VEVENT_SMMUV3, 8, NULL, &events), 0);
	assert_int_equal(iommufd_hwpt_new_on_viommu(n.dev, n.viommu, &opts, &nested), 0);
	first = viommu + 1;
	iommufd_fault_queue_unref(faults);
	iommufd_ioas_unref(n.ioas);
	iommufd_hwpt_unref(n.parent);
	iommufd_viommu_unref(n.viommu);
	assert_int_equal(s->nr_gone, 0);
	iommufd_hwpt_unref(nested);
	gone_are(s, 0, first + 3, FIRST_FD + first, first);
	iommufd_veventq_unref(events);
	gone_are(s, 3, FIRST_FD + first + 2, first + 2);
	iommufd_vdevice_unref(vdevice);
	gone_are(s, 5, first + 1, viommu, parent, ioas);
	iommufd_device_unref(n.dev);
}

static void mappings_go_before_their_viommu(void **state)
{
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	uint32_t viommu = s->last_id;
	void *one, *two, *none;

	assert_int_equal(iommufd_viommu_map(n.viommu, 0, PAGE, &one), 0);
	assert_int_equal(iommufd_viommu_map(n.viommu, 0, PAGE, &two), 0);
	assert_int_equal(iommufd_viommu_unmap(n.viommu, one), 0);
	assert_error(iommufd_viommu_unmap(n.viommu, one), -ENOENT);
	assert_error(iommufd_viommu_map(n.viommu, 1, PAGE, &none), -EINVAL);
	assert_error(iommufd_viommu_map(n.viommu, 0, 0, &none), -EINVAL);
	assert_null(none);
	n.viommu = iommufd_viommu_unref(n.viommu);
	gone_are(s, 0, 0, 0, viommu);
	drop_nest(&n);
}

static void queue_at(struct nest *n, uint32_t index, uint64_t iova,
		     struct iommufd_hw_queue **out)
{
	assert_int_equal(iommufd_hw_queue_new(n->viommu, IOMMUFD_HW_QUEUE_TEGRA241_CMDQV, index,
					      iova, PAGE, out), 0);
}

static void hardware_queues_go_from_the_highest_down(void **state)
{
	static const uint8_t orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	static uint8_t memory[4 * PAGE] __attribute__((aligned(PAGE)));
	struct scripted *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct nest n = make_nest(s);
		struct iommufd_hw_queue *queue[3];
		uint64_t iova = FIRST;
		uint32_t first = s->last_id + 1;

		s->nr_gone = 0;
		assert_int_equal(iommufd_ioas_map(n.ioas, memory, sizeof(memory),
						  IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova,
						  NULL), 0);
		for (uint32_t index = 0; index < 3; index++)
			queue_at(&n, index, FIRST + index * PAGE, &queue[index]);
		for (size_t j = 0; j < 3; j++) {
			assert_error(iommufd_ioas_unmap_all(n.ioas, NULL), -EBUSY);
			iommufd_hw_queue_unref(queue[orders[i][j]]);
		}
		gone_are(s, 0, first + 2, first + 1, first);
		assert_int_equal(iommufd_ioas_unmap_all(n.ioas, NULL), 0);
		drop_nest(&n);
	}
}

static void memory_of_a_hardware_queue_stays_mapped(void **state)
{
	static uint8_t memory[4 * PAGE] __attribute__((aligned(PAGE)));
	struct nest n = make_nest(*state);
	struct iommufd_hw_queue *queue;
	const uint32_t fixed = IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED;
	uint64_t iova = FIRST, unmapped = 4711;

	for (int i = 0; i < 3; i++, iova += PAGE)
		assert_int_equal(iommufd_ioas_map(n.ioas, memory + i * PAGE, PAGE, fixed, &iova,
						  NULL), 0);
	assert_error(iommufd_hw_queue_new(n.viommu, 1, 0, FIRST + 2 * PAGE, PAGE + 1, &queue),
		     -ENOENT);
	assert_error(iommufd_hw_queue_new(n.viommu, 1, 0, 0, PAGE, &queue), -ENOENT);
	assert_error(iommufd_hw_queue_new(n.viommu, 1, 0, FIRST, 0, &queue), -EINVAL);
	assert_error(iommufd_hw_queue_new(n.viommu, 1, 0, FIRST, UINT64_MAX, &queue), -EOVERFLOW);
	assert_null(queue);
	assert_int_equal(iommufd_ioas_map(n.ioas, memory + 3 * PAGE, PAGE,
					  IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED, &iova, NULL), 0);
	assert_error(iommufd_hw_queue_new(n.viommu, 1, 0, iova, PAGE, &queue), -EPERM);
	/* Across two mappings, and from within the first to within the second. */
	assert_int_equal(iommufd_hw_queue_new(n.viommu, 1, 0, FIRST + PAGE / 2, PAGE, &queue), 0);
	assert_error(iommufd_ioas_unmap(n.ioas, FIRST, PAGE, &unmapped), -EBUSY);
	assert_non_null(strstr(iommufd_error_last()->message, "hw queue"));
	assert_error(iommufd_ioas_unmap(n.ioas, FIRST + PAGE, PAGE, NULL), -EBUSY);
	assert_int_equal(unmapped, 4711);
	assert_int_equal(iommufd_ioas_unmap(n.ioas, FIRST + 2 * PAGE, PAGE, NULL), 0);
	iommufd_hw_queue_unref(queue);
	assert_int_equal(iommufd_ioas_unmap(n.ioas, FIRST, 4 * PAGE, NULL), 0);
	drop_nest(&n);
}

/* The kernel's refusals, each as it is documented, and nothing is left of the object. */
static void refusals_come_back_as_they_are(void **state)
{
	static const int of_viommus[] = { EINVAL, EOPNOTSUPP, EFAULT, ENOSPC, ENODEV, ENOMEM };
	static const int of_queues[] = { EINVAL, EOPNOTSUPP, EFAULT, EEXIST, ENOMEM, EIO };
	static uint8_t memory[PAGE] __attribute__((aligned(PAGE)));
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	uint64_t iova = FIRST;
	struct iommufd_viommu *viommu;
	struct iommufd_vdevice *vdevice;
	struct iommufd_hw_queue *queue;

	assert_int_equal(iommufd_ioas_map(n.ioas, memory, PAGE,
					  IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova, NULL), 0);
	s->refused = K_IOMMU_VIOMMU_ALLOC;
	for (size_t i = 0; i < ARRAY_SIZE(of_viommus); i++) {
		s->code = -of_viommus[i];
		assert_error(iommufd_viommu_new(n.dev, n.parent, 1, NULL, &viommu), s->code);
		assert_null(viommu);
	}
	s->code = -ENOTTY;
	assert_error(iommufd_viommu_new(n.dev, n.parent, 1, NULL, &viommu), -EIO);
	s->refused = K_IOMMU_HW_QUEUE_ALLOC;
	for (size_t i = 0; i < ARRAY_SIZE(of_queues); i++) {
		s->code = -of_queues[i];
		assert_error(iommufd_hw_queue_new(n.viommu, 1, 0, iova, PAGE, &queue), s->code);
		assert_null(queue);
	}
	s->refused = K_IOMMU_VDEVICE_ALLOC;
	s->code = -ENOENT;
	assert_error(iommufd_vdevice_new(n.viommu, n.dev, 1, &vdevice), -ENODEV);
	s->code = -EEXIST;
	assert_error(iommufd_vdevice_new(n.viommu, n.dev, 1, &vdevice), -EEXIST);
	assert_null(vdevice);
	s->refused = 0;
	assert_int_equal(iommufd_ioas_unmap_all(n.ioas, NULL), 0);
	drop_nest(&n);
}

/* The kernel would take the table for one of the other driver's. */
static void a_table_for_another_iommu_is_refused_before_the_kernel_sees_it(void **state)
{
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	uint32_t last = s->last_id;
	struct iommufd_viommu *viommu;

	s->iommu_type = K_IOMMU_HW_INFO_TYPE_AMD;
	assert_error(iommufd_viommu_new(n.dev, n.parent, 1, NULL, &viommu), -EINVAL);
	s->iommu_type = K_IOMMU_HW_INFO_TYPE_NONE;
	assert_error(iommufd_viommu_new(n.dev, n.parent, 1, NULL, &viommu), -EINVAL);
	assert_int_equal(s->last_id, last);
	s->refused = K_IOMMU_GET_HW_INFO;
	s->code = -ENOMEM;
	assert_error(iommufd_viommu_new(n.dev, n.parent, 1, NULL, &viommu), -ENOMEM);
	s->refused = 0;
	drop_nest(&n);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_virtual_device_goes_before_its_device),
		CASE(children_go_before_parents_whoever_is_given_back_first),
		CASE(mappings_go_before_their_viommu),
		CASE(hardware_queues_go_from_the_highest_down),
		CASE(memory_of_a_hardware_queue_stays_mapped),
		CASE(refusals_come_back_as_they_are),
		CASE(a_table_for_another_iommu_is_refused_before_the_kernel_sees_it),
	};

	return cmocka_run_group_tests_name("viommu", cases, NULL, NULL);
}
