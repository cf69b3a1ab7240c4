/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* PCI configuration space, one register at a time. */
#include <libiommufd/pci.h>

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "vfio/pci.h"
#include "vfio/region.h"
#include "vfio/service.h"

int pci_check(struct devfd *d, const char *function)
{
	if (d->info.flags & K_VFIO_DEVICE_FLAGS_PCI)
		return 0;
	return err(-EOPNOTSUPP, function, d->object, "use the regions of the device instead",
		   "this is not a PCI device");
}

static int check(struct devfd *d, const char *function, uint32_t width)
{
	int r = pci_check(d, function);

	if (!r && width != 1 && width != 2 && width != 4)
		r = err(-EINVAL, function, "width", "use 1, 2 or 4", "the width is %u", width);
	return r;
}

int config_read(struct devfd *d, const char *function, uint32_t offset, uint32_t width,
		uint32_t *value)
{
	uint32_t raw = 0;
	int r = check(d, function, width);

	if (!r)
		r = region_access(d, function, IOMMUFD_REGION_CONFIG, offset, &raw, width, false,
				  true);
	if (!r)
		*value = le32toh(raw);
	return r;
}

int config_write(struct devfd *d, const char *function, uint32_t offset, uint32_t width,
		 uint32_t value)
{
	uint32_t raw = htole32(value);
	int r = check(d, function, width);

	if (!r && width < 4 && value >> (8 * width))
		r = err(-EINVAL, function, "value", "pass a value that fits the width",
			"%#x does not fit %u bytes", value, width);
	if (r)
		return r;
	return region_access(d, function, IOMMUFD_REGION_CONFIG, offset, &raw, width, true, true);
}

IOMMUFD_EXPORT int iommufd_pci_config_read(struct iommufd_device *dev, uint32_t offset,
					   uint32_t width, uint32_t *value)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = value ? config_read(d, __func__, offset, width, value) : err_null(__func__, "value");
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_pci_config_write(struct iommufd_device *dev, uint32_t offset,
					    uint32_t width, uint32_t value)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	return err_log(&d->core->log, config_write(d, __func__, offset, width, value));
}

static int set_command(struct iommufd_device *dev, const char *function, uint32_t bit, int enable)
{
	struct devfd *d;
	uint32_t command;
	int r = service_find(dev, function, &d);

	if (r)
		return r;
	if (enable != 0 && enable != 1) {
		r = err(-EINVAL, function, "enable", "use 0 or 1", "the value is %d", enable);
		return err_log(&d->core->log, r);
	}
	r = config_read(d, function, PCI_COMMAND, 2, &command);
	if (!r) {
		command = enable ? command | bit : command & ~bit;
		r = config_write(d, function, PCI_COMMAND, 2, command);
	}
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_pci_set_bus_master(struct iommufd_device *dev, int enable)
{
	return set_command(dev, __func__, PCI_COMMAND_MASTER, enable);
}

IOMMUFD_EXPORT int iommufd_pci_set_memory(struct iommufd_device *dev, int enable)
{
	return set_command(dev, __func__, PCI_COMMAND_MEMORY, enable);
}
