# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The behaviour of the public interface, the same on every kernel; see
# tests/contract/contract.h. The programs link what users link.

contract_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
contract_libs = tests/contract/libcontract.la libiommufd.la libiommufd-emu.la $(CMOCKA_LIBS)

check_LTLIBRARIES += tests/contract/libcontract.la
tests_contract_libcontract_la_CFLAGS = $(contract_cflags)
tests_contract_libcontract_la_SOURCES = \
	tests/contract/contract.c tests/contract/contract.h \
	tests/contract/driver.c tests/contract/driver.h \
	tests/contract/edu.c tests/contract/edu.h \
	tests/contract/expect.c \
	tests/contract/guest.c tests/contract/guest.h \
	tests/contract/handoff.c tests/contract/handoff.h \
	tests/contract/import.c tests/contract/import.h \
	tests/contract/mock.c tests/contract/mock.h \
	tests/contract/shape.c tests/contract/shape.h \
	tests/contract/tables.c tests/contract/tables.h

contract_tests += \
	tests/contract/test-adopt \
	tests/contract/test-ctx \
	tests/contract/test-ctx-backend \
	tests/contract/test-ctx-fd \
	tests/contract/test-ctx-use \
	tests/contract/test-device \
	tests/contract/test-device-fd \
	tests/contract/test-event \
	tests/contract/test-fault \
	tests/contract/test-feature \
	tests/contract/test-group \
	tests/contract/test-group-fd \
	tests/contract/test-handoff \
	tests/contract/test-handoff-open \
	tests/contract/test-handoff-socket \
	tests/contract/test-hwinfo \
	tests/contract/test-hw-queue \
	tests/contract/test-hwpt \
	tests/contract/test-hwpt-attach \
	tests/contract/test-hwpt-nested \
	tests/contract/test-vdevice \
	tests/contract/test-veventq \
	tests/contract/test-viommu \
	tests/contract/test-import \
	tests/contract/test-import-blob \
	tests/contract/test-import-device \
	tests/contract/test-import-guest \
	tests/contract/test-import-process \
	tests/contract/test-ioas-map \
	tests/contract/test-ioas-mapv \
	tests/contract/test-ioas-unmap \
	tests/contract/test-ioas-ranges \
	tests/contract/test-ioas-copy \
	tests/contract/test-ioas-lookup \
	tests/contract/test-ioas-file \
	tests/contract/test-ioas-info \
	tests/contract/test-ioas-update \
	tests/contract/test-attach \
	tests/contract/test-join \
	tests/contract/test-dirty \
	tests/contract/test-dirty-table \
	tests/contract/test-dma \
	tests/contract/test-refusal \
	tests/contract/test-refusal-fd \
	tests/contract/test-region \
	tests/contract/test-region-ioeventfd \
	tests/contract/test-irq \
	tests/contract/test-migration \
	tests/contract/test-noiommu \
	tests/contract/test-pasid \
	tests/contract/test-pasid-attach \
	tests/contract/test-pasid-dirty \
	tests/contract/test-pasid-table \
	tests/contract/test-pci \
	tests/contract/test-reset \
	tests/contract/test-error \
	tests/contract/test-limits \
	tests/contract/test-threads \
	tests/contract/test-unref-order

check_PROGRAMS += $(contract_tests)
TESTS += $(contract_tests) tests/contract/no-emulator tests/contract/odd-emulator
EXTRA_DIST += tests/contract/no-emulator tests/contract/odd-emulator

tests_contract_test_adopt_SOURCES = tests/contract/test-adopt.c
tests_contract_test_adopt_CFLAGS = $(contract_cflags)
tests_contract_test_adopt_LDADD = $(contract_libs)

tests_contract_test_ctx_SOURCES = tests/contract/test-ctx.c
tests_contract_test_ctx_CFLAGS = $(contract_cflags)
tests_contract_test_ctx_LDADD = $(contract_libs)

tests_contract_test_ctx_backend_SOURCES = tests/contract/test-ctx-backend.c
tests_contract_test_ctx_backend_CFLAGS = $(contract_cflags)
tests_contract_test_ctx_backend_LDADD = $(contract_libs)

