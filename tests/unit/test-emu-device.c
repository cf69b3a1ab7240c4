/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The emulated VFIO devices: binding, attaching, regions, DMA. */
#include "test-emu-edu.h"

static void nothing_but_bind_before_bind(void **state)
{
	struct machine *m = *state;
	struct k_vfio_device_info info = { .argsz = sizeof(info) };
	int dev = open_cdev(m, ALONE1);
	void *bar;
	char byte;

	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	assert_int_equal(request(m, dev, _IO(';', 250), &info), -EINVAL);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EINVAL);
	assert_int_equal(get(m, dev, CONFIG, &byte, 1), -EINVAL);
	assert_int_equal(m->sys->mmap(m->sys->data, PAGE, PROT_READ, dev, 0, &bar), -EINVAL);
	shut(m, dev);
}

static void bind_refuses_in_the_kernels_order(void **state)
{
	struct machine *m = *state;
	struct k_vfio_device_bind_iommufd arg = { .argsz = sizeof(arg),
						  .iommufd = 1000,
						  .flags = 2 };
	int dev = open_cdev(m, ALONE1), second = open_cdev(m, ALONE1);
	uint8_t token[16] = { 1 };

	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EINVAL);
	arg.flags = 0;
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EBADF);
	arg.iommufd = dev;
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EBADFD);
	arg.iommufd = -1;
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EINVAL);
	arg.iommufd = m->iommu;
	arg.argsz = 8;
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EINVAL);
	arg.argsz = sizeof(arg);
	arg.flags = K_VFIO_DEVICE_BIND_FLAG_TOKEN;
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EFAULT);
	arg.token_uuid_ptr = (uintptr_t)token;
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EINVAL);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, NULL), -EFAULT);
	assert_int_equal(counts(m).bound, 0);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), 0);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), -EINVAL);
	assert_int_equal(bind_device(m, second, m->iommu, NULL), -EINVAL);
	shut(m, dev);
	assert_int_equal(bind_device(m, second, m->iommu, NULL), 0);
	shut(m, second);
}

static void add(struct machine *m, const char *bdf, const char *driver, uint32_t group,
		const uint8_t *token)
{
	const struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts),
		.bdf = bdf,
		.driver = driver,
		.group = group,
		.vf_token = token,
	};

	assert_int_equal(iommufd_emu_add_device(m->emu, &opts), 0);
}

static void a_token_is_asked_for(void **state)
{
	struct machine *m = *state;
	uint8_t token[16] = "0123456789abcde", wrong[16] = "0123456789abcdf";
	struct k_vfio_device_bind_iommufd arg = {
		.argsz = sizeof(arg), .iommufd = m->iommu, .flags = K_VFIO_DEVICE_BIND_FLAG_TOKEN,
		.token_uuid_ptr = (uintptr_t)wrong,
	};
	int dev;

	add(m, "0000:02:00.1", NULL, 20, token);
	dev = open_cdev(m, 7);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), -EACCES);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EACCES);
	arg.token_uuid_ptr = (uintptr_t)token;
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), 0);
	shut(m, dev);
}

static void a_group_has_one_owner(void **state)
{
	struct machine *m = *state;
	int other = open_path(m, "/dev/iommu");
	int a = open_cdev(m, SIBLING1), b = open_cdev(m, SIBLING2);

	assert_int_equal(bind_device(m, a, m->iommu, NULL), 0);
	assert_int_equal(bind_device(m, b, other, NULL), -EPERM);
	assert_int_equal(bind_device(m, b, m->iommu, NULL), 0);
	shut(m, a);
	assert_int_equal(counts(m).bound, 1);
	shut(m, b);
	b = open_cdev(m, SIBLING2);
	assert_int_equal(bind_device(m, b, other, NULL), 0);
	/* the device keeps its context when the descriptor of that is gone */
	shut(m, other);
	shut(m, b);
}

