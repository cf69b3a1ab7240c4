/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What devices wrote, memory that moves in the process, and entries that mappings share. */
#include "test-type1.h"

/* ---- a kernel that knows more than the emulated one ---- */

static struct {
	int (*ioctl)(void *data, int fd, unsigned long request, void *arg);
	uint64_t bitmap_max;   /* instead of 256 MiB */
	bool mediated;         /* no IOMMU behind the container, so no ranges */
	bool no_migration;
	uint64_t lie;          /* what an unmap says it removed, more than it did */
	unsigned int requests; /* for bitmaps */
	uint64_t largest;      /* bytes of them */
} spied;

static void change_info(struct k_vfio_iommu_type1_info *info)
{
	struct k_vfio_info_cap_header *header;

	for (uint32_t at = info->cap_offset; at; at = header->next) {
		header = (void *)((char *)info + at);
		if (header->id == K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION) {
			if (spied.no_migration)
				header->id = 99;
			else if (spied.bitmap_max)
				((struct k_vfio_iommu_type1_info_cap_migration *)(void *)header)
					->max_dirty_bitmap_size = spied.bitmap_max;
		}
		if (header->id == K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE && spied.mediated)
			header->id = 99;
	}
}

static void note(uint64_t size)
{
	spied.requests++;
	if (size > spied.largest)
		spied.largest = size;
}

static int spying_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	int r = spied.ioctl(data, fd, request, arg);
	uint32_t flags = 0;

	if (r)
		return r;
	if (request == K_VFIO_IOMMU_GET_INFO)
		change_info(arg);
	if (request == K_VFIO_IOMMU_DIRTY_PAGES || request == K_VFIO_IOMMU_UNMAP_DMA)
		memcpy(&flags, (char *)arg + 4, sizeof(flags));
	if (request == K_VFIO_IOMMU_DIRTY_PAGES && flags == K_VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP)
		note(((struct k_vfio_iommu_type1_dirty_bitmap_get *)(void *)((char *)arg + 8))->bitmap.size);
	if (request == K_VFIO_IOMMU_UNMAP_DMA && flags == K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		note(((struct k_vfio_bitmap *)(void *)((char *)arg + 24))->size);
	if (request == K_VFIO_IOMMU_UNMAP_DMA)
		((struct k_vfio_iommu_type1_dma_unmap *)arg)->size += spied.lie;
	return r;
}

static void spy(struct engine_under_test *t)
{
	memset(&spied, 0, sizeof(spied));
	spied.ioctl = t->m->sys->ioctl;
	t->sys.ioctl = spying_ioctl;
}

/* ---- a device, and a space with it ---- */

struct bench {
	struct engine_under_test t;
	struct devfd d[2];
	struct space s;
	unsigned int devices;
};

static void bench_open(struct bench *b, struct machine *m, unsigned int devices)
{
	engine_open(&b->t, m);
	spy(&b->t);
	space_open(&b->t, &b->s);
	b->devices = devices;
	for (unsigned int i = 0; i < devices; i++)
		dev_get(&b->t, &b->d[i], i ? NAME2 : NAME1, i ? GROUP2 : GROUP1, NULL);
}

static void bench_attach(struct bench *b)
{
	for (unsigned int i = 0; i < b->devices; i++)
		assert_int_equal(dev_attach(&b->d[i], &b->s), 0);
}

static void bench_close(struct bench *b)
{
	for (unsigned int i = 0; i < b->devices; i++)
		transport_group.release(&b->d[i]);
	assert_int_equal(counts(b->t.m).mappings, 0);
	space_close(&b->s);
	engine_close(&b->t);
}

/* The pages of @length bytes at @iova that were written, a bit each. */
static uint64_t dirty(struct bench *b, uint64_t iova, uint64_t length, uint64_t page)
{
	uint64_t bits = 0;
	const struct dirty_request q = { .iova = iova, .length = length, .page_size = page,
					 .bitmap = &bits };

	assert_int_equal(engine_type1.dirty_read(&b->s.as, &q), 0);
	return bits;
}

static int track(struct bench *b, bool on)
{
	return engine_type1.dirty_set(&b->s.as, NULL, on);
}

