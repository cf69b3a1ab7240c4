/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the engine finds: kinds of descriptors, and containers and groups that others set up. */
#include "test-type1.h"

#include <libiommufd/ctx.h>

/* ---- probing ---- */

static bool has(const struct engine_under_test *t, uint32_t cap)
{
	return engine_has(&t->e, cap);
}

static void a_container_says_what_it_can(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;

	engine_open(&t, m);
	assert_true(has(&t, IOMMUFD_CAP_MAP_WITHOUT_DEVICE));
	assert_true(has(&t, IOMMUFD_CAP_ALLOW_IOVAS));
	assert_true(has(&t, IOMMUFD_CAP_GROUPS));
	assert_true(has(&t, IOMMUFD_CAP_ISOLATION));
	assert_true(has(&t, IOMMUFD_CAP_MAP_DEVICE));
	assert_true(has(&t, IOMMUFD_CAP_UPDATE_VA));
	assert_true(has(&t, IOMMUFD_CAP_DIRTY_TRACKING));
	assert_true(has(&t, IOMMUFD_CAP_DIRTY_ALL_PINNED));
	assert_false(has(&t, IOMMUFD_CAP_COPY));
	assert_false(has(&t, IOMMUFD_CAP_REPLACE));
	assert_false(has(&t, IOMMUFD_CAP_HUGE_PAGE_OPTION));
	assert_false(has(&t, IOMMUFD_CAP_COMPAT_IOAS));
	assert_false(has(&t, IOMMUFD_CAP_CHANGE_PROCESS));
	engine_close(&t);
}

static void what_is_no_container_is_told(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	int dev = open_cdev(m, ALONE1), group = open_group(m, GROUP2);

	assert_int_equal(probe_fd(&t, m, dev), -ENOTTY);
	assert_int_equal(probe_fd(&t, m, group), -ENOTTY);
	assert_int_equal(probe_fd(&t, m, STDOUT_FILENO), -ENOTTY);
	shut(m, group);
	shut(m, dev);
}

/* A kernel of which only the answers to the probe are known. */
struct answers {
	int version, v1, v2, unmap_all;
	int ioas_alloc, absent;
};

static int answer(void *data, int fd, unsigned long request, void *arg)
{
	const struct answers *a = data;
	(void)fd;

	switch (request) {
	case K_VFIO_GET_API_VERSION:
		return a->version;
	case K_VFIO_CHECK_EXTENSION:
		return (uintptr_t)arg == K_VFIO_TYPE1_IOMMU ? a->v1 :
		       (uintptr_t)arg == K_VFIO_TYPE1v2_IOMMU ? a->v2 :
		       (uintptr_t)arg == K_VFIO_UNMAP_ALL ? a->unmap_all : 0;
	case K_IOMMU_IOAS_ALLOC:
		return a->ioas_alloc;
	}
	return a->absent;
}

static int probe_answers(struct answers a, uint64_t *caps)
{
	const struct iommufd_sys sys = { .data = &a, .ioctl = answer };
	const struct core core = { .sys = &sys, .page_size = PAGE };
	struct engine e = { .ops = &engine_type1, .core = &core, .fd = 7 };
	int r = engine_type1.probe(&e);

	*caps = e.caps;
	return r;
}

#define BIT(cap) (UINT64_C(1) << IOMMUFD_CAP_##cap)

static void kernels_differ(void **state)
{
	const struct answers real = { .v1 = 1, .v2 = 1, .unmap_all = 1, .ioas_alloc = -EINVAL,
				      .absent = -EINVAL };
	struct answers a;
	uint64_t caps, full;
	(void)state;

	assert_int_equal(probe_answers(real, &full), 0);
	assert_true(full & BIT(UPDATE_VA));
	a = real;
	a.unmap_all = 0; /* before 5.12 */
	assert_int_equal(probe_answers(a, &caps), 0);
	assert_int_equal(caps, full & ~BIT(UPDATE_VA));
	a = real;
	a.absent = -ENOTTY; /* an iommufd */
	assert_int_equal(probe_answers(a, &caps), 0);
	assert_int_equal(caps, full & ~(BIT(UPDATE_VA) | BIT(MAP_DEVICE) | BIT(DIRTY_TRACKING) |
					BIT(DIRTY_ALL_PINNED)));
	a.ioas_alloc = -ENOTTY; /* a container that has an IOMMU already */
	assert_int_equal(probe_answers(a, &caps), 0);
	assert_int_equal(caps, full);

	a = real;
	a.v2 = 0;
	assert_int_equal(probe_answers(a, &caps), -EPROTONOSUPPORT);
	a.v1 = 0;
	assert_int_equal(probe_answers(a, &caps), -ENODEV);
	a.version = 1;
	assert_int_equal(probe_answers(a, &caps), -EPROTO);
	a.version = -EPERM;
	assert_int_equal(probe_answers(a, &caps), -EPERM);
}

