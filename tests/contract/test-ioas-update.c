/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Memory that gets another address in the process while it is mapped. */
#include "edu.h"

#include <sys/mman.h>

#define PAGES 4
#define SEED 7

/* The same memory at two places. */
struct memory {
	uint8_t *here, *there;
};

static struct memory get_memory(struct fixture *f)
{
	int fd = hold_fd(f, memfd_create("moves", MFD_CLOEXEC));
	struct memory m = { get_buffer(f, PAGES * PAGE), get_buffer(f, PAGES * PAGE) };

	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	assert_ptr_equal(mmap(m.here, PAGES * PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, fd, 0), m.here);
	assert_ptr_equal(mmap(m.there, PAGES * PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, fd, 0), m.there);
	return m;
}

static void map_each_page(struct iommufd_ioas *ioas, const struct memory *m)
{
	for (size_t i = 0; i < PAGES; i++)
		map_at(ioas, m->here + i * PAGE, PAGE, 0x10000 + i * PAGE);
}

/* Where it cannot be done the case is over, having seen it refused. */
static bool can_update(struct fixture *f)
{
	struct iommufd_ioas *ioas;
	uint8_t *data;

	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_UPDATE_VA))
		return true;
	ioas = get_ioas(f);
	data = get_buffer(f, PAGE);
	map_at(ioas, data, PAGE, 0x10000);
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGE, data), -EOPNOTSUPP);
	return false;
}

static void assert_at(struct iommufd_ioas *ioas, uint64_t iova, const uint8_t *va)
{
	struct iommufd_mapping mapping = { .size = sizeof(mapping) };
	uint64_t back = 0;
	void *found = NULL;

	assert_ok(iommufd_ioas_iova_to_va(ioas, iova, &found, NULL));
	assert_ptr_equal(found, va);
	assert_ok(iommufd_ioas_va_to_iova(ioas, va, &back, NULL));
	assert_int_equal(back, iova);
	assert_ok(iommufd_ioas_next_mapping(ioas, iova, &mapping));
	assert_int_equal(mapping.va + (iova - mapping.iova), (uintptr_t)va);
}

static void update_va_is_followed_by_lookups(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);
	uint64_t iova;

	if (!can_update(f))
		return;
	map_at(ioas, m.here, PAGES * PAGE, 0x10000);
	assert_ok(iommufd_ioas_update_va(ioas, 0x10000, PAGES * PAGE, m.there));
	assert_at(ioas, 0x10000, m.there);
	assert_at(ioas, 0x12345, m.there + 0x2345);
	assert_int_equal(iommufd_ioas_va_to_iova(ioas, m.here, &iova, NULL), -ENOENT);
	assert_int_equal(count_mappings(ioas), 1);
}

static void update_va_lets_dma_go_on(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1), *late = get_edu(f, ALONE2);
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);

	if (!can_update(f))
		return;
	map_at(ioas, m.here, PAGES * PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, ioas));
	edu_fill(f, dev, ioas, SEED);
	assert_ok(iommufd_ioas_update_va(ioas, 0x10000, PAGES * PAGE, m.there));
	put_buffer(f, m.here);
	edu_store(dev, 0x11000, 64);
	assert_true(is_pattern(m.there + PAGE, 64, SEED));
	/* A device that comes later reaches it too, and all can leave. */
	assert_ok(iommufd_device_attach(late, ioas));
	edu_fill(f, late, ioas, SEED + 1);
	edu_store(late, 0x12000, 64);
	assert_true(is_pattern(m.there + 2 * PAGE, 64, SEED + 1));
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, PAGES * PAGE, NULL));
	edu_store(dev, 0x11000, 128);
	assert_true(is_all(m.there + PAGE + 64, PAGE - 64, 0));
}

static void update_va_of_several_mappings(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);

	if (!can_update(f))
		return;
	assert_ok(iommufd_device_attach(dev, ioas));
	edu_fill(f, dev, ioas, SEED);
	map_each_page(ioas, &m);
	assert_ok(iommufd_ioas_update_va(ioas, 0x11000, 2 * PAGE, m.there + PAGE));
	assert_at(ioas, 0x10000, m.here);
	assert_at(ioas, 0x11000, m.there + PAGE);
	assert_at(ioas, 0x12000, m.there + 2 * PAGE);
	assert_at(ioas, 0x13000, m.here + 3 * PAGE);
	assert_int_equal(count_mappings(ioas), PAGES);
	edu_store(dev, 0x12000, 64);
	assert_true(is_pattern(m.there + 2 * PAGE, 64, SEED));
	assert_ok(iommufd_ioas_update_va(ioas, 0x11000, 2 * PAGE, m.here + PAGE));
	assert_at(ioas, 0x11000, m.here + PAGE);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
}

