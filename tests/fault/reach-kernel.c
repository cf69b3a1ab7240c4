/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The emulated kernel's address spaces, read where it keeps them. */
#include "reach.h"

#include <string.h>

#include <libiommufd/ioas.h>

#include "emu/container.h"
#include "emu/device.h"
#include "emu/group.h"
#include "emu/iommu.h"
#include "emu/port.h"
#include "emu/type1.h"

static uint32_t prot_of(bool readable, bool writable)
{
	return (readable ? (uint32_t)IOMMUFD_MAP_READ : 0) |
	       (writable ? (uint32_t)IOMMUFD_MAP_WRITE : 0);
}

static void read_ioas(const struct emu_ioas *ioas, struct reach *out)
{
	for (size_t i = 0; i < ioas->nr_areas; i++) {
		const struct emu_area *a = ioas->areas[i];
		struct piece p = {
			a->start, a->last, a->pages->fd < 0 ? a->pages->base + a->offset : 0,
			prot_of(a->flags & K_IOMMU_IOAS_MAP_READABLE,
				a->flags & K_IOMMU_IOAS_MAP_WRITEABLE),
		};

		reach_add(out, &p);
	}
}

static void read_type1(const struct emu_type1 *type1, struct reach *out)
{
	out->tracked = type1->dirty_tracking;
	for (size_t i = 0; i < type1->nr_dmas; i++) {
		const struct emu_dma *d = type1->dmas[i];
		struct piece p = {
			d->start, d->last, d->va,
			prot_of(d->access & K_VFIO_DMA_MAP_FLAG_READ,
				d->access & K_VFIO_DMA_MAP_FLAG_WRITE),
		};

		reach_add(out, &p);
	}
}

static const struct emu_device *find_open(const struct iommufd_emu *emu, const char *name)
{
	const struct emu_device *dev = emu->devices;

	while (dev && strcmp(dev->bdf, name))
		dev = dev->next;
	return dev && dev->opens ? dev : NULL;
}

bool reach_of_device(struct iommufd_emu *emu, const char *name, struct reach *out)
{
	const struct emu_device *dev = find_open(emu, name);

	*out = (struct reach){ 0 };
	if (!dev)
		return false;
	if (dev->group->container && dev->group->container->type1)
		read_type1(dev->group->container->type1, out);
	else if (dev->attached)
		read_ioas(dev->port ? dev->port->ioas : dev->group->hwpt->ioas, out);
	else
		return false;
	return true;
}

bool reach_of_pasid(struct iommufd_emu *emu, const char *name, uint32_t pasid, struct reach *out)
{
	const struct emu_device *dev = find_open(emu, name);
	const struct emu_pasid *p = dev ? dev->group->pasids : NULL;

	*out = (struct reach){ 0 };
	while (p && (p->dev != dev || p->pasid != (int)pasid))
		p = p->next;
	if (p)
		read_ioas(p->hwpt->ioas, out);
	return p;
}

/* The machine has one context. */
bool reach_of_ioas(struct iommufd_emu *emu, uint32_t id, struct reach *out)
{
	const struct emu_file *file = emu->files;
	const struct emu_object *object;

	*out = (struct reach){ 0 };
	while (file && file->kind != EMU_FILE_IOMMU)
		file = file->next;
	object = file && id && id <= file->iommu->room ? file->iommu->objects[id - 1] : NULL;
	if (!object || object->type != EMU_OBJECT_IOAS)
		return false;
	read_ioas((const struct emu_ioas *)object, out);
	return true;
}

size_t count_open_devices(struct iommufd_emu *emu)
{
	size_t count = 0;

	for (const struct emu_device *dev = emu->devices; dev; dev = dev->next)
		count += dev->opens != 0;
	return count;
}
