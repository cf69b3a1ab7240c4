/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Dirty pages of a guest of 64 GiB: to find the runs in the bitmap, beside plainly
 * reading it, two words at a time. And what the library adds to the kernel's own call,
 * where there are mock devices.
 */
#include <libiommufd.h>
#include <libiommufd/emu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "os/mock.h"
#include "os/sys.h"

#define PAGE 4096u
#define GIB 64u
#define BITS ((uint64_t)GIB << 18)
#define WORDS (BITS / 64)
#define ROUNDS 21
#define REPEAT 20

/* ---- the bitmap ---- */

typedef uint64_t pair __attribute__((vector_size(16), may_alias));

static double read_words(const uint64_t *bits)
{
	uint64_t start = bench_cpu();

	for (unsigned int r = 0; r < REPEAT; r++) {
		pair a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

		for (uint64_t i = 0; i < WORDS; i += 8) {
			const pair *p = (const pair *)(bits + i);

			a |= p[0];
			b |= p[1];
			c |= p[2];
			d |= p[3];
		}
		a |= b | c | d;
		bench_use(a[0] | a[1]);
	}
	return (double)(bench_cpu() - start) / REPEAT;
}

static double find_runs(const uint64_t *bits, uint64_t *pages)
{
	uint64_t start = bench_cpu();

	for (unsigned int r = 0; r < REPEAT; r++) {
		uint64_t first = 0, count;

		*pages = 0;
		for (; !iommufd_dirty_next(bits, BITS, &first, &count); first += count)
			*pages += count;
		bench_use(*pages);
	}
	return (double)(bench_cpu() - start) / REPEAT;
}

static void compare(const char *what, const uint64_t *bits, uint64_t expected)
{
	double plain[ROUNDS], runs[ROUNDS];
	uint64_t pages = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		plain[i] = read_words(bits);
		runs[i] = find_runs(bits, &pages);
		if (pages != expected) {
			fprintf(stderr, "bench-dirty: %llu pages found, not %llu\n",
				(unsigned long long)pages, (unsigned long long)expected);
			exit(1);
		}
	}
	printf("  %-28s %9.0f ns/GiB %9.0f ns/GiB   ratio %.2f\n", what,
	       bench_median(plain, ROUNDS) / GIB, bench_median(runs, ROUNDS) / GIB,
	       bench_median(runs, ROUNDS) / bench_median(plain, ROUNDS));
}

static void bitmaps(void)
{
	uint64_t *bits = aligned_alloc(64, WORDS * sizeof(*bits)), random = 88172645463325252u;
	uint64_t clusters = 0;

	if (!bits)
		exit(1);
	printf("runs of dirty pages, guest of %u GiB, against reading the bitmap\n", GIB);
	memset(bits, 0, WORDS * sizeof(*bits));
	compare("none dirty", bits, 0);
	for (uint64_t i = 0; i < WORDS; i++) {
		bits[i] = bench_random(&random) % 10 ? 0 : UINT64_MAX;
		clusters += bits[i] != 0;
	}
	compare("a tenth, in runs of 64", bits, clusters * 64);
	memset(bits, 0xff, WORDS * sizeof(*bits));
	compare("all dirty", bits, BITS);
	free(bits);
}

/* ---- the kernel's call ---- */

#define IOVA K_MOCK_APERTURE_START
#define MAPPED 16384u /* pages */
#define CALLS 200

struct bench {
	const struct iommufd_sys *sys;
	struct iommufd_ctx *ctx;
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *hwpt;
	uint32_t table;
	uint64_t bits[MAPPED / 64];
};

static int call(struct bench *b, unsigned long request, void *arg)
{
	return sys_ioctl(b->sys, iommufd_ctx_get_fd(b->ctx), request, arg);
}

