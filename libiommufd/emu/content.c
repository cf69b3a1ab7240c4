/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the machine's /sys and /dev hold. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "emu/device.h"
#include "emu/tree.h"

#define MAX_RANGES 16

int emu_sysfs_init(struct iommufd_emu *emu)
{
	struct emu_builder b = { .emu = emu };

	emu_tree_dir(&b, "/sys/bus/pci/devices");
	emu_tree_dir(&b, "/sys/kernel/iommu_groups");
	emu_tree_dir(&b, "/sys/class/vfio");
	emu_tree_file(&b, "/sys/module/vfio/parameters", "enable_unsafe_noiommu_mode",
		 emu_is_noiommu(emu) ? "Y\n" : "N\n");
	if (emu_has(emu, EMU_FEATURE_VFIO_DEV))
		emu_tree_dir(&b, "/sys/class/vfio-dev");
	if (emu_has(emu, EMU_FEATURE_IOMMUFD))
		emu_tree_node(&b, "/dev/iommu", EMU_MISC_MAJOR, EMU_IOMMU_MINOR);
	emu_tree_numbered(&b, "/sys/devices/virtual/misc/vfio", "misc", "/dev/vfio/vfio",
		     EMU_MISC_MAJOR, EMU_CONTAINER_MINOR);
	return emu_tree_finish(&b, NULL);
}

/* Sorted, and each once. */
static void insert_range(struct emu_range *ranges, size_t *n, const struct emu_range *new)
{
	size_t at = 0;

	while (at < *n && ranges[at].start < new->start)
		at++;
	if (*n == MAX_RANGES || !new->last ||
	    (at < *n && ranges[at].start == new->start && ranges[at].last == new->last))
		return;
	memmove(ranges + at + 1, ranges + at, (*n - at) * sizeof(*ranges));
	ranges[at] = *new;
	++*n;
}

/* What a group may not use is what its members may not; @dev is about to be one. */
static void tell_reserved(struct emu_builder *b, const struct emu_device *dev)
{
	struct emu_range ranges[MAX_RANGES] = { { EMU_MSI_START, EMU_MSI_LAST } };
	char path[80], text[MAX_RANGES * 64];
	size_t n = 1, used = 0;

	for (const struct emu_device *m = b->emu->devices; m; m = m->next)
		if (m->group == dev->group)
			insert_range(ranges, &n, &m->reserved);
	insert_range(ranges, &n, &dev->reserved);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "0x%016" PRIx64 " 0x%016" PRIx64 " %s\n", ranges[i].start,
					 ranges[i].last,
					 ranges[i].start == EMU_MSI_START ? "msi" : "reserved");
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/reserved_regions",
		 dev->group->id);
	emu_tree_text(b, path, text);
}

static void add_to_group(struct emu_builder *b, const char *home, const struct emu_device *dev)
{
	bool noiommu = emu_is_noiommu(b->emu);
	char dir[64], devices[80];

	snprintf(dir, sizeof(dir), "/sys/kernel/iommu_groups/%u", dev->group->id);
	snprintf(devices, sizeof(devices), "%s/devices", dir);
	if (noiommu) {
		emu_tree_file(b, dir, "name", "vfio-noiommu\n");
		emu_tree_file(b, dir, "reserved_regions", "%s", "");
	}
	emu_tree_file(b, dir, "type", noiommu ? "unknown\n" : "DMA\n");
	emu_tree_link(b, devices, dev->bdf, home);
	emu_tree_link(b, home, "iommu_group", dir);
}

static const char *bus_of(const struct emu_device *dev)
{
	return dev->port ? "mdev" : "pci";
}

/* A group of its own that VFIO makes, and no more than that. */
static void add_port(struct emu_builder *b, const char *home, const struct emu_device *dev)
{
	char dir[64], devices[80];

	snprintf(dir, sizeof(dir), "/sys/kernel/iommu_groups/%u", dev->group->id);
	snprintf(devices, sizeof(devices), "%s/devices", dir);
	emu_tree_dir(b, home);
	emu_tree_link(b, "/sys/bus/mdev/devices", dev->bdf, home);
	emu_tree_link(b, home, "subsystem", "/sys/bus/mdev");
	emu_tree_dir(b, "/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-2");
	emu_tree_link(b, home, "mdev_type",
		      "/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-2");
	emu_tree_file(b, dir, "name", "vfio-noiommu\n");
	emu_tree_file(b, dir, "reserved_regions", "%s", "");
	emu_tree_file(b, dir, "type", "unknown\n");
	emu_tree_link(b, devices, dev->bdf, home);
	emu_tree_link(b, home, "iommu_group", dir);
}

