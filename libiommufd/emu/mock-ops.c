/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* IOMMU_TEST_CMD: mock devices come, are attached, are looked into and play hardware. */
#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"
#include "emu/attach.h"
#include "emu/fault.h"
#include "emu/viommu.h"
#include "os/mock.h"

#define MAX_BITMAP (UINT64_C(16) << 20)	/* bytes */

static struct emu_mock *get_mock(struct emu_cmd *cmd, uint32_t id)
{
	return emu_object_get(cmd->iommu, id, EMU_OBJECT_MOCK);
}

/* The kernel takes every device for one of its mocks; here the others are refused. */
static int get_device(struct emu_cmd *cmd, uint32_t id, struct emu_mock **out)
{
	struct emu_device *dev = emu_device_get(cmd->iommu, id);

	if (!dev)
		return -ENOENT;
	*out = dev->mock;
	return dev->mock ? 0 : -EINVAL;
}

static int get_table(struct emu_cmd *cmd, uint32_t id, enum emu_object_type type,
		     struct emu_hwpt **out)
{
	struct emu_hwpt *hwpt = emu_object_get(cmd->iommu, id, type);

	if (!hwpt)
		return -ENOENT;
	*out = hwpt;
	return hwpt->mock ? 0 : -EINVAL;
}

static int add_reserved(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	uint64_t start = arg->add_reserved.start, length = arg->add_reserved.length, last;
	struct emu_ioas *ioas;

	if (!length)
		return -EINVAL;
	if (__builtin_add_overflow(start, length - 1, &last))
		return -EOVERFLOW;
	ioas = emu_ioas_get(cmd->iommu, arg->id);
	return ioas ? emu_iova_reserve(ioas, start, last, NULL) : -ENOENT;
}

static int add_device(struct emu_cmd *cmd, struct k_iommu_test_cmd *arg)
{
	bool flagged = arg->op == K_IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS;
	uint32_t pt_id = arg->id;
	struct emu_mock *mock = NULL;
	int r = emu_mock_new(cmd->iommu, flagged ? arg->mock_domain_flags.dev_flags : 0, &mock);

	if (r)
		return r;
	r = emu_connect(&mock->dev, EMU_NO_PASID, emu_attach, &pt_id);
	if (!r) {
		arg->mock_domain_flags.out_stdev_id = mock->object.id;
		arg->mock_domain_flags.out_hwpt_id = pt_id;
		arg->mock_domain_flags.out_idev_id = mock->dev.object.id;
		r = emu_cmd_respond(cmd, sizeof(*arg));
	}
	if (r)
		emu_mock_destroy(mock);
	return r;
}

static int replace(struct emu_cmd *cmd, struct k_iommu_test_cmd *arg)
{
	struct emu_mock *mock = get_mock(cmd, arg->id);
	int r;

	if (!mock)
		return -ENOENT;
	r = emu_connect(&mock->dev, EMU_NO_PASID, emu_replace, &arg->mock_domain_replace.pt_id);
	return r ? r : emu_cmd_respond(cmd, sizeof(*arg));
}

static int check_map(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	struct emu_hwpt *hwpt;
	int r = get_table(cmd, arg->id, EMU_OBJECT_HWPT, &hwpt);

	return r ? r : emu_mock_check_map(hwpt, arg->check_map.iova, arg->check_map.length,
					  arg->check_map.uptr);
}

static int check_iotlb(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	uint32_t i = arg->check_iotlb.id;
	struct emu_hwpt *hwpt;
	int r = get_table(cmd, arg->id, EMU_OBJECT_NESTED, &hwpt);

	if (r)
		return r;
	return i < EMU_IOTLB_ENTRIES && hwpt->iotlb[i] == arg->check_iotlb.iotlb ? 0 : -EINVAL;
}

static int check_cache(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	uint32_t i = arg->check_dev_cache.id;
	struct emu_mock *mock;
	int r = get_device(cmd, arg->id, &mock);

	if (r)
		return r;
	return i < EMU_MOCK_CACHES && mock->caches[i] == arg->check_dev_cache.cache ? 0 : -EINVAL;
}

static int set_dirty(struct emu_cmd *cmd, struct k_iommu_test_cmd *arg)
{
	uint64_t iova = arg->dirty.iova, page = arg->dirty.page_size, n;
	struct emu_hwpt *hwpt;
	uint8_t *bits;
	int r;

	if (!page || !arg->dirty.length || iova % page || arg->dirty.length % page ||
	    !arg->dirty.uptr)
		return -EINVAL;
	n = arg->dirty.length / page;
	if (n > MAX_BITMAP * 8)
		return -EOVERFLOW;
	r = get_table(cmd, arg->id, EMU_OBJECT_HWPT, &hwpt);
	if (r)
		return r;
	if (!hwpt->tracking)
		return -EINVAL;
	bits = malloc((n + 7) / 8);
	if (!bits)
		return -ENOMEM;
	r = emu_user_read(bits, arg->dirty.uptr, (n + 7) / 8);
	arg->dirty.out_nr_dirty = 0;
	for (uint64_t i = 0; !r && i < n; i++) {
		if (!(bits[i / 8] >> i % 8 & 1))
			continue;
		emu_dirty_set(hwpt, iova + i * page);
		arg->dirty.out_nr_dirty++;
	}
	free(bits);
	return r ? r : emu_cmd_respond(cmd, sizeof(*arg));
}

