/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices by their own character device, /dev/vfio/devices/vfioN. */
#include <errno.h>
#include <stddef.h>

#include <libiommufd/ctx.h>

#include "backend/transport.h"

static int call(const struct devfd *d, unsigned long request, void *arg)
{
	int r = sys_ioctl(d->core->sys, d->fd, request, arg);

	return r < 0 ? r : 0;
}

static int attach_table(struct devfd *d, uint32_t id)
{
	struct k_vfio_device_attach_iommufd_pt arg = {
		.argsz = offsetof(struct k_vfio_device_attach_iommufd_pt, pasid),
		.pt_id = id,
	};

	d->refused = TRANSPORT_ATTACH;
	return call(d, K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);
}

static int attach(struct devfd *d, struct engine_ioas *as)
{
	return attach_table(d, as->id);
}

static int detach(struct devfd *d)
{
	struct k_vfio_device_detach_iommufd_pt arg = {
		.argsz = offsetof(struct k_vfio_device_detach_iommufd_pt, pasid),
	};

	d->refused = TRANSPORT_DETACH;
	return call(d, K_VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg);
}

static int attach_pasid(struct devfd *d, uint32_t pasid, uint32_t id)
{
	struct k_vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = K_VFIO_DEVICE_ATTACH_PASID,
		.pt_id = id, .pasid = pasid,
	};

	d->refused = TRANSPORT_ATTACH;
	return call(d, K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);
}

static int detach_pasid(struct devfd *d, uint32_t pasid)
{
	struct k_vfio_device_detach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = K_VFIO_DEVICE_DETACH_PASID, .pasid = pasid,
	};

	d->refused = TRANSPORT_DETACH;
	return call(d, K_VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg);
}

/* Where sysfs is hidden: only a device without an IOMMU has nothing to tell of it. */
static int check_isolation(struct devfd *d, const struct engine *e)
{
	struct k_iommu_hw_info arg = { .size = sizeof(arg), .dev_id = d->id };
	int r = sys_ioctl(d->core->sys, e->fd, K_IOMMU_GET_HW_INFO, &arg);

	d->refused = TRANSPORT_ASK_ISOLATION;
	if ((r == -EOPNOTSUPP) == e->noiommu)
		return 0;
	return e->noiommu ? -EINVAL : -EPERM;
}

static int bind_iommufd(struct devfd *d, struct engine *e, const struct bind_request *q)
{
	struct k_vfio_device_bind_iommufd arg = {
		.argsz = offsetof(struct k_vfio_device_bind_iommufd, token_uuid_ptr),
		.iommufd = e->fd,
	};
	int r;

	d->refused = TRANSPORT_BIND;
	/* Kernels that know no token refuse the longer argument's flag. */
	if (q->token) {
		arg.argsz = sizeof(arg);
		arg.flags = K_VFIO_DEVICE_BIND_FLAG_TOKEN;
		arg.token_uuid_ptr = (uintptr_t)q->token;
	}
	r = q->bound ? 0 : call(d, K_VFIO_DEVICE_BIND_IOMMUFD, &arg);
	if (r)
		return r;
	d->engine = e;
	if (!q->bound)
		d->id = arg.out_devid;
	if (q->unsure)
		r = check_isolation(d, e);
	return r || !q->as ? r : attach(d, q->as);
}

static void release(struct devfd *d)
{
	sys_close(d->core->sys, &d->fd);
}

const struct transport_ops transport_cdev = {
	.name = "cdev",
	.call_names = {
		[TRANSPORT_BIND] = "VFIO_DEVICE_BIND_IOMMUFD",
		[TRANSPORT_ASK_ISOLATION] = "IOMMU_GET_HW_INFO",
		[TRANSPORT_ATTACH] = "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
		[TRANSPORT_DETACH] = "VFIO_DEVICE_DETACH_IOMMUFD_PT",
	},
	.caps = UINT64_C(1) << IOMMUFD_CAP_REPLACE | UINT64_C(1) << IOMMUFD_CAP_DETACH_JOINED |
		UINT64_C(1) << IOMMUFD_CAP_DEVICE_FD,
	.bind = bind_iommufd,
	.release = release,
	.attach = attach,
	.detach = detach,
	.attach_table = attach_table,
	.attach_pasid = attach_pasid,
	.detach_pasid = detach_pasid,
};
