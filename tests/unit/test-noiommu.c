/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* backend/: memory kept in place, and physical addresses, on a kernel made up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/container-noiommu.h"
#include "backend/group.h"
#include "backend/locked.h"
#include "os/uapi.h"

#define PAGE 4096ull
#define PAGES 256u
#define MEMORY 0x7000000000ull /* where the process has PAGES pages; nobody touches them */
#define IOVA 0x10000ull

enum { FD_CONTAINER = 100, FD_OTHER, FD_PAGEMAP, FD_GROUP = 200, FD_GROUP2 };

/* ---- a kernel made up ---- */

struct kernel {
	bool locked[PAGES];
	uint64_t frames[PAGES]; /* of pagemap, with its flags */
	unsigned int limit;     /* pages that may be locked */
	bool old;               /* does not know how to populate */
	int populate, touch, pagemap, set_container, set_iommu; /* what they answer */
	int groups_in, containers;
	struct core core;
	struct iommufd_sys sys;
};

static unsigned int locked_pages(const struct kernel *k)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PAGES; i++)
		n += k->locked[i];
	return n;
}

static int fake_lock(void *data, void *addr, size_t n, int on)
{
	struct kernel *k = data;
	uint64_t first = ((uintptr_t)addr - MEMORY) / PAGE;

	assert_true((uintptr_t)addr % PAGE == 0 && n % PAGE == 0 && n);
	assert_true(first + n / PAGE <= PAGES);
	for (uint64_t i = first; i < first + n / PAGE; i++) {
		if (on && !k->locked[i] && locked_pages(k) == k->limit)
			return -ENOMEM; /* as mlock(): some may be locked */
		k->locked[i] = on;
	}
	return 0;
}

static int fake_populate(void *data, void *addr, size_t n, int writable)
{
	const struct kernel *k = data;
	(void)n;
	(void)writable;

	if ((uintptr_t)addr >= MEMORY && (uintptr_t)addr < MEMORY + PAGES * PAGE)
		return k->populate;
	return k->old ? -EINVAL : 0; /* memory that everybody has */
}

static int fake_touch(void *data, void *addr, size_t n, int writable)
{
	const struct kernel *k = data;
	(void)addr;
	(void)n;
	(void)writable;

	return k->touch;
}

static int fake_open(void *data, const char *path, int flags)
{
	struct kernel *k = data;
	(void)flags;

	if (!strcmp(path, "/proc/self/pagemap"))
		return k->pagemap;
	assert_string_equal(path, "/dev/vfio/vfio");
	k->containers++;
	return FD_OTHER;
}

static int fake_close(void *data, int fd)
{
	struct kernel *k = data;

	if (fd != FD_PAGEMAP)
		k->containers--;
	return 0;
}

static int fake_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	struct kernel *k = data;

	switch (request) {
	case K_VFIO_GET_API_VERSION:
		return K_VFIO_API_VERSION;
	case K_VFIO_CHECK_EXTENSION:
		return (uintptr_t)arg == K_VFIO_NOIOMMU_IOMMU;
	case K_VFIO_GROUP_SET_CONTAINER:
		assert_true(fd >= FD_GROUP);
		k->groups_in += !k->set_container;
		return k->set_container;
	case K_VFIO_GROUP_UNSET_CONTAINER:
		assert_true(fd >= FD_GROUP);
		k->groups_in--;
		return 0;
	case K_VFIO_SET_IOMMU:
		assert_int_equal((uintptr_t)arg, K_VFIO_NOIOMMU_IOMMU);
		return k->set_iommu;
	}
	return -ENOTTY;
}

static ssize_t fake_pread(void *data, int fd, void *buf, size_t n, uint64_t offset)
{
	const struct kernel *k = data;
	uint64_t first = offset / 8 - MEMORY / PAGE;

	assert_true(fd == FD_PAGEMAP && offset % 8 == 0 && n % 8 == 0);
	assert_true(first + n / 8 <= PAGES);
	memcpy(buf, &k->frames[first], n);
	return (ssize_t)n;
}

static void make_kernel(struct kernel *k)
{
	*k = (struct kernel){ .limit = PAGES, .pagemap = FD_PAGEMAP, .containers = 1 };
	k->sys = (struct iommufd_sys){
		.abi = SYS_ABI, .size = sizeof(k->sys), .data = k, .open = fake_open,
		.close = fake_close, .ioctl = fake_ioctl, .pread = fake_pread,
		.populate = fake_populate, .touch = fake_touch, .lock_memory = fake_lock,
	};
	k->core = (struct core){ .sys = &k->sys, .page_size = PAGE };
}

/* ---- counting */

