/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Containers repeat an address space: attaching, sharing, moving, undoing. */
#include "test-type1.h"

/* The container is an iommufd, which has no limit. */
static bool is_compat(const struct engine_under_test *t)
{
	return !engine_has(&t->e, IOMMUFD_CAP_MAP_DEVICE);
}

static void records_wait_for_a_device(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d;
	struct space s;

	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, 2 * PAGE, 0x10000), 0);
	assert_int_equal(space_map(&s, m->mem + 4 * PAGE, PAGE, 0x40000), 0);
	assert_int_equal(counts(m).mappings, 0);

	dev_get(&t, &d, NAME1, GROUP1, NULL);
	assert_false(moves(&t, &d, 0x10000, 0x40000)); /* blocked */
	assert_int_equal(dev_attach(&d, &s), 0);
	assert_int_equal(counts(m).mappings, 2);
	assert_int_equal(counts(m).pinned_pages, 3);
	fill(m->mem, PAGE, 5);
	assert_true(moves(&t, &d, 0x10000, 0x40000));
	assert_memory_equal(m->mem, m->mem + 4 * PAGE, 64);

	assert_int_equal(space_map(&s, m->mem + 8 * PAGE, PAGE, 0x80000), 0);
	assert_true(moves(&t, &d, 0x10000, 0x80000));
	assert_int_equal(space_unmap(&s, 0x40000, 0x40fff), 0);
	assert_false(moves(&t, &d, 0x10000, 0x40000));
	assert_int_equal(counts(m).mappings, 2);

	assert_int_equal(dev_detach(&d), 0);
	assert_int_equal(counts(m).mappings, 0);
	assert_false(moves(&t, &d, 0x10000, 0x80000));
	assert_int_equal(dev_attach(&d, &s), 0); /* the records are all there */
	assert_true(moves(&t, &d, 0x10000, 0x80000));
	transport_group.release(&d); /* with the mappings */
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(counts(m).pinned_pages, 0);
	space_close(&s);
	engine_close(&t);
}

static void each_group_has_a_container(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d[3];
	struct space s;

	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	dev_get(&t, &d[0], NAME1, GROUP1, NULL);
	dev_get(&t, &d[1], TWIN1, TWINS, NULL);
	dev_get(&t, &d[2], TWIN2, TWINS, NULL);
	assert_ptr_not_equal(d[0].group->container, d[1].group->container);
	assert_ptr_equal(d[1].group, d[2].group);
	for (int i = 0; i < 3; i++)
		assert_int_equal(dev_attach(&d[i], &s), 0);
	assert_int_equal(counts(m).mappings, 2); /* the twins share one */
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x20000), 0);
	assert_int_equal(counts(m).mappings, 4);
	for (int i = 0; i < 3; i++)
		assert_true(moves(&t, &d[i], 0x10000, 0x20000));
	assert_int_equal(dev_detach(&d[1]), 0);
	assert_true(moves(&t, &d[2], 0x10000, 0x20000)); /* the other twin stays */
	assert_int_equal(dev_detach(&d[0]), 0);
	assert_int_equal(counts(m).mappings, 2);
	assert_int_equal(space_unmap(&s, 0, UINT64_MAX), 0);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(dev_detach(&d[2]), 0);
	for (int i = 0; i < 3; i++)
		transport_group.release(&d[i]);
	space_close(&s);
	engine_close(&t);
}

static void groups_that_join_share_one(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d[2], own;
	struct space s;

	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	dev_get(&t, &d[0], NAME1, GROUP1, &s);
	assert_true(d[0].joined);
	dev_get(&t, &d[1], NAME2, GROUP2, &s);
	dev_get(&t, &own, TWIN1, TWINS, NULL);
	assert_int_equal(dev_attach(&own, &s), 0);
	assert_int_equal(counts(m).mappings, 2); /* not three */
	assert_ptr_equal(d[0].group->container, d[1].group->container);
	assert_ptr_not_equal(d[0].group->container, own.group->container);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x20000), 0);
	assert_true(moves(&t, &d[0], 0x10000, 0x20000));
	assert_true(moves(&t, &d[1], 0x10000, 0x20000));
	transport_group.release(&d[0]);
	assert_true(moves(&t, &d[1], 0x10000, 0x20000));
	transport_group.release(&d[1]);
	assert_int_equal(counts(m).mappings, 2);
	dev_get(&t, &d[0], NAME1, GROUP1, &s); /* the first container again */
	assert_true(moves(&t, &d[0], 0x10000, 0x20000));
	transport_group.release(&d[0]);
	assert_int_equal(dev_detach(&own), 0);
	transport_group.release(&own);
	space_close(&s);
	engine_close(&t);
}

