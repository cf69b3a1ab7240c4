/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the IOMMU in front of a device can do, a field a line.
 *
 * cc hwinfo.c $(pkg-config --cflags --libs libiommufd) -o hwinfo
 * ./hwinfo 0000:01:00.0, or without a device LIBIOMMUFD_EMU=1 ./hwinfo
 */
#include <libiommufd.h>

#include <inttypes.h>
#include <stdio.h>

static void print(const struct iommufd_hw_info *info)
{
	static const char *const makes[] = {
		"that tells nothing of its registers", "Intel VT-d", "Arm SMMUv3",
		"Tegra241 CMDQV", "AMD",
	};
	struct iommufd_hw_field field = { .size = sizeof(field) };
	size_t at = 0;

	if (info->type < sizeof(makes) / sizeof(*makes))
		printf("an IOMMU: %s\n", makes[info->type]);
	else
		printf("an IOMMU of type %#" PRIx32 "\n", info->type);
	if (info->pasid_width)
		printf("PASIDs of %" PRIu32 " bits\n", info->pasid_width);
	else
		printf("no PASIDs\n");
	printf("dirty tracking: %s\n",
	       info->capabilities & IOMMUFD_HW_CAP_DIRTY_TRACKING ? "yes" : "no");
	printf("ATS: %s\n",
	       info->capabilities & IOMMUFD_HW_CAP_ATS_NOT_SUPPORTED ? "no" : "maybe");
	while (!iommufd_hw_info_next(info, &at, &field))
		printf("%-5s %2" PRIu32 ":%-2" PRIu32 " %-24s %#-10" PRIx64 " %s\n", field.reg,
		       field.first_bit + field.bits - 1, field.first_bit, field.name, field.value,
		       field.meaning);
}

int main(int argc, char **argv)
{
	struct iommufd_hw_info info = { .size = sizeof(info) };
	struct iommufd_ctx *ctx = NULL;
	struct iommufd_device *dev = NULL;

	int rc = iommufd_ctx_new(NULL, &ctx);
	rc = rc ? rc : iommufd_device_open(ctx, argc > 1 ? argv[1] : "0000:00:03.0", NULL, &dev);
	rc = rc ? rc : iommufd_device_get_hw_info(dev, &info);
	if (rc)
		fprintf(stderr, "hwinfo: %s; %s\n", iommufd_error_last()->message,
			iommufd_error_last()->remedy);
	else
		print(&info);
	iommufd_device_unref(dev);
	iommufd_ctx_unref(ctx);
	return rc ? 1 : 0;
}