static void locks_are_counted_as_a_model_counts(void **state)
{
	struct { unsigned int first, n; } held[40];
	unsigned int counts[PAGES] = { 0 }, num = 0;
	struct locked *l;
	struct kernel k;

	(void)state;
	make_kernel(&k);
	srandom(1);
	assert_int_equal(locked_new(&k.core, &l), 0);
	for (int round = 0; round < 20000; round++) {
		bool add = num < ARRAY_SIZE(held) && (random() % 2 || !num);
		unsigned int at = add ? num++ : (unsigned int)random() % num;

		if (add) {
			held[at].first = (unsigned int)random() % PAGES;
			held[at].n = 1 + (unsigned int)random() % (PAGES - held[at].first);
			assert_int_equal(locked_add(l, MEMORY + held[at].first * PAGE,
						    held[at].n * PAGE, true), 0);
		} else {
			locked_remove(l, MEMORY + held[at].first * PAGE, held[at].n * PAGE);
		}
		for (unsigned int i = 0; i < held[at].n; i++)
			counts[held[at].first + i] += add ? 1 : (unsigned int)-1;
		if (!add)
			held[at] = held[--num];
		for (unsigned int i = 0; i < PAGES; i++)
			assert_int_equal(k.locked[i], counts[i] != 0);
	}
	while (num--)
		locked_remove(l, MEMORY + held[num].first * PAGE, held[num].n * PAGE);
	assert_int_equal(locked_pages(&k), 0);
	locked_free(l);
}

static void a_lock_that_fails_leaves_those_of_others(void **state)
{
	struct locked *l;
	struct kernel k;

	(void)state;
	make_kernel(&k);
	assert_int_equal(locked_new(&k.core, &l), 0);
	assert_int_equal(locked_add(l, MEMORY + 4 * PAGE, 4 * PAGE, true), 0);
	k.limit = 6;
	assert_int_equal(locked_add(l, MEMORY, 16 * PAGE, true), -ENOMEM);
	assert_int_equal(locked_pages(&k), 4);
	assert_true(k.locked[4] && k.locked[7]);
	k.populate = -ENOMEM; /* madvise() says so of memory that is not there */
	assert_int_equal(locked_add(l, MEMORY, PAGE, true), -EFAULT);
	k.populate = -EFAULT;
	assert_int_equal(locked_add(l, MEMORY, PAGE, false), -EFAULT);
	assert_int_equal(locked_pages(&k), 4);
	locked_remove(l, MEMORY + 4 * PAGE, 4 * PAGE);
	assert_int_equal(locked_pages(&k), 0);
	locked_free(l);
}

/* EINVAL is what madvise() says of a BAR, and Linux before 5.14 of everything. */
static void memory_of_devices_is_refused_and_old_kernels_are_not(void **state)
{
	struct locked *l;
	struct kernel k;

	(void)state;
	make_kernel(&k);
	assert_int_equal(locked_new(&k.core, &l), 0);
	k.populate = -EINVAL;
	assert_int_equal(locked_add(l, MEMORY, PAGE, true), -EFAULT);
	k.old = true;
	assert_int_equal(locked_add(l, MEMORY, PAGE, true), 0);
	k.touch = -EFAULT;
	assert_int_equal(locked_add(l, MEMORY + PAGE, PAGE, true), -EFAULT);
	assert_int_equal(locked_pages(&k), 1);
	locked_remove(l, MEMORY, PAGE);
	locked_free(l);
}

/* ---- containers and addresses */

struct space {
	struct kernel k;
	struct engine e;
	struct engine_ioas as;
	struct iova_map *map;
	struct container *c;
	struct vfio_group group; /* with c in it */
};

static void add_group(struct container *c, int fd)
{
	enum transport_call refused;

	assert_int_equal(container_noiommu.enter(c, fd, &refused), 0);
	c->groups++;
}

static void remove_group(struct container *c, int fd)
{
	container_noiommu.leave(c, fd);
	if (--c->groups)
		return;
	if (c->as)
		container_drop(c);
	container_free(c);
}

static struct container *new_container(struct space *s)
{
	enum transport_call refused;
	struct container *c;

	assert_int_equal(container_new(&s->e, NULL, &c, &refused), 0);
	add_group(c, FD_GROUP);
	return c;
}

static int set_up(void **state)
{
	struct space *s = calloc(1, sizeof(*s));

	make_kernel(&s->k);
	s->e = (struct engine){
		.ops = &engine_noiommu, .core = &s->k.core, .fd = FD_CONTAINER, .noiommu = true,
	};
	assert_int_equal(s->e.ops->probe(&s->e), 0);
	assert_int_equal(iova_map_new(&s->map), 0);
	assert_int_equal(s->e.ops->ioas_alloc(&s->e, &s->as), 0);
	s->as.map = s->map;
	s->c = new_container(s);
	s->group = (struct vfio_group){ .fd = FD_GROUP, .container = s->c };
	s->e.groups = &s->group;
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct space *s = *state;

	remove_group(s->c, FD_GROUP);
	assert_int_equal(locked_pages(&s->k), 0);
	assert_int_equal(s->k.groups_in, 0);
	iova_map_free(s->map);
	engine_exit(&s->e);
	assert_int_equal(s->k.containers, 0);
	free(s);
	return 0;
}

