/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* PCI configuration space and capabilities. */
#include "edu.h"

enum { COMMAND = 0x04, COMMAND_MEMORY = 2, COMMAND_MASTER = 4, INTERRUPT_LINE = 0x3c };
enum { CAPABILITY_MSI = 0x05, CAPABILITY_PCIE = 0x10, CAPABILITY_MSIX = 0x11 };
enum { EXTENDED_ERROR_REPORTING = 0x0001 };

static uint32_t config(struct iommufd_device *dev, uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	assert_ok(iommufd_pci_config_read(dev, offset, width, &value));
	return value;
}

static void pci_config_is_read_in_every_width(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);

	assert_int_equal(config(dev, 0, 4), 0x11e81234);
	assert_int_equal(config(dev, 0, 2), 0x1234);
	assert_int_equal(config(dev, 2, 2), 0x11e8);
	assert_int_equal(config(dev, 3, 1), 0x11);
}

static void pci_config_is_written_in_every_width(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	uint32_t command = config(dev, COMMAND, 2);

	assert_ok(iommufd_pci_config_write(dev, INTERRUPT_LINE, 1, 0x5a));
	assert_int_equal(config(dev, INTERRUPT_LINE, 1), 0x5a);
	assert_ok(iommufd_pci_config_write(dev, COMMAND, 2, command ^ COMMAND_MASTER));
	assert_int_equal(config(dev, COMMAND, 2), command ^ COMMAND_MASTER);
	assert_ok(iommufd_pci_config_write(dev, INTERRUPT_LINE, 4,
					   config(dev, INTERRUPT_LINE, 4)));
	assert_int_equal(config(dev, INTERRUPT_LINE, 1), 0x5a);
	assert_ok(iommufd_pci_config_write(dev, 0, 4, 0)); /* read-only */
	assert_int_equal(config(dev, 0, 4), 0x11e81234);
}

static void pci_config_bad_argument_einval(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	uint32_t value = 0;

	assert_error(iommufd_pci_config_read(dev, 0, 4, NULL), -EINVAL);
	assert_error(iommufd_pci_config_read(dev, 0, 0, &value), -EINVAL);
	assert_error(iommufd_pci_config_read(dev, 0, 3, &value), -EINVAL);
	assert_error(iommufd_pci_config_read(dev, 0, 8, &value), -EINVAL);
	assert_error(iommufd_pci_config_read(dev, 1, 2, &value), -EINVAL);
	assert_error(iommufd_pci_config_read(dev, 2, 4, &value), -EINVAL);
	assert_error(iommufd_pci_config_read(dev, 4096, 4, &value), -EINVAL);
	assert_error(iommufd_pci_config_read(dev, UINT32_MAX, 1, &value), -EINVAL);
	assert_error(iommufd_pci_config_write(dev, INTERRUPT_LINE, 1, 0x100), -EINVAL);
	assert_error(iommufd_pci_config_write(dev, INTERRUPT_LINE, 2, 0x10000), -EINVAL);
	assert_error(iommufd_pci_config_write(dev, INTERRUPT_LINE, 3, 0), -EINVAL);
	assert_error(iommufd_pci_config_write(dev, COMMAND + 1, 2, 0), -EINVAL);
	assert_error(iommufd_pci_config_write(dev, 4096, 1, 0), -EINVAL);
}

static void pci_capability_is_found(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint32_t at = 0;

	assert_ok(iommufd_pci_find_capability(dev, CAPABILITY_MSI, &at));
	assert_true(at >= 0x40);
	assert_int_equal(config(dev, at, 1), CAPABILITY_MSI);
	assert_error(iommufd_pci_find_capability(dev, CAPABILITY_MSI, &at), -ENOENT);
	dev = get_device(f, MSIX);
	at = 0;
	assert_ok(iommufd_pci_find_capability(dev, CAPABILITY_MSIX, &at));
	assert_int_equal(config(dev, at, 1), CAPABILITY_MSIX);
	at = 0;
	assert_ok(iommufd_pci_find_capability(dev, CAPABILITY_PCIE, &at));
}