static void a_foreign_driver_blocks_the_group(void **state)
{
	struct machine *m = *state;
	int dev;

	add(m, "0000:03:00.0", "vfio-pci", 30, NULL);
	add(m, "0000:03:00.1", "pci-stub", 30, NULL);
	add(m, "0000:03:00.2", "", 30, NULL);
	add(m, "0000:03:00.3", "pcieport", 30, NULL);
	add(m, "0000:03:00.4", "mlx5_vfio_pci", 30, NULL);
	dev = get_device(m, 7);
	shut(m, dev);
	add(m, "0000:03:00.5", "e1000e", 30, NULL);
	dev = open_cdev(m, 7);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), -EPERM);
	shut(m, dev);
	assert_int_equal(open_cdev(m, 9), -ENOENT); /* no cdev under such a driver */
}

static void siblings_share_a_page_table(void **state)
{
	struct machine *m = *state;
	int a = get_device(m, SIBLING1), b = get_device(m, SIBLING2);
	uint32_t second, hwpt1, hwpt2, id;

	assert_int_equal(new_ioas(m, m->iommu, &second), 0);
	assert_int_equal(attach(m, a, m->ioas, &hwpt1), 0);
	assert_int_equal(attach(m, b, second, NULL), -EINVAL);
	assert_int_equal(attach(m, b, m->ioas, &hwpt2), 0);
	assert_int_equal(hwpt1, hwpt2);
	assert_int_not_equal(hwpt1, m->ioas);
	assert_int_equal(destroy(m, m->ioas), -EBUSY);
	assert_int_equal(destroy(m, hwpt1), -EBUSY);
	/* replacing one moves both, and the old table is gone */
	assert_int_equal(attach(m, a, second, &hwpt1), 0);
	assert_int_equal(destroy(m, m->ioas), 0);
	assert_int_equal(destroy(m, hwpt2), -ENOENT);
	assert_int_equal(destroy(m, second), -EBUSY);
	assert_int_equal(attach(m, b, second, &id), 0);
	assert_int_equal(id, hwpt1);
	assert_int_equal(attach(m, b, 99, NULL), -ENOENT);
	assert_int_equal(detach(m, a), 0);
	assert_int_equal(detach(m, a), 0);
	assert_int_equal(destroy(m, second), -EBUSY);
	assert_int_equal(detach(m, b), 0);
	assert_int_equal(destroy(m, second), 0);
	assert_int_equal(destroy(m, hwpt1), -ENOENT);
	shut(m, a);
	shut(m, b);
}

static void replace_rolls_back(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1);
	uint32_t second, dev_id = 2;

	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(new_ioas(m, m->iommu, &second), 0);
	assert_int_equal(map_in(m, second, m->mem, PAGE, FIXED | RW, &(uint64_t){ 0xfee00000 }), 0);
	assert_int_equal(attach(m, dev, second, NULL), -EADDRINUSE);
	assert_int_equal(attach(m, dev, dev_id, NULL), -EINVAL); /* a device is no page table */
	memset(m->mem, 0x5a, PAGE);
	fetch(m, dev, 0x10000, 64);
	assert_int_equal(counts(m).dma_faults, 0);
	assert_int_equal(destroy(m, dev_id), -EBUSY);
	shut(m, dev);
	assert_int_equal(destroy(m, dev_id), -ENOENT);
}

static int new_hwpt(struct machine *m, uint32_t dev, uint32_t pt, uint32_t flags, uint32_t *id)
{
	struct k_iommu_hwpt_alloc arg = {
		.size = sizeof(arg), .flags = flags, .dev_id = dev, .pt_id = pt,
	};
	int r = request(m, m->iommu, K_IOMMU_HWPT_ALLOC, &arg);

	*id = arg.out_hwpt_id;
	return r;
}

