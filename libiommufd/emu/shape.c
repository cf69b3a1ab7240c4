/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "emu/machine.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"

static const struct emu_kernel kernels[] = {
	{ "newest", EMU_RELEASE(7, 3), true },
	{ "6.6", EMU_RELEASE(6, 6), false },
	{ "6.1", EMU_RELEASE(6, 1), false },
	{ "5.10", EMU_RELEASE(5, 10), false },
};

/* First releases of the features, and the flags that take them away. */
static const struct {
	unsigned int since;
	uint64_t without;
} features[] = {
	[EMU_FEATURE_IOMMUFD] = { EMU_IOMMUFD_RELEASE, IOMMUFD_EMU_NO_IOMMU_NODE },
	[EMU_FEATURE_CDEV] = { EMU_RELEASE(6, 6), IOMMUFD_EMU_NO_CDEV },
	[EMU_FEATURE_VFIO_DEV] = { EMU_RELEASE(6, 1), 0 },
	[EMU_FEATURE_UNMAP_ALL] = { EMU_RELEASE(5, 12), 0 },
	[EMU_FEATURE_UPDATE_VADDR] = { EMU_RELEASE(5, 12), 0 },
	[EMU_FEATURE_POPULATE] = { EMU_RELEASE(5, 14), 0 },
	[EMU_FEATURE_DMA_OWNER] = { EMU_RELEASE(5, 19), 0 },
	[EMU_FEATURE_GROWN_IOMMUFD] = { EMU_RELEASE(6, 7), 0 },
	[EMU_FEATURE_PORTS] = { EMU_RELEASE(6, 7), 0 },
	[EMU_FEATURE_DMA_BUF] = { EMU_RELEASE(6, 19), 0 },
	[EMU_FEATURE_LOW_POWER] = { EMU_RELEASE(6, 1), 0 },
	[EMU_FEATURE_BADFD] = { EMU_RELEASE(6, 2), 0 },
	[EMU_FEATURE_ALIGNED_CAPS] = { EMU_RELEASE(6, 6), 0 },
	[EMU_FEATURE_OVERFLOW] = { EMU_RELEASE(6, 18), 0 },
	[EMU_FEATURE_NOIOMMU_CDEV] = { EMU_RELEASE(7, 3), IOMMUFD_EMU_NO_CDEV },
	[EMU_FEATURE_PRECOPY_V2] = { EMU_RELEASE(7, 0), 0 },
	[EMU_FEATURE_MOCKS] = { EMU_RELEASE(7, 3), 0 },
	[EMU_FEATURE_EARLY_REMOVAL] = { EMU_RELEASE(6, 6), 0 },
};

static const struct {
	const char *name;
	uint64_t flag;
} flag_names[] = {
	{ "compat", IOMMUFD_EMU_COMPAT_CONTAINER },
	{ "no-cdev", IOMMUFD_EMU_NO_CDEV },
	{ "no-iommufd", IOMMUFD_EMU_NO_IOMMU_NODE },
	{ "no-permission", IOMMUFD_EMU_NO_PERMISSION },
	{ "noiommu", IOMMUFD_EMU_NOIOMMU },
	{ "unprivileged", IOMMUFD_EMU_UNPRIVILEGED },
};

bool emu_has(const struct iommufd_emu *emu, enum emu_feature feature)
{
	if (emu->kernel->release < features[feature].since ||
	    (emu->flags & features[feature].without))
		return false;
	return feature != EMU_FEATURE_CDEV || emu->kernel->cdev;
}

bool emu_is_noiommu(const struct iommufd_emu *emu)
{
	return emu->flags & IOMMUFD_EMU_NOIOMMU;
}

bool emu_is_privileged(const struct iommufd_emu *emu)
{
	return !(emu->flags & IOMMUFD_EMU_UNPRIVILEGED);
}

static bool is_word(const char *name, const char *text, size_t n)
{
	return strlen(name) == n && !memcmp(name, text, n);
}

static const struct emu_kernel *find_kernel(const char *text, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		if (is_word(kernels[i].name, text, n))
			return &kernels[i];
	return NULL;
}

const struct emu_kernel *emu_kernel_find(const char *name)
{
	return name ? find_kernel(name, strlen(name)) : &kernels[0];
}

static uint64_t find_flag(const char *text, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (is_word(flag_names[i].name, text, n))
			return flag_names[i].flag;
	return 0;
}

int emu_shape_parse(const char *text, const char **kernel, uint64_t *flags)
{
	const struct emu_kernel *found = &kernels[0];
	size_t n = text ? strcspn(text, ",") : 0;

	*flags = 0;
	if (text && *text && !is_word("1", text, n) && strcmp(text, "0"))
		found = find_kernel(text, n);
	if (!found)
		return -EINVAL;
	*kernel = found->name;
	while (text && text[n]) {
		uint64_t flag;

		text += n + 1;
		n = strcspn(text, ",");
		flag = find_flag(text, n);
		if (!flag)
			return -EINVAL;
		*flags |= flag;
	}
	return 0;
}
