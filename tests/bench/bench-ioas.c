/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the library costs over the raw ioctl: map and unmap of one page, through
 * the library and by hand, in one process and in turns. On three kernels: one
 * that answers at once and does nothing (what is left is the library), the
 * emulated one, and the running one where it has /dev/iommu.
 */
#include <errno.h>
#include <libiommufd.h>
#include <libiommufd/emu.h>
#include <stdbool.h>
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
#define BASE UINT64_C(0x100000000)   /* where the pairs are measured */
#define RESIDENT UINT64_C(0x4000000000) /* where the other mappings are */

/* ---- a kernel that says yes to everything ---- */

static int null_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	(void)data;
	(void)fd;
	switch (request) {
	case K_IOMMU_IOAS_ALLOC:
		if (*(uint32_t *)arg < sizeof(struct k_iommu_ioas_alloc))
			return -EINVAL;
		((struct k_iommu_ioas_alloc *)arg)->out_ioas_id = 1;
		break;
	case K_IOMMU_IOAS_IOVA_RANGES: {
		struct k_iommu_ioas_iova_ranges *r = arg;
		struct k_iommu_iova_range *out = (void *)(uintptr_t)r->allowed_iovas;

		out[0] = (struct k_iommu_iova_range){ 0, UINT64_MAX };
		r->num_iovas = 1;
		r->out_iova_alignment = 1;
	}
	}
	return 0;
}

static int null_open(void *data, const char *path, int flags)
{
	(void)data;
	(void)path;
	(void)flags;
	return dup(STDERR_FILENO);
}

static struct iommufd_sys null_kernel(void)
{
	struct iommufd_sys sys = *sys_kernel();

	sys.open = null_open;
	sys.ioctl = null_ioctl;
	return sys;
}

/* ---- the pairs ---- */

struct subject {
	const struct iommufd_sys *sys;
	struct iommufd_ctx *ctx;
	struct iommufd_ioas *ioas;
	struct iommufd_device *dev;
	uint32_t id;
	int fd;
	char *memory;
};

static void must(int r, const char *what)
{
	if (!r)
		return;
	fprintf(stderr, "bench-ioas: %s: %s (%d)\n", what, iommufd_error_last()->message, r);
	exit(1);
}

static void raw_pairs(struct subject *s, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		struct k_iommu_ioas_map map = {
			.size = sizeof(map),
			.flags = K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_READABLE |
				 K_IOMMU_IOAS_MAP_WRITEABLE,
			.ioas_id = s->id,
			.user_va = (uintptr_t)s->memory,
			.length = PAGE,
			.iova = BASE,
		};
		struct k_iommu_ioas_unmap unmap = {
			.size = sizeof(unmap), .ioas_id = s->id, .iova = BASE, .length = PAGE,
		};

		if (s->sys->ioctl(s->sys->data, s->fd, K_IOMMU_IOAS_MAP, &map) ||
		    s->sys->ioctl(s->sys->data, s->fd, K_IOMMU_IOAS_UNMAP, &unmap))
			exit(1);
	}
}

static void fixed_pairs(struct subject *s, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		uint64_t iova = BASE;

		if (iommufd_ioas_map(s->ioas, s->memory, PAGE,
				     IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED,
				     &iova, NULL) ||
		    iommufd_ioas_unmap(s->ioas, BASE, PAGE, NULL))
			must(-1, "fixed pair");
	}
}

static void chosen_pairs(struct subject *s, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		uint64_t iova = 0;

		if (iommufd_ioas_map(s->ioas, s->memory, PAGE,
				     IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE, &iova, NULL) ||
		    iommufd_ioas_unmap(s->ioas, iova, PAGE, NULL))
			must(-1, "chosen pair");
	}
}

static double ns_per(void (*run)(struct subject *, size_t), struct subject *s, size_t pairs)
{
	uint64_t start = bench_now();

	run(s, pairs);
	return (double)(bench_now() - start) / (double)pairs;
}

static void measure_pairs(struct subject *s, const char *kernel, size_t resident, size_t pairs)
{
	double raw[ROUNDS], fixed[ROUNDS], chosen[ROUNDS], r, f, c;

	for (size_t i = 0; i < resident; i++) {
		uint64_t iova = RESIDENT + 2 * i * PAGE;

		must(iommufd_ioas_map(s->ioas, s->memory + (1 + i % 15) * PAGE, PAGE,
				      IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova, NULL),
		     "resident mapping");
	}
	for (int i = -1; i < ROUNDS; i++) {
		int at = i < 0 ? 0 : i; /* the first is a warm-up */

		raw[at] = ns_per(raw_pairs, s, pairs);
		fixed[at] = ns_per(fixed_pairs, s, pairs);
		chosen[at] = ns_per(chosen_pairs, s, pairs);
	}
	r = bench_median(raw, ROUNDS);
	f = bench_median(fixed, ROUNDS);
	c = bench_median(chosen, ROUNDS);
	printf("%-10s %9zu %10.1f %10.1f %10.1f %9.1f %9.1f %8.3f\n", kernel, resident, r, f, c,
	       f - r, c - r, f / r);
	must(iommufd_ioas_unmap_all(s->ioas, NULL), "unmap all");
}

/* ---- 512 pieces at once ---- */

#define PIECES 512

