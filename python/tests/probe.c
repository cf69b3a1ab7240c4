/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Prints, as JSON, what the compiler makes of the public headers: size and
 * fields of every structure, value of every constant. The Python tests compare
 * it with the package and with the text of the headers, so nothing can be
 * missing here unnoticed.
 */
#include "probe.h"

static const char *separator = "";

void begin_struct(const char *name, size_t size, size_t alignment)
{
	printf("%s\n  \"%s\": {\"size\": %zu, \"alignment\": %zu, \"fields\": {", separator, name,
	       size, alignment);
	separator = "";
}

void end_struct(void)
{
	printf("}}");
	separator = ",";
}

void field(const char *name, size_t offset, size_t size)
{
	printf("%s\n    \"%s\": [%zu, %zu]", separator, name, offset, size);
	separator = ",";
}

void constant(const char *name, long long value)
{
	printf("%s\n  \"%s\": %lld", separator, name, value);
	separator = ",";
}

static void context_structs(void)
{
	STRUCT(iommufd_error);
	FIELD(iommufd_error, code);
	FIELD(iommufd_error, operation);
	FIELD(iommufd_error, object);
	FIELD(iommufd_error, message);
	FIELD(iommufd_error, remedy);
	end_struct();
	STRUCT(iommufd_ctx_opts);
	FIELD(iommufd_ctx_opts, size);
	FIELD(iommufd_ctx_opts, flags);
	FIELD(iommufd_ctx_opts, backend);
	FIELD(iommufd_ctx_opts, log);
	FIELD(iommufd_ctx_opts, log_data);
	FIELD(iommufd_ctx_opts, log_level);
	FIELD(iommufd_ctx_opts, group_policy);
	FIELD(iommufd_ctx_opts, sys);
	end_struct();
}

static void event_structs(void)
{
	STRUCT(iommufd_event);
	FIELD(iommufd_event, size);
	FIELD(iommufd_event, type);
	FIELD(iommufd_event, group);
	FIELD(iommufd_event, cookie);
	FIELD(iommufd_event, name);
	FIELD(iommufd_event, driver);
	end_struct();
}

static void device_structs(void)
{
	STRUCT(iommufd_device_opts);
	FIELD(iommufd_device_opts, size);
	FIELD(iommufd_device_opts, flags);
	FIELD(iommufd_device_opts, cookie);
	FIELD(iommufd_device_opts, vf_token);
	FIELD(iommufd_device_opts, ioas);
	end_struct();
	STRUCT(iommufd_device_bound);
	FIELD(iommufd_device_bound, size);
	FIELD(iommufd_device_bound, id);
	FIELD(iommufd_device_bound, fd);
	FIELD(iommufd_device_bound, mock_id);
	FIELD(iommufd_device_bound, mock_pt);
	end_struct();
	STRUCT(iommufd_device_info);
	FIELD(iommufd_device_info, size);
	FIELD(iommufd_device_info, flags);
	FIELD(iommufd_device_info, num_regions);
	FIELD(iommufd_device_info, num_irqs);
	FIELD(iommufd_device_info, id);
	FIELD(iommufd_device_info, group);
	FIELD(iommufd_device_info, reserved);
	FIELD(iommufd_device_info, cookie);
	FIELD(iommufd_device_info, name);
	end_struct();
	STRUCT(iommufd_group_info);
	FIELD(iommufd_group_info, size);
	FIELD(iommufd_group_info, number);
	FIELD(iommufd_group_info, flags);
	FIELD(iommufd_group_info, num_members);
	FIELD(iommufd_group_info, num_open);
	end_struct();
	STRUCT(iommufd_group_member);
	FIELD(iommufd_group_member, size);
	FIELD(iommufd_group_member, flags);
	FIELD(iommufd_group_member, reserved);
	FIELD(iommufd_group_member, name);
	FIELD(iommufd_group_member, bus);
	FIELD(iommufd_group_member, driver);
	FIELD(iommufd_group_member, reason);
	end_struct();
	STRUCT(iommufd_handoff_item);
	FIELD(iommufd_handoff_item, size);
	FIELD(iommufd_handoff_item, kind), FIELD(iommufd_handoff_item, fd);
	FIELD(iommufd_handoff_item, group), FIELD(iommufd_handoff_item, id);
	FIELD(iommufd_handoff_item, cookie);
	FIELD(iommufd_handoff_item, name);
	end_struct();
	STRUCT(iommufd_import_opts);
	FIELD(iommufd_import_opts, size);
	FIELD(iommufd_import_opts, flags);
	FIELD(iommufd_import_opts, ctx);
	end_struct();
	STRUCT(iommufd_import_item);
	FIELD(iommufd_import_item, size);
	FIELD(iommufd_import_item, kind), FIELD(iommufd_import_item, id);
	FIELD(iommufd_import_item, device), FIELD(iommufd_import_item, reserved);
	end_struct();
	STRUCT(iommufd_region_info);
	FIELD(iommufd_region_info, size);
	FIELD(iommufd_region_info, length);
	FIELD(iommufd_region_info, offset);
	FIELD(iommufd_region_info, flags);
	FIELD(iommufd_region_info, type);
	FIELD(iommufd_region_info, subtype);
	FIELD(iommufd_region_info, num_areas);
	end_struct();
	STRUCT(iommufd_region_area);
	FIELD(iommufd_region_area, offset);
	FIELD(iommufd_region_area, length);
	end_struct();
	STRUCT(iommufd_precopy_info);
	FIELD(iommufd_precopy_info, size);
	FIELD(iommufd_precopy_info, flags);
	FIELD(iommufd_precopy_info, initial_bytes);
	FIELD(iommufd_precopy_info, dirty_bytes);
	end_struct();
	STRUCT(iommufd_reset_info);
	FIELD(iommufd_reset_info, size);
	FIELD(iommufd_reset_info, flags);
	FIELD(iommufd_reset_info, count);
	FIELD(iommufd_reset_info, group);
	FIELD(iommufd_reset_info, id);
	FIELD(iommufd_reset_info, cookie);
	FIELD(iommufd_reset_info, name);
	end_struct();
	STRUCT(iommufd_irq_info);
	FIELD(iommufd_irq_info, size);
	FIELD(iommufd_irq_info, flags);
	FIELD(iommufd_irq_info, count);
	end_struct();
}

