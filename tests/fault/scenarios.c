/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What programs do with the library, every function among it. */
#include "fault.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool open_dev(struct run *r, int index, const char *name, uint64_t cookie)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = cookie };

	return TRY(r, iommufd_device_open, r->ctx, name, &opts, &r->dev[index]);
}

bool new_ioas(struct run *r, int index)
{
	return TRY(r, iommufd_ioas_new, r->ctx, NULL, &r->ioas[index]);
}

bool map_at(struct run *r, int index, size_t page, size_t pages, uint64_t iova)
{
	return TRY(r, iommufd_ioas_map, r->ioas[index], memory + page * PAGE, pages * PAGE,
		   FIXED_RW, &iova, NULL);
}

bool attach(struct run *r, int dev, int ioas)
{
	return TRY(r, iommufd_device_attach, r->dev[dev], r->ioas[ioas]);
}

/* -- mapping, before and while a device is attached */

static void play_map(struct run *r)
{
	struct iommufd_map_vec vec[4];
	struct iommufd_mapping m = { .size = sizeof(m) };
	uint64_t iova = 0, unmapped;
	size_t failed;
	void *va;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) ||
	    !map_at(r, 0, 0, 2, 0x10000) ||
	    !TRY(r, iommufd_ioas_map, r->ioas[0], memory, PAGE, MAP_RW, &iova, NULL) ||
	    !open_dev(r, 0, ALONE, 1) || !TRY(r, iommufd_device_attach, r->dev[0], r->ioas[0]) ||
	    !map_at(r, 0, 4, 4, 0x20000))
		return;
	for (size_t i = 0; i < 4; i++)
		vec[i] = (struct iommufd_map_vec){ memory + 2 * i * PAGE, PAGE, 0 };
	if (!TRY(r, iommufd_ioas_mapv, r->ioas[0], vec, 4, MAP_RW, NULL, &failed))
		return;
	for (size_t i = 0; i < 4; i++)
		vec[i] = (struct iommufd_map_vec){ memory + i * PAGE, PAGE, 0x80000 + i * PAGE };
	vec[3].iova = 0x90000;
	if (!TRY(r, iommufd_ioas_mapv, r->ioas[0], vec, 4, FIXED_RW | IOMMUFD_MAP_COALESCE, NULL,
		 NULL) ||
	    !TRY(r, iommufd_ioas_va_to_iova, r->ioas[0], memory, &iova, NULL) ||
	    !TRY(r, iommufd_ioas_iova_to_va, r->ioas[0], 0x20000, &va, NULL) ||
	    !TRY(r, iommufd_ioas_next_mapping, r->ioas[0], 0, &m) ||
	    !TRY(r, iommufd_ioas_get_dma_address, r->ioas[0], m.iova, &iova, NULL) ||
	    !TRY(r, iommufd_ioas_unmap, r->ioas[0], 0x10000, 0x14000, &unmapped) ||
	    !map_at(r, 0, 0, 1, 0x11000) ||
	    !TRY(r, iommufd_ioas_unmap_all, r->ioas[0], &unmapped) ||
	    !map_at(r, 0, 0, 1, 0x11000) || !TRY(r, iommufd_device_detach, r->dev[0]))
		return;
	TRY(r, iommufd_ioas_unmap, r->ioas[0], 0x11000, PAGE, NULL);
}

/* -- what an IOAS can be asked and told */

static bool small_pages(struct run *r)
{
	struct iommufd_ioas_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_IOAS_NO_HUGE_PAGES,
	};
	int enabled;

	return TRY(r, iommufd_ioas_new, r->ctx, &opts, &r->ioas[0]) &&
	       TRY(r, iommufd_ioas_set_huge_pages, r->ioas[0], 1) &&
	       TRY(r, iommufd_ioas_get_huge_pages, r->ioas[0], &enabled);
}

