/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "emu/viommu.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emu/mapping.h"
#include "os/mock.h"

#define PAGES_SIZE (2 * (uint64_t)EMU_PAGE)

/* The lowest place in the iommufd's file that is free, past its first page. */
static void place(struct emu_viommu *viommu)
{
	struct emu_viommu **at = &viommu->iommu->mappable;

	viommu->offset = EMU_PAGE;
	while (*at && (*at)->offset < viommu->offset + PAGES_SIZE) {
		viommu->offset = (*at)->offset + PAGES_SIZE;
		at = &(*at)->next;
	}
	viommu->next = *at;
	*at = viommu;
}

/* Pages that begin with what the user gave. */
static int make_pages(struct emu_viommu *viommu, uint32_t data)
{
	viommu->memory = emu_own_fd(EMU_OWN_MEMORY, -1);
	if (viommu->memory < 0)
		return -ENOMEM;
	if (ftruncate(viommu->memory, (off_t)PAGES_SIZE) ||
	    pwrite(viommu->memory, &data, sizeof(data), 0) != (ssize_t)sizeof(data)) {
		close(viommu->memory);
		return -ENOMEM;
	}
	place(viommu);
	return 0;
}

static int use_data(struct emu_viommu *viommu, const struct k_iommu_viommu_alloc *arg)
{
	struct k_iommu_viommu_selftest data;
	int r;

	if (!arg->data_len)
		return 0;
	r = emu_mock_read(&data, sizeof(data), emu_endof(struct k_iommu_viommu_selftest, out_data),
			  arg->data_uptr, arg->data_len);
	if (!r)
		r = make_pages(viommu, data.in_data);
	if (r)
		return r;
	data.out_data = data.in_data;
	data.out_mmap_length = PAGES_SIZE;
	data.out_mmap_offset = viommu->offset;
	return emu_user_write(arg->data_uptr, &data, arg->data_len);
}

static int new_viommu(struct emu_hwpt *parent, const struct k_iommu_viommu_alloc *arg,
		      struct emu_viommu **out)
{
	struct emu_viommu *viommu = calloc(1, sizeof(*viommu));
	int r;

	if (!viommu)
		return -ENOMEM;
	viommu->iommu = parent->ioas->iommu;
	viommu->parent = parent;
	r = emu_object_add(viommu->iommu, &viommu->object, EMU_OBJECT_VIOMMU);
	if (r) {
		free(viommu);
		return r;
	}
	parent->object.users++;
	*out = viommu;
	return use_data(viommu, arg);
}

void emu_viommu_destroy(struct emu_viommu *viommu)
{
	if (viommu->offset) {
		struct emu_viommu **at = &viommu->iommu->mappable;

		while (*at != viommu)
			at = &(*at)->next;
		*at = viommu->next;
		close(viommu->memory);
	}
	viommu->parent->object.users--;
	emu_object_remove(viommu->iommu, &viommu->object);
	free(viommu);
}

int emu_cmd_viommu_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_viommu_alloc *arg = cmd->arg;
	struct emu_viommu *viommu = NULL;
	const struct emu_device *dev;
	struct emu_hwpt *parent;
	int r;

	if (arg->flags || arg->type == K_IOMMU_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	dev = emu_device_get(cmd->iommu, arg->dev_id);
	if (!dev)
		return -ENOENT;
	if (!dev->mock || arg->type != K_IOMMU_VIOMMU_TYPE_SELFTEST)
		return -EOPNOTSUPP;
	parent = emu_object_get(cmd->iommu, arg->hwpt_id, EMU_OBJECT_HWPT);
	if (!parent)
		return -ENOENT;
	if (!parent->nest_parent)
		return -EINVAL;
	r = new_viommu(parent, arg, &viommu);
	if (!r) {
		arg->out_viommu_id = viommu->object.id;
		r = emu_cmd_respond(cmd, sizeof(*arg));
	}
	if (r && viommu)
		emu_viommu_destroy(viommu);
	return r;
}

static struct emu_mock *find_mock(const struct emu_viommu *viommu, uint64_t virt_id)
{
	const struct emu_vdevice *vdevice = viommu->vdevices;

	while (vdevice && vdevice->virt_id != virt_id)
		vdevice = vdevice->next;
	return vdevice ? vdevice->mock : NULL;
}

static int invalidate_one(const struct emu_viommu *viommu,
			  const struct k_iommu_viommu_invalidate_selftest *entry)
{
	struct emu_mock *mock;

	if (entry->flags & ~K_IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (entry->cache_id >= EMU_MOCK_CACHES)
		return -EINVAL;
	mock = find_mock(viommu, entry->vdev_id);
	if (!mock)
		return -EINVAL;
	for (uint32_t i = 0; i < EMU_MOCK_CACHES; i++)
		if (i == entry->cache_id || entry->flags)
			mock->caches[i] = 0;
	return 0;
}

/* All of the array is read first; entries may be shorter or longer than the kernel's. */
int emu_viommu_invalidate(struct emu_viommu *viommu, const struct k_iommu_hwpt_invalidate *arg,
			  uint32_t *done)
{
	struct k_iommu_viommu_invalidate_selftest *entries;
	int r = 0;

	if (arg->data_type != K_IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST)
		return -EINVAL;
	if (!arg->entry_num)
		return 0;
	entries = calloc(arg->entry_num, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; !r && i < arg->entry_num; i++)
		r = emu_user_struct(&entries[i], sizeof(*entries),
				    arg->data_uptr + (uint64_t)i * arg->entry_len, arg->entry_len);
	while (!r && *done < arg->entry_num) {
		r = invalidate_one(viommu, &entries[*done]);
		if (!r)
			++*done;
	}
	free(entries);
	return r;
}

int emu_viommu_mmap(struct emu_file *file, size_t n, int prot, uint64_t offset, void **out)
{
	struct emu_viommu *viommu = file->iommu->mappable;
	struct emu_mapping *mapping;
	void *addr;
	int r = 0;

	if (prot & PROT_EXEC)
		return -EPERM;
	while (viommu && viommu->offset != offset)
		viommu = viommu->next;
	if (!viommu || (n + EMU_PAGE - 1) / EMU_PAGE * EMU_PAGE != PAGES_SIZE)
		return -ENXIO;
	mapping = emu_mapping_new(file, n);
	if (!mapping)
		return -ENOMEM;
	addr = mmap(NULL, n, prot, MAP_SHARED, viommu->memory, 0);
	if (addr == MAP_FAILED) {
		r = -errno;
		free(mapping);
		return r;
	}
	mapping->viommu = viommu;
	viommu->object.users++;
	emu_mapping_add(mapping, addr);
	*out = addr;
	return 0;
}
