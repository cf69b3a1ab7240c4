/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Attaching devices to an IOAS, moving them, and groups that move as one. */
#include "contract.h"

#include <sys/mman.h>

/* Which IOAS @dev is attached to; not referenced. */
static struct iommufd_ioas *ioas_of(struct iommufd_device *dev)
{
	struct iommufd_ioas *ioas = (void *)1;

	assert_ok(iommufd_device_get_ioas(dev, &ioas));
	iommufd_ioas_unref(ioas);
	return ioas;
}

/* An IOAS with a mapping that the device of @place cannot have. */
static struct iommufd_ioas *unreachable_ioas(struct fixture *f, struct iommufd_device *dev)
{
	struct iommufd_ioas *ioas = get_ioas(f), *probe = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t hole;

	assert_ok(iommufd_device_attach(dev, probe));
	hole = reserved_iova(probe);
	assert_ok(iommufd_device_detach(dev));
	put_ioas(f, probe);
	map_at(ioas, data, PAGE, 0x10000);
	map_at(ioas, data, PAGE, hole);
	return ioas;
}

/* An IOAS with a mapping of memory that is no more. */
static struct iommufd_ioas *absent_ioas(struct fixture *f)
{
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	map_at(ioas, data, 4 * PAGE, 0x20000);
	put_buffer(f, data);
	return ioas;
}

static void attach_and_detach(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_null(ioas_of(dev));
	for (int i = 0; i < 3; i++) {
		assert_ok(iommufd_device_attach(dev, ioas));
		assert_ptr_equal(ioas_of(dev), ioas);
		assert_ok(iommufd_device_detach(dev));
		assert_null(ioas_of(dev));
	}
}

static void attach_keeps_mappings_and_detach_too(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, ioas));
	map_at(ioas, data, PAGE, 0x20000);
	assert_int_equal(count_mappings(ioas), 2);
	assert_ok(iommufd_device_detach(dev));
	assert_int_equal(count_mappings(ioas), 2);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_int_equal(count_mappings(ioas), 2);
}

static void attach_holds_the_ioas(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f), *same;

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, ioas));
	put_ioas(f, ioas);
	assert_ok(iommufd_device_get_ioas(dev, &same));
	hold_ioas(f, same);
	assert_ptr_equal(same, ioas);
	assert_int_equal(count_mappings(same), 1);
}

static void attach_several_devices_to_one_ioas(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *one = get_device(f, ALONE1), *two = get_device(f, ALONE2);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_ok(iommufd_device_detach(one));
	assert_null(ioas_of(one));
	assert_ptr_equal(ioas_of(two), ioas);
}

static void attach_twice_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f), *other = get_ioas(f);

	assert_ok(iommufd_device_attach(dev, ioas));
	assert_error(iommufd_device_attach(dev, ioas), -EBUSY);
	assert_error(iommufd_device_attach(dev, other), -EBUSY);
	assert_ptr_equal(ioas_of(dev), ioas);
}

static void detach_twice_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_error(iommufd_device_detach(dev), -EINVAL);
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
	assert_ok(iommufd_device_detach(dev));
	assert_error(iommufd_device_detach(dev), -EINVAL);
}

static void attach_to_a_foreign_ioas_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *foreign;

	assert_ok(iommufd_ioas_new(get_ctx(f, NULL), NULL, &foreign));
	hold_ioas(f, foreign);
	assert_error(iommufd_device_attach(dev, foreign), -EINVAL);
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
	assert_error(iommufd_device_replace(dev, foreign), -EINVAL);
}

static void attach_unreachable_mapping_eaddrinuse(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = unreachable_ioas(f, dev);
	struct iommufd_mapping m = { .size = sizeof(m) };
	char iova[32];

	assert_error(iommufd_device_attach(dev, ioas), -EADDRINUSE);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0x11000, &m));
	snprintf(iova, sizeof(iova), "%#" PRIx64, m.iova);
	assert_non_null(strstr(expected_record()->message, iova));
	assert_non_null(strstr(expected_record()->message, "reserved"));
	assert_ok(iommufd_ioas_unmap(ioas, m.iova, m.length, NULL));
	assert_ok(iommufd_device_attach(dev, ioas));
}