static void all_that_is_pinned_counts(void **state)
{
	struct bench b;
	uint64_t bits = 0;
	struct dirty_request q = { .iova = 0x10000, .length = 4 * PAGE, .page_size = PAGE,
				   .bitmap = &bits, .keep = true };

	bench_open(&b, *state, 1);
	assert_int_equal(space_map(&b.s, b.t.m->mem, 3 * PAGE, 0x10000), 0);
	assert_int_equal(space_map(&b.s, b.t.m->mem, PAGE, 0x13000), 0);
	assert_int_equal(dirty(&b, 0x10000, 4 * PAGE, PAGE), 0); /* no device, no writes */
	bench_attach(&b);
	assert_int_equal(engine_type1.dirty_read(&b.s.as, &q), -EINVAL); /* not tracked */
	assert_int_equal(track(&b, true), 0);
	assert_true(b.s.as.dirty);
	spied.requests = 0;
	assert_int_equal(dirty(&b, 0x10000, 4 * PAGE, PAGE), 0xf);
	assert_int_equal(spied.requests, 1);
	assert_int_equal(dirty(&b, 0x10000, 3 * PAGE, PAGE), 7);
	assert_int_equal(dirty(&b, 0x13000, PAGE, PAGE), 1);
	assert_int_equal(dirty(&b, 0x10000, 4 * PAGE, 2 * PAGE), 3);
	assert_int_equal(dirty(&b, 0x13000, PAGE, 1024), 0xf);
	assert_int_equal(engine_type1.dirty_read(&b.s.as, &q), 0); /* and kept: it is so again */
	assert_int_equal(bits, 0xf);
	spied.mediated = true;
	assert_int_equal(engine_type1.dirty_read(&b.s.as, &q), -EOPNOTSUPP);
	spied.no_migration = true;
	q.keep = false;
	assert_int_equal(engine_type1.dirty_read(&b.s.as, &q), -EOPNOTSUPP);
	assert_int_equal(track(&b, false), 0);
	assert_false(b.s.as.dirty);
	bench_close(&b);
}

