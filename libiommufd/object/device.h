/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_DEVICE_H
#define OBJECT_DEVICE_H

#include <libiommufd/device.h>

#include "backend/devfd.h"
#include "backend/transport.h"
#include "map/pasid-alloc.h"
#include "object/ctx.h"
#include "object/ioas.h"

struct iommufd_device {
	struct devfd fd; /* first: the vfio/ services find it by the handle */
	struct iommufd_ctx *ctx;      /* held */
	struct member member;
	struct iommufd_device *next;  /* in the context's list, under its lock */
	/* To what it is attached, held; under the context's lock: see attach.h. */
	struct iommufd_ioas *ioas;    /* NULL: to nothing */
	struct iommufd_hwpt *hwpt;    /* by which table; NULL: the kernel's */
	struct iommufd_vdevice *vdevice; /* the device as a guest knows it, or NULL; under the context's lock */
	struct iommufd_pasid *pasids; /* all; each holds us. Under the context's lock */
	struct pasid_alloc numbers;   /* of PASIDs, once one was asked for; likewise */
	uint64_t cookie;
	int group;                    /* IOMMU group number, or -1 */
	bool mediated;
	enum device_watch watch;      /* under the context's lock */
	char report[512];             /* how it was had, a line per step */
};

_Static_assert(offsetof(struct iommufd_device, fd) == 0, "devfd_of() relies on it");

static inline int device_check(struct iommufd_device *dev, const char *function)
{
	return devfd_of(dev) ? 0 : err_handle(function, "device");
}

/* How a device is had: the first that is set. */
struct device_source {
	const char *name;
	const struct iommufd_device_bound *bound;
	int fd;
};

/* device.c */
/* The device that the kernel numbers so, or NULL. Context lock held. */
struct iommufd_device *device_of_id(const struct iommufd_ctx *ctx, uint32_t id);
/* The cookie of the device that the kernel numbers so; 0 if there is none. */
uint64_t device_cookie_of(struct iommufd_ctx *ctx, uint32_t id);

/* device-open.c */
/* Writes the error record. */
int device_open(struct iommufd_ctx *ctx, const char *function, const struct device_source *from,
		const struct iommufd_device_opts *opts, struct iommufd_device **out);
/* A line for the device's report. */
void device_tell(struct iommufd_device *dev, const char *fmt, ...) printf_like(2, 3);
/* What is left of a device that is not open. */
void device_free(struct iommufd_device *dev);

/* device-adopt.c: where it is, and which transport has it. They write the error record. */
struct place;
int device_take_fd(struct iommufd_device *dev, const char *function, int fd, struct place *place);
int device_take_bound(struct iommufd_device *dev, const char *function,
		      const struct iommufd_device_bound *bound, struct place *place);
/*
 * Who handed it over says that it is @name. So does sysfs, unless it is hidden from us: then the
 * device gets that name. -EPROTO: it is another.
 */
int device_check_name(struct iommufd_device *dev, const char *function, const char *name);

/* By which tables are shared: IOMMUs with the same take each other's. */
struct iommu_facts {
	uint32_t type; /* of the hardware; 0: not known, or each takes but its own */
	uint64_t capabilities;
	uint8_t data[48];
};

/* device-has.c */
void device_facts(struct iommufd_device *dev, struct iommu_facts *facts);
bool facts_equal(const struct iommu_facts *a, const struct iommu_facts *b);
/* Can it be attached to page tables, not to address spaces only? */
bool device_has_tables(const struct iommufd_device *dev);
/* -EOPNOTSUPP, with a record, if not. */
int device_check_tables(struct iommufd_device *dev, const char *function);
/* The make of its IOMMU, K_IOMMU_HW_INFO_TYPE_*. Writes the error record. */
int device_iommu_type(struct iommufd_device *dev, uint32_t *type);
/* Does its IOMMU tell what it wrote? */
bool device_is_tracked(struct iommufd_device *dev);

#endif