/* The kernel has two ways to refuse: it cannot take the group in, or cannot reach a mapping. */
static void what_cannot_be_reached_is_refused(void **state)
{
	const struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts), .bdf = "0000:05:00.0", .group = 50,
		.reserved_start = 0x10000, .reserved_last = 0x1ffff,
	};
	struct machine *m = *state;
	const struct iommufd_range needed = { 0x14000, 0x14fff };
	struct engine_under_test t;
	struct devfd d, other;
	struct space s;

	assert_int_equal(iommufd_emu_add_device(m->emu, &opts), 0);
	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, MSI_WINDOW), 0);
	dev_get(&t, &d, NAME1, GROUP1, NULL);
	assert_int_equal(dev_attach(&d, &s), -EADDRINUSE);
	assert_int_equal(d.group->container->failed.iova, MSI_WINDOW);
	assert_int_equal(dev_open(&t, &other, NAME2, GROUP2, &s), -EADDRINUSE);
	assert_null(s.as.containers);
	assert_int_equal(space_unmap(&s, 0, UINT64_MAX), 0);
	assert_int_equal(dev_attach(&d, &s), 0);

	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(dev_open(&t, &other, opts.bdf, 50, &s), -EADDRINUSE);
	assert_true(moves(&t, &d, 0x10000, 0x10000));
	assert_int_equal(space_unmap(&s, 0, UINT64_MAX), 0);
	s.as.allow = &needed;
	s.as.allow_count = 1;
	assert_int_equal(dev_open(&t, &other, opts.bdf, 50, &s), -EADDRINUSE);
	s.as.allow_count = 0;
	assert_int_equal(dev_open(&t, &other, opts.bdf, 50, &s), 0);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), -EINVAL); /* nobody has asked for ranges */
	assert_int_equal(counts(m).mappings, 0);
	transport_group.release(&other);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	transport_group.release(&d);
	space_close(&s);
	engine_close(&t);
}

static void ranges_are_what_all_allow(void **state)
{
	const struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts), .bdf = "0000:05:00.0", .group = 50,
		.reserved_start = 0x10000, .reserved_last = 0x1ffff,
	};
	struct machine *m = *state;
	struct range_list list = { 0 };
	struct engine_facts facts;
	struct engine_under_test t;
	struct devfd d, other;
	struct space s;

	assert_int_equal(iommufd_emu_add_device(m->emu, &opts), 0);
	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(engine_type1.ranges(&s.as, &list), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.ranges[0].start, 0);
	assert_int_equal(list.ranges[0].last, UINT64_MAX);
	assert_int_equal(list.align, 1);
	assert_int_equal(engine_type1.facts(&s.as, &facts), 0);
	assert_int_equal(facts.page_sizes, -PAGE);
	assert_int_equal(facts.entries_left, UINT64_MAX);

	dev_get(&t, &d, NAME1, GROUP1, NULL);
	dev_get(&t, &other, opts.bdf, 50, NULL);
	assert_int_equal(dev_attach(&d, &s), 0);
	assert_int_equal(engine_type1.ranges(&s.as, &list), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.ranges[0].last, MSI_WINDOW - 1);
	assert_int_equal(list.align, PAGE);
	assert_int_equal(dev_attach(&other, &s), 0);
	assert_int_equal(engine_type1.ranges(&s.as, &list), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.ranges[0].last, 0xffff);
	assert_int_equal(list.ranges[1].start, 0x20000);
	assert_int_equal(engine_type1.facts(&s.as, &facts), 0);
	assert_int_equal(facts.page_sizes, 0x40201000);
	if (!is_compat(&t))
		assert_int_equal(facts.entries_left, 65535);
	inject_request(m, K_VFIO_IOMMU_GET_INFO, EIO, 2);
	assert_int_equal(engine_type1.ranges(&s.as, &list), -EIO);
	assert_int_equal(list.count, 3); /* as it was */
	transport_group.release(&other);
	transport_group.release(&d);
	free(list.ranges);
	space_close(&s);
	engine_close(&t);
}

