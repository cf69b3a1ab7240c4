/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* vIOMMUs of mock devices, vDEVICEs, and pages to map. */
#include "test-emu-mock.h"

enum { PARENT = K_IOMMU_HWPT_ALLOC_NEST_PARENT };

typedef struct k_iommu_viommu_selftest data_t;

static int map_pages(struct mocks *m, size_t n, int prot, uint64_t offset, void **out)
{
	if (m->emu)
		return m->sys->mmap(m->sys->data, n, prot, m->iommu, offset, out);
	*out = mmap(NULL, n, prot, MAP_SHARED, m->iommu, (off_t)offset);
	return *out == MAP_FAILED ? -errno : 0;
}

static void unmap_pages(struct mocks *m, void *at, size_t n)
{
	assert_int_equal(m->emu ? m->sys->munmap(m->sys->data, at, n) : munmap(at, n), 0);
}

static struct k_iommu_viommu_alloc with_data(const struct mock *mock, uint32_t parent, data_t *data)
{
	return (struct k_iommu_viommu_alloc){
		.type = K_IOMMU_VIOMMU_TYPE_SELFTEST, .dev_id = mock->dev, .hwpt_id = parent,
		.data_len = sizeof(*data), .data_uptr = (uintptr_t)data,
	};
}

static void viommus_are_made_of_parents_alone(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), plain = new_hwpt(m, &mock, 0), id;
	struct k_iommu_viommu_alloc arg = { .type = K_IOMMU_VIOMMU_TYPE_SELFTEST,
					    .dev_id = mock.dev, .hwpt_id = plain };

	assert_int_equal(try_viommu(m, arg, &id), -EINVAL);
	arg.hwpt_id = new_nested(m, &mock, parent);
	assert_int_equal(try_viommu(m, arg, &id), -ENOENT);
	arg.hwpt_id = parent;
	arg.dev_id = 99;
	assert_int_equal(try_viommu(m, arg, &id), -ENOENT);
	arg.dev_id = mock.dev;
	arg.type = K_IOMMU_VIOMMU_TYPE_ARM_SMMUV3;
	assert_int_equal(try_viommu(m, arg, &id), -EOPNOTSUPP);
	arg.type = K_IOMMU_VIOMMU_TYPE_DEFAULT;
	assert_int_equal(try_viommu(m, arg, &id), -EOPNOTSUPP);
	arg.type = K_IOMMU_VIOMMU_TYPE_SELFTEST;
	arg.flags = 1;
	assert_int_equal(try_viommu(m, arg, &id), -EOPNOTSUPP);
	arg.flags = 0;
	assert_int_equal(try_viommu(m, arg, &id), 0);
	assert_int_equal(destroy(m, parent), -EBUSY);
	assert_int_equal(destroy(m, id), 0);
}

static void data_come_back_and_say_what_to_map(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), id, other;
	data_t data = { .in_data = 0x1234 }, second = { .in_data = 0x5678 };
	uint32_t *page, *next;

	assert_int_equal(try_viommu(m, with_data(&mock, parent, &data), &id), 0);
	assert_int_equal(data.out_data, 0x1234);
	assert_int_equal(data.out_mmap_length, 2 * PAGE);
	assert_int_equal(data.out_mmap_offset, PAGE);
	assert_int_equal(try_viommu(m, with_data(&mock, parent, &second), &other), 0);
	assert_int_equal(second.out_mmap_offset, 3 * PAGE);
	assert_int_equal(map_pages(m, 2 * PAGE, PROT_READ | PROT_WRITE, PAGE, (void **)&page), 0);
	assert_int_equal(*page, 0x1234);
	assert_int_equal(map_pages(m, 2 * PAGE, PROT_READ, 3 * PAGE, (void **)&next), 0);
	assert_int_equal(*next, 0x5678);
	assert_int_equal(destroy(m, id), -EBUSY);
	unmap_pages(m, page, PAGE);
	assert_int_equal(destroy(m, id), -EBUSY); /* half of it is left */
	unmap_pages(m, page + PAGE / 4, PAGE);
	assert_int_equal(destroy(m, id), 0);
	assert_int_equal(try_viommu(m, with_data(&mock, parent, &data), &id), 0);
	assert_int_equal(data.out_mmap_offset, PAGE); /* free again */
	unmap_pages(m, next, 2 * PAGE);
}

