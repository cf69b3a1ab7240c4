/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Life of a vIOMMU, what it forgets, and the pages of the IOMMU that it shows. */
#include "object/viommu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opts.h"
#include "object/command.h"
#include "object/device.h"
#include "object/vdevice.h"

_Static_assert((int)IOMMUFD_VIOMMU_SMMUV3 == K_IOMMU_VIOMMU_TYPE_ARM_SMMUV3 &&
	       (int)IOMMUFD_VIOMMU_TEGRA241_CMDQV == K_IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV,
	       "types are the kernel's numbers");
_Static_assert(sizeof(struct iommufd_viommu_tegra241_cmdqv) ==
		       sizeof(struct k_iommu_viommu_tegra241_cmdqv) &&
	       offsetof(struct iommufd_viommu_tegra241_cmdqv, length) ==
		       offsetof(struct k_iommu_viommu_tegra241_cmdqv, out_vintf_mmap_length),
	       "the kernel fills the caller's data as they are");

struct viommu_map {
	struct viommu_map *next;
	void *address;
	size_t length;
};

static int alloc(struct iommufd_viommu *viommu, struct iommufd_device *dev, uint32_t type,
		 const struct iommufd_viommu_opts *opts)
{
	struct k_iommu_viommu_alloc arg = {
		.size = sizeof(arg), .type = type, .dev_id = dev->fd.id,
		.hwpt_id = viommu->parent->id, .data_len = opts->data_length,
		.data_uptr = (uintptr_t)opts->data,
	};
	int r = command(viommu->ctx, K_IOMMU_VIOMMU_ALLOC, &arg);

	if (r)
		return err_kernel(r, KNOWN(-EINVAL, -EOPNOTSUPP, -EFAULT, -ENOSPC, -ENODEV,
					   -ENOMEM),
				  "IOMMU_VIOMMU_ALLOC", dev->fd.object,
				  r == -EOPNOTSUPP ?
				  "name a type that the IOMMU of the device has" :
				  "look at the data, and at what the table was made for",
				  "no vIOMMU of type %#x on %s, with %u bytes of data", type,
				  viommu->parent->object, opts->data_length);
	viommu->id = arg.out_viommu_id;
	return 0;
}

void viommu_enter(struct iommufd_viommu *viommu)
{
	object_init(&viommu->obj, OBJECT_VIOMMU);
	snprintf(viommu->object, sizeof(viommu->object), "vIOMMU %u", viommu->id);
	pthread_mutex_init(&viommu->lock, NULL);
	iommufd_ctx_ref(viommu->ctx);
	iommufd_hwpt_ref(viommu->parent);
	ctx_enter(viommu->ctx, &viommu->member, &viommu->obj);
}

/* Drivers believe without a look that the table is theirs, and the kernel crashes if not. */
static int check_make(struct iommufd_device *dev, const char *function,
		      const struct iommufd_hwpt *parent)
{
	uint32_t type;
	int r = device_iommu_type(dev, &type);

	if (r || (type && type == parent->iommu_type))
		return r;
	return err(-EINVAL, function, dev->fd.object,
		   "name a device behind the IOMMU that the table was made for",
		   "the device's IOMMU is of type %#x, and %s is for one of type %#x", type,
		   parent->object, parent->iommu_type);
}

static int check(struct iommufd_device *dev, const char *function, struct iommufd_hwpt *parent,
		 const struct iommufd_viommu_opts *opts)
{
	int r = command_check(dev->ctx, function, IOMMUFD_CAP_VIOMMU, "vIOMMUs");

	if (!r)
		r = device_check_tables(dev, function);
	if (!r)
		r = hwpt_check(parent, function);
	if (!r)
		r = hwpt_check_parent(dev, function, parent);
	if (!r)
		r = check_make(dev, function, parent);
	if (!r)
		r = opts_flags(function, opts->flags, 0);
	if (!r && !opts->data != !opts->data_length)
		r = err(-EINVAL, function, "opts.data",
			"give data and data_length, or none of them",
			"there are %u bytes of data at %p", opts->data_length, opts->data);
	return r;
}

static int viommu_new(struct iommufd_device *dev, const char *function,
		      struct iommufd_hwpt *parent, uint32_t type,
		      const struct iommufd_viommu_opts *given, struct iommufd_viommu **out)
{
	struct iommufd_viommu_opts opts;
	struct iommufd_viommu *viommu;
	int r = opts_get(function, &opts, sizeof(opts), given);

	if (!r)
		r = check(dev, function, parent, &opts);
	if (r)
		return r;
	viommu = calloc(1, sizeof(*viommu));
	if (!viommu)
		return err_nomem(function, "vIOMMU");
	viommu->ctx = dev->ctx;
	viommu->parent = parent;
	r = alloc(viommu, dev, type, &opts);
	if (r) {
		free(viommu);
		return r;
	}
	viommu_enter(viommu);
	log_debug(&viommu->ctx->core.log, "%s: %s on %s", function, viommu->object,
		  parent->object);
	*out = viommu;
	return 0;
}

IOMMUFD_EXPORT int iommufd_viommu_new(struct iommufd_device *dev, struct iommufd_hwpt *parent,
				      uint32_t type, const struct iommufd_viommu_opts *opts,
				      struct iommufd_viommu **out)
{
	int r;