static void play_space(struct run *r)
{
	struct iommufd_ioas_info info = { .size = sizeof(info) };
	struct iommufd_range ranges[16] = { { 0x100000, 0xffffff } };
	size_t count = ARRAY_SIZE(ranges);
	uint64_t align;
	uint32_t id;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) ||
	    (can(r, IOMMUFD_CAP_HUGE_PAGE_OPTION) ? !small_pages(r) : !new_ioas(r, 0)) ||
	    !TRY(r, iommufd_ioas_get_id, r->ioas[0], &id) ||
	    !TRY(r, iommufd_ioas_allow, r->ioas[0], ranges, 1) || !open_dev(r, 0, ALONE, 0) ||
	    !TRY(r, iommufd_device_attach, r->dev[0], r->ioas[0]) ||
	    !TRY(r, iommufd_ioas_get_ranges, r->ioas[0], ranges, &count) ||
	    !TRY(r, iommufd_ioas_get_alignment, r->ioas[0], &align) ||
	    !TRY(r, iommufd_ioas_get_info, r->ioas[0], &info))
		return;
	TRY(r, iommufd_ioas_allow, r->ioas[0], NULL, 0);
}

/* -- copies, files, a new process */

static void copy_mappings(struct run *r, int fd)
{
	uint64_t iova = 0;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) || !new_ioas(r, 1) ||
	    !open_dev(r, 0, ALONE, 0) || !TRY(r, iommufd_device_attach, r->dev[0], r->ioas[1]) ||
	    !TRY(r, iommufd_ioas_map_file, r->ioas[0], fd, PAGE, 2 * PAGE, MAP_RW, &iova, NULL) ||
	    (can(r, IOMMUFD_CAP_CHANGE_PROCESS) && !TRY(r, iommufd_ctx_change_process, r->ctx)) ||
	    !map_at(r, 0, 0, 4, 0x10000) ||
	    !map_at(r, 0, 8, 4, 0x14000) || !map_at(r, 0, 4, 1, 0x18000) ||
	    !TRY(r, iommufd_ioas_copy, r->ioas[1], r->ioas[0], 0x11000, 8 * PAGE, MAP_RW, &iova,
		 NULL) ||
	    !TRY(r, iommufd_ioas_unmap, r->ioas[1], iova, 8 * PAGE, NULL))
		return;
	iova = 0x40000;
	if (TRY(r, iommufd_ioas_copy, r->ioas[0], r->ioas[0], 0x10000, PAGE, FIXED_RW, &iova, NULL))
		drop_ioas(r, 0);
}

static void play_copy(struct run *r)
{
	int fd = memfd_create("fault", MFD_CLOEXEC);

	if (!ftruncate(fd, 8 * PAGE))
		copy_mappings(r, fd);
	close(fd);
}

/* -- moving devices, alone and as a group */

static void play_attach(struct run *r)
{
	struct iommufd_device *found = NULL;
	struct iommufd_ioas *of = NULL;
	bool done;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) || !new_ioas(r, 1) ||
	    !map_at(r, 0, 0, 2, 0x10000) || !map_at(r, 1, 0, 2, 0x20000) ||
	    !open_dev(r, 0, SIBLING1, 1) || !open_dev(r, 1, SIBLING2, 2) ||
	    !open_dev(r, 2, OTHER, 3) || !TRY(r, iommufd_device_attach, r->dev[0], r->ioas[0]) ||
	    !TRY(r, iommufd_device_attach, r->dev[1], r->ioas[0]) ||
	    !TRY(r, iommufd_device_attach, r->dev[2], r->ioas[1]) ||
	    !TRY(r, iommufd_device_replace, r->dev[0], r->ioas[1]) ||
	    !TRY(r, iommufd_device_replace, r->dev[2], r->ioas[0]) ||
	    !TRY(r, iommufd_device_detach, r->dev[1]))
		return;
	done = TRY(r, iommufd_device_get_ioas, r->dev[0], &of);
	iommufd_ioas_unref(of);
	if (done)
		done = TRY(r, iommufd_device_find, r->ctx, 3, &found);
	iommufd_device_unref(found);
	drop_dev(r, 2);
	if (done && TRY(r, iommufd_device_detach, r->dev[0]))
		drop_ioas(r, 0);
}

/* -- regions, DMA, configuration space */

