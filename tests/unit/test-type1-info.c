/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* backend/: what containers answer, whole, short and broken; bitmaps of pages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/dirty-bits.h"
#include "backend/type1-info.h"
#include "os/uapi-type1.h"

#define PAGES 0x40201000

enum { HEAD = sizeof(struct k_vfio_iommu_type1_info), ROOM = 4096 };

_Static_assert(HEAD == 24 && sizeof(struct k_vfio_info_cap_header) == 8, "offsets below");

/* An answer, written as the kernel would. */
struct answer {
	union {
		struct k_vfio_iommu_type1_info info;
		unsigned char bytes[ROOM];
	};
	size_t used;
	size_t link; /* of the capability before; 0: none */
};

static void begin(struct answer *a)
{
	memset(a, 0, sizeof(*a));
	a->info.flags = K_VFIO_IOMMU_INFO_PGSIZES;
	a->info.iova_pgsizes = PAGES;
	a->used = HEAD;
}

/* Returns where it is. */
static size_t append(struct answer *a, uint16_t id, const void *body, size_t size)
{
	struct k_vfio_info_cap_header header = { .id = id, .version = 1 };
	uint32_t at = (uint32_t)a->used;

	a->info.flags |= K_VFIO_IOMMU_INFO_CAPS;
	if (a->link)
		memcpy(a->bytes + a->link + offsetof(struct k_vfio_info_cap_header, next), &at,
		       sizeof(at));
	else
		a->info.cap_offset = at;
	memcpy(a->bytes + at, &header, sizeof(header));
	memcpy(a->bytes + at + sizeof(header), body, size);
	a->link = at;
	a->used = at + sizeof(header) + size;
	return at;
}

static size_t append_ranges(struct answer *a, const uint64_t *bounds, uint32_t count)
{
	uint64_t body[1 + 128] = { count }; /* and no reserved bits */

	if (count)
		memcpy(body + 1, bounds, count * 2 * sizeof(*bounds));
	return append(a, K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, body,
		      (1 + 2 * (size_t)count) * sizeof(*body));
}

static size_t append_left(struct answer *a, uint32_t left)
{
	return append(a, K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, &left, sizeof(left));
}

static size_t append_migration(struct answer *a, uint64_t most)
{
	const uint64_t body[] = { 0, 4096, most };

	return append(a, K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, body, sizeof(body));
}

static const uint64_t two_ranges[] = { 0, 0xfedfffff, 0xfef00000, 0x7fffffffff };

static void a_whole_answer_is_read(void **state)
{
	struct answer a;
	struct type1_info info;
	(void)state;

	begin(&a);
	append_migration(&a, UINT64_C(1) << 28);
	append_left(&a, 65535);
	append(&a, 77, "of the future", 13); /* and what follows is not aligned */
	append_ranges(&a, two_ranges, 2);
	assert_int_equal(type1_info_parse(&a, a.used, &info), 0);
	assert_int_equal(info.page_sizes, PAGES);
	assert_int_equal(type1_info_page(&info), 4096);
	assert_int_equal(info.entries_left, 65535);
	assert_int_equal(info.dirty_bitmap_max, UINT64_C(1) << 28);
	assert_int_equal(info.range_count, 2);
	assert_memory_equal(info.ranges, two_ranges, sizeof(two_ranges));
	type1_info_free(&info);
}

static void what_is_not_said_has_no_limit(void **state)
{
	struct answer a;
	struct type1_info info;
	(void)state;

	begin(&a);
	assert_int_equal(type1_info_parse(&a, a.used, &info), 0);
	assert_int_equal(info.entries_left, UINT64_MAX);
	assert_int_equal(info.dirty_bitmap_max, 0);
	assert_null(info.ranges);
	append_left(&a, UINT32_MAX); /* an iommufd */
	assert_int_equal(type1_info_parse(&a, a.used, &info), 0);
	assert_int_equal(info.entries_left, UINT64_MAX);
	append_ranges(&a, NULL, 0); /* nothing is allowed, which is not everything */
	assert_int_equal(type1_info_parse(&a, a.used, &info), 0);
	assert_int_equal(info.range_count, 0);
	assert_non_null(info.ranges);
	type1_info_free(&info);
}

