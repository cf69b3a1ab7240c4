/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables for cases, held by their fixture. */
#ifndef TABLES_H
#define TABLES_H

#include "mock.h"

/* A paging table that must be possible. */
struct iommufd_hwpt *get_hwpt(struct fixture *f, struct iommufd_device *dev,
			      struct iommufd_ioas *ioas, uint64_t flags);
/* A mock device's nested table, whose simulated IOTLB entries hold @iotlb. */
struct iommufd_hwpt *get_nested(struct fixture *f, struct iommufd_device *dev,
				struct iommufd_hwpt *parent, uint32_t iotlb);
struct iommufd_hwpt *hold_hwpt(struct fixture *f, struct iommufd_hwpt *hwpt);
uint32_t hwpt_id(struct iommufd_hwpt *hwpt);
/* The number that the next object gets: the kernel takes the lowest that is free. */
uint32_t next_id(struct fixture *f);
/* A PASID that must be possible; number 0: any. */
struct iommufd_pasid *get_pasid(struct fixture *f, struct iommufd_device *dev, uint32_t number);
struct iommufd_pasid *hold_pasid(struct fixture *f, struct iommufd_pasid *pasid);
struct iommufd_pasid_info pasid_info(struct iommufd_pasid *pasid);
/* The table that the device is attached to by name; NULL if the kernel chose. Not held. */
struct iommufd_hwpt *hwpt_of(struct iommufd_device *dev);
struct iommufd_ioas *ioas_of(struct iommufd_device *dev);

#endif
