/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "discover/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/sysfs.h"

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(word, list[i]))
			return true;
	return false;
}

/*
 * Drivers that, though not VFIO's, set driver_managed_dma: they do no DMA, or
 * none of their own. As of Linux 7.3.
 */
static bool leaves_dma_alone(const char *driver)
{
	static const char *const names[] = { "pcieport", "pci-stub", "fsl-pci" };

	return is_one_of(driver, names, ARRAY_SIZE(names));
}

/* Buses whose drivers the kernel lets claim a group's DMA, as of Linux 7.3. */
static bool bus_claims_dma(const char *bus)
{
	static const char *const names[] = { "pci", "platform", "amba", "fsl-mc", "cdx" };

	return is_one_of(bus, names, ARRAY_SIZE(names));
}

/* VFIO's drivers by name, where the kernel (before 6.1) shows it in no other way. */
static bool has_vfio_name(const char *driver)
{
	return !strncmp(driver, "vfio-", 5) || strstr(driver, "-vfio-") || strstr(driver, "_vfio_");
}

/* 1 if there is such a file, 0 if not, or -errno. */
static int has_file(const struct core *core, const char *dir, const char *name)
{
	char path[SYSFS_PATH_MAX];
	int r = sysfs_format(path, sizeof(path), "%s/%s", dir, name);

	if (!r)
		r = core->sys->exists(core->sys->data, path);
	return r == -ENOENT ? 0 : r ? r : 1;
}

/* Classes 0x0604 and 0x0609: PCI-to-PCI bridges, transparent or not. */
static int is_bridge(const struct core *core, const char *dir)
{
	char path[SYSFS_PATH_MAX], text[16];
	unsigned long class;
	ssize_t n;
	int r = sysfs_format(path, sizeof(path), "%s/class", dir);

	if (r)
		return r;
	n = core->sys->read_file(core->sys->data, path, text, sizeof(text) - 1);
	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	text[n] = '\0';
	class = strtoul(text, NULL, 16) >> 8;
	return class == 0x0604 || class == 0x0609;
}

static void copy(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%.*s", (int)size - 1, text);
}

/* -ENOENT: it is no member any more. */
static int read_member(const struct core *core, const char *devices, const char *name,
		       struct group_member *m)
{
	char dir[SYSFS_PATH_MAX], text[SYSFS_PATH_MAX];
	int r = sysfs_format(dir, sizeof(dir), "%s/%s", devices, name);

	*m = (struct group_member){ 0 };
	if (!r)
		r = sysfs_subsystem(core->sys, dir, text, sizeof(text));
	if (r)
		return r;
	copy(m->name, sizeof(m->name), name);
	copy(m->bus, sizeof(m->bus), text);
	r = sysfs_driver(core->sys, dir, text, sizeof(text));
	if (r && r != -ENOENT)
		return r;
	copy(m->driver, sizeof(m->driver), r ? "" : text);
	r = !strcmp(m->bus, "pci") ? is_bridge(core, dir) : 0;
	if (r < 0)
		return r;
	m->bridge = r;
	if (!*m->driver)
		return 0;
	r = has_vfio_name(m->driver) ? 1 : has_file(core, dir, "vfio-dev");
	if (r < 0)
		return r;
	m->vfio = r;
	m->blocks = !m->vfio && bus_claims_dma(m->bus) && !leaves_dma_alone(m->driver);
	return 0;
}

/* VFIO gives devices without an IOMMU a group of that name, and mediated devices too. */
static int read_kind(const struct core *core, const char *dir, const char *devices,
		     const char *first, bool *noiommu)
{
	char path[SYSFS_PATH_MAX], text[32];
	ssize_t n;
	int r = sysfs_format(path, sizeof(path), "%s/name", dir);

	*noiommu = false;
	if (r)
		return r;
	n = core->sys->read_file(core->sys->data, path, text, sizeof(text) - 1);
	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, "vfio-noiommu"))
		return 0;
	r = sysfs_format(path, sizeof(path), "%s/%s", devices, first);
	if (!r)
		r = has_file(core, path, "mdev_type");
	*noiommu = !r;
	return r < 0 ? r : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct group_member *)a)->name,
		      ((const struct group_member *)b)->name);
}