static void ioas_structs(void)
{
	STRUCT(iommufd_range);
	FIELD(iommufd_range, start);
	FIELD(iommufd_range, last);
	end_struct();
	STRUCT(iommufd_ioas_opts);
	FIELD(iommufd_ioas_opts, size);
	FIELD(iommufd_ioas_opts, flags);
	end_struct();
	STRUCT(iommufd_ioas_info);
	FIELD(iommufd_ioas_info, size);
	FIELD(iommufd_ioas_info, flags);
	FIELD(iommufd_ioas_info, page_sizes);
	FIELD(iommufd_ioas_info, align);
	FIELD(iommufd_ioas_info, entries_left);
	FIELD(iommufd_ioas_info, mappings);
	FIELD(iommufd_ioas_info, bytes);
	FIELD(iommufd_ioas_info, attached);
	FIELD(iommufd_ioas_info, containers);
	end_struct();
	STRUCT(iommufd_map_opts);
	FIELD(iommufd_map_opts, size);
	FIELD(iommufd_map_opts, min);
	FIELD(iommufd_map_opts, last);
	FIELD(iommufd_map_opts, align);
	end_struct();
	STRUCT(iommufd_mapping);
	FIELD(iommufd_mapping, size);
	FIELD(iommufd_mapping, iova);
	FIELD(iommufd_mapping, length);
	FIELD(iommufd_mapping, va);
	FIELD(iommufd_mapping, offset);
	FIELD(iommufd_mapping, flags);
	FIELD(iommufd_mapping, memory);
	end_struct();
	STRUCT(iommufd_map_vec);
	FIELD(iommufd_map_vec, va);
	FIELD(iommufd_map_vec, length);
	FIELD(iommufd_map_vec, iova);
	end_struct();
}