static bool registers(struct run *r)
{
	struct iommufd_device *d = r->dev[0];
	uint8_t u8, block[16];
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	return TRY(r, iommufd_region_read8, d, 7, 0, &u8) &&
	       TRY(r, iommufd_region_write8, d, 7, 0x3c, 5) &&
	       TRY(r, iommufd_region_read16, d, 7, 4, &u16) &&
	       TRY(r, iommufd_region_write16, d, 7, 4, u16) &&
	       TRY(r, iommufd_region_read32, d, 0, 0, &u32) &&
	       TRY(r, iommufd_region_write32, d, 0, 4, u32) &&
	       TRY(r, iommufd_region_read64, d, 0, 0x80, &u64) &&
	       TRY(r, iommufd_region_write64, d, 0, 0x80, u64) &&
	       TRY(r, iommufd_region_read, d, 7, 0, block, sizeof(block)) &&
	       TRY(r, iommufd_region_write, d, 7, 0x3c, block, 1);
}

static bool config(struct run *r)
{
	struct iommufd_device *d = r->dev[0];
	uint32_t value = 0, at = 0, none = 0;

	if (!TRY(r, iommufd_pci_set_memory, d, 1) || !TRY(r, iommufd_pci_set_bus_master, d, 1) ||
	    !TRY(r, iommufd_pci_config_read, d, 4, 2, &value) ||
	    !TRY(r, iommufd_pci_config_write, d, 4, 2, value) ||
	    !TRY(r, iommufd_pci_find_capability, d, 5, &at))
		return false;
	step_begin(r); /* there is none: an error that is none of ours */
	step_end(r, "iommufd_pci_find_extended_capability", 0,
		 iommufd_pci_find_extended_capability(d, 0x10, &none));
	return true;
}

static bool dma(struct run *r)
{
	struct iommufd_device *d = r->dev[0];
	uint32_t state;

	if (!TRY(r, iommufd_region_write64, d, 0, 0x80, 0x10000) ||
	    !TRY(r, iommufd_region_write64, d, 0, 0x88, 0x40000) ||
	    !TRY(r, iommufd_region_write64, d, 0, 0x90, 64) ||
	    !TRY(r, iommufd_region_write64, d, 0, 0x98, 1))
		return false;
	usleep(1000);
	return TRY(r, iommufd_region_read32, d, 0, 0x98, &state);
}

static void play_region(struct run *r)
{
	struct iommufd_region_info info = { .size = sizeof(info) };
	struct iommufd_device_info device = { .size = sizeof(device) };
	struct iommufd_region_area area[4];
	size_t count = ARRAY_SIZE(area);
	void *bar, *kept;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !open_dev(r, 0, MSIX, 9) ||
	    !TRY(r, iommufd_device_get_info, r->dev[0], &device) ||
	    !TRY(r, iommufd_device_get_fd, r->dev[0]) ||
	    !TRY(r, iommufd_region_get_info, r->dev[0], 2, &info) ||
	    !TRY(r, iommufd_region_get_areas, r->dev[0], 2, area, &count) || !config(r) ||
	    !new_ioas(r, 0) || !map_at(r, 0, 0, 1, 0x10000) ||
	    !TRY(r, iommufd_device_attach, r->dev[0], r->ioas[0]) || !registers(r) || !dma(r) ||
	    !TRY(r, iommufd_region_map, r->dev[0], 0, 0, PAGE, IOMMUFD_REGION_READ, &kept) ||
	    !TRY(r, iommufd_region_map, r->dev[0], 0, PAGE, PAGE, IOMMUFD_REGION_READ, &bar) ||
	    !TRY(r, iommufd_region_unmap, r->dev[0], bar))
		return;
	TRY(r, iommufd_device_reset, r->dev[0]);
}

/* -- contexts, and what others opened */

