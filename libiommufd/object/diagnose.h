/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Why the kernel refused: it has one number for several causes, sysfs and our
 * own map tell them apart. Each writes the error record and returns the code.
 */
#ifndef OBJECT_DIAGNOSE_H
#define OBJECT_DIAGNOSE_H

#include "object/device.h"

/* @ioas is what the device was opened with, or NULL; then its lock is held. */
int diagnose_bind(struct iommufd_device *dev, struct iommufd_ioas *ioas, int code,
		  bool with_token);

/* The device is of the kind that the context's backend does not take. */
int diagnose_isolation(const char *call, const char *object, bool noiommu);

/* IOAS lock held, by all that follow. */
int diagnose_attach(struct iommufd_device *dev, struct iommufd_ioas *ioas, int code);
/* What is mapped is to blame: for @code -EADDRINUSE, -EFAULT, -ENOMEM, -ENOSPC; else 0. */
int diagnose_mappings(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call,
		      int code);
/* -EADDRINUSE if what is mapped touches what the device's hardware reserves; else 0. */
int diagnose_reserved(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call);

/* diagnose-hwpt.c */
struct hwpt_base;
struct iommufd_hwpt_opts;
int diagnose_new_hwpt(struct iommufd_device *dev, const struct hwpt_base *base,
		      const struct iommufd_hwpt_opts *opts, int code);
int diagnose_attach_hwpt(struct iommufd_device *dev, const struct iommufd_hwpt *hwpt, int code);
int diagnose_attach_pasid(struct iommufd_device *dev, uint32_t pasid,
			  const struct iommufd_hwpt *hwpt, int code);

#endif
