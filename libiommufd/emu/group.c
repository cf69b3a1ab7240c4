/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* /dev/vfio/N: a group, opened once, given to a container or to an iommufd. */
#include "emu/group.h"

#include <errno.h>
#include <fcntl.h>

#include "emu/container.h"
#include "emu/device.h"
#include "os/uapi.h"

static struct emu_group *find_by_minor(struct iommufd_emu *emu, unsigned int minor)
{
	for (struct emu_group *group = emu->groups; group; group = group->next)
		if (group->vfio && group->minor == minor)
			return group;
	return NULL;
}

/* The lowest number that is free. */
void emu_group_add(struct emu_device *dev)
{
	struct emu_group *group = dev->group;
	unsigned int minor = 0;

	if (!dev->vfio)
		return;
	while (!group->vfio && find_by_minor(group->emu, minor))
		minor++;
	if (!group->vfio++)
		group->minor = minor;
}

static void leave_container(struct emu_group *group)
{
	if (group->container)
		emu_container_remove(group);
	emu_iommu_put(group->iommu);
	group->iommu = NULL;
}

/* A file that is open when the last one goes stays, and is good for nothing. */
void emu_group_remove(struct emu_device *dev)
{
	struct emu_group *group = dev->group;

	if (!dev->vfio || --group->vfio || !group->file)
		return;
	leave_container(group);
	group->file->orphan = true;
	group->file = NULL;
}

int emu_group_open(struct emu_file *file, struct iommufd_emu *emu, unsigned int minor)
{
	struct emu_group *group = find_by_minor(emu, minor);

	if (!group)
		return -ENODEV;
	if (emu_is_noiommu(emu) && !emu_is_privileged(emu))
		return -EPERM;
	if (group->cdevs || group->file)
		return -EBUSY;
	group->file = file;
	file->group = group;
	emu->counts.groups++;
	return 0;
}

void emu_group_close(struct emu_file *file)
{
	struct emu_group *group = file->group;

	if (!group)
		return;
	group->emu->counts.groups--;
	if (file->orphan)
		return;
	leave_container(group);
	group->file = NULL;
}

/* An iommufd does not claim the group before a device is opened, so that is a guess. */
static bool is_viable(const struct emu_group *group)
{
	if (!emu_has(group->emu, EMU_FEATURE_DMA_OWNER))
		return !emu_group_blocked(group);
	return group->container || group->iommu || !(group->owners || emu_group_blocked(group));
}

static int get_status(const struct emu_group *group, uint64_t arg)
{
	struct k_vfio_group_status status;
	int r = emu_user_read(&status, arg, sizeof(status));

	if (r)
		return r;
	if (status.argsz < sizeof(status))
		return -EINVAL;
	status.flags = 0;
	if (group->container || group->iommu)
		status.flags |= K_VFIO_GROUP_FLAGS_CONTAINER_SET;
	if (is_viable(group))
		status.flags |= K_VFIO_GROUP_FLAGS_VIABLE;
	return emu_user_write(arg, &status, sizeof(status));
}

static int use_iommufd(struct emu_group *group, struct emu_iommu *iommu)
{
	if (emu_is_noiommu(group->emu)) {
		if (iommu->vfio_ioas)
			return -EINVAL;
		iommu->noiommu = true;
	} else if (!emu_ioas_compat(iommu)) {
		return -ENOMEM;
	}
	iommu->refs++;
	group->iommu = iommu;
	return 0;
}

static int set_container(struct emu_group *group, uint64_t arg)
{
	struct emu_file *file;
	int32_t fd;
	int r = emu_user_read(&fd, arg, sizeof(fd));

	if (r)
		return r;
	file = emu_file_find(group->emu, fd);
	if (!file && fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	if (group->container || group->iommu)
		return -EINVAL;
	if (file && file->kind == EMU_FILE_CONTAINER)
		return emu_container_add(file->container, group);
	if (file && file->kind == EMU_FILE_IOMMU)
		return use_iommufd(group, file->iommu);
	return emu_has(group->emu, EMU_FEATURE_BADFD) ? -EBADFD : -EINVAL;
}

/* Devices that are bound to an iommufd do not stand in the way. */
static int unset_container(struct emu_group *group)
{
	if (!group->container && !group->iommu)
		return -EINVAL;
	if (group->users)
		return -EBUSY;
	leave_container(group);
	return 0;
}

int emu_group_ioctl(struct emu_file *file, uint32_t request, uint64_t arg)
{
	struct emu_group *group = file->group;

	if (file->orphan)
		return request == K_VFIO_GROUP_UNSET_CONTAINER ? -EINVAL : -ENODEV;
	switch (request) {
	case K_VFIO_GROUP_GET_STATUS:
		return get_status(group, arg);
	case K_VFIO_GROUP_SET_CONTAINER:
		return set_container(group, arg);
	case K_VFIO_GROUP_UNSET_CONTAINER:
		return unset_container(group);
	case K_VFIO_GROUP_GET_DEVICE_FD:
		return emu_group_get_device(group, arg);
	default:
		return -ENOTTY;
	}
}