static void measure_vector(struct subject *s, const char *kernel)
{
	static struct iommufd_map_vec vec[PIECES];
	double one[ROUNDS], all[ROUNDS], merged[ROUNDS], o;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = bench_now();

		for (size_t n = 0; n < PIECES; n++) {
			struct k_iommu_ioas_map map = {
				.size = sizeof(map),
				.flags = K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_READABLE,
				.ioas_id = s->id,
				.user_va = (uintptr_t)s->memory + n * PAGE,
				.length = PAGE,
				.iova = BASE + n * PAGE,
			};

			if (s->sys->ioctl(s->sys->data, s->fd, K_IOMMU_IOAS_MAP, &map))
				exit(1);
		}
		one[i] = (double)(bench_now() - start);
		{
			struct k_iommu_ioas_unmap unmap = {
				.size = sizeof(unmap), .ioas_id = s->id, .iova = BASE,
				.length = PIECES * PAGE,
			};

			if (s->sys->ioctl(s->sys->data, s->fd, K_IOMMU_IOAS_UNMAP, &unmap))
				exit(1);
		}
		for (int coalesce = 0; coalesce < 2; coalesce++) {
			for (size_t n = 0; n < PIECES; n++)
				vec[n] = (struct iommufd_map_vec){
					s->memory + n * PAGE, PAGE, BASE + n * PAGE,
				};
			start = bench_now();
			must(iommufd_ioas_mapv(s->ioas, vec, PIECES,
					       IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED |
						       (coalesce ? IOMMUFD_MAP_COALESCE : 0u),
					       NULL, NULL),
			     "mapv");
			(coalesce ? merged : all)[i] = (double)(bench_now() - start);
			must(iommufd_ioas_unmap_all(s->ioas, NULL), "unmap all");
		}
	}
	o = bench_median(one, ROUNDS);
	printf("%-10s %10.1f us by hand %10.1f us mapv (%.3f) %10.1f us coalesced (%.3f)\n", kernel,
	       o / 1e3, bench_median(all, ROUNDS) / 1e3, bench_median(all, ROUNDS) / o,
	       bench_median(merged, ROUNDS) / 1e3, bench_median(merged, ROUNDS) / o);
}

/* With a device attached, mapping pins memory and fills the I/O page table. */
static int attach(struct subject *s)
{
	const char *devices = getenv("LIBIOMMUFD_TEST_DEVICES");
	char name[64] = "0000:00:03.0";
	int r;

	if (devices)
		sscanf(devices, "%63s", name);
	r = iommufd_device_open(s->ctx, name, NULL, &s->dev);
	return r ? r : iommufd_device_attach(s->dev, s->ioas);
}

static int subject_open(struct subject *s, const struct iommufd_sys *sys, bool with_device)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .sys = sys };
	int r = iommufd_ctx_new(&opts, &s->ctx);

	s->dev = NULL;
	if (r)
		return r;
	must(iommufd_ioas_new(s->ctx, NULL, &s->ioas), "ioas");
	must(iommufd_ioas_get_id(s->ioas, &s->id), "id");
	s->sys = sys;
	s->fd = iommufd_ctx_get_fd(s->ctx);
	s->memory = mmap(NULL, PIECES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (s->memory == MAP_FAILED)
		return -ENOMEM;
	return with_device ? attach(s) : 0;
}

static void subject_close(struct subject *s)
{
	munmap(s->memory, PIECES * PAGE);
	iommufd_device_unref(s->dev);
	iommufd_ioas_unref(s->ioas);
	iommufd_ctx_unref(s->ctx);
}

int main(void)
{
	struct iommufd_sys null = null_kernel();
	struct iommufd_emu *emu = NULL;
	struct {
		const char *name;
		const struct iommufd_sys *sys;
		bool device;
		size_t pairs, most;
	} kernels[] = {
		{ "null", &null, false, 20000, 1 << 18 },
		{ "emulated", NULL, false, 2000, 4096 },
		{ "  attached", NULL, true, 2000, 4096 },
		{ "running", sys_kernel(), false, 2000, 4096 },
		{ "  attached", sys_kernel(), true, 2000, 4096 },
	};

	must(iommufd_emu_new(NULL, &emu), "emulator");
	kernels[1].sys = kernels[2].sys = iommufd_emu_get_sys(emu);
	printf("map + unmap of 4 KiB, ns a pair, median of %d rounds\n", ROUNDS);
	printf("%-10s %9s %10s %10s %10s %9s %9s %8s\n", "kernel", "resident", "raw ioctl",
	       "fixed", "chosen", "+fixed", "+chosen", "ratio");
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		struct subject s;

		if (subject_open(&s, kernels[i].sys, kernels[i].device)) {
			printf("%-10s not measured: %s\n", kernels[i].name,
			       iommufd_error_last()->message);
			continue;
		}
		for (size_t resident = 0; resident <= kernels[i].most;
		     resident = resident ? resident * 64 : 64)
			measure_pairs(&s, kernels[i].name, resident, kernels[i].pairs);
		subject_close(&s);
	}
	printf("\n%d pieces of 4 KiB at once\n", PIECES);
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		struct subject s;

		if (subject_open(&s, kernels[i].sys, kernels[i].device))
			continue;
		measure_vector(&s, kernels[i].name);
		subject_close(&s);
	}
	iommufd_emu_unref(emu);
	return 0;
}
