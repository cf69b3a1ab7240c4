/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Fault queues, as devices and page tables see them. */
#ifndef EMU_FAULT_H
#define EMU_FAULT_H

#include "emu/queue.h"

struct k_iommu_hwpt_pgfault;

/* fault.c */
/* A page table uses it, or ceases to. */
void emu_fault_hold(struct emu_fault *fault, bool hold);
/* The device wants a page, of which it says PASID, group, permissions and address. */
void emu_fault_report(const struct emu_device *dev, const struct k_iommu_hwpt_pgfault *page);
/* A device, or the PASID of it that is its attachment, leaves @hwpt. */
void emu_fault_leave(const struct emu_hwpt *hwpt, const struct emu_device *dev, int attachment);

#endif
