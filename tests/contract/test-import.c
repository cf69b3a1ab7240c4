/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A context exported, and what its successor has of it. */
#include "edu.h"
#include "import.h"
#include "tables.h"

#include "os/uapi.h"

#define IOVA MOCK_FIRST

/* -- the export */

static void export_tells_how_much_it_takes(void **state)
{
	struct fixture *f = *state;
	size_t size = 0, count = 0, room;
	uint8_t *blob = get_buffer(f, 2 * PAGE);
	int fds[4];

	if (!can_export(f))
		return;
	get_ioas(f);
	get_device(f, ALONE1);
	assert_error(iommufd_ctx_export(f->ctx, NULL, &size, NULL, &count), -ENOBUFS);
	assert_int_equal(count, 2);
	room = size;
	assert_true(room < PAGE);
	size = room - 1;
	assert_error(iommufd_ctx_export(f->ctx, blob, &size, fds, &count), -ENOBUFS);
	assert_int_equal(size, room);
	assert_int_equal(blob[room - 1], 0);
	count = 1;
	assert_error(iommufd_ctx_export(f->ctx, blob, &size, fds, &count), -ENOBUFS);
	assert_int_equal(count, 2);
	assert_ok(iommufd_ctx_export(f->ctx, blob, &size, fds, &count));
	assert_int_equal(size, room);
	assert_int_equal(fds[0], iommufd_ctx_get_fd(f->ctx));
}

static void export_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	size_t size = 1, count = 1;
	uint8_t blob[1];
	int fds[1];

	assert_error(iommufd_ctx_export(NULL, blob, &size, fds, &count), -EINVAL);
	assert_error(iommufd_ctx_export(f->ctx, NULL, &size, fds, &count), -EINVAL);
	assert_error(iommufd_ctx_export(f->ctx, blob, NULL, fds, &count), -EINVAL);
	assert_error(iommufd_ctx_export(f->ctx, blob, &size, NULL, &count), -EINVAL);
	assert_error(iommufd_ctx_export(f->ctx, blob, &size, fds, NULL), -EINVAL);
	assert_error(iommufd_ctx_disown(NULL), -EINVAL);
}

/* -- letting go */

static void disowned_handles_are_good_for_giving_back_only(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	int fd = get_memfd(f, PAGE);
	uint64_t iova = IOVA;
	uint32_t id;
	void *bar;

	if (!can_export(f))
		return;
	assert_ok(iommufd_pci_set_memory(dev, 1));
	assert_ok(iommufd_region_map(dev, IOMMUFD_REGION_BAR0, 0, PAGE, IOMMUFD_REGION_READ, &bar));
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_ctx_disown(f->ctx));
	assert_error(iommufd_ctx_disown(f->ctx), -EINVAL);
	assert_error(iommufd_ctx_get_fd(f->ctx), -EINVAL);
	assert_error(iommufd_ioas_get_id(ioas, &id), -EINVAL);
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, FIXED_RW, &iova, NULL), -EINVAL);
	assert_error(iommufd_device_detach(dev), -EINVAL);
	assert_error(iommufd_region_read32(dev, 0, 0, &id), -EINVAL);
	assert_int_equal(*(volatile uint32_t *)bar & 0xff, 0xed);
	assert_ok(iommufd_region_unmap(dev, bar));
	assert_ptr_equal(iommufd_ioas_ref(ioas), ioas);
	assert_null(iommufd_ioas_unref(ioas));
	assert_ptr_equal(iommufd_device_ref(dev), dev);
	assert_null(iommufd_device_unref(dev));
	assert_ptr_equal(iommufd_ctx_ref(f->ctx), f->ctx);
	assert_null(iommufd_ctx_unref(f->ctx));
}

