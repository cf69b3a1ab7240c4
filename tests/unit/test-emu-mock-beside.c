/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A mock device beside one with a driver, behind VT-d: two IOMMUs in one iommufd. */
#include <dirent.h>

#include "test-emu-mock.h"

struct edu {
	int fd;
	uint32_t dev;
};

static void find_path(char *path, size_t size)
{
	char folder[128], bdf[16] = "";
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, size, "/dev/vfio/devices/vfio0");
	if (!in_lab() || sscanf(getenv("LIBIOMMUFD_TEST_DEVICES"), "%15s", bdf) != 1)
		return;
	snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.')
			snprintf(path, size, "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
}

static int device_request(struct mocks *m, int fd, unsigned long nr, void *arg)
{
	if (m->emu)
		return m->sys->ioctl(m->sys->data, fd, nr, arg);
	return ioctl(fd, nr, arg) < 0 ? -errno : 0;
}

static struct edu new_edu(struct mocks *m)
{
	struct k_vfio_device_bind_iommufd arg = { .argsz = sizeof(arg), .iommufd = m->iommu };
	char path[512];
	int fd;

	find_path(path, sizeof(path));
	fd = m->emu ? m->sys->open(m->sys->data, path, O_RDWR) : open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(device_request(m, fd, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), 0);
	return (struct edu){ fd, arg.out_devid };
}

static int attach(struct mocks *m, const struct edu *edu, uint32_t pt, uint32_t *hwpt)
{
	struct k_vfio_device_attach_iommufd_pt arg = { .argsz = sizeof(arg), .pt_id = pt };
	int r = device_request(m, edu->fd, K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);

	*hwpt = arg.pt_id;
	return r;
}

/*
 * To move one of them to the other's table is not tried: Linux 7.3 does not notice, and
 * crashes when a driver takes the device for one of its own.
 */
static void each_has_a_table_of_its_own(void **state)
{
	struct mocks *m = *state;
	struct edu edu = new_edu(m);
	struct mock mock = new_mock(m, 0);
	struct k_iommu_iova_range range[4] = { { 0 } };
	struct k_iommu_ioas_iova_ranges arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .num_iovas = 4,
		.allowed_iovas = (uintptr_t)range,
	};
	uint32_t hwpt;

	assert_int_equal(map(m, m->mem, PAGE, APERTURE), 0);
	assert_int_equal(attach(m, &edu, mock.hwpt, &hwpt), -EINVAL);
	assert_int_equal(attach(m, &edu, m->ioas, &hwpt), 0);
	assert_int_not_equal(hwpt, mock.hwpt);
	assert_int_equal(request(m, K_IOMMU_IOAS_IOVA_RANGES, &arg), 0);
	assert_int_equal(arg.num_iovas, 1);
	assert_int_equal(range[0].start, APERTURE);
	assert_int_equal(range[0].last, K_MOCK_APERTURE_LAST);
	assert_int_equal(arg.out_iova_alignment, PAGE);
	assert_int_equal(destroy(m, mock.stdev), 0);
	shut(m, edu.fd);
}

static void what_one_can_the_other_cannot(void **state)
{
	struct mocks *m = *state;
	struct edu edu = new_edu(m);
	struct mock mock = new_mock(m, 0);
	uint32_t parent = new_hwpt(m, &mock, K_IOMMU_HWPT_ALLOC_NEST_PARENT);
	uint32_t viommu = new_viommu(m, &mock, parent), id;
	const struct k_iommu_viommu_alloc arg = { .type = K_IOMMU_VIOMMU_TYPE_SELFTEST,
						  .dev_id = edu.dev, .hwpt_id = parent };

	assert_int_equal(try_hwpt(m, edu.dev, m->ioas, K_IOMMU_HWPT_ALLOC_NEST_PARENT, &id),
			 -EOPNOTSUPP);
	assert_int_equal(try_hwpt(m, edu.dev, m->ioas, K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &id),
			 -EOPNOTSUPP);
	assert_int_equal(try_nested(m, edu.dev, parent, 0, 0, &id), -EINVAL);
	assert_int_equal(try_nested(m, edu.dev, viommu, 0, 0, &id), -EINVAL);
	assert_int_equal(try_viommu(m, arg, &id), -EOPNOTSUPP);
	assert_int_equal(try_vdevice(m, viommu, edu.dev, 1, &id), -EINVAL);
	shut(m, edu.fd);
}

static void a_device_that_asks_for_no_pages_is_kept_from_a_fault_queue(void **state)
{
	struct mocks *m = *state;
	struct edu edu = new_edu(m);
	struct k_iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct k_iommu_hwpt_alloc arg = { .flags = K_IOMMU_HWPT_FAULT_ID_VALID,
					  .dev_id = edu.dev, .pt_id = m->ioas };
	struct k_iommu_test_cmd cmd = { .op = K_IOMMU_TEST_OP_TRIGGER_IOPF,
					.trigger_iopf.dev_id = edu.dev };
	uint32_t hwpt, id;

	assert_int_equal(request(m, K_IOMMU_FAULT_QUEUE_ALLOC, &queue), 0);
	arg.fault_id = queue.out_fault_id;
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), 0);
	assert_int_equal(attach(m, &edu, hwpt, &id), -ENODEV);
	assert_int_equal(attach(m, &edu, m->ioas, &id), 0);
	assert_int_equal(attach(m, &edu, hwpt, &id), -ENODEV);
	assert_int_equal(op(m, &cmd), -EINVAL);
	shut(m, (int)queue.out_fault_fd);
	shut(m, edu.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_has_a_table_of_its_own),
		TEST(what_one_can_the_other_cannot),
		TEST(a_device_that_asks_for_no_pages_is_kept_from_a_fault_queue),
	};
	const char *iommu = getenv("LIBIOMMUFD_TEST_IOMMU");

	if (in_lab() && (!iommu || strcmp(iommu, "vtd"))) {
		printf("this machine has no VT-d\n");
		return 77;
	}
	return RUN(tests);
}
