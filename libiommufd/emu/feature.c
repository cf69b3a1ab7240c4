/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* VFIO_DEVICE_FEATURE: low power, and refusals. */
#include "emu/device.h"

#include <errno.h>

#include "os/uapi.h"

/* 1 to go on, 0 if probing was all that was asked. */
static int check_operation(uint32_t flags, size_t size, size_t min_size)
{
	const uint32_t ops = K_VFIO_DEVICE_FEATURE_GET | K_VFIO_DEVICE_FEATURE_SET;

	if (flags & ops & ~(uint32_t)K_VFIO_DEVICE_FEATURE_SET)
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
	int r = check_operation(flags, size, 0);

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
	int fd, r = check_operation(flags, size, sizeof(in));

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
	int r = check_operation(flags, size, 0);

	(void)data;
	if (r != 1)
		return r;
	dev->low_power = false;
	return 0;
}

/* Only for devices that have phases of a migration, which these do not. */
static int precopy_info(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	(void)dev, (void)flags, (void)data, (void)size;
	return -EINVAL;
}

static const struct {
	uint32_t feature;
	enum emu_feature kernel;
	int (*serve)(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size);
} features[] = {
	{ K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, EMU_FEATURE_LOW_POWER, enter_low_power },
	{ K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, EMU_FEATURE_LOW_POWER,
	  enter_with_wakeup },
	{ K_VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, EMU_FEATURE_LOW_POWER, leave_low_power },
	{ K_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, EMU_FEATURE_PRECOPY_V2, precopy_info },
};

int emu_device_feature(struct emu_device *dev, uint64_t arg)
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
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (features[i].feature == (in.flags & K_VFIO_DEVICE_FEATURE_MASK) &&
		    emu_has(dev->emu, features[i].kernel))
			return features[i].serve(dev, in.flags, arg + min, in.argsz - min);
	return -ENOTTY;
}
