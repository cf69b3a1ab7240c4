/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The kernel's mock devices, which have no character device: a command on
 * /dev/iommu itself attaches them. They are always attached to something, so
 * one that is not attached here is at home, where whoever made it put it.
 */
#include <errno.h>

#include "backend/transport.h"
#include "os/mock.h"

static int test(struct devfd *d, uint32_t op, struct k_iommu_test_cmd *arg)
{
	int r;

	arg->size = sizeof(*arg);
	arg->op = op;
	arg->id = d->mock;
	r = sys_ioctl(d->core->sys, d->engine->fd, K_IOMMU_TEST_CMD, arg);
	return r < 0 ? r : 0;
}

static int attach_table(struct devfd *d, uint32_t id)
{
	struct k_iommu_test_cmd arg = { .mock_domain_replace.pt_id = id };

	d->refused = TRANSPORT_ATTACH;
	return test(d, K_IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, &arg);
}

static int attach(struct devfd *d, struct engine_ioas *as)
{
	return attach_table(d, as->id);
}

static int detach(struct devfd *d)
{
	int r = attach_table(d, d->mock_home);

	d->refused = TRANSPORT_DETACH;
	return r;
}

static int attach_pasid(struct devfd *d, uint32_t pasid, uint32_t id)
{
	struct k_iommu_test_cmd arg = { .pasid_attach = { .pasid = pasid, .pt_id = id } };
	int r;

	d->refused = TRANSPORT_ATTACH;
	r = test(d, K_IOMMU_TEST_OP_PASID_ATTACH, &arg);
	return r == -EBUSY ? test(d, K_IOMMU_TEST_OP_PASID_REPLACE, &arg) : r;
}

static int detach_pasid(struct devfd *d, uint32_t pasid)
{
	struct k_iommu_test_cmd arg = { .pasid_detach.pasid = pasid };

	d->refused = TRANSPORT_DETACH;
	return test(d, K_IOMMU_TEST_OP_PASID_DETACH, &arg);
}

static int bind_mock(struct devfd *d, struct engine *e, const struct bind_request *q)
{
	d->engine = e;
	return q->as ? attach(d, q->as) : 0;
}

/* It stays with whoever made it. */
static void release(struct devfd *d)
{
	(void)d;
}

const struct transport_ops transport_mock = {
	.name = "mock",
	.call_names = {
		[TRANSPORT_BIND] = "IOMMU_TEST_CMD",
		[TRANSPORT_ATTACH] = "IOMMU_TEST_CMD",
		[TRANSPORT_DETACH] = "IOMMU_TEST_CMD",
	},
	.caps = UINT64_C(1) << IOMMUFD_CAP_REPLACE | UINT64_C(1) << IOMMUFD_CAP_DETACH_JOINED,
	.bind = bind_mock,
	.release = release,
	.attach = attach,
	.detach = detach,
	.attach_table = attach_table,
	.attach_pasid = attach_pasid,
	.detach_pasid = detach_pasid,
};