static struct map_entry entry(unsigned int page, unsigned int pages, uint64_t iova)
{
	return (struct map_entry){
		.iova = iova, .length = pages * PAGE, .va = MEMORY + page * PAGE,
		.prot = IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE, .kind = MAP_KIND_VA,
	};
}

static int map(struct space *s, unsigned int page, unsigned int pages, uint64_t iova)
{
	struct map_entry m = entry(page, pages, iova);
	uint32_t ticket;
	int r;

	assert_int_equal(iova_map_prepare(s->map, &m, &ticket), 0);
	r = s->e.ops->map(&s->as, &m);
	if (r)
		iova_map_abandon(s->map, ticket);
	else
		assert_int_equal(iova_map_commit(s->map, ticket), 0);
	return r;
}

static void memory_is_locked_while_a_container_repeats_it(void **state)
{
	struct space *s = *state;
	struct map_entry gone;

	assert_int_equal(map(s, 0, 4, IOVA), 0);
	assert_int_equal(locked_pages(&s->k), 0); /* no device, nothing to hold it for */
	assert_int_equal(container_join(s->c, &s->as), 0);
	assert_int_equal(locked_pages(&s->k), 4);
	assert_int_equal(map(s, 2, 8, IOVA + 0x100000), 0); /* half of it is locked already */
	assert_int_equal(locked_pages(&s->k), 10);
	assert_int_equal(s->e.ops->unmap(&s->as, IOVA, IOVA + 4 * PAGE - 1), 0);
	assert_true(iova_map_pop(s->map, IOVA, IOVA + 4 * PAGE - 1, &gone));
	assert_int_equal(locked_pages(&s->k), 8);
	assert_int_equal(container_quit(s->c), 0);
	assert_int_equal(locked_pages(&s->k), 0);
}

static void containers_share_what_is_locked(void **state)
{
	struct space *s = *state;
	struct container *second = new_container(s);

	assert_int_equal(second->fd, FD_OTHER);
	assert_int_equal(map(s, 0, 4, IOVA), 0);
	assert_int_equal(container_join(s->c, &s->as), 0);
	assert_int_equal(container_join(second, &s->as), 0);
	assert_int_equal(locked_pages(&s->k), 4);
	remove_group(second, FD_GROUP); /* the device is closed without a detach */
	assert_int_equal(locked_pages(&s->k), 4);
}

static void a_failed_join_and_map_lock_nothing(void **state)
{
	struct space *s = *state;
	struct container *second;

	assert_int_equal(map(s, 0, 4, IOVA), 0);
	assert_int_equal(map(s, 8, 4, IOVA + 0x100000), 0);
	s->k.limit = 6;
	assert_int_equal(container_join(s->c, &s->as), -ENOMEM);
	assert_int_equal(s->c->failed.iova, IOVA + 0x100000);
	assert_int_equal(locked_pages(&s->k), 0);
	s->k.limit = 8;
	assert_int_equal(container_join(s->c, &s->as), 0);
	second = new_container(s);
	assert_int_equal(container_join(second, &s->as), 0);
	assert_int_equal(map(s, 20, 1, IOVA + 0x200000), -ENOMEM);
	assert_int_equal(locked_pages(&s->k), 8);
	remove_group(second, FD_GROUP);
}

static void restoring_finds_what_is_there(void **state)
{
	struct space *s = *state;
	struct map_entry m = entry(0, 4, IOVA);

	assert_int_equal(container_join(s->c, &s->as), 0);
	assert_int_equal(map(s, 0, 4, IOVA), 0);
	assert_int_equal(s->e.ops->restore(&s->as, &m), 0);
	assert_int_equal(s->e.ops->unmap(&s->as, IOVA, IOVA + 4 * PAGE - 1), 0);
	assert_int_equal(locked_pages(&s->k), 0);
	assert_int_equal(s->e.ops->restore(&s->as, &m), 0);
	assert_int_equal(locked_pages(&s->k), 4);
}

