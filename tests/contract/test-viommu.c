/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Virtual IOMMUs: made, mapped, told to forget. */
#include "guest.h"

#define SELFTEST K_IOMMU_VIOMMU_TYPE_SELFTEST

#define refuse(dev, parent, type, opts, code) do { \
	struct iommufd_viommu *none_ = (void *)1; \
	assert_error(iommufd_viommu_new(dev, parent, type, opts, &none_), code); \
	assert_null(none_); \
} while (0)

static void viommu_is_made_with_data_and_without(void **state)
{
	struct fixture *f = *state;
	struct iommufd_viommu *viommu;
	struct guest g;

	if (!get_guest(f, &g))
		return;
	assert_int_equal(g.data.out_data, 0x1234);
	assert_true(g.data.out_mmap_length);
	assert_ok(iommufd_viommu_new(g.dev, g.parent, SELFTEST, NULL, &viommu));
	hold_viommu(f, viommu);
	assert_ptr_equal(iommufd_viommu_ref(viommu), viommu);
	assert_null(iommufd_viommu_unref(viommu));
	put_object(f, viommu);
}

static void viommu_bad_argument(void **state)
{
	struct { struct iommufd_viommu_opts known; uint64_t more; } future = {
		.known = { .size = sizeof(future) }, .more = 1,
	};
	struct iommufd_viommu_opts opts = { .size = sizeof(opts), .flags = 1 };
	struct fixture *f = *state;
	struct iommufd_viommu *viommu;
	struct iommufd_hwpt *plain;
	uint64_t data[8] = { 0 };
	struct guest g;

	assert_null(iommufd_viommu_ref(NULL));
	assert_null(iommufd_viommu_unref(NULL));
	if (!get_parent(f, &g))
		return;
	refuse(NULL, g.parent, SELFTEST, NULL, -EINVAL);
	refuse(g.dev, NULL, SELFTEST, NULL, -EINVAL);
	refuse(g.dev, (void *)g.ioas, SELFTEST, NULL, -EINVAL);
	assert_error(iommufd_viommu_new(g.dev, g.parent, SELFTEST, NULL, NULL), -EINVAL);
	refuse(g.dev, g.parent, SELFTEST, &future.known, -E2BIG);
	refuse(g.dev, g.parent, SELFTEST, &opts, -EOPNOTSUPP);
	opts.flags = 0;
	opts.data = data;
	refuse(g.dev, g.parent, SELFTEST, &opts, -EINVAL);
	opts.data_length = 4; /* less than the driver wants */
	refuse(g.dev, g.parent, SELFTEST, &opts, -EINVAL);
	opts.data_length = sizeof(data);
	refuse(g.dev, g.parent, SELFTEST, &opts, -EINVAL); /* and more */
	opts.data = (void *)1;
	opts.data_length = sizeof(g.data);
	refuse(g.dev, g.parent, SELFTEST, &opts, -EFAULT);
	refuse(g.dev, g.parent, 0, NULL, -EOPNOTSUPP);
	refuse(g.dev, g.parent, IOMMUFD_VIOMMU_SMMUV3, NULL, -EOPNOTSUPP);
	plain = get_hwpt(f, g.dev, g.ioas, 0);
	refuse(g.dev, plain, SELFTEST, NULL, -EINVAL);
	refuse(g.dev, get_nested(f, g.dev, g.parent, 0), SELFTEST, NULL, -EINVAL);
	assert_ok(iommufd_viommu_new(g.dev, g.parent, SELFTEST, NULL, &viommu));
	iommufd_viommu_unref(viommu);
}

static void objects_of_another_context_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_vdevice *vdevice;
	struct iommufd_hwpt *hwpt;
	struct iommufd_ctx *ctx;
	struct guest g, other;

	if (!get_parent(f, &g))
		return;
	ctx = f->ctx;
	f->ctx = get_ctx(f, NULL);
	assert_true(get_guest(f, &other));
	f->ctx = ctx;
	refuse(g.dev, other.parent, SELFTEST, NULL, -EINVAL);
	assert_error(iommufd_vdevice_new(other.viommu, g.dev, 1, &vdevice), -EINVAL);
	assert_error(iommufd_hwpt_new_on_viommu(g.dev, other.viommu, NULL, &hwpt), -EINVAL);
}

/* That is told beforehand; and a table that is not for its IOMMU crashes some kernels. */
static void real_device_has_none(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct guest g;

	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_VIOMMU), 0);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_VEVENTQ), 0);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_HW_QUEUE), 0);
	if (iommufd_device_has(dev, IOMMUFD_CAP_HWPT) == 1 && get_parent(f, &g))
		refuse(dev, g.parent, SELFTEST, NULL, -EINVAL);
}

static void pages_of_the_iommu_are_mapped(void **state)
{
	struct fixture *f = *state;
	struct guest g;
	uint32_t *page;
	void *again;

	if (!get_guest(f, &g))
		return;
	assert_ok(iommufd_viommu_map(g.viommu, g.data.out_mmap_offset, g.data.out_mmap_length,
				     (void **)&page));
	assert_int_equal(*page, 0x1234);
	*page = 7;
	assert_ok(iommufd_viommu_map(g.viommu, g.data.out_mmap_offset, g.data.out_mmap_length,
				     &again));
	assert_int_equal(*(uint32_t *)again, 7);
	assert_ok(iommufd_viommu_unmap(g.viommu, again));
	assert_error(iommufd_viommu_unmap(g.viommu, again), -ENOENT);
	put_object(f, g.viommu); /* which unmaps the other, or it could not go */
	put_object(f, g.parent);
}

