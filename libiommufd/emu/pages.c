/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Memory behind mappings: pinning it, counting it, and moving bytes. */
#include "emu/iommu.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "emu/mapping.h"
#include "os/uapi.h"

struct emu_pages *emu_pages_new(int fd, uint64_t base, bool writable)
{
	struct emu_pages *pages = calloc(1, sizeof(*pages));
	struct statfs fs;

	if (!pages)
		return NULL;
	pages->refs = 1;
	pages->base = base;
	pages->writable = writable;
	pages->fd = -1;
	if (fd < 0)
		return pages;
	pages->fd = emu_own_fd(EMU_OWN_DUP, fd);
	if (pages->fd < 0) {
		free(pages);
		return NULL;
	}
	pages->fd_pinnable = !fstatfs(pages->fd, &fs) &&
			     (fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC);
	return pages;
}

void emu_pages_put(struct emu_pages *pages)
{
	if (--pages->refs)
		return;
	if (pages->fd >= 0)
		close(pages->fd);
	free(pages);
}

static void page_span(const struct emu_area *area, struct emu_range *span)
{
	span->start = area->offset / EMU_PAGE;
	span->last = (area->offset + (area->last - area->start)) / EMU_PAGE;
}

/* The next stretch of pages, from *at on, that no area of the list pins; false at the end. */
static bool next_unpinned(const struct emu_pages *pages, uint64_t *at, uint64_t last,
			  struct emu_range *gap)
{
	const struct emu_area *area = pages->pinned;
	struct emu_range span;

	while (area && *at <= last) {
		page_span(area, &span);
		if (span.start <= *at && *at <= span.last) {
			*at = span.last + 1;
			area = pages->pinned;
		} else {
			area = area->next_pinned;
		}
	}
	if (*at > last)
		return false;
	*gap = (struct emu_range){ *at, last };
	for (area = pages->pinned; area; area = area->next_pinned) {
		page_span(area, &span);
		if (span.start > *at && span.start <= gap->last)
			gap->last = span.start - 1;
	}
	*at = gap->last + 1;
	return true;
}

static int check_file(struct iommufd_emu *emu, const struct emu_pages *pages, uint64_t end)
{
	struct stat st;

	if (!pages->fd_pinnable || emu_file_find(emu, pages->fd))
		return -EINVAL;
	if (fstat(pages->fd, &st) || pages->base + end > (uint64_t)st.st_size)
		return -EINVAL; /* a page that the file ends in does not count */
	return 0;
}

/*
 * Without an IOMMU a device is told physical addresses. Memory of the process
 * is where it is; a file gets a place, for as long as it is pinned.
 */
static int place(struct emu_area *area)
{
	const struct emu_pages *pages = area->pages;
	uint64_t at = pages->base + area->offset, unit = (uint64_t)sysconf(_SC_PAGESIZE), start;
	struct stat st;
	void *window;

	if (pages->fd < 0 || !emu_is_noiommu(area->ioas->iommu->emu))
		return 0;
	if (fstat(pages->fd, &st))
		return -EFAULT;
	if ((uint64_t)st.st_blksize > unit)
		unit = (uint64_t)st.st_blksize; /* of a huge page */
	start = at / unit * unit;
	area->window_size = (at + (area->last - area->start) + unit) / unit * unit - start;
	window = mmap(NULL, area->window_size, pages->writable ? PROT_READ | PROT_WRITE : PROT_READ,
		      MAP_SHARED, pages->fd, (off_t)start);
	if (window == MAP_FAILED)
		return -ENOMEM;
	area->window = window;
	area->window_offset = at - start;
	return 0;
}

static void unplace(struct emu_area *area)
{
	if (area->window)
		munmap(area->window, area->window_size);
	area->window = NULL;
}

uint64_t emu_area_address(const struct emu_area *area, uint64_t iova)
{
	uint64_t offset = iova - area->start;

	if (area->window)
		return (uintptr_t)area->window + area->window_offset + offset;
	return area->pages->base + area->offset + offset;
}

int emu_area_pin(struct emu_area *area)
{
	struct iommufd_emu *emu = area->ioas->iommu->emu;
	struct emu_pages *pages = area->pages;
	struct emu_range span, gap;
	uint64_t at, fresh = 0;
	int r;

	if (area->pinned)
		return 0;
	page_span(area, &span);
	at = span.start;
	while (next_unpinned(pages, &at, span.last, &gap)) {
		uint64_t start = gap.start * EMU_PAGE, n = (gap.last - gap.start + 1) * EMU_PAGE;

		if (pages->fd >= 0)
			r = check_file(emu, pages, start + n);
		else if (emu_mapping_overlaps(emu, pages->base + start, n))
			r = -EFAULT; /* device memory has no pages to pin */
		else
			r = emu_user_populate(pages->base + start, n, pages->writable);
		if (r)
			return r;
		fresh += n / EMU_PAGE;
	}
	if (emu->memlock_pages && emu->counts.pinned_pages + fresh > emu->memlock_pages)
		return -ENOMEM;
	r = place(area);
	if (r)
		return r;
	emu->counts.pinned_pages += fresh;
	area->next_pinned = pages->pinned;
	pages->pinned = area;
	area->pinned = true;
	return 0;
}

void emu_area_unpin(struct emu_area *area)
{
	struct emu_pages *pages = area->pages;
	struct emu_area **link = &pages->pinned;
	struct emu_range span, gap;
	uint64_t at;

	if (!area->pinned)
		return;
	while (*link != area)
		link = &(*link)->next_pinned;
	*link = area->next_pinned;
	area->pinned = false;
	unplace(area);
	page_span(area, &span);
	at = span.start;
	while (next_unpinned(pages, &at, span.last, &gap))
		area->ioas->iommu->emu->counts.pinned_pages -= gap.last - gap.start + 1;
}

static int copy(uint64_t addr, void *buf, size_t n, bool to_memory)
{
	return to_memory ? emu_user_write(addr, buf, n) : emu_user_read(buf, addr, n);
}

/* Through a window on the file, as hugetlbfs has no write. */
static int copy_file(const struct emu_pages *pages, uint64_t offset, void *buf, size_t n,
		     bool to_memory)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), start, end;
	struct stat st;
	void *window;
	int r;

	if (fstat(pages->fd, &st))
		return -EFAULT;
	if ((uint64_t)st.st_blksize > page)
		page = (uint64_t)st.st_blksize; /* of a huge page */
	start = offset / page * page;
	end = (offset + n + page - 1) / page * page;
	window = mmap(NULL, end - start, to_memory ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		      pages->fd, (off_t)start);
	if (window == MAP_FAILED)
		return -EFAULT;
	r = copy((uintptr_t)window + (offset - start), buf, n, to_memory);
	munmap(window, end - start);
	return r;
}

int emu_area_copy(const struct emu_area *area, uint64_t iova, void *buf, size_t n, bool to_memory)
{
	uint64_t at = area->pages->base + area->offset + (iova - area->start);

	if (area->pages->fd >= 0)
		return copy_file(area->pages, at, buf, n, to_memory);
	return copy(at, buf, n, to_memory);
}