static void put32(struct answer *a, size_t at, uint32_t value)
{
	memcpy(a->bytes + at, &value, sizeof(value));
}

static void assert_broken(const struct answer *a, size_t size)
{
	struct type1_info info;

	assert_int_equal(type1_info_parse(a, size, &info), -EIO);
	assert_null(info.ranges);
}

static void broken_answers_are_refused(void **state)
{
	static const uint64_t backwards[] = { 0x1000, 0xfff }, overlap[] = { 0, 0xfff, 0xfff, 0x1fff };
	struct answer a;
	size_t at;
	(void)state;

	begin(&a);
	assert_broken(&a, HEAD - 1);
	a.info.iova_pgsizes = 0;
	assert_broken(&a, HEAD);
	begin(&a);
	a.info.flags = 0;
	assert_broken(&a, HEAD);

	for (size_t size = HEAD; size < HEAD + 8 + 8 + 32; size++) { /* cut short */
		begin(&a);
		append_ranges(&a, two_ranges, 2);
		assert_broken(&a, size);
	}
	for (size_t size = HEAD; size < HEAD + 12; size++) {
		begin(&a);
		append_left(&a, 1);
		assert_broken(&a, size);
	}
	for (size_t size = HEAD; size < HEAD + 32; size++) {
		begin(&a);
		append_migration(&a, 1);
		assert_broken(&a, size);
	}

	begin(&a);
	at = append_ranges(&a, two_ranges, 2);
	put32(&a, at + 8, 3); /* more than there are */
	assert_broken(&a, a.used);
	put32(&a, at + 8, UINT32_MAX);
	assert_broken(&a, a.used);
	begin(&a);
	append_ranges(&a, backwards, 1);
	assert_broken(&a, a.used);
	begin(&a);
	append_ranges(&a, overlap, 2);
	assert_broken(&a, a.used);
	begin(&a);
	append_ranges(&a, two_ranges, 2);
	append_ranges(&a, two_ranges, 2);
	assert_broken(&a, a.used);
}

static void broken_chains_end(void **state)
{
	struct answer a;
	size_t first, second;
	(void)state;

	begin(&a);
	first = append_left(&a, 1);
	second = append_migration(&a, 1);
	put32(&a, second + 4, (uint32_t)first); /* round and round */
	assert_broken(&a, a.used);
	put32(&a, second + 4, (uint32_t)second);
	assert_broken(&a, a.used);
	put32(&a, second + 4, HEAD - 8); /* into the head */
	assert_broken(&a, a.used);
	put32(&a, second + 4, (uint32_t)a.used - 4); /* half outside */
	assert_broken(&a, a.used);
	put32(&a, second + 4, UINT32_MAX);
	assert_broken(&a, a.used);
	a.info.cap_offset = 8;
	assert_broken(&a, a.used);
}

/* Whatever is in it: no crash, and what is accepted makes sense. */
static void noise_is_survived(void **state)
{
	unsigned int accepted = 0;
	(void)state;

	srandom(1);
	for (int round = 0; round < 20000; round++) {
		struct type1_info info;
		struct answer a;
		uint64_t last = 0;

		begin(&a);
		append_left(&a, 3);
		append_ranges(&a, two_ranges, 2);
		append_migration(&a, 64);
		for (long n = 1 + random() % 4; n; n--)
			a.bytes[random() % (long)a.used] = (unsigned char)random();
		if (type1_info_parse(&a, (size_t)(random() % 3 ? a.used : random() % a.used),
				     &info))
			continue;
		accepted++;
		assert_int_not_equal(info.page_sizes, 0);
		for (size_t i = 0; i < info.range_count; i++) {
			assert_true(info.ranges[i].start <= info.ranges[i].last);
			assert_true(!i || info.ranges[i].start > last);
			last = info.ranges[i].last;
		}
		type1_info_free(&info);
	}
	assert_in_range(accepted, 1, 19999);
}

/* ---- reading with little room ---- */

