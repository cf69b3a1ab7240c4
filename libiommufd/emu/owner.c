/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Who may do DMA in a group: its owner, or nobody while a foreign driver does. */
#include <errno.h>
#include <string.h>

#include "emu/device.h"

bool emu_driver_does_dma(const char *driver)
{
	return *driver && !strstr(driver, "vfio") && strcmp(driver, "pci-stub") &&
	       strcmp(driver, "pcieport");
}

bool emu_group_blocked(const struct emu_group *group)
{
	for (const struct emu_device *dev = group->emu->devices; dev; dev = dev->next)
		if (dev->group == group && !dev->port && emu_driver_does_dma(dev->driver))
			return true;
	return false;
}

int emu_group_claim(struct emu_group *group, const void *owner)
{
	if (emu_is_noiommu(group->emu))
		return 0; /* there is nothing to own */
	if (group->owners && group->owner != owner)
		return -EPERM;
	if (emu_has(group->emu, EMU_FEATURE_DMA_OWNER) && emu_group_blocked(group))
		return -EPERM;
	group->owner = owner;
	group->owners++;
	return 0;
}

void emu_group_release(struct emu_group *group)
{
	if (group->owners && !--group->owners)
		group->owner = NULL;
}