static void pci_extended_capability_is_found(void **state)
{
	struct iommufd_device *dev = get_device(*state, MSIX);
	uint32_t at = 0, inside;

	assert_ok(iommufd_pci_find_extended_capability(dev, EXTENDED_ERROR_REPORTING, &at));
	assert_true(at >= 0x100);
	assert_int_equal(config(dev, at, 2), EXTENDED_ERROR_REPORTING);
	inside = at + 4;
	assert_error(iommufd_pci_find_extended_capability(dev, EXTENDED_ERROR_REPORTING, &inside),
		     -EINVAL);
	assert_error(iommufd_pci_find_extended_capability(dev, EXTENDED_ERROR_REPORTING, &at),
		     -ENOENT);
}

static void pci_capability_absent_enoent(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	struct iommufd_device *express = get_device(*state, MSIX);
	uint32_t at = 0;

	assert_error(iommufd_pci_find_capability(dev, CAPABILITY_MSIX, &at), -ENOENT);
	assert_error(iommufd_pci_find_capability(dev, 0xfe, &at), -ENOENT);
	assert_error(iommufd_pci_find_extended_capability(dev, 0xfffe, &at), -ENOENT);
	assert_error(iommufd_pci_find_extended_capability(express, 0xfffe, &at), -ENOENT);
}

static void pci_capability_bad_argument_einval(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	struct iommufd_device *express = get_device(*state, MSIX);
	uint32_t at = 0x3c;

	assert_error(iommufd_pci_find_capability(dev, CAPABILITY_MSI, NULL), -EINVAL);
	assert_error(iommufd_pci_find_capability(dev, CAPABILITY_MSI, &at), -EINVAL);
	at = 0xfc;
	assert_error(iommufd_pci_find_capability(dev, CAPABILITY_MSI, &at), -EINVAL);
	at = 0x100000;
	assert_error(iommufd_pci_find_capability(dev, CAPABILITY_MSI, &at), -EINVAL);
	assert_error(iommufd_pci_find_extended_capability(dev, 1, NULL), -EINVAL);
	at = 0x40;
	assert_error(iommufd_pci_find_extended_capability(dev, 1, &at), -EINVAL);
	at = 0x3;
	assert_error(iommufd_pci_find_extended_capability(express, 1, &at), -EINVAL);
}

static void pci_bus_master_is_switched(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);

	assert_ok(iommufd_pci_set_bus_master(dev, 1));
	assert_int_equal(config(dev, COMMAND, 2) & COMMAND_MASTER, COMMAND_MASTER);
	assert_ok(iommufd_pci_set_bus_master(dev, 1));
	assert_ok(iommufd_pci_set_bus_master(dev, 0));
	assert_int_equal(config(dev, COMMAND, 2) & COMMAND_MASTER, 0);
	assert_error(iommufd_pci_set_bus_master(dev, 2), -EINVAL);
	assert_error(iommufd_pci_set_bus_master(dev, -1), -EINVAL);
}

static void pci_memory_is_switched(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);

	assert_ok(iommufd_pci_set_memory(dev, 0));
	assert_int_equal(config(dev, COMMAND, 2) & COMMAND_MEMORY, 0);
	assert_ok(iommufd_pci_set_memory(dev, 1));
	assert_int_equal(config(dev, COMMAND, 2) & COMMAND_MEMORY, COMMAND_MEMORY);
	assert_int_equal(edu_read(dev, EDU_ID) & 0xff, 0xed);
	assert_error(iommufd_pci_set_memory(dev, 2), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(pci_config_is_read_in_every_width),
	CASE(pci_config_is_written_in_every_width),
	CASE(pci_config_bad_argument_einval),
	CASE(pci_capability_is_found),
	CASE(pci_extended_capability_is_found),
	CASE(pci_capability_absent_enoent),
	CASE(pci_capability_bad_argument_einval),
	CASE(pci_bus_master_is_switched),
	CASE(pci_memory_is_switched),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("pci", cases, NULL, NULL);
}