	if (out)
		*out = NULL;
	r = device_check(dev, __func__);
	if (r)
		return r;
	r = out ? viommu_new(dev, __func__, parent, type, opts, out) : err_null(__func__, "out");
	return err_log(&dev->ctx->core.log, r);
}

/* A mapping would keep it in the kernel. */
static void destroy(struct iommufd_viommu *viommu)
{
	struct iommufd_ctx *ctx = viommu->ctx;
	struct viommu_map *m;

	while ((m = viommu->maps)) {
		viommu->maps = m->next;
		sys_munmap(ctx->core.sys, m->address, m->length);
		free(m);
	}
	command_destroyed(ctx, viommu->object, command_destroy(ctx, viommu->id));
	ctx_leave(ctx, &viommu->member);
	viommu->obj.kind = OBJECT_FREED;
	pthread_mutex_destroy(&viommu->lock);
	iommufd_hwpt_unref(viommu->parent);
	free(viommu);
	iommufd_ctx_unref(ctx);
}

IOMMUFD_EXPORT struct iommufd_viommu *iommufd_viommu_ref(struct iommufd_viommu *viommu)
{
	if (viommu && object_was(&viommu->obj, OBJECT_VIOMMU))
		object_ref(&viommu->obj);
	return viommu;
}

IOMMUFD_EXPORT struct iommufd_viommu *iommufd_viommu_unref(struct iommufd_viommu *viommu)
{
	if (viommu && object_was(&viommu->obj, OBJECT_VIOMMU) && object_unref(&viommu->obj))
		destroy(viommu);
	return NULL;
}

static int map(struct iommufd_viommu *viommu, const char *function, uint64_t offset, size_t length,
	       void **out)
{
	const struct core *core = &viommu->ctx->core;
	struct viommu_map *m;
	int r;

	if (!length || (offset | length) & (core->page_size - 1))
		return err(-EINVAL, function, viommu->object, "pass what the kernel told",
			   "offset %#llx with length %#zx is not a number of pages",
			   (unsigned long long)offset, length);
	m = malloc(sizeof(*m));
	if (!m)
		return err_nomem(function, viommu->object);
	m->length = length;
	r = sys_mmap(core->sys, length, PROT_READ | PROT_WRITE, viommu->ctx->backend.engine.fd,
		     offset, &m->address);
	if (r) {
		free(m);
		return err_kernel(r, KNOWN(-ENXIO, -ENOMEM), "mmap", viommu->object,
				  "pass what the kernel told, as a whole",
				  "there are no pages at offset %#llx of length %#zx",
				  (unsigned long long)offset, length);
	}
	pthread_mutex_lock(&viommu->lock);
	m->next = viommu->maps;
	viommu->maps = m;
	pthread_mutex_unlock(&viommu->lock);
	*out = m->address;
	return 0;
}

IOMMUFD_EXPORT int iommufd_viommu_map(struct iommufd_viommu *viommu, uint64_t offset,
				      size_t length, void **out)
{
	int r = viommu_check(viommu, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	r = out ? command_check_owner(viommu->ctx, __func__, viommu->object) :
		  err_null(__func__, "out");
	if (!r)
		r = map(viommu, __func__, offset, length, out);
	return err_log(&viommu->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_viommu_unmap(struct iommufd_viommu *viommu, void *address)
{
	struct viommu_map **at, *m;
	int r = viommu && object_was(&viommu->obj, OBJECT_VIOMMU) ?
			0 : err_handle(__func__, "vIOMMU");

	if (r)
		return r;
	pthread_mutex_lock(&viommu->lock);
	for (at = &viommu->maps; (m = *at) && m->address != address; at = &m->next)
		;
	if (m)
		*at = m->next;
	pthread_mutex_unlock(&viommu->lock);
	if (m)
		sys_munmap(viommu->ctx->core.sys, m->address, m->length);
	else
		r = err(-ENOENT, __func__, viommu->object,
			"pass what iommufd_viommu_map() returned",
			"no mapping of this vIOMMU starts at %p", address);
	free(m);
	return err_log(&viommu->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_viommu_invalidate(struct iommufd_viommu *viommu, uint32_t type,
					     const void *entries, uint32_t entry_size,
					     uint32_t *count)
{
	int r = viommu_check(viommu, __func__);

	if (r)
		return r;
	r = count ? hwpt_invalidate(&viommu->ctx->backend.engine, __func__, viommu->id,
				    viommu->object, type, entries, entry_size, count) :
		    err_null(__func__, "count");
	return err_log(&viommu->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_viommu_find_device(struct iommufd_viommu *viommu, uint64_t virtual_id,
					      struct iommufd_device **out)
{
	int r = viommu_check(viommu, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	if (!out)
		return err_log(&viommu->ctx->core.log, err_null(__func__, "out"));
	*out = vdevice_find(viommu, virtual_id);
	if (!*out)
		r = err(-ENOENT, __func__, viommu->object,
			"make it with iommufd_vdevice_new() first",
			"the guest has no device %#llx", (unsigned long long)virtual_id);
	return err_log(&viommu->ctx->core.log, r);
}