/* The kernel still has it, by the descriptor of somebody else. */
static void giving_back_what_is_disowned_undoes_nothing(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f), *again;
	uint32_t id = ioas_id(ioas);
	struct iommufd_import *import;
	struct exported e;
	uint64_t keep = keep_process(f);
	int fd = get_memfd(f, PAGE);

	if (!can_export(f))
		return;
	map_file_at(ioas, fd, 0, PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, ioas));
	export_ctx(f->ctx, &e);
	assert_ok(iommufd_ctx_disown(f->ctx));
	import = get_import(f, &e, keep);
	put_device(f, dev);
	put_ioas(f, ioas);
	again = find_ioas(f, import, id);
	assert_int_equal(count_mappings(again), 1);
	assert_ok(iommufd_ioas_unmap(again, IOVA, PAGE, NULL)); /* the kernel had it mapped */
}

/* -- the import */

static void import_has_all_that_was_mapped(void **state)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_IOAS_COALESCE };
	struct iommufd_range allowed = { IOVA, IOVA + 64 * PAGE - 1 };
	struct iommufd_mapping m = { .size = sizeof(m) };
	struct iommufd_ioas_info info = { .size = sizeof(info) };
	struct fixture *f = *state;
	struct iommufd_ioas *other = get_ioas(f), *ioas, *copy;
	int fd = get_memfd(f, 16 * PAGE);
	struct iommufd_import *import;
	uint64_t iova = IOVA + 8 * PAGE;
	uint32_t ids[2];

	if (!can_export(f))
		return;
	if (keep_process(f))
		return; /* see import_of_memory_by_its_address */
	assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas));
	hold_ioas(f, ioas);
	map_file_at(ioas, fd, 2 * PAGE, 4 * PAGE, IOVA);
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, PAGE, IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED,
					&iova, NULL));
	map_file_at(other, fd, 0, 16 * PAGE, IOVA);
	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ALLOW_IOVAS) == 1)
		assert_ok(iommufd_ioas_allow(ioas, &allowed, 1));
	ids[0] = ioas_id(ioas);
	ids[1] = ioas_id(other);

	import = succeed(f);
	ioas = find_ioas(f, import, ids[0]);
	copy = find_ioas(f, import, ids[1]);
	assert_ok(iommufd_ioas_get_info(ioas, &info));
	assert_int_equal(info.flags, IOMMUFD_IOAS_COALESCE);
	assert_int_equal(info.mappings, 2);
	assert_int_equal(info.bytes, 5 * PAGE);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0, &m));
	assert_int_equal(m.iova, IOVA);
	assert_int_equal(m.length, 4 * PAGE);
	assert_int_equal(m.offset, 2 * PAGE);
	assert_int_equal(m.flags, MAP_RW);
	assert_int_equal(m.memory, IOMMUFD_MEMORY_FILE);
	assert_ok(iommufd_ioas_next_mapping(ioas, m.iova + m.length, &m));
	assert_int_equal(m.iova, IOVA + 8 * PAGE);
	assert_int_equal(m.flags, IOMMUFD_MAP_READ);
	assert_int_equal(count_mappings(copy), 1);
	/* The kernel agrees: it lets whole mappings go, and copies only what is there. */
	iova = IOVA + 32 * PAGE;
	assert_ok(iommufd_ioas_copy(copy, ioas, IOVA, 4 * PAGE, FIXED_RW, &iova, NULL));
	assert_error(iommufd_ioas_unmap(copy, IOVA + PAGE, PAGE, NULL), -EINVAL);
	assert_ok(iommufd_ioas_unmap_all(copy, NULL));
	assert_ok(iommufd_ioas_unmap(ioas, IOVA, 4 * PAGE, NULL));
}

static void import_finds_free_places(void **state)
{
	struct iommufd_map_opts opts = { .size = sizeof(opts), .min = IOVA, .last = IOVA + 4 * PAGE - 1 };
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, 4 * PAGE);
	uint32_t id = ioas_id(ioas);
	uint64_t iova;

	if (!can_export(f))
		return;
	map_file_at(ioas, fd, 0, PAGE, IOVA);
	map_file_at(ioas, fd, 0, PAGE, IOVA + 2 * PAGE);
	ioas = find_ioas(f, succeed(f), id);
	iova = IOVA;
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, FIXED_RW, &iova, NULL), -EEXIST);
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, &iova, &opts));
	assert_int_equal(iova, IOVA + PAGE);
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, &iova, &opts));
	assert_int_equal(iova, IOVA + 3 * PAGE);
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, &iova, &opts), -ENOSPC);
	assert_ok(iommufd_ioas_unmap(ioas, IOVA, PAGE, NULL));
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, &iova, &opts));
	assert_int_equal(iova, IOVA);
}

