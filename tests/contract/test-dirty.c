/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which pages devices wrote, as far as the backend tells. */
#include "edu.h"
#include "tables.h"

#define IOVA MOCK_FIRST
#define PAGES 16u

struct setting {
	struct fixture *f;
	struct iommufd_ioas *ioas;
	struct iommufd_device *dev;
	uint32_t table; /* of a mock device */
	uint8_t *data;
};

/* PAGES pages mapped one by one. */
static void attach(struct setting *s)
{
	s->ioas = get_ioas(s->f);
	s->data = get_buffer(s->f, PAGES * PAGE);
	for (size_t i = 0; i < PAGES; i++)
		map_at(s->ioas, s->data + i * PAGE, PAGE, IOVA + i * PAGE);
	assert_ok(iommufd_device_attach(s->dev, s->ioas));
}

static void show_refusal(struct setting *s)
{
	int code = iommufd_ctx_has(s->f->ctx, IOMMUFD_CAP_DIRTY_TRACKING) ? -EINVAL : -EOPNOTSUPP;
	uint64_t bits = 0;

	attach(s);
	assert_error(iommufd_ioas_set_dirty_tracking(s->ioas, 1), -EOPNOTSUPP);
	assert_error(iommufd_ioas_read_dirty(s->ioas, IOVA, PAGE, 0, 0, &bits), code);
	assert_error(iommufd_ioas_unmap_dirty(s->ioas, IOVA, PAGE, 0, &bits, NULL, NULL), code);
}

/* Tracked; by a mock device where edu cannot be. False, shown, where nothing is tracked. */
static bool get_setting(struct fixture *f, struct setting *s)
{
	*s = (struct setting){ .f = f, .dev = get_edu(f, ALONE1) };
	if (iommufd_device_has(s->dev, IOMMUFD_CAP_DIRTY_TRACKING) == 1) {
		attach(s);
	} else {
		show_refusal(s);
		if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_DIRTY_TRACKING) != 1)
			return false;
		s->dev = get_mock(f, 0);
		attach(s);
		s->table = next_id(f);
	}
	assert_ok(iommufd_ioas_set_dirty_tracking(s->ioas, 1));
	return true;
}

static void store(struct setting *s, struct iommufd_device *dev, uint64_t iova)
{
	if (s->table)
		mock_write(s->f, s->table, iova, 1);
	else
		edu_store(dev, iova, 64);
}

static bool is_set(const uint64_t *bitmap, size_t bit)
{
	return bitmap[bit / 64] >> bit % 64 & 1;
}

/* What was written is told; what was not may be, where all that is pinned counts. */
static void dirty_tells_what_was_written(void **state)
{
	struct fixture *f = *state;
	uint64_t bits = 0;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	store(&s, s.dev, IOVA + 3 * PAGE);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGES * PAGE, 0, 0, &bits));
	assert_true(is_set(&bits, 3));
	assert_int_equal(bits >> PAGES, 0);
	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_DIRTY_ALL_PINNED))
		assert_int_equal(bits, (1u << PAGES) - 1);
}

static void dirty_holes_have_no_bits(void **state)
{
	struct fixture *f = *state;
	uint64_t bits = 0;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	assert_ok(iommufd_ioas_unmap(s.ioas, IOVA + 4 * PAGE, 2 * PAGE, NULL));
	store(&s, s.dev, IOVA + 3 * PAGE);
	store(&s, s.dev, IOVA + 6 * PAGE);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA - 8 * PAGE, 32 * PAGE, 0, 0, &bits));
	assert_true(is_set(&bits, 8 + 3) && is_set(&bits, 8 + 6));
	assert_false(is_set(&bits, 8 + 4) || is_set(&bits, 8 + 5));
	assert_int_equal(bits & 0xff, 0);
	assert_int_equal(bits >> (8 + PAGES), 0);
}

static void dirty_bits_are_added(void **state)
{
	struct fixture *f = *state;
	uint64_t bits = UINT64_C(1) << 63;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	store(&s, s.dev, IOVA);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGES * PAGE, 0, 0, &bits));
	assert_true(is_set(&bits, 63) && is_set(&bits, 0));
}

static void dirty_larger_pages(void **state)
{
	struct fixture *f = *state;
	uint64_t bits = 0;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	store(&s, s.dev, IOVA + 5 * PAGE);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGES * PAGE, 4 * PAGE, 0, &bits));
	assert_true(is_set(&bits, 1));
	assert_int_equal(bits >> PAGES / 4, 0);
}

static void dirty_kept_is_told_again(void **state)
{
	struct fixture *f = *state;
	uint64_t first = 0, second = 0;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	store(&s, s.dev, IOVA + 2 * PAGE);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGES * PAGE, 0, IOMMUFD_DIRTY_KEEP, &first));
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGES * PAGE, 0, 0, &second));
	assert_true(is_set(&first, 2) && is_set(&second, 2));
}

static void dirty_device_attached_later_is_tracked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *late;
	uint64_t bits = 0;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	late = s.table ? get_mock(f, 0) : get_edu(f, ALONE2);
	assert_ok(iommufd_device_attach(late, s.ioas));
	assert_ok(iommufd_device_detach(s.dev));
	store(&s, late, IOVA + 7 * PAGE);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGES * PAGE, 0, 0, &bits));
	assert_true(is_set(&bits, 7));
}

