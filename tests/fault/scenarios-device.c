/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What devices are asked beside their registers and interrupts. */
#include "fault.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* -- the IOMMU in front of it */

void play_hwinfo(struct run *r)
{
	struct iommufd_hw_info info = { .size = sizeof(info) };
	struct iommufd_hw_field field = { .size = sizeof(field) };
	uint64_t value;
	size_t at = 0;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !open_dev(r, 0, ALONE, 7) ||
	    iommufd_device_has(r->dev[0], IOMMUFD_CAP_HW_INFO) != 1 ||
	    !TRY(r, iommufd_device_get_hw_info, r->dev[0], &info) ||
	    !TRY(r, iommufd_device_get_hw_info_of, r->dev[0], IOMMUFD_HW_INFO_INTEL_VTD, &info) ||
	    !TRY(r, iommufd_hw_info_next, &info, &at, &field))
		return;
	TRY(r, iommufd_hw_info_get, &info, "ecap.IRO", &value);
}

/* -- reset */

void play_reset(struct run *r)
{
	struct iommufd_reset_info info = { .size = sizeof(info) };

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !open_dev(r, 0, SIBLING1, 7) ||
	    (r->pair->noiommu && !open_dev(r, 1, SIBLING2, 0)) || !new_ioas(r, 0) ||
	    !map_at(r, 0, 0, 1, 0x10000) || !attach(r, 0, 0) ||
	    !TRY(r, iommufd_device_get_reset_info, r->dev[0], 1, &info))
		return;
	TRY(r, iommufd_device_hot_reset, r->dev[0]);
}

/* What the device lacks: an error that is none of ours. */
#define ASK(r, function, ...) do { \
	step_begin(r); \
	step_end(r, #function, 0, function(__VA_ARGS__)); \
} while (0)

static void ask_for_what_is_not_there(struct run *r)
{
	static const struct iommufd_range range = { 0, 4095 };
	static const uint8_t token[16];
	uint64_t page_size = PAGE, bits = 0;
	struct iommufd_device *d = r->dev[0];

	ASK(r, iommufd_device_get_feature, d, IOMMUFD_FEATURE_MIGRATION, &bits, sizeof(bits));
	ASK(r, iommufd_device_set_bus_master, d, 1);
	ASK(r, iommufd_device_set_vf_token, d, token);
	ASK(r, iommufd_device_start_dma_log, d, &range, 1, &page_size);
	ASK(r, iommufd_device_read_dma_log, d, 0, PAGE, PAGE, &bits);
	ASK(r, iommufd_device_stop_dma_log, d);
}

static bool export_bar(struct run *r)
{
	int fd = -1;

	for (int i = 0; i < 2 && fd < 0 && !gives_up(r, i); i++) {
		step_begin(r);
		fd = iommufd_region_get_dma_buf(r->dev[0], 0, NULL, 0);
		if (fd >= 0)
			iommufd_emu_close(r->emu, fd);
		step_end(r, "iommufd_region_get_dma_buf", i, fd < 0 ? fd : 0);
	}
	return fd >= 0;
}

void play_feature(struct run *r)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) && open_dev(r, 0, ALONE, 0) &&
	    TRY(r, iommufd_device_has_feature, r->dev[0], IOMMUFD_FEATURE_LOW_POWER_ENTRY, 0) &&
	    TRY(r, iommufd_device_enter_low_power, r->dev[0], -1) &&
	    TRY(r, iommufd_device_leave_low_power, r->dev[0]) &&
	    TRY(r, iommufd_device_enter_low_power, r->dev[0], fd) &&
	    TRY(r, iommufd_device_set_feature, r->dev[0], IOMMUFD_FEATURE_LOW_POWER_EXIT, NULL, 0) &&
	    export_bar(r))
		ask_for_what_is_not_there(r);
	close(fd);
}

/* -- migration */

#define PORT "/sys/bus/mdev/devices/6d747479-0000-4000-8000-00000000000"

/* A state that gives a descriptor, which is ours to close; -1 if the scenario has to end. */
static int begin_transfer(struct run *r, struct iommufd_device *dev, uint32_t state)
{
	int fd = -1;

	/* A device that is left half way is reset, as there may be no way on from there. */
	for (int i = 0; i < 2 && fd < 0 && !gives_up(r, i); i++) {
		if (i)
			iommufd_device_reset(dev);
		step_begin(r);
		step_end(r, "iommufd_migration_set_state", i,
			 iommufd_migration_set_state(dev, state, &fd));
	}
	return fd;
}

static bool move(struct run *r, int from, int to, uint8_t *data)
{
	struct iommufd_precopy_info info = { .size = sizeof(info) };
	uint64_t bytes = 0;
	size_t got = 0;
	int none;

	return TRY(r, iommufd_migration_get_data_size, r->dev[0], &bytes) &&
	       TRY(r, iommufd_migration_get_precopy_info, r->dev[0], from, &info) &&
	       TRY(r, iommufd_migration_set_state, r->dev[0], IOMMUFD_MIGRATION_STATE_STOP_COPY,
		   &none) &&
	       TRY(r, iommufd_migration_read, r->dev[0], from, data, PAGE, &got) &&
	       TRY(r, iommufd_migration_set_state, r->dev[0], IOMMUFD_MIGRATION_STATE_STOP,
		   &none) &&
	       TRY(r, iommufd_migration_write, r->dev[1], to, data, got) &&
	       TRY(r, iommufd_migration_set_state, r->dev[1], IOMMUFD_MIGRATION_STATE_RUNNING,
		   &none);
}

static bool log_dma(struct run *r)
{
	static const struct iommufd_range range = { 0, 0xffff };
	uint64_t page_size = PAGE, bits = 0;

	return TRY(r, iommufd_device_start_dma_log, r->dev[0], &range, 1, &page_size) &&
	       TRY(r, iommufd_device_read_dma_log, r->dev[0], 0, 0x10000, PAGE, &bits) &&
	       TRY(r, iommufd_device_stop_dma_log, r->dev[0]);
}

void play_migration(struct run *r)
{
	uint8_t data[PAGE];
	uint64_t flags;
	uint32_t state;
	int from = -1, to = -1;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || r->pair->noiommu ||
	    !open_dev(r, 0, PORT "1", 0) || !open_dev(r, 1, PORT "2", 0) ||
	    !TRY(r, iommufd_migration_get_flags, r->dev[0], &flags) ||
	    !TRY(r, iommufd_migration_get_state, r->dev[0], &state) || !log_dma(r))
		return;
	from = begin_transfer(r, r->dev[0], IOMMUFD_MIGRATION_STATE_PRE_COPY);
	if (from >= 0)
		to = begin_transfer(r, r->dev[1], IOMMUFD_MIGRATION_STATE_RESUMING);
	if (to >= 0)
		move(r, from, to, data);
	if (from >= 0)
		iommufd_emu_close(r->emu, from);
	if (to >= 0)
		iommufd_emu_close(r->emu, to);
}
