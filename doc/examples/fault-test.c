/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * How to test a driver of your own: every system call that it causes fails in
 * turn, on an emulated machine of the test's own, and nothing may be left.
 *
 * cc fault-test.c $(pkg-config --cflags --libs libiommufd libiommufd-emu)
 */
#include <libiommufd.h>
#include <libiommufd/emu.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static _Alignas(4096) char buffer[65536];

/* The driver under test. It is told which kernel to run on, and nothing else. */
static int start_and_stop(const struct iommufd_sys *sys)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .sys = sys };
	struct iommufd_ctx *ctx = NULL;
	struct iommufd_device *dev = NULL;
	struct iommufd_ioas *ioas = NULL;
	uint64_t iova;

	int rc = iommufd_ctx_new(&opts, &ctx);
	rc = rc ? rc : iommufd_device_open(ctx, "0000:00:03.0", NULL, &dev);
	rc = rc ? rc : iommufd_ioas_new(ctx, NULL, &ioas);
	rc = rc ? rc : iommufd_ioas_map(ioas, buffer, sizeof(buffer), IOMMUFD_MAP_READ, &iova, NULL);
	rc = rc ? rc : iommufd_device_attach(dev, ioas);
	iommufd_device_unref(dev);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
	return rc;
}

int main(void)
{
	struct iommufd_emu_counts counts = { .size = sizeof(counts) };
	struct iommufd_emu *emu;
	uint64_t nth, injected = 0;
	int failed = 0;

	if (iommufd_emu_new(NULL, &emu))
		return 1;
	for (nth = 1;; nth++) {
		struct iommufd_emu_fault fault = { .size = sizeof(fault), .error = EIO, .nth = nth };
		int rc;

		iommufd_emu_inject(emu, &fault);
		rc = start_and_stop(iommufd_emu_get_sys(emu));
		iommufd_emu_get_counts(emu, &counts);
		if (counts.fds || counts.ioas || counts.mappings || counts.pinned_pages) {
			printf("call %" PRIu64 ": returned %d and left something behind\n", nth, rc);
			failed = 1;
		}
		if (counts.injected == injected)
			break; /* the driver makes fewer calls than that */
		injected = counts.injected;
	}
	printf("%" PRIu64 " calls failed in turn: %s\n", nth - 1, failed ? "FAILED" : "nothing left");
	iommufd_emu_unref(emu);
	return failed;
}
