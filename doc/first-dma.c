/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#define _POSIX_C_SOURCE 200112L
#include <libiommufd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* QEMU's edu device: BAR 0 has a DMA engine and a buffer of its own. */
enum { BAR = IOMMUFD_REGION_BAR0, BUFFER = 0x40000 };
enum { SOURCE = 0x80, TARGET = 0x88, COUNT = 0x90, COMMAND = 0x98 };
enum { START = 1, TO_MEMORY = 2 };
#define REACH 0x0fffffff /* the highest address it can name */
#define READ_WRITE (IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE)

static int fail(const char *step)
{
	const struct iommufd_error *e = iommufd_error_last();

	fprintf(stderr, "%s: %s: %s\n%s\n",
		step, e->operation, e->message, e->remedy);
	return 1;
}

static int copy(struct iommufd_device *dev, uint64_t from, uint64_t to,
		uint32_t direction)
{
	uint32_t command = START | direction;

	if (iommufd_region_write64(dev, BAR, SOURCE, from) < 0 ||
	    iommufd_region_write64(dev, BAR, TARGET, to) < 0 ||
	    iommufd_region_write64(dev, BAR, COUNT, 16) < 0 ||
	    iommufd_region_write32(dev, BAR, COMMAND, command) < 0)
		return -1;
	while (command & START)
		if (iommufd_region_read32(dev, BAR, COMMAND, &command) < 0)
			return -1;
	return 0;
}

static int run(struct iommufd_ioas *ioas, struct iommufd_device *dev,
	       char *memory, size_t length)
{
	struct iommufd_map_opts window = {
		.size = sizeof(window),
		.last = REACH,
	};
	uint64_t iova = 0, address;

	if (iommufd_device_attach(dev, ioas) < 0)
		return fail("attach");
	if (iommufd_ioas_map(ioas, memory, length, READ_WRITE, &iova, &window) < 0)
		return fail("map");
	/* The IOVA itself, wherever an IOMMU stands behind the device. */
	if (iommufd_ioas_get_dma_address(ioas, iova, &address, NULL) < 0)
		return fail("address");
	if (iommufd_pci_set_memory(dev, 1) < 0 ||
	    iommufd_pci_set_bus_master(dev, 1) < 0)
		return fail("enable");
	if (copy(dev, address, BUFFER, 0) < 0 ||
	    copy(dev, BUFFER, address + 64, TO_MEMORY) < 0)
		return fail("copy");
	if (iommufd_ioas_unmap(ioas, iova, length, NULL) < 0)
		return fail("unmap");
	printf("the device wrote: %s\n", memory + 64);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "0000:00:03.0";
	size_t length = (size_t)sysconf(_SC_PAGESIZE);
	struct iommufd_ctx *ctx = NULL;
	struct iommufd_ioas *ioas = NULL;
	struct iommufd_device *dev = NULL;
	void *memory = NULL;
	int rc;

	if (posix_memalign(&memory, length, length))
		return 1;
	memset(memory, 0, length);
	strcpy(memory, "through the I/O");

	if (iommufd_ctx_new(NULL, &ctx) < 0 ||
	    iommufd_ioas_new(ctx, NULL, &ioas) < 0 ||
	    iommufd_device_open(ctx, name, NULL, &dev) < 0)
		rc = fail("start");
	else
		rc = run(ioas, dev, memory, length);
	iommufd_device_unref(dev);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
	free(memory);
	return rc;
}
