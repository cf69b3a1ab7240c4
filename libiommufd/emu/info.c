/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a device tells about itself: regions and interrupts. */
#include "emu/device.h"

#include <errno.h>

#include "os/uapi.h"

int emu_device_info(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_device_info, num_irqs);
	struct k_vfio_device_info info = { 0 };
	int r = emu_user_read(&info, arg, min);

	if (r)
		return r;
	if (info.argsz < min)
		return -EINVAL;
	info.flags = K_VFIO_DEVICE_FLAGS_PCI;
	if (emu_device_can_reset(dev))
		info.flags |= K_VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = K_VFIO_PCI_NUM_REGIONS;
	info.num_irqs = K_VFIO_PCI_NUM_IRQS;
	return emu_user_write(arg, &info, info.argsz < sizeof(info) ? info.argsz : sizeof(info));
}

/* Adds a capability behind the info, if there is room; says how much it takes if not. */
static int add_capability(struct k_vfio_region_info *info, uint64_t arg, uint16_t id)
{
	struct k_vfio_info_cap_header header = { .id = id, .version = 1 };
	uint32_t need = sizeof(*info) + sizeof(header);

	info->flags |= K_VFIO_REGION_INFO_FLAG_CAPS;
	if (info->argsz < need) {
		info->argsz = need;
		info->cap_offset = 0;
		return 0;
	}
	info->cap_offset = sizeof(*info);
	return emu_user_write(arg + sizeof(*info), &header, sizeof(header));
}

int emu_region_info(struct emu_device *dev, uint64_t arg)
{
	struct k_vfio_region_info info;
	int r = emu_user_read(&info, arg, sizeof(info));

	if (r)
		return r;
	if (info.argsz < sizeof(info) || info.index >= K_VFIO_PCI_VGA_REGION_INDEX)
		return -EINVAL;
	info.offset = (uint64_t)info.index << EMU_REGION_SHIFT;
	info.size = 0;
	info.flags = 0;
	if (info.index == K_VFIO_PCI_CONFIG_REGION_INDEX)
		info.size = dev->config->size;
	else if (info.index < EMU_NR_BARS)
		info.size = dev->bars[info.index].size;
	if (info.size)
		info.flags = K_VFIO_REGION_INFO_FLAG_READ | K_VFIO_REGION_INFO_FLAG_WRITE;
	if (info.size && info.index < EMU_NR_BARS) {
		info.flags |= K_VFIO_REGION_INFO_FLAG_MMAP;
		if (dev->msix && info.index == 2)
			r = add_capability(&info, arg, K_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	}
	return r ? r : emu_user_write(arg, &info, sizeof(info));
}

unsigned int emu_irq_count(const struct emu_device *dev, uint32_t index)
{
	switch (index) {
	case K_VFIO_PCI_INTX_IRQ_INDEX:
	case K_VFIO_PCI_MSI_IRQ_INDEX:
	case K_VFIO_PCI_ERR_IRQ_INDEX:
	case K_VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	case K_VFIO_PCI_MSIX_IRQ_INDEX:
		return dev->msix ? EMU_MSIX_VECTORS : 0;
	default:
		return 0;
	}
}

int emu_irq_info(struct emu_device *dev, uint64_t arg)
{
	struct k_vfio_irq_info info;
	int r = emu_user_read(&info, arg, sizeof(info));

	if (r)
		return r;
	if (info.argsz < sizeof(info) || info.index >= K_VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.flags = K_VFIO_IRQ_INFO_EVENTFD;
	if (info.index == K_VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= K_VFIO_IRQ_INFO_MASKABLE | K_VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index != K_VFIO_PCI_MSIX_IRQ_INDEX || !dev->msix)
		info.flags |= K_VFIO_IRQ_INFO_NORESIZE;
	info.count = emu_irq_count(dev, info.index);
	return emu_user_write(arg, &info, sizeof(info));
}
