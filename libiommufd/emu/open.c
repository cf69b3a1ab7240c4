/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The first open of a device and the last close, whichever way the user came. */
#include <errno.h>
#include <stdlib.h>

#include "emu/container.h"
#include "emu/device.h"
#include "emu/engine.h"
#include "emu/port.h"

static int start_engine(struct iommufd_emu *emu)
{
	if (!emu->open_devices) {
		int r = emu_engine_start(emu);

		if (r)
			return r;
	}
	emu->open_devices++;
	return 0;
}

static void stop_engine(struct iommufd_emu *emu)
{
	if (!--emu->open_devices)
		emu_engine_stop(emu);
}

static int bind_iommufd(struct emu_device *dev, struct emu_iommu *iommu)
{
	int r = emu_object_add(iommu, &dev->object,
			       dev->port ? EMU_OBJECT_ACCESS : EMU_OBJECT_DEVICE);

	if (r)
		return r;
	if (dev->port)
		r = 0; /* there is no DMA to own */
	else if ((dev->emu->flags & IOMMUFD_EMU_NO_MSI_ISOLATION) && !emu_is_noiommu(dev->emu))
		r = -EPERM;
	else
		r = emu_group_claim(dev->group, iommu);
	if (r) {
		emu_object_remove(iommu, &dev->object);
		return r;
	}
	dev->object.users++; /* the driver's: user space cannot destroy it */
	dev->iommu = iommu;
	iommu->refs++;
	dev->emu->counts.bound++;
	return 0;
}

static void unbind_iommufd(struct emu_device *dev)
{
	struct emu_iommu *iommu = dev->iommu;

	emu_device_detach_all(dev);
	if (!dev->port)
		emu_group_release(dev->group);
	emu_object_remove(iommu, &dev->object);
	dev->iommu = NULL;
	dev->emu->counts.bound--;
	emu_iommu_put(iommu);
}

/* Where there is no IOMMU, the iommufd that is a group's container has nothing to bind. */
static int take(struct emu_device *dev, struct emu_iommu *iommu)
{
	int r;

	if (iommu)
		return emu_is_noiommu(dev->emu) && dev->group->file ? 0 : bind_iommufd(dev, iommu);
	r = emu_container_use(dev->group);
	dev->in_container = !r;
	return r;
}

static void let_go(struct emu_device *dev)
{
	if (dev->iommu)
		unbind_iommufd(dev);
	if (dev->in_container)
		emu_container_unuse(dev->group);
	dev->in_container = false;
}

static int first_open(struct emu_device *dev, struct emu_iommu *iommu)
{
	int r = take(dev, iommu);

	if (r)
		return r;
	r = emu_config_open(dev);
	if (r)
		goto fail_bound;
	r = start_engine(dev->emu);
	if (r)
		goto fail_config;
	dev->wakeup = -1;
	dev->low_power = false;
	emu_irq_init(dev);
	emu_edu_reset(dev);
	return 0;
fail_config:
	free(dev->config);
	dev->config = NULL;
fail_bound:
	let_go(dev);
	return r;
}

int emu_device_open(struct emu_device *dev, struct emu_iommu *iommu)
{
	int r = dev->opens ? 0 : first_open(dev, iommu);

	if (!r)
		dev->opens++;
	return r;
}

void emu_device_close(struct emu_device *dev)
{
	if (--dev->opens)
		return;
	if (dev->port)
		emu_port_end_transfer(dev->port);
	emu_irq_close(dev);
	emu_ioeventfd_close(dev);
	emu_eventfd_put(dev->emu, &dev->wakeup);
	free(dev->config);
	dev->config = NULL;
	let_go(dev);
	stop_engine(dev->emu);
	emu_driver_end_unbind(dev);
}