static void page_tables_made_by_hand(void **state)
{
	struct machine *m = *state;
	int dev = open_cdev(m, ALONE1);
	uint32_t id, hwpt, out;

	assert_int_equal(bind_device(m, dev, m->iommu, &id), 0);
	assert_int_equal(map(m, m->mem, 2 * PAGE, 0x10000), 0);
	assert_int_equal(new_hwpt(m, 99, m->ioas, 0, &hwpt), -ENOENT);
	assert_int_equal(new_hwpt(m, id, 99, 0, &hwpt), -EINVAL);
	assert_int_equal(new_hwpt(m, id, m->ioas, K_IOMMU_HWPT_ALLOC_NEST_PARENT, &hwpt),
			 -EOPNOTSUPP);
	assert_int_equal(new_hwpt(m, id, m->ioas, K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &hwpt),
			 -EOPNOTSUPP);
	assert_int_equal(new_hwpt(m, id, m->ioas, 0, &hwpt), 0);
	assert_int_equal(counts(m).pinned_pages, 2);
	assert_int_equal(attach(m, dev, m->ioas, &out), 0); /* automatic: another one */
	assert_int_not_equal(out, hwpt);
	assert_int_equal(attach(m, dev, hwpt, &out), 0);
	assert_int_equal(out, hwpt);
	assert_int_equal(detach(m, dev), 0);
	assert_int_equal(counts(m).pinned_pages, 2); /* it stays */
	assert_int_equal(destroy(m, hwpt), 0);
	assert_int_equal(counts(m).pinned_pages, 0);
	shut(m, dev);
}

static int attach_pasid(struct machine *m, int dev, uint32_t pasid, uint32_t pt)
{
	struct k_vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.flags = K_VFIO_DEVICE_ATTACH_PASID,
		.pt_id = pt,
		.pasid = pasid,
	};

	return request(m, dev, K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);
}

/* The kernel lets a device without PASIDs through; its page tables must still suit. */
static void pasids_of_a_device_without_any(void **state)
{
	struct machine *m = *state;
	struct k_vfio_device_detach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = K_VFIO_DEVICE_DETACH_PASID, .pasid = 5,
	};
	int dev = open_cdev(m, ALONE1);
	uint32_t id, hwpt;

	assert_int_equal(bind_device(m, dev, m->iommu, &id), 0);
	assert_int_equal(new_hwpt(m, id, m->ioas, K_IOMMU_HWPT_ALLOC_PASID, &hwpt), 0);
	assert_int_equal(attach_pasid(m, dev, 5, m->ioas), -EINVAL);
	assert_int_equal(attach_pasid(m, dev, 0x80000000, hwpt), -ENOSPC);
	assert_int_equal(attach_pasid(m, dev, 5, hwpt), 0);
	assert_int_equal(attach_pasid(m, dev, 5, hwpt), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EINVAL);
	assert_int_equal(attach(m, dev, hwpt, NULL), 0);
	assert_int_equal(destroy(m, hwpt), -EBUSY);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg), 0);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(destroy(m, hwpt), 0);
	shut(m, dev);
}

