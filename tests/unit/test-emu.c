/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The emulated /dev/iommu. */
#include "test-emu.h"

#include <sys/stat.h>

static int allow(struct machine *m, const struct k_iommu_iova_range *list, uint32_t nr)
{
	struct k_iommu_ioas_allow_iovas arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .num_iovas = nr,
		.allowed_iovas = (uintptr_t)list,
	};

	return request(m, m->iommu, K_IOMMU_IOAS_ALLOW_IOVAS, &arg);
}

static void arguments_may_be_longer_not_shorter(void **state)
{
	struct machine *m = *state;
	struct {
		struct k_iommu_ioas_alloc arg;
		uint32_t tail[100];
	} in = { .arg.size = sizeof(in) };
	uint32_t size = 4;

	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_ALLOC, &in), 0);
	assert_int_equal(in.arg.size, sizeof(in));
	in.tail[99] = 1;
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_ALLOC, &in), -E2BIG);
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_ALLOC, &size), -EINVAL);
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_ALLOC, (void *)8), -EFAULT);
	in.tail[99] = 0;
	in.arg.flags = 1;
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_ALLOC, &in), -EOPNOTSUPP);
	assert_int_equal(request(m, m->iommu, _IO(';', 0xfe), &in), -ENOTTY);
	assert_int_equal(request(m, m->iommu, _IOW(';', 0x81, int), &in), -ENOTTY);
	assert_int_equal(request(m, m->iommu, _IO(';', 3), &in), -ENOTTY);
}

static void an_unwritable_answer_allocates_nothing(void **state)
{
	struct machine *m = *state;
	struct k_iommu_ioas_alloc *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	arg->size = sizeof(*arg);
	mprotect(arg, PAGE, PROT_READ);
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_ALLOC, arg), -EFAULT);
	assert_int_equal(counts(m).ioas, 1);
	munmap(arg, PAGE);
}