static int adopt(struct bench *b)
{
	struct k_iommu_ioas_alloc home = { .size = sizeof(home) };
	struct k_iommu_test_cmd arg = { .size = sizeof(arg), .op = K_IOMMU_TEST_OP_MOCK_DOMAIN };
	struct iommufd_device_bound bound = { .size = sizeof(bound), .fd = -1 };

	if (call(b, K_IOMMU_IOAS_ALLOC, &home))
		return -1;
	arg.id = home.out_ioas_id;
	if (call(b, K_IOMMU_TEST_CMD, &arg))
		return -1;
	bound.id = arg.mock_domain_flags.out_idev_id;
	bound.mock_id = arg.mock_domain_flags.out_stdev_id;
	bound.mock_pt = home.out_ioas_id;
	return iommufd_device_adopt(b->ctx, &bound, NULL, &b->dev);
}

static int prepare(struct bench *b, void *memory)
{
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts),
					  .flags = IOMMUFD_HWPT_DIRTY_TRACKING };
	struct iommufd_hwpt_info info = { .size = sizeof(info) };
	uint64_t iova = IOVA;
	int r = iommufd_ioas_new(b->ctx, NULL, &b->ioas);

	r = r ? r : iommufd_ioas_map(b->ioas, memory, (size_t)MAPPED * PAGE,
				     IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED,
				     &iova, NULL);
	r = r ? r : iommufd_hwpt_new(b->dev, b->ioas, &opts, &b->hwpt);
	r = r ? r : iommufd_device_attach_hwpt(b->dev, b->hwpt);
	r = r ? r : iommufd_ioas_set_dirty_tracking(b->ioas, 1);
	r = r ? r : iommufd_hwpt_get_info(b->hwpt, &info);
	b->table = info.id;
	return r;
}

static double by_kernel(struct bench *b)
{
	uint64_t start = bench_now();

	for (unsigned int i = 0; i < CALLS; i++) {
		struct k_iommu_hwpt_get_dirty_bitmap arg = {
			.size = sizeof(arg), .hwpt_id = b->table, .iova = IOVA,
			.length = (uint64_t)MAPPED * PAGE, .page_size = PAGE,
			.data = (uintptr_t)b->bits,
		};

		if (call(b, K_IOMMU_HWPT_GET_DIRTY_BITMAP, &arg))
			exit(1);
	}
	return (double)(bench_now() - start) / CALLS;
}

static double by_library(struct bench *b)
{
	uint64_t start = bench_now();

	for (unsigned int i = 0; i < CALLS; i++)
		if (iommufd_ioas_read_dirty(b->ioas, IOVA, (uint64_t)MAPPED * PAGE, PAGE, 0,
					    b->bits))
			exit(1);
	return (double)(bench_now() - start) / CALLS;
}

static void calls(const char *where, const struct iommufd_sys *sys)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "iommufd", .sys = sys };
	void *memory = mmap(NULL, (size_t)MAPPED * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct bench b = { .sys = sys ? sys : sys_kernel() };
	double kernel[ROUNDS], library[ROUNDS];

	if (memory == MAP_FAILED || iommufd_ctx_new(&opts, &b.ctx)) {
		printf("  %-28s no /dev/iommu\n", where);
		return;
	}
	if (adopt(&b) || prepare(&b, memory)) {
		printf("  %-28s no mock devices\n", where);
	} else {
		for (unsigned int i = 0; i < ROUNDS; i++) {
			kernel[i] = by_kernel(&b);
			library[i] = by_library(&b);
		}
		printf("  %-28s %9.0f ns     %9.0f ns       difference %.0f ns\n", where,
		       bench_median(kernel, ROUNDS), bench_median(library, ROUNDS),
		       bench_median(library, ROUNDS) - bench_median(kernel, ROUNDS));
	}
	iommufd_device_unref(b.dev);
	iommufd_hwpt_unref(b.hwpt);
	iommufd_ioas_unref(b.ioas);
	iommufd_ctx_unref(b.ctx);
	munmap(memory, (size_t)MAPPED * PAGE);
}

int main(void)
{
	struct iommufd_emu *emu;

	bench_pin(0);
	bitmaps();
	printf("reading 64 MiB of one mapping, none dirty: kernel, library\n");
	if (iommufd_emu_get_default(&emu))
		return 1;
	calls("emulated kernel", iommufd_emu_get_sys(emu));
	calls("this kernel", NULL);
	iommufd_emu_unref(emu);
	return 0;
}
