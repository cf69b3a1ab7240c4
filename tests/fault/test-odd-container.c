/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Containers of one IOAS that do not agree any more: -EUCLEAN, and the way out of it. */
#include "odd.h"

/* Calls of the kernel per mapping in an IOAS with two containers. */
static unsigned int calls(void)
{
	return pair->in_ioas + 2;
}

static struct iommufd_device *other;

static void attach_two(struct setting *s)
{
	if (!pair->in_container)
		skip_case("all is in one IOAS of the kernel");
	open_device(s);
	assert_int_equal(iommufd_device_open(s->ctx, "0000:00:03.0", NULL, &other), 0);
	assert_int_equal(iommufd_device_attach(s->dev, s->ioas), 0);
	assert_int_equal(iommufd_device_attach(other, s->ioas), 0);
}

static void release_other(struct setting *s)
{
	iommufd_emu_inject(s->emu, NULL);
	other = iommufd_device_unref(other);
}

/* From the @nth ioctl on @count fail, and the kernel does nothing. */
static void fail_ioctls(struct setting *s, uint64_t nth, uint64_t count)
{
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault), .calls = IOMMUFD_EMU_CALL_IOCTL, .error = EFAULT,
		.nth = nth, .count = count,
	};

	assert_int_equal(iommufd_emu_inject(s->emu, &fault), 0);
}

static uint64_t count_mappings(struct iommufd_ioas *ioas)
{
	struct iommufd_ioas_info info = { .size = sizeof(info) };

	assert_int_equal(iommufd_ioas_get_info(ioas, &info), 0);
	return info.mappings;
}

/* What stays can be unmapped, and then all is as before. */
static void assert_recovers(struct setting *s, uint64_t iova)
{
	iommufd_emu_inject(s->emu, NULL);
	assert_int_equal(count_mappings(s->ioas), 1);
	assert_int_equal(iommufd_ioas_unmap(s->ioas, iova, PAGE, NULL), 0);
	assert_int_equal(count_mappings(s->ioas), 0);
	assert_int_equal(iommufd_ioas_map(s->ioas, s->data, PAGE, FIXED_RW, &iova, NULL), 0);
}

static void map_in_one_of_two_euclean(void **state)
{
	struct setting *s = *state;
	uint64_t iova = 0;

	attach_two(s);
	fail_ioctls(s, calls(), 2); /* the last map, and the unmap of the one before it */
	assert_error(iommufd_ioas_map(s->ioas, s->data, PAGE, MAP_RW, &iova, NULL), -EUCLEAN);
	assert_true(iova != 0);
	assert_recovers(s, iova);
	release_other(s);
}

static void mapv_in_one_of_two_euclean(void **state)
{
	struct setting *s = *state;
	struct iommufd_map_vec vec[] = { { s->data, PAGE, 0x10000 }, { s->data, PAGE, 0x20000 } };
	size_t failed = 7;

	attach_two(s);
	fail_ioctls(s, 2 * calls(), 2);
	assert_error(iommufd_ioas_mapv(s->ioas, vec, 2, FIXED_RW, NULL, &failed), -EUCLEAN);
	assert_int_equal(failed, 1);
	assert_recovers(s, 0x20000);
	release_other(s);
}

static void copy_in_one_of_two_euclean(void **state)
{
	struct setting *s = *state;
	struct iommufd_ioas *source;
	uint64_t iova = 0x10000;

	attach_two(s);
	assert_int_equal(iommufd_ioas_new(s->ctx, NULL, &source), 0);
	assert_int_equal(iommufd_ioas_map(source, s->data, PAGE, FIXED_RW, &iova, NULL), 0);
	fail_ioctls(s, calls(), 2);
	iova = 0x20000;
	assert_error(iommufd_ioas_copy(s->ioas, source, 0x10000, PAGE, FIXED_RW, &iova, NULL),
		     -EUCLEAN);
	assert_recovers(s, 0x20000);
	iommufd_ioas_unref(source);
	release_other(s);
}

static void unmap_that_loses_a_neighbour_euclean(void **state)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_IOAS_COALESCE };
	struct setting *s = *state;
	uint64_t iova;

	if (pair->in_ioas)
		skip_case("neighbours are one nowhere");
	iommufd_ioas_unref(s->ioas);
	assert_int_equal(iommufd_ioas_new(s->ctx, &opts, &s->ioas), 0);
	for (iova = 0; iova < 3 * PAGE; iova += PAGE) {
		uint64_t at = 0x10000 + iova;

		assert_int_equal(iommufd_ioas_map(s->ioas, s->data + iova, PAGE, FIXED_RW, &at,
						  NULL), 0);
	}
	open_device(s);
	assert_int_equal(iommufd_device_attach(s->dev, s->ioas), 0);
	fail_ioctls(s, 2, 1); /* not the unmap of all three, but the map of the first */
	assert_error(iommufd_ioas_unmap(s->ioas, 0x11000, PAGE, NULL), -EUCLEAN);
	iommufd_emu_inject(s->emu, NULL);
	assert_non_null(strstr(iommufd_error_last()->message, "is unmapped"));
	assert_int_equal(count_mappings(s->ioas), 2);
	iova = 0x10000;
	assert_int_equal(iommufd_ioas_unmap(s->ioas, iova, PAGE, NULL), 0);
	assert_int_equal(iommufd_ioas_map(s->ioas, s->data, 2 * PAGE, FIXED_RW, &iova, NULL), 0);
	assert_int_equal(iommufd_ioas_unmap_all(s->ioas, NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(map_in_one_of_two_euclean),
		CASE(mapv_in_one_of_two_euclean),
		CASE(copy_in_one_of_two_euclean),
		CASE(unmap_that_loses_a_neighbour_euclean),
	};
	int failed = 0;

	while (next_pair())
		failed += cmocka_run_group_tests_name(pair->name, cases, NULL, NULL);
	return failed;
}
