/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What an IOAS tells of itself, and what happens when it has no room for more mappings. */
#include "edu.h"

static struct iommufd_ioas_info info_of(struct iommufd_ioas *ioas)
{
	struct iommufd_ioas_info info = { .size = sizeof(info) };

	assert_ok(iommufd_ioas_get_info(ioas, &info));
	return info;
}

static struct iommufd_ioas *get_flagged(struct fixture *f, uint64_t flags)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts), .flags = flags };
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas));
	return hold_ioas(f, ioas);
}

static void ioas_info_counts_mappings_and_devices(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 3 * PAGE);
	struct iommufd_ioas_info info = info_of(ioas);

	assert_int_equal(info.mappings, 0);
	assert_int_equal(info.bytes, 0);
	assert_int_equal(info.attached, 0);
	assert_int_equal(info.flags, 0);
	map_at(ioas, data, PAGE, 0x10000);
	map_at(ioas, data, 3 * PAGE, 0x20000);
	assert_ok(iommufd_device_attach(dev, ioas));
	info = info_of(ioas);
	assert_int_equal(info.mappings, 2);
	assert_int_equal(info.bytes, 4 * PAGE);
	assert_int_equal(info.attached, 1);
	assert_ok(iommufd_device_detach(dev));
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, PAGE, NULL));
	info = info_of(ioas);
	assert_int_equal(info.mappings, 1);
	assert_int_equal(info.bytes, 3 * PAGE);
	assert_int_equal(info.attached, 0);
}

static void ioas_info_tells_flags(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_flagged(f, IOMMUFD_IOAS_COALESCE);

	assert_int_equal(info_of(ioas).flags, IOMMUFD_IOAS_COALESCE);
	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_HUGE_PAGE_OPTION))
		return;
	ioas = get_flagged(f, IOMMUFD_IOAS_COALESCE | IOMMUFD_IOAS_NO_HUGE_PAGES);
	assert_int_equal(info_of(ioas).flags, IOMMUFD_IOAS_COALESCE | IOMMUFD_IOAS_NO_HUGE_PAGES);
	assert_ok(iommufd_ioas_set_huge_pages(ioas, 1));
	assert_int_equal(info_of(ioas).flags, IOMMUFD_IOAS_COALESCE);
}

static void ioas_info_page_sizes_begin_with_the_alignment(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_ioas_info info;
	uint64_t align;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_ok(iommufd_ioas_get_alignment(ioas, &align));
	info = info_of(ioas);
	assert_int_equal(info.align, align);
	if (info.page_sizes)
		assert_int_equal(info.page_sizes & -info.page_sizes, align);
}

/* Once for each container, once at all where pins are shared. */
static void ioas_info_tells_how_often_memory_is_pinned(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, ALONE1), *two = get_device(f, ALONE2);
	struct iommufd_ioas *ioas = get_ioas(f);
	bool shares = iommufd_ctx_has(f->ctx, IOMMUFD_CAP_COPY);
	uint64_t before = pinned_pages(), once;

	map_at(ioas, get_buffer(f, 4 * PAGE), 4 * PAGE, 0x10000);
	assert_int_equal(info_of(ioas).containers, 0);
	assert_ok(iommufd_device_attach(one, ioas));
	assert_int_equal(info_of(ioas).containers, 1);
	once = pinned_pages() - before;
	assert_ok(iommufd_device_attach(two, ioas));
	assert_int_equal(info_of(ioas).containers, shares ? 1 : 2);
	assert_int_equal(pinned_pages() - before, info_of(ioas).containers * once);
	assert_ok(iommufd_device_detach(one));
	assert_ok(iommufd_device_detach(two));
	assert_int_equal(info_of(ioas).containers, 0);
}

static void ioas_info_entries_left_go_down_and_up(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t before, expected;

	map_at(ioas, data, PAGE, 0x10000);
	assert_true(info_of(ioas).entries_left == UINT64_MAX);
	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	before = info_of(ioas).entries_left;
	assert_true(before > 0);
	expected = before == UINT64_MAX ? before : before - 1;
	map_at(ioas, data, PAGE, 0x20000);
	assert_true(info_of(ioas).entries_left == expected);
	assert_ok(iommufd_ioas_unmap(ioas, 0x20000, PAGE, NULL));
	assert_true(info_of(ioas).entries_left == before);
}

static void ioas_info_bad_argument_einval(void **state)
{
	struct iommufd_ioas_info info = { .size = 0 };
	struct iommufd_ioas *ioas = get_ioas(*state);

	assert_error(iommufd_ioas_get_info(ioas, NULL), -EINVAL);
	assert_error(iommufd_ioas_get_info(ioas, &info), -EINVAL);
}

/* -- neighbours that share entries */

static struct iommufd_device *get_coalesced(struct fixture *f, struct iommufd_ioas **ioas,
					    uint8_t *data)
{
	struct iommufd_device *dev = get_edu(f, ALONE1);

	*ioas = get_flagged(f, IOMMUFD_IOAS_COALESCE);
	assert_ok(iommufd_device_attach(dev, *ioas));
	edu_fill(f, dev, *ioas, 3);
	assert_ok(iommufd_device_detach(dev));
	for (uint64_t i = 0; i < 4; i++)
		map_at(*ioas, data + i * PAGE, PAGE, 0x10000 + i * PAGE);
	assert_ok(iommufd_device_attach(dev, *ioas));
	return dev;
}