tests_contract_test_ctx_fd_SOURCES = tests/contract/test-ctx-fd.c
tests_contract_test_ctx_fd_CFLAGS = $(contract_cflags)
tests_contract_test_ctx_fd_LDADD = $(contract_libs)

tests_contract_test_migration_SOURCES = tests/contract/test-migration.c
tests_contract_test_migration_CFLAGS = $(contract_cflags)
tests_contract_test_migration_LDADD = $(contract_libs)

tests_contract_test_noiommu_SOURCES = tests/contract/test-noiommu.c
tests_contract_test_noiommu_CFLAGS = $(contract_cflags)
tests_contract_test_noiommu_LDADD = $(contract_libs)

tests_contract_test_ctx_use_SOURCES = tests/contract/test-ctx-use.c
tests_contract_test_ctx_use_CFLAGS = $(contract_cflags)
tests_contract_test_ctx_use_LDADD = $(contract_libs)

tests_contract_test_device_SOURCES = tests/contract/test-device.c
tests_contract_test_device_CFLAGS = $(contract_cflags)
tests_contract_test_device_LDADD = $(contract_libs)

tests_contract_test_device_fd_SOURCES = tests/contract/test-device-fd.c
tests_contract_test_device_fd_CFLAGS = $(contract_cflags)
tests_contract_test_device_fd_LDADD = $(contract_libs)

tests_contract_test_event_SOURCES = tests/contract/test-event.c
tests_contract_test_event_CFLAGS = $(contract_cflags)
tests_contract_test_event_LDADD = $(contract_libs)

tests_contract_test_fault_SOURCES = tests/contract/test-fault.c
tests_contract_test_fault_CFLAGS = $(contract_cflags)
tests_contract_test_fault_LDADD = $(contract_libs)

tests_contract_test_feature_SOURCES = tests/contract/test-feature.c
tests_contract_test_feature_CFLAGS = $(contract_cflags)
tests_contract_test_feature_LDADD = $(contract_libs)

tests_contract_test_group_fd_SOURCES = tests/contract/test-group-fd.c
tests_contract_test_group_fd_CFLAGS = $(contract_cflags)
tests_contract_test_group_fd_LDADD = $(contract_libs)

tests_contract_test_group_SOURCES = tests/contract/test-group.c
tests_contract_test_group_CFLAGS = $(contract_cflags)
tests_contract_test_group_LDADD = $(contract_libs)

tests_contract_test_handoff_SOURCES = tests/contract/test-handoff.c
tests_contract_test_handoff_CFLAGS = $(contract_cflags)
tests_contract_test_handoff_LDADD = $(contract_libs)

tests_contract_test_handoff_open_SOURCES = tests/contract/test-handoff-open.c
tests_contract_test_handoff_open_CFLAGS = $(contract_cflags)
tests_contract_test_handoff_open_LDADD = $(contract_libs)

tests_contract_test_handoff_socket_SOURCES = tests/contract/test-handoff-socket.c
tests_contract_test_handoff_socket_CFLAGS = $(contract_cflags)
tests_contract_test_handoff_socket_LDADD = $(contract_libs)
tests_contract_test_hwinfo_SOURCES = tests/contract/test-hwinfo.c
tests_contract_test_hwinfo_CFLAGS = $(contract_cflags)
tests_contract_test_hwinfo_LDADD = $(contract_libs)

tests_contract_test_hwpt_SOURCES = tests/contract/test-hwpt.c
tests_contract_test_hwpt_CFLAGS = $(contract_cflags)
tests_contract_test_hwpt_LDADD = $(contract_libs)

tests_contract_test_hwpt_attach_SOURCES = tests/contract/test-hwpt-attach.c
tests_contract_test_hwpt_attach_CFLAGS = $(contract_cflags)
tests_contract_test_hwpt_attach_LDADD = $(contract_libs)

tests_contract_test_hwpt_nested_SOURCES = tests/contract/test-hwpt-nested.c
tests_contract_test_hwpt_nested_CFLAGS = $(contract_cflags)
tests_contract_test_hwpt_nested_LDADD = $(contract_libs)

