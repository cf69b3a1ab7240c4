/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODE "/dev/iommu"

/* Every pair this release has, in the order in which "auto" tries them. */
static const struct pair {
	const char *name;
	const struct engine_ops *engine;
	const struct transport_ops *transport;
} pairs[] = {
	{ "cdev+iommufd", &engine_iommufd, &transport_cdev },
	{ "group+iommufd", &engine_iommufd, &transport_group },
};

/* Names that other releases have, so that the refusal can say so. */
static const char *const known_elsewhere[] = {
	"legacy", "group+type1", "noiommu",
};

static void report(struct backend *b, const char *fmt, ...) printf_like(2, 3);

static void report(struct backend *b, const char *fmt, ...)
{
	size_t used = strlen(b->report);
	va_list args;

	if (used)
		used += (size_t)snprintf(b->report + used, sizeof(b->report) - used, "\n");
	if (used >= sizeof(b->report))
		return;
	va_start(args, fmt);
	vsnprintf(b->report + used, sizeof(b->report) - used, fmt, args);
	va_end(args);
}

static int parse_policy(const char *function, const char **policy)
{
	const char *wanted = secure_getenv("LIBIOMMUFD_BACKEND");

	if (wanted && *wanted)
		*policy = wanted;
	if (!*policy || !strcmp(*policy, "auto") || !strcmp(*policy, "iommufd"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (!strcmp(*policy, pairs[i].name))
			return 0;
	for (size_t i = 0; i < ARRAY_SIZE(known_elsewhere); i++)
		if (!strcmp(*policy, known_elsewhere[i]))
			return err(-EOPNOTSUPP, function, "backend",
				   "use \"auto\" or \"cdev+iommufd\"",
				   "backend \"%s\" is not in this release", *policy);
	return err(-EINVAL, function, "backend", "use \"auto\", \"iommufd\" or \"cdev+iommufd\"",
		   "there is no backend \"%s\"", *policy);
}

static int open_failed(struct backend *b, int r)
{
	static const struct {
		int code;
		const char *remedy;
	} remedies[] = {
		{ -ENOENT, "load the iommufd module (modprobe iommufd), use a kernel built with CONFIG_IOMMUFD (Linux 6.2), or set LIBIOMMUFD_EMU=1 to try things on the emulated kernel" },
		{ -ENODEV, "load the iommufd module (modprobe iommufd)" },
		{ -EACCES, "give this user access to " NODE " (udev rule or group), or have a privileged process hand over its descriptor" },
		{ -EPERM, "allow " NODE " in the device cgroup of this container" },
		{ -EMFILE, "close descriptors or raise RLIMIT_NOFILE" },
	};
	const char *remedy = "look into the kernel's log";

	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (remedies[i].code == r)
			remedy = remedies[i].remedy;
	report(b, "opened " NODE ": %s", strerror(-r));
	return err_kernel(r, KNOWN(-ENOENT, -ENODEV, -EACCES, -EPERM, -EMFILE, -ENFILE, -ENOMEM),
			  "open", NODE, remedy, "it cannot be opened");
}

static int adopt_failed(struct backend *b, int fd, int r)
{
	char object[32];

	snprintf(object, sizeof(object), "fd %d", fd);
	report(b, "adopted descriptor %d: %s", fd, strerror(-r));
	return err_kernel(r, KNOWN(-EBADF, -EMFILE, -ENOMEM), "fcntl", object,
			  "pass an open descriptor of " NODE, "the descriptor cannot be duplicated");
}

static int probe_failed(struct backend *b, int adopt, int r)
{
	const char *what = adopt < 0 ? NODE : "the descriptor";

	if (r != -ENOTTY) {
		report(b, "asked %s what it can do: %s", what, strerror(-r));
		return err_kernel(r, KNOWN(-ENOMEM), "ioctl", adopt < 0 ? NODE : "fd",
				  "try again", "%s does not tell what it can do", what);
	}
	report(b, "%s is not an iommufd", what);
	return err(adopt < 0 ? -ENODEV : -ENOTTY, "IOMMU_IOAS_ALLOC", adopt < 0 ? NODE : "fd",
		   adopt < 0 ? "load the iommufd module (modprobe iommufd)" :
			       "pass an open descriptor of " NODE,
		   "%s does not answer as /dev/iommu does", what);
}

int backend_open(struct backend *b, const struct core *core, const char *function,
		 const char *policy, int adopt)
{
	const struct pair *pair = &pairs[0];
	int r = parse_policy(function, &policy);

	for (size_t i = 0; !r && policy && i < ARRAY_SIZE(pairs); i++)
		if (!strcmp(policy, pairs[i].name))
			pair = &pairs[i];

	memset(b, 0, sizeof(*b));
	b->engine.fd = -1;
	if (r)
		return r;
	r = adopt < 0 ? sys_open(core->sys, NODE, O_RDWR) : sys_dup(core->sys, adopt);
	if (r < 0)
		return adopt < 0 ? open_failed(b, r) : adopt_failed(b, adopt, r);
	b->engine = (struct engine){ .ops = pair->engine, .core = core, .fd = r };
	b->transports[0] = pair->transport;
	r = pair->engine->probe(&b->engine);
	if (r) {
		sys_close(core->sys, &b->engine.fd);
		return probe_failed(b, adopt, r);
	}
	b->engine.caps |= b->transports[0]->caps;
	if (adopt < 0)
		report(b, "opened " NODE ": ok");
	else
		report(b, "adopted descriptor %d: ok", adopt);
	snprintf(b->name, sizeof(b->name), "%s%s", core->sys == sys_kernel() ? "" : "emulated ",
		 pair->name);
	report(b, "using %s", b->name);
	return 0;
}

void backend_close(struct backend *b)
{
	sys_close(b->engine.core->sys, &b->engine.fd);
}
