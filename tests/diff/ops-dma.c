/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the edu device reaches through its IOMMU: the memory of each mapping that
 * the model has, and nothing else. Its DMA engine moves bytes between a buffer of
 * its own and an IOVA; in QEMU a transfer takes 100 ms.
 */
#include "run.h"

#include <string.h>
#include <time.h>

enum {
	REG_SOURCE = 0x80, REG_TARGET = 0x88, REG_COUNT = 0x90, REG_COMMAND = 0x98,
	RUN = 1, TO_MEMORY = 2,
	BUFFER = 0x40000,
	MOST = 1024,
};

/* Which IOVAs an edu can put on its bus. */
#define REACH (UINT64_C(1) << 39)

static bool edu_write(struct run *r, int d, uint64_t reg, uint64_t value)
{
	uint64_t got = value;
	void *bar;

	if (iommufd_region_write64(r->dev[d], IOMMUFD_REGION_BAR0, reg, value) ||
	    (value >> 32 && iommufd_region_read64(r->dev[d], IOMMUFD_REGION_BAR0, reg, &got)))
		return false;
	if (got == value)
		return true;
	/* Before Linux 6.11 a write of 8 bytes is two of 4, and edu takes the first for all of it. */
	if (iommufd_region_map(r->dev[d], IOMMUFD_REGION_BAR0, 0, 4096,
			       IOMMUFD_REGION_READ | IOMMUFD_REGION_WRITE, &bar))
		return false;
	*(volatile uint64_t *)(void *)((char *)bar + reg) = value;
	return !iommufd_region_unmap(r->dev[d], bar);
}

static bool transfer(struct run *r, int d, uint64_t iova, uint32_t length, bool to_memory)
{
	struct timespec pause = { .tv_nsec = 20000 };
	uint32_t command = RUN;

	if (!edu_write(r, d, REG_SOURCE, to_memory ? BUFFER : iova) ||
	    !edu_write(r, d, REG_TARGET, to_memory ? iova : BUFFER) ||
	    !edu_write(r, d, REG_COUNT, length) ||
	    !edu_write(r, d, REG_COMMAND, RUN | (to_memory ? TO_MEMORY : 0))) {
		differ(r, "device %d does not take a command", d);
		return false;
	}
	for (int n = 0; command & RUN && n < 4000; n++) {
		if (iommufd_region_read32(r->dev[d], IOMMUFD_REGION_BAR0, REG_COMMAND, &command))
			break;
		if (command & RUN)
			nanosleep(&pause, NULL);
		if (pause.tv_nsec < 500000)
			pause.tv_nsec *= 2;
	}
	if (command & RUN)
		differ(r, "the DMA of device %d does not end", d);
	return !(command & RUN);
}

/* A few bytes of a mapping. */
struct bytes {
	uint64_t iova;
	uint32_t length;
	uint8_t *here; /* as the processor sees them */
	bool writable; /* by the processor */
};

static bool draw_bytes(const struct run *r, const struct mapping *map, uint64_t *g, struct bytes *b)
{
	uint64_t length = map->last - map->iova + 1, skip;

	b->length = 8 * (1 + (uint32_t)below(g, MOST / 8));
	skip = below(g, (length - b->length) / 8 + 1) * 8;
	if (map->iova >= REACH || map->last >= REACH)
		return false;
	b->iova = map->iova + skip;
	b->here = (map->file ? r->mem->file : (uint8_t *)NULL) + map->memory + skip;
	b->writable = map->file || memory_usable(r->mem, map->memory, length, true);
	return map->file || memory_usable(r->mem, map->memory, length, false);
}

static void fill(struct bytes *b, uint64_t *g)
{
	for (uint32_t n = 0; n < b->length; n++)
		b->here[n] = (uint8_t)draw(g);
}

/* Out of the memory of one mapping into the memory of another. */
static bool check_copy(struct run *r, int d, const struct mapping *from, const struct mapping *to,
		       uint64_t *g)
{
	uint8_t expected[MOST];
	struct bytes src, dst;

	if (!(from->access & IOMMUFD_MAP_READ) || !(to->access & IOMMUFD_MAP_WRITE) ||
	    !draw_bytes(r, from, g, &src) || !draw_bytes(r, to, g, &dst) || !dst.writable)
		return false;
	if (src.writable)
		fill(&src, g);
	if (dst.length > src.length)
		dst.length = src.length;
	memcpy(expected, src.here, dst.length);
	say(r, "dma device %d: %u bytes from %#llx to %#llx; ", d, dst.length, (ull)src.iova,
	    (ull)dst.iova);
	if (!transfer(r, d, src.iova, src.length, false))
		return true;
	fill(&dst, g);
	if (!transfer(r, d, dst.iova, dst.length, true))
		return true;
	if (memcmp(dst.here, expected, dst.length))
		differ(r, "the bytes at %#llx are not those of %#llx", (ull)dst.iova,
		       (ull)src.iova);
	else
		answered(r, 0, 0);
	return true;
}

/* What must not be reached: unmapped, of another IOAS, not for writing, or nothing is attached. */
static bool check_refused(struct run *r, int d, const struct mapping *to, uint64_t *g)
{
	uint8_t before[MOST];
	struct bytes dst;

	if (!draw_bytes(r, to, g, &dst) || !dst.writable)
		return false;
	fill(&dst, g);
	memcpy(before, dst.here, dst.length);
	say(r, "dma device %d: %u bytes to %#llx, refused; ", d, dst.length, (ull)dst.iova);
	if (!transfer(r, d, dst.iova, dst.length, true))
		return true;
	if (memcmp(dst.here, before, dst.length))
		differ(r, "device %d has written at iova %#llx", d, (ull)dst.iova);
	else
		answered(r, 0, 0);
	return true;
}

static bool is_forbidden(const struct run *r, int i, const struct mapping *map)
{
	const struct mapping *own;

	if (i == NO_IOAS)
		return true;
	own = model_touched(&r->model, i, map->iova, map->last);
	return !own || (own == map && !(map->access & IOMMUFD_MAP_WRITE));
}

/* A mapping that the device must not write to, be it gone or another IOAS's. */
static const struct mapping *draw_forbidden(const struct run *r, int i, uint64_t *g)
{
	const struct model_ioas *as = &r->model.ioas[i != NO_IOAS && chance(g, 60) ? (size_t)i :
						     below(g, NUM_IOAS)];
	const struct mapping *map = &as->gone;

	if (as->count && chance(g, 50))
		map = &as->map[below(g, as->count)];
	return map->last && is_forbidden(r, i, map) ? map : NULL;
}

static bool check_once(struct run *r, int d, int i, uint64_t *g)
{
	const struct mapping *from, *to;

	if (i == NO_IOAS || chance(g, 40)) {
		to = draw_forbidden(r, i, g);
		return to && check_refused(r, d, to, g);
	}
	from = some_mapping(r, i, g);
	to = some_mapping(r, i, g);
	return from && to && check_copy(r, d, from, to, g);
}

void op_dma(struct run *r, uint64_t *g)
{
	int d = some_device(r, g), i, done = 0;

	if (d < 0)
		return nothing_to_do(r);
	i = model_reach(&r->model, d);
	if (!answered(r, iommufd_pci_set_bus_master(r->dev[d], 1), 0))
		return;
	for (int n = is_emulated() ? 5 : 1; n && !r->failed; n--)
		done += check_once(r, d, i, g);
	if (!done)
		nothing_to_do(r);
}