tests_contract_test_import_SOURCES = tests/contract/test-import.c
tests_contract_test_import_CFLAGS = $(contract_cflags)
tests_contract_test_import_LDADD = $(contract_libs)

tests_contract_test_import_blob_SOURCES = tests/contract/test-import-blob.c
tests_contract_test_import_blob_CFLAGS = $(contract_cflags)
tests_contract_test_import_blob_LDADD = $(contract_libs)

tests_contract_test_import_device_SOURCES = tests/contract/test-import-device.c
tests_contract_test_import_device_CFLAGS = $(contract_cflags)
tests_contract_test_import_device_LDADD = $(contract_libs)

tests_contract_test_import_guest_SOURCES = tests/contract/test-import-guest.c
tests_contract_test_import_guest_CFLAGS = $(contract_cflags)
tests_contract_test_import_guest_LDADD = $(contract_libs)

tests_contract_test_import_process_SOURCES = tests/contract/test-import-process.c
tests_contract_test_import_process_CFLAGS = $(contract_cflags)
tests_contract_test_import_process_LDADD = $(contract_libs)

tests_contract_test_ioas_map_SOURCES = tests/contract/test-ioas-map.c
tests_contract_test_ioas_map_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_map_LDADD = $(contract_libs)

tests_contract_test_ioas_mapv_SOURCES = tests/contract/test-ioas-mapv.c
tests_contract_test_ioas_mapv_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_mapv_LDADD = $(contract_libs)

tests_contract_test_ioas_unmap_SOURCES = tests/contract/test-ioas-unmap.c
tests_contract_test_ioas_unmap_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_unmap_LDADD = $(contract_libs)

tests_contract_test_ioas_ranges_SOURCES = tests/contract/test-ioas-ranges.c
tests_contract_test_ioas_ranges_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_ranges_LDADD = $(contract_libs)

tests_contract_test_ioas_copy_SOURCES = tests/contract/test-ioas-copy.c
tests_contract_test_ioas_copy_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_copy_LDADD = $(contract_libs)

tests_contract_test_ioas_lookup_SOURCES = tests/contract/test-ioas-lookup.c
tests_contract_test_ioas_lookup_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_lookup_LDADD = $(contract_libs)

tests_contract_test_ioas_file_SOURCES = tests/contract/test-ioas-file.c
tests_contract_test_ioas_file_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_file_LDADD = $(contract_libs)

tests_contract_test_ioas_info_SOURCES = tests/contract/test-ioas-info.c
tests_contract_test_ioas_info_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_info_LDADD = $(contract_libs)

tests_contract_test_ioas_update_SOURCES = tests/contract/test-ioas-update.c
tests_contract_test_ioas_update_CFLAGS = $(contract_cflags)
tests_contract_test_ioas_update_LDADD = $(contract_libs)

tests_contract_test_attach_SOURCES = tests/contract/test-attach.c
tests_contract_test_attach_CFLAGS = $(contract_cflags)
tests_contract_test_attach_LDADD = $(contract_libs)

tests_contract_test_join_SOURCES = tests/contract/test-join.c
tests_contract_test_join_CFLAGS = $(contract_cflags)
tests_contract_test_join_LDADD = $(contract_libs)

tests_contract_test_dirty_SOURCES = tests/contract/test-dirty.c
tests_contract_test_dirty_CFLAGS = $(contract_cflags)
tests_contract_test_dirty_LDADD = $(contract_libs)

tests_contract_test_dirty_table_SOURCES = tests/contract/test-dirty-table.c
tests_contract_test_dirty_table_CFLAGS = $(contract_cflags)
tests_contract_test_dirty_table_LDADD = $(contract_libs)

tests_contract_test_dma_SOURCES = tests/contract/test-dma.c
tests_contract_test_dma_CFLAGS = $(contract_cflags)
tests_contract_test_dma_LDADD = $(contract_libs)

tests_contract_test_refusal_SOURCES = tests/contract/test-refusal.c
tests_contract_test_refusal_CFLAGS = $(contract_cflags)
tests_contract_test_refusal_LDADD = $(contract_libs)