struct kernel {
	struct answer answer;
	unsigned int calls;
	uint32_t grows;  /* by this much at each call */
	int error;
};

static int kernel_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	struct k_vfio_iommu_type1_info *out = arg;
	struct kernel *k = data;
	uint32_t room = out->argsz, need;

	assert_int_equal(fd, 5);
	assert_int_equal(request, K_VFIO_IOMMU_GET_INFO);
	need = (uint32_t)k->answer.used + k->grows * k->calls++;
	if (k->error)
		return k->error;
	memcpy(out, &k->answer, HEAD);
	out->argsz = need;
	if (room < need)
		out->cap_offset = 0;
	else
		memcpy((char *)arg + HEAD, k->answer.bytes + HEAD, k->answer.used - HEAD);
	return 0;
}

static void room_grows_with_the_need(void **state)
{
	struct iommufd_sys sys = { .ioctl = kernel_ioctl };
	struct kernel k = { 0 };
	struct type1_info info;
	uint64_t many[2 * 64];
	(void)state;

	sys.data = &k;
	for (uint64_t i = 0; i < 2 * 64; i++)
		many[i] = i << 20;
	begin(&k.answer);
	append_ranges(&k.answer, many, 64);
	assert_int_equal(type1_info_read(&sys, 5, &info), 0);
	assert_int_equal(k.calls, 2);
	assert_int_equal(info.range_count, 64);
	assert_int_equal(info.ranges[63].last, UINT64_C(127) << 20);
	type1_info_free(&info);

	k.calls = 0;
	k.grows = 1 << 16; /* more each time: given up */
	assert_int_equal(type1_info_read(&sys, 5, &info), -EIO);
	assert_in_range(k.calls, 2, 20);

	k.error = -EINVAL;
	assert_int_equal(type1_info_read(&sys, 5, &info), -EINVAL);
}

/* ---- bitmaps ---- */

static bool bit(const uint64_t *bits, uint64_t at)
{
	return bits[at / 64] >> at % 64 & 1;
}

/* Page by page, smallest page first. */
static void add_slowly(const struct dirty_request *q, uint64_t iova, uint64_t page,
		       const uint64_t *bits, uint64_t count)
{
	uint64_t step = page < q->page_size ? page : q->page_size;

	for (uint64_t at = 0; at < count * page; at += step) {
		uint64_t here = iova + at;

		if (!bit(bits, at / page) || here < q->iova || here - q->iova >= q->length)
			continue;
		here = (here - q->iova) / q->page_size;
		q->bitmap[here / 64] |= UINT64_C(1) << here % 64;
	}
}

static void bitmaps_are_converted(void **state)
{
	(void)state;
	srandom(2);
	for (int round = 0; round < 3000; round++) {
		uint64_t fast[8 + 1], slow[8 + 1], bits[5];
		struct dirty_request q = { .page_size = UINT64_C(4096) << random() % 4 };
		uint64_t page = UINT64_C(4096) << random() % 4, count = (uint64_t)random() % 260;
		uint64_t base = random() % 2 ? UINT64_C(1) << 32 : UINT64_MAX - (1 << 26) + 1;

		q.iova = base + (uint64_t)(random() % 256) * q.page_size;
		q.length = (uint64_t)(1 + random() % 256) * q.page_size;
		base += (uint64_t)(random() % 256) * page;
		for (int i = 0; i < 5; i++)
			bits[i] = random() % 4 ? (uint64_t)random() * (uint64_t)random() :
						 UINT64_MAX;
		for (int i = 0; i < 9; i++)
			fast[i] = slow[i] = random() % 8 ? 0 : 0x10;
		q.bitmap = fast;
		dirty_bits_add(&q, base, page, bits, count);
		q.bitmap = slow;
		add_slowly(&q, base, page, bits, count);
		assert_memory_equal(fast, slow, sizeof(fast));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_answer_is_read),
		cmocka_unit_test(what_is_not_said_has_no_limit),
		cmocka_unit_test(broken_answers_are_refused),
		cmocka_unit_test(broken_chains_end),
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test(room_grows_with_the_need),
		cmocka_unit_test(bitmaps_are_converted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
