/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Binding a device to an iommufd, which opens it, and undoing that. */
#include "emu/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "emu/engine.h"
#include "os/uapi.h"

static int check_token(const struct emu_device *dev, const struct k_vfio_device_bind_iommufd *in)
{
	uint8_t token[sizeof(dev->token)];
	int r;

	if (!(in->flags & K_VFIO_DEVICE_BIND_FLAG_TOKEN))
		return dev->has_token ? -EACCES : 0;
	r = emu_user_read(token, in->token_uuid_ptr, sizeof(token));
	if (r)
		return r;
	if (!dev->has_token)
		return -EINVAL;
	return memcmp(token, dev->token, sizeof(token)) ? -EACCES : 0;
}

static int find_iommu(struct iommufd_emu *emu, int fd, struct emu_iommu **out)
{
	struct emu_file *file = emu_file_find(emu, fd);

	if (!file)
		return fcntl(fd, F_GETFD) < 0 ? -EBADF : -EBADFD;
	if (file->kind != EMU_FILE_IOMMU)
		return -EBADFD;
	*out = file->iommu;
	return 0;
}

/* A neighbour under a driver that does DMA of its own bars the whole group. */
static bool blocks_group(const struct emu_device *dev)
{
	return *dev->driver && !dev->vfio && strcmp(dev->driver, "pci-stub") &&
	       strcmp(dev->driver, "pcieport");
}

static int claim_group(struct emu_device *dev, const struct emu_iommu *iommu)
{
	struct emu_group *group = dev->group;

	if (dev->emu->flags & IOMMUFD_EMU_NO_MSI_ISOLATION)
		return -EPERM;
	for (const struct emu_device *other = dev->emu->devices; other; other = other->next)
		if (other->group == group && blocks_group(other))
			return -EPERM;
	if (group->owners && group->owner != iommu)
		return -EPERM;
	group->owner = iommu;
	group->owners++;
	return 0;
}

static void release_group(struct emu_device *dev)
{
	if (!--dev->group->owners)
		dev->group->owner = NULL;
}

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

static int open_device(struct emu_file *file, struct emu_iommu *iommu)
{
	struct emu_device *dev = file->device;
	int r;

	if (dev->file)
		return -EINVAL;
	r = emu_object_add(iommu, &dev->object, EMU_OBJECT_DEVICE);
	if (r)
		return r;
	r = claim_group(dev, iommu);
	if (r)
		goto fail_object;
	r = emu_config_open(dev);
	if (r)
		goto fail_group;
	r = start_engine(dev->emu);
	if (r)
		goto fail_config;
	dev->object.users++; /* the driver's: user space cannot destroy it */
	dev->iommu = iommu;
	iommu->refs++;
	dev->file = file;
	dev->wakeup = -1;
	dev->low_power = false;
	emu_irq_init(dev);
	emu_edu_reset(dev);
	file->bound = true;
	dev->emu->counts.bound++;
	return 0;
fail_config:
	free(dev->config);
	dev->config = NULL;
fail_group:
	release_group(dev);
fail_object:
	emu_object_remove(iommu, &dev->object);
	return r;
}

int emu_device_bind(struct emu_file *file, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_device_bind_iommufd, out_devid);
	const uint64_t out = arg + offsetof(struct k_vfio_device_bind_iommufd, out_devid);
	struct emu_device *dev = file->device;
	struct k_vfio_device_bind_iommufd in;
	struct emu_iommu *iommu = NULL;
	uint32_t size;
	int r = emu_user_read(&size, arg, sizeof(size));

	if (r)
		return r;
	if (size < min)
		return -EINVAL;
	r = emu_user_struct(&in, sizeof(in), arg, size);
	if (r)
		return r;
	if (in.iommufd < 0 || (in.flags & ~(uint32_t)K_VFIO_DEVICE_BIND_FLAG_TOKEN) || file->bound)
		return -EINVAL;
	r = check_token(dev, &in);
	if (!r)
		r = find_iommu(dev->emu, in.iommufd, &iommu);
	if (!r)
		r = open_device(file, iommu);
	if (r)
		return r;
	r = emu_user_write(out, &dev->object.id, sizeof(dev->object.id));
	if (r)
		emu_device_unbind(file);
	return r;
}

void emu_device_unbind(struct emu_file *file)
{
	struct emu_device *dev = file->device;
	struct emu_iommu *iommu = dev->iommu;

	emu_irq_close(dev);
	emu_ioeventfd_close(dev);
	emu_eventfd_put(dev->emu, &dev->wakeup);
	emu_device_detach_all(dev);
	free(dev->config);
	dev->config = NULL;
	release_group(dev);
	emu_object_remove(iommu, &dev->object);
	dev->file = NULL;
	dev->iommu = NULL;
	file->bound = false;
	dev->emu->counts.bound--;
	stop_engine(dev->emu);
	emu_iommu_put(iommu);
}
