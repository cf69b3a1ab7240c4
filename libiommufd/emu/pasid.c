/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Attaching one PASID of a device to a page table. */
#include "emu/attach.h"

#include <errno.h>
#include <stdlib.h>

#include "emu/fault.h"
#include "emu/mock.h"

struct emu_pasid *emu_pasid_find(const struct emu_group *group, const struct emu_device *dev,
				 int pasid)
{
	for (struct emu_pasid *p = group->pasids; p; p = p->next)
		if (p->pasid == pasid && (!dev || p->dev == dev))
			return p;
	return NULL;
}

/*
 * The device's own table must allow PASIDs too. How many there are is asked of mock
 * devices alone: of a device without any the kernel asks neither that nor its driver.
 */
static int check(struct emu_device *dev, const struct emu_hwpt *hwpt, int pasid)
{
	const struct emu_group *group = dev->group;

	if (!hwpt->pasid || (group->hwpt && !group->hwpt->pasid))
		return -EINVAL;
	if (emu_device_is_noiommu(dev))
		return 0;
	if (hwpt->mock != !!dev->mock)
		return -EINVAL;
	return dev->mock ? emu_mock_attach_pasid(dev->mock, pasid) : 0;
}

int emu_attach_pasid(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
{
	struct emu_pasid *taken = emu_pasid_find(dev->group, NULL, pasid);
	struct emu_pasid *p;
	int r;

	if (emu_pasid_find(dev->group, dev, pasid))
		return -EBUSY;
	if (taken && taken->hwpt != hwpt)
		return -EINVAL;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	r = taken ? 0 : check(dev, hwpt, pasid);
	if (r) {
		free(p);
		return r;
	}
	*p = (struct emu_pasid){ dev->group->pasids, dev, hwpt, pasid };
	dev->group->pasids = p;
	hwpt->object.users++;
	return 0;
}

int emu_replace_pasid(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
{
	struct emu_pasid *own = emu_pasid_find(dev->group, dev, pasid);
	int r;

	if (!own)
		return -EINVAL;
	if (own->hwpt == hwpt)
		return 0;
	r = check(dev, hwpt, pasid);
	if (r)
		return r;
	for (struct emu_pasid *p = dev->group->pasids; p; p = p->next) {
		struct emu_hwpt *old = p->hwpt;

		if (p->pasid != pasid)
			continue;
		emu_fault_leave(old, p->dev, pasid);
		p->hwpt = hwpt;
		hwpt->object.users++;
		emu_hwpt_put(old);
	}
	return 0;
}

void emu_detach_pasid(struct emu_device *dev, int pasid)
{
	if (pasid == EMU_PASID_ZERO && dev->attached && dev->attached_as_pasid)
		emu_detach(dev);
	for (struct emu_pasid **at = &dev->group->pasids; *at; at = &(*at)->next) {
		struct emu_pasid *p = *at;

		if (p->dev != dev || p->pasid != pasid)
			continue;
		*at = p->next;
		emu_fault_leave(p->hwpt, dev, pasid);
		if (dev->mock)
			emu_mock_detach_pasid(dev->mock, pasid);
		emu_hwpt_put(p->hwpt);
		free(p);
		return;
	}
}
