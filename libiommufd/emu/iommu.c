/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Requests to /dev/iommu: what is common to all of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/viommu.h"
#include "os/mock.h"

struct row {
	uint32_t request;
	unsigned int since;
	size_t size;		/* of the argument, as the newest kernel knows it */
	size_t min_size;	/* as the first kernel that had it did */
	int (*serve)(struct emu_cmd *cmd);
};

#define ROW(request, major, minor, type, last_member, serve) \
	{ request, EMU_RELEASE(major, minor), sizeof(struct type), \
	  emu_endof(struct type, last_member), serve }

static const struct row rows[] = {
	ROW(K_IOMMU_DESTROY, 6, 2, k_iommu_destroy, id, emu_cmd_destroy),
	ROW(K_IOMMU_IOAS_ALLOC, 6, 2, k_iommu_ioas_alloc, out_ioas_id, emu_cmd_ioas_alloc),
	ROW(K_IOMMU_IOAS_ALLOW_IOVAS, 6, 2, k_iommu_ioas_allow_iovas, allowed_iovas,
	    emu_cmd_ioas_allow),
	ROW(K_IOMMU_IOAS_COPY, 6, 2, k_iommu_ioas_copy, src_iova, emu_cmd_ioas_copy),
	ROW(K_IOMMU_IOAS_IOVA_RANGES, 6, 2, k_iommu_ioas_iova_ranges, out_iova_alignment,
	    emu_cmd_ioas_ranges),
	ROW(K_IOMMU_IOAS_MAP, 6, 2, k_iommu_ioas_map, iova, emu_cmd_ioas_map),
	ROW(K_IOMMU_IOAS_UNMAP, 6, 2, k_iommu_ioas_unmap, length, emu_cmd_ioas_unmap),
	ROW(K_IOMMU_OPTION, 6, 2, k_iommu_option, val64, emu_cmd_option),
	ROW(K_IOMMU_VFIO_IOAS, 6, 2, k_iommu_vfio_ioas, __reserved, emu_cmd_vfio_ioas),
	ROW(K_IOMMU_HWPT_ALLOC, 6, 6, k_iommu_hwpt_alloc, __reserved, emu_cmd_hwpt_alloc),
	ROW(K_IOMMU_GET_HW_INFO, 6, 6, k_iommu_hw_info, __reserved, emu_cmd_hw_info),
	ROW(K_IOMMU_HWPT_SET_DIRTY_TRACKING, 6, 7, k_iommu_hwpt_set_dirty_tracking, __reserved,
	    emu_cmd_hwpt_set_dirty),
	ROW(K_IOMMU_HWPT_GET_DIRTY_BITMAP, 6, 7, k_iommu_hwpt_get_dirty_bitmap, data,
	    emu_cmd_hwpt_get_dirty),
	ROW(K_IOMMU_HWPT_INVALIDATE, 6, 8, k_iommu_hwpt_invalidate, __reserved,
	    emu_cmd_hwpt_invalidate),
	ROW(K_IOMMU_FAULT_QUEUE_ALLOC, 6, 11, k_iommu_fault_alloc, out_fault_fd,
	    emu_cmd_fault_alloc),
	ROW(K_IOMMU_IOAS_MAP_FILE, 6, 13, k_iommu_ioas_map_file, iova, emu_cmd_ioas_map_file),
	ROW(K_IOMMU_VIOMMU_ALLOC, 6, 13, k_iommu_viommu_alloc, out_viommu_id, emu_cmd_viommu_alloc),
	ROW(K_IOMMU_VDEVICE_ALLOC, 6, 13, k_iommu_vdevice_alloc, virt_id, emu_cmd_vdevice_alloc),
	ROW(K_IOMMU_IOAS_CHANGE_PROCESS, 6, 13, k_iommu_ioas_change_process, __reserved,
	    emu_cmd_ioas_change_process),
	ROW(K_IOMMU_VEVENTQ_ALLOC, 6, 15, k_iommu_veventq_alloc, out_veventq_fd,
	    emu_cmd_veventq_alloc),
	ROW(K_IOMMU_HW_QUEUE_ALLOC, 6, 17, k_iommu_hw_queue_alloc, length, emu_cmd_hw_queue_alloc),
	ROW(K_IOMMU_IOAS_NOIOMMU_GET_PA, 7, 3, k_iommu_ioas_noiommu_get_pa, out_phys,
	    emu_cmd_noiommu_get_pa),
	ROW(K_IOMMU_TEST_CMD, 7, 3, k_iommu_test_cmd, last, emu_cmd_test),
};

/* Beyond it are the requests of a container. */
static uint32_t last_nr(const struct iommufd_emu *emu)
{
	return emu_has(emu, EMU_FEATURE_MOCKS) ? _IOC_NR(K_IOMMU_TEST_CMD)
					       : _IOC_NR(K_IOMMU_IOAS_NOIOMMU_GET_PA);
}

static const struct row *find_row(const struct iommufd_emu *emu, uint32_t request)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].request == request && rows[i].since <= emu->kernel->release)
			return &rows[i];
	return NULL;
}

int emu_iommu_ioctl(struct emu_iommu *iommu, uint32_t request, uint64_t arg)
{
	/* of any row, and aligned for all of them */
	union {
		uint64_t align;
		unsigned char bytes[256];
	} buf;
	struct emu_cmd cmd = { .iommu = iommu, .arg = memset(&buf, 0, sizeof(buf)), .user = arg };
	const struct row *row;
	size_t known;
	int r;

	if (_IOC_NR(request) < K_IOMMUFD_CMD_BASE || _IOC_NR(request) > last_nr(iommu->emu))
		return emu_compat_ioctl(iommu, request, arg);
	r = emu_user_read(&cmd.user_size, arg, sizeof(cmd.user_size));
	if (r)
		return r;
	row = find_row(iommu->emu, request);
	if (!row)
		return -ENOTTY;
	if (cmd.user_size < row->min_size)
		return -EINVAL;
	known = emu_has(iommu->emu, EMU_FEATURE_GROWN_IOMMUFD) ? row->size : row->min_size;
	r = emu_user_struct(&buf, known, arg, cmd.user_size);
	if (r)
		return r;
	if (cmd.user_size > known)
		cmd.user_size = (uint32_t)known;
	return row->serve(&cmd);
}

int emu_cmd_respond(const struct emu_cmd *cmd, size_t size)
{
	return emu_user_write(cmd->user, cmd->arg, cmd->user_size < size ? cmd->user_size : size);
}

struct emu_iommu *emu_iommu_new(struct iommufd_emu *emu)
{
	struct emu_iommu *iommu = calloc(1, sizeof(*iommu));

	if (!iommu)
		return NULL;
	iommu->emu = emu;
	iommu->refs = 1;
	return iommu;
}

void emu_iommu_put(struct emu_iommu *iommu)
{
	if (!iommu || --iommu->refs)
		return;
	emu_object_destroy_all(iommu);
	free(iommu->objects);
	free(iommu);
}