/* PASID 0 is the device itself. */
static int pasid_connect(struct emu_cmd *cmd, struct k_iommu_test_cmd *arg)
{
	bool attach = arg->op == K_IOMMU_TEST_OP_PASID_ATTACH;
	struct emu_mock *mock = get_mock(cmd, arg->id);
	int pasid = (int)arg->pasid_attach.pasid;
	emu_connect_fn *connect;
	int r;

	if (!mock)
		return -ENOENT;
	if (pasid)
		connect = attach ? emu_attach_pasid : emu_replace_pasid;
	else
		connect = attach ? emu_attach : emu_replace;
	r = emu_connect(&mock->dev, pasid, connect, &arg->pasid_attach.pt_id);
	if (r)
		return r;
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r && attach)
		emu_detach_pasid(&mock->dev, pasid);
	return r;
}

static int pasid_detach(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	struct emu_mock *mock = get_mock(cmd, arg->id);
	int pasid = (int)arg->pasid_detach.pasid;

	if (!mock)
		return -ENOENT;
	if (pasid)
		emu_detach_pasid(&mock->dev, pasid);
	else if (mock->dev.attached)
		emu_detach(&mock->dev);
	return 0;
}

/* HWPT 0 stands for none. */
static int pasid_check(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	struct emu_mock *mock = get_mock(cmd, arg->id);
	int pasid = (int)arg->pasid_check.pasid;
	struct emu_object *hwpt;
	struct emu_pasid *p;
	struct emu_object *now;

	if (!mock)
		return -ENOENT;
	p = pasid ? emu_pasid_find(&mock->group, &mock->dev, pasid) : NULL;
	if (pasid)
		now = p ? &p->hwpt->object : NULL;
	else
		now = mock->group.hwpt ? &mock->group.hwpt->object : NULL;
	if (!arg->pasid_check.hwpt_id)
		return now ? -EINVAL : 0;
	hwpt = emu_object_get(cmd->iommu, arg->pasid_check.hwpt_id, EMU_OBJECT_ANY);
	if (!hwpt)
		return -ENOENT;
	return now == hwpt ? 0 : -EINVAL;
}

static int ask_for_page(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	const struct k_iommu_hwpt_pgfault page = {
		.pasid = arg->trigger_iopf.pasid, .grpid = arg->trigger_iopf.grpid,
		.perm = arg->trigger_iopf.perm, .addr = arg->trigger_iopf.addr,
	};
	struct emu_mock *mock;
	int r = get_device(cmd, arg->trigger_iopf.dev_id, &mock);

	if (!r)
		emu_fault_report(&mock->dev, &page);
	return r;
}

static int report_event(struct emu_cmd *cmd, const struct k_iommu_test_cmd *arg)
{
	struct emu_mock *mock;
	int r = get_device(cmd, arg->trigger_vevent.dev_id, &mock);

	if (r)
		return r;
	if (!mock->viommu || !mock->virt_id)
		return -ENOENT;
	return emu_viommu_report(mock->viommu, K_IOMMU_VEVENTQ_TYPE_SELFTEST,
				 (uint32_t)mock->virt_id);
}

int emu_cmd_test(struct emu_cmd *cmd)
{
	struct k_iommu_test_cmd *arg = cmd->arg;

	switch (arg->op) {
	case K_IOMMU_TEST_OP_ADD_RESERVED:
		return add_reserved(cmd, arg);
	case K_IOMMU_TEST_OP_MOCK_DOMAIN:
	case K_IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS:
		return add_device(cmd, arg);
	case K_IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE:
		return replace(cmd, arg);
	case K_IOMMU_TEST_OP_MD_CHECK_MAP:
		return check_map(cmd, arg);
	case K_IOMMU_TEST_OP_MD_CHECK_IOTLB:
		return check_iotlb(cmd, arg);
	case K_IOMMU_TEST_OP_DEV_CHECK_CACHE:
		return check_cache(cmd, arg);
	case K_IOMMU_TEST_OP_DIRTY:
		return set_dirty(cmd, arg);
	case K_IOMMU_TEST_OP_TRIGGER_IOPF:
		return ask_for_page(cmd, arg);
	case K_IOMMU_TEST_OP_TRIGGER_VEVENT:
		return report_event(cmd, arg);
	case K_IOMMU_TEST_OP_PASID_ATTACH:
	case K_IOMMU_TEST_OP_PASID_REPLACE:
		return pasid_connect(cmd, arg);
	case K_IOMMU_TEST_OP_PASID_DETACH:
		return pasid_detach(cmd, arg);
	case K_IOMMU_TEST_OP_PASID_CHECK_HWPT:
		return pasid_check(cmd, arg);
	default:
		return -EOPNOTSUPP;
	}
}
