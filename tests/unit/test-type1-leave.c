/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A container when the last group leaves it: nothing may stay that others could reach. */
#include "test-type1.h"

/* Who has a copy of its descriptor keeps the device open, and its group in the container. */
static void a_device_that_stays_open_reaches_nothing(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d[2];
	struct space s;
	int copies[2];

	engine_open(&t, m);
	space_open(&t, &s);
	assert_int_equal(space_map(&s, m->mem, PAGE, 0x10000), 0);
	dev_get(&t, &d[0], NAME1, GROUP1, NULL); /* in the engine's container */
	dev_get(&t, &d[1], NAME2, GROUP2, &s);   /* in one of its own */
	assert_int_equal(dev_attach(&d[0], &s), 0);
	for (int i = 0; i < 2; i++) {
		copies[i] = m->sys->dup(m->sys->data, d[i].fd);
		transport_group.release(&d[i]);
		assert_int_equal(counts(m).mappings, 1 - i);
	}
	dev_get(&t, &d[0], "0000:00:06.0", 6, &s);
	assert_true(moves(&t, &d[0], 0x10000, 0x10000));
	for (int i = 0; i < 2; i++) {
		struct devfd copy = { .fd = copies[i] };

		assert_false(moves(&t, &copy, 0x10000, 0x10000));
		shut(m, copies[i]);
	}
	transport_group.release(&d[0]);
	space_close(&s);
	engine_close(&t);
}

/* The engine's container would be found with another's mappings in it. */
static void what_stays_is_not_found_by_the_next(void **state)
{
	struct machine *m = *state;
	struct engine_under_test t;
	struct devfd d;
	struct space before, after;

	engine_open(&t, m);
	space_open(&t, &before);
	space_open(&t, &after);
	assert_int_equal(space_map(&before, m->mem, 2 * PAGE, 0x10000), 0);
	assert_int_equal(space_map(&after, m->mem + 2 * PAGE, PAGE, 0x10000), 0);
	dev_get(&t, &d, NAME1, GROUP1, &before);
	inject_request(m, K_VFIO_IOMMU_UNMAP_DMA, EIO, 1);
	transport_group.release(&d);
	dev_get(&t, &d, NAME1, GROUP1, &after);
	memset(m->mem, 1, PAGE);
	memset((char *)m->mem + 2 * PAGE, 2, PAGE);
	assert_false(moves(&t, &d, 0x11000, 0x11000));
	assert_true(moves(&t, &d, 0x10000, 0x10000 + 64));
	assert_int_equal(((char *)m->mem)[64], 1);
	store(m, d.fd, 0x10000, 64);
	assert_int_equal(((char *)m->mem)[0], 1);
	transport_group.release(&d);
	space_close(&before);
	space_close(&after);
	engine_close(&t);
}

static int setup_compat(void **state)
{
	const struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_COMPAT_CONTAINER,
	};

	return start(state, &opts);
}

#define COMPAT(f) { #f " (iommufd)", f, setup_compat, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_that_stays_open_reaches_nothing),
		TEST(what_stays_is_not_found_by_the_next),
		COMPAT(what_stays_is_not_found_by_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