static void dirty_and_unmapped_in_one(void **state)
{
	struct fixture *f = *state;
	uint64_t bits = 0, unmapped = 0;
	struct setting s;
	int atomic = 7;

	if (!get_setting(f, &s))
		return;
	store(&s, s.dev, IOVA + PAGE);
	assert_ok(iommufd_ioas_unmap_dirty(s.ioas, IOVA, 4 * PAGE, 0, &bits, &unmapped, &atomic));
	assert_true(is_set(&bits, 1));
	assert_int_equal(bits >> 4, 0);
	assert_int_equal(unmapped, 4 * PAGE);
	assert_in_range(atomic, 0, 1);
	assert_int_equal(count_mappings(s.ioas), PAGES - 4);
	store(&s, s.dev, IOVA + 5 * PAGE);
	assert_ok(iommufd_ioas_unmap_dirty(s.ioas, IOVA, PAGES * PAGE, 0, &bits, &unmapped, NULL));
	assert_int_equal(unmapped, (PAGES - 4) * PAGE);
	assert_true(is_set(&bits, 5));
	map_at(s.ioas, s.data, PAGE, IOVA); /* the place is free */
}

static void dirty_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *other;
	uint64_t bits = 0;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	other = get_ioas(f);
	map_at(other, s.data, 4 * PAGE, IOVA);
	assert_error(iommufd_ioas_set_dirty_tracking(s.ioas, 2), -EINVAL);
	assert_error(iommufd_ioas_read_dirty(other, IOVA, 4 * PAGE, 0, 0, &bits), -EINVAL);
	assert_ok(iommufd_ioas_set_dirty_tracking(other, 1));
	assert_error(iommufd_ioas_read_dirty(other, IOVA, PAGE, 0, 0, &bits), -EINVAL);
	assert_error(iommufd_ioas_unmap_dirty(other, IOVA + PAGE, 3 * PAGE, 0, &bits, NULL, NULL),
		     -EINVAL);
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA, 0, 0, 0, &bits), -EINVAL);
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA + 1, PAGE, 0, 0, &bits), -EINVAL);
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGE, PAGE / 2, 0, &bits), -EINVAL);
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA, 6 * PAGE, 3 * PAGE, 0, &bits), -EINVAL);
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGE, 2 * PAGE, 0, &bits), -EINVAL);
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGE, 0, 2, &bits), -EOPNOTSUPP);
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGE, 0, 0, NULL), -EINVAL);
	assert_error(iommufd_ioas_unmap_dirty(s.ioas, IOVA, PAGE, 0, NULL, NULL, NULL), -EINVAL);
	assert_error(iommufd_ioas_read_dirty(s.ioas, -PAGE, 2 * PAGE, 0, 0, &bits), -EOVERFLOW);
	assert_int_equal(bits, 0);
}

static void dirty_not_tracked_any_more_einval(void **state)
{
	struct fixture *f = *state;
	uint64_t bits = 0;
	struct setting s;

	if (!get_setting(f, &s))
		return;
	assert_ok(iommufd_ioas_set_dirty_tracking(s.ioas, 1)); /* begins anew */
	assert_ok(iommufd_ioas_set_dirty_tracking(s.ioas, 0));
	assert_ok(iommufd_ioas_set_dirty_tracking(s.ioas, 0));
	assert_error(iommufd_ioas_read_dirty(s.ioas, IOVA, PAGE, 0, 0, &bits), -EINVAL);
}

static void dirty_runs_are_found(void **state)
{
	const uint64_t bits[] = { 0xf0000000000000f1, 0x3, 0, UINT64_MAX };
	static const uint64_t runs[][2] = { { 0, 1 }, { 4, 4 }, { 60, 6 }, { 192, 63 } };
	uint64_t at = 0, count = 0;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		assert_int_equal(iommufd_dirty_next(bits, 255, &at, &count), 0);
		assert_int_equal(at, runs[i][0]);
		assert_int_equal(count, runs[i][1]);
		at += count;
	}
	assert_int_equal(iommufd_dirty_next(bits, 255, &at, &count), -ENOENT);
	assert_int_equal(iommufd_dirty_next(NULL, 255, &at, &count), -EINVAL);
	assert_int_equal(iommufd_dirty_next(bits, 255, NULL, &count), -EINVAL);
	assert_int_equal(iommufd_dirty_next(bits, 255, &at, NULL), -EINVAL);
	at = UINT64_MAX;
	assert_int_equal(iommufd_dirty_next(bits, 255, &at, &count), -ENOENT);
}

/* Beside looking at every bit; of words that are often all alike, and of any length. */
static void dirty_runs_are_those_of_the_bits(void **state)
{
	uint64_t bits[50], seed = 88172645463325252u;
	(void)state;

	for (unsigned int round = 0; round < 400; round++) {
		uint64_t count = 0, at = 0, run, total = 50 * 64 - round % 130;

		for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bits[i] = seed % 16 == 0 ? seed : i / 20 + round % 2 ? UINT64_MAX : 0;
		}
		for (; !iommufd_dirty_next(bits, total, &at, &run); at += run) {
			for (; count < at; count++)
				assert_false(is_set(bits, count));
			for (; count < at + run; count++)
				assert_true(is_set(bits, count));
			assert_true(count == total || !is_set(bits, count));
		}
		for (; count < total; count++)
			assert_false(is_set(bits, count));
	}
}

static const struct CMUnitTest cases[] = {
	CASE(dirty_tells_what_was_written),
	CASE(dirty_holes_have_no_bits),
	CASE(dirty_bits_are_added),
	CASE(dirty_larger_pages),
	CASE(dirty_kept_is_told_again),
	CASE(dirty_device_attached_later_is_tracked),
	CASE(dirty_and_unmapped_in_one),
	CASE(dirty_bad_argument_einval),
	CASE(dirty_not_tracked_any_more_einval),
	CASE(dirty_runs_are_found),
	CASE(dirty_runs_are_those_of_the_bits),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("dirty", cases, NULL, NULL);
}