static int read_members(const struct core *core, const char *devices, const char *names,
			const char *end, struct group_facts *facts)
{
	size_t room = 0;

	for (const char *at = names; at < end; at += strlen(at) + 1)
		room++;
	facts->members = calloc(room ? room : 1, sizeof(*facts->members));
	if (!facts->members)
		return -ENOMEM;
	for (const char *at = names; at < end; at += strlen(at) + 1) {
		int r = read_member(core, devices, at, &facts->members[facts->count]);

		if (r && r != -ENOENT)
			return r;
		facts->count += !r;
	}
	qsort(facts->members, facts->count, sizeof(*facts->members), by_name);
	return 0;
}

int group_facts_read(const struct core *core, int number, struct group_facts *facts)
{
	char dir[64], devices[80], *names;
	ssize_t n;
	int r = sysfs_format(dir, sizeof(dir), "/sys/kernel/iommu_groups/%d", number);

	*facts = (struct group_facts){ .number = number };
	if (!r)
		r = sysfs_format(devices, sizeof(devices), "%s/devices", dir);
	if (r)
		return r;
	n = sys_list_dir(core->sys, devices, &names);
	if (n < 0)
		return (int)n;
	r = read_members(core, devices, names, names + n, facts);
	if (!r && n)
		r = read_kind(core, dir, devices, names, &facts->noiommu);
	free(names);
	if (r)
		group_facts_free(facts);
	return r;
}

void group_facts_free(struct group_facts *facts)
{
	free(facts->members);
	facts->members = NULL;
	facts->count = 0;
}

const struct group_member *group_facts_blocker(const struct group_facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		if (facts->members[i].blocks)
			return &facts->members[i];
	return NULL;
}

static const char *word_for(const struct group_member *m)
{
	if (m->bridge && !m->blocks)
		return "bridge";
	return *m->driver ? m->driver : "no driver";
}

/* Those that block, or all; but not @except. */
static void list_members(const struct group_facts *facts, bool blocking, const char *except,
			 char *text, size_t size)
{
	size_t used = 0, more = 0;

	*text = '\0';
	for (size_t i = 0; i < facts->count; i++) {
		const struct group_member *m = &facts->members[i];

		if ((blocking && !m->blocks) || (except && !strcmp(m->name, except)))
			continue;
		/* Room for one more, and for the last words. */
		if (used + sizeof(m->name) + sizeof(m->driver) + 24 > size)
			more++;
		else
			used += (size_t)snprintf(text + used, size - used, "%s%s (%s)",
						 used ? ", " : "", m->name, word_for(m));
	}
	if (more)
		snprintf(text + used, size - used, " and %zu more", more);
}

void group_facts_list(const struct group_facts *facts, const char *except, char *text, size_t size)
{
	list_members(facts, false, except, text, size);
}

int group_facts_check(const struct group_facts *facts, const char *operation, const char *object)
{
	const struct group_member *m = group_facts_blocker(facts);
	char list[240], remedy[320];

	if (!m)
		return 0;
	list_members(facts, true, NULL, list, sizeof(list));
	snprintf(remedy, sizeof(remedy),
		 "write %s to /sys/bus/%s/drivers/%s/unbind; then bind it to vfio-pci, or leave it without a driver",
		 m->name, m->bus, m->driver);
	return err(-EPERM, operation, object, remedy,
		   "IOMMU group %d is not viable: kernel drivers are bound to %s", facts->number,
		   list);
}

void group_member_reason(const struct group_member *m, char *text, size_t size)
{
	if (!*m->driver)
		snprintf(text, size, "no driver, so the kernel does no DMA with it");
	else if (m->blocks)
		snprintf(text, size, "its driver %s does DMA for the kernel", m->driver);
	else if (m->vfio)
		snprintf(text, size, "its driver %s leaves DMA to user space", m->driver);
	else if (leaves_dma_alone(m->driver))
		snprintf(text, size, "its driver %s does no DMA of its own", m->driver);
	else
		snprintf(text, size, "drivers on bus %s claim no DMA", m->bus);
}