static void emu_structs(void)
{
	STRUCT(iommufd_emu_opts);
	FIELD(iommufd_emu_opts, size);
	FIELD(iommufd_emu_opts, flags);
	FIELD(iommufd_emu_opts, address_bits);
	FIELD(iommufd_emu_opts, memlock_pages);
	FIELD(iommufd_emu_opts, kernel);
	FIELD(iommufd_emu_opts, dma_entries);
	FIELD(iommufd_emu_opts, reserved);
	end_struct();
	STRUCT(iommufd_emu_device_opts);
	FIELD(iommufd_emu_device_opts, size);
	FIELD(iommufd_emu_device_opts, flags);
	FIELD(iommufd_emu_device_opts, bdf);
	FIELD(iommufd_emu_device_opts, driver);
	FIELD(iommufd_emu_device_opts, group);
	FIELD(iommufd_emu_device_opts, reserved);
	FIELD(iommufd_emu_device_opts, vf_token);
	FIELD(iommufd_emu_device_opts, reserved_start);
	FIELD(iommufd_emu_device_opts, reserved_last);
	end_struct();
	STRUCT(iommufd_emu_fault);
	FIELD(iommufd_emu_fault, size);
	FIELD(iommufd_emu_fault, calls);
	FIELD(iommufd_emu_fault, error);
	FIELD(iommufd_emu_fault, request);
	FIELD(iommufd_emu_fault, nth);
	FIELD(iommufd_emu_fault, count);
	end_struct();
	STRUCT(iommufd_emu_counts);
	FIELD(iommufd_emu_counts, size);
	FIELD(iommufd_emu_counts, calls);
	FIELD(iommufd_emu_counts, injected);
	FIELD(iommufd_emu_counts, fds);
	FIELD(iommufd_emu_counts, ioas);
	FIELD(iommufd_emu_counts, bound);
	FIELD(iommufd_emu_counts, attached);
	FIELD(iommufd_emu_counts, mappings);
	FIELD(iommufd_emu_counts, pinned_pages);
	FIELD(iommufd_emu_counts, bar_maps);
	FIELD(iommufd_emu_counts, eventfds);
	FIELD(iommufd_emu_counts, dma_bytes);
	FIELD(iommufd_emu_counts, dma_faults);
	FIELD(iommufd_emu_counts, groups);
	FIELD(iommufd_emu_counts, containers);
	FIELD(iommufd_emu_counts, objects);
	end_struct();
}

static void context_constants(void)
{
	CONSTANT(IOMMUFD_LOG_NONE);
	CONSTANT(IOMMUFD_LOG_ERROR);
	CONSTANT(IOMMUFD_LOG_WARNING);
	CONSTANT(IOMMUFD_LOG_INFO);
	CONSTANT(IOMMUFD_LOG_DEBUG);
	CONSTANT(IOMMUFD_CTX_RLIMIT_PROCESS);
	CONSTANT(IOMMUFD_GROUP_ANY);
	CONSTANT(IOMMUFD_GROUP_SINGLETON);
	CONSTANT(IOMMUFD_GROUP_ONE_IOAS);
	CONSTANT(IOMMUFD_EVENT_GROUP_NOT_VIABLE);
	CONSTANT(IOMMUFD_EVENT_GROUP_VIABLE);
	CONSTANT(IOMMUFD_EVENT_DEVICE_LEAVING);
	CONSTANT(IOMMUFD_CAP_MAP_WITHOUT_DEVICE);
	CONSTANT(IOMMUFD_CAP_COPY);
	CONSTANT(IOMMUFD_CAP_MAP_FILE);
	CONSTANT(IOMMUFD_CAP_CHANGE_PROCESS);
	CONSTANT(IOMMUFD_CAP_ALLOW_IOVAS);
	CONSTANT(IOMMUFD_CAP_HUGE_PAGE_OPTION);
	CONSTANT(IOMMUFD_CAP_COMPAT_IOAS);
	CONSTANT(IOMMUFD_CAP_REPLACE);
	CONSTANT(IOMMUFD_CAP_GROUPS);
	CONSTANT(IOMMUFD_CAP_NESTING);
	CONSTANT(IOMMUFD_CAP_PASID);
	CONSTANT(IOMMUFD_CAP_DIRTY_TRACKING);
	CONSTANT(IOMMUFD_CAP_FAULT_QUEUE);
	CONSTANT(IOMMUFD_CAP_ISOLATION);
	CONSTANT(IOMMUFD_CAP_UPDATE_VA);
	CONSTANT(IOMMUFD_CAP_MAP_DEVICE);
	CONSTANT(IOMMUFD_CAP_DETACH_JOINED);
	CONSTANT(IOMMUFD_CAP_DIRTY_ALL_PINNED);
	CONSTANT(IOMMUFD_CAP_DEVICE_FD);
	CONSTANT(IOMMUFD_CAP_HW_INFO);
	CONSTANT(IOMMUFD_CAP_HWPT);
	CONSTANT(IOMMUFD_CAP_VIOMMU);
	CONSTANT(IOMMUFD_CAP_VEVENTQ);
	CONSTANT(IOMMUFD_CAP_HW_QUEUE);
}

