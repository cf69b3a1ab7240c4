/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * vIOMMUs: what a guest's IOMMU needs of a physical one. Only mock devices are behind
 * one that has them.
 */
#ifndef EMU_VIOMMU_H
#define EMU_VIOMMU_H

#include "emu/mock.h"
#include "emu/queue.h"

enum { EMU_HW_QUEUES = 2 };

struct emu_viommu {
	struct emu_object object;
	struct emu_iommu *iommu;
	struct emu_hwpt *parent;
	struct emu_viommu *next;	/* of those with pages to map, by offset */
	uint64_t offset;		/* of these in the iommufd, or 0 */
	int memory;			/* behind them */
	struct emu_vdevice *vdevices;
	struct emu_veventq *veventqs;	/* of different types */
	struct emu_hw_queue *queues[EMU_HW_QUEUES];
};

/* A device as the guest knows it. */
struct emu_vdevice {
	struct emu_object object;
	struct emu_vdevice *next;	/* in the vIOMMU */
	struct emu_viommu *viommu;
	struct emu_mock *mock;
	uint64_t virt_id;
};

/* viommu.c */
int emu_cmd_viommu_alloc(struct emu_cmd *cmd);
void emu_viommu_destroy(struct emu_viommu *viommu);
int emu_viommu_invalidate(struct emu_viommu *viommu, const struct k_iommu_hwpt_invalidate *arg,
			  uint32_t *done);
int emu_viommu_mmap(struct emu_file *file, size_t n, int prot, uint64_t offset, void **out);

/* vdevice.c */
int emu_cmd_vdevice_alloc(struct emu_cmd *cmd);
void emu_vdevice_destroy(struct emu_vdevice *vdevice);
/* The device leaves first: the vDEVICE goes, and its id is not used again. */
void emu_vdevice_bury(struct emu_vdevice *vdevice);
struct emu_vdevice *emu_vdevice_find(const struct emu_viommu *viommu, const struct emu_mock *mock);

/* veventq.c */
int emu_cmd_veventq_alloc(struct emu_cmd *cmd);
void emu_veventq_destroy(struct emu_veventq *veventq);
/* -EOPNOTSUPP if the guest does not listen to this type. */
int emu_viommu_report(struct emu_viommu *viommu, uint32_t type, uint32_t virt_id);

/* hwqueue.c */
int emu_cmd_hw_queue_alloc(struct emu_cmd *cmd);
void emu_hw_queue_destroy(struct emu_hw_queue *queue);

#endif
