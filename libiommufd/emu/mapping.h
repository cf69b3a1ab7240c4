/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Pages of devices and vIOMMUs that mmap handed out. They hold the file, and what is behind. */
#ifndef EMU_MAPPING_H
#define EMU_MAPPING_H

#include "emu/machine.h"

struct emu_viommu;

struct emu_mapping {
	struct emu_mapping *next;
	struct emu_file *file;
	unsigned int bar;		/* of the file's device */
	struct emu_viommu *viommu;	/* or pages of this */
	uintptr_t start;
	size_t size;
	size_t left;			/* bytes not yet unmapped */
};

/* mapping.c: of @n bytes; to be freed, or added once they are mapped. */
struct emu_mapping *emu_mapping_new(struct emu_file *file, size_t n);
void emu_mapping_add(struct emu_mapping *mapping, void *addr);
/* The process unmapped that much of itself. */
void emu_mapping_unmapped(struct iommufd_emu *emu, uintptr_t addr, size_t n);
/* Whether there is something that cannot be pinned. */
bool emu_mapping_overlaps(const struct iommufd_emu *emu, uint64_t addr, uint64_t n);
void emu_mapping_free_all(struct iommufd_emu *emu);

#endif