static void add_pci(struct emu_builder *b, const char *home, const struct emu_device *dev)
{
	emu_tree_dir(b, home);
	emu_tree_link(b, "/sys/bus/pci/devices", dev->bdf, home);
	emu_tree_link(b, home, "subsystem", "/sys/bus/pci");
	emu_tree_file(b, home, "numa_node", "-1\n");
	if (!emu_is_noiommu(b->emu))
		add_to_group(b, home, dev);
}

/* The one bridge there may be: 1e.0, above bus 1. */
static void bridge_home(char *out, size_t n, unsigned int domain)
{
	snprintf(out, n, "/sys/devices/pci%04x:00/%04x:00:1e.0", domain, domain);
}

void emu_group_name(const struct emu_group *group, char *out, size_t n)
{
	snprintf(out, n, "%s%u", emu_is_noiommu(group->emu) ? "noiommu-" : "", group->id);
}

void emu_vfio_name(const struct emu_device *dev, char *out, size_t n)
{
	bool noiommu = emu_is_noiommu(dev->emu) && emu_has(dev->emu, EMU_FEATURE_NOIOMMU_CDEV);

	snprintf(out, n, "%svfio%u", noiommu ? "noiommu-" : "", dev->cdev);
}

/* There from the first member with a VFIO driver on. */
static void add_vfio_group(struct emu_builder *b, const struct emu_group *group)
{
	char dir[64], node[64], name[32];

	emu_group_name(group, name, sizeof(name));
	snprintf(dir, sizeof(dir), "/sys/devices/virtual/vfio/%s", name);
	snprintf(node, sizeof(node), "/dev/vfio/%s", name);
	emu_tree_numbered(b, dir, "vfio", node, EMU_GROUP_MAJOR, group->minor);
}

static void remove_vfio_group(const struct emu_group *group)
{
	char name[32];

	emu_group_name(group, name, sizeof(name));
	emu_tree_remove(group->emu, "/sys/devices/virtual/vfio/%s", name);
	emu_tree_remove(group->emu, "/sys/class/vfio/%s", name);
	emu_tree_remove(group->emu, "/sys/dev/char/%u:%u", EMU_GROUP_MAJOR, group->minor);
	emu_tree_remove(group->emu, "/dev/vfio/%s", name);
}

static void add_vfio(struct emu_builder *b, const struct emu_device *dev, const char *home)
{
	char name[32], dir[192], path[64];

	emu_vfio_name(dev, name, sizeof(name));
	snprintf(dir, sizeof(dir), "%s/vfio-dev/%s", home, name);
	emu_tree_dir(b, dir);
	emu_tree_link(b, dir, "device", home);
	emu_tree_link(b, dir, "subsystem", "/sys/class/vfio-dev");
	emu_tree_link(b, "/sys/class/vfio-dev", name, dir);
	if (!emu_has(b->emu, EMU_FEATURE_CDEV))
		return;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	emu_tree_numbered(b, dir, "vfio-dev", path, EMU_CDEV_MAJOR, dev->cdev);
}

static void add_driver(struct emu_builder *b, const struct emu_device *dev, const char *home)
{
	char path[128];

	if (!*dev->driver)
		return;
	snprintf(path, sizeof(path), "/sys/bus/%s/drivers/%s", bus_of(dev), dev->driver);
	emu_tree_link(b, path, dev->bdf, home);
	emu_tree_link(b, home, "driver", path);
	if (dev->vfio && emu_is_noiommu(b->emu))
		add_to_group(b, home, dev);
	if (dev->vfio)
		add_vfio_group(b, dev->group);
	if (dev->vfio && emu_has(b->emu, EMU_FEATURE_VFIO_DEV))
		add_vfio(b, dev, home);
}