static void descriptors_are_real_and_others_are_left_alone(void **state)
{
	struct machine *m = *state;
	struct stat st;
	int copy = dup(m->iommu), pipes[2];
	uint32_t id;
	char byte;

	assert_int_equal(new_ioas(m, copy, &id), 0); /* a duplicate nobody told of */
	close(copy);
	copy = m->sys->dup(m->sys->data, m->iommu);
	assert_true(fcntl(copy, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(copy, &st), 0);
	assert_int_equal(counts(m).fds, 2);
	shut(m, m->iommu);
	m->iommu = copy; /* keeps all of it */
	assert_int_equal(destroy(m, id), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(request(m, pipes[0], K_IOMMU_IOAS_ALLOC, &st), -ENOTTY);
	assert_int_equal(m->sys->pread(m->sys->data, pipes[0], &byte, 1, 0), -ESPIPE);
	assert_int_equal(m->sys->dup(m->sys->data, 1000), -EBADF);
	shut(m, pipes[0]);
	shut(m, pipes[1]);
}

static void ids_are_reused_lowest_first(void **state)
{
	struct machine *m = *state;
	uint32_t a, b, c;

	assert_int_equal(m->ioas, 1);
	assert_int_equal(new_ioas(m, m->iommu, &a), 0);
	assert_int_equal(new_ioas(m, m->iommu, &b), 0);
	assert_int_equal(destroy(m, a), 0);
	assert_int_equal(destroy(m, a), -ENOENT);
	assert_int_equal(destroy(m, 0), -ENOENT);
	assert_int_equal(new_ioas(m, m->iommu, &c), 0);
	assert_int_equal(c, a);
}

static void map_refuses_in_the_kernels_order(void **state)
{
	struct machine *m = *state;
	uint64_t iova = PAGE;

	assert_int_equal(map_in(m, 99, m->mem, PAGE, 8 | RW, &iova), -EOPNOTSUPP);
	iova = UINT64_MAX;
	assert_int_equal(map_in(m, 99, m->mem, PAGE, FIXED, &iova), -EOVERFLOW);
	iova = PAGE;
	assert_int_equal(map_in(m, 99, m->mem, PAGE, FIXED, &iova), -EINVAL);
	assert_int_equal(map_in(m, 99, m->mem, 0, FIXED | RW, &iova), -ENOENT);
	assert_int_equal(map(m, m->mem, 0, PAGE), -EINVAL);
	assert_int_equal(map(m, (void *)-PAGE, 2 * PAGE, PAGE), -EOVERFLOW);
	assert_int_equal(map(m, m->mem, 2 * PAGE, UINT64_MAX - PAGE), -EOVERFLOW);
	assert_int_equal(map(m, m->mem, PAGE, PAGE), 0);
	assert_int_equal(map(m, m->mem, PAGE, PAGE), -EEXIST);
	assert_int_equal(map(m, m->mem, 2 * PAGE, 0), -EEXIST);
	assert_int_equal(counts(m).mappings, 1);
}

static void anything_goes_before_a_device_attaches(void **state)
{
	struct machine *m = *state;
	struct ranges r = get_ranges(m);

	assert_int_equal(r.nr, 1);
	assert_true(r.range[0].start == 0 && r.range[0].last == UINT64_MAX);
	assert_int_equal(r.alignment, 1);
	assert_int_equal(map(m, m->mem + 3, 5, 7), 0);
	assert_int_equal(map(m, (void *)PAGE, PAGE, PAGE), 0); /* nothing there */
	assert_int_equal(map(m, m->mem, PAGE, 0xfee00000), 0);
	assert_int_equal(counts(m).pinned_pages, 0);
}

static void unmap_is_not_atomic(void **state)
{
	struct machine *m = *state;
	uint64_t length = 3 * PAGE;

	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(map(m, m->mem, 4 * PAGE, 0x11000), 0);
	assert_int_equal(unmap(m, 0x10000, &length), -ENOENT);
	assert_int_equal(length, 3 * PAGE); /* the page that went is not told */
	assert_int_equal(counts(m).mappings, 1);
	assert_int_equal(unmap(m, 0x12000, &length), -ENOENT);
	assert_int_equal(counts(m).mappings, 1);
	length = 16 * PAGE;
	assert_int_equal(unmap(m, 0xf000, &length), 0);
	assert_int_equal(length, 4 * PAGE);
	assert_int_equal(unmap(m, 0xf000, &length), -ENOENT);
	length = 0;
	assert_int_equal(unmap(m, 0xf000, &length), -EINVAL);
	length = UINT64_MAX;
	assert_int_equal(unmap(m, 0xf000, &length), -EOVERFLOW);
	length = 2 * PAGE;
	assert_int_equal(unmap(m, UINT64_MAX - PAGE, &length), -EOVERFLOW);
	assert_int_equal(unmap_all(m), 0); /* and of nothing is fine */
	assert_int_equal(map(m, m->mem, PAGE, 0), 0);
	assert_int_equal(map(m, m->mem, PAGE, 0x5000), 0);
	assert_int_equal(unmap_all(m), 2 * PAGE);
}

static uint64_t pick(struct machine *m, uint64_t va, uint64_t length)
{
	uint64_t iova = 0;

	assert_int_equal(map_in(m, m->ioas, (void *)(uintptr_t)va, length, RW, &iova), 0);
	return iova;
}

static void the_kernel_picks_the_lowest_fit(void **state)
{
	struct machine *m = *state;
	const struct k_iommu_iova_range window[] = { { 0x1800000, 0x1802fff },
						     { 0x1400000, 0x1400fff } };
	uint64_t iova;

	assert_int_equal(pick(m, 0x10001000, PAGE), 0x1000);	    /* never page 0 */
	assert_int_equal(pick(m, 0x10002000, 2 * PAGE), 0x2000);    /* as aligned as both are */
	assert_int_equal(pick(m, 0x10003000, 2 * PAGE), 0x4000);    /* the memory is not */
	assert_int_equal(pick(m, 0x10000123, 0x100), 0x6123);	    /* place in the page kept */
	assert_int_equal(pick(m, 0x40000000, 4 << 20), 2 << 20);    /* a huge page is the most */
	assert_int_equal(map(m, m->mem, PAGE, 0x7000), 0);
	assert_int_equal(pick(m, 0x10000000, 2 * PAGE), 0x8000);    /* past what is taken */
	assert_int_equal(allow(m, window, 2), 0);
	assert_int_equal(pick(m, 0x10000000, PAGE), 0x1400000);
	assert_int_equal(pick(m, 0x10000000, PAGE), 0x1800000);
	iova = 0;
	assert_int_equal(map_in(m, m->ioas, m->mem, 4 * PAGE, RW, &iova), -ENOSPC);
	assert_int_equal(map_in(m, m->ioas, m->mem, UINT64_MAX / 2, RW, &iova), -EOVERFLOW);
	assert_int_equal(map(m, m->mem, PAGE, 0x100000), 0); /* not bound by the list */
}

static void allow_list_is_checked_and_replaced(void **state)
{
	struct machine *m = *state;
	const struct k_iommu_iova_range bad[] = { { 5, 5 } }, twice[] = { { 0, 9 }, { 9, 20 } };
	const struct k_iommu_iova_range msi[] = { { 0xfee00000, 0xfee00fff } };
	int dev = get_device(m, ALONE1);

	assert_int_equal(allow(m, bad, 1), -EINVAL);
	assert_int_equal(allow(m, twice, 2), -EINVAL);
	assert_int_equal(allow(m, (void *)8, 1), -EFAULT);
	assert_int_equal(allow(m, msi, 1), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EADDRINUSE);
	assert_int_equal(allow(m, NULL, 0), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(allow(m, msi, 1), -EADDRINUSE);
	shut(m, dev);
}

static void attach_narrows_and_detach_widens(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	struct k_iommu_iova_range one[1] = { 0 };
	struct k_iommu_ioas_iova_ranges arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .num_iovas = 1,
		.allowed_iovas = (uintptr_t)one,
	};
	struct ranges r;

	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	r = get_ranges(m);
	assert_int_equal(r.nr, 2);
	assert_int_equal(r.alignment, PAGE);
	assert_int_equal(r.range[0].last, 0xfedfffff);
	assert_int_equal(r.range[1].start, 0xfef00000);
	assert_int_equal(r.range[1].last, 0x7fffffffff);
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_IOVA_RANGES, &arg), -EMSGSIZE);
	assert_int_equal(arg.num_iovas, 2);
	assert_int_equal(one[0].last, 0xfedfffff);
	assert_int_equal(map(m, m->mem, PAGE, 0xfee00000), -EINVAL);
	assert_int_equal(map(m, m->mem, PAGE, UINT64_C(1) << 39), -EINVAL);
	assert_int_equal(map(m, m->mem, PAGE, 0x1001), -EINVAL);
	assert_int_equal(map(m, m->mem, 100, 0x1000), -EINVAL);
	assert_int_equal(map(m, m->mem + 1, PAGE, 0x1000), -EINVAL);
	assert_int_equal(detach(m, dev), 0);
	r = get_ranges(m);
	assert_int_equal(r.nr, 1);
	assert_int_equal(r.alignment, 1);
	shut(m, dev);
}

