/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Why the kernel refused a device, or its group. */
#include <errno.h>
#include <stdio.h>

#include "backend/group.h"
#include "discover/group.h"
#include "discover/holder.h"
#include "discover/place.h"
#include "object/diagnose.h"

struct refusal {
	struct iommufd_device *dev;
	const char *call; /* the kernel's name of it */
	int code;
	bool with_token, noiommu;
};

/* Says which members block the device's group; 0 if none does. */
static int name_blockers(const struct refusal *why)
{
	const struct iommufd_device *dev = why->dev;
	struct group_facts facts;
	int r;

	if (dev->group < 0 || group_facts_read(dev->fd.core, dev->group, &facts))
		return 0;
	r = group_facts_check(&facts, why->call, dev->fd.object);
	group_facts_free(&facts);
	return r;
}

/* " by process 123 (qemu)", or nothing where /proc does not tell. */
static void name_holder(const struct refusal *why, char *text, size_t size)
{
	char path[VFIO_GROUP_PATH_MAX], who[128];

	vfio_group_path(why->dev->group, why->noiommu, path);
	text[0] = '\0';
	if (!holder_find(why->dev->fd.core, path, who, sizeof(who)))
		snprintf(text, size, " by %s", who);
}

/* Who has the device's own character device open, beside us? */
static bool find_user(const struct refusal *why, const char *device, char *who, size_t size)
{
	const struct devfd *d = &why->dev->fd;
	struct place place;

	return !place_find(d->core, why->call, device, &place) && place.node[0] &&
	       !holder_find_other(d->core, place.node, d->fd, who, size);
}

/* "0000:01:02.0 is open by process 123 (qemu)": a member of the device's group, or the group. */
static bool find_group_user(const struct refusal *why, char *text, size_t size)
{
	const struct iommufd_device *dev = why->dev;
	char path[VFIO_GROUP_PATH_MAX], who[128];
	struct group_facts facts;
	bool found;

	if (dev->group < 0)
		return false;
	vfio_group_path(dev->group, why->noiommu, path);
	found = !holder_find(dev->fd.core, path, who, sizeof(who));
	if (found)
		snprintf(text, size, "%s is open by %s", path, who);
	if (found || group_facts_read(dev->fd.core, dev->group, &facts))
		return found;
	for (size_t i = 0; i < facts.count && !found; i++) {
		found = facts.members[i].vfio &&
			find_user(why, facts.members[i].name, who, sizeof(who));
		if (found)
			snprintf(text, size, "%s is open by %s",
				 facts.members[i].name, who);
	}
	group_facts_free(&facts);
	return found;
}

static int unsafe_interrupts(const struct refusal *why, const char *module)
{
	char remedy[160];

	snprintf(remedy, sizeof(remedy),
		 "switch on interrupt remapping, or load %s with allow_unsafe_interrupts=1 if you trust the device",
		 module);
	return err(why->code, why->call, why->dev->fd.object, remedy,
		   "the platform cannot isolate the device's interrupts");
}

/* Nobody's driver is in the way: someone else owns the group's DMA. */
static int other_owner(const struct refusal *why)
{
	char holder[160];

	if (name_blockers(why))
		return why->code;
	name_holder(why, holder, sizeof(holder));
	return err(why->code, why->call, why->dev->fd.object,
		   "close the other user of the group; a BAR mapped there counts too",
		   "IOMMU group %d belongs to another context or process%s", why->dev->group,
		   holder);
}

/* Nobody's driver is in the way. Where nobody is seen to have the group, it may be the platform. */
static int bind_forbidden(const struct refusal *why)
{
	const char *object = why->dev->fd.object;
	char user[240];

	if (why->noiommu)
		return err(why->code, why->call, object,
			   "run with CAP_SYS_RAWIO: without an IOMMU the device reaches all memory",
			   "IOMMU group %d has no IOMMU, and this user may not have such devices",
			   why->dev->group);
	if (find_group_user(why, user, sizeof(user)))
		return err(why->code, why->call, object,
			   "close the other user of the group; a BAR mapped there counts too",
			   "IOMMU group %d belongs to another context or process: %s",
			   why->dev->group, user);
	return err(why->code, why->call, object,
		   "on hardware without interrupt remapping, load iommufd with allow_unsafe_interrupts=1 if you trust the device; else close the other user of the group",
		   "the platform cannot isolate the device's interrupts, or IOMMU group %d belongs to a process that /proc does not show",
		   why->dev->group);
}