/* A descriptor that failed may be bound: it is closed before the state is looked at. */
static void adopt_device(struct run *r)
{
	for (int i = 0; i < 2 && !r->dev[0]; i++) {
		int fd = iommufd_emu_open(r->emu, "/dev/vfio/devices/vfio0"), rc;

		if (fd < 0)
			return;
		step_begin(r);
		rc = iommufd_device_from_fd(r->ctx, fd, NULL, &r->dev[0]);
		iommufd_emu_close(r->emu, fd);
		step_end(r, "iommufd_device_from_fd", r->mode == FOR_GOOD ? 0 : i, rc);
	}
}

/* A device goes from one context to another of the same iommufd. */
static void play_adopt(struct run *r)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device_bound bound = { .size = sizeof(bound) };

	r->loose = true; /* the table by which nesting is tried */
	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !can(r, IOMMUFD_CAP_DEVICE_FD) ||
	    !open_dev(r, 0, ALONE, 0) ||
	    !TRY(r, iommufd_device_has, r->dev[0], IOMMUFD_CAP_NESTING) ||
	    iommufd_device_get_info(r->dev[0], &info) ||
	    !TRY(r, iommufd_ctx_from_fd, iommufd_ctx_get_fd(r->ctx), &r->opts, &r->second))
		return;
	bound.id = info.id;
	bound.fd = iommufd_device_get_fd(r->dev[0]);
	(void)TRY(r, iommufd_device_adopt, r->second, &bound, NULL, &r->dev[1]);
}

/* What only an iommufd has. */
static bool serve_containers(struct run *r)
{
	uint32_t id;

	return TRY(r, iommufd_ctx_get_fd, r->ctx) && new_ioas(r, 0) &&
	       TRY(r, iommufd_ctx_set_compat_ioas, r->ctx, r->ioas[0]) &&
	       TRY(r, iommufd_ctx_get_compat_ioas, r->ctx, &id) &&
	       TRY(r, iommufd_ctx_clear_compat_ioas, r->ctx);
}

static bool adopt_context(struct run *r)
{
	int fd = iommufd_emu_open(r->emu, r->pair->records ? "/dev/vfio/vfio" : "/dev/iommu");
	bool done = fd >= 0 && TRY(r, iommufd_ctx_from_fd, fd, &r->opts, &r->ctx);

	if (fd >= 0)
		iommufd_emu_close(r->emu, fd);
	return done;
}

static void play_context(struct run *r)
{
	struct iommufd_ctx_opts opts = r->opts;
	uint32_t mode;

	if (!r->pair->records)
		opts.flags = IOMMUFD_CTX_RLIMIT_PROCESS;
	if (!TRY(r, iommufd_ctx_new, &opts, &r->second) ||
	    !TRY(r, iommufd_ctx_set_rlimit_mode, r->second, r->pair->records) ||
	    !TRY(r, iommufd_ctx_get_rlimit_mode, r->second, &mode) ||
	    !TRY(r, iommufd_ctx_has, r->second, IOMMUFD_CAP_COPY) || !adopt_context(r) ||
	    (!r->pair->records && !serve_containers(r)))
		return;
	if (can(r, IOMMUFD_CAP_DEVICE_FD))
		adopt_device(r);
}

const struct scenario scenarios[] = {
	{ "map", play_map },
	{ "space", play_space },
	{ "copy", play_copy },
	{ "attach", play_attach },
	{ "update", play_update },
	{ "dirty", play_dirty },
	{ "hwpt", play_hwpt },
	{ "guest", play_guest },
	{ "mock devices", play_mock },
	{ "own container", play_own },
	{ "join", play_join },
	{ "join of an open group", play_join_open },
	{ "several containers", play_several },
	{ "coalesce", play_coalesce },
	{ "group", play_group },
	{ "broker", play_broker },
	{ "adopt", play_adopt },
	{ "handoff", play_handoff },
	{ "import", play_import },
	{ "region", play_region },
	{ "hardware facts", play_hwinfo },
	{ "reset", play_reset },
	{ "pasid", play_pasid },
	{ "pasid table", play_pasid_table },
	{ "feature", play_feature },
	{ "migration", play_migration },
	{ "irq", play_irq },
	{ "irq that cannot grow", play_fixed_irq },
	{ "context", play_context },
};
const size_t num_scenarios = ARRAY_SIZE(scenarios);
