/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef VFIO_FEATURE_H
#define VFIO_FEATURE_H

#include "vfio/service.h"

/*
 * VFIO_DEVICE_FEATURE with @flags, one of GET and SET and a feature; @data is
 * passed and answered in. What the kernel returns, where a feature that is not
 * there is -EOPNOTSUPP; no record.
 */
int feature_call(struct devfd *d, uint32_t flags, void *data, size_t length);

/* The record of a feature that the device lacks. */
int feature_missing(struct devfd *d, const char *what, const char *remedy);

#endif
