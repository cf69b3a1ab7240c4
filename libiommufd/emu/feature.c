/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* VFIO_DEVICE_FEATURE: low power, BARs as dma-bufs, and refusals. */
#include "emu/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/uapi.h"

int emu_feature_check(uint32_t flags, size_t size, uint32_t allowed, size_t min_size)
{
	const uint32_t ops = K_VFIO_DEVICE_FEATURE_GET | K_VFIO_DEVICE_FEATURE_SET;

	if (flags & ops & ~allowed)
		return -EINVAL;
	if (flags & K_VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	return !(flags & ops) || size < min_size ? -EINVAL : 1;
}

/* Access brings the device back; if the user wanted to be told, that was the end of it. */
void emu_device_wake(struct emu_device *dev)
{
	if (dev->wakeup < 0)
		return;
	emu_eventfd_signal(dev->wakeup);
	emu_eventfd_put(dev->emu, &dev->wakeup);
	dev->low_power = false;
}

static int enter_low_power(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_SET, 0);

	(void)data;
	if (r != 1)
		return r;
	if (dev->low_power)
		return -EINVAL;
	dev->low_power = true;
	return 0;
}

static int enter_with_wakeup(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	struct k_vfio_device_low_power_entry_with_wakeup in;
	int fd, r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_SET, sizeof(in));

	if (r != 1)
		return r;
	r = emu_user_read(&in, data, sizeof(in));
	if (r)
		return r;
	if (in.wakeup_eventfd < 0)
		return -EINVAL;
	fd = emu_eventfd_get(dev->emu, in.wakeup_eventfd);
	if (fd < 0)
		return fd;
	if (dev->low_power) {
		emu_eventfd_put(dev->emu, &fd);
		return -EINVAL;
	}
	dev->low_power = true;
	dev->wakeup = fd;
	return 0;
}

static int leave_low_power(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_SET, 0);

	(void)data;
	if (r != 1)
		return r;
	dev->low_power = false;
	return 0;
}

static int check_range(const struct emu_bar *bar, const struct k_vfio_region_dma_range *range)
{
	uint64_t end;

	if (!range->length || range->offset % EMU_PAGE || range->length % EMU_PAGE)
		return -EINVAL;
	if (__builtin_add_overflow(range->offset, range->length, &end))
		return -EOVERFLOW;
	return end > bar->size ? -EINVAL : 0;
}

static int export_bar(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	struct k_vfio_device_feature_dma_buf in;
	struct emu_file *file;
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_GET, sizeof(in));

	if (r != 1)
		return r;
	r = emu_user_read(&in, data, sizeof(in));
	if (r)
		return r;
	if (!in.nr_ranges || in.flags)
		return -EINVAL;
	if (in.region_index >= EMU_NR_BARS || !dev->bars[in.region_index].size)
		return -ENODEV;
	for (uint32_t i = 0; i < in.nr_ranges; i++) {
		struct k_vfio_region_dma_range range;

		r = emu_user_read(&range, data + sizeof(in) + i * sizeof(range), sizeof(range));
		if (!r)
			r = check_range(&dev->bars[in.region_index], &range);
		if (r)
			return r;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->kind = EMU_FILE_DMA_BUF;
	strcpy(file->path, "/dmabuf:");
	return emu_file_install(dev->emu, file);
}

/* Only for devices that have phases of a migration, which these do not. */
static int precopy_info(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	(void)dev, (void)flags, (void)data, (void)size;
	return -EINVAL;
}

static const struct emu_feature_row features[] = {
	{ K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, EMU_FEATURE_LOW_POWER, enter_low_power },
	{ K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, EMU_FEATURE_LOW_POWER,
	  enter_with_wakeup },
	{ K_VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, EMU_FEATURE_LOW_POWER, leave_low_power },
	{ K_VFIO_DEVICE_FEATURE_DMA_BUF, EMU_FEATURE_DMA_BUF, export_bar },
	{ K_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, EMU_FEATURE_PRECOPY_V2, precopy_info },
};

int emu_feature_serve(struct emu_device *dev, uint64_t arg, const struct emu_feature_row *rows,
		      size_t nr)
{
	const size_t min = emu_endof(struct k_vfio_device_feature, flags);
	const uint32_t both = K_VFIO_DEVICE_FEATURE_SET | K_VFIO_DEVICE_FEATURE_GET;
	struct k_vfio_device_feature in;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min)
		return -EINVAL;
	if (in.flags & ~(K_VFIO_DEVICE_FEATURE_MASK | both | K_VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	if (!(in.flags & K_VFIO_DEVICE_FEATURE_PROBE) && (in.flags & both) == both)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++)
		if (rows[i].feature == (in.flags & K_VFIO_DEVICE_FEATURE_MASK) &&
		    emu_has(dev->emu, rows[i].kernel))
			return rows[i].serve(dev, in.flags, arg + min, in.argsz - min);
	return -ENOTTY;
}

int emu_device_feature(struct emu_device *dev, uint64_t arg)
{
	return emu_feature_serve(dev, arg, features, sizeof(features) / sizeof(*features));
}
