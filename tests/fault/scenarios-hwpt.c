/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables of the program's, and of the library's. */
#include "fault.h"

#include "os/mock.h"

static bool new_hwpt(struct run *r, int index, int dev, int ioas)
{
	return TRY(r, iommufd_hwpt_new, r->dev[dev], r->ioas[ioas], NULL, &r->hwpt[index]);
}

/* What these devices cannot; by group not even the first. */
static void refuse(struct run *r)
{
	struct iommufd_hwpt *none = NULL;
	uint32_t count = 0;

	if (!r->hwpt[0]) {
		step_begin(r);
		step_end(r, "iommufd_hwpt_new", 0,
			 iommufd_hwpt_new(r->dev[0], r->ioas[0], NULL, &none));
	}
	step_begin(r);
	step_end(r, "iommufd_hwpt_new_nested", 0,
		 iommufd_hwpt_new_nested(r->dev[0], r->hwpt[0], NULL, &none));
	step_begin(r);
	step_end(r, "iommufd_hwpt_invalidate", 0,
		 iommufd_hwpt_invalidate(r->hwpt[0], 0, NULL, 0, &count));
}

static bool ask(struct run *r)
{
	struct iommufd_hwpt_info info = { .size = sizeof(info) };
	struct iommufd_hwpt *hwpt = NULL;
	bool done = TRY(r, iommufd_device_get_hwpt, r->dev[0], &hwpt);

	iommufd_hwpt_unref(hwpt);
	return done && TRY(r, iommufd_hwpt_get_info, r->hwpt[0], &info);
}

/* -- on devices of which two share a group */

void play_hwpt(struct run *r)
{
	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) || !new_ioas(r, 1) ||
	    !map_at(r, 0, 0, 2, 0x10000) || !map_at(r, 1, 2, 2, 0x20000) ||
	    !open_dev(r, 0, SIBLING1, 1) || !open_dev(r, 1, SIBLING2, 2) ||
	    !open_dev(r, 2, OTHER, 3))
		return;
	if (iommufd_device_has(r->dev[0], IOMMUFD_CAP_HWPT) != 1) {
		refuse(r);
		return;
	}
	if (!new_hwpt(r, 0, 0, 0) || !TRY(r, iommufd_device_attach_hwpt, r->dev[0], r->hwpt[0]) ||
	    !attach(r, 1, 0) || !map_at(r, 0, 4, 1, 0x30000) || !attach(r, 2, 0) ||
	    !new_hwpt(r, 1, 0, 1) ||
	    !TRY(r, iommufd_device_replace_hwpt, r->dev[1], r->hwpt[1]) || !ask(r) ||
	    !TRY(r, iommufd_device_replace, r->dev[0], r->ioas[0]) ||
	    !TRY(r, iommufd_device_detach, r->dev[2]))
		return;
	refuse(r);
	drop_hwpt(r, 0);
	if (map_at(r, 0, 5, 1, 0x40000))
		drop_hwpt(r, 1);
}

/* -- on mock devices, which can be tracked, and have nested tables */

#define IOVA K_MOCK_APERTURE_START

/* Made by someone for whom no call fails. */
static bool adopt_mock(struct run *r, int index)
{
	struct k_iommu_ioas_alloc home = { .size = sizeof(home) };
	struct k_iommu_test_cmd arg = { .size = sizeof(arg), .op = K_IOMMU_TEST_OP_MOCK_DOMAIN };
	struct iommufd_device_bound bound = { .size = sizeof(bound), .fd = -1 };
	int fd = iommufd_ctx_get_fd(r->ctx);

	if (iommufd_emu_ioctl(r->emu, fd, K_IOMMU_IOAS_ALLOC, &home))
		return false;
	r->homes++;
	arg.id = home.out_ioas_id;
	if (iommufd_emu_ioctl(r->emu, fd, K_IOMMU_TEST_CMD, &arg))
		return false;
	bound.id = arg.mock_domain_flags.out_idev_id;
	bound.mock_id = arg.mock_domain_flags.out_stdev_id;
	bound.mock_pt = home.out_ioas_id;
	return TRY(r, iommufd_device_adopt, r->ctx, &bound, NULL, &r->dev[index]);
}

static bool track(struct run *r)
{
	uint64_t bits[4] = { 0 }, unmapped;

	return TRY(r, iommufd_ioas_set_dirty_tracking, r->ioas[0], 1) &&
	       TRY(r, iommufd_ioas_set_dirty_tracking, r->ioas[0], 1) &&
	       TRY(r, iommufd_device_detach, r->dev[1]) && attach(r, 1, 0) &&
	       TRY(r, iommufd_ioas_read_dirty, r->ioas[0], IOVA - 3 * PAGE, 9 * PAGE, 0, 0, bits) &&
	       TRY(r, iommufd_ioas_read_dirty, r->ioas[0], IOVA, 6 * PAGE, 0, 0, bits) &&
	       TRY(r, iommufd_ioas_unmap_dirty, r->ioas[0], IOVA + 4 * PAGE, 2 * PAGE, 0, bits,
		   &unmapped, NULL) &&
	       TRY(r, iommufd_ioas_set_dirty_tracking, r->ioas[0], 0);
}

static bool track_table(struct run *r)
{
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts),
		.flags = IOMMUFD_HWPT_DIRTY_TRACKING | IOMMUFD_HWPT_NEST_PARENT,
	};
	uint64_t bits = 0;

	return TRY(r, iommufd_hwpt_new, r->dev[0], r->ioas[1], &opts, &r->hwpt[0]) &&
	       TRY(r, iommufd_device_replace_hwpt, r->dev[0], r->hwpt[0]) &&
	       TRY(r, iommufd_hwpt_set_dirty_tracking, r->hwpt[0], 1) &&
	       TRY(r, iommufd_hwpt_read_dirty, r->hwpt[0], IOVA, PAGE, 0, 0, &bits) &&
	       TRY(r, iommufd_ioas_set_dirty_tracking, r->ioas[1], 1);
}

static bool nest(struct run *r)
{
	struct k_iommu_hwpt_selftest data = { .iotlb = 7 };
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
		.data_type = K_IOMMU_HWPT_DATA_SELFTEST,
	};
	struct k_iommu_hwpt_invalidate_selftest entry = { .iotlb_id = 1 };
	uint32_t count = 1;

	return TRY(r, iommufd_hwpt_new_nested, r->dev[0], r->hwpt[0], &opts, &r->hwpt[1]) &&
	       TRY(r, iommufd_device_replace_hwpt, r->dev[0], r->hwpt[1]) &&
	       TRY(r, iommufd_hwpt_invalidate, r->hwpt[1],
		   K_IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, &entry, sizeof(entry), &count) &&
	       TRY(r, iommufd_device_replace, r->dev[0], r->ioas[1]);
}

void play_mock(struct run *r)
{
	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !can(r, IOMMUFD_CAP_HWPT) ||
	    !new_ioas(r, 0) || !new_ioas(r, 1) || !map_at(r, 0, 0, 2, IOVA) ||
	    !map_at(r, 0, 4, 2, IOVA + 4 * PAGE) || !map_at(r, 1, 8, 1, IOVA) ||
	    !adopt_mock(r, 0) || !adopt_mock(r, 1) || !attach(r, 0, 0) || !attach(r, 1, 0) ||
	    !track(r) || !track_table(r))
		return;
	nest(r);
}