static void nothing_else_can_be_mapped(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), id;
	data_t data = { 0 };
	void *at;

	assert_int_equal(map_pages(m, 2 * PAGE, PROT_READ, PAGE, &at), -ENXIO);
	assert_int_equal(try_viommu(m, with_data(&mock, parent, &data), &id), 0);
	assert_int_equal(map_pages(m, PAGE, PROT_READ, 0, &at), -ENXIO);
	assert_int_equal(map_pages(m, PAGE, PROT_READ, PAGE, &at), -ENXIO);
	assert_int_equal(map_pages(m, PAGE, PROT_READ, 2 * PAGE, &at), -ENXIO);
	assert_int_equal(map_pages(m, 3 * PAGE, PROT_READ, PAGE, &at), -ENXIO);
	assert_int_equal(map_pages(m, 2 * PAGE, PROT_READ | PROT_EXEC, PAGE, &at), -EPERM);
	assert_int_equal(destroy(m, id), 0);
	assert_int_equal(map_pages(m, 2 * PAGE, PROT_READ, PAGE, &at), -ENXIO);
}

static void mapped_pages_outlive_the_iommufd_and_cannot_be_pinned(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), id;
	data_t data = { .in_data = 7 };
	uint32_t *page;

	assert_int_equal(try_viommu(m, with_data(&mock, parent, &data), &id), 0);
	assert_int_equal(map_pages(m, 2 * PAGE, PROT_READ | PROT_WRITE, PAGE, (void **)&page), 0);
	assert_int_equal(map(m, page, PAGE, APERTURE), -EFAULT);
	shut(m, m->iommu);
	assert_int_equal(*page, 7);
	unmap_pages(m, page, 2 * PAGE);
	m->iommu = m->emu ? m->sys->open(m->sys->data, "/dev/iommu", O_RDWR)
			  : open("/dev/iommu", O_RDWR | O_CLOEXEC);
}

static void bad_data(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), id;
	data_t data[2] = { { 0 } };
	struct k_iommu_viommu_alloc arg = with_data(&mock, parent, data);

	arg.data_len = 7;
	assert_int_equal(try_viommu(m, arg, &id), -EINVAL);
	arg.data_len = sizeof(*data) + 1;
	assert_int_equal(try_viommu(m, arg, &id), -EINVAL);
	arg.data_uptr = 0;
	arg.data_len = sizeof(*data);
	assert_int_equal(try_viommu(m, arg, &id), -EFAULT);
	assert_int_equal(destroy(m, parent), 0); /* nothing is left of them */
}

static void a_table_on_a_viommu_needs_a_vdevice_to_be_attached(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), viommu = new_viommu(m, &mock, parent);
	uint32_t nested = new_nested(m, &mock, viommu), vdevice, id;

	assert_int_equal(try_nested(m, mock.dev, viommu, PARENT, 0, &id), -EOPNOTSUPP);
	assert_int_equal(try_hwpt(m, mock.dev, viommu, 0, &id), -EOPNOTSUPP);
	assert_int_equal(replace(m, &mock, nested), -ENOENT);
	vdevice = new_vdevice(m, viommu, &mock, 0x42);
	assert_int_equal(replace(m, &mock, nested), 0);
	assert_int_equal(destroy(m, viommu), -EBUSY);
	assert_int_equal(destroy(m, nested), -EBUSY);
	assert_int_equal(destroy(m, vdevice), 0); /* whatever it is attached to */
	assert_int_equal(replace(m, &mock, m->ioas), 0);
	assert_int_equal(replace(m, &mock, viommu), -EINVAL);
	assert_int_equal(destroy(m, nested), 0);
	assert_int_equal(destroy(m, viommu), 0);
	assert_int_equal(destroy(m, parent), 0);
}

static void a_device_and_a_number_are_used_once(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0), other = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, PARENT), viommu = new_viommu(m, &mock, parent);
	uint32_t second = new_viommu(m, &mock, parent), vdevice, id;

	vdevice = new_vdevice(m, viommu, &mock, 0x42);
	assert_int_equal(try_vdevice(m, viommu, mock.dev, 0x42, &id), -EEXIST);
	assert_int_equal(try_vdevice(m, viommu, mock.dev, 0x43, &id), -EEXIST);
	assert_int_equal(try_vdevice(m, second, mock.dev, 0x43, &id), -EEXIST);
	assert_int_equal(try_vdevice(m, viommu, other.dev, 0x42, &id), -EEXIST);
	assert_int_equal(try_vdevice(m, 99, other.dev, 1, &id), -ENOENT);
	assert_int_equal(try_vdevice(m, viommu, 99, 1, &id), -ENOENT);
	new_vdevice(m, second, &other, 0x42);
	assert_int_equal(destroy(m, viommu), -EBUSY);
	assert_int_equal(destroy(m, vdevice), 0);
	assert_int_equal(try_vdevice(m, viommu, mock.dev, 0x43, &id), 0);
	assert_int_equal(id, vdevice);
}

