/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Binding a device to an iommufd, which opens it, and undoing that. */
#include "emu/device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "os/uapi.h"

int emu_device_check_token(const struct emu_device *dev, const uint8_t *token)
{
	if (!token)
		return dev->has_token ? -EACCES : 0;
	if (!dev->has_token)
		return -EINVAL;
	return memcmp(token, dev->token, sizeof(dev->token)) ? -EACCES : 0;
}

static int check_token(const struct emu_device *dev, const struct k_vfio_device_bind_iommufd *in)
{
	uint8_t token[sizeof(dev->token)];
	int r;

	if (!(in->flags & K_VFIO_DEVICE_BIND_FLAG_TOKEN))
		return emu_device_check_token(dev, NULL);
	r = emu_user_read(token, in->token_uuid_ptr, sizeof(token));
	return r ? r : emu_device_check_token(dev, token);
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
	if (in.iommufd < 0 || (in.flags & ~(uint32_t)K_VFIO_DEVICE_BIND_FLAG_TOKEN))
		return -EINVAL;
	if (file->kind != EMU_FILE_CDEV)
		return -EINVAL;
	if (dev->group->file)
		return -EBUSY;
	if (file->bound)
		return -EINVAL;
	r = check_token(dev, &in);
	if (!r)
		r = find_iommu(dev->emu, in.iommufd, &iommu);
	if (!r)
		r = dev->opens ? -EINVAL : emu_device_open(dev, iommu);
	if (r)
		return r;
	file->bound = true;
	dev->by_cdev = true;
	dev->group->cdevs++;
	r = emu_user_write(out, &dev->object.id, sizeof(dev->object.id));
	if (r)
		emu_device_unbind(file);
	return r;
}

void emu_device_unbind(struct emu_file *file)
{
	struct emu_device *dev = file->device;

	emu_device_close(dev);
	dev->by_cdev = false;
	dev->group->cdevs--;
	file->bound = false;
}