static void options_tell_the_process_is_charged(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	uint64_t value = 7;

	engine_open(&t, m);
	assert_int_equal(engine_type1.get_option(&t.e, NULL, OPTION_RLIMIT_MODE, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(engine_type1.set_option(&t.e, NULL, OPTION_RLIMIT_MODE, 1), 0);
	assert_int_equal(engine_type1.set_option(&t.e, NULL, OPTION_RLIMIT_MODE, 0), -EOPNOTSUPP);
	assert_int_equal(engine_type1.set_option(&t.e, NULL, OPTION_HUGE_PAGES, 1), -EOPNOTSUPP);
	assert_int_equal(engine_type1.get_option(&t.e, NULL, OPTION_HUGE_PAGES, &value), -EOPNOTSUPP);
	assert_int_equal(value, 1);
	engine_close(&t);
}

/* ---- what others set up ---- */

/* Another process has both, puts one into the other and hands copies over. */
static struct setup handed_over(struct machine *m, int number, unsigned int type)
{
	struct setup s = { open_container(m), open_group(m, number) };

	assert_true(s.group >= 0);
	assert_int_equal(set_container(m, s.group, s.container), 0);
	if (type)
		assert_int_equal(set_iommu(m, s.container, type), 0);
	return s;
}

static void adopt(struct engine_under_test *t, struct machine *m, const struct setup *s, int number,
		  struct vfio_group **g)
{
	assert_int_equal(probe_fd(t, m, m->sys->dup(m->sys->data, s->container)), 0);
	assert_int_equal(vfio_group_adopt(&t->e, s->group, number, false, g), 0);
}

static void use_adopted(struct machine *m, struct setup theirs)
{
	struct engine_under_test t;
	struct vfio_group *g;
	struct devfd d;
	struct space s;

	adopt(&t, m, &theirs, GROUP1, &g);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	dev_get(&t, &d, NAME1, GROUP1, NULL);
	assert_int_equal(counts(m).containers, 1);
	assert_int_equal(dev_attach(&d, &s), 0);
	assert_true(moves(&t, &d, 0x10000, 0x10000));
	assert_int_equal(dev_detach(&d), 0);
	assert_int_equal(counts(m).mappings, 0);
	transport_group.release(&d);
	dev_get(&t, &d, NAME1, GROUP1, &s); /* once more, in one step */
	assert_true(moves(&t, &d, 0x10000, 0x10000));
	transport_group.release(&d);
	assert_int_equal(counts(m).mappings, 0);
	vfio_group_put(g);
	space_close(&s);
	engine_close(&t);
	leave(m, &theirs);
}

static void a_group_may_be_in_its_container(void **state)
{
	use_adopted(*state, handed_over(*state, GROUP1, K_VFIO_TYPE1v2_IOMMU));
	use_adopted(*state, handed_over(*state, GROUP1, 0)); /* without its IOMMU */
}

static void a_group_in_another_container_is_refused(void **state)
{
	struct machine *m = *state;
	struct setup theirs = handed_over(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	struct engine_under_test t;
	struct vfio_group *g;
	struct devfd d, own;
	struct space s;

	engine_open(&t, m); /* not theirs */
	space_open(&t, &s);
	assert_int_equal(vfio_group_adopt(&t.e, theirs.group, GROUP1, false, &g), 0);
	assert_int_equal(dev_open(&t, &d, NAME1, GROUP1, NULL), -EINVAL);
	assert_int_equal(d.refused, TRANSPORT_SET_CONTAINER);
	assert_true(group_status(m, theirs.group) & K_VFIO_GROUP_FLAGS_CONTAINER_SET);
	dev_get(&t, &own, NAME2, GROUP2, &s); /* now the container has an IOMMU of its own */
	assert_int_equal(dev_open(&t, &d, NAME1, GROUP1, &s), -EINVAL);
	assert_int_equal(dev_open(&t, &d, NAME1, GROUP1, NULL), -EINVAL);
	transport_group.release(&own);
	vfio_group_put(g);
	space_close(&s);
	engine_close(&t);
	leave(m, &theirs);
}

static void version_1_is_refused(void **state)
{
	struct machine *m = *state;
	struct setup theirs = handed_over(m, GROUP1, K_VFIO_TYPE1_IOMMU);
	struct engine_under_test t;
	struct vfio_group *g;
	struct devfd d;

	adopt(&t, m, &theirs, GROUP1, &g);
	assert_int_equal(dev_open(&t, &d, NAME1, GROUP1, NULL), -EPROTONOSUPPORT);
	assert_int_equal(d.refused, TRANSPORT_SET_IOMMU);
	vfio_group_put(g);
	engine_close(&t);
	leave(m, &theirs);
}

static int get_bitmap(struct machine *m, int container, uint64_t iova)
{
	uint64_t bits = 0;
	struct {
		uint32_t argsz, flags;
		struct k_vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {
		.argsz = sizeof(arg), .flags = K_VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get = { iova, PAGE, { PAGE, sizeof(bits), &bits } },
	};

	return request(m, container, K_VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static void mappings_of_others_stay(void **state)
{
	struct machine *m = *state;
	struct setup theirs = handed_over(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	struct engine_under_test t;
	struct vfio_group *g;
	struct devfd d, second;
	struct space s;
	int dev = get_named(m, theirs.group, NAME1); /* keeps the group in */

	assert_int_equal(dma_map(m, theirs.container, m->mem, PAGE, 0x20000, DMA_RW), 0);
	adopt(&t, m, &theirs, GROUP1, &g);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x1f000), 0);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x21000), 0);
	dev_get(&t, &d, NAME1, GROUP1, &s);
	dev_get(&t, &second, NAME2, GROUP2, &s); /* enters as any group does */
	assert_int_equal(counts(m).containers, 1);
	assert_int_equal(counts(m).mappings, 3);
	assert_int_equal(space_unmap(&s, 0, UINT64_MAX), 0);
	assert_int_equal(counts(m).mappings, 1);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x30000), 0);
	assert_int_equal(engine_type1.dirty_set(&s.as, NULL, true), 0);
	transport_group.release(&second);
	transport_group.release(&d);
	assert_int_equal(counts(m).mappings, 1);
	assert_int_equal(engine_type1.dirty_set(&s.as, NULL, false), 0);
	assert_int_equal(get_bitmap(m, theirs.container, 0x20000), -EINVAL); /* no longer tracked */

	assert_int_equal(space_map(&s, m->mem, 2 * PAGE, 0x20000), 0); /* a record */
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x1f000), 0);
	assert_int_equal(dev_open(&t, &d, NAME1, GROUP1, &s), -EADDRINUSE);
	assert_int_equal(counts(m).mappings, 1);
	vfio_group_put(g);
	space_close(&s);
	engine_close(&t);
	shut(m, dev);
	leave(m, &theirs);
}

