/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Containers: /dev/vfio/vfio, the groups in one, and their IOMMU driver. */
#include "emu/container.h"

#include <errno.h>
#include <stdlib.h>

#include "emu/group.h"
#include "emu/type1.h"
#include "os/uapi.h"

struct emu_container *emu_container_new(struct iommufd_emu *emu)
{
	struct emu_container *container = calloc(1, sizeof(*container));

	if (!container)
		return NULL;
	container->emu = emu;
	container->refs = 1;
	emu->counts.containers++;
	return container;
}

void emu_container_put(struct emu_container *container)
{
	if (!container || --container->refs)
		return;
	container->emu->counts.containers--;
	free(container);
}

int emu_container_add(struct emu_container *container, struct emu_group *group)
{
	int r = emu_is_noiommu(container->emu) && !emu_is_privileged(container->emu) ? -EPERM : 0;

	if (!r)
		r = emu_group_claim(group, group);
	if (!r && container->type1) {
		r = emu_type1_attach(container->type1, group);
		if (r)
			emu_group_release(group);
	}
	if (r)
		return r;
	group->container = container;
	group->next_in_container = container->groups;
	container->groups = group;
	container->refs++;
	return 0;
}

/* The driver goes with the last group, and all mappings with it. */
void emu_container_remove(struct emu_group *group)
{
	struct emu_container *container = group->container;
	struct emu_group **link = &container->groups;

	while (*link != group)
		link = &(*link)->next_in_container;
	*link = group->next_in_container;
	if (container->type1)
		emu_type1_detach(container->type1, group);
	emu_group_release(group);
	group->container = NULL;
	if (!container->groups) {
		emu_type1_free(container->type1);
		container->type1 = NULL;
		container->noiommu = false;
	}
	emu_container_put(container);
}

int emu_container_use(struct emu_group *group)
{
	if (!group->container || !emu_container_has_driver(group->container))
		return -EINVAL;
	group->users++;
	group->file->holds++;
	return 0;
}

void emu_container_unuse(struct emu_group *group)
{
	group->users--;
	group->file->holds--;
	emu_file_put(group->emu, group->file);
}

bool emu_container_has_driver(const struct emu_container *container)
{
	return container->type1 || container->noiommu;
}

/* Before there is a group, any driver may answer; then the one for its kind. */
static int check_extension(const struct emu_container *container, uint64_t extension)
{
	const struct iommufd_emu *emu = container->emu;
	bool noiommu = emu_is_noiommu(emu);

	if (noiommu && extension == K_VFIO_NOIOMMU_IOMMU)
		return 1;
	if (noiommu && container->groups)
		return 0;
	return emu_type1_extension(emu, container->type1, extension);
}

static int set_noiommu(struct emu_container *container, uint64_t type)
{
	if (type != K_VFIO_NOIOMMU_IOMMU)
		return -ENODEV;
	if (!emu_is_privileged(container->emu))
		return -EPERM;
	container->noiommu = true;
	return 0;
}

static int set_iommu(struct emu_container *container, uint64_t type)
{
	struct emu_type1 *type1;

	if (!container->groups || emu_container_has_driver(container))
		return -EINVAL;
	if (emu_is_noiommu(container->emu))
		return set_noiommu(container, type);
	if (!emu_type1_extension(container->emu, NULL, type))
		return -ENODEV;
	if (type != K_VFIO_TYPE1_IOMMU && type != K_VFIO_TYPE1v2_IOMMU)
		return -EINVAL; /* an extension, but none that stands for a driver */
	type1 = emu_type1_new(container->emu, type == K_VFIO_TYPE1v2_IOMMU);
	if (!type1)
		return -ENOMEM;
	for (struct emu_group *group = container->groups; group; group = group->next_in_container) {
		int r = emu_type1_attach(type1, group);

		if (r) {
			emu_type1_free(type1);
			return r;
		}
	}
	container->type1 = type1;
	return 0;
}

int emu_container_ioctl(struct emu_container *container, uint32_t request, uint64_t arg)
{
	switch (request) {
	case K_VFIO_GET_API_VERSION:
		return K_VFIO_API_VERSION;
	case K_VFIO_CHECK_EXTENSION:
		return check_extension(container, arg);
	case K_VFIO_SET_IOMMU:
		return set_iommu(container, arg);
	default:
		if (container->noiommu)
			return -ENOTTY;
		return container->type1 ? emu_type1_ioctl(container->type1, request, arg) : -EINVAL;
	}
}
