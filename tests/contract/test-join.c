/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices opened with the IOAS that they are to use. */
#include "edu.h"

static struct iommufd_device *open_with(struct fixture *f, enum place place,
					struct iommufd_ioas *ioas)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .ioas = ioas };
	struct iommufd_device *dev;

	assert_ok(iommufd_device_open(f->ctx, device_name(f, place), &opts, &dev));
	return hold_device(f, dev);
}

static int try_open_with(struct fixture *f, enum place place, struct iommufd_ioas *ioas)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .ioas = ioas };
	struct iommufd_device *dev = (void *)1;
	int rc = iommufd_device_open(f->ctx, device_name(f, place), &opts, &dev);

	if (!rc)
		hold_device(f, dev);
	else
		assert_null(dev);
	return rc;
}

static bool can_leave(struct fixture *f)
{
	return iommufd_ctx_has(f->ctx, IOMMUFD_CAP_DETACH_JOINED) == 1;
}

static struct iommufd_ioas *ioas_of(struct iommufd_device *dev)
{
	struct iommufd_ioas *ioas = (void *)1;

	assert_ok(iommufd_device_get_ioas(dev, &ioas));
	iommufd_ioas_unref(ioas);
	return ioas;
}

/* Both ways through the IOAS: what the device wrote is what it read. */
static void assert_dma(struct iommufd_device *dev, uint8_t *data, uint64_t iova)
{
	memset(data, 0x5a, 64);
	memset(data + PAGE / 2, 0, 64);
	assert_ok(iommufd_pci_set_bus_master(dev, 1));
	edu_fetch(dev, iova, 64);
	edu_store(dev, iova + PAGE / 2, 64);
	assert_memory_equal(data, data + PAGE / 2, 64);
}

static void join_attaches(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = open_with(f, ALONE1, ioas);

	assert_ptr_equal(ioas_of(dev), ioas);
	assert_error(iommufd_device_attach(dev, ioas), -EBUSY);
}

static void join_sees_mappings_of_before_and_after(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *before = get_buffer(f, PAGE), *after = get_buffer(f, PAGE);
	struct iommufd_device *dev;

	map_at(ioas, before, PAGE, 0x10000);
	dev = open_with(f, ALONE1, ioas);
	map_at(ioas, after, PAGE, 0x20000);
	assert_dma(dev, before, 0x10000);
	assert_dma(dev, after, 0x20000);
}

static void join_keeps_mappings_after_the_last_closes(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	put_device(f, open_with(f, ALONE1, ioas));
	assert_int_equal(count_mappings(ioas), 1);
	assert_dma(open_with(f, ALONE1, ioas), data, 0x10000);
}

static void join_of_two_groups(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *a = open_with(f, ALONE1, ioas), *b = open_with(f, ALONE2, ioas);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	assert_dma(a, data, 0x10000);
	assert_dma(b, data, 0x10000);
	put_device(f, a);
	assert_dma(b, data, 0x10000);
}

static void join_beside_an_attached_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *a = get_device(f, ALONE1), *b;
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	assert_ok(iommufd_device_attach(a, ioas));
	b = open_with(f, ALONE2, ioas);
	assert_dma(a, data, 0x10000);
	assert_dma(b, data, 0x10000);
	assert_ok(iommufd_device_detach(a));
	assert_dma(b, data, 0x10000);
}

static void join_is_for_good_by_group(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *other = get_ioas(f);
	struct iommufd_device *dev = open_with(f, ALONE1, ioas);

	assert_int_equal(!strcmp(iommufd_device_get_transport(dev), "cdev"), can_leave(f));
	if (can_leave(f)) {
		assert_ok(iommufd_device_replace(dev, other));
		assert_ok(iommufd_device_detach(dev));
		assert_ok(iommufd_device_attach(dev, ioas));
		return;
	}
	assert_error(iommufd_device_replace(dev, other), -EOPNOTSUPP);
	assert_error(iommufd_device_detach(dev), -EOPNOTSUPP);
	assert_ptr_equal(ioas_of(dev), ioas);
}

static void join_again_elsewhere_after_close(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *other = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	put_device(f, open_with(f, ALONE1, ioas));
	map_at(other, data, PAGE, 0x30000);
	assert_dma(open_with(f, ALONE1, other), data, 0x30000);
}

static void join_siblings(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *a = open_with(f, SIBLING1, ioas), *b = open_with(f, SIBLING2, ioas);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	assert_dma(a, data, 0x10000);
	put_device(f, a);
	assert_dma(b, data, 0x10000);
}

static void join_sibling_elsewhere_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *other = get_ioas(f);

	open_with(f, SIBLING1, ioas);
	assert_error(try_open_with(f, SIBLING2, other), -EBUSY);
	assert_non_null(strstr(expected_record()->message, device_name(f, SIBLING1)));
}

static void join_sibling_without_ioas(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);

	open_with(f, SIBLING1, ioas);
	if (can_leave(f)) {
		assert_ok(try_open_with(f, SIBLING2, NULL));
		return;
	}
	assert_error(try_open_with(f, SIBLING2, NULL), -EBUSY);
	assert_non_null(strstr(expected_record()->message, device_name(f, SIBLING1)));
}

static void join_a_group_that_was_opened_without(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *a = get_device(f, SIBLING1), *b = open_with(f, SIBLING2, ioas);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	assert_dma(b, data, 0x10000);
	assert_ok(iommufd_device_attach(a, ioas));
	assert_ok(iommufd_device_detach(b)); /* the group has a container of its own */
	assert_dma(a, data, 0x10000);
}

static void join_ioas_of_another_context_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *other = get_ctx(f, NULL);
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(other, NULL, &ioas));
	hold_ioas(f, ioas);
	assert_error(try_open_with(f, ALONE1, ioas), -EINVAL);
}

static void join_out_of_reach_eaddrinuse(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *probe = get_ioas(f), *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint64_t hole;

	assert_ok(iommufd_device_attach(dev, probe));
	hole = reserved_iova(probe);
	put_device(f, dev);
	map_at(ioas, get_buffer(f, PAGE), PAGE, hole);
	assert_error(try_open_with(f, ALONE1, ioas), -EADDRINUSE);
	assert_int_equal(count_mappings(ioas), 1);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
	open_with(f, ALONE1, ioas);
}

static void join_absent_memory_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x10000);
	put_buffer(f, data);
	assert_error(try_open_with(f, ALONE1, ioas), -EFAULT);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
	open_with(f, ALONE1, ioas);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(join_attaches),
		CASE(join_sees_mappings_of_before_and_after),
		CASE(join_keeps_mappings_after_the_last_closes),
		CASE(join_of_two_groups),
		CASE(join_beside_an_attached_device),
		CASE(join_is_for_good_by_group),
		CASE(join_again_elsewhere_after_close),
		CASE(join_siblings),
		CASE(join_sibling_elsewhere_ebusy),
		CASE(join_sibling_without_ioas),
		CASE(join_a_group_that_was_opened_without),
		CASE(join_ioas_of_another_context_einval),
		CASE(join_out_of_reach_eaddrinuse),
		CASE(join_absent_memory_efault),
	};

	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
