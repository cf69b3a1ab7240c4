/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* IOASes that several groups use, each in its own way. By character device they do it in one. */
#include "fault.h"

#include <sys/mman.h>
#include <unistd.h>

static bool begin(struct run *r)
{
	return TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) && new_ioas(r, 0) && new_ioas(r, 1);
}

static bool detach(struct run *r, int dev)
{
	return TRY(r, iommufd_device_detach, r->dev[dev]);
}

static bool replace(struct run *r, int dev, int ioas)
{
	return TRY(r, iommufd_device_replace, r->dev[dev], r->ioas[ioas]);
}

static bool unmap(struct run *r, int ioas, uint64_t iova, size_t pages)
{
	return TRY(r, iommufd_ioas_unmap, r->ioas[ioas], iova, pages * PAGE, NULL);
}

/* -- a group's own container goes from one IOAS to the other */

void play_own(struct run *r)
{
	if (!begin(r) || !map_at(r, 0, 0, 2, 0x10000) || !map_at(r, 1, 2, 2, 0x20000) ||
	    !open_dev(r, 0, SIBLING1, 0) || !attach(r, 0, 0) || !map_at(r, 0, 4, 1, 0x30000) ||
	    !open_dev(r, 1, SIBLING2, 0) || !attach(r, 1, 0) || !detach(r, 0) ||
	    !replace(r, 1, 1) || !map_at(r, 1, 5, 1, 0x30000) || !attach(r, 0, 1))
		return;
	drop_dev(r, 1);
	if (!unmap(r, 1, 0x20000, 2) || !detach(r, 0) || !map_at(r, 1, 2, 2, 0x20000) ||
	    !open_dev(r, 1, SIBLING2, 0) || !attach(r, 0, 1) || !attach(r, 1, 1))
		return;
	/* The mappings must go with the last that uses them, not with the group. */
	if (!detach(r, 1))
		return;
	drop_dev(r, 0);
	attach(r, 1, 0);
}

/* -- opened with their IOAS */

static bool join(struct run *r, int index, const char *name, int ioas)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .ioas = r->ioas[ioas] };

	return TRY(r, iommufd_device_open, r->ctx, name, &opts, &r->dev[index]);
}

void play_join(struct run *r)
{
	if (!begin(r) || !map_at(r, 0, 0, 2, 0x10000) || !map_at(r, 1, 2, 2, 0x20000) ||
	    !join(r, 0, ALONE, 0) || !join(r, 1, SIBLING1, 0) || !map_at(r, 0, 4, 1, 0x30000) ||
	    !open_dev(r, 2, OTHER, 0) || !attach(r, 2, 0) || !join(r, 3, SIBLING2, 0) ||
	    !unmap(r, 0, 0x10000, 2) || !map_at(r, 0, 6, 2, 0x14000) || !detach(r, 2))
		return;
	drop_dev(r, 0);
	drop_dev(r, 1);
	if (!map_at(r, 0, 8, 1, 0x40000) || !join(r, 0, ALONE, 0))
		return;
	if (can(r, IOMMUFD_CAP_DETACH_JOINED) && !replace(r, 0, 1))
		return;
	drop_dev(r, 0);
	drop_dev(r, 3);
	if (join(r, 0, SIBLING2, 1))
		TRY(r, iommufd_ioas_unmap_all, r->ioas[1], NULL);
}

/* A group that is open already joins with the container that it has, if it has two devices. */
void play_join_open(struct run *r)
{
	if (!begin(r) || r->pair->noiommu || !map_at(r, 0, 0, 2, 0x10000) ||
	    !open_dev(r, 0, SIBLING1, 0) || !join(r, 1, SIBLING2, 0) || !attach(r, 0, 0) || !detach(r, 1) ||
	    !replace(r, 0, 1))
		return;
	map_at(r, 1, 2, 2, 0x20000);
}

/* -- one IOAS, several containers */

static bool attach_all(struct run *r)
{
	return open_dev(r, 0, ALONE, 0) && open_dev(r, 1, OTHER, 0) &&
	       open_dev(r, 2, SIBLING1, 0) && attach(r, 0, 0) && attach(r, 1, 0) &&
	       attach(r, 2, 0);
}

static bool map_pieces(struct run *r)
{
	struct iommufd_map_vec vec[3];

	for (size_t i = 0; i < 3; i++)
		vec[i] = (struct iommufd_map_vec){ memory + 2 * i * PAGE, PAGE, 0x80000 + i * PAGE };
	return TRY(r, iommufd_ioas_mapv, r->ioas[0], vec, 3, FIXED_RW, NULL, NULL);
}

static void use_by_all(struct run *r, int fd)
{
	uint64_t iova = 0x50000;

	if (!begin(r) || !map_at(r, 0, 0, 2, 0x10000) || !attach_all(r) ||
	    !map_at(r, 0, 2, 1, 0x20000) || !map_pieces(r) ||
	    !TRY(r, iommufd_ioas_map_file, r->ioas[0], fd, PAGE, 2 * PAGE, FIXED_RW, &iova, NULL) ||
	    !map_at(r, 1, 4, 3, 0x10000) || !map_at(r, 1, 7, 2, 0x13000))
		return;
	iova = 0x60000;
	if (!TRY(r, iommufd_ioas_copy, r->ioas[0], r->ioas[1], 0x11000, 4 * PAGE, FIXED_RW, &iova,
		 NULL) ||
	    !unmap(r, 0, 0x20000, 1) || !unmap(r, 0, 0x60000, 4) || !unmap(r, 0, 0x50000, 2) ||
	    !unmap(r, 0, 0x10000, 0x80) || !TRY(r, iommufd_ioas_unmap_all, r->ioas[0], NULL) ||
	    !map_at(r, 0, 0, 1, 0x10000) || !replace(r, 1, 1))
		return;
	if (unmap(r, 0, 0x10000, 1))
		unmap(r, 1, 0x10000, 5);
}

void play_several(struct run *r)
{
	int fd = memfd_create("fault", MFD_CLOEXEC);

	if (!ftruncate(fd, 8 * PAGE))
		use_by_all(r, fd);
	close(fd);
}

/* -- neighbours that share an entry of the kernel */

void play_coalesce(struct run *r)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_IOAS_COALESCE };

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) ||
	    !TRY(r, iommufd_ioas_new, r->ctx, &opts, &r->ioas[0]) || !new_ioas(r, 1))
		return;
	for (size_t i = 0; i < 5; i++)
		if (!map_at(r, 0, i, 1, 0x10000 + i * PAGE))
			return;
	if (!map_at(r, 0, 8, 2, 0x20000) || !map_at(r, 0, 10, 2, 0x22000) ||
	    !open_dev(r, 0, ALONE, 0) || !open_dev(r, 1, OTHER, 0) || !attach(r, 0, 0) ||
	    !unmap(r, 0, 0x12000, 1) || !attach(r, 1, 0) || !map_at(r, 0, 2, 1, 0x12000) ||
	    !unmap(r, 0, 0x11000, 3) || !unmap(r, 0, 0x22000, 2) || !map_at(r, 0, 1, 1, 0x11000) ||
	    !detach(r, 0) || !attach(r, 0, 0) || !replace(r, 0, 1) || !replace(r, 0, 0) ||
	    !unmap(r, 0, 0x10000, 1))
		return;
	TRY(r, iommufd_ioas_unmap_all, r->ioas[0], NULL);
}
