/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Mock devices, as a kernel built to test itself makes them: no hardware, no
 * driver and no file, but an IOMMU that can do everything.
 */
#ifndef EMU_MOCK_H
#define EMU_MOCK_H

#include "emu/device.h"

enum { EMU_MOCK_CACHES = 4 };

struct emu_mock {
	struct emu_object object;	/* by which user space takes it away */
	struct emu_device dev;
	struct emu_group group;		/* its own */
	uint32_t flags;			/* K_MOCK_FLAGS_DEVICE_* */
	uint32_t caches[EMU_MOCK_CACHES];
	struct emu_vdevice *vdevice;	/* what a guest knows it as */
	struct emu_viommu *viommu;	/* of the table that it is attached to */
	uint64_t virt_id;		/* what it reports to that as */
	bool refuse_reserved;		/* the next use of K_IOMMU_TEST_PASID_RESERVED fails */
};

/* mock.c */
int emu_mock_new(struct emu_iommu *iommu, uint32_t flags, struct emu_mock **out);
void emu_mock_destroy(struct emu_mock *mock);
/* What its IOMMU says to a page table for the device, or for a PASID of it. */
int emu_mock_attach(struct emu_mock *mock, struct emu_hwpt *hwpt);
void emu_mock_detach(struct emu_mock *mock);
int emu_mock_attach_pasid(struct emu_mock *mock, int pasid);
void emu_mock_detach_pasid(struct emu_mock *mock, int pasid);
/* Data of the user, of which @min bytes are needed and @known understood. */
int emu_mock_read(void *dst, size_t known, size_t min, uint64_t user, uint32_t length);

/* mock-ops.c */
int emu_cmd_test(struct emu_cmd *cmd);

/* mock-check.c: -EINVAL where a table does not lead to this memory. */
int emu_mock_check_map(const struct emu_hwpt *hwpt, uint64_t iova, uint64_t length, uint64_t va);

#endif