static void attach_absent_memory_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = absent_ioas(f);

	assert_error(iommufd_device_attach(dev, ioas), -EFAULT);
	assert_ok(iommufd_ioas_unmap(ioas, 0x20000, 4 * PAGE, NULL));
	assert_ok(iommufd_device_attach(dev, ioas));
}

/* The kernel looks at the file when it pins, not when it maps. */
static void attach_file_that_shrank_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t iova = 0x10000;
	int fd = hold_fd(f, memfd_create("shrinks", MFD_CLOEXEC));

	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, 4 * PAGE, FIXED_RW, &iova, NULL));
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_error(iommufd_device_attach(dev, ioas), -EINVAL);
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	assert_ok(iommufd_device_attach(dev, ioas));
}

/* Where the kernel does not map registers by their address. */
static void attach_memory_of_a_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1), *other = get_device(f, ALONE2);
	struct iommufd_ioas *ioas = get_ioas(f);
	void *bar;

	assert_ok(iommufd_region_map(other, IOMMUFD_REGION_BAR0, 0, PAGE, IOMMUFD_REGION_READ,
				     &bar));
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_ioas_map(ioas, bar, PAGE, IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED,
				   &(uint64_t){ 0x20000 }, NULL));
	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_MAP_DEVICE)) {
		assert_ok(iommufd_device_attach(dev, ioas));
		return;
	}
	assert_error(iommufd_device_attach(dev, ioas), -EFAULT);
	assert_non_null(strstr(expected_record()->message, "0x20000"));
	assert_ok(iommufd_ioas_unmap(ioas, 0x20000, PAGE, NULL));
	assert_ok(iommufd_device_attach(dev, ioas));
}

/* Neighbours may be one mapping in the kernel; what fails is named all the same. */
static void attach_names_one_of_coalesced_neighbours(void **state)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_IOAS_COALESCE };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas));
	hold_ioas(f, ioas);
	for (uint64_t i = 0; i < 4; i++)
		map_at(ioas, data + i * PAGE, PAGE, 0x10000 + i * PAGE);
	assert_int_equal(mprotect(data + 2 * PAGE, PAGE, PROT_NONE), 0);
	assert_error(iommufd_device_attach(dev, ioas), -EFAULT);
	assert_non_null(strstr(expected_record()->message, "0x12000..0x12fff"));
	assert_int_equal(mprotect(data + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	assert_ok(iommufd_device_attach(dev, ioas));
}

static void attach_read_only_memory_for_writing_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	assert_int_equal(mprotect(data, PAGE, PROT_READ), 0);
	assert_error(iommufd_device_attach(dev, ioas), -EFAULT);
	assert_non_null(strstr(expected_record()->message, "0x10000"));
	assert_int_equal(mprotect(data, PAGE, PROT_READ | PROT_WRITE), 0);
	assert_ok(iommufd_device_attach(dev, ioas));
}

/* -- moving */

static void replace_moves_the_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *one = get_ioas(f), *two = get_ioas(f);
	struct iommufd_range range[32];

	map_at(two, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, one));
	assert_ok(iommufd_device_replace(dev, two));
	assert_ptr_equal(ioas_of(dev), two);
	assert_int_equal(get_ranges(one, range, ARRAY_SIZE(range)), 1);
	assert_int_equal(range[0].last, LAST_IOVA);
	reserved_iova(two); /* narrowed now */
	put_ioas(f, one);
	assert_ok(iommufd_device_replace(dev, two));
	assert_ptr_equal(ioas_of(dev), two);
	assert_ok(iommufd_device_detach(dev));
}

static void replace_holds_the_new_and_frees_the_old(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *one = get_ioas(f), *two = get_ioas(f);

	assert_ok(iommufd_device_attach(dev, one));
	put_ioas(f, one);
	assert_ok(iommufd_device_replace(dev, two));
	put_ioas(f, two);
	assert_ptr_equal(ioas_of(dev), two);
}

static void replace_when_not_attached_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_error(iommufd_device_replace(dev, ioas), -EINVAL);
}

