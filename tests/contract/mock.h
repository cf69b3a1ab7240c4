/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Mock devices, which a kernel built for testing iommufd makes: no hardware, and
 * all that iommufd can do for a device. The lab's kernel has them, and the newest
 * emulated one. Their IOVAs are within MOCK_FIRST..MOCK_LAST.
 */
#ifndef MOCK_H
#define MOCK_H

#include "contract.h"

#define MOCK_FIRST UINT64_C(0x1000000)
#define MOCK_LAST UINT64_C(0x7fffffff)

enum {
	MOCK_NO_DIRTY = 1 << 0, /* cannot tell what it wrote */
	MOCK_PASID = 1 << 2,    /* has PASIDs of MOCK_PASID_WIDTH bits */
};
#define MOCK_PASID_WIDTH 20

/*
 * Makes one and adopts it; held. NULL, with the refusal shown, where the backend has no
 * use for it. Skips the case where the kernel has none.
 */
struct iommufd_device *get_mock(struct fixture *f, uint32_t flags);
struct iommufd_device *get_mock_as(struct fixture *f, uint32_t flags, uint64_t cookie);

/* The device writes to the pages of 4 KiB at @iova that @bits says. Its page table is tracked. */
void mock_write(struct fixture *f, uint32_t hwpt, uint64_t iova, uint64_t bits);
#define MOCK_NO_PASID 0
/* It meets a page that is not there; returns what the kernel says. */
int mock_fault(struct fixture *f, struct iommufd_device *dev, uint32_t pasid, uint32_t group,
	       uint64_t address);
/* Its IOMMU has something to tell the guest. */
int mock_event(struct fixture *f, struct iommufd_device *dev);

/* Whether simulated IOTLB entry @entry of a nested table holds @value; likewise of a device's cache. */
bool mock_iotlb_is(struct fixture *f, uint32_t hwpt, uint32_t entry, uint32_t value);
bool mock_cache_is(struct fixture *f, struct iommufd_device *dev, uint32_t entry, uint32_t value);
/* Attach a PASID behind the library's back, or with table 0 detach it; what the kernel says. */
int mock_attach_pasid(struct fixture *f, struct iommufd_device *dev, uint32_t pasid, uint32_t hwpt);
/* Which page table a PASID is on; 0 asks whether on none. */
bool mock_pasid_is(struct fixture *f, struct iommufd_device *dev, uint32_t pasid, uint32_t hwpt);
/* Whether a page table maps @length bytes at @iova to @va. */
bool mock_maps(struct fixture *f, uint32_t hwpt, uint64_t iova, const void *va, uint64_t length);

/* contract.c: released after all devices, before IOASes. */
void hold_mock(struct fixture *f, void *mock, void (*release)(void *mock));

#endif
