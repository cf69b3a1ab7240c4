/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Requests to a VFIO device. */
#include "emu/device.h"

#include <errno.h>

#include "base/macro.h"
#include "emu/port.h"
#include "os/uapi.h"

static const struct {
	uint32_t request;
	int (*serve)(struct emu_device *dev, uint64_t arg);
	bool cdev_only;
} rows[] = {
	{ K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, emu_device_attach, true },
	{ K_VFIO_DEVICE_DETACH_IOMMUFD_PT, emu_device_detach, true },
	{ K_VFIO_DEVICE_FEATURE, emu_device_feature, false },
	{ K_VFIO_DEVICE_GET_INFO, emu_device_info, false },
	{ K_VFIO_DEVICE_GET_IRQ_INFO, emu_irq_info, false },
	{ K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, emu_hot_reset_info, false },
	{ K_VFIO_DEVICE_GET_REGION_INFO, emu_region_info, false },
	{ K_VFIO_DEVICE_IOEVENTFD, emu_ioeventfd, false },
	{ K_VFIO_DEVICE_PCI_HOT_RESET, emu_hot_reset, false },
	{ K_VFIO_DEVICE_RESET, emu_device_reset_ioctl, false },
	{ K_VFIO_DEVICE_SET_IRQS, emu_irq_set, false },
};

int emu_device_ioctl(struct emu_file *file, uint32_t request, uint64_t arg)
{
	if (request == K_VFIO_DEVICE_BIND_IOMMUFD && emu_has(file->device->emu, EMU_FEATURE_CDEV))
		return emu_device_bind(file, arg);
	if (!file->bound)
		return -EINVAL;
	if (file->device->port)
		return emu_port_ioctl(file->device, request, arg);
	emu_device_wake(file->device);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].request == request &&
		    (!rows[i].cdev_only || file->kind == EMU_FILE_CDEV))
			return rows[i].serve(file->device, arg);
	return -ENOTTY;
}

struct emu_device *emu_device_by_cdev(struct iommufd_emu *emu, unsigned int cdev)
{
	for (struct emu_device *dev = emu->devices; dev; dev = dev->next)
		if (dev->vfio && dev->cdev == cdev)
			return dev;
	return NULL;
}

bool emu_device_is_noiommu(const struct emu_device *dev)
{
	return emu_is_noiommu(dev->emu) && !dev->mock;
}

struct emu_device *emu_device_get(struct emu_iommu *iommu, uint32_t id)
{
	struct emu_object *object = emu_object_get(iommu, id, EMU_OBJECT_DEVICE);

	return object ? container_of(object, struct emu_device, object) : NULL;
}

size_t emu_device_reserved(const struct emu_device *dev, struct emu_range *out)
{
	if (dev->port || emu_device_is_noiommu(dev) || dev->mock)
		return 0;
	out[0] = (struct emu_range){ EMU_MSI_START, EMU_MSI_LAST };
	out[1] = dev->reserved;
	return dev->reserved.last ? 2 : 1;
}
