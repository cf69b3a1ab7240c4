/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A guest's IOMMU over mock devices, for cases about what belongs to one. */
#ifndef GUEST_H
#define GUEST_H

#include "tables.h"

#include "os/mock.h"

#define COOKIE 4711

struct guest {
	struct iommufd_device *dev; /* a mock device, with COOKIE */
	struct iommufd_ioas *ioas;  /* the guest's memory */
	struct iommufd_hwpt *parent;
	struct iommufd_viommu *viommu;
	struct k_iommu_viommu_selftest data; /* what the kernel was told and tells */
};

/* All held. False, with the refusal shown, where the backend has none of it. */
bool get_guest(struct fixture *f, struct guest *g);
/* The same without a vIOMMU. */
bool get_parent(struct fixture *f, struct guest *g);

struct iommufd_viommu *hold_viommu(struct fixture *f, struct iommufd_viommu *viommu);
struct iommufd_vdevice *get_vdevice(struct fixture *f, struct iommufd_viommu *viommu,
				    struct iommufd_device *dev, uint64_t virtual_id);
struct iommufd_hw_queue *hold_hw_queue(struct fixture *f, struct iommufd_hw_queue *queue);
/* A nested table on the vIOMMU. */
struct iommufd_hwpt *get_on_viommu(struct fixture *f, struct guest *g);

#endif