static void a_device_that_leaves_first_takes_its_vdevice_along(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0), other;
	uint32_t parent = new_hwpt(m, &mock, PARENT), viommu = new_viommu(m, &mock, parent);
	uint32_t vdevice = new_vdevice(m, viommu, &mock, 0x42), last;

	assert_int_equal(destroy(m, mock.stdev), 0);
	assert_int_equal(destroy(m, vdevice), -ENOENT);
	other = new_mock(m, 0);
	assert_int_equal(other.stdev, mock.stdev);
	last = new_vdevice(m, viommu, &other, 0x42);
	assert_int_equal(last, vdevice + 1); /* the id is not used again */
	assert_int_equal(destroy(m, last), 0);
	assert_int_equal(destroy(m, viommu), 0);
}

static int invalidate(struct mocks *m, uint32_t id, const void *entries, uint32_t length,
		      uint32_t *n)
{
	struct k_iommu_hwpt_invalidate arg = {
		.size = sizeof(arg), .hwpt_id = id, .data_uptr = (uintptr_t)entries,
		.data_type = K_IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, .entry_len = length,
		.entry_num = *n,
	};
	int r = request(m, K_IOMMU_HWPT_INVALIDATE, &arg);

	*n = arg.entry_num;
	return r;
}

static int check_cache(struct mocks *m, const struct mock *mock, uint32_t i, uint32_t value)
{
	struct k_iommu_test_cmd cmd = { .op = K_IOMMU_TEST_OP_DEV_CHECK_CACHE, .id = mock->dev,
					.check_dev_cache = { i, value } };

	return op(m, &cmd);
}

static void caches_are_invalidated_by_the_guests_number(void **state)
{
	const struct k_iommu_viommu_invalidate_selftest entries[] = {
		{ .vdev_id = 0x42, .cache_id = 1 }, { .vdev_id = 0x43 }, { .vdev_id = 0x42 },
	};
	struct k_iommu_viommu_invalidate_selftest all = {
		.flags = K_IOMMU_TEST_INVALIDATE_FLAG_ALL, .vdev_id = 0x42,
	};
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t viommu = new_viommu(m, &mock, new_hwpt(m, &mock, PARENT)), n = 3;

	new_vdevice(m, viommu, &mock, 0x42);
	assert_int_equal(invalidate(m, viommu, entries, sizeof(*entries), &n), -EINVAL);
	assert_int_equal(n, 1);
	assert_int_equal(check_cache(m, &mock, 0, K_IOMMU_TEST_DEV_CACHE_DEFAULT), 0);
	assert_int_equal(check_cache(m, &mock, 1, 0), 0);
	n = 1;
	assert_int_equal(invalidate(m, viommu, &all, sizeof(all), &n), 0);
	assert_int_equal(n, 1);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(check_cache(m, &mock, i, 0), 0);
	all.cache_id = 4;
	assert_int_equal(invalidate(m, viommu, &all, sizeof(all), &n), -EINVAL);
	assert_int_equal(n, 0);
	n = 1;
	all.flags = 2;
	assert_int_equal(invalidate(m, viommu, &all, sizeof(all), &n), -EOPNOTSUPP);
	n = 1;
	assert_int_equal(invalidate(m, viommu, (void *)PAGE, sizeof(all), &n), -EFAULT);
}

static void entries_may_be_of_another_size(void **state)
{
	struct k_iommu_viommu_invalidate_selftest entry[2] = { { .vdev_id = 0x42, .cache_id = 1 } };
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t viommu = new_viommu(m, &mock, new_hwpt(m, &mock, PARENT)), n = 1;

	new_vdevice(m, viommu, &mock, 0x42);
	assert_int_equal(invalidate(m, viommu, entry, sizeof(entry), &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(check_cache(m, &mock, 1, 0), 0);
	assert_int_equal(invalidate(m, viommu, entry, 8, &n), 0); /* and the cache is 0 then */
	assert_int_equal(check_cache(m, &mock, 0, 0), 0);
	entry[1].flags = 1;
	assert_int_equal(invalidate(m, viommu, entry, sizeof(entry), &n), -E2BIG);
	assert_int_equal(n, 0);
	assert_int_equal(invalidate(m, viommu, NULL, 0, &n), 0); /* asks for the type */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(viommus_are_made_of_parents_alone),
		TEST(data_come_back_and_say_what_to_map),
		TEST(nothing_else_can_be_mapped),
		TEST(mapped_pages_outlive_the_iommufd_and_cannot_be_pinned),
		TEST(bad_data),
		TEST(a_table_on_a_viommu_needs_a_vdevice_to_be_attached),
		TEST(a_device_and_a_number_are_used_once),
		TEST(a_device_that_leaves_first_takes_its_vdevice_along),
		TEST(caches_are_invalidated_by_the_guests_number),
		TEST(entries_may_be_of_another_size),
	};

	return RUN(tests);
}
