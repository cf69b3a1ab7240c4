/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "mock.h"

#include "os/mock.h"

/* What the kernel has for one, besides what the library holds. */
struct mock {
	int fd; /* lent */
	uint32_t stdev;
	uint32_t home;
	uint32_t table; /* on it, that takes PASIDs; or 0 */
};

static int test(struct fixture *f, uint32_t op, uint32_t id, struct k_iommu_test_cmd *arg)
{
	arg->size = sizeof(*arg);
	arg->op = op;
	arg->id = id;
	return raw_ioctl(iommufd_ctx_get_fd(f->ctx), K_IOMMU_TEST_CMD, arg);
}

static void destroy(int fd, uint32_t id)
{
	struct k_iommu_destroy arg = { .size = sizeof(arg), .id = id };
	int r = raw_ioctl(fd, K_IOMMU_DESTROY, &arg);

	if (r)
		print_error("object %u stays in the kernel: %s\n", id, strerror(-r));
}

static void release(void *object)
{
	struct mock *mock = object;

	destroy(mock->fd, mock->stdev);
	if (mock->table)
		destroy(mock->fd, mock->table);
	destroy(mock->fd, mock->home);
	free(mock);
}

static uint32_t stdev_of(struct iommufd_device *dev)
{
	struct iommufd_device_info info = { .size = sizeof(info) };

	assert_ok(iommufd_device_get_info(dev, &info));
	assert_memory_equal(info.name, "mock", 4);
	return (uint32_t)strtoul(info.name + 4, NULL, 10);
}

static uint32_t id_of(struct iommufd_device *dev)
{
	struct iommufd_device_info info = { .size = sizeof(info) };

	assert_ok(iommufd_device_get_info(dev, &info));
	return info.id;
}

/* Even at home a device keeps its PASIDs from being attached, if its table takes none. */
static uint32_t go_to_table(struct fixture *f, const struct mock *mock, uint32_t id)
{
	struct k_iommu_hwpt_alloc table = {
		.size = sizeof(table), .flags = K_IOMMU_HWPT_ALLOC_PASID, .dev_id = id,
		.pt_id = mock->home,
	};
	struct k_iommu_test_cmd arg = { 0 };

	assert_int_equal(raw_ioctl(mock->fd, K_IOMMU_HWPT_ALLOC, &table), 0);
	arg.mock_domain_replace.pt_id = table.out_hwpt_id;
	assert_int_equal(test(f, K_IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, mock->stdev, &arg), 0);
	return table.out_hwpt_id;
}

struct iommufd_device *get_mock(struct fixture *f, uint32_t flags)
{
	return get_mock_as(f, flags, 0);
}

struct iommufd_device *get_mock_as(struct fixture *f, uint32_t flags, uint64_t cookie)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = cookie };
	struct k_iommu_ioas_alloc home = { .size = sizeof(home) };
	struct k_iommu_test_cmd arg = { .mock_domain_flags.dev_flags = flags };
	struct iommufd_device_bound bound = { .size = sizeof(bound), .fd = -1 };
	struct iommufd_device *dev;
	struct mock *mock;
	int fd, r;

	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_HWPT) != 1) {
		bound.mock_id = bound.mock_pt = 1;
		r = iommufd_device_adopt(f->ctx, &bound, NULL, &dev);
		assert_true(r == -EOPNOTSUPP || (r == -EINVAL && !contract_is_isolated()));
		return NULL;
	}
	fd = iommufd_ctx_get_fd(f->ctx);
	assert_int_equal(raw_ioctl(fd, K_IOMMU_IOAS_ALLOC, &home), 0);
	r = test(f, K_IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, home.out_ioas_id, &arg);
	if (r) {
		destroy(fd, home.out_ioas_id);
		if (r == -ENOTTY)
			skip_case(f, "this kernel has no mock devices");
		assert_int_equal(r, 0);
	}
	mock = malloc(sizeof(*mock));
	assert_non_null(mock);
	*mock = (struct mock){ fd, arg.mock_domain_flags.out_stdev_id, home.out_ioas_id, 0 };
	hold_mock(f, mock, release);
	bound.id = arg.mock_domain_flags.out_idev_id;
	if (flags & MOCK_PASID)
		mock->table = go_to_table(f, mock, bound.id);
	bound.mock_id = mock->stdev;
	bound.mock_pt = mock->table ? mock->table : mock->home;
	assert_ok(iommufd_device_adopt(f->ctx, &bound, &opts, &dev));
	return hold_device(f, dev);
}

void mock_write(struct fixture *f, uint32_t hwpt, uint64_t iova, uint64_t bits)
{
	struct k_iommu_test_cmd arg = { .dirty = {
		.iova = iova, .length = 64 * PAGE, .page_size = PAGE, .uptr = (uintptr_t)&bits,
	} };

	assert_int_equal(test(f, K_IOMMU_TEST_OP_DIRTY, hwpt, &arg), 0);
}

int mock_fault(struct fixture *f, struct iommufd_device *dev, uint32_t pasid, uint32_t group,
	       uint64_t address)
{
	struct k_iommu_test_cmd arg = { .trigger_iopf = {
		.dev_id = id_of(dev), .pasid = pasid, .grpid = group,
		.perm = K_IOMMU_PGFAULT_PERM_READ | K_IOMMU_PGFAULT_PERM_WRITE, .addr = address,
	} };

	return test(f, K_IOMMU_TEST_OP_TRIGGER_IOPF, 0, &arg);
}

int mock_event(struct fixture *f, struct iommufd_device *dev)
{
	struct k_iommu_test_cmd arg = { .trigger_vevent.dev_id = id_of(dev) };

	return test(f, K_IOMMU_TEST_OP_TRIGGER_VEVENT, 0, &arg);
}

bool mock_iotlb_is(struct fixture *f, uint32_t hwpt, uint32_t entry, uint32_t value)
{
	struct k_iommu_test_cmd arg = { .check_iotlb = { entry, value } };

	return !test(f, K_IOMMU_TEST_OP_MD_CHECK_IOTLB, hwpt, &arg);
}

bool mock_cache_is(struct fixture *f, struct iommufd_device *dev, uint32_t entry, uint32_t value)
{
	struct k_iommu_test_cmd arg = { .check_dev_cache = { entry, value } };

	return !test(f, K_IOMMU_TEST_OP_DEV_CHECK_CACHE, id_of(dev), &arg);
}

int mock_attach_pasid(struct fixture *f, struct iommufd_device *dev, uint32_t pasid, uint32_t hwpt)
{
	struct k_iommu_test_cmd arg = { .pasid_attach = { .pasid = pasid, .pt_id = hwpt } };

	return test(f, hwpt ? K_IOMMU_TEST_OP_PASID_ATTACH : K_IOMMU_TEST_OP_PASID_DETACH,
		    stdev_of(dev), &arg);
}

bool mock_pasid_is(struct fixture *f, struct iommufd_device *dev, uint32_t pasid, uint32_t hwpt)
{
	struct k_iommu_test_cmd arg = { .pasid_check = { pasid, hwpt } };

	return !test(f, K_IOMMU_TEST_OP_PASID_CHECK_HWPT, stdev_of(dev), &arg);
}

bool mock_maps(struct fixture *f, uint32_t hwpt, uint64_t iova, const void *va, uint64_t length)
{
	struct k_iommu_test_cmd arg = { .check_map = { iova, length, (uintptr_t)va } };

	return !test(f, K_IOMMU_TEST_OP_MD_CHECK_MAP, hwpt, &arg);
}
