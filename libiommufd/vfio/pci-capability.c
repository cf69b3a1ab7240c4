/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The two lists of PCI capabilities. The device wrote them: every step is checked. */
#include <libiommufd/pci.h>

#include <errno.h>

#include "vfio/pci.h"
#include "vfio/region.h"
#include "vfio/service.h"

static int none(struct devfd *d, const char *function, uint32_t id, bool further)
{
	return err(-ENOENT, function, d->object, "do without the capability",
		   "the device has no %scapability %#x", further ? "further " : "", id);
}

static int broken(struct devfd *d, const char *function, uint32_t at)
{
	return err(-EIO, function, d->object, "reset the device, or do without capabilities",
		   "the list of capabilities is broken at %#x", at);
}

static int not_there(struct devfd *d, const char *function, uint32_t at)
{
	return err(-EINVAL, function, "offset",
		   "pass 0, or the offset that the last call gave",
		   "no capability of %s starts at %#x", d->object, at);
}

/* The list starts at *@at, 0 if there is none. */
static int first_capability(struct devfd *d, const char *function, uint32_t *at)
{
	uint32_t status;
	int r = config_read(d, function, PCI_STATUS, 2, &status);

	*at = 0;
	if (!r && status & PCI_STATUS_CAPABILITIES)
		r = config_read(d, function, PCI_CAPABILITIES, 1, at);
	*at &= ~3u;
	return r;
}

static int find(struct devfd *d, const char *function, uint8_t id, uint32_t *offset)
{
	uint32_t at, header, after = *offset, steps = PCI_CONFIG_SIZE / 4;
	bool passed = !after;
	int r = first_capability(d, function, &at);

	for (; !r && at; at = header >> 8 & 0xfc) {
		if (at < PCI_HEADER_END || !steps--)
			return broken(d, function, at);
		r = config_read(d, function, at, 2, &header);
		if (r || (passed && (header & 0xff) == id))
			break;
		passed |= at == after;
	}
	if (r)
		return r;
	if (!at)
		return passed ? none(d, function, id, after) : not_there(d, function, after);
	*offset = at;
	return 0;
}

static int find_extended(struct devfd *d, const char *function, uint16_t id, uint32_t *offset)
{
	uint32_t at = PCI_CONFIG_SIZE, header = 0, after = *offset;
	uint32_t steps = (PCI_EXTENDED_END - PCI_CONFIG_SIZE) / 4;
	const struct region *config;
	bool passed = !after;
	int r = region_get(d, function, IOMMUFD_REGION_CONFIG, &config);

	if (!r && config->info.length < PCI_EXTENDED_END)
		return passed ? none(d, function, id, false) : not_there(d, function, after);
	for (; !r && at; at = header >> 20 & 0xffc) {
		if (at < PCI_CONFIG_SIZE || !steps--)
			return broken(d, function, at);
		r = config_read(d, function, at, 4, &header);
		if (r || (passed && header && (header & 0xffff) == id))
			break;
		passed |= header && at == after;
	}
	if (r)
		return r;
	if (!at)
		return passed ? none(d, function, id, after) : not_there(d, function, after);
	*offset = at;
	return 0;
}

IOMMUFD_EXPORT int iommufd_pci_find_capability(struct iommufd_device *dev, uint8_t id,
					       uint32_t *offset)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = offset ? pci_check(d, __func__) : err_null(__func__, "offset");
	if (!r)
		r = find(d, __func__, id, offset);
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_pci_find_extended_capability(struct iommufd_device *dev, uint16_t id,
							uint32_t *offset)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = offset ? pci_check(d, __func__) : err_null(__func__, "offset");
	if (!r)
		r = find_extended(d, __func__, id, offset);
	return err_log(&d->core->log, r);
}