static void tracking_follows_containers(void **state)
{
	struct machine *m = *state;
	struct bench b;
	struct space plain;
	uint64_t bits = 0;
	const struct dirty_request q = { .iova = 0x10000, .length = PAGE, .page_size = PAGE,
					 .bitmap = &bits };

	bench_open(&b, m, 2);
	space_open(&b.t, &plain);
	assert_int_equal(space_map(&b.s, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(space_map(&plain, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(track(&b, true), 0); /* before any device */
	inject_request(m, K_VFIO_IOMMU_DIRTY_PAGES, ENOMEM, 1);
	assert_int_equal(dev_attach(&b.d[0], &b.s), -ENOMEM);
	assert_int_equal(counts(m).mappings, 0);
	bench_attach(&b);
	assert_int_equal(dirty(&b, 0x10000, PAGE, PAGE), 1);

	/* one of two fails: neither is */
	assert_int_equal(track(&b, false), 0);
	inject_request(m, K_VFIO_IOMMU_DIRTY_PAGES, ENOMEM, 2);
	assert_int_equal(track(&b, true), -ENOMEM);
	assert_false(b.s.as.dirty);
	assert_int_equal(dev_detach(&b.d[0]), 0); /* the second; the first was begun */
	assert_int_equal(engine_type1.dirty_read(&b.s.as, &q), -EINVAL);
	assert_int_equal(dev_attach(&b.d[0], &b.s), 0);

	assert_int_equal(track(&b, true), 0);
	assert_int_equal(dev_attach(&b.d[0], &plain), 0); /* leaves it behind */
	assert_int_equal(engine_type1.dirty_read(&plain.as, &q), -EINVAL);
	assert_int_equal(dirty(&b, 0x10000, PAGE, PAGE), 1);
	inject_request(m, K_VFIO_IOMMU_MAP_DMA, ENOMEM, 1);
	assert_int_equal(dev_attach(&b.d[0], &b.s), -ENOMEM);
	assert_int_equal(engine_type1.dirty_read(&plain.as, &q), -EINVAL);
	assert_int_equal(dev_detach(&b.d[0]), 0);
	bench_close(&b);
	space_close(&plain);
}

static void requests_are_no_larger_than_the_kernel_takes(void **state)
{
	struct machine *m = *state;
	struct bench b;
	uint64_t *bits = calloc(8, sizeof(*bits));
	uint8_t *mem = mmap(NULL, 300 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dirty_request q = { .length = 300 * PAGE, .page_size = PAGE, .bitmap = bits };

	assert_non_null(bits);
	assert_ptr_not_equal(mem, MAP_FAILED);
	bench_open(&b, m, 2);
	/* 100, 40, 30, 60, 70 pages */
	for (uint64_t i = 0, at = 0; i < 5; i++) {
		static const uint64_t pages[] = { 100, 40, 30, 60, 70 };

		assert_int_equal(space_map(&b.s, mem + at, pages[i] * PAGE, at), 0);
		at += pages[i] * PAGE;
	}
	bench_attach(&b);
	assert_int_equal(track(&b, true), 0);
	spied.bitmap_max = 16; /* 128 pages */
	assert_int_equal(engine_type1.dirty_read(&b.s.as, &q), 0);
	assert_int_equal(spied.requests, 2 * 4); /* 100, 40 + 30, 60, 70 */
	assert_int_equal(spied.largest, 16);
	for (int i = 0; i < 8; i++)
		assert_int_equal(bits[i], i < 4 ? UINT64_MAX : i == 4 ? UINT64_MAX >> 20 : 0);

	spied.bitmap_max = 8; /* some mappings do not fit */
	assert_int_equal(engine_type1.dirty_unmap(&b.s.as, &q), -EOPNOTSUPP);
	assert_int_equal(counts(m).mappings, 10);
	spied.bitmap_max = 16;
	memset(bits, 0, 8 * sizeof(*bits));
	spied.requests = 0;
	assert_int_equal(engine_type1.dirty_unmap(&b.s.as, &q), 0);
	assert_int_equal(spied.requests, 2 * 4);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(bits[4], UINT64_MAX >> 20);
	while (iova_map_pop(b.s.map, 0, UINT64_MAX, NULL))
		;
	bench_close(&b);
	munmap(mem, 300 * PAGE);
	free(bits);
}

static void a_failed_dirty_unmap_can_be_restored(void **state)
{
	struct machine *m = *state;
	struct bench b;
	struct map_entry e;
	uint64_t bits = 0;
	struct dirty_request q = { .iova = 0x10000, .length = 2 * PAGE, .page_size = PAGE,
				   .bitmap = &bits };

	bench_open(&b, m, 2);
	assert_int_equal(space_map(&b.s, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(space_map(&b.s, m->mem, PAGE, 0x11000), 0);
	bench_attach(&b);
	assert_int_equal(track(&b, true), 0);
	for (int lies = 0; lies < 2; lies++) {
		if (lies)
			spied.lie = -PAGE;
		else
			inject_request(m, K_VFIO_IOMMU_UNMAP_DMA, ENOMEM, 2);
		assert_int_equal(engine_type1.dirty_unmap(&b.s.as, &q), lies ? -EIO : -ENOMEM);
		spied.lie = 0;
		assert_int_equal(counts(m).mappings, 2);
		for (uint64_t at = 0; at < 2; at++) {
			assert_true(iova_map_find(b.s.map, 0x10000 + at * PAGE, &e));
			assert_int_equal(engine_type1.restore(&b.s.as, &e), 0);
		}
		assert_int_equal(counts(m).mappings, 4);
	}
	bench_close(&b);
}

/* ---- memory at another address ---- */

static void memory_moves_under_a_mapping(void **state)
{
	struct machine *m = *state;
	struct bench b;
	struct map_entry e;
	uint64_t to = (uintptr_t)(m->mem + 8 * PAGE);

	bench_open(&b, m, 2);
	assert_int_equal(space_map(&b.s, m->mem, 2 * PAGE, 0x10000), 0);
	assert_true(iova_map_find(b.s.map, 0x10000, &e));
	assert_int_equal(engine_type1.update_va(&b.s.as, &e, to), 0); /* a record only */
	bench_attach(&b);
	assert_int_equal(engine_type1.update_va(&b.s.as, &e, to), 0);
	fill(m->mem + 8 * PAGE, 64, 3);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(moves(&b.t, &b.d[i], 0x10000, 0x11000));
		assert_memory_equal(m->mem + 8 * PAGE, m->mem + 9 * PAGE, 64);
		memset(m->mem + 9 * PAGE, 0, 64);
	}
	assert_int_equal(engine_type1.update_va(&b.s.as, &e, (uintptr_t)m->mem), 0);

	/* the second container fails, at either step: the first goes back */
	for (uint64_t nth = 1; nth <= 2; nth++) {
		inject_request(m, nth == 1 ? K_VFIO_IOMMU_UNMAP_DMA : K_VFIO_IOMMU_MAP_DMA, EBUSY, 2);
		assert_int_equal(engine_type1.update_va(&b.s.as, &e, to), -EBUSY);
		memset(m->mem + PAGE, 0, 64);
		fill(m->mem, 64, 9);
		for (unsigned int i = 0; i < 2; i++) {
			assert_true(moves(&b.t, &b.d[i], 0x10000, 0x11000));
			assert_memory_equal(m->mem, m->mem + PAGE, 64);
		}
	}
	bench_close(&b);
}

static void memory_that_moved_half_is_told(void **state)
{
	struct machine *m = *state;
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault), .calls = IOMMUFD_EMU_CALL_IOCTL, .error = EBUSY, .count = 2,
	};
	struct bench b;
	struct map_entry e;

	bench_open(&b, m, 2);
	assert_int_equal(space_map(&b.s, m->mem, PAGE, 0x10000), 0);
	assert_true(iova_map_find(b.s.map, 0x10000, &e));
	bench_attach(&b);
	fault.request = K_VFIO_IOMMU_UNMAP_DMA; /* of the second container, and back of the first */
	fault.nth = 2;
	assert_int_equal(iommufd_emu_inject(m->emu, &fault), 0);
	assert_int_equal(engine_type1.update_va(&b.s.as, &e, (uintptr_t)m->mem + PAGE), -EUCLEAN);
	fault.request = K_VFIO_IOMMU_MAP_DMA; /* neither the new address nor the old one */
	fault.nth = 1;
	assert_int_equal(iommufd_emu_inject(m->emu, &fault), 0);
	assert_int_equal(engine_type1.update_va(&b.s.as, &e, (uintptr_t)m->mem + PAGE), -EUCLEAN);
	assert_int_equal(space_unmap(&b.s, 0x10000, 0x10fff), 0);
	bench_close(&b);
}

/* ---- entries shared ---- */

static uint64_t entries_left(struct bench *b)
{
	struct engine_facts facts;

	assert_int_equal(engine_type1.facts(&b->s.as, &facts), 0);
	return facts.entries_left;
}

static int setup_few(void **state)
{
	return start(state, &(struct iommufd_emu_opts){ .size = sizeof(struct iommufd_emu_opts),
							.dma_entries = 4 });
}

static void entries_run_out(void **state)
{
	struct machine *m = *state;
	struct bench b;

	bench_open(&b, m, 1);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(space_map(&b.s, m->mem, PAGE, 2 * i * PAGE), 0);
	assert_int_equal(dev_attach(&b.d[0], &b.s), -ENOSPC);
	assert_int_equal(b.d[0].group->container->failed.iova, 8 * PAGE);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(space_unmap(&b.s, 8 * PAGE, 9 * PAGE - 1), 0);
	bench_attach(&b);
	assert_int_equal(entries_left(&b), 0);
	assert_int_equal(space_map(&b.s, m->mem, PAGE, 8 * PAGE), -ENOSPC);
	assert_int_equal(space_unmap(&b.s, 0, PAGE - 1), 0);
	assert_int_equal(entries_left(&b), 1);
	assert_int_equal(space_map(&b.s, m->mem, PAGE, 8 * PAGE), 0);
	bench_close(&b);
}

static void neighbours_share_entries(void **state)
{
	struct machine *m = *state;
	struct bench b;
	struct map_entry e;
	uint64_t bits = 0;
	struct dirty_request q = { .iova = 2 * PAGE, .length = PAGE, .page_size = PAGE,
				   .bitmap = &bits };

	bench_open(&b, m, 1);
	b.s.as.coalesce = true;
	for (uint64_t i = 0; i < 12; i++)
		assert_int_equal(space_map(&b.s, m->mem + i * PAGE, PAGE, i * PAGE), 0);
	bench_attach(&b);
	assert_int_equal(entries_left(&b), 3);
	assert_int_equal(counts(m).mappings, 1);
	assert_true(moves(&b.t, &b.d[0], 0, 11 * PAGE));

	/* dirty pages of a part are asked for with the whole */
	assert_int_equal(track(&b, true), 0);
	assert_int_equal(dirty(&b, 2 * PAGE, PAGE, PAGE), 1);
	assert_int_equal(dirty(&b, 2 * PAGE, 7 * PAGE, PAGE), 0x7f);
	assert_int_equal(engine_type1.dirty_unmap(&b.s.as, &q), -EOPNOTSUPP);
	assert_int_equal(counts(m).mappings, 1);

	/* and it moves only as a whole */
	assert_true(iova_map_find(b.s.map, 2 * PAGE, &e));
	assert_int_equal(engine_type1.update_va(&b.s.as, &e, (uintptr_t)m->mem), -EOPNOTSUPP);

	assert_int_equal(space_unmap(&b.s, 4 * PAGE, 6 * PAGE - 1), 0); /* in the middle */
	assert_int_equal(counts(m).mappings, 2);
	assert_false(moves(&b.t, &b.d[0], 4 * PAGE, 4 * PAGE));
	assert_true(moves(&b.t, &b.d[0], 3 * PAGE, 6 * PAGE));

	q.iova = 6 * PAGE;
	q.length = 6 * PAGE;
	assert_int_equal(engine_type1.dirty_unmap(&b.s.as, &q), 0);
	assert_int_equal(bits, 0x3f);
	assert_int_equal(counts(m).mappings, 1);
	while (iova_map_pop(b.s.map, 6 * PAGE, 12 * PAGE - 1, NULL))
		;
	/* what comes in their place stands alone */
	assert_int_equal(space_map(&b.s, m->mem, PAGE, 6 * PAGE), 0);
	assert_true(iova_map_find(b.s.map, 6 * PAGE, &e));
	assert_int_equal(engine_type1.update_va(&b.s.as, &e, (uintptr_t)m->mem + PAGE), 0);
	bench_close(&b);
}

static void requests_end_with_an_entry(void **state)
{
	struct machine *m = *state;
	struct bench b;
	uint64_t bits[2] = { 0 };
	const struct dirty_request q = { .length = 80 * PAGE, .page_size = PAGE, .bitmap = bits };
	uint8_t *mem = mmap(NULL, 80 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(mem, MAP_FAILED);
	bench_open(&b, m, 1);
	b.s.as.coalesce = true;
	/* one of 40 pages, then one of twice 20 */
	assert_int_equal(space_map(&b.s, mem + 40 * PAGE, 40 * PAGE, 0), 0);
	assert_int_equal(space_map(&b.s, mem, 20 * PAGE, 40 * PAGE), 0);
	assert_int_equal(space_map(&b.s, mem + 20 * PAGE, 20 * PAGE, 60 * PAGE), 0);
	bench_attach(&b);
	assert_int_equal(counts(m).mappings, 2);
	assert_int_equal(track(&b, true), 0);
	spied.bitmap_max = 8; /* 64 pages */
	assert_int_equal(engine_type1.dirty_read(&b.s.as, &q), 0);
	assert_int_equal(spied.requests, 2);
	assert_int_equal(bits[0], UINT64_MAX);
	assert_int_equal(bits[1], 0xffff);
	bench_close(&b);
	munmap(mem, 80 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_is_pinned_counts),
		TEST(tracking_follows_containers),
		TEST(requests_are_no_larger_than_the_kernel_takes),
		TEST(a_failed_dirty_unmap_can_be_restored),
		TEST(memory_moves_under_a_mapping),
		TEST(memory_that_moved_half_is_told),
		cmocka_unit_test_setup_teardown(entries_run_out, setup_few, teardown),
		cmocka_unit_test_setup_teardown(neighbours_share_entries, setup_few, teardown),
		TEST(requests_end_with_an_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
