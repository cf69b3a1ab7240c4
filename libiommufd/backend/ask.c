/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/sysfs.h"
#include "os/uapi.h"

#define EMULATE "or set LIBIOMMUFD_EMU=1 to try things on the emulated kernel"

static int refuse(struct refusal *why, int code, const char *call, const char *object,
		  const char *remedy, const char *fmt, ...) printf_like(6, 7);

static int refuse(struct refusal *why, int code, const char *call, const char *object,
		  const char *remedy, const char *fmt, ...)
{
	va_list args;

	*why = (struct refusal){ .code = code, .call = call };
	snprintf(why->object, sizeof(why->object), "%s", object);
	snprintf(why->remedy, sizeof(why->remedy), "%s", remedy);
	va_start(args, fmt);
	vsnprintf(why->cause, sizeof(why->cause), fmt, args);
	va_end(args);
	return ASK_REFUSED;
}

static const char *how_to_load(const char *node, bool exists)
{
	if (strcmp(node, ASK_IOMMUFD))
		return exists ? "load VFIO (modprobe vfio-pci)" :
				"load VFIO (modprobe vfio-pci), " EMULATE;
	return exists ? "load the iommufd module (modprobe iommufd)" :
			"load the iommufd module (modprobe iommufd), use a kernel built with CONFIG_IOMMUFD (Linux 6.2), "
			EMULATE;
}

static int open_refused(const char *node, int r, struct refusal *why)
{
	char remedy[sizeof(why->remedy)];

	switch (r) {
	case -ENOENT:
		return refuse(why, r, "open", node, how_to_load(node, false),
			      "it does not exist");
	case -ENODEV: /* for a node of miscellaneous devices */
	case -ENXIO:
		return refuse(why, -ENODEV, "open", node, how_to_load(node, true),
			      "it exists, and the kernel has no driver behind it");
	case -EACCES:
		snprintf(remedy, sizeof(remedy),
			 "give this user access to %s (udev rule or group), or have a privileged process hand over its descriptor",
			 node);
		return refuse(why, r, "open", node, remedy,
			      "this user may not open it");
	case -EPERM:
		snprintf(remedy, sizeof(remedy), "allow %s in the device cgroup of this container",
			 node);
		return refuse(why, r, "open", node, remedy,
			      "a device cgroup or security module forbids it");
	}
	return err_kernel(r, KNOWN(-EMFILE, -ENFILE, -ENOMEM), "open", node,
			  r == -EMFILE ? "close descriptors or raise RLIMIT_NOFILE" :
					 "look into the kernel's log", "it cannot be opened");
}

int ask_open(const struct core *core, const char *node, int adopt, int *fd, struct refusal *why)
{
	char object[32];
	int r = adopt < 0 ? sys_open(core->sys, node, O_RDWR) : sys_dup(core->sys, adopt);

	*fd = r;
	if (r >= 0)
		return 0;
	*fd = -1;
	if (adopt < 0)
		return open_refused(node, r, why);
	snprintf(object, sizeof(object), "fd %d", adopt);
	return err_kernel(r, KNOWN(-EBADF, -EMFILE, -ENOMEM), "fcntl", object,
			  "pass an open descriptor of " ASK_IOMMUFD " or " ASK_CONTAINER,
			  "the descriptor cannot be duplicated");
}

static int no_answer(const char *object, const char *call, int r)
{
	return err_kernel(r, KNOWN(-ENOMEM), call, object, "try again",
			  "it does not tell what it can do");
}

