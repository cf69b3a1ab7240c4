/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A small user-space driver: let a PCI device copy a pattern by DMA, take its
 * interrupt, and see that it reaches no memory that was not mapped for it.
 *
 * usage: edu-dma [BDF]
 *
 * The device is QEMU's "edu" (PCI 1234:11e8), bound to vfio-pci. Without an
 * argument it is the first of $LIBIOMMUFD_TEST_DEVICES, or 0000:00:03.0. With
 * LIBIOMMUFD_EMU=1 in the environment the same program runs without hardware
 * and without root on the emulated kernel, with LIBIOMMUFD_EMU=6.1 on one that
 * has no /dev/iommu. LIBIOMMUFD_BACKEND chooses another backend than the best
 * there is. On backend noiommu edu must have been started with a dma_mask that
 * covers all memory: it writes elsewhere if an address has more bits.
 */
#include <libiommufd.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The registers of edu's BAR 0; those below 0x80 take 32-bit accesses only. */
enum {
	EDU_ID = 0x00,
	EDU_IRQ_STATUS = 0x24,
	EDU_IRQ_ACK = 0x64,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_TARGET = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
};
enum { EDU_DMA_RUN = 1, EDU_DMA_FROM_DEVICE = 2, EDU_DMA_IRQ = 4, EDU_IRQ_DMA_DONE = 0x100 };

#define EDU_BUFFER 0x40000u /* its memory, as its DMA engine names it */
#define LENGTH 4088u        /* the device model objects to the last bytes of its 4 KiB */
#define PAGES 65536u        /* how much is mapped of each buffer */
#define SOURCE_IOVA 0x1000000u
#define IOVA_LAST 0xfffffffu /* edu names no higher address, unless started with dma_mask */
#define COOKIE 0xed0

struct demo {
	struct iommufd_ctx *ctx;
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	uint8_t *source, *target;
	uint64_t source_iova, target_iova;
	int event;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Every call of the library goes through here; it tells what failed and what helps. */
static int check(int rc, const char *doing)
{
	const struct iommufd_error *e = iommufd_error_last();

	if (rc < 0)
		fprintf(stderr, "edu-dma: cannot %s: %s (%s on %s: %s)\n         what helps: %s\n", doing,
			e->message, e->operation, e->object, strerror(-rc), e->remedy);
	return rc;
}

static int fail(const char *what)
{
	fprintf(stderr, "edu-dma: %s\n", what);
	return -1;
}

/* What was tried, and why the last of it was taken. */
static void print_report(const char *at)
{
	for (; *at; at += strspn(at, "\n")) {
		int length = (int)strcspn(at, "\n");

		printf("          %.*s\n", length, at);
		at += length;
	}
}

static int open_context(struct demo *d)
{
	if (check(iommufd_ctx_new(NULL, &d->ctx), "open a context"))
		return -1;
	printf("context   backend %s\n", iommufd_ctx_get_backend(d->ctx));
	print_report(iommufd_ctx_get_report(d->ctx));
	return 0;
}

static int open_device(struct demo *d, const char *name)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = COOKIE };
	struct iommufd_device_info info = { .size = sizeof(info) };
	double start = now_ms();
	uint32_t vendor;

	if (check(iommufd_device_open(d->ctx, name, &opts, &d->dev), "open the device") ||
	    check(iommufd_device_get_info(d->dev, &info), "ask what the device is") ||
	    check(iommufd_pci_config_read(d->dev, 0, 4, &vendor), "read the PCI identification"))
		return -1;
	if (vendor != 0x11e81234)
		return fail("the device is not an edu");
	printf("device    %s opened in %.1f ms: IOMMU group %" PRId32 ", cookie %#" PRIx64
	       ", %" PRIu32 " regions, %" PRIu32 " kinds of interrupts\n", info.name,
	       now_ms() - start, info.group, info.cookie, info.num_regions, info.num_irqs);
	print_report(iommufd_device_get_report(d->dev));
	return check(iommufd_pci_set_bus_master(d->dev, 1), "let the device master the bus");
}

