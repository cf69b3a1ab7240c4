/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the machine's /sys and /dev hold. */
#include "emu/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/device.h"

#define MAX_RANGES 16

/* Adding files one after another; the first failure makes the rest do nothing. */
struct builder {
	struct iommufd_emu *emu;
	int error;
};

static void node_free(struct emu_node *node)
{
	free(node->path);
	free(node->text);
	free(node);
}

static struct emu_node *add(struct builder *b, enum emu_node_kind kind, const char *path,
			    const char *text)
{
	struct emu_node *node;

	for (node = b->emu->nodes; node; node = node->next)
		if (!strcmp(node->path, path))
			return node;
	node = b->error ? NULL : calloc(1, sizeof(*node));
	if (!node) {
		b->error = -ENOMEM;
		return NULL;
	}
	node->kind = kind;
	node->path = strdup(path);
	node->text = strdup(text);
	if (!node->path || !node->text) {
		node_free(node);
		b->error = -ENOMEM;
		return NULL;
	}
	node->next = b->emu->nodes;
	b->emu->nodes = node;
	return node;
}

static bool replace_text(struct emu_node *node, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return false;
	free(node->text);
	node->text = copy;
	return true;
}

/* Makes the folders on the way to path. */
static void add_parents(struct builder *b, const char *path)
{
	char dir[256];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		add(b, EMU_NODE_DIR, dir, "");
	}
}

static void add_dir(struct builder *b, const char *path)
{
	add_parents(b, path);
	add(b, EMU_NODE_DIR, path, "");
}

__attribute__((format(printf, 4, 5)))
static void add_file(struct builder *b, const char *dir, const char *name, const char *format, ...)
{
	char path[256], text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	add_parents(b, path);
	add(b, EMU_NODE_FILE, path, text);
}

/* A relative link, as sysfs has them: target is canonical and absolute. */
static void add_link(struct builder *b, const char *dir, const char *name, const char *target)
{
	const char *at = strchr(dir + 1, '/');
	char path[256], text[256] = "";
	size_t used = 0;

	for (; at; at = strchr(at + 1, '/'))
		used += (size_t)snprintf(text + used, sizeof(text) - used, "../");
	snprintf(text + used, sizeof(text) - used, "%s", target + strlen("/sys/"));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	add_parents(b, path);
	add(b, EMU_NODE_LINK, path, text);
}

static void add_device_node(struct builder *b, const char *path, unsigned int major,
			    unsigned int minor)
{
	struct emu_node *node;

	add_parents(b, path);
	node = add(b, EMU_NODE_DEVICE, path, "");
	if (node) {
		node->major = major;
		node->minor = minor;
	}
}

/* A character device: its folder in sysfs, the ways to that, and its node. */
static void add_numbered(struct builder *b, const char *dir, const char *class, const char *node,
			 unsigned int major, unsigned int minor)
{
	char path[64], numbers[32];

	snprintf(numbers, sizeof(numbers), "%u:%u", major, minor);
	add_file(b, dir, "dev", "%s\n", numbers);
	snprintf(path, sizeof(path), "/sys/class/%s", class);
	add_link(b, dir, "subsystem", path);
	add_link(b, path, strrchr(dir, '/') + 1, dir);
	add_link(b, "/sys/dev/char", numbers, dir);
	add_device_node(b, node, major, minor);
}

/* Undoes what was added since the list began with @mark. */
static int finish(struct builder *b, struct emu_node *mark)
{
	while (b->error && b->emu->nodes != mark) {
		struct emu_node *node = b->emu->nodes;

		b->emu->nodes = node->next;
		node_free(node);
	}
	return b->error;
}

/* A file or folder, with what is in it. */
__attribute__((format(printf, 2, 3)))
static void remove_all(struct iommufd_emu *emu, const char *format, ...)
{
	struct emu_node **link = &emu->nodes;
	char path[256];
	va_list ap;
	size_t n;

	va_start(ap, format);
	vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	n = strlen(path);
	while (*link) {
		struct emu_node *node = *link;

		if (!strncmp(node->path, path, n) && (!node->path[n] || node->path[n] == '/')) {
			*link = node->next;
			node_free(node);
		} else {
			link = &node->next;
		}
	}
}

int emu_sysfs_init(struct iommufd_emu *emu)
{
	struct builder b = { .emu = emu };

	add_dir(&b, "/sys/bus/pci/devices");
	add_dir(&b, "/sys/kernel/iommu_groups");
	add_dir(&b, "/sys/class/vfio");
	if (emu_has(emu, EMU_FEATURE_VFIO_DEV))
		add_dir(&b, "/sys/class/vfio-dev");
	if (emu_has(emu, EMU_FEATURE_IOMMUFD))
		add_device_node(&b, "/dev/iommu", EMU_MISC_MAJOR, EMU_IOMMU_MINOR);
	add_numbered(&b, "/sys/devices/virtual/misc/vfio", "misc", "/dev/vfio/vfio",
		     EMU_MISC_MAJOR, EMU_CONTAINER_MINOR);
	return finish(&b, NULL);
}