static void device_constants(void)
{
	CONSTANT(IOMMUFD_DEVICE_PCI);
	CONSTANT(IOMMUFD_DEVICE_RESET);
	CONSTANT(IOMMUFD_DEVICE_PLATFORM);
	CONSTANT(IOMMUFD_DEVICE_MEDIATED);
	CONSTANT(IOMMUFD_GROUP_VIABLE);
	CONSTANT(IOMMUFD_GROUP_NOIOMMU);
	CONSTANT(IOMMUFD_GROUP_MEMBER_BLOCKS);
	CONSTANT(IOMMUFD_GROUP_MEMBER_VFIO);
	CONSTANT(IOMMUFD_GROUP_MEMBER_BRIDGE);
	CONSTANT(IOMMUFD_GROUP_MEMBER_OPEN);
	CONSTANT(IOMMUFD_HANDOFF_CTX);
	CONSTANT(IOMMUFD_HANDOFF_CDEV);
	CONSTANT(IOMMUFD_HANDOFF_BOUND);
	CONSTANT(IOMMUFD_HANDOFF_GROUP);
	CONSTANT(IOMMUFD_HANDOFF_MEMBER);
	CONSTANT(IOMMUFD_IMPORT_KEEP_PROCESS);
	CONSTANT(IOMMUFD_IMPORT_IOAS);
	CONSTANT(IOMMUFD_IMPORT_DEVICE);
	CONSTANT(IOMMUFD_IMPORT_HWPT);
	CONSTANT(IOMMUFD_IMPORT_FAULT_QUEUE);
	CONSTANT(IOMMUFD_IMPORT_VIOMMU);
	CONSTANT(IOMMUFD_IMPORT_VDEVICE);
	CONSTANT(IOMMUFD_IMPORT_VEVENTQ);
	CONSTANT(IOMMUFD_IMPORT_HW_QUEUE);
	CONSTANT(IOMMUFD_IMPORT_PASID);
	CONSTANT(IOMMUFD_REGION_BAR0);
	CONSTANT(IOMMUFD_REGION_BAR1);
	CONSTANT(IOMMUFD_REGION_BAR2);
	CONSTANT(IOMMUFD_REGION_BAR3);
	CONSTANT(IOMMUFD_REGION_BAR4);
	CONSTANT(IOMMUFD_REGION_BAR5);
	CONSTANT(IOMMUFD_REGION_ROM);
	CONSTANT(IOMMUFD_REGION_CONFIG);
	CONSTANT(IOMMUFD_REGION_VGA);
	CONSTANT(IOMMUFD_REGION_READ);
	CONSTANT(IOMMUFD_REGION_WRITE);
	CONSTANT(IOMMUFD_REGION_MAP);
	CONSTANT(IOMMUFD_REGION_MSIX_MAP);
	CONSTANT(IOMMUFD_RESET_OWNED);
	CONSTANT(IOMMUFD_RESET_OPEN);
	CONSTANT(IOMMUFD_MIGRATION_STOP_COPY);
	CONSTANT(IOMMUFD_MIGRATION_P2P);
	CONSTANT(IOMMUFD_MIGRATION_PRE_COPY);
	CONSTANT(IOMMUFD_MIGRATION_STATE_ERROR);
	CONSTANT(IOMMUFD_MIGRATION_STATE_STOP);
	CONSTANT(IOMMUFD_MIGRATION_STATE_RUNNING);
	CONSTANT(IOMMUFD_MIGRATION_STATE_STOP_COPY);
	CONSTANT(IOMMUFD_MIGRATION_STATE_RESUMING);
	CONSTANT(IOMMUFD_MIGRATION_STATE_RUNNING_P2P);
	CONSTANT(IOMMUFD_MIGRATION_STATE_PRE_COPY);
	CONSTANT(IOMMUFD_MIGRATION_STATE_PRE_COPY_P2P);
	CONSTANT(IOMMUFD_PRECOPY_REINIT);
	CONSTANT(IOMMUFD_FEATURE_PCI_VF_TOKEN);
	CONSTANT(IOMMUFD_FEATURE_MIGRATION);
	CONSTANT(IOMMUFD_FEATURE_MIG_DEVICE_STATE);
	CONSTANT(IOMMUFD_FEATURE_LOW_POWER_ENTRY);
	CONSTANT(IOMMUFD_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP);
	CONSTANT(IOMMUFD_FEATURE_LOW_POWER_EXIT);
	CONSTANT(IOMMUFD_FEATURE_DMA_LOGGING_START);
	CONSTANT(IOMMUFD_FEATURE_DMA_LOGGING_STOP);
	CONSTANT(IOMMUFD_FEATURE_DMA_LOGGING_REPORT);
	CONSTANT(IOMMUFD_FEATURE_MIG_DATA_SIZE);
	CONSTANT(IOMMUFD_FEATURE_BUS_MASTER);
	CONSTANT(IOMMUFD_FEATURE_DMA_BUF);
	CONSTANT(IOMMUFD_FEATURE_MIG_PRECOPY_INFO_V2);
	CONSTANT(IOMMUFD_FEATURE_GET);
	CONSTANT(IOMMUFD_FEATURE_SET);
	CONSTANT(IOMMUFD_IRQ_INTX);
	CONSTANT(IOMMUFD_IRQ_MSI);
	CONSTANT(IOMMUFD_IRQ_MSIX);
	CONSTANT(IOMMUFD_IRQ_ERR);
	CONSTANT(IOMMUFD_IRQ_REQ);
	CONSTANT(IOMMUFD_IRQ_EVENTFD);
	CONSTANT(IOMMUFD_IRQ_MASKABLE);
	CONSTANT(IOMMUFD_IRQ_AUTOMASKED);
	CONSTANT(IOMMUFD_IRQ_DYNAMIC);
}