/* Registers can be reached by read and write calls, as below, or through the mapped BAR. */
static int identify(struct demo *d)
{
	const volatile uint32_t *bar;
	void *mapped;

	if (check(iommufd_region_map(d->dev, IOMMUFD_REGION_BAR0, 0, 4096, IOMMUFD_REGION_READ,
				     &mapped), "map BAR 0"))
		return -1;
	bar = mapped;
	printf("BAR 0     first page mapped at %p, identification %#" PRIx32 "\n", mapped,
	       bar[EDU_ID / 4]);
	return check(iommufd_region_unmap(d->dev, mapped), "unmap BAR 0");
}

static uint8_t *pages(void)
{
	void *p = mmap(NULL, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int map_buffers(struct demo *d)
{
	d->source = pages();
	d->target = pages();
	if (!d->source || !d->target)
		return fail("out of memory");
	for (uint32_t i = 0; i < PAGES; i++)
		d->source[i] = (uint8_t)(i * 7 + i / 256);

	struct iommufd_map_opts within = { .size = sizeof(within), .last = IOVA_LAST };

	d->source_iova = SOURCE_IOVA;
	if (check(iommufd_ioas_new(d->ctx, NULL, &d->ioas), "create an I/O address space") ||
	    check(iommufd_ioas_map(d->ioas, d->source, PAGES, IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED,
				   &d->source_iova, NULL), "map the source") ||
	    check(iommufd_ioas_map(d->ioas, d->target, PAGES, IOMMUFD_MAP_WRITE, &d->target_iova,
				   &within), "map the target"))
		return -1;
	printf("map       source %u bytes, device may read, IOVA %#" PRIx64 " (chosen here)\n", PAGES,
	       d->source_iova);
	printf("map       target %u bytes, device may write, IOVA %#" PRIx64 " (chosen by the library)\n",
	       PAGES, d->target_iova);
	return 0;
}

static int attach(struct demo *d)
{
	struct iommufd_range range[16];
	size_t count = sizeof(range) / sizeof(range[0]);
	double start = now_ms();

	if (check(iommufd_device_attach(d->dev, d->ioas), "attach the device"))
		return -1;
	printf("attach    in %.1f ms; IOVAs may lie in", now_ms() - start);
	if (check(iommufd_ioas_get_ranges(d->ioas, range, &count), "ask for the IOVA ranges"))
		return -1;
	for (size_t i = 0; i < count; i++)
		printf("%s %#" PRIx64 "-%#" PRIx64, i ? "," : "", range[i].start, range[i].last);
	printf("\n");

	d->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->event < 0)
		return fail("no eventfd");
	return check(iommufd_irq_enable(d->dev, IOMMUFD_IRQ_MSI, 0, 1, &d->event), "enable the MSI");
}

/* Program one transfer and sleep until the device says that it is done. */
static int transfer(struct demo *d, uint64_t from, uint64_t to, uint32_t command, double *ms)
{
	struct pollfd wait = { .fd = d->event, .events = POLLIN };
	double start = now_ms();
	uint32_t status;
	uint64_t count;

	command |= EDU_DMA_RUN | EDU_DMA_IRQ;
	if (check(iommufd_region_write64(d->dev, 0, EDU_DMA_SOURCE, from), "set the source") ||
	    check(iommufd_region_write64(d->dev, 0, EDU_DMA_TARGET, to), "set the target") ||
	    check(iommufd_region_write64(d->dev, 0, EDU_DMA_COUNT, LENGTH), "set the count") ||
	    check(iommufd_region_write64(d->dev, 0, EDU_DMA_COMMAND, command), "start the DMA"))
		return -1;
	if (poll(&wait, 1, 2000) != 1 || read(d->event, &count, sizeof(count)) != sizeof(count))
		return fail("no interrupt within 2 s");
	if (check(iommufd_region_read32(d->dev, 0, EDU_IRQ_STATUS, &status), "read the status") ||
	    check(iommufd_region_write32(d->dev, 0, EDU_IRQ_ACK, status), "acknowledge"))
		return -1;
	*ms = now_ms() - start;
	return status & EDU_IRQ_DMA_DONE ? 0 : fail("an interrupt, but not for the end of the DMA");
}

/* What the device is to be given for an IOVA: that itself, unless there is no IOMMU. */
static int find_address(struct demo *d, uint64_t iova, uint64_t *address)
{
	size_t length = LENGTH;

	if (check(iommufd_ioas_get_dma_address(d->ioas, iova, address, &length),
		  "ask for an address for the device"))
		return -1;
	if (length < LENGTH) /* never within a page */
		return fail("for the device the memory is in pieces");
	if (*address != iova)
		printf("address   IOVA %#" PRIx64 " is at physical address %#" PRIx64 "\n", iova,
		       *address);
	return 0;
}

static int copy(struct demo *d)
{
	uint64_t source, target;
	double ms;

	if (find_address(d, d->source_iova, &source) || find_address(d, d->target_iova, &target))
		return -1;
	if (transfer(d, source, EDU_BUFFER, 0, &ms))
		return -1;
	printf("DMA       device read %u bytes from IOVA %#" PRIx64 ", MSI after %.1f ms\n", LENGTH,
	       d->source_iova, ms);
	if (transfer(d, EDU_BUFFER, target, EDU_DMA_FROM_DEVICE, &ms))
		return -1;
	printf("DMA       device wrote them to IOVA %#" PRIx64 ", MSI after %.1f ms\n",
	       d->target_iova, ms);
	if (memcmp(d->source, d->target, LENGTH))
		return fail("what came back is not what was sent");
	printf("compare   all %u bytes are equal\n", LENGTH);
	return 0;
}

static int show_isolation(struct demo *d)
{
	uint64_t removed;
	double ms;

	if (!iommufd_ctx_has(d->ctx, IOMMUFD_CAP_ISOLATION)) {
		printf("unmap     not shown: no IOMMU would keep the device from what is not mapped\n");
		return 0;
	}
	if (check(iommufd_ioas_unmap(d->ioas, d->target_iova, PAGES, &removed), "unmap the target"))
		return -1;
	printf("unmap     %" PRIu64 " bytes at IOVA %#" PRIx64 "\n", removed, d->target_iova);
	memset(d->target, 0x5a, PAGES);
	if (transfer(d, EDU_BUFFER, d->target_iova, EDU_DMA_FROM_DEVICE, &ms))
		return -1;
	for (uint32_t i = 0; i < PAGES; i++)
		if (d->target[i] != 0x5a)
			return fail("the device reached memory that is not mapped");
	printf("DMA       device wrote to that IOVA again (%.1f ms): memory is unchanged\n", ms);
	return 0;
}

static int finish(struct demo *d)
{
	uint64_t removed;

	if (check(iommufd_irq_disable(d->dev, IOMMUFD_IRQ_MSI), "disable the MSI") ||
	    check(iommufd_device_detach(d->dev), "detach the device") ||
	    check(iommufd_ioas_unmap_all(d->ioas, &removed), "unmap the rest"))
		return -1;
	printf("detach    and unmapped the remaining %" PRIu64 " bytes\n", removed);
	return 0;
}

/* Any order of unref will do; the library takes things down in the one that is right. */
static void close_all(struct demo *d)
{
	iommufd_device_unref(d->dev);
	iommufd_ioas_unref(d->ioas);
	iommufd_ctx_unref(d->ctx);
	if (d->event >= 0)
		close(d->event);
	if (d->source)
		munmap(d->source, PAGES);
	if (d->target)
		munmap(d->target, PAGES);
}

int main(int argc, char **argv)
{
	const char *listed = getenv("LIBIOMMUFD_TEST_DEVICES");
	struct demo d = { .event = -1 };
	double start = now_ms();
	char name[256];
	int rc;

	snprintf(name, sizeof(name), "%.*s", listed ? (int)strcspn(listed, " ") : 12,
		 listed ? listed : "0000:00:03.0");
	rc = open_context(&d) || open_device(&d, argc > 1 ? argv[1] : name) || identify(&d) ||
	     map_buffers(&d) || attach(&d) || copy(&d) || show_isolation(&d) || finish(&d);
	close_all(&d);
	if (!rc)
		printf("done      in %.1f ms\n", now_ms() - start);
	return rc;
}
