/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Give a device access to one buffer: cc minimal.c $(pkg-config --cflags --libs libiommufd) */
#include <libiommufd.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct iommufd_ctx *ctx = NULL;
	struct iommufd_device *dev = NULL;
	struct iommufd_ioas *ioas = NULL;
	void *buffer = aligned_alloc(4096, 65536);
	uint64_t iova = 0;

	int rc = iommufd_ctx_new(NULL, &ctx);
	rc = rc ? rc : iommufd_device_open(ctx, argc > 1 ? argv[1] : "0000:00:03.0", NULL, &dev);
	rc = rc ? rc : iommufd_ioas_new(ctx, NULL, &ioas);
	rc = rc ? rc : iommufd_ioas_map(ioas, buffer, 65536, IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE,
					&iova, NULL);
	rc = rc ? rc : iommufd_device_attach(dev, ioas);
	if (rc)
		fprintf(stderr, "%s\n%s\n", iommufd_error_last()->message, iommufd_error_last()->remedy);
	else
		printf("the device reaches 64 KiB at IOVA %#" PRIx64 " and nothing else\n", iova);
	iommufd_device_unref(dev);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
	free(buffer);
	return rc ? 1 : 0;
}
