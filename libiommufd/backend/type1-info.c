/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/type1-info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/uapi-type1.h"

enum {
	ROOM_FIRST = 512,      /* enough for some twenty ranges */
	ROOM_MOST = 1 << 20,   /* no kernel says so much */
};

/* A copy of @length bytes of the answer: nothing in a chain needs to be aligned. */
static bool take(const void *answer, size_t size, uint64_t offset, void *to, size_t length)
{
	if (offset > size || length > size - offset)
		return false;
	memcpy(to, (const char *)answer + offset, length);
	return true;
}

static int parse_ranges(const void *answer, size_t size, uint64_t offset, struct type1_info *out)
{
	struct k_vfio_iommu_type1_info_cap_iova_range cap;
	struct k_vfio_iova_range window;
	uint64_t last = 0;

	if (out->ranges || !take(answer, size, offset, &cap, sizeof(cap)) ||
	    cap.nr_iovas > size / sizeof(window))
		return -EIO;
	out->ranges = calloc(cap.nr_iovas + 1, sizeof(*out->ranges));
	if (!out->ranges)
		return -ENOMEM;
	out->range_count = cap.nr_iovas;
	offset += sizeof(cap);
	for (uint32_t i = 0; i < cap.nr_iovas; i++, offset += sizeof(window)) {
		if (!take(answer, size, offset, &window, sizeof(window)) ||
		    window.start > window.end || (i && window.start <= last))
			return -EIO;
		out->ranges[i] = (struct iommufd_range){ window.start, window.end };
		last = window.end;
	}
	return 0;
}

static int parse_cap(const void *answer, size_t size, uint64_t offset, uint16_t id,
		     struct type1_info *out)
{
	struct k_vfio_iommu_type1_info_cap_migration migration;
	struct k_vfio_iommu_type1_info_dma_avail left;

	switch (id) {
	case K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		return parse_ranges(answer, size, offset, out);
	case K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		if (!take(answer, size, offset, &migration, sizeof(migration)))
			return -EIO;
		out->dirty_bitmap_max = migration.max_dirty_bitmap_size;
		return 0;
	case K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		if (!take(answer, size, offset, &left, sizeof(left)))
			return -EIO;
		/* An iommufd that serves as the container has no limit and says this. */
		if (left.avail != UINT32_MAX)
			out->entries_left = left.avail;
		return 0;
	}
	return 0; /* newer than this library */
}

static int parse_chain(const void *answer, size_t size, uint64_t offset, struct type1_info *out)
{
	struct k_vfio_info_cap_header header;
	size_t steps = size / sizeof(header); /* more links than this are a loop */
	int r = 0;

	for (; offset && !r; offset = header.next) {
		if (!steps-- || offset < sizeof(struct k_vfio_iommu_type1_info) ||
		    !take(answer, size, offset, &header, sizeof(header)))
			return -EIO;
		r = parse_cap(answer, size, offset, header.id, out);
	}
	return r;
}

int type1_info_parse(const void *answer, size_t size, struct type1_info *out)
{
	struct k_vfio_iommu_type1_info info;
	int r = 0;

	*out = (struct type1_info){ .entries_left = UINT64_MAX };
	if (!take(answer, size, 0, &info, sizeof(info)) ||
	    !(info.flags & K_VFIO_IOMMU_INFO_PGSIZES) || !info.iova_pgsizes)
		return -EIO;
	out->page_sizes = info.iova_pgsizes;
	if (info.flags & K_VFIO_IOMMU_INFO_CAPS)
		r = parse_chain(answer, size, info.cap_offset, out);
	if (r)
		type1_info_free(out);
	return r;
}

int type1_info_read(const struct iommufd_sys *sys, int fd, struct type1_info *out)
{
	struct k_vfio_iommu_type1_info *info = NULL;
	uint32_t room = ROOM_FIRST, need;
	int r;

	/* Short room is told by no offset and by the need; the need may grow meanwhile. */
	for (;;) {
		void *larger = realloc(info, room);

		r = larger ? 0 : -ENOMEM;
		if (r)
			break;
		info = larger;
		memset(info, 0, room);
		info->argsz = room;
		r = sys_ioctl(sys, fd, K_VFIO_IOMMU_GET_INFO, info);
		need = info->argsz;
		if (r < 0 || !(info->flags & K_VFIO_IOMMU_INFO_CAPS) || info->cap_offset ||
		    need <= room)
			break;
		if (need > ROOM_MOST) {
			r = -EIO;
			break;
		}
		room = need;
	}
	if (r >= 0)
		r = type1_info_parse(info, room, out);
	free(info);
	return r;
}

void type1_info_free(struct type1_info *info)
{
	free(info->ranges);
	info->ranges = NULL;
	info->range_count = 0;
}
