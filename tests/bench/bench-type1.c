/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Type1: what the library costs over the raw ioctls of a container, and what a
 * process pays that registers 64 GiB in pieces of 2 MiB and then attaches a
 * device, with and without neighbours sharing entries. The memory is one huge
 * page's worth that is mapped again and again, neighbours in address all the same.
 */
#include <errno.h>
#include <libiommufd.h>
#include <libiommufd/emu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "os/sys.h"
#include "os/uapi.h"

#define PAGE 4096u
#define ROUNDS 9
#define PAIRS 2000
#define BASE UINT64_C(0x100000000)
#define PIECE (UINT64_C(2) << 20)
#define PIECES 32768u /* 64 GiB */

static void must(int r, const char *what)
{
	if (!r)
		return;
	fprintf(stderr, "bench-type1: %s: %s (%d)\n", what, iommufd_error_last()->message, r);
	exit(1);
}

static void must_raw(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "bench-type1: %s: %s\n", what, strerror(-r));
	exit(1);
}

/* The devices that stand alone in their groups. */
static const char *device_name(unsigned int index)
{
	static char names[2][64] = { "0000:00:03.0", "0000:00:04.0" };
	const char *list = getenv("LIBIOMMUFD_TEST_DEVICES");

	if (list)
		sscanf(list, "%63s %63s", names[0], names[1]);
	return names[index];
}

static struct iommufd_ctx *open_ctx(const struct iommufd_sys *sys)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "group+type1", .sys = sys };
	struct iommufd_ctx *ctx;

	return iommufd_ctx_new(&opts, &ctx) ? NULL : ctx;
}

/* ---- pairs ---- */

/* A container of our own, with the second device's group in it. */
struct raw {
	const struct iommufd_sys *sys;
	int container, group;
	char *memory;
};

static int open_raw(struct raw *raw, struct iommufd_ctx *ctx)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev;
	char path[32];

	if (iommufd_device_open(ctx, device_name(1), NULL, &dev))
		return -1;
	must(iommufd_device_get_info(dev, &info), "info");
	iommufd_device_unref(dev);
	snprintf(path, sizeof(path), "/dev/vfio/%d", info.group);
	raw->group = sys_open(raw->sys, path, O_RDWR);
	must_raw(raw->group, path);
	raw->container = sys_open(raw->sys, "/dev/vfio/vfio", O_RDWR);
	must_raw(raw->container, "/dev/vfio/vfio");
	must_raw(sys_ioctl(raw->sys, raw->group, K_VFIO_GROUP_SET_CONTAINER, &raw->container),
		 "VFIO_GROUP_SET_CONTAINER");
	must_raw(sys_ioctl(raw->sys, raw->container, K_VFIO_SET_IOMMU,
			   (void *)(uintptr_t)K_VFIO_TYPE1v2_IOMMU),
		 "VFIO_SET_IOMMU");
	return 0;
}

static void close_raw(struct raw *raw)
{
	sys_close(raw->sys, &raw->group);
	sys_close(raw->sys, &raw->container);
}

static double raw_pairs(const struct raw *raw)
{
	uint64_t start = bench_now();

	for (size_t i = 0; i < PAIRS; i++) {
		struct k_vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = K_VFIO_DMA_MAP_FLAG_READ | K_VFIO_DMA_MAP_FLAG_WRITE,
			.vaddr = (uintptr_t)raw->memory,
			.iova = BASE,
			.size = PAGE,
		};
		struct k_vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap), .iova = BASE, .size = PAGE,
		};

		must_raw(raw->sys->ioctl(raw->sys->data, raw->container, K_VFIO_IOMMU_MAP_DMA, &map),
			 "VFIO_IOMMU_MAP_DMA");
		must_raw(raw->sys->ioctl(raw->sys->data, raw->container, K_VFIO_IOMMU_UNMAP_DMA,
					 &unmap),
			 "VFIO_IOMMU_UNMAP_DMA");
	}
	return (double)(bench_now() - start) / PAIRS;
}

static double library_pairs(struct iommufd_ioas *ioas, char *memory, uint32_t fixed)
{
	uint64_t start = bench_now();

	for (size_t i = 0; i < PAIRS; i++) {
		uint64_t iova = BASE;

		must(iommufd_ioas_map(ioas, memory, PAGE,
				      IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE | fixed, &iova, NULL),
		     "map");
		must(iommufd_ioas_unmap(ioas, iova, PAGE, NULL), "unmap");
	}
	return (double)(bench_now() - start) / PAIRS;
}