static void moving_empties_and_fills(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d;
	struct space a, b;

	engine_open(&t, m);
	space_open(&t, &a);
	space_open(&t, &b);
	assert_int_equal(space_map(&a, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(space_map(&b, m->mem, PAGE, 0x20000), 0);
	dev_get(&t, &d, NAME1, GROUP1, NULL);
	assert_int_equal(dev_attach(&d, &a), 0);
	assert_int_equal(dev_attach(&d, &b), 0);
	assert_null(a.as.containers);
	assert_int_equal(counts(m).mappings, 1);
	assert_true(moves(&t, &d, 0x20000, 0x20000));
	assert_false(moves(&t, &d, 0x10000, 0x10000));

	inject_request(m, K_VFIO_IOMMU_MAP_DMA, ENOMEM, 1); /* and back */
	assert_int_equal(dev_attach(&d, &a), -ENOMEM);
	assert_int_equal(d.group->container->failed.iova, 0x10000);
	assert_true(moves(&t, &d, 0x20000, 0x20000));
	assert_int_equal(dev_detach(&d), 0);
	transport_group.release(&d);
	space_close(&b);
	space_close(&a);
	engine_close(&t);
}

static void failures_change_nothing(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d[2];
	struct space s;

	engine_open(&t, m);
	space_open(&t, &s);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(space_map(&s, m->mem + i * PAGE, PAGE, 0x10000 + 2 * i * PAGE), 0);
	dev_get(&t, &d[0], NAME1, GROUP1, NULL);
	dev_get(&t, &d[1], NAME2, GROUP2, NULL);
	inject_request(m, K_VFIO_IOMMU_MAP_DMA, ENOMEM, 4);
	assert_int_equal(dev_attach(&d[0], &s), -ENOMEM);
	assert_int_equal(d[0].group->container->failed.iova, 0x16000);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(dev_attach(&d[0], &s), 0);
	assert_int_equal(dev_attach(&d[1], &s), 0);
	assert_int_equal(counts(m).mappings, 8);

	inject_request(m, K_VFIO_IOMMU_MAP_DMA, EFAULT, 2);
	assert_int_equal(space_map(&s, m->mem + 5 * PAGE, PAGE, 0x50000), -EFAULT);
	assert_int_equal(counts(m).mappings, 8);
	inject_request(m, K_VFIO_IOMMU_UNMAP_DMA, ENOMEM, 2);
	assert_int_equal(space_unmap(&s, 0x12000, 0x14fff), -ENOMEM);
	assert_int_equal(counts(m).mappings, 8);
	for (int i = 0; i < 2; i++)
		assert_true(moves(&t, &d[i], 0x12000, 0x14000));
	inject_request(m, K_VFIO_IOMMU_UNMAP_DMA, ENOMEM, 1);
	assert_int_equal(dev_detach(&d[0]), -ENOMEM);
	assert_true(moves(&t, &d[0], 0x12000, 0x14000));
	assert_int_equal(dev_detach(&d[0]), 0);
	assert_int_equal(counts(m).mappings, 4);
	transport_group.release(&d[0]);
	transport_group.release(&d[1]);
	space_close(&s);
	engine_close(&t);
}

/* ---- unmapping everything ---- */

static unsigned int unmaps;
static int64_t lie; /* what an unmap says it removed, less what it did */
static int (*real_ioctl)(void *data, int fd, unsigned long request, void *arg);

static int lying_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	int r = real_ioctl(data, fd, request, arg);
	struct k_vfio_iommu_type1_dma_unmap *unmap = arg;

	if (request == K_VFIO_IOMMU_UNMAP_DMA && !r) {
		unmap->size += (uint64_t)lie;
		unmaps++;
	}
	return r;
}

static void spy(struct engine_under_test *t)
{
	real_ioctl = t->m->sys->ioctl;
	t->sys.ioctl = lying_ioctl;
	unmaps = 0;
	lie = 0;
}

static int setup_old(void **state)
{
	return start(state, &(struct iommufd_emu_opts){ .size = sizeof(struct iommufd_emu_opts),
							.address_bits = 64, .kernel = "5.10" });
}

static int setup_wide(void **state)
{
	return start(state, &(struct iommufd_emu_opts){ .size = sizeof(struct iommufd_emu_opts),
							.address_bits = 64 });
}

/* Two runs, one of which crosses the middle of the space and one at its end. */
static void everything(struct machine *m, unsigned int calls)
{
	const uint64_t middle = UINT64_C(1) << 63, top = -PAGE;
	struct engine_under_test t;
	struct devfd d;
	struct space s;

	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, 2 * PAGE, middle - PAGE), 0);
	assert_int_equal(space_map(&s, m->mem, PAGE, middle + PAGE), 0);
	assert_int_equal(space_map(&s, m->mem, PAGE, top), 0);
	dev_get(&t, &d, NAME1, GROUP1, NULL);
	assert_int_equal(dev_attach(&d, &s), 0);
	assert_int_equal(counts(m).mappings, 3);
	spy(&t);
	assert_int_equal(dev_detach(&d), 0);
	assert_int_equal(unmaps, calls);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(dev_attach(&d, &s), 0);
	assert_int_equal(space_unmap(&s, 0, UINT64_MAX), 0);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(dev_detach(&d), 0); /* nothing is there */
	transport_group.release(&d);
	space_close(&s);
	engine_close(&t);
}