/* The container was handed over with a group in it that stays with them. */
static void a_group_enters_the_container_of_others(void **state)
{
	struct machine *m = *state;
	struct setup theirs = handed_over(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	struct engine_under_test t;
	struct devfd d;
	struct space s;

	assert_int_equal(dma_map(m, theirs.container, m->mem, PAGE, 0x20000, DMA_RW), 0);
	assert_int_equal(probe_fd(&t, m, m->sys->dup(m->sys->data, theirs.container)), 0);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x1f000), 0);
	dev_get(&t, &d, NAME2, GROUP2, NULL);
	assert_int_equal(dev_attach(&d, &s), 0);
	assert_int_equal(counts(m).mappings, 2);
	assert_int_equal(dev_detach(&d), 0);
	assert_int_equal(counts(m).mappings, 1);
	transport_group.release(&d);
	space_close(&s);
	engine_close(&t);
	leave(m, &theirs);
}

/* An iommufd is given an IOMMU twice without complaint: that it was handed over must be known. */
static void mappings_of_others_stay_in_an_iommufd(void **state)
{
	struct machine *m = *state;
	struct setup theirs = handed_over(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	struct engine_under_test t;
	struct devfd d;
	struct space s;

	assert_int_equal(dma_map(m, theirs.container, m->mem, PAGE, 0x20000, DMA_RW), 0);
	assert_int_equal(probe_fd(&t, m, m->sys->dup(m->sys->data, theirs.container)), 0);
	t.e.adopted = true;
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x1f000), 0);
	dev_get(&t, &d, NAME2, GROUP2, &s);
	assert_int_equal(counts(m).mappings, 2);
	transport_group.release(&d);
	assert_int_equal(counts(m).mappings, 1);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x20000), 0); /* a record */
	assert_int_equal(dev_open(&t, &d, NAME2, GROUP2, &s), -EADDRINUSE);
	assert_int_equal(counts(m).mappings, 1);
	space_close(&s);
	engine_close(&t);
	leave(m, &theirs);
}