static int bind_invalid(const struct refusal *why)
{
	const char *object = why->dev->fd.object;
	char who[128];

	if (find_user(why, why->dev->fd.name, who, sizeof(who)))
		return err(why->code, why->call, object,
			   why->with_token ?
				   "give no token, if the device takes none; else use the descriptor that is bound, or close it" :
				   "use the descriptor that is bound, or close it; unmap its BARs too",
			   "the device is bound through another descriptor, opened by %s", who);
	return err(why->code, why->call, object,
		   why->with_token ? "give no token; else look for who has the device bound" :
				     "look for who has the device bound",
		   "the device is bound through a descriptor that /proc does not show, or its DMA is not cache-coherent%s",
		   why->with_token ? ", or this kernel or device takes no VF token" : "");
}

static int bind_refused(const struct refusal *why)
{
	const char *object = why->dev->fd.object;
	char holder[160];

	switch (why->code) {
	case -EPERM:
		return name_blockers(why) ? why->code : bind_forbidden(why);
	case -EBUSY:
		name_holder(why, holder, sizeof(holder));
		return err(why->code, why->call, object,
			   "close the user of /dev/vfio/GROUP; a BAR mapped there counts too",
			   "the device is in use through its group%s", holder);
	case -EINVAL:
		return bind_invalid(why);
	}
	return err_kernel(why->code, KNOWN(-ENODEV, -ENOMEM, -ENOTTY), why->call, object,
			  "check that this is a VFIO device and still there",
			  "the device cannot be bound");
}

static int group_refused(const struct refusal *why)
{
	char path[VFIO_GROUP_PATH_MAX], user[240];

	vfio_group_path(why->dev->group, why->noiommu, path);
	switch (why->code) {
	case -EBUSY:
		return err(why->code, why->call, path,
			   "close the other user of the group, or of one of its devices; a BAR mapped there counts too",
			   "the group of %s is in use: %s", why->dev->fd.object,
			   find_group_user(why, user, sizeof(user)) ? user :
			   "it is open, or a device of it is bound by its character device, by a process that /proc does not show");
	case -EACCES:
		return err(why->code, why->call, path,
			   "give this user access to the node (udev rule or group), or have a privileged process hand over its descriptor",
			   "the group of %s may not be opened", why->dev->fd.object);
	case -EPERM:
		return err(why->code, why->call, path,
			   why->noiommu ? "run with CAP_SYS_RAWIO: without an IOMMU the device reaches all memory" :
					  "allow the node in the device cgroup of this container",
			   "the group of %s may not be opened", why->dev->fd.object);
	case -ENOENT:
		return err(why->code, why->call, path,
			   "check that the device is bound to a VFIO driver and that the kernel has CONFIG_VFIO_GROUP",
			   "the group of %s has no node", why->dev->fd.object);
	}
	return err_kernel(why->code, KNOWN(-ENODEV, -ENXIO, -EMFILE, -ENFILE, -ENOMEM), why->call,
			  path, "check that the device is bound to a VFIO driver",
			  "the group of %s cannot be opened", why->dev->fd.object);
}

/* SET_CONTAINER and SET_IOMMU; which of them makes the check depends on the kernel. */
static int container_refused(const struct refusal *why, enum transport_call call)
{
	const char *object = why->dev->fd.object;

	switch (why->code) {
	case -EPERM:
		if (why->noiommu)
			return err(why->code, why->call, object,
				   "run with CAP_SYS_RAWIO: without an IOMMU the device reaches all memory",
				   "this user may not have devices without an IOMMU");
		if (call == TRANSPORT_SET_IOMMU && !name_blockers(why))
			return unsafe_interrupts(why, "vfio_iommu_type1");
		return other_owner(why);
	case -EINVAL:
		return err(why->code, why->call, object,
			   "hand over the container together with the group; open the device without opts.ioas to give it a container of its own",
			   "IOMMU group %d is in another container already, or its IOMMU cannot share one",
			   why->dev->group);
	case -EBUSY:
		return err(why->code, why->call, object, "close the other user of the group",
			   "IOMMU group %d is in use", why->dev->group);
	}
	return err_kernel(why->code, KNOWN(-ENODEV, -ENOMEM), why->call, object,
			  why->code == -ENODEV ? "load the module vfio_iommu_type1" :
						 "look into the kernel's log",
			  "IOMMU group %d cannot be put into a container", why->dev->group);
}

