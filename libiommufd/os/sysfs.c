/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "os/sysfs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sysfs_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* Last part of what the link points to. */
static int link_name(const struct iommufd_sys *sys, const char *dir, const char *link,
		     char *name, size_t size)
{
	char path[SYSFS_PATH_MAX], target[SYSFS_PATH_MAX];
	const char *base;
	ssize_t n;
	int r = sysfs_format(path, sizeof(path), "%s/%s", dir, link);

	if (r)
		return r;
	n = sys->read_link(sys->data, path, target, sizeof(target) - 1);
	if (n < 0)
		return (int)n;
	target[n] = '\0';
	base = strrchr(target, '/');
	return sysfs_format(name, size, "%s", base ? base + 1 : target);
}

static int read_text(const struct iommufd_sys *sys, const char *path, char *buf, size_t size)
{
	ssize_t n = sys->read_file(sys->data, path, buf, size - 1);

	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	return 0;
}

int sysfs_iommu_group(const struct iommufd_sys *sys, const char *path)
{
	char name[32], *end;
	long number;
	int r = link_name(sys, path, "iommu_group", name, sizeof(name));

	if (r)
		return r;
	number = strtol(name, &end, 10);
	if (end == name || *end || number < 0 || number > INT32_MAX)
		return -ENOENT;
	return (int)number;
}

int sysfs_driver(const struct iommufd_sys *sys, const char *path, char *name, size_t size)
{
	return link_name(sys, path, "driver", name, size);
}

int sysfs_subsystem(const struct iommufd_sys *sys, const char *path, char *name, size_t size)
{
	return link_name(sys, path, "subsystem", name, size);
}

/* Without an IOMMU a device's DMA goes anywhere: the kernel marks its node so. */
#define NOIOMMU "noiommu-"

int sysfs_vfio_cdev(const struct iommufd_sys *sys, const char *path, char *node, size_t size,
		    struct cdev *number, bool *noiommu)
{
	char dir[SYSFS_PATH_MAX], names[256], file[SYSFS_PATH_MAX], text[32];
	ssize_t n;
	int r = sysfs_format(dir, sizeof(dir), "%s/vfio-dev", path);

	if (r)
		return r;
	n = sys->list_dir(sys->data, dir, names, sizeof(names));
	if (n == -ENOENT || !n)
		return -ENODEV;
	if (n < 0)
		return (int)n;
	/* The directory exists without character devices too; its number does not. */
	r = sysfs_format(file, sizeof(file), "%s/%s/dev", dir, names);
	if (!r)
		r = read_text(sys, file, text, sizeof(text));
	if (r)
		return r;
	if (sscanf(text, "%u:%u", &number->major, &number->minor) != 2)
		return -ENOENT;
	*noiommu = !strncmp(names, NOIOMMU, strlen(NOIOMMU));
	return sysfs_format(node, size, "/dev/vfio/devices/%s", names);
}

/* Where the link of a character device leads, as seen from /sys/dev/char. */
static int cdev_target(const struct iommufd_sys *sys, struct cdev number, char *target,
		       size_t size)
{
	char link[64];
	ssize_t n;
	int r = sysfs_format(link, sizeof(link), "/sys/dev/char/%u:%u", number.major,
			     number.minor);

	if (r)
		return r;
	n = sys->read_link(sys->data, link, target, size - 1);
	if (n < 0)
		return (int)n;
	target[n] = '\0';
	return strncmp(target, "../../", 6) ? -ENOTTY : 0;
}

int sysfs_device_of_cdev(const struct iommufd_sys *sys, struct cdev number, char *path,
			 size_t size, bool *noiommu)
{
	char target[SYSFS_PATH_MAX], *end;
	int r = cdev_target(sys, number, target, sizeof(target));

	if (r)
		return r;
	end = strstr(target, "/vfio-dev/");
	if (!end)
		return -ENOTTY;
	*noiommu = !strncmp(end + strlen("/vfio-dev/"), NOIOMMU, strlen(NOIOMMU));
	*end = '\0';
	/* The link is relative to /sys/dev/char. */
	return sysfs_format(path, size, "/sys/%s", target + 6);
}

int sysfs_group_of_cdev(const struct iommufd_sys *sys, struct cdev number, int *group,
			bool *noiommu)
{
	static const char home[] = "../../devices/virtual/vfio/";
	char target[SYSFS_PATH_MAX], *name, *end;
	long value;
	int r = cdev_target(sys, number, target, sizeof(target));

	if (r)
		return r;
	if (strncmp(target, home, strlen(home)))
		return -ENOTTY;
	name = target + strlen(home);
	*noiommu = !strncmp(name, NOIOMMU, strlen(NOIOMMU));
	if (*noiommu)
		name += strlen(NOIOMMU);
	value = strtol(name, &end, 10);
	if (end == name || *end || value < 0 || value > INT32_MAX)
		return -ENOTTY;
	*group = (int)value;
	return 0;
}

int sysfs_group_is_noiommu(const struct iommufd_sys *sys, int group)
{
	char path[80], name[32];
	int r = sysfs_format(path, sizeof(path), "/sys/kernel/iommu_groups/%d/name", group);

	if (!r)
		r = read_text(sys, path, name, sizeof(name));
	if (r)
		return r == -ENOENT ? 0 : r; /* most groups have no name */
	return !strcmp(name, "vfio-noiommu\n");
}

int sysfs_reserved_window(const struct iommufd_sys *sys, int group, unsigned int index,
			  uint64_t *start, uint64_t *last, char *kind, size_t size)
{
	char path[80], text[1024], *line, *next;
	int r = sysfs_format(path, sizeof(path), "/sys/kernel/iommu_groups/%d/reserved_regions",
			     group);

	if (!r)
		r = read_text(sys, path, text, sizeof(text));
	if (r)
		return r;
	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		char word[24];

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %23s", start, last, word) != 3)
			continue;
		/* Relaxed direct windows bind nobody but the kernel's own drivers. */
		if (!strcmp(word, "direct-relaxable"))
			continue;
		if (!index--)
			return sysfs_format(kind, size, "%s", word);
	}
	return -ENOENT;
}