/* A call that does nothing for who may make it: EINVAL for the empty range. */
static int ask_physical(struct engine *e, const char *object, struct refusal *why)
{
	struct k_iommu_ioas_noiommu_get_pa arg = { .size = sizeof(arg) };
	int r = sys_ioctl(e->core->sys, e->fd, K_IOMMU_IOAS_NOIOMMU_GET_PA, &arg);
	const char *call = "IOMMU_IOAS_NOIOMMU_GET_PA";

	switch (r) {
	case -EINVAL:
		return 0;
	case -EPERM:
		return err(r, call, object, "run with CAP_SYS_RAWIO",
			   "backend noiommu is not for unprivileged users: DMA would reach all memory");
	case -ENOTTY:
	case -EOPNOTSUPP:
		return refuse(why, -EOPNOTSUPP, call, object,
			      "use Linux 7.3 built with CONFIG_VFIO_NOIOMMU and CONFIG_VFIO_DEVICE_CDEV, or backend \"group+noiommu\"",
			      "it knows no devices without an IOMMU");
	}
	return no_answer(object, call, r < 0 ? r : -EIO);
}

int ask_iommufd(struct engine *e, const char *object, bool adopted, struct refusal *why)
{
	int r = e->ops->probe(e);

	if (r == -ENOTTY)
		return refuse(why, adopted ? -ENOTTY : -ENODEV, "IOMMU_IOAS_ALLOC", object,
			      adopted ? "pass an open descriptor of " ASK_IOMMUFD :
					how_to_load(ASK_IOMMUFD, true),
			      "it does not answer as " ASK_IOMMUFD " does");
	if (r)
		return no_answer(object, "ioctl", r);
	return e->noiommu ? ask_physical(e, object, why) : 0;
}

int ask_container(struct engine *e, const char *object, bool adopted, struct refusal *why)
{
	int r = e->ops->probe(e);

	switch (r) {
	case 0:
		return 0;
	case -ENOTTY:
		return refuse(why, adopted ? -ENOTTY : -ENODEV, "VFIO_GET_API_VERSION", object,
			      adopted ? "pass an open descriptor of " ASK_IOMMUFD " or " ASK_CONTAINER :
					how_to_load(ASK_CONTAINER, true),
			      "it does not answer as " ASK_CONTAINER " does");
	case -EPROTO:
		return refuse(why, -EOPNOTSUPP, "VFIO_GET_API_VERSION", object,
			      "use a release of this library that knows it",
			      "it speaks another version of VFIO's interface than %d",
			      K_VFIO_API_VERSION);
	case -EPROTONOSUPPORT:
		return refuse(why, -EOPNOTSUPP, "VFIO_CHECK_EXTENSION", object,
			      "use a kernel with type1 version 2 (Linux 3.16)",
			      "it has type1 in version 1 alone, which unmaps more than it is asked to");
	case -ENODEV:
		if (e->noiommu)
			return refuse(why, -EOPNOTSUPP, "VFIO_CHECK_EXTENSION", object,
				      "load VFIO with vfio.enable_unsafe_noiommu_mode=1, or write 1 to that file in /sys/module/vfio/parameters, then bind the device again",
				      "noiommu mode is switched off, or the kernel was built without it");
		return refuse(why, r, "VFIO_CHECK_EXTENSION", object,
			      "load the module vfio_iommu_type1; other kinds of IOMMUs (sPAPR) are not supported",
			      "it has no IOMMU of type 1");
	}
	return no_answer(object, "VFIO_CHECK_EXTENSION", r);
}

bool ask_is_iommufd(const struct core *core, int fd)
{
	struct engine e = { .ops = &engine_iommufd, .core = core, .fd = fd };

	return !e.ops->probe(&e);
}

bool ask_has_cdevs(const struct core *core)
{
	static const char dir[] = "/sys/class/vfio-dev";
	char path[SYSFS_PATH_MAX], *names;
	ssize_t n = sys_list_dir(core->sys, dir, &names);
	bool found = n <= 0;

	for (const char *at = names; !found && at < names + n; at += strlen(at) + 1)
		found = sysfs_format(path, sizeof(path), "%s/%s/dev", dir, at) ||
			core->sys->exists(core->sys->data, path) != -ENOENT;
	free(names);
	return found;
}
