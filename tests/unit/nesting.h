/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A guest's IOMMU on a scripted kernel. */
#ifndef NESTING_H
#define NESTING_H

#include "scripted.h"

struct nest {
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *parent;
	struct iommufd_viommu *viommu;
};

static inline struct nest make_nest(struct scripted *s)
{
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_HWPT_NEST_PARENT };
	struct nest n = { .dev = scripted_device(s, 77, 4711) };

	assert_int_equal(iommufd_ioas_new(s->ctx, NULL, &n.ioas), 0);
	assert_int_equal(iommufd_hwpt_new(n.dev, n.ioas, &opts, &n.parent), 0);
	assert_int_equal(iommufd_viommu_new(n.dev, n.parent, IOMMUFD_VIOMMU_SMMUV3, NULL,
					    &n.viommu), 0);
	return n;
}

/* What depends on others last: the library keeps the order. */
static inline void drop_nest(struct nest *n)
{
	iommufd_ioas_unref(n->ioas);
	iommufd_hwpt_unref(n->parent);
	iommufd_viommu_unref(n->viommu);
	iommufd_device_unref(n->dev);
}

#endif