static void replace_refused_stays_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *unreachable = unreachable_ioas(f, dev), *absent = absent_ioas(f);
	struct iommufd_ioas *ioas = get_ioas(f);

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_error(iommufd_device_replace(dev, unreachable), -EADDRINUSE);
	assert_error(iommufd_device_replace(dev, absent), -EFAULT);
	assert_ptr_equal(ioas_of(dev), ioas);
	assert_ok(iommufd_device_detach(dev));
}

static void replace_read_only_memory_for_writing_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f), *next = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	assert_ok(iommufd_device_attach(dev, ioas));
	map_at(next, data, PAGE, 0x10000);
	assert_int_equal(mprotect(data, PAGE, PROT_READ), 0);
	assert_error(iommufd_device_replace(dev, next), -EFAULT);
}

static void get_ioas_bad_argument_einval(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);

	assert_error(iommufd_device_get_ioas(dev, NULL), -EINVAL);
}

/* -- groups */

static void group_shares_one_ioas(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_null(ioas_of(two));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_ok(iommufd_device_detach(one));
	assert_ptr_equal(ioas_of(two), ioas);
	assert_ok(iommufd_device_attach(one, ioas));
}

static void group_attach_to_different_ioas_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f), *other = get_ioas(f);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_error(iommufd_device_attach(two, other), -EBUSY);
	assert_ok(iommufd_device_detach(one));
	assert_ok(iommufd_device_attach(two, other));
	assert_error(iommufd_device_attach(one, ioas), -EBUSY);
}

static void group_is_replaced_together(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f), *next = get_ioas(f);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_ok(iommufd_device_replace(one, next));
	assert_ptr_equal(ioas_of(one), next);
	assert_ptr_equal(ioas_of(two), next);
	put_ioas(f, ioas);
	assert_ok(iommufd_device_replace(two, next));
	assert_ok(iommufd_device_detach(one));
	assert_ok(iommufd_device_detach(two));
}

static void group_replace_leaves_the_detached_alone(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f), *next = get_ioas(f);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_replace(one, next));
	assert_null(ioas_of(two));
	assert_ok(iommufd_device_attach(two, next));
}

static void group_replace_refused_moves_nobody(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f), *absent = absent_ioas(f);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_error(iommufd_device_replace(two, absent), -EFAULT);
	assert_ptr_equal(ioas_of(one), ioas);
	assert_ptr_equal(ioas_of(two), ioas);
}

static void group_member_closed_leaves_the_other(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f), *next = get_ioas(f);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	put_device(f, one);
	assert_ptr_equal(ioas_of(two), ioas);
	assert_ok(iommufd_device_replace(two, next));
	one = get_device(f, SIBLING1);
	assert_ok(iommufd_device_attach(one, next));
}

static const struct CMUnitTest cases[] = {
	CASE(attach_and_detach),
	CASE(attach_keeps_mappings_and_detach_too),
	CASE(attach_holds_the_ioas),
	CASE(attach_several_devices_to_one_ioas),
	CASE(attach_twice_ebusy),
	CASE(detach_twice_einval),
	CASE(attach_to_a_foreign_ioas_einval),
	CASE(attach_unreachable_mapping_eaddrinuse),
	CASE(attach_absent_memory_efault),
	CASE(attach_file_that_shrank_einval),
	CASE(attach_memory_of_a_device),
	CASE(attach_names_one_of_coalesced_neighbours),
	CASE(attach_read_only_memory_for_writing_efault),
	CASE(replace_moves_the_device),
	CASE(replace_holds_the_new_and_frees_the_old),
	CASE(replace_when_not_attached_einval),
	CASE(replace_refused_stays_where_it_was),
	CASE(replace_read_only_memory_for_writing_efault),
	CASE(get_ioas_bad_argument_einval),
	CASE(group_shares_one_ioas),
	CASE(group_attach_to_different_ioas_ebusy),
	CASE(group_is_replaced_together),
	CASE(group_replace_leaves_the_detached_alone),
	CASE(group_replace_refused_moves_nobody),
	CASE(group_member_closed_leaves_the_other),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("attach", cases, NULL, NULL);
}