static void attach_refuses_mappings_it_cannot_take(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	static const struct {
		uint64_t iova, length;
	} bad[] = {
		{ 0xfee00000, PAGE }, { UINT64_C(1) << 39, PAGE }, { 0x1000, 100 }, { 0x1001, PAGE }
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(map(m, m->mem, bad[i].length, bad[i].iova), 0);
		assert_int_equal(attach(m, dev, m->ioas, NULL), -EADDRINUSE);
		assert_int_equal(get_ranges(m).nr, 1);
		unmap_all(m);
	}
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	shut(m, dev);
}

static void memory_is_pinned_at_attach_with_rollback(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1), other = get_device(m, ALONE2);

	mprotect(m->mem + 8 * PAGE, PAGE, PROT_READ);
	mprotect(m->mem + 9 * PAGE, PAGE, PROT_NONE);
	assert_int_equal(map(m, m->mem, 4 * PAGE, 0x10000), 0);
	assert_int_equal(map(m, m->mem + 8 * PAGE, PAGE, 0x20000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EFAULT);
	assert_int_equal(counts(m).pinned_pages, 0);
	assert_int_equal(counts(m).attached, 0);
	assert_int_equal(unmap(m, 0x20000, &(uint64_t){ PAGE }), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(attach(m, other, m->ioas, NULL), 0);
	assert_int_equal(counts(m).pinned_pages, 4); /* once, however many devices */
	assert_int_equal(map(m, m->mem + 8 * PAGE, PAGE, 0x20000), -EFAULT);
	assert_int_equal(map_in(m, m->ioas, m->mem + 8 * PAGE, PAGE,
				FIXED | K_IOMMU_IOAS_MAP_READABLE, &(uint64_t){ 0x20000 }),
			 0);
	assert_int_equal(map_in(m, m->ioas, m->mem + 9 * PAGE, PAGE,
				FIXED | K_IOMMU_IOAS_MAP_READABLE, &(uint64_t){ 0x30000 }),
			 -EFAULT);
	assert_int_equal(map(m, (void *)PAGE, PAGE, 0x30000), -EFAULT);
	assert_int_equal(counts(m).pinned_pages, 5);
	shut(m, dev);
	assert_int_equal(counts(m).pinned_pages, 5);
	shut(m, other);
	assert_int_equal(counts(m).pinned_pages, 0);
	assert_int_equal(counts(m).mappings, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arguments_may_be_longer_not_shorter),
		TEST(an_unwritable_answer_allocates_nothing),
		TEST(descriptors_are_real_and_others_are_left_alone),
		TEST(ids_are_reused_lowest_first),
		TEST(map_refuses_in_the_kernels_order),
		TEST(anything_goes_before_a_device_attaches),
		TEST(unmap_is_not_atomic),
		TEST(the_kernel_picks_the_lowest_fit),
		TEST(allow_list_is_checked_and_replaced),
		TEST(attach_narrows_and_detach_widens),
		TEST(attach_refuses_mappings_it_cannot_take),
		TEST(memory_is_pinned_at_attach_with_rollback),
	};

	return cmocka_run_group_tests_name("emu", tests, NULL, NULL);
}