static void measure_pairs(const char *kernel, const struct iommufd_sys *sys)
{
	double raw_ns[ROUNDS], fixed[ROUNDS], chosen[ROUNDS], r, f, c;
	struct raw raw = { .sys = sys };
	struct iommufd_ctx *ctx = open_ctx(sys);
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (!ctx || open_raw(&raw, ctx)) {
		printf("%-10s not measured: %s\n", kernel, iommufd_error_last()->message);
		iommufd_ctx_unref(ctx);
		return;
	}
	raw.memory = memory;
	must(iommufd_ioas_new(ctx, NULL, &ioas), "ioas");
	must(iommufd_device_open(ctx, device_name(0), NULL, &dev), "open");
	must(iommufd_device_attach(dev, ioas), "attach");
	for (int i = -1; i < ROUNDS; i++) {
		int at = i < 0 ? 0 : i; /* the first is a warm-up */

		raw_ns[at] = raw_pairs(&raw);
		fixed[at] = library_pairs(ioas, memory, IOMMUFD_MAP_FIXED);
		chosen[at] = library_pairs(ioas, memory, 0);
	}
	r = bench_median(raw_ns, ROUNDS);
	f = bench_median(fixed, ROUNDS);
	c = bench_median(chosen, ROUNDS);
	printf("%-10s %10.1f %10.1f %10.1f %9.1f %9.1f %8.3f\n", kernel, r, f, c, f - r, c - r,
	       f / r);
	iommufd_device_unref(dev);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
	close_raw(&raw);
	munmap(memory, PAGE);
}

/* ---- 64 GiB ---- */

/* Neighbours in address, one and the same in memory. */
static char *registrations(void)
{
	int fd = memfd_create("piece", MFD_CLOEXEC);
	char *base = mmap(NULL, PIECES * PIECE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (fd < 0 || base == MAP_FAILED || ftruncate(fd, (off_t)PIECE))
		return NULL;
	for (size_t i = 0; i < PIECES; i++)
		if (mmap(base + i * PIECE, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 fd, 0) == MAP_FAILED)
			return NULL;
	close(fd);
	/* The page tables of the process are not what is measured. */
	return sys_populate(sys_kernel(), base, PIECES * PIECE, 1) ? NULL : base;
}

static uint64_t entries_left(struct iommufd_ioas *ioas)
{
	struct iommufd_ioas_info info = { .size = sizeof(info) };

	must(iommufd_ioas_get_info(ioas, &info), "info");
	return info.entries_left;
}

static void measure_registrations(const struct iommufd_sys *sys, char *base, bool coalesce)
{
	struct iommufd_ioas_opts opts = {
		.size = sizeof(opts), .flags = coalesce ? IOMMUFD_IOAS_COALESCE : 0u,
	};
	struct iommufd_ctx *ctx = open_ctx(sys);
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas, *none;
	uint64_t start, mapped, attached, left, empty;

	if (!ctx)
		must(-1, "context");
	must(iommufd_ioas_new(ctx, &opts, &ioas), "ioas");
	must(iommufd_ioas_new(ctx, NULL, &none), "ioas");
	must(iommufd_device_open(ctx, device_name(0), NULL, &dev), "open");
	must(iommufd_device_attach(dev, none), "attach");
	empty = entries_left(none);
	must(iommufd_device_detach(dev), "detach");
	start = bench_now();
	for (size_t i = 0; i < PIECES; i++) {
		uint64_t iova = BASE + i * PIECE;

		must(iommufd_ioas_map(ioas, base + i * PIECE, PIECE,
				      IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED,
				      &iova, NULL),
		     "map");
	}
	mapped = bench_now();
	must(iommufd_device_attach(dev, ioas), "attach");
	attached = bench_now();
	left = entries_left(ioas);
	must(iommufd_ioas_unmap_all(ioas, NULL), "unmap all");
	printf("%-10s %10.1f ms map %10.1f ms attach %8llu entries %10.1f ms unmap all\n",
	       coalesce ? "coalesced" : "one each", (double)(mapped - start) / 1e6,
	       (double)(attached - mapped) / 1e6, (unsigned long long)(empty - left),
	       (double)(bench_now() - attached) / 1e6);
	iommufd_device_unref(dev);
	iommufd_ioas_unref(none);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
}

int main(void)
{
	struct iommufd_emu *emu = NULL;
	char *base;

	must(iommufd_emu_new(NULL, &emu), "emulator");
	printf("type1: map + unmap of 4 KiB with a device attached, ns a pair, median of %d rounds\n",
	       ROUNDS);
	printf("%-10s %10s %10s %10s %9s %9s %8s\n", "kernel", "raw ioctl", "fixed", "chosen",
	       "+fixed", "+chosen", "ratio");
	measure_pairs("emulated", iommufd_emu_get_sys(emu));
	measure_pairs("running", sys_kernel());
	base = registrations();
	if (!base) {
		printf("\n64 GiB of address space cannot be had: %s\n", strerror(errno));
		iommufd_emu_unref(emu);
		return 0;
	}
	printf("\n%u registrations of 2 MiB, 64 GiB in all, then one device; emulated\n", PIECES);
	measure_registrations(iommufd_emu_get_sys(emu), base, false);
	measure_registrations(iommufd_emu_get_sys(emu), base, true);
	munmap(base, PIECES * PIECE);
	iommufd_emu_unref(emu);
	return 0;
}
