/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* See vmm-hardware.h. Nothing here is a monitor's work, except opening a device by name. */
#include "vmm.h"

#include "os/mock.h" /* the test command's numbers, which no public header has */

#include <libiommufd/emu.h>

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define LENGTH HARDWARE_COPIES

/* -- a mock device */

/* An ioctl that the library has no function for; the emulated kernel is in this process. */
static int command(struct iommufd_ctx *ctx, uint64_t request, void *arg)
{
	int fd = iommufd_ctx_get_fd(ctx), r;
	struct iommufd_emu *machine;

	if (strncmp(iommufd_ctx_get_backend(ctx), "emulated ", 9))
		return ioctl(fd, request, arg) < 0 ? -errno : 0;
	r = iommufd_emu_get_default(&machine);
	if (r)
		return r;
	r = iommufd_emu_ioctl(machine, fd, request, arg);
	iommufd_emu_unref(machine);
	return r;
}

static int test(struct iommufd_ctx *ctx, uint32_t op, uint32_t id, struct k_iommu_test_cmd *arg)
{
	arg->size = sizeof(*arg);
	arg->op = op;
	arg->id = id;
	return command(ctx, K_IOMMU_TEST_CMD, arg);
}

static void destroy(struct iommufd_ctx *ctx, uint32_t id)
{
	struct k_iommu_destroy arg = { .size = sizeof(arg), .id = id };

	if (command(ctx, K_IOMMU_DESTROY, &arg))
		fail("a mock device stays in the kernel");
}

static int open_mock(struct hardware *hw, struct iommufd_device_opts *opts)
{
	struct k_iommu_test_cmd arg = { .mock_domain_flags.dev_flags = K_MOCK_FLAGS_DEVICE_PASID };
	struct iommufd_device_bound bound = { .size = sizeof(bound), .fd = -1 };
	struct k_iommu_ioas_alloc home = { .size = sizeof(home) };

	if (command(hw->ctx, K_IOMMU_IOAS_ALLOC, &home))
		return fail("a mock device has no address space to begin with");
	hw->home = bound.mock_pt = home.out_ioas_id;
	if (test(hw->ctx, K_IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, hw->home, &arg))
		return fail("the kernel makes no mock device");
	hw->mock = bound.mock_id = arg.mock_domain_flags.out_stdev_id;
	bound.id = arg.mock_domain_flags.out_idev_id;
	return check(iommufd_device_adopt(hw->ctx, &bound, opts, &hw->dev), "adopt a mock device");
}

/* Where the memory behind an IOVA is; an IOMMU lets a device no further than this. */
static uint8_t *find(struct hardware *hw, uint64_t iova, uint32_t access)
{
	struct iommufd_mapping map = { .size = sizeof(map) };
	struct iommufd_ioas *ioas = NULL;
	uint8_t *memory = NULL;

	if (!iommufd_device_get_ioas(hw->dev, &ioas) && ioas &&
	    !iommufd_ioas_next_mapping(ioas, iova, &map) && iova >= map.iova &&
	    iova + LENGTH <= map.iova + map.length && map.memory == IOMMUFD_MEMORY_FILE &&
	    (map.flags & access))
		memory = hw->ram + map.offset + (iova - map.iova);
	iommufd_ioas_unref(ioas);
	return memory;
}

/* The page table that has a mark for each page: behind a guest's there is its parent. */
static int find_table(struct hardware *hw, uint32_t *id)
{
	struct iommufd_hwpt_info info = { .size = sizeof(info) };
	struct iommufd_hwpt *table = NULL;
	int r = iommufd_device_get_hwpt(hw->dev, &table);

	if (!r && table)
		r = iommufd_hwpt_get_info(table, &info);
	if (!r && info.parent)
		r = iommufd_hwpt_get_info(info.parent, &info);
	iommufd_hwpt_unref(table);
	*id = info.id;
	return r;
}

static int copy_by_mock(struct hardware *hw, uint64_t from, uint64_t to)
{
	uint8_t *source = find(hw, from, IOMMUFD_MAP_READ);
	uint8_t *target = find(hw, to, IOMMUFD_MAP_WRITE);
	uint64_t mark = 1;
	struct k_iommu_test_cmd arg = { .dirty = {
		.iova = to & ~(uint64_t)(PAGE - 1), .length = PAGE, .page_size = PAGE,
		.uptr = (uintptr_t)&mark,
	} };
	uint32_t table;
	int r;

	if (!source || !target)
		return -EFAULT;
	memmove(target, source, LENGTH);
	r = find_table(hw, &table);
	if (r || !table)
		return r;
	r = test(hw->ctx, K_IOMMU_TEST_OP_DIRTY, table, &arg);
	return r == -EINVAL ? 0 : r; /* nobody wants to know what is written */
}