/* Two groups in a container that has no IOMMU yet. */
static void groups_may_be_in_one_container(void **state)
{
	struct machine *m = *state;
	struct setup theirs = handed_over(m, GROUP1, 0);
	int second = open_group(m, GROUP2);
	struct engine_under_test t;
	struct vfio_group *g[2];
	struct devfd d[2];
	struct space s;

	assert_int_equal(set_container(m, second, theirs.container), 0);
	adopt(&t, m, &theirs, GROUP1, &g[0]);
	assert_int_equal(vfio_group_adopt(&t.e, second, GROUP2, false, &g[1]), 0);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	dev_get(&t, &d[0], NAME1, GROUP1, &s);
	assert_int_equal(dev_open(&t, &d[1], NAME2, GROUP2, NULL), -EINVAL); /* not by itself */
	dev_get(&t, &d[1], NAME2, GROUP2, &s);
	assert_int_equal(counts(m).containers, 1);
	assert_true(moves(&t, &d[0], 0x10000, 0x10000));
	assert_true(moves(&t, &d[1], 0x10000, 0x10000));
	transport_group.release(&d[0]);
	transport_group.release(&d[1]);
	vfio_group_put(g[0]);
	vfio_group_put(g[1]);
	space_close(&s);
	engine_close(&t);
	shut(m, second);
	leave(m, &theirs);
}

/* Of those handed over one is in the container, the other in somebody else's, with an IOMMU. */
static void a_group_elsewhere_is_not_taken_for_one_that_is_here(void **state)
{
	struct machine *m = *state;
	struct setup theirs = handed_over(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	struct setup elsewhere = handed_over(m, GROUP2, K_VFIO_TYPE1v2_IOMMU);
	struct engine_under_test t;
	struct vfio_group *g[2];
	struct devfd d[2];
	struct space s;
	int dev = get_named(m, elsewhere.group, NAME2);

	assert_int_equal(dma_map(m, elsewhere.container, m->mem, PAGE, 0x20000, DMA_RW), 0);
	adopt(&t, m, &theirs, GROUP1, &g[0]);
	assert_int_equal(vfio_group_adopt(&t.e, elsewhere.group, GROUP2, false, &g[1]), 0);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem + PAGE, PAGE, 0x10000), 0);
	dev_get(&t, &d[0], NAME1, GROUP1, &s);
	assert_int_equal(dev_open(&t, &d[1], NAME2, GROUP2, &s), -EBUSY); /* who has it keeps it */
	shut(m, dev);
	dev_get(&t, &d[1], NAME2, GROUP2, &s);
	assert_true(moves(&t, &d[1], 0x10000, 0x10000));
	assert_false(moves(&t, &d[1], 0x20000, 0x20000));
	assert_true(moves(&t, &d[0], 0x10000, 0x10000));
	transport_group.release(&d[1]);
	transport_group.release(&d[0]);
	vfio_group_put(g[0]);
	vfio_group_put(g[1]);
	space_close(&s);
	engine_close(&t);
	leave(m, &elsewhere);
	leave(m, &theirs);
}