static void map_bad_argument(void **state)
{
	struct fixture *f = *state;
	void *address = (void *)1;
	struct guest g;

	assert_error(iommufd_viommu_map(NULL, 0, PAGE, &address), -EINVAL);
	assert_null(address);
	assert_error(iommufd_viommu_unmap(NULL, NULL), -EINVAL);
	if (!get_guest(f, &g))
		return;
	assert_error(iommufd_viommu_map(g.viommu, g.data.out_mmap_offset, PAGE, NULL), -EINVAL);
	assert_error(iommufd_viommu_map(g.viommu, g.data.out_mmap_offset, 0, &address), -EINVAL);
	assert_error(iommufd_viommu_map(g.viommu, 1, PAGE, &address), -EINVAL);
	assert_error(iommufd_viommu_map(g.viommu, g.data.out_mmap_offset, PAGE + 1, &address),
		     -EINVAL);
	assert_error(iommufd_viommu_map(g.viommu, g.data.out_mmap_offset, PAGE, &address), -ENXIO);
	assert_error(iommufd_viommu_map(g.viommu, UINT64_C(1) << 40, 2 * PAGE, &address), -ENXIO);
	assert_error(iommufd_viommu_unmap(g.viommu, NULL), -ENOENT);
}

/* Four entries in a mock device's cache, each forgotten by number. */
static void guest_tells_what_to_forget(void **state)
{
	struct k_iommu_viommu_invalidate_selftest entries[3] = {
		{ .vdev_id = 9, .cache_id = 1 }, { .vdev_id = 8 }, { .vdev_id = 9 },
	};
	const uint32_t type = K_IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, size = sizeof(*entries);
	struct fixture *f = *state;
	struct guest g;
	uint32_t count = 0;

	assert_error(iommufd_viommu_invalidate(NULL, type, NULL, 0, &count), -EINVAL);
	if (!get_guest(f, &g))
		return;
	assert_ok(iommufd_viommu_invalidate(g.viommu, type, NULL, 0, &count));
	assert_error(iommufd_viommu_invalidate(g.viommu, type + 1, NULL, 0, &count), -EOPNOTSUPP);
	assert_error(iommufd_viommu_invalidate(g.viommu, type, NULL, 0, NULL), -EINVAL);
	count = 1;
	assert_error(iommufd_viommu_invalidate(g.viommu, type, NULL, size, &count), -EINVAL);
	count = 1;
	assert_error(iommufd_viommu_invalidate(g.viommu, type, (void *)1, size, &count), -EFAULT);
	get_vdevice(f, g.viommu, g.dev, 9);
	count = 3;
	assert_error(iommufd_viommu_invalidate(g.viommu, type, entries, size, &count), -EINVAL);
	assert_int_equal(count, 1);
	assert_true(mock_cache_is(f, g.dev, 1, 0));
	assert_true(mock_cache_is(f, g.dev, 0, K_IOMMU_TEST_DEV_CACHE_DEFAULT));
	entries[1].vdev_id = 9;
	entries[1].flags = 2;
	count = 3;
	assert_error(iommufd_viommu_invalidate(g.viommu, type, entries, size, &count), -EOPNOTSUPP);
	assert_int_equal(count, 1);
	entries[1].flags = 0;
	entries[1].cache_id = 2;
	count = 3;
	assert_ok(iommufd_viommu_invalidate(g.viommu, type, entries, size, &count));
	assert_int_equal(count, 3);
	assert_true(mock_cache_is(f, g.dev, 2, 0));
	assert_true(mock_cache_is(f, g.dev, 3, K_IOMMU_TEST_DEV_CACHE_DEFAULT));
}

static void nested_table_on_a_viommu(void **state)
{
	struct iommufd_hwpt_info info = { .size = sizeof(info) };
	struct k_iommu_hwpt_selftest data = { .iotlb = 1 };
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
		.data_type = K_IOMMU_HWPT_DATA_SELFTEST,
	};
	struct fixture *f = *state;
	struct iommufd_hwpt *hwpt, *none = (void *)1;
	struct iommufd_device *real;
	struct guest g;

	assert_error(iommufd_hwpt_new_on_viommu(NULL, NULL, &opts, &none), -EINVAL);
	assert_null(none);
	if (!get_guest(f, &g))
		return;
	real = get_device(f, ALONE1); /* behind another IOMMU */
	assert_error(iommufd_hwpt_new_on_viommu(g.dev, NULL, &opts, &none), -EINVAL);
	assert_error(iommufd_hwpt_new_on_viommu(g.dev, g.viommu, &opts, NULL), -EINVAL);
	assert_error(iommufd_hwpt_new_on_viommu(g.dev, g.viommu, NULL, &none), -EINVAL);
	assert_error(iommufd_hwpt_new_on_viommu(real, g.viommu, &opts, &none), -EINVAL);
	opts.data_type++;
	assert_error(iommufd_hwpt_new_on_viommu(g.dev, g.viommu, &opts, &none), -EOPNOTSUPP);
	assert_null(none);
	hwpt = get_on_viommu(f, &g);
	assert_ok(iommufd_hwpt_get_info(hwpt, &info));
	assert_int_equal(info.kind, IOMMUFD_HWPT_NESTED);
	assert_ptr_equal(info.parent, g.parent);
	assert_ptr_equal(info.ioas, g.ioas);
	put_object(f, g.viommu); /* the table holds it */
	assert_true(mock_iotlb_is(f, hwpt_id(hwpt), 0, 1));
}

static const struct CMUnitTest cases[] = {
	CASE(viommu_is_made_with_data_and_without),
	CASE(viommu_bad_argument),
	CASE(objects_of_another_context_einval),
	CASE(real_device_has_none),
	CASE(pages_of_the_iommu_are_mapped),
	CASE(map_bad_argument),
	CASE(guest_tells_what_to_forget),
	CASE(nested_table_on_a_viommu),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("viommu", cases, NULL, NULL);
}