static void import_of_memory_by_its_address(void **state)
{
	struct iommufd_mapping m = { .size = sizeof(m) };
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_import *import_of, *none = (void *)1;
	uint32_t id = ioas_id(ioas);
	struct exported e;
	uint64_t iova;

	if (!can_export(f))
		return;
	map_at(ioas, data, PAGE, IOVA);
	export_ctx(f->ctx, &e);
	assert_error(import(&e, 0, &none), -EINVAL);
	assert_null(none);
	assert_non_null(strstr(expected_record()->message, "0x1000000..0x1000fff"));
	assert_int_equal(count_mappings(ioas), 1); /* nothing was undone, or is disowned */
	map_at(ioas, data, PAGE, IOVA + PAGE);
	assert_ok(iommufd_ioas_unmap(ioas, IOVA + PAGE, PAGE, NULL));

	assert_ok(iommufd_ctx_disown(f->ctx));
	import_of = get_import(f, &e, IOMMUFD_IMPORT_KEEP_PROCESS);
	ioas = find_ioas(f, import_of, id);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0, &m));
	assert_int_equal(m.memory, IOMMUFD_MEMORY_OTHER);
	assert_int_equal(m.va, 0);
	assert_int_equal(iommufd_ioas_va_to_iova(ioas, data, &iova, NULL), -ENOENT);
	assert_ok(iommufd_ioas_unmap(ioas, IOVA, PAGE, NULL));
	assert_int_equal(count_mappings(ioas), 0);
}

static void import_gives_back_what_nobody_took(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f), *lost = get_ioas(f);
	struct iommufd_import *import;
	struct iommufd_ctx *ctx;
	uint32_t ids[2];

	if (!can_export(f))
		return;
	assert_ok(iommufd_device_attach(dev, ioas));
	ids[0] = ioas_id(ioas);
	ids[1] = ioas_id(lost);
	import = succeed(f);
	ctx = ctx_of(f, import);
	ioas = find_ioas(f, import, ids[0]);
	put_object(f, import);
	for (int i = 0; i < 2; i++) {
		struct k_iommu_ioas_iova_ranges ask = { .size = sizeof(ask), .ioas_id = ids[i] };

		assert_int_equal(raw_ioctl(iommufd_ctx_get_fd(ctx), K_IOMMU_IOAS_IOVA_RANGES, &ask),
				 i ? -ENOENT : -EMSGSIZE);
	}
	assert_ok(iommufd_ioas_get_id(ioas, &ids[1]));
	assert_int_equal(ids[0], ids[1]);
}

static void import_can_be_exported_again(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_with_cookie(f, ALONE1, 21);
	struct iommufd_ioas *ioas = get_ioas(f);
	uint32_t id = ioas_id(ioas);
	int fd = get_memfd(f, PAGE);
	struct exported first, second;
	struct iommufd_import *import;
	struct iommufd_ctx *ctx;
	uint64_t keep = keep_process(f);

	if (!can_export(f))
		return;
	map_file_at(ioas, fd, 0, PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, ioas));
	export_ctx(f->ctx, &first);
	assert_ok(iommufd_ctx_disown(f->ctx));
	import = get_import(f, &first, keep);
	ctx = ctx_of(f, import);
	export_ctx(ctx, &second);
	assert_int_equal(second.size, first.size);
	assert_memory_equal(second.blob, first.blob, first.size);
	assert_ok(iommufd_ctx_disown(ctx));
	import = get_import(f, &second, keep);
	assert_ptr_equal(ioas_of(find_cookie(f, ctx_of(f, import), 21)), find_ioas(f, import, id));
}

