/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "emu/mapping.h"

#include <stdlib.h>

#include "emu/viommu.h"

static size_t whole_pages(size_t n)
{
	return (n + EMU_PAGE - 1) / EMU_PAGE * EMU_PAGE;
}

struct emu_mapping *emu_mapping_new(struct emu_file *file, size_t n)
{
	struct emu_mapping *mapping = calloc(1, sizeof(*mapping));

	if (!mapping)
		return NULL;
	mapping->file = file;
	mapping->size = whole_pages(n);
	mapping->left = mapping->size;
	return mapping;
}

void emu_mapping_add(struct emu_mapping *mapping, void *addr)
{
	struct iommufd_emu *emu = mapping->file->kind == EMU_FILE_IOMMU ? mapping->file->iommu->emu
									: mapping->file->device->emu;

	mapping->start = (uintptr_t)addr;
	mapping->next = emu->mappings;
	emu->mappings = mapping;
	emu->counts.bar_maps++;
	mapping->file->holds++;
}

static void forget(struct iommufd_emu *emu, struct emu_mapping *mapping)
{
	struct emu_file *file = mapping->file;

	if (mapping->viommu)
		mapping->viommu->object.users--;
	else
		emu_bar_unmapped(file->device, mapping->bar);
	emu->counts.bar_maps--;
	free(mapping);
	file->holds--;
	emu_file_put(emu, file);
}

void emu_mapping_unmapped(struct iommufd_emu *emu, uintptr_t addr, size_t n)
{
	struct emu_mapping **at = &emu->mappings;

	n = whole_pages(n);
	while (*at) {
		struct emu_mapping *mapping = *at;
		uintptr_t start = mapping->start > addr ? mapping->start : addr;
		uintptr_t end = mapping->start + mapping->size < addr + n
					? mapping->start + mapping->size
					: addr + n;

		if (start < end)
			mapping->left -= mapping->left < end - start ? mapping->left : end - start;
		if (mapping->left) {
			at = &mapping->next;
			continue;
		}
		*at = mapping->next;
		forget(emu, mapping);
	}
}

bool emu_mapping_overlaps(const struct iommufd_emu *emu, uint64_t addr, uint64_t n)
{
	for (const struct emu_mapping *m = emu->mappings; m; m = m->next)
		if (addr < m->start + m->size && m->start < addr + n)
			return true;
	return false;
}

void emu_mapping_free_all(struct iommufd_emu *emu)
{
	while (emu->mappings) {
		struct emu_mapping *mapping = emu->mappings;

		emu->mappings = mapping->next;
		forget(emu, mapping);
	}
}