/* ---- entering ---- */

static void a_group_that_cannot_share_gets_its_own(void **state)
{
	const struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts), .bdf = "0000:05:00.0", .group = 50,
		.reserved_start = 0x10000, .reserved_last = 0x1ffff,
	};
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d, other;
	struct space s;

	assert_int_equal(iommufd_emu_add_device(m->emu, &opts), 0);
	engine_open(&t, m);
	space_open(&t, &s);
	dev_get(&t, &d, NAME1, GROUP1, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(dev_open(&t, &other, opts.bdf, 50, &s), -EADDRINUSE);
	assert_int_equal(counts(m).containers, 1);
	assert_true(moves(&t, &d, 0x10000, 0x10000));
	transport_group.release(&d);
	space_close(&s);
	engine_close(&t);
}

static void a_failed_entry_leaves_the_group_as_it_was(void **state)
{
	static const struct {
		unsigned long request;
		enum transport_call refused;
		int code;
	} cases[] = {
		{ K_VFIO_GROUP_GET_STATUS, TRANSPORT_GROUP_STATUS, EIO },
		{ K_VFIO_GROUP_SET_CONTAINER, TRANSPORT_SET_CONTAINER, EPERM },
		{ K_VFIO_GROUP_SET_CONTAINER, TRANSPORT_SET_CONTAINER, EINVAL },
		{ K_VFIO_SET_IOMMU, TRANSPORT_SET_IOMMU, EPERM },
		{ K_VFIO_GROUP_GET_DEVICE_FD, TRANSPORT_GET_DEVICE_FD, EPERM },
	};
	struct machine *m = *state;
	struct engine_under_test t;
	struct vfio_group *g;
	struct devfd d, first;

	engine_open(&t, m);
	assert_int_equal(vfio_group_get(&t.e, GROUP1, false, &g), 0); /* stays open */
	dev_get(&t, &first, NAME2, GROUP2, NULL); /* so that the next container is opened */
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		inject_request(m, cases[i].request, cases[i].code, 1);
		assert_int_equal(dev_open(&t, &d, NAME1, GROUP1, NULL), -cases[i].code);
		assert_int_equal(d.refused, cases[i].refused);
		assert_int_equal(counts(m).containers, 1);
		assert_int_equal(group_status(m, g->fd), K_VFIO_GROUP_FLAGS_VIABLE);
	}
	inject(m, IOMMUFD_EMU_CALL_OPEN, EMFILE, 1);
	assert_int_equal(dev_open(&t, &d, NAME1, GROUP1, NULL), -EMFILE);
	assert_int_equal(d.refused, TRANSPORT_OPEN_CONTAINER);
	dev_get(&t, &d, NAME1, GROUP1, NULL);
	transport_group.release(&d);
	transport_group.release(&first);
	vfio_group_put(g);
	engine_close(&t);
}

static int setup_compat(void **state)
{
	return start(state, &(struct iommufd_emu_opts){ .size = sizeof(struct iommufd_emu_opts),
							.flags = IOMMUFD_EMU_COMPAT_CONTAINER });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_container_says_what_it_can),
		TEST(what_is_no_container_is_told),
		cmocka_unit_test(kernels_differ),
		TEST(options_tell_the_process_is_charged),
		TEST(a_group_may_be_in_its_container),
		TEST(a_group_in_another_container_is_refused),
		TEST(version_1_is_refused),
		TEST(mappings_of_others_stay),
		cmocka_unit_test_setup_teardown(mappings_of_others_stay_in_an_iommufd, setup_compat,
						teardown),
		TEST(a_group_enters_the_container_of_others),
		TEST(groups_may_be_in_one_container),
		TEST(a_group_elsewhere_is_not_taken_for_one_that_is_here),
		TEST(a_group_that_cannot_share_gets_its_own),
		TEST(a_failed_entry_leaves_the_group_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