void emu_sysfs_free(struct iommufd_emu *emu)
{
	while (emu->nodes) {
		struct emu_node *node = emu->nodes;

		emu->nodes = node->next;
		node_free(node);
	}
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
static void tell_reserved(struct builder *b, const struct emu_device *dev)
{
	struct emu_range ranges[MAX_RANGES] = { { EMU_MSI_START, EMU_MSI_LAST } };
	char path[80], text[MAX_RANGES * 64];
	size_t n = 1, used = 0;
	struct emu_node *node;

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
	node = add(b, EMU_NODE_FILE, path, "");
	if (node && !replace_text(node, text))
		b->error = -ENOMEM;
}

static void add_to_group(struct builder *b, const char *home, const char *bdf, uint32_t group)
{
	char dir[64], devices[80];

	snprintf(dir, sizeof(dir), "/sys/kernel/iommu_groups/%u", group);
	snprintf(devices, sizeof(devices), "%s/devices", dir);
	add_file(b, dir, "type", "DMA\n");
	add_link(b, devices, bdf, home);
	add_link(b, home, "iommu_group", dir);
}

static void add_pci(struct builder *b, const char *home, const struct emu_device *dev)
{
	add_dir(b, home);
	add_link(b, "/sys/bus/pci/devices", dev->bdf, home);
	add_link(b, home, "subsystem", "/sys/bus/pci");
	add_file(b, home, "numa_node", "-1\n");
	add_to_group(b, home, dev->bdf, dev->group->id);
}

/* The one bridge there may be: 1e.0, above bus 1. */
static void bridge_home(char *out, size_t n, unsigned int domain)
{
	snprintf(out, n, "/sys/devices/pci%04x:00/%04x:00:1e.0", domain, domain);
}

/* There from the first member with a VFIO driver on. */
static void add_vfio_group(struct builder *b, const struct emu_group *group)
{
	char dir[64], node[32];

	snprintf(dir, sizeof(dir), "/sys/devices/virtual/vfio/%u", group->id);
	snprintf(node, sizeof(node), "/dev/vfio/%u", group->id);
	add_numbered(b, dir, "vfio", node, EMU_GROUP_MAJOR, group->minor);
}

static void remove_vfio_group(const struct emu_group *group)
{
	remove_all(group->emu, "/sys/devices/virtual/vfio/%u", group->id);
	remove_all(group->emu, "/sys/class/vfio/%u", group->id);
	remove_all(group->emu, "/sys/dev/char/%u:%u", EMU_GROUP_MAJOR, group->minor);
	remove_all(group->emu, "/dev/vfio/%u", group->id);
}

static void add_vfio(struct builder *b, const struct emu_device *dev, const char *home)
{
	char name[32], dir[192], path[64];

	snprintf(name, sizeof(name), "vfio%u", dev->cdev);
	snprintf(dir, sizeof(dir), "%s/vfio-dev/%s", home, name);
	add_dir(b, dir);
	add_link(b, dir, "device", home);
	add_link(b, dir, "subsystem", "/sys/class/vfio-dev");
	add_link(b, "/sys/class/vfio-dev", name, dir);
	if (!emu_has(b->emu, EMU_FEATURE_CDEV))
		return;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	add_numbered(b, dir, "vfio-dev", path, EMU_CDEV_MAJOR, dev->cdev);
}

static void add_driver(struct builder *b, const struct emu_device *dev, const char *home)
{
	char path[128];

	if (!*dev->driver)
		return;
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", dev->driver);
	add_link(b, path, dev->bdf, home);
	add_link(b, home, "driver", path);
	if (dev->vfio)
		add_vfio_group(b, dev->group);
	if (dev->vfio && emu_has(b->emu, EMU_FEATURE_VFIO_DEV))
		add_vfio(b, dev, home);
}

static void add_bridge_facts(struct builder *b, const char *home)
{
	add_file(b, home, "vendor", "0x1b36\n");
	add_file(b, home, "device", "0x000e\n");
	add_file(b, home, "class", "0x060400\n");
}

static void add_edu_facts(struct builder *b, const struct emu_device *dev, const char *home)
{
	add_file(b, home, "vendor", "0x1234\n");
	add_file(b, home, "device", "0x11e8\n");
	add_file(b, home, "subsystem_vendor", "0x1af4\n");
	add_file(b, home, "subsystem_device", "0x1100\n");
	add_file(b, home, "revision", "0x10\n");
	add_file(b, home, "class", "0x00ff00\n");
	add_file(b, home, "modalias", "pci:v00001234d000011E8sv00001AF4sd00001100bc00scFFi00\n");
	add_file(b, home, "driver_override", "%s\n", *dev->driver ? dev->driver : "(null)");
	if (emu_device_can_reset(dev))
		add_file(b, home, "reset_method", "flr\n");
}

int emu_sysfs_add_device(struct iommufd_emu *emu, struct emu_device *dev)
{
	struct builder b = { .emu = emu };
	struct emu_node *mark = emu->nodes;
	char bridge[64], home[128];

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
	if (!b.error)
		tell_reserved(&b, dev);
	return finish(&b, mark);
}

const char *emu_sysfs_home(struct emu_device *dev)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", dev->bdf);
	return emu_sysfs_find(dev->emu, path, true)->path;
}

int emu_sysfs_bind(struct emu_device *dev)
{
	struct builder b = { .emu = dev->emu };
	struct emu_node *mark = dev->emu->nodes;

	add_driver(&b, dev, emu_sysfs_home(dev));
	return finish(&b, mark);
}

static void remove_vfio(struct emu_device *dev, const char *home)
{
	remove_all(dev->emu, "%s/vfio-dev", home);
	remove_all(dev->emu, "/sys/class/vfio-dev/vfio%u", dev->cdev);
	remove_all(dev->emu, "/sys/dev/char/%u:%u", EMU_CDEV_MAJOR, dev->cdev);
	remove_all(dev->emu, "/dev/vfio/devices/vfio%u", dev->cdev);
	if (dev->group->vfio == 1)
		remove_vfio_group(dev->group);
}

void emu_sysfs_unbind(struct emu_device *dev)
{
	const char *home = emu_sysfs_home(dev);

	if (dev->vfio)
		remove_vfio(dev, home);
	remove_all(dev->emu, "/sys/bus/pci/drivers/%s/%s", dev->driver, dev->bdf);
	remove_all(dev->emu, "%s/driver", home);
}
