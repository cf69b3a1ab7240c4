/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Regions of a device by read and write. */
#include "emu/device.h"

#include <errno.h>
#include <string.h>

#include "emu/port.h"

#include "os/uapi.h"

/* The MSI-X table is the kernel's: reads are ones, writes are dropped. */
static bool in_msix_table(const struct emu_device *dev, unsigned int bar, uint64_t at)
{
	return dev->msix && bar == 2 && at < EMU_MSIX_VECTORS * 16;
}

uint64_t emu_bar_read(struct emu_device *dev, unsigned int bar, uint64_t at, unsigned int size)
{
	uint64_t value = 0;

	if (bar == 0) {
		if (dev->bars[0].maps)
			emu_bar_sync(dev);
		return emu_edu_read(dev, at, size);
	}
	if (dev->bars[bar].maps)
		memcpy(&value, (const char *)dev->bars[bar].page + at, size);
	return value;
}

void emu_bar_write(struct emu_device *dev, unsigned int bar, uint64_t at, unsigned int size,
		   uint64_t value)
{
	if (bar == 0) {
		if (dev->bars[0].maps)
			emu_bar_sync(dev);
		emu_edu_write(dev, at, size, value);
		if (dev->bars[0].maps)
			emu_bar_sync(dev);
	} else if (dev->bars[bar].maps) {
		memcpy((char *)dev->bars[bar].page + at, &value, size);
	}
}

/* The widest access that is aligned and not longer than what is left. */
static unsigned int access_size(uint64_t at, size_t left)
{
	unsigned int size = 8;

	while (size > left || at % size)
		size /= 2;
	return size;
}

static int one_access(struct emu_device *dev, unsigned int bar, uint64_t at, unsigned int size,
		      uint64_t user, bool write)
{
	uint64_t value = 0;
	int r;

	if (in_msix_table(dev, bar, at)) {
		value = UINT64_MAX;
		return write ? 0 : emu_user_write(user, &value, size);
	}
	if (!emu_config_memory(dev))
		return -EIO;
	if (!write) {
		value = emu_bar_read(dev, bar, at, size);
		return emu_user_write(user, &value, size);
	}
	r = emu_user_read(&value, user, size);
	if (!r)
		emu_bar_write(dev, bar, at, size, value);
	return r;
}

static ssize_t bar_rw(struct emu_device *dev, unsigned int bar, uint64_t user, size_t n,
		      uint64_t at, bool write)
{
	size_t done = 0;

	if (at >= dev->bars[bar].size)
		return -EINVAL;
	if (n > dev->bars[bar].size - at)
		n = dev->bars[bar].size - at;
	while (done < n) {
		unsigned int size = access_size(at + done, n - done);
		int r = one_access(dev, bar, at + done, size, user + done, write);

		if (r)
			return r;
		done += size;
	}
	return (ssize_t)done;
}

ssize_t emu_region_rw(struct emu_file *file, uint64_t user, size_t n, uint64_t offset, bool write)
{
	uint64_t index = EMU_REGION_INDEX(offset);
	uint64_t at = EMU_REGION_AT(offset);
	struct emu_device *dev = file->device;

	if ((int64_t)offset < 0 || !file->bound)
		return -EINVAL;
	if (!n)
		return 0;
	emu_device_wake(dev);
	if (dev->port)
		return emu_port_rw(dev, user, n, offset, write);
	if (index == K_VFIO_PCI_CONFIG_REGION_INDEX)
		return emu_config_rw(dev, user, n, at, write);
	if (index < EMU_NR_BARS)
		return bar_rw(dev, (unsigned int)index, user, n, at, write);
	return -EINVAL;
}
