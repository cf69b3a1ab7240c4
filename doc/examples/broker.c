/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A broker opens a device for a process that may not, which then does DMA with it.
 *
 * usage: broker [BDF [UID]]
 *
 * The device is QEMU's "edu" (PCI 1234:11e8), bound to vfio-pci. Started by root,
 * the process that gets the device runs as user UID (1000 if it is not given) and
 * has no access to any node, but keeps privilege on backend noiommu, which takes
 * it. With LIBIOMMUFD_EMU=1 in the environment both parts run in one process, as
 * the emulated kernel does.
 */
#include <libiommufd.h>

#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EDU_DMA_SOURCE = 0x80, EDU_DMA_TARGET = 0x88, EDU_DMA_COUNT = 0x90, EDU_DMA_COMMAND = 0x98 };
enum { RUN = 1, FROM_DEVICE = 2 };

#define EDU_BUFFER 0x40000u
#define IOVA 0x100000u
#define LENGTH 2048u
#define COOKIE 0xed0

static _Alignas(4096) unsigned char page[4096];

static int fail(const char *who, const char *what)
{
	const struct iommufd_error *e = iommufd_error_last();

	fprintf(stderr, "%s: cannot %s: %s (%s on %s)\n  what helps: %s\n", who, what, e->message,
		e->operation, e->object, e->remedy);
	return -1;
}

/* -- with privilege */

static struct iommufd_handoff *hand_over(const char *name, int socket)
{
	struct iommufd_ctx_opts process = {
		.size = sizeof(process), .flags = getuid() ? 0 : IOMMUFD_CTX_RLIMIT_PROCESS,
	};
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = COOKIE };
	struct iommufd_handoff *handoff = NULL;
	struct iommufd_ctx *ctx = NULL;
	int rc = iommufd_ctx_new(&process, &ctx);

	rc = rc ? rc : iommufd_handoff_new(ctx, &handoff);
	rc = rc ? rc : iommufd_handoff_add(handoff, name, &opts);
	rc = rc ? rc : iommufd_handoff_send(handoff, socket);
	if (rc) {
		fail("broker", "hand over the device");
		handoff = iommufd_handoff_unref(handoff);
	} else {
		printf("broker    sent %s, backend %s\n", name, iommufd_ctx_get_backend(ctx));
	}
	iommufd_ctx_unref(ctx);
	return handoff;
}

/* -- without */

/* One transfer, through the registers of BAR 0. */
static int transfer(struct iommufd_device *dev, uint64_t from, uint64_t to, uint64_t command)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t state = RUN;
	int rc = iommufd_region_write64(dev, IOMMUFD_REGION_BAR0, EDU_DMA_SOURCE, from);

	rc = rc ? rc : iommufd_region_write64(dev, IOMMUFD_REGION_BAR0, EDU_DMA_TARGET, to);
	rc = rc ? rc : iommufd_region_write64(dev, IOMMUFD_REGION_BAR0, EDU_DMA_COUNT, LENGTH);
	rc = rc ? rc : iommufd_region_write64(dev, IOMMUFD_REGION_BAR0, EDU_DMA_COMMAND, command | RUN);
	while (!rc && state & RUN) {
		nanosleep(&pause, NULL);
		rc = iommufd_region_read64(dev, IOMMUFD_REGION_BAR0, EDU_DMA_COMMAND, &state);
	}
	return rc;
}

/* Memory to the device's buffer and back. */
static int do_dma(struct iommufd_ctx *ctx, struct iommufd_device *dev)
{
	struct iommufd_ioas *ioas = NULL;
	uint64_t iova = IOVA, address = 0;
	int rc = iommufd_ioas_new(ctx, NULL, &ioas);

	memset(page, 0x5a, LENGTH);
	rc = rc ? rc : iommufd_ioas_map(ioas, page, sizeof(page), IOMMUFD_MAP_READ |
					IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED, &iova, NULL);
	rc = rc ? rc : iommufd_device_attach(dev, ioas);
	rc = rc ? rc : iommufd_pci_set_bus_master(dev, 1);
	rc = rc ? rc : iommufd_ioas_get_dma_address(ioas, iova, &address, NULL);
	rc = rc ? rc : transfer(dev, address, EDU_BUFFER, 0);
	memset(page, 0, LENGTH);
	rc = rc ? rc : transfer(dev, EDU_BUFFER, address + LENGTH, FROM_DEVICE);
	iommufd_ioas_unref(ioas);
	return rc ? fail("user", "do DMA") : page[0] != 0 || page[LENGTH] != 0x5a;
}

static int use(const char *name, int socket)
{
	struct iommufd_handoff *handoff = NULL;
	struct iommufd_device *dev = NULL;
	struct iommufd_ctx *ctx = NULL;
	int rc = iommufd_handoff_receive(socket, NULL, &handoff);

	rc = rc ? rc : iommufd_handoff_open(handoff, NULL, &ctx);
	rc = rc ? rc : iommufd_device_find(ctx, COOKIE, &dev);
	iommufd_handoff_unref(handoff);
	if (rc)
		fail("user", "take the device over");
	else
		rc = do_dma(ctx, dev);
	if (!rc)
		printf("user %-5u did DMA with %s, had by %s\n", (unsigned int)getuid(), name,
		       iommufd_device_get_transport(dev));
	iommufd_device_unref(dev);
	iommufd_ctx_unref(ctx);
	return rc ? 1 : 0;
}

static int drop_privilege(uid_t uid)
{
	const char *backend = getenv("LIBIOMMUFD_BACKEND");

	if (getuid() || (backend && strstr(backend, "noiommu")))
		return 0;
	return setgroups(0, NULL) || setgid(uid) || setuid(uid);
}

int main(int argc, char **argv)
{
	const char *emulated = getenv("LIBIOMMUFD_EMU"), *listed = getenv("LIBIOMMUFD_TEST_DEVICES");
	char name[64];
	int ends[2], status = 1;
	struct iommufd_handoff *sent;
	pid_t child;

	snprintf(name, sizeof(name), "%.*s", listed ? (int)strcspn(listed, " ") : 12,
		 listed ? listed : "0000:00:03.0");
	if (argc > 1)
		snprintf(name, sizeof(name), "%s", argv[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return 1;
	if (emulated && *emulated && strcmp(emulated, "0")) {
		sent = hand_over(name, ends[0]);
		status = sent ? use(name, ends[1]) : 1;
		iommufd_handoff_unref(sent);
		return status;
	}
	fflush(NULL);
	child = fork();
	if (!child) {
		close(ends[0]);
		if (drop_privilege(argc > 2 ? (uid_t)atoi(argv[2]) : 1000))
			return 1;
		return use(name, ends[1]);
	}
	close(ends[1]);
	iommufd_handoff_unref(hand_over(name, ends[0])); /* nothing stays open here */
	close(ends[0]);
	return child < 0 || waitpid(child, &status, 0) != child || status ? 1 : 0;
}