static void dma_goes_through_the_address_space(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1);

	/* two mappings that meet, on memory that does not */
	assert_int_equal(map(m, m->mem + 8 * PAGE, PAGE, 0x10000), 0);
	assert_int_equal(map(m, m->mem, PAGE, 0x11000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	fill(m->mem, 2 * PAGE, 1);
	fill(m->mem + 8 * PAGE, 2 * PAGE, 9);
	fetch(m, dev, 0x10f00, 512);
	assert_int_equal(unmap_all(m), 2 * PAGE);
	assert_int_equal(map(m, m->mem + 4 * PAGE, PAGE, 0x20000), 0);
	store(m, dev, 0x20010, 512);
	assert_memory_equal(m->mem + 4 * PAGE + 0x10, m->mem + 8 * PAGE + 0xf00, 256);
	assert_memory_equal(m->mem + 4 * PAGE + 0x110, m->mem, 256);
	assert_true(is_all(m->mem + 4 * PAGE + 0x210, PAGE - 0x210, 0));
	assert_int_equal(counts(m).dma_bytes, 1024);
	assert_int_equal(counts(m).dma_faults, 0);
	shut(m, dev);
}

static void what_is_not_mapped_is_refused(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1);

	fill(m->mem, PAGE, 3);
	assert_int_equal(map_in(m, m->ioas, m->mem, PAGE, FIXED | K_IOMMU_IOAS_MAP_READABLE,
				&(uint64_t){ 0x10000 }), 0);
	assert_int_equal(map(m, m->mem + PAGE, PAGE, 0x20000), 0);
	fetch(m, dev, 0x10000, 64); /* not attached */
	assert_int_equal(counts(m).dma_faults, 1);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	fetch(m, dev, 0x10000, 64);
	store(m, dev, 0x10000, 64); /* read-only */
	assert_int_equal(counts(m).dma_faults, 2);
	store(m, dev, 0x20000, 64);
	assert_memory_equal(m->mem, m->mem + PAGE, 64);
	fetch(m, dev, 0x20fc0, 128); /* half of it beyond the mapping */
	assert_int_equal(counts(m).dma_faults, 3);
	memset(m->mem + PAGE, 0xaa, PAGE);
	fetch(m, dev, 0x50000, 64);
	store(m, dev, 0x20000, 64); /* a refused read leaves zeros */
	assert_true(is_all(m->mem + PAGE, 64, 0));
	assert_true(is_all(m->mem + PAGE + 64, PAGE - 64, 0xaa));
	set_command(m, dev, 0x2);
	store(m, dev, 0x20000, 64); /* no bus master */
	assert_int_equal(counts(m).dma_faults, 5);
	set_command(m, dev, 0x6);
	munmap(m->mem + PAGE, PAGE);
	store(m, dev, 0x20000, 64); /* memory that went: a fault, not a signal */
	assert_int_equal(counts(m).dma_faults, 6);
	assert_true(mmap(m->mem + PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	put64(m, dev, EDU_COUNT, 8192);
	put64(m, dev, EDU_COMMAND, EDU_RUN); /* more than the buffer */
	wait_idle(m, dev);
	assert_int_equal(counts(m).dma_faults, 7);
	detach(m, dev);
	fetch(m, dev, 0x10000, 64);
	assert_int_equal(counts(m).dma_faults, 8);
	shut(m, dev);
}

static void dma_reaches_files(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1), memory = memfd_create("test", MFD_CLOEXEC);
	struct k_iommu_ioas_map_file arg = {
		.size = sizeof(arg), .flags = FIXED | RW, .ioas_id = m->ioas, .fd = memory,
		.start = PAGE, .length = PAGE, .iova = 0x10000,
	};
	uint8_t in[256], out[256];

	assert_int_equal(ftruncate(memory, 4 * PAGE), 0);
	fill(in, sizeof(in), 4);
	assert_int_equal(pwrite(memory, in, sizeof(in), PAGE + 16), sizeof(in));
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_MAP_FILE, &arg), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	fetch(m, dev, 0x10010, 256);
	store(m, dev, 0x10800, 256);
	assert_int_equal(pread(memory, out, sizeof(out), PAGE + 0x800), sizeof(out));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(ftruncate(memory, 0), 0);
	store(m, dev, 0x10000, 256); /* cut off meanwhile */
	assert_int_equal(counts(m).dma_faults, 1);
	close(memory);
	shut(m, dev);
}

/* It is the device itself, attached behind the back of the ordinary way. */
static void pasid_0_is_no_pasid(void **state)
{
	struct machine *m = *state;
	struct k_vfio_device_detach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = K_VFIO_DEVICE_DETACH_PASID,
	};
	int dev = get_edu(m, ALONE1);

	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(attach_pasid(m, dev, 0, m->ioas), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EBUSY);
	assert_int_equal(detach(m, dev), 0);
	fetch(m, dev, 0x10000, 16);
	assert_int_equal(counts(m).dma_faults, 0);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(attach_pasid(m, dev, 0, m->ioas), -EBUSY);
	shut(m, dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_but_bind_before_bind),
		TEST(bind_refuses_in_the_kernels_order),
		TEST(a_token_is_asked_for),
		TEST(a_group_has_one_owner),
		TEST(a_foreign_driver_blocks_the_group),
		TEST(siblings_share_a_page_table),
		TEST(replace_rolls_back),
		TEST(page_tables_made_by_hand),
		TEST(pasids_of_a_device_without_any),
		TEST(pasid_0_is_no_pasid),
		TEST(dma_goes_through_the_address_space),
		TEST(what_is_not_mapped_is_refused),
		TEST(dma_reaches_files),
	};

	return cmocka_run_group_tests_name("emu-device", tests, NULL, NULL);
}