tests_contract_test_refusal_fd_SOURCES = tests/contract/test-refusal-fd.c
tests_contract_test_refusal_fd_CFLAGS = $(contract_cflags)
tests_contract_test_refusal_fd_LDADD = $(contract_libs)

tests_contract_test_region_SOURCES = tests/contract/test-region.c
tests_contract_test_region_CFLAGS = $(contract_cflags)
tests_contract_test_region_LDADD = $(contract_libs)

tests_contract_test_region_ioeventfd_SOURCES = tests/contract/test-region-ioeventfd.c
tests_contract_test_region_ioeventfd_CFLAGS = $(contract_cflags)
tests_contract_test_region_ioeventfd_LDADD = $(contract_libs)

tests_contract_test_irq_SOURCES = tests/contract/test-irq.c
tests_contract_test_irq_CFLAGS = $(contract_cflags)
tests_contract_test_irq_LDADD = $(contract_libs)

tests_contract_test_pasid_SOURCES = tests/contract/test-pasid.c
tests_contract_test_pasid_CFLAGS = $(contract_cflags)
tests_contract_test_pasid_LDADD = $(contract_libs)

tests_contract_test_pasid_attach_SOURCES = tests/contract/test-pasid-attach.c
tests_contract_test_pasid_attach_CFLAGS = $(contract_cflags)
tests_contract_test_pasid_attach_LDADD = $(contract_libs)

tests_contract_test_pasid_dirty_SOURCES = tests/contract/test-pasid-dirty.c
tests_contract_test_pasid_dirty_CFLAGS = $(contract_cflags)
tests_contract_test_pasid_dirty_LDADD = $(contract_libs)

tests_contract_test_pasid_table_SOURCES = tests/contract/test-pasid-table.c
tests_contract_test_pasid_table_CFLAGS = $(contract_cflags)
tests_contract_test_pasid_table_LDADD = $(contract_libs)

tests_contract_test_pci_SOURCES = tests/contract/test-pci.c
tests_contract_test_pci_CFLAGS = $(contract_cflags)
tests_contract_test_pci_LDADD = $(contract_libs)

tests_contract_test_reset_SOURCES = tests/contract/test-reset.c
tests_contract_test_reset_CFLAGS = $(contract_cflags)
tests_contract_test_reset_LDADD = $(contract_libs)

tests_contract_test_error_SOURCES = tests/contract/test-error.c
tests_contract_test_error_CFLAGS = $(contract_cflags)
tests_contract_test_error_LDADD = $(contract_libs)

tests_contract_test_limits_SOURCES = tests/contract/test-limits.c
tests_contract_test_limits_CFLAGS = $(contract_cflags)
tests_contract_test_limits_LDADD = $(contract_libs)

tests_contract_test_threads_SOURCES = tests/contract/test-threads.c
tests_contract_test_threads_CFLAGS = $(contract_cflags)
tests_contract_test_threads_LDADD = $(contract_libs)

tests_contract_test_unref_order_SOURCES = tests/contract/test-unref-order.c
tests_contract_test_unref_order_CFLAGS = $(contract_cflags)
tests_contract_test_unref_order_LDADD = $(contract_libs)

tests_contract_test_hw_queue_SOURCES = tests/contract/test-hw-queue.c
tests_contract_test_hw_queue_CFLAGS = $(contract_cflags)
tests_contract_test_hw_queue_LDADD = $(contract_libs)

tests_contract_test_vdevice_SOURCES = tests/contract/test-vdevice.c
tests_contract_test_vdevice_CFLAGS = $(contract_cflags)
tests_contract_test_vdevice_LDADD = $(contract_libs)

tests_contract_test_veventq_SOURCES = tests/contract/test-veventq.c
tests_contract_test_veventq_CFLAGS = $(contract_cflags)
tests_contract_test_veventq_LDADD = $(contract_libs)

tests_contract_test_viommu_SOURCES = tests/contract/test-viommu.c
tests_contract_test_viommu_CFLAGS = $(contract_cflags)
tests_contract_test_viommu_LDADD = $(contract_libs)
