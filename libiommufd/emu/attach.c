/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Attaching a device to a page table. */
#include "emu/attach.h"

#include <errno.h>

#include "emu/fault.h"
#include "emu/mock.h"
#include "emu/port.h"

static int reserve(struct emu_device *dev, struct emu_ioas *ioas)
{
	struct emu_range reserved[EMU_MAX_RESERVED];
	size_t n = emu_device_reserved(dev, reserved);

	for (size_t i = 0; i < n; i++) {
		int r = emu_iova_reserve(ioas, reserved[i].start, reserved[i].last, dev);

		if (r) {
			emu_iova_unreserve(ioas, dev);
			return r;
		}
	}
	return 0;
}

static void count_attached(struct emu_device *dev, bool attached)
{
	dev->attached = attached;
	dev->group->attached += attached ? 1 : -1u;
	dev->emu->counts.attached += attached ? 1 : UINT64_MAX;
}

/* What the driver of the IOMMU has to say. */
static int check_driver(struct emu_device *dev, struct emu_hwpt *hwpt)
{
	if (emu_device_is_noiommu(dev))
		return 0;
	if (hwpt->mock != !!dev->mock)
		return -EINVAL;
	if (dev->mock)
		return emu_mock_attach(dev->mock, hwpt);
	return hwpt->fault ? -ENODEV : 0; /* the device asks for no pages */
}

int emu_attach(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
{
	struct emu_group *group = dev->group;
	int r;

	if (dev->attached)
		return -EBUSY;
	if (group->hwpt && group->hwpt != hwpt)
		return -EINVAL;
	r = reserve(dev, hwpt->ioas);
	if (r)
		return r;
	if (!group->hwpt)
		r = !hwpt->pasid && group->pasids ? -EINVAL : check_driver(dev, hwpt);
	if (r) {
		emu_iova_unreserve(hwpt->ioas, dev);
		return r;
	}
	group->hwpt = hwpt;
	hwpt->object.users++;
	count_attached(dev, true);
	dev->attached_as_pasid = pasid == EMU_PASID_ZERO;
	return 0;
}

void emu_detach(struct emu_device *dev)
{
	if (dev->port) {
		emu_port_disconnect(dev);
		return;
	}
	struct emu_hwpt *hwpt = dev->group->hwpt;

	count_attached(dev, false);
	if (!dev->group->attached)
		dev->group->hwpt = NULL;
	if (dev->mock)
		emu_mock_detach(dev->mock);
	emu_fault_leave(hwpt, dev, EMU_NO_PASID);
	emu_iova_unreserve(hwpt->ioas, dev);
	emu_hwpt_put(hwpt);
}

static void unreserve_group(struct emu_device *dev, struct emu_ioas *ioas)
{
	for (struct emu_device *m = dev->emu->devices; m; m = m->next)
		if (m->group == dev->group && m->attached)
			emu_iova_unreserve(ioas, m);
}

static int reserve_group(struct emu_device *dev, struct emu_ioas *ioas)
{
	for (struct emu_device *m = dev->emu->devices; m; m = m->next) {
		int r;

		if (m->group != dev->group || !m->attached)
			continue;
		r = reserve(m, ioas);
		if (r) {
			unreserve_group(dev, ioas);
			return r;
		}
	}
	return 0;
}

/* The neighbours come along. */
int emu_replace(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
{
	struct emu_group *group = dev->group;
	struct emu_hwpt *old = group->hwpt;
	bool moves;
	int r = 0;

	(void)pasid;
	if (!dev->attached)
		return -EINVAL;
	if (hwpt == old)
		return 0;
	moves = hwpt->ioas != old->ioas;
	if (moves)
		r = reserve_group(dev, hwpt->ioas);
	if (r)
		return r;
	r = !hwpt->pasid && group->pasids ? -EINVAL : check_driver(dev, hwpt);
	if (r) {
		if (moves)
			unreserve_group(dev, hwpt->ioas);
		return r;
	}
	if (moves)
		unreserve_group(dev, old->ioas);
	emu_fault_leave(old, dev, EMU_NO_PASID);
	group->hwpt = hwpt;
	hwpt->object.users += group->attached;
	old->object.users -= group->attached - 1;
	emu_hwpt_put(old);
	return 0;
}

/* What the kernel looks at before it fills a new table, which has errors of its own. */
static int check_first(struct emu_device *dev, struct emu_ioas *ioas)
{
	int r;

	if (dev->attached)
		return -EBUSY;
	r = dev->group->hwpt ? -EINVAL : reserve(dev, ioas);
	if (!r)
		emu_iova_unreserve(ioas, dev);
	return r;
}

/* Given an address space: the first automatic table that will do, or a new one. */
static int connect_ioas(struct emu_device *dev, struct emu_ioas *ioas, int pasid,
			emu_connect_fn *connect, uint32_t *pt_id)
{
	struct emu_hwpt *hwpt, *next;
	int r;

	for (hwpt = ioas->hwpts; hwpt; hwpt = next) {
		next = hwpt->next;
		if (!hwpt->automatic)
			continue;
		r = connect(dev, hwpt, pasid);
		if (r == -EINVAL)
			continue;
		*pt_id = hwpt->object.id;
		return r;
	}
	r = connect == emu_attach ? check_first(dev, ioas) : 0;
	if (r)
		return r;
	r = emu_hwpt_new(dev, ioas, 0, false, &hwpt);
	if (r)
		return r;
	r = connect(dev, hwpt, pasid);
	if (r) {
		emu_hwpt_destroy(hwpt);
		return r;
	}
	hwpt->automatic = true;
	*pt_id = hwpt->object.id;
	return 0;
}

int emu_connect(struct emu_device *dev, int pasid, emu_connect_fn *connect, uint32_t *pt_id)
{
	struct emu_object *object = emu_object_get(dev->iommu, *pt_id, EMU_OBJECT_ANY);

	if (dev->port)
		return emu_port_connect(dev, pasid != EMU_NO_PASID, *pt_id);
	if (!object)
		return -ENOENT;
	if (object->type == EMU_OBJECT_IOAS)
		return connect_ioas(dev, (struct emu_ioas *)object, pasid, connect, pt_id);
	if (object->type == EMU_OBJECT_HWPT || object->type == EMU_OBJECT_NESTED)
		return connect(dev, (struct emu_hwpt *)object, pasid);
	return -EINVAL;
}

/* As a group's member is, that never says what to attach it to. */
int emu_device_attach_ioas(struct emu_device *dev, struct emu_ioas *ioas)
{
	uint32_t pt_id;

	if (dev->port)
		return emu_port_connect(dev, false, ioas->object.id);
	return connect_ioas(dev, ioas, EMU_NO_PASID, emu_attach, &pt_id);
}

void emu_device_detach_all(struct emu_device *dev)
{
	struct emu_pasid *next;

	for (struct emu_pasid *p = dev->group->pasids; p; p = next) {
		next = p->next;
		if (p->dev == dev)
			emu_detach_pasid(dev, p->pasid);
	}
	if (dev->attached)
		emu_detach(dev);
}
