/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * PASIDs of devices that are made to have some, which share a group; and a table of PASIDs, which
 * asks for memory and nothing else.
 */
#include "fault.h"

#include "os/sys.h"
#include "os/uapi.h"

static void use_table(struct run *r, struct iommufd_pasid_table *table)
{
	struct iommufd_pasid_range range = { .size = sizeof(range) };
	struct iommufd_pasid_table_info info = { .size = sizeof(info) };
	uint32_t number, cleared = 0;

	if (!TRY(r, iommufd_pasid_table_set, table, 5, 7) ||
	    !TRY(r, iommufd_pasid_table_set_range, table, 1000, 3000, 100) ||
	    !TRY(r, iommufd_pasid_table_to_physical, table, 1099, &number) ||
	    !TRY(r, iommufd_pasid_table_to_virtual, table, 3099, &number) ||
	    !TRY(r, iommufd_pasid_table_next, table, 6, &range) ||
	    !TRY(r, iommufd_pasid_table_get_info, table, &info))
		return;
	if (range.vpasid != 1000 || range.count != 100 || info.pairs != 101)
		wrong(r, "the table has %u pairs, and %u from %u on", info.pairs, range.count,
		      range.vpasid);
	if (TRY(r, iommufd_pasid_table_clear, table, 5) &&
	    TRY(r, iommufd_pasid_table_clear_range, table, 0, 1 << 16, &cleared) && cleared != 100)
		wrong(r, "%u pairs were cleared", cleared);
}

void play_pasid_table(struct run *r)
{
	struct iommufd_pasid_table *table = NULL;

	if (TRY(r, iommufd_pasid_table_new, 16, 16, &table))
		use_table(r, table);
	iommufd_pasid_table_unref(table);
}

/* What has reserved addresses and siblings has no PASIDs; but the kernel attaches them. */
static struct iommufd_sys bent;
static const struct iommufd_sys *real;

static int tell_width(void *data, int fd, unsigned long request, void *arg)
{
	int rc = real->ioctl(data, fd, request, arg);

	if (request == K_IOMMU_GET_HW_INFO && !rc)
		((struct k_iommu_hw_info *)arg)->out_max_pasid_log2 = 8;
	return rc;
}

static void refuse_pasids(struct run *r)
{
	struct iommufd_pasid *none = NULL;

	step_begin(r);
	step_end(r, "iommufd_pasid_new", 0, iommufd_pasid_new(r->dev[0], NULL, &none));
	step_begin(r);
	step_end(r, "iommufd_device_reserve_pasids", 0,
		 iommufd_device_reserve_pasids(r->dev[0], 1, 2));
	if (none)
		wrong(r, "made what this backend cannot have");
}

static bool new_pasid(struct run *r, int index)
{
	return TRY(r, iommufd_pasid_new, r->dev[0], NULL, &r->pasid[index]);
}

static bool attach_pasid(struct run *r, int index, int ioas)
{
	return TRY(r, iommufd_pasid_attach, r->pasid[index], r->ioas[ioas]);
}

static bool ask_pasid(struct run *r)
{
	struct iommufd_pasid_info info = { .size = sizeof(info) };
	struct iommufd_ioas *ioas = NULL;
	struct iommufd_hwpt *hwpt = NULL;
	bool done = TRY(r, iommufd_pasid_get_info, r->pasid[0], &info) &&
		    TRY(r, iommufd_pasid_get_ioas, r->pasid[0], &ioas) &&
		    TRY(r, iommufd_pasid_get_hwpt, r->pasid[0], &hwpt);

	iommufd_ioas_unref(ioas);
	iommufd_hwpt_unref(hwpt);
	return done;
}

static bool use_tables(struct run *r)
{
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_HWPT_PASID };

	return TRY(r, iommufd_hwpt_new, r->dev[0], r->ioas[2], &opts, &r->hwpt[0]) &&
	       TRY(r, iommufd_pasid_replace_hwpt, r->pasid[0], r->hwpt[0]) &&
	       TRY(r, iommufd_pasid_detach, r->pasid[0]) &&
	       TRY(r, iommufd_pasid_attach_hwpt, r->pasid[0], r->hwpt[0]);
}

/* The group leaves, and comes back to a table that takes PASIDs. */
static bool move_group(struct run *r)
{
	return TRY(r, iommufd_device_replace, r->dev[0], r->ioas[2]) &&
	       TRY(r, iommufd_device_detach, r->dev[0]) &&
	       TRY(r, iommufd_device_detach, r->dev[1]) && attach(r, 1, 1) && attach(r, 0, 1);
}

void play_pasid(struct run *r)
{
	real = r->opts.sys;
	bent = *real;
	bent.ioctl = tell_width;
	r->opts.sys = &bent;
	r->loose = true; /* tables of the library's that the kernel kept are seen by nobody */
	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) || !new_ioas(r, 1) ||
	    !new_ioas(r, 2) || !map_at(r, 0, 0, 2, 0x10000) || !map_at(r, 1, 2, 2, 0x20000) ||
	    !open_dev(r, 0, SIBLING1, 1) || !open_dev(r, 1, SIBLING2, 2))
		return;
	if (!can(r, IOMMUFD_CAP_PASID)) {
		refuse_pasids(r);
		return;
	}
	if (!attach(r, 0, 0) || !attach(r, 1, 0) ||
	    !TRY(r, iommufd_device_reserve_pasids, r->dev[0], 1, 9) || !new_pasid(r, 0) ||
	    !new_pasid(r, 1) || !attach_pasid(r, 0, 1) || !attach_pasid(r, 1, 0) ||
	    !map_at(r, 1, 4, 1, 0x30000) || !ask_pasid(r) ||
	    !TRY(r, iommufd_pasid_replace, r->pasid[0], r->ioas[0]) || !use_tables(r) ||
	    !move_group(r))
		return;
	DROP(r, iommufd_pasid_unref, r->pasid[1]);
	drop_dev(r, 0);
	drop_hwpt(r, 0);
}