/* -- an edu, by the registers of its BAR 0 */

enum { EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98 };
enum { EDU_RUN = 1, EDU_FROM_DEVICE = 2 };
#define EDU_BUFFER 0x40000u

static int open_edu(struct hardware *hw, const char *name, struct iommufd_device_opts *opts)
{
	uint32_t id;

	if (check(iommufd_device_open(hw->ctx, name, opts, &hw->dev), "open a device") ||
	    check(iommufd_pci_config_read(hw->dev, 0, 4, &id), "read the PCI identification"))
		return -1;
	if (id != 0x11e81234)
		return fail("a device is not an edu: the guest has no driver for it");
	return check(iommufd_pci_set_bus_master(hw->dev, 1), "let a device master the bus");
}

static int transfer(struct iommufd_device *dev, uint64_t from, uint64_t to, uint64_t order)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t state = EDU_RUN;
	int r = iommufd_region_write64(dev, 0, EDU_SOURCE, from);

	r = r ? r : iommufd_region_write64(dev, 0, EDU_TARGET, to);
	r = r ? r : iommufd_region_write64(dev, 0, EDU_COUNT, LENGTH);
	r = r ? r : iommufd_region_write64(dev, 0, EDU_COMMAND, order | EDU_RUN);
	while (!r && state & EDU_RUN) {
		nanosleep(&pause, NULL);
		r = iommufd_region_read64(dev, 0, EDU_COMMAND, &state);
	}
	return r;
}

static int copy_by_edu(struct hardware *hw, uint64_t from, uint64_t to)
{
	struct iommufd_ioas *ioas = NULL;
	int r = iommufd_device_get_ioas(hw->dev, &ioas);

	r = r ? r : iommufd_ioas_get_dma_address(ioas, from, &from, NULL);
	r = r ? r : iommufd_ioas_get_dma_address(ioas, to, &to, NULL);
	r = r ? r : transfer(hw->dev, from, EDU_BUFFER, 0);
	r = r ? r : transfer(hw->dev, EDU_BUFFER, to, EDU_FROM_DEVICE);
	iommufd_ioas_unref(ioas);
	return r;
}

/* -- both */

bool hardware_has_mocks(struct iommufd_ctx *ctx)
{
	struct k_iommu_test_cmd nothing = { 0 };

	return iommufd_ctx_has(ctx, IOMMUFD_CAP_HWPT) == 1 &&
	       test(ctx, 0, 0, &nothing) != -ENOTTY;
}

int hardware_open(struct hardware *hw, struct iommufd_ctx *ctx, const char *name,
		  uint64_t cookie, struct iommufd_device **out)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = cookie };
	int rc;

	hw->ctx = ctx;
	rc = name ? open_edu(hw, name, &opts) : open_mock(hw, &opts);
	*out = hw->dev;
	return rc;
}

void hardware_remove(struct hardware *hw)
{
	if (hw->mock)
		destroy(hw->ctx, hw->mock);
	if (hw->home)
		destroy(hw->ctx, hw->home);
}

void hardware_guest_table(struct iommufd_hwpt_opts *opts)
{
	static const struct k_iommu_hwpt_selftest table = { .iotlb = K_IOMMU_TEST_IOTLB_DEFAULT };

	opts->data_type = K_IOMMU_HWPT_DATA_SELFTEST;
	opts->data = &table;
	opts->data_length = sizeof(table);
}

int hardware_copy(struct hardware *hw, uint64_t from, uint64_t to)
{
	if (!hw->mock)
		return check(copy_by_edu(hw, from, to), "have a device do DMA");
	return copy_by_mock(hw, from, to) ? fail("a mock device cannot do DMA") : 0;
}

int hardware_request_page(struct hardware *hw, uint32_t pasid, uint64_t address)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct k_iommu_test_cmd arg = { .trigger_iopf = {
		.pasid = pasid, .grpid = ++hw->group, .addr = address,
		.perm = K_IOMMU_PGFAULT_PERM_READ | K_IOMMU_PGFAULT_PERM_WRITE,
	} };

	if (check(iommufd_device_get_info(hw->dev, &info), "ask what a device is"))
		return -1;
	arg.trigger_iopf.dev_id = info.id;
	if (test(hw->ctx, K_IOMMU_TEST_OP_TRIGGER_IOPF, 0, &arg))
		return fail("a device cannot ask for a page");
	return 0;
}