static void ioas_constants(void)
{
	CONSTANT(IOMMUFD_IOAS_NO_HUGE_PAGES);
	CONSTANT(IOMMUFD_IOAS_COALESCE);
	CONSTANT(IOMMUFD_IOAS_DIRTY_TRACKING);
	CONSTANT(IOMMUFD_MAP_READ);
	CONSTANT(IOMMUFD_MAP_WRITE);
	CONSTANT(IOMMUFD_MAP_FIXED);
	CONSTANT(IOMMUFD_MAP_COALESCE);
	CONSTANT(IOMMUFD_DIRTY_KEEP);
	CONSTANT(IOMMUFD_MEMORY_VA);
	CONSTANT(IOMMUFD_MEMORY_FILE);
	CONSTANT(IOMMUFD_MEMORY_OTHER);
}

static void emu_constants(void)
{
	CONSTANT(IOMMUFD_EMU_EMPTY);
	CONSTANT(IOMMUFD_EMU_NO_IOMMU_NODE);
	CONSTANT(IOMMUFD_EMU_NO_PERMISSION);
	CONSTANT(IOMMUFD_EMU_NO_CDEV);
	CONSTANT(IOMMUFD_EMU_UNPRIVILEGED);
	CONSTANT(IOMMUFD_EMU_NO_MSI_ISOLATION);
	CONSTANT(IOMMUFD_EMU_NOIOMMU);
	CONSTANT(IOMMUFD_EMU_COMPAT_CONTAINER);
	CONSTANT(IOMMUFD_EMU_DEVICE_MSIX);
	CONSTANT(IOMMUFD_EMU_DEVICE_MEDIATED);
	CONSTANT(IOMMUFD_EMU_CALL_OPEN);
	CONSTANT(IOMMUFD_EMU_CALL_IOCTL);
	CONSTANT(IOMMUFD_EMU_CALL_READ);
	CONSTANT(IOMMUFD_EMU_CALL_WRITE);
	CONSTANT(IOMMUFD_EMU_CALL_MMAP);
	CONSTANT(IOMMUFD_EMU_CALL_DUP);
	CONSTANT(IOMMUFD_EMU_CALL_SYSFS);
	CONSTANT(IOMMUFD_EMU_CALL_POPULATE);
}

int main(void)
{
	printf("{\"version\": \"%s\",\n\"structs\": {", IOMMUFD_VERSION);
	context_structs();
	event_structs();
	device_structs();
	ioas_structs();
	model_structs();
	emu_structs();
	printf("},\n\"constants\": {");
	separator = "";
	context_constants();
	device_constants();
	ioas_constants();
	model_constants();
	emu_constants();
	printf("}}\n");
	return 0;
}