/* Memory is moved over the place where other memory was. */
static void update_va_to_what_another_mapping_leaves(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);

	if (!can_update(f))
		return;
	map_each_page(ioas, &m);
	assert_ok(iommufd_ioas_update_va(ioas, 0x10000, PAGES * PAGE, m.here + PAGE));
	for (size_t i = 0; i < PAGES; i++)
		assert_at(ioas, 0x10000 + i * PAGE, m.here + (i + 1) * PAGE);
}

static void update_va_in_all_containers(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_edu(f, ALONE1), *two = get_edu(f, ALONE2);
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);

	if (!can_update(f))
		return;
	map_each_page(ioas, &m);
	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_ok(iommufd_ioas_update_va(ioas, 0x10000, PAGES * PAGE, m.there));
	put_buffer(f, m.here);
	assert_ok(iommufd_device_detach(one));
	assert_ok(iommufd_device_attach(one, ioas));
	edu_fill(f, two, ioas, SEED);
	edu_store(two, 0x10000, 64);
	assert_true(is_pattern(m.there, 64, SEED));
}

/* What the kernel has as one mapping it moves only as one. */
static void update_va_of_coalesced_neighbours_eopnotsupp(void **state)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_IOAS_COALESCE };
	struct fixture *f = *state;
	struct memory m = get_memory(f);
	struct iommufd_ioas *ioas;

	if (!can_update(f))
		return;
	assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas));
	hold_ioas(f, ioas);
	map_each_page(ioas, &m);
	map_at(ioas, m.here, PAGE, 0x20000);
	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGES * PAGE, m.there), -EOPNOTSUPP);
	assert_at(ioas, 0x11000, m.here + PAGE);
	assert_ok(iommufd_ioas_update_va(ioas, 0x20000, PAGE, m.there));
	assert_at(ioas, 0x20000, m.there);
}

static void update_va_with_a_hole_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);

	if (!can_update(f))
		return;
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGE, m.there), -ENOENT);
	map_at(ioas, m.here, PAGE, 0x10000);
	map_at(ioas, m.here + 2 * PAGE, PAGE, 0x12000);
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, 3 * PAGE, m.there), -ENOENT);
}

static void update_va_of_a_file_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);
	int fd = hold_fd(f, memfd_create("file", MFD_CLOEXEC));
	uint64_t iova = 0x11000;

	if (!can_update(f))
		return;
	assert_int_equal(ftruncate(fd, PAGE), 0);
	map_at(ioas, m.here, PAGE, 0x10000);
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, PAGE, FIXED_RW, &iova, NULL));
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, 2 * PAGE, m.there), -EINVAL);
}

static void update_va_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct memory m = get_memory(f);
	uint64_t top = UINT64_MAX - PAGE + 1;

	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGE, NULL), -EINVAL);
	if (!can_update(f))
		return;
	map_at(ioas, m.here, PAGES * PAGE, 0x10000);
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, 0, m.there), -EINVAL);
	assert_error(iommufd_ioas_update_va(ioas, 0x10001, PAGE, m.there), -EINVAL);
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGE + 1, m.there), -EINVAL);
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGE, m.there + 1), -EINVAL);
	assert_error(iommufd_ioas_update_va(ioas, 0x11000, PAGE, m.there), -EINVAL);
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGE, m.there), -EINVAL);
	assert_error(iommufd_ioas_update_va(ioas, top, 2 * PAGE, m.there), -EOVERFLOW);
	assert_error(iommufd_ioas_update_va(ioas, 0x10000, PAGES * PAGE, (void *)top), -EOVERFLOW);
}

static const struct CMUnitTest cases[] = {
	CASE(update_va_is_followed_by_lookups),
	CASE(update_va_lets_dma_go_on),
	CASE(update_va_of_several_mappings),
	CASE(update_va_to_what_another_mapping_leaves),
	CASE(update_va_in_all_containers),
	CASE(update_va_of_coalesced_neighbours_eopnotsupp),
	CASE(update_va_with_a_hole_enoent),
	CASE(update_va_of_a_file_einval),
	CASE(update_va_bad_argument),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-update", cases, NULL, NULL);
}
