/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Why the kernel refused a device, or its group. */
#include <errno.h>
#include <stdio.h>

#include "backend/group.h"
#include "discover/group.h"
#include "discover/holder.h"
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

static int bind_refused(const struct refusal *why)
{
	const char *object = why->dev->fd.object;

	switch (why->code) {
	case -EPERM:
		if (name_blockers(why))
			return why->code;
		return err(why->code, why->call, object,
			   why->noiommu ? "run with CAP_SYS_RAWIO: without an IOMMU the device reaches all memory" :
					  "close the other user of the group; on hardware without interrupt remapping, load iommufd with allow_unsafe_interrupts=1 if you trust the device",
			   "IOMMU group %d %s", why->dev->group,
			   why->noiommu ? "has no IOMMU, and this user may not have such devices" :
					  "belongs to another context or process, or the platform cannot isolate its interrupts");
	case -EBUSY:
		return err(why->code, why->call, object,
			   "close the user of /dev/vfio/GROUP; a BAR mapped there counts too",
			   "the device is in use through its group");
	case -EINVAL:
		return err(why->code, why->call, object,
			   "use the descriptor that is bound, or close it; unmap its BARs too",
			   "the device is bound through another descriptor, or its DMA is not cache-coherent%s",
			   why->with_token ? ", or this kernel or device takes no VF token" : "");
	}
	return err_kernel(why->code, KNOWN(-ENODEV, -ENOMEM, -ENOTTY), why->call, object,
			  "check that this is a VFIO device and still there",
			  "the device cannot be bound");
}

static int group_refused(const struct refusal *why)
{
	char path[VFIO_GROUP_PATH_MAX], holder[160];

	vfio_group_path(why->dev->group, why->noiommu, path);
	switch (why->code) {
	case -EBUSY:
		name_holder(why, holder, sizeof(holder));
		return err(why->code, why->call, path,
			   "close the other user of the group, or of one of its devices; a BAR mapped there counts too",
			   "the group of %s is open%s, or a device of it is bound by its character device",
			   why->dev->fd.object, holder);
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
	case -EINVAL:
		return err(why->code, why->call, object,
			   why->with_token ? "give no token, the device takes none" :
					     "look into the kernel's log",
			   "the group does not give out the device%s",
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
