/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Drivers that come and go while the machine runs. */
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "emu/device.h"
#include "emu/uevent.h"

bool emu_driver_name_ok(const char *driver)
{
	return strlen(driver) < sizeof(((struct emu_device *)0)->driver) && !strchr(driver, '/');
}

/* As the kernel numbers them: the lowest that is free. */
unsigned int emu_cdev_number(struct iommufd_emu *emu)
{
	unsigned int number = 0;

	while (emu_device_by_cdev(emu, number))
		number++;
	return number;
}

/* Without an IOMMU, VFIO makes a group for each of its devices. */
static uint32_t group_number(const struct iommufd_emu *emu)
{
	const struct emu_group *group = emu->groups;
	uint32_t number = 0;

	while (group)
		if (group->vfio && group->id == number) {
			number++;
			group = emu->groups;
		} else {
			group = group->next;
		}
	return number;
}

void emu_driver_prepare(struct emu_device *dev)
{
	dev->cdev = emu_cdev_number(dev->emu);
	dev->vfio = dev->port || strstr(dev->driver, "vfio");
	if (dev->vfio && emu_is_noiommu(dev->emu))
		dev->group->id = group_number(dev->emu);
	emu_group_add(dev);
}

static void remove_vfio(struct emu_device *dev, bool early)
{
	if (!dev->vfio || early != emu_has(dev->emu, EMU_FEATURE_EARLY_REMOVAL))
		return;
	emu_uevent_vfio(dev, "remove");
	emu_sysfs_remove_vfio(dev);
}

/* What the kernel does at once, even if it has to wait for the user then. */
static void begin_unbind(struct emu_device *dev)
{
	if (dev->leaving || !*dev->driver)
		return;
	emu_sysfs_unbind(dev);
	remove_vfio(dev, true);
	dev->leaving = true;
}

void emu_driver_end_unbind(struct emu_device *dev)
{
	if (!dev->leaving)
		return;
	remove_vfio(dev, false);
	if (dev->vfio && dev->group->vfio == 1)
		emu_uevent_group(dev->group, "remove");
	emu_sysfs_leave_group(dev);
	emu_group_remove(dev);
	dev->leaving = false;
	dev->vfio = false;
	*dev->driver = '\0';
	emu_uevent_device(dev, "unbind");
}

static int bind(struct emu_device *dev, const char *driver)
{
	int r;

	if (!*driver)
		return 0;
	if (emu_driver_does_dma(driver) && dev->group->owners &&
	    emu_has(dev->emu, EMU_FEATURE_DMA_OWNER))
		return -EBUSY;
	strcpy(dev->driver, driver);
	emu_driver_prepare(dev);
	r = emu_sysfs_bind(dev);
	if (r) {
		emu_group_remove(dev);
		dev->vfio = false;
		*dev->driver = '\0';
		return r;
	}
	emu_driver_bound(dev);
	return 0;
}

void emu_driver_bound(struct emu_device *dev)
{
	if (dev->vfio && dev->group->vfio == 1)
		emu_uevent_group(dev->group, "add");
	if (dev->vfio)
		emu_uevent_vfio(dev, "add");
	if (*dev->driver)
		emu_uevent_device(dev, "bind");
}

static int set_driver(struct iommufd_emu *emu, const char *bdf, const char *driver)
{
	struct emu_device *dev = emu->devices;

	while (dev && strcmp(dev->bdf, bdf))
		dev = dev->next;
	if (!dev)
		return -ENOENT;
	if (dev->bridge && strstr(driver, "vfio"))
		return -EINVAL;
	if (!strcmp(dev->driver, driver) && !dev->leaving)
		return 0;
	begin_unbind(dev);
	if (dev->vfio && dev->opens) {
		emu_eventfd_signal(dev->irq.request); /* please give it back */
		return -EBUSY;
	}
	emu_driver_end_unbind(dev);
	return bind(dev, driver);
}

IOMMUFD_EXPORT int iommufd_emu_set_driver(struct iommufd_emu *emu, const char *bdf,
					  const char *driver)
{
	unsigned int domain, bus, devfn;
	int r;

	if (!driver)
		driver = "";
	if (!emu || !bdf || !emu_bdf_parse(bdf, &domain, &bus, &devfn) ||
	    !emu_driver_name_ok(driver))
		return -EINVAL;
	emu_lock(emu);
	r = set_driver(emu, bdf, driver);
	emu_unlock(emu);
	return r;
}