static void import_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct iommufd_import_item item = { .size = sizeof(item) };
	struct iommufd_import *import;
	struct iommufd_ioas *ioas;

	if (!can_export(f))
		return;
	import = succeed(f);
	assert_error(iommufd_import_get_item(import, 0, &item), -ENOENT);
	assert_ok(iommufd_ioas_new(ctx_of(f, import), NULL, &ioas));
	hold_ioas(f, ioas);
}

static void import_bad_argument(void **state)
{
	struct { struct iommufd_import_opts known; uint64_t more; } future = {
		.known = { .size = sizeof(future) }, .more = 1,
	};
	struct iommufd_import_opts opts = { .size = sizeof(opts), .flags = 1 << 7 };
	struct iommufd_import_item item = { .size = sizeof(item) };
	struct fixture *f = *state;
	struct iommufd_import *import_of, *none = (void *)1;
	struct iommufd_fault_queue *queue;
	struct iommufd_hwpt *hwpt;
	struct iommufd_ioas *ioas;
	struct iommufd_ctx *ctx;
	struct exported e;

	if (!can_export(f)) {
		uint8_t blob[4] = { 0 };

		assert_error(iommufd_import_new(blob, 4, &(int){ 0 }, 1, NULL, &none), -EPROTO);
		return;
	}
	export_ctx(f->ctx, &e);
	assert_error(iommufd_import_new(e.blob, e.size, e.fds, e.count, NULL, NULL), -EINVAL);
	assert_error(iommufd_import_new(NULL, e.size, e.fds, e.count, NULL, &none), -EINVAL);
	assert_null(none);
	assert_error(iommufd_import_new(e.blob, e.size, NULL, e.count, NULL, &none), -EINVAL);
	assert_error(iommufd_import_new(e.blob, e.size, e.fds, 0, NULL, &none), -EINVAL);
	assert_error(iommufd_import_new(e.blob, e.size, e.fds, e.count, &future.known, &none), -E2BIG);
	assert_error(iommufd_import_new(e.blob, e.size, e.fds, e.count, &opts, &none), -EOPNOTSUPP);
	assert_ok(iommufd_ctx_disown(f->ctx));
	import_of = get_import(f, &e, 0);
	assert_error(iommufd_import_get_ctx(NULL, &ctx), -EINVAL);
	assert_error(iommufd_import_get_ctx(import_of, NULL), -EINVAL);
	assert_error(iommufd_import_get_item(NULL, 0, &item), -EINVAL);
	assert_error(iommufd_import_find_ioas(import_of, 4711, &ioas), -ENOENT);
	assert_null(ioas);
	assert_error(iommufd_import_find_ioas(import_of, 1, NULL), -EINVAL);
	assert_error(iommufd_import_find_ioas(NULL, 1, &ioas), -EINVAL);
	assert_error(iommufd_import_find_hwpt(import_of, 4711, &hwpt), -ENOENT);
	assert_error(iommufd_import_find_hwpt(import_of, 1, NULL), -EINVAL);
	assert_error(iommufd_import_find_hwpt(NULL, 1, &hwpt), -EINVAL);
	assert_error(iommufd_import_find_fault_queue(import_of, 4711, &queue), -ENOENT);
	assert_error(iommufd_import_find_fault_queue(import_of, 1, NULL), -EINVAL);
	assert_error(iommufd_import_find_fault_queue(NULL, 1, &queue), -EINVAL);
	assert_ptr_equal(iommufd_import_ref(import_of), import_of);
	assert_null(iommufd_import_unref(import_of));
	assert_null(iommufd_import_ref(NULL));
	assert_null(iommufd_import_unref(NULL));
}

static const struct CMUnitTest cases[] = {
	CASE(export_tells_how_much_it_takes),
	CASE(export_bad_argument_einval),
	CASE(disowned_handles_are_good_for_giving_back_only),
	CASE(giving_back_what_is_disowned_undoes_nothing),
	CASE(import_has_all_that_was_mapped),
	CASE(import_finds_free_places),
	CASE(import_of_memory_by_its_address),
	CASE(import_gives_back_what_nobody_took),
	CASE(import_can_be_exported_again),
	CASE(import_of_nothing),
	CASE(import_bad_argument),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("import", cases, NULL, NULL);
}
