/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "discover/place.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Between @least and @most hexadecimal digits and then @end; where it goes on, or NULL. */
static const char *parse_hex(const char *text, size_t least, size_t most, char end,
			     unsigned int *value)
{
	size_t digits = strspn(text, "0123456789abcdefABCDEF");

	if (digits < least || digits > most || text[digits] != end)
		return NULL;
	*value = (unsigned int)strtoul(text, NULL, 16);
	return text + digits + 1;
}

/* "dddd:bb:dd.f", the domain may be left out; false if it is something else. */
static bool parse_bdf(const char *text, char *bdf, size_t size)
{
	unsigned int domain = 0, bus, slot, function;
	const char *at = parse_hex(text, 4, 8, ':', &domain);

	at = parse_hex(at ? at : text, 2, 2, ':', &bus);
	at = at ? parse_hex(at, 2, 2, '.', &slot) : NULL;
	if (!at || !parse_hex(at, 1, 1, '\0', &function) || slot > 0x1f || function > 7)
		return false;
	return !sysfs_format(bdf, size, "%04x:%02x:%02x.%x", domain, bus, slot, function);
}

/* What follows from the directory. Who does not know the group must not guess it. */
static int set_facts(const struct core *core, struct place *place)
{
	const char *base = strrchr(place->sysfs, '/');
	char path[SYSFS_PATH_MAX + 16];
	int r;

	snprintf(place->name, sizeof(place->name), "%.*s", (int)sizeof(place->name) - 1,
		 base ? base + 1 : place->sysfs);
	place->group = sysfs_iommu_group(core->sys, place->sysfs);
	if (place->group < 0 && place->group != -ENOENT)
		return err_kernel(place->group, KNOWN(-EACCES, -ENOMEM), "readlink", place->name,
				  "check that /sys is mounted", "its IOMMU group cannot be read");
	if (place->group < 0)
		place->group = -1;
	snprintf(path, sizeof(path), "%s/mdev_type", place->sysfs);
	place->mediated = !core->sys->exists(core->sys->data, path);
	if (place->group < 0 || place->mediated) /* whose groups have the same name */
		return 0;
	r = sysfs_group_is_noiommu(core->sys, place->group);
	if (r < 0)
		return err_kernel(r, KNOWN(-EACCES, -ENOMEM, -EMFILE, -ENFILE), "read",
				  place->name, "check that /sys is mounted",
				  "the name of its IOMMU group cannot be read");
	place->noiommu |= r > 0;
	return 0;
}

int place_no_cdev(const char *function, const char *name, const struct place *place)
{
	if (place->no_cdev == -ENOENT)
		return err(-ENOENT, function, name,
			   "use a kernel built with CONFIG_VFIO_DEVICE_CDEV (Linux 6.6), or a backend that has devices by group",
			   "the kernel gives this device no character device of its own");
	return err_kernel(place->no_cdev, KNOWN(-EACCES, -ENOMEM, -EMFILE, -ENFILE), "readdir",
			  name, "check that /sys is mounted", "its facts in sysfs cannot be read");
}

static bool is_vfio(const char *driver)
{
	return strstr(driver, "vfio");
}

/* Before Linux 6.1 only the driver's name tells that VFIO has the device. */
static int find_cdev(const struct core *core, const char *function, const char *name,
		     struct place *place)
{
	char driver[64];
	bool noiommu = false;
	int r = sysfs_vfio_cdev(core->sys, place->sysfs, place->node, sizeof(place->node),
				&place->number, &noiommu);

	place->noiommu |= noiommu;
	place->no_cdev = r;
	if (r != -ENODEV)
		return 0;
	place->no_cdev = -ENOENT;
	r = sysfs_driver(core->sys, place->sysfs, driver, sizeof(driver));
	if (!r && is_vfio(driver))
		return 0;
	if (r && r != -ENOENT)
		return err_kernel(r, KNOWN(-EACCES, -ENOMEM), "readlink", name,
				  "check that /sys is mounted", "its driver cannot be read");
	return err(-ENODEV, function, name,
		   "bind it to vfio-pci: write vfio-pci to its driver_override, then its address to /sys/bus/pci/drivers_probe",
		   "the device has no VFIO driver; its driver is %s", r ? "none" : driver);
}

static int find_by_sysfs(const struct core *core, const char *function, const char *name,
			 struct place *place)
{
	int r = core->sys->exists(core->sys->data, place->sysfs);

	if (r)
		return err_kernel(r, KNOWN(-ENOENT, -EACCES, -ENOMEM), "lstat", name,
				  "check the name against /sys/bus/pci/devices",
				  "there is no such device");
	r = set_facts(core, place);
	return r ? r : find_cdev(core, function, name, place);
}

int place_find(const struct core *core, const char *function, const char *name,
	       struct place *place)
{
	char bdf[32];
	size_t length = strlen(name);
	int r = 0;

	*place = (struct place){ .group = -1 };
	if (length >= SYSFS_PATH_MAX)
		return err(-EINVAL, function, "name", "pass a PCI address or a path",
			   "the name is %zu characters long", length);
	if (!strncmp(name, "/dev/", 5)) {
		snprintf(place->node, sizeof(place->node), "%s", name);
		r = core->sys->exists(core->sys->data, name);
		if (r)
			return err_kernel(r, KNOWN(-ENOENT, -EACCES, -ENOMEM), "lstat", name,
					  "look into /dev/vfio/devices for the devices there are",
					  "there is no such file");
		return 0;
	}
	if (!strncmp(name, "/sys/", 5)) {
		snprintf(place->sysfs, sizeof(place->sysfs), "%s", name);
		while (length && place->sysfs[length - 1] == '/')
			place->sysfs[--length] = '\0';
		return find_by_sysfs(core, function, name, place);
	}
	if (!parse_bdf(name, bdf, sizeof(bdf)))
		return err(-EINVAL, function, "name",
			   "pass a PCI address as 0000:00:03.0, a path under /sys, or /dev/vfio/devices/vfioN",
			   "\"%.60s\" is none of the names a device has", name);
	r = sysfs_format(place->sysfs, sizeof(place->sysfs), "/sys/bus/pci/devices/%s", bdf);
	return r ? r : find_by_sysfs(core, function, bdf, place);
}

static int no_place(const char *object, int r)
{
	return err_kernel(r, KNOWN(-ENOTTY, -EBADF, -ENOMEM), "fstat", object,
			  "pass /dev/vfio/devices/vfioN or a descriptor of it",
			  "this is not a VFIO device");
}

int place_of_fd(const struct core *core, int fd, struct place *place)
{
	char object[24];
	int r;

	*place = (struct place){ .group = -1 };
	snprintf(object, sizeof(object), "fd %d", fd);
	r = core->sys->char_device(core->sys->data, fd, &place->number.major,
				   &place->number.minor);
	if (r)
		return no_place(object, r);
	r = sysfs_device_of_cdev(core->sys, place->number, place->sysfs, sizeof(place->sysfs),
				 &place->noiommu);
	if (r == -ENOTTY)
		return no_place(object, r);
	if (r) { /* sysfs may be hidden from us; the descriptor is good all the same */
		place->sysfs[0] = '\0';
		snprintf(place->name, sizeof(place->name), "cdev %u:%u", place->number.major,
			 place->number.minor);
		return 0;
	}
	return set_facts(core, place);
}
