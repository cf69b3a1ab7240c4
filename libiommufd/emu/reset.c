/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Resets: of a function, and of all functions on a bus. */
#include "emu/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "os/uapi.h"

bool emu_device_can_reset(const struct emu_device *dev)
{
	return dev->msix; /* the one with FLR */
}

/* Configuration space is saved and restored around it. */
void emu_device_reset(struct emu_device *dev)
{
	emu_edu_reset(dev);
	emu_irq_line(dev, false);
	if (dev->bars[0].maps)
		emu_bar_sync(dev);
}

int emu_device_reset_ioctl(struct emu_device *dev, uint64_t arg)
{
	(void)arg;
	if (!emu_device_can_reset(dev))
		return -EINVAL;
	emu_device_reset(dev);
	return 0;
}

/* A bus below a bridge can be reset; the root bus cannot. */
static bool same_bus(const struct emu_device *a, const struct emu_device *b)
{
	return a->domain == b->domain && a->bus == b->bus;
}

/* To an iommufd. */
static bool group_bound(const struct emu_group *group, const struct emu_iommu *iommu)
{
	return group->owners && group->owner == iommu;
}

static uint32_t device_id(const struct emu_device *dev, const struct emu_iommu *iommu)
{
	if (!dev->vfio)
		return (uint32_t)K_VFIO_PCI_DEVID_NOT_OWNED;
	if (dev->iommu == iommu)
		return dev->object.id;
	return group_bound(dev->group, iommu) ? K_VFIO_PCI_DEVID_OWNED
					      : (uint32_t)K_VFIO_PCI_DEVID_NOT_OWNED;
}

static uint32_t count_bus(const struct emu_device *dev)
{
	uint32_t n = 0;

	for (const struct emu_device *other = dev->emu->devices; other; other = other->next)
		n += same_bus(other, dev);
	return n;
}

int emu_hot_reset_info(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_pci_hot_reset_info, count);
	struct k_vfio_pci_hot_reset_info info;
	uint32_t room;
	int r = emu_user_read(&info, arg, min);

	if (r)
		return r;
	if (info.argsz < min)
		return -EINVAL;
	if (!dev->bus)
		return -ENODEV;
	room = (uint32_t)((info.argsz - min) / sizeof(struct k_vfio_pci_dependent_device));
	info.flags = 0;
	info.count = count_bus(dev);
	if (info.count > room) {
		r = emu_user_write(arg, &info, min);
		return r ? r : -ENOSPC;
	}
	if (dev->by_cdev)
		info.flags = K_VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
			     K_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	arg += min;
	for (const struct emu_device *other = dev->emu->devices; other; other = other->next) {
		struct k_vfio_pci_dependent_device out = {
			.devid = dev->by_cdev ? device_id(other, dev->iommu) : other->group->id,
			.segment = (uint16_t)other->domain,
			.bus = (uint8_t)other->bus,
			.devfn = (uint8_t)other->devfn,
		};

		if (!same_bus(other, dev))
			continue;
		if (!dev->by_cdev && emu_is_noiommu(dev->emu) && !other->vfio)
			return -EPERM; /* it is in no group */
		if (dev->by_cdev && out.devid == (uint32_t)K_VFIO_PCI_DEVID_NOT_OWNED)
			info.flags &= ~(uint32_t)K_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
		r = emu_user_write(arg, &out, sizeof(out));
		if (r)
			return r;
		arg += sizeof(out);
	}
	return emu_user_write(arg - info.count * sizeof(struct k_vfio_pci_dependent_device) - min,
			      &info, min);
}

static bool in_groups(const struct emu_device *dev, struct emu_file *const *files, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (files[i]->group == dev->group)
			return true;
	return false;
}

/* The files of groups that the user names. */
static int load_groups(struct iommufd_emu *emu, uint64_t fds, struct emu_file **files, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int32_t fd;
		int r = emu_user_read(&fd, fds + i * sizeof(fd), sizeof(fd));

		if (r)
			return r;
		files[i] = emu_file_find(emu, fd);
		if (!files[i])
			return fcntl(fd, F_GETFD) < 0 ? -EBADF : -EINVAL;
		if (files[i]->kind != EMU_FILE_GROUP)
			return -EINVAL;
	}
	return 0;
}

/*
 * Ownership is proven by the iommufd when the device was opened as a character
 * device, and by naming the groups otherwise.
 */
static int check_owner(const struct emu_device *dev, uint64_t fds, uint32_t n)
{
	struct emu_file **files = n ? calloc(n, sizeof(*files)) : NULL;
	int r = 0;

	if (n)
		r = files ? load_groups(dev->emu, fds, files, n) : -ENOMEM;
	for (const struct emu_device *other = dev->emu->devices; !r && other; other = other->next) {
		bool owned;

		if (!same_bus(other, dev))
			continue;
		if (n)
			owned = other->vfio && in_groups(other, files, n);
		else
			owned = device_id(other, dev->iommu) !=
				(uint32_t)K_VFIO_PCI_DEVID_NOT_OWNED;
		if (!owned)
			r = -EINVAL;
	}
	free(files);
	return r;
}

int emu_hot_reset(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_pci_hot_reset, count);
	struct k_vfio_pci_hot_reset in;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min || in.flags || !in.count != dev->by_cdev)
		return -EINVAL;
	if (!dev->bus)
		return -ENODEV;
	if (in.count > count_bus(dev))
		return -EINVAL;
	r = check_owner(dev, arg + min, in.count);
	if (r)
		return r;
	for (struct emu_device *other = dev->emu->devices; other; other = other->next)
		if (same_bus(other, dev) && other->opens)
			emu_device_reset(other);
	return 0;
}