static void the_kernel_refuses_groups(void **state)
{
	struct space *s = *state;
	enum transport_call refused;
	struct container *second;

	assert_int_equal(container_new(&s->e, NULL, &second, &refused), 0);
	s->k.set_container = -EPERM;
	assert_int_equal(container_noiommu.enter(second, FD_GROUP2, &refused), -EPERM);
	assert_int_equal(refused, TRANSPORT_SET_CONTAINER);
	s->k.set_container = 0;
	s->k.set_iommu = -EPERM;
	assert_int_equal(container_noiommu.enter(second, FD_GROUP2, &refused), -EPERM);
	assert_int_equal(refused, TRANSPORT_SET_IOMMU);
	assert_int_equal(s->k.groups_in, 1);
	s->k.set_iommu = 0;
	add_group(second, FD_GROUP2);
	add_group(second, FD_GROUP2 + 1); /* the IOMMU is set once */
	assert_int_equal(s->k.groups_in, 3);
	remove_group(second, FD_GROUP2 + 1);
	remove_group(second, FD_GROUP2);
}

#define PRESENT (1ull << 63)

static int address_of(struct space *s, uint64_t iova, uint64_t wanted, uint64_t *address,
		      uint64_t *length)
{
	*length = wanted;
	return s->e.ops->dma_address(&s->as, iova, address, length);
}

static void addresses_are_physical_as_far_as_frames_follow(void **state)
{
	struct space *s = *state;
	uint64_t address, length;

	for (unsigned int i = 0; i < PAGES; i++)
		s->k.frames[i] = PRESENT | (0x5000 + i) | 1ull << 61;
	s->k.frames[100] = PRESENT | 0x9000;
	assert_int_equal(map(s, 0, 200, IOVA), 0);
	assert_int_equal(address_of(s, IOVA, 1, &address, &length), -ENODEV);
	assert_int_equal(container_join(s->c, &s->as), 0);
	assert_int_equal(address_of(s, IOVA, 1, &address, &length), 0);
	assert_true(address == 0x5000 * PAGE && length == 1);
	assert_int_equal(address_of(s, IOVA + 0x10, UINT64_MAX, &address, &length), 0);
	assert_true(address == 0x5000 * PAGE + 0x10 && length == 100 * PAGE - 0x10);
	assert_int_equal(address_of(s, IOVA + 70 * PAGE + 0xfff, 2, &address, &length), 0);
	assert_true(address == 0x5046 * PAGE + 0xfff && length == 2);
	assert_int_equal(address_of(s, IOVA + 100 * PAGE, 2 * PAGE, &address, &length), 0);
	assert_true(address == 0x9000 * PAGE && length == PAGE);
	assert_int_equal(address_of(s, IOVA + 199 * PAGE, 2 * PAGE, &address, &length), 0);
	assert_true(address == (0x5000 + 199) * PAGE && length == PAGE);
	assert_int_equal(address_of(s, IOVA + 200 * PAGE, 1, &address, &length), -ENOENT);
	s->k.frames[3] = 0; /* paged out, which locked memory is not */
	assert_int_equal(address_of(s, IOVA, 64 * PAGE, &address, &length), 0);
	assert_int_equal(length, 3 * PAGE);
	assert_int_equal(address_of(s, IOVA + 3 * PAGE, 1, &address, &length), -EFAULT);
	/* A container may lack something, after failures: nothing holds it then. */
	assert_int_equal(container_noiommu.unmap(s->c, IOVA, IOVA + 200 * PAGE - 1), 0);
	assert_int_equal(address_of(s, IOVA, 1, &address, &length), -ENODEV);
}

static void addresses_are_hidden_from_who_may_not_know(void **state)
{
	struct space *s = *state;
	uint64_t address, length;

	s->k.frames[0] = PRESENT; /* the frame is 0 */
	assert_int_equal(map(s, 0, 1, IOVA), 0);
	assert_int_equal(container_join(s->c, &s->as), 0);
	assert_int_equal(address_of(s, IOVA, 1, &address, &length), -EPERM);
	noiommu_of(&s->e)->pagemap = -EACCES;
	assert_int_equal(address_of(s, IOVA, 1, &address, &length), -EACCES);
}

#define IN_SPACE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(locks_are_counted_as_a_model_counts),
		cmocka_unit_test(a_lock_that_fails_leaves_those_of_others),
		cmocka_unit_test(memory_of_devices_is_refused_and_old_kernels_are_not),
		IN_SPACE(memory_is_locked_while_a_container_repeats_it),
		IN_SPACE(containers_share_what_is_locked),
		IN_SPACE(a_failed_join_and_map_lock_nothing),
		IN_SPACE(restoring_finds_what_is_there),
		IN_SPACE(the_kernel_refuses_groups),
		IN_SPACE(addresses_are_physical_as_far_as_frames_follow),
		IN_SPACE(addresses_are_hidden_from_who_may_not_know),
	};

	return cmocka_run_group_tests_name("noiommu", cases, NULL, NULL);
}
