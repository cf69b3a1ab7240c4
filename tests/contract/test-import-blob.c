/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Blobs that were damaged, or made to deceive. */
#include "import.h"
#include "tables.h"

#define IOVA MOCK_FIRST

/* A context with one of each kind of object, exported. */
static bool get_all(struct fixture *f, struct exported *e)
{
	struct iommufd_range allowed = { IOVA, IOVA + 64 * PAGE - 1 };
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 21 };
	int fd = get_memfd(f, 4 * PAGE);
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev;

	if (!can_export(f))
		return false;
	map_file_at(ioas, fd, 0, PAGE, IOVA);
	map_file_at(ioas, fd, PAGE, 2 * PAGE, IOVA + 2 * PAGE);
	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ALLOW_IOVAS) == 1)
		assert_ok(iommufd_ioas_allow(ioas, &allowed, 1));
	assert_ok(iommufd_device_open(f->ctx, device_name(f, ALONE1), &opts, &dev));
	hold_device(f, dev);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSI, 0, 1, &(int){ get_eventfd(f) }));
	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_FAULT_QUEUE) == 1) {
		struct iommufd_fault_queue *queue;

		assert_ok(iommufd_fault_queue_new(f->ctx, NULL, &queue));
		hold_object(f, queue, (void (*)(void *))(void (*)(void))iommufd_fault_queue_unref);
	}
	if (iommufd_device_has(dev, IOMMUFD_CAP_HWPT) == 1)
		get_hwpt(f, dev, ioas, 0);
	export_ctx(f->ctx, e);
	return true;
}

static void set_size(struct exported *e, size_t size)
{
	e->size = size;
	for (size_t i = 0; i < 8; i++)
		e->blob[16 + i] = (uint8_t)((uint64_t)size >> 8 * i);
}

static void still_works(struct fixture *f)
{
	struct iommufd_device *dev;

	assert_ok(iommufd_device_find(f->ctx, 21, &dev));
	assert_non_null(ioas_of(dev));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_ok(iommufd_ioas_unmap_all(ioas_of(dev), NULL));
	assert_ok(iommufd_device_detach(dev));
	iommufd_device_unref(dev);
}

static void blob_cut_short_eproto(void **state)
{
	struct fixture *f = *state;
	struct iommufd_import *none;
	struct exported e, cut;
	int before;

	if (!get_all(f, &e))
		return;
	before = count_fds();
	assert_int_equal(try_import(&e, before), 0);
	for (size_t n = 0; n < e.size; n++) {
		cut = e;
		cut.size = n;
		assert_int_equal(try_import(&cut, before), -EPROTO);
		if (n < 64)
			continue;
		set_size(&cut, n);
		seal_blob(&cut);
		assert_int_equal(try_import(&cut, before), -EPROTO);
	}
	cut = e;
	set_size(&cut, e.size + 1);
	cut.blob[e.size] = 0;
	seal_blob(&cut);
	assert_error(import(&cut, 0, &none), -EPROTO);
	still_works(f);
}

static void blob_with_one_byte_changed_eproto(void **state)
{
	struct fixture *f = *state;
	struct exported e, bad;
	int before;

	if (!get_all(f, &e))
		return;
	before = count_fds();
	for (size_t i = 0; i < e.size; i++)
		for (int bit = 0; bit < 8; bit += 7) {
			int rc;

			bad = e;
			bad.blob[i] ^= (uint8_t)(1 << bit);
			rc = try_import(&bad, before);
			assert_int_equal(rc, i >= 8 && i < 12 ? -EPROTONOSUPPORT : -EPROTO);
		}
	still_works(f);
}

/* With the sum put right: what it says may be another truth, but no nonsense. */
static void blob_made_to_deceive(void **state)
{
	static const int known[] = {
		0, -EPROTO, -EPROTONOSUPPORT, -EINVAL, -EOPNOTSUPP, -ENOENT, -EPERM, -EBADF, -ENOTTY,
	};
	struct fixture *f = *state;
	struct exported e, bad;
	int before, refused = 0;

	if (!get_all(f, &e))
		return;
	before = count_fds();
	for (size_t i = 0; i < e.size; i++)
		for (int change = 0; change < 4; change++) {
			size_t k = 0;
			int rc;

			bad = e;
			bad.blob[i] = (uint8_t)(change == 0 ? bad.blob[i] + 1 :
						change == 1 ? bad.blob[i] ^ 0x80 :
						change == 2 ? 0xff : 0);
			seal_blob(&bad);
			rc = try_import(&bad, before);
			while (k < ARRAY_SIZE(known) && known[k] != rc)
				k++;
			if (k == ARRAY_SIZE(known))
				fail_msg("byte %zu: %d, %s", i, rc, iommufd_error_last()->message);
			refused += rc != 0;
		}
	assert_true(refused > (int)e.size);
	still_works(f);
}

static void descriptors_in_another_order(void **state)
{
	struct fixture *f = *state;
	struct iommufd_import *none;
	struct exported e, bad;

	if (!get_all(f, &e))
		return;
	bad = e;
	bad.fds[0] = e.fds[1];
	bad.fds[1] = e.fds[0];
	assert_error(import(&bad, 0, &none), -ENOTTY);
	bad = e;
	bad.count--;
	assert_error(import(&bad, 0, &none), -EINVAL);
	bad.count += 2;
	bad.fds[bad.count - 1] = e.fds[0];
	assert_error(import(&bad, 0, &none), -EINVAL);
	bad = e;
	bad.fds[0] = closed_fd();
	assert_error(import(&bad, 0, &none), -EBADF);
	bad = e;
	bad.fds[1] = closed_fd();
	assert_error(import(&bad, 0, &none), -EBADF);
	bad.fds[1] = -1;
	assert_error(import(&bad, 0, &none), -EBADF);
	still_works(f);
}

/* The numbers are of another /dev/iommu. */
static void descriptors_of_another_context_eproto(void **state)
{
	struct fixture *f = *state;
	struct iommufd_import *none;
	struct exported e;

	if (!get_all(f, &e))
		return;
	e.fds[0] = iommufd_ctx_get_fd(get_ctx(f, NULL));
	assert_error(import(&e, 0, &none), -EPROTO);
	still_works(f);
}

static void import_without_descriptors_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_import *none;
	struct exported e;
	int rc;

	if (!get_all(f, &e))
		return;
	expect_error_begin("import");
	limit_fds(NO_MORE_FDS);
	rc = import(&e, 0, &none);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_import_new() at the limit", __FILE__, __LINE__);
	still_works(f);
}

static const struct CMUnitTest cases[] = {
	CASE(blob_cut_short_eproto),
	CASE(blob_with_one_byte_changed_eproto),
	CASE(blob_made_to_deceive),
	CASE(descriptors_in_another_order),
	CASE(descriptors_of_another_context_eproto),
	CASE(import_without_descriptors_emfile),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("import-blob", cases, NULL, NULL);
}
