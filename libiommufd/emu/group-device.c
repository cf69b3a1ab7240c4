/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Asking a group for one of its devices, by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/container.h"
#include "emu/device.h"

#define TOKEN "vf_token="
#define UUID_LENGTH 36

/* A string of up to a page. */
static int read_name(uint64_t user, char *out)
{
	size_t used = 0;

	while (used < EMU_PAGE) {
		size_t n = EMU_PAGE - (user + used) % EMU_PAGE;
		int r;

		if (n > EMU_PAGE - used)
			n = EMU_PAGE - used;
		r = emu_user_read(out + used, user + used, n);
		if (r)
			return r;
		if (memchr(out + used, '\0', n))
			return 0;
		used += n;
	}
	return -EINVAL;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static bool parse_uuid(const char *at, uint8_t *out)
{
	for (int i = 0; i < UUID_LENGTH;) {
		int high, low;

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (at[i++] != '-')
				return false;
			continue;
		}
		high = hex_digit(at[i]);
		low = high < 0 ? -1 : hex_digit(at[i + 1]);
		if (low < 0)
			return false;
		*out++ = (uint8_t)(high << 4 | low);
		i += 2;
	}
	return true;
}

/* "NAME", or "NAME vf_token=UUID": 1 if it is this device, and the token is right. */
static int match(const struct emu_device *dev, const char *name)
{
	size_t n = strlen(dev->bdf);
	uint8_t token[sizeof(dev->token)];
	bool given = false;
	int r;

	if (strncmp(name, dev->bdf, n) || (name[n] && name[n] != ' '))
		return 0;
	for (name += n; *name;) {
		if (*name == ' ') {
			name++;
			continue;
		}
		if (given || strncmp(name, TOKEN, strlen(TOKEN)) ||
		    !parse_uuid(name + strlen(TOKEN), token))
			return -EINVAL;
		given = true;
		name += strlen(TOKEN) + UUID_LENGTH;
	}
	r = emu_device_check_token(dev, given ? token : NULL);
	return r ? r : 1;
}

static int find_device(struct emu_group *group, const char *name, struct emu_device **out)
{
	for (struct emu_device *dev = group->emu->devices; dev; dev = dev->next) {
		int r = dev->group == group && dev->vfio && !dev->leaving ? match(dev, name) : 0;

		if (r < 0)
			return r;
		*out = dev;
		if (r)
			return 0;
	}
	return -ENODEV;
}

/* Before groups were claimed for a container, this was where viability was looked at. */
static int check_old(const struct emu_group *group)
{
	if (emu_has(group->emu, EMU_FEATURE_DMA_OWNER))
		return 0;
	if (!group->container || !emu_container_has_driver(group->container))
		return -EINVAL;
	return emu_group_blocked(group) ? -EINVAL : 0;
}

/* Who set up an address space expects translation. */
static int check_noiommu(const struct emu_group *group, const struct emu_device *dev)
{
	if (!emu_is_noiommu(group->emu) || !group->iommu || dev->opens)
		return 0;
	return !emu_is_privileged(group->emu) || group->iommu->vfio_ioas ? -EPERM : 0;
}

/* An iommufd's device is attached to the address space that stands for a container now. */
static int open_device(struct emu_group *group, struct emu_device *dev)
{
	int r;

	if (!group->container && !group->iommu)
		return -EINVAL;
	r = check_noiommu(group, dev);
	if (!r)
		r = emu_device_open(dev, group->iommu);
	if (r || !group->iommu || dev->opens > 1 || emu_is_noiommu(group->emu))
		return r;
	r = group->iommu->vfio_ioas ? emu_device_attach_ioas(dev, group->iommu->vfio_ioas)
				    : -ENODEV;
	if (r)
		emu_device_close(dev);
	return r;
}

int emu_group_get_device(struct emu_group *group, uint64_t arg)
{
	char name[EMU_PAGE];
	struct emu_device *dev = NULL;
	struct emu_file *file;
	int r = read_name(arg, name);

	if (!r)
		r = check_old(group);
	if (!r)
		r = find_device(group, name, &dev);
	if (r)
		return r;
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	r = open_device(group, dev);
	if (r) {
		free(file);
		return r;
	}
	file->kind = EMU_FILE_DEVICE;
	strcpy(file->path, "anon_inode:[vfio-device]");
	file->device = dev;
	file->bound = true;
	return emu_file_install(group->emu, file);
}