static void everything_goes_at_once(void **state)
{
	everything(*state, 1);
}

static void everything_goes_run_by_run(void **state)
{
	everything(*state, 2);
}

static void a_success_that_left_something_is_none(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d;
	struct space s;

	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x12000), 0);
	dev_get(&t, &d, NAME1, GROUP1, NULL);
	assert_int_equal(dev_attach(&d, &s), 0);
	spy(&t);
	lie = -(int64_t)PAGE;
	assert_int_equal(space_unmap(&s, 0x10000, 0x12fff), -EIO);
	assert_int_equal(counts(m).mappings, 2); /* made again */
	assert_int_equal(dev_detach(&d), -EIO);
	assert_int_equal(counts(m).mappings, 2);
	lie = (int64_t)PAGE;
	assert_int_equal(space_unmap(&s, 0x12000, 0x12fff), -EIO);
	lie = 0;
	assert_int_equal(space_unmap(&s, 0x8000, 0x20fff), 0); /* with holes */
	assert_int_equal(counts(m).mappings, 0);
	transport_group.release(&d);
	space_close(&s);
	engine_close(&t);
}

static int setup_compat(void **state)
{
	return start(state, &(struct iommufd_emu_opts){ .size = sizeof(struct iommufd_emu_opts),
							.flags = IOMMUFD_EMU_COMPAT_CONTAINER });
}

/* An iommufd keeps what is mapped when the last group leaves: the next must not find it. */
static void an_iommufd_is_left_empty(void **state)
{
	struct machine *m = *state;
	struct engine_facts facts;
	struct engine_under_test t;
	struct devfd d;
	struct space s;

	engine_open(&t, m);
	assert_true(is_compat(&t));
	assert_false(engine_has(&t.e, IOMMUFD_CAP_UPDATE_VA));
	assert_false(engine_has(&t.e, IOMMUFD_CAP_DIRTY_TRACKING));
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	dev_get(&t, &d, NAME1, GROUP1, &s);
	assert_true(moves(&t, &d, 0x10000, 0x10000));
	assert_int_equal(engine_type1.facts(&s.as, &facts), 0);
	assert_int_equal(facts.entries_left, UINT64_MAX);
	transport_group.release(&d);
	assert_int_equal(counts(m).mappings, 0);
	dev_get(&t, &d, NAME2, GROUP2, NULL);
	assert_false(moves(&t, &d, 0x10000, 0x10000));
	transport_group.release(&d);
	space_close(&s);
	engine_close(&t);
}

#define COMPAT(f) { #f " (iommufd)", f, setup_compat, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_wait_for_a_device),
		TEST(each_group_has_a_container),
		TEST(groups_that_join_share_one),
		TEST(what_cannot_be_reached_is_refused),
		TEST(ranges_are_what_all_allow),
		TEST(moving_empties_and_fills),
		TEST(failures_change_nothing),
		cmocka_unit_test_setup_teardown(everything_goes_at_once, setup_wide, teardown),
		cmocka_unit_test_setup_teardown(everything_goes_run_by_run, setup_old, teardown),
		TEST(a_success_that_left_something_is_none),
		COMPAT(records_wait_for_a_device),
		COMPAT(each_group_has_a_container),
		COMPAT(groups_that_join_share_one),
		COMPAT(what_cannot_be_reached_is_refused),
		COMPAT(ranges_are_what_all_allow),
		COMPAT(moving_empties_and_fills),
		COMPAT(failures_change_nothing),
		COMPAT(a_success_that_left_something_is_none),
		COMPAT(an_iommufd_is_left_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
