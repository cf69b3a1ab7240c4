/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What services answer of a device that has no descriptor. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libiommufd.h>

#include "backend/devfd.h"

static const struct core core;

static void refused(int r)
{
	const struct iommufd_error *e = iommufd_error_last();

	assert_int_equal(r, -EOPNOTSUPP);
	assert_int_equal(e->code, -EOPNOTSUPP);
	assert_string_equal(e->object, "device mock0");
	assert_true(*e->message && *e->remedy && *e->operation);
	iommufd_region_unmap(NULL, NULL); /* the next record is another */
}

static void services_need_a_descriptor(void **state)
{
	struct devfd d = {
		.core = &core, .fd = -1, .name = "mock0", .object = "device mock0",
	};
	struct iommufd_device *dev = (void *)&d;
	struct iommufd_irq_info irq = { .size = sizeof(irq) };
	struct iommufd_region_info region = { .size = sizeof(region) };
	size_t count = 0;
	uint32_t value;
	uint8_t byte;
	void *mapped;
	(void)state;

	object_init(&d.obj, OBJECT_DEVICE);
	refused(iommufd_region_get_info(dev, 0, &region));
	refused(iommufd_region_get_areas(dev, 0, NULL, &count));
	refused(iommufd_region_read(dev, 0, 0, &byte, 1));
	refused(iommufd_region_write32(dev, 0, 0, 0));
	refused(iommufd_region_map(dev, 0, 0, 4096, IOMMUFD_REGION_READ, &mapped));
	refused(iommufd_region_unmap(dev, &byte));
	refused(iommufd_region_set_ioeventfd(dev, 0, 0, 4, 0, -1));
	refused(iommufd_irq_get_info(dev, 0, &irq));
	refused(iommufd_irq_enable(dev, 0, 0, 1, &(int){ 0 }));
	refused(iommufd_irq_disable(dev, 0));
	refused(iommufd_irq_trigger(dev, 0, 0, 1));
	refused(iommufd_pci_config_read(dev, 0, 4, &value));
	refused(iommufd_pci_config_write(dev, 0, 4, 0));
	refused(iommufd_pci_set_memory(dev, 1));
	refused(iommufd_pci_find_capability(dev, 1, &value));
	refused(iommufd_pci_find_extended_capability(dev, 1, &value));
	refused(iommufd_device_reset(dev));
	refused(iommufd_device_has_feature(dev, 0, 0));
	refused(iommufd_device_get_feature(dev, 0, &value, sizeof(value)));
	refused(iommufd_device_enter_low_power(dev, -1));
	refused(iommufd_device_stop_dma_log(dev));
	refused(iommufd_migration_get_state(dev, &value));
	refused(iommufd_migration_set_state(dev, IOMMUFD_MIGRATION_STATE_STOP, &(int){ 0 }));
	refused(iommufd_migration_write(dev, 0, &byte, 1));
	refused(iommufd_region_get_dma_buf(dev, 0, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest cases[] = { cmocka_unit_test(services_need_a_descriptor) };

	return cmocka_run_group_tests_name("service", cases, NULL, NULL);
}