static int open_container_refused(const struct refusal *why)
{
	return err_kernel(why->code, KNOWN(-ENOENT, -ENODEV, -EACCES, -EPERM, -EMFILE, -ENFILE,
					   -ENOMEM),
			  why->call, why->dev->fd.object,
			  why->code == -EMFILE ? "close descriptors or raise RLIMIT_NOFILE" :
						 "check that /dev/vfio/vfio is there and may be opened",
			  "a container for IOMMU group %d cannot be made", why->dev->group);
}

static int device_refused(const struct refusal *why, struct iommufd_ioas *ioas)
{
	const char *object = why->dev->fd.object;

	if (ioas && (why->code == -EADDRINUSE || why->code == -EFAULT || why->code == -ENOMEM ||
		     why->code == -ENOSPC))
		return diagnose_attach(why->dev, ioas, why->code);
	switch (why->code) {
	case -EPERM:
		if (name_blockers(why))
			return why->code;
		return bind_refused(why);
	case -EINVAL: /* before Linux 5.19 also where a driver came into the group */
		if (name_blockers(why))
			return -EPERM;
		return err(why->code, why->call, object,
			   why->with_token ? "give no token, if the device takes none" :
					     "look into the kernel's log",
			   "the group does not give out the device%s%s",
			   why->with_token ? ", which may be no function with a VF token" : "",
			   ioas ? ", or its IOMMU cannot use the IOAS" : "");
	case -EBUSY:
		return err(why->code, why->call, object,
			   "close the other user of the device; a BAR mapped there counts too",
			   "the device is in use");
	}
	return err_kernel(why->code, KNOWN(-ENODEV, -ENOMEM, -EMFILE, -ENFILE), why->call, object,
			  "check that the device is still there",
			  "the group does not give out the device");
}

int diagnose_isolation(const char *call, const char *object, bool noiommu)
{
	if (noiommu)
		return err(-EPERM, call, object,
			   "switch on the IOMMU of this machine, or ask for backend \"noiommu\" if the device may reach all memory",
			   "no IOMMU stands behind the device: its DMA would reach all memory");
	return err(-EINVAL, call, object, "use backend \"auto\"",
		   "backend noiommu was asked for, and an IOMMU stands behind the device");
}

int diagnose_bind(struct iommufd_device *dev, struct iommufd_ioas *ioas, int code,
		  bool with_token)
{
	enum transport_call call = dev->fd.refused;
	struct refusal why = {
		.dev = dev,
		.call = transport_call_name(&dev->fd, call),
		.code = code,
		.with_token = with_token,
		.noiommu = dev->ctx->backend.noiommu,
	};

	if (code == -EACCES && (call == TRANSPORT_BIND || call == TRANSPORT_GET_DEVICE_FD))
		return err(code, why.call, dev->fd.object,
			   with_token ? "ask the owner of the physical function for its token" :
					"give the token of the physical function's owner in opts.vf_token",
			   with_token ? "the VF token is wrong" : "a VF token is needed");
	switch (call) {
	case TRANSPORT_ASK_ISOLATION:
		return diagnose_isolation(why.call, dev->fd.object, !why.noiommu);
	case TRANSPORT_ATTACH:
	case TRANSPORT_RANGES:
		return diagnose_attach(dev, ioas, code);
	case TRANSPORT_OPEN_GROUP:
		return group_refused(&why);
	case TRANSPORT_GROUP_STATUS:
		return code == -EPERM ? other_owner(&why) : container_refused(&why, call);
	case TRANSPORT_SET_CONTAINER:
	case TRANSPORT_SET_IOMMU:
	case TRANSPORT_CHOOSE_IOAS:
		return container_refused(&why, call);
	case TRANSPORT_OPEN_CONTAINER:
		return open_container_refused(&why);
	case TRANSPORT_GET_DEVICE_FD:
		return device_refused(&why, ioas);
	default:
		return bind_refused(&why);
	}
}