static void add_bridge_facts(struct emu_builder *b, const char *home)
{
	emu_tree_file(b, home, "vendor", "0x1b36\n");
	emu_tree_file(b, home, "device", "0x000e\n");
	emu_tree_file(b, home, "class", "0x060400\n");
}

static void add_edu_facts(struct emu_builder *b, const struct emu_device *dev, const char *home)
{
	emu_tree_file(b, home, "vendor", "0x1234\n");
	emu_tree_file(b, home, "device", "0x11e8\n");
	emu_tree_file(b, home, "subsystem_vendor", "0x1af4\n");
	emu_tree_file(b, home, "subsystem_device", "0x1100\n");
	emu_tree_file(b, home, "revision", "0x10\n");
	emu_tree_file(b, home, "class", "0x00ff00\n");
	emu_tree_file(b, home, "modalias",
		      "pci:v00001234d000011E8sv00001AF4sd00001100bc00scFFi00\n");
	emu_tree_file(b, home, "driver_override", "%s\n", *dev->driver ? dev->driver : "(null)");
	if (emu_device_can_reset(dev))
		emu_tree_file(b, home, "reset_method", "flr\n");
}

int emu_sysfs_add_device(struct iommufd_emu *emu, struct emu_device *dev)
{
	struct emu_builder b = { .emu = emu };
	struct emu_node *mark = emu->nodes;
	char bridge[64], home[128];

	if (dev->port) {
		snprintf(home, sizeof(home), "/sys/devices/virtual/mtty/mtty/%s", dev->bdf);
		add_port(&b, home, dev);
		add_driver(&b, dev, home);
		return emu_tree_finish(&b, mark);
	}
	bridge_home(bridge, sizeof(bridge), dev->domain);
	if (dev->bridge)
		strcpy(home, bridge);
	else if (dev->bus == 1 && emu_sysfs_find(emu, bridge, false))
		snprintf(home, sizeof(home), "%s/%s", bridge, dev->bdf);
	else
		snprintf(home, sizeof(home), "/sys/devices/pci%04x:%02x/%s", dev->domain, dev->bus,
			 dev->bdf);
	add_pci(&b, home, dev);
	add_driver(&b, dev, home);
	if (dev->bridge)
		add_bridge_facts(&b, home);
	else
		add_edu_facts(&b, dev, home);
	if (!b.error && !emu_is_noiommu(emu))
		tell_reserved(&b, dev);
	return emu_tree_finish(&b, mark);
}

const char *emu_sysfs_home(struct emu_device *dev)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s", bus_of(dev), dev->bdf);
	return emu_sysfs_find(dev->emu, path, true)->path;
}

int emu_sysfs_bind(struct emu_device *dev)
{
	struct emu_builder b = { .emu = dev->emu };
	struct emu_node *mark = dev->emu->nodes;

	add_driver(&b, dev, emu_sysfs_home(dev));
	return emu_tree_finish(&b, mark);
}

void emu_sysfs_remove_vfio(struct emu_device *dev)
{
	const char *home = emu_sysfs_home(dev);
	char name[32];

	emu_vfio_name(dev, name, sizeof(name));
	emu_tree_remove(dev->emu, "%s/vfio-dev", home);
	emu_tree_remove(dev->emu, "/sys/class/vfio-dev/%s", name);
	emu_tree_remove(dev->emu, "/sys/dev/char/%u:%u", EMU_CDEV_MAJOR, dev->cdev);
	emu_tree_remove(dev->emu, "/dev/vfio/devices/%s", name);
}

void emu_sysfs_unbind(struct emu_device *dev)
{
	emu_tree_remove(dev->emu, "/sys/bus/%s/drivers/%s/%s", bus_of(dev), dev->driver, dev->bdf);
	emu_tree_remove(dev->emu, "%s/driver", emu_sysfs_home(dev));
}

void emu_sysfs_leave_group(struct emu_device *dev)
{
	if (dev->vfio && dev->group->vfio == 1)
		remove_vfio_group(dev->group);
	if (dev->vfio && emu_is_noiommu(dev->emu)) {
		emu_tree_remove(dev->emu, "/sys/kernel/iommu_groups/%u", dev->group->id);
		emu_tree_remove(dev->emu, "%s/iommu_group", emu_sysfs_home(dev));
	}
}