static void ioas_coalesce_saves_entries(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_ioas *ioas, *plain = get_ioas(f);
	uint64_t shared;

	get_coalesced(f, &ioas, data);
	shared = info_of(ioas).entries_left;
	for (uint64_t i = 0; i < 4; i++)
		map_at(plain, data + i * PAGE, PAGE, 0x10000 + i * PAGE);
	assert_ok(iommufd_device_attach(get_device(f, ALONE2), plain));
	assert_true(info_of(plain).entries_left == (shared == UINT64_MAX ? shared : shared - 3));
	assert_int_equal(count_mappings(ioas), 4);
}

static void ioas_coalesce_unmaps_one_of_many(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_ioas *ioas;
	struct iommufd_device *dev = get_coalesced(f, &ioas, data);
	uint64_t unmapped = 0;

	assert_ok(iommufd_ioas_unmap(ioas, 0x11000, PAGE, &unmapped));
	assert_int_equal(unmapped, PAGE);
	assert_int_equal(count_mappings(ioas), 3);
	for (uint64_t i = 0; i < 4; i++)
		edu_store(dev, 0x10000 + i * PAGE, 64);
	assert_true(is_pattern(data, 64, 3));
	assert_true(is_all(data + PAGE, PAGE, 0));
	assert_true(is_pattern(data + 2 * PAGE, 64, 3));
	assert_true(is_pattern(data + 3 * PAGE, 64, 3));
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
	map_at(ioas, data + PAGE, PAGE, 0x11000);
	edu_store(dev, 0x11000, 64);
	assert_true(is_pattern(data + PAGE, 64, 3));
}

/* -- no more entries */

#define EDGE 70000 /* a kernel whose limit is above is not made to reach it */

/* Maps one page @count times, side by side, from @iova on. */
static int map_often(struct iommufd_ioas *ioas, uint8_t *data, size_t count, uint64_t iova,
		     size_t *failed)
{
	struct iommufd_map_vec *vec = calloc(count, sizeof(*vec));
	int rc;

	assert_non_null(vec);
	for (size_t i = 0; i < count; i++)
		vec[i] = (struct iommufd_map_vec){ data, PAGE, iova + i * PAGE };
	rc = iommufd_ioas_mapv(ioas, vec, count, FIXED_RW, NULL, failed);
	free(vec);
	return rc;
}

/* How many mappings fit; 0 if there is no limit to speak of. */
static size_t room_of(struct fixture *f, struct iommufd_ioas *ioas)
{
	uint64_t left = info_of(ioas).entries_left;

	if (left > EDGE)
		return 0;
	if (getenv("LIBIOMMUFD_SLOW"))
		skip_case(f, "so many mappings take too long here");
	return (size_t)left;
}

static void ioas_map_over_the_budget_enospc(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *source = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);
	uint64_t base = 0x100000000, iova = base - 4 * PAGE;
	size_t room, failed = 77;

	map_at(source, data, PAGE, 0x10000);
	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	room = room_of(f, ioas);
	if (!room)
		return;
	assert_ok(map_often(ioas, data, room - 1, base, NULL));
	assert_error(map_often(ioas, data, 2, base - 2 * PAGE, &failed), -ENOSPC);
	assert_int_equal(failed, 1);
	map_at(ioas, data, PAGE, base - PAGE);
	assert_int_equal(info_of(ioas).entries_left, 0);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, FIXED_RW, &iova, NULL), -ENOSPC);
	assert_non_null(strstr(expected_record()->message, "budget"));
	assert_non_null(strstr(expected_record()->remedy, "dma_entry_limit"));
	assert_error(iommufd_ioas_copy(ioas, source, 0x10000, PAGE, FIXED_RW, &iova, NULL),
		     -ENOSPC);
	assert_ok(iommufd_ioas_unmap(ioas, base, PAGE, NULL));
	assert_ok(iommufd_ioas_map(ioas, data, PAGE, FIXED_RW, &iova, NULL));
}

static void attach_over_the_budget_enospc(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f), *lean;
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t base = 0x100000000;
	uint64_t before = pinned_pages();
	char last[32];
	size_t room;

	assert_ok(iommufd_device_attach(dev, ioas));
	room = room_of(f, ioas);
	if (!room)
		return;
	assert_ok(iommufd_device_detach(dev));
	assert_ok(map_often(ioas, data, room + 1, base, NULL));
	assert_error(iommufd_device_attach(dev, ioas), -ENOSPC);
	snprintf(last, sizeof(last), "%#" PRIx64, base + room * PAGE);
	assert_non_null(strstr(expected_record()->message, last));
	assert_int_equal(pinned_pages(), before);
	assert_ok(iommufd_ioas_unmap(ioas, base, PAGE, NULL));
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_device_detach(dev));
	put_ioas(f, ioas);
	put_buffer(f, data);
	data = get_buffer(f, 4 * PAGE);
	lean = get_flagged(f, IOMMUFD_IOAS_COALESCE);
	for (uint64_t i = 0; i < (room + 1 + 3) / 4; i++)
		for (uint64_t k = 0; k < 4; k++)
			map_at(lean, data + k * PAGE, PAGE, base + (4 * i + k) * PAGE);
	assert_ok(iommufd_device_attach(dev, lean));
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_info_counts_mappings_and_devices),
	CASE(ioas_info_tells_flags),
	CASE(ioas_info_page_sizes_begin_with_the_alignment),
	CASE(ioas_info_tells_how_often_memory_is_pinned),
	CASE(ioas_info_entries_left_go_down_and_up),
	CASE(ioas_info_bad_argument_einval),
	CASE(ioas_coalesce_saves_entries),
	CASE(ioas_coalesce_unmaps_one_of_many),
	CASE(ioas_map_over_the_budget_enospc),
	CASE(attach_over_the_budget_enospc),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-info", cases, NULL, NULL);
}
