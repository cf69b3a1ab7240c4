/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Attaching a device, or one of its PASIDs, to a page table. */
#include "emu/device.h"

#include <errno.h>
#include <stdlib.h>

#include "os/uapi.h"

/* In place of a PASID: the device itself, and the same if named as PASID 0. */
enum { NO_PASID = -1, PASID_ZERO = 0 };

/*
 * Makes one member of a group use a page table, or moves all of them to it.
 * -EINVAL means that this table will not do, and another one may.
 */
typedef int connect_fn(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid);

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

static int attach(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
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
	if (!group->hwpt && !hwpt->pasid && group->pasids) {
		emu_iova_unreserve(hwpt->ioas, dev);
		return -EINVAL;
	}
	group->hwpt = hwpt;
	hwpt->object.users++;
	count_attached(dev, true);
	dev->attached_as_pasid = pasid == PASID_ZERO;
	return 0;
}

static void detach(struct emu_device *dev)
{
	struct emu_hwpt *hwpt = dev->group->hwpt;

	count_attached(dev, false);
	if (!dev->group->attached)
		dev->group->hwpt = NULL;
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
static int replace(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
{
	struct emu_group *group = dev->group;
	struct emu_hwpt *old = group->hwpt;
	bool moves = hwpt->ioas != old->ioas;
	int r = 0;

	(void)pasid;
	if (hwpt == old)
		return 0;
	if (moves)
		r = reserve_group(dev, hwpt->ioas);
	if (r)
		return r;
	if (!hwpt->pasid && group->pasids) {
		if (moves)
			unreserve_group(dev, hwpt->ioas);
		return -EINVAL;
	}
	if (moves)
		unreserve_group(dev, old->ioas);
	group->hwpt = hwpt;
	hwpt->object.users += group->attached;
	old->object.users -= group->attached - 1;
	emu_hwpt_put(old);
	return 0;
}

static struct emu_pasid *find_pasid(const struct emu_group *group, const struct emu_device *dev,
				    int pasid)
{
	for (struct emu_pasid *p = group->pasids; p; p = p->next)
		if (p->pasid == pasid && (!dev || p->dev == dev))
			return p;
	return NULL;
}

static int check_pasid(const struct emu_group *group, const struct emu_hwpt *hwpt)
{
	return hwpt->pasid && (!group->hwpt || group->hwpt->pasid) ? 0 : -EINVAL;
}

/* A device without PASIDs is let through: the kernel skips the width check for those. */
static int attach_pasid(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
{
	struct emu_pasid *taken = find_pasid(dev->group, NULL, pasid);
	struct emu_pasid *p;
	int r;

	if (taken && taken->hwpt != hwpt)
		return -EINVAL;
	r = taken ? 0 : check_pasid(dev->group, hwpt);
	if (r)
		return r;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct emu_pasid){ dev->group->pasids, dev, hwpt, pasid };
	dev->group->pasids = p;
	hwpt->object.users++;
	return 0;
}

static int replace_pasid(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid)
{
	int r = check_pasid(dev->group, hwpt);

	if (r)
		return r;
	for (struct emu_pasid *p = dev->group->pasids; p; p = p->next) {
		struct emu_hwpt *old = p->hwpt;

		if (p->pasid != pasid || old == hwpt)
			continue;
		p->hwpt = hwpt;
		hwpt->object.users++;
		emu_hwpt_put(old);
	}
	return 0;
}

static void detach_pasid(struct emu_device *dev, int pasid)
{
	if (pasid == PASID_ZERO && dev->attached && dev->attached_as_pasid)
		detach(dev);
	for (struct emu_pasid **at = &dev->group->pasids; *at; at = &(*at)->next) {
		struct emu_pasid *p = *at;

		if (p->dev != dev || p->pasid != pasid)
			continue;
		*at = p->next;
		emu_hwpt_put(p->hwpt);
		free(p);
		return;
	}
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
			connect_fn *connect, uint32_t *pt_id)
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
	r = connect == attach ? check_first(dev, ioas) : 0;
	if (r)
		return r;
	r = emu_hwpt_new(ioas, false, &hwpt);
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

static int connect_object(struct emu_device *dev, int pasid, connect_fn *connect, uint32_t *pt_id)
{
	struct emu_object *object = emu_object_get(dev->iommu, *pt_id, EMU_OBJECT_ANY);

	if (!object)
		return -ENOENT;
	if (object->type == EMU_OBJECT_IOAS)
		return connect_ioas(dev, (struct emu_ioas *)object, pasid, connect, pt_id);
	if (object->type == EMU_OBJECT_HWPT)
		return connect(dev, (struct emu_hwpt *)object, pasid);
	return -EINVAL;
}

static connect_fn *how(const struct emu_device *dev, int pasid)
{
	bool again;

	if (pasid > PASID_ZERO)
		return find_pasid(dev->group, dev, pasid) ? replace_pasid : attach_pasid;
	again = dev->attached && dev->attached_as_pasid == (pasid == PASID_ZERO);
	return again ? replace : attach;
}

int emu_device_attach(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_device_attach_iommufd_pt, pt_id);
	struct k_vfio_device_attach_iommufd_pt in = { 0 };
	int pasid = NO_PASID;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min || (in.flags & ~(uint32_t)K_VFIO_DEVICE_ATTACH_PASID))
		return -EINVAL;
	if (in.flags & K_VFIO_DEVICE_ATTACH_PASID) {
		if (in.argsz < sizeof(in))
			return -EINVAL;
		r = emu_user_read(&in.pasid, arg + min, sizeof(in.pasid));
		if (r)
			return r;
		if (in.pasid > INT32_MAX)
			return -ENOSPC;
		pasid = (int)in.pasid;
	}
	r = connect_object(dev, pasid, how(dev, pasid), &in.pt_id);
	if (r)
		return r;
	r = emu_user_write(arg + offsetof(struct k_vfio_device_attach_iommufd_pt, pt_id), &in.pt_id,
			   sizeof(in.pt_id));
	if (r && dev->attached && !dev->attached_as_pasid)
		detach(dev); /* as the kernel does, whichever attachment it was */
	return r;
}

int emu_device_detach(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_device_detach_iommufd_pt, flags);
	struct k_vfio_device_detach_iommufd_pt in = { 0 };
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min || (in.flags & ~(uint32_t)K_VFIO_DEVICE_DETACH_PASID))
		return -EINVAL;
	if (in.flags & K_VFIO_DEVICE_DETACH_PASID) {
		if (in.argsz < sizeof(in))
			return -EINVAL;
		r = emu_user_read(&in.pasid, arg + min, sizeof(in.pasid));
		if (r)
			return r;
		detach_pasid(dev, (int)in.pasid);
	} else if (dev->attached && !dev->attached_as_pasid) {
		detach(dev);
	}
	return 0;
}

/* As a group's member is, that never says what to attach it to. */
int emu_device_attach_ioas(struct emu_device *dev, struct emu_ioas *ioas)
{
	uint32_t pt_id;

	return connect_ioas(dev, ioas, NO_PASID, attach, &pt_id);
}

void emu_device_detach_all(struct emu_device *dev)
{
	struct emu_pasid *next;

	for (struct emu_pasid *p = dev->group->pasids; p; p = next) {
		next = p->next;
		if (p->dev == dev)
			detach_pasid(dev, p->pasid);
	}
	if (dev->attached)
		detach(dev);
}
