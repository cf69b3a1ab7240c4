/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Walking and reading the machine's /sys and /dev. What is in it: content.c. */
#include "emu/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROOM 512
#define MAX_LINKS 16

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

bool emu_sysfs_owns(const char *path)
{
	return below(path, "/sys") || below(path, "/dev/iommu") || below(path, "/dev/vfio");
}

static struct emu_node *find_exact(const struct iommufd_emu *emu, const char *path)
{
	for (struct emu_node *node = emu->nodes; node; node = node->next)
		if (!strcmp(node->path, path))
			return node;
	return NULL;
}

/* Moves one component from *rest to the end of at; false if it does not fit. */
static bool step(char *at, const char **rest)
{
	size_t used = strlen(at), n;

	*rest += strspn(*rest, "/");
	n = strcspn(*rest, "/");
	if (n == 2 && !memcmp(*rest, "..", 2)) {
		char *slash = strrchr(at, '/');

		if (slash)
			*slash = '\0';
	} else if (n && !(n == 1 && **rest == '.')) {
		if (used + n + 2 > PATH_ROOM)
			return false;
		at[used] = '/';
		memcpy(at + used + 1, *rest, n);
		at[used + 1 + n] = '\0';
	}
	*rest += n;
	*rest += strspn(*rest, "/");
	return true;
}

/* Puts a link's target in place of its name: at becomes its folder, todo what is still to walk. */
static bool follow_link(const struct emu_node *link, char *at, char *todo, const char *rest)
{
	size_t len = strlen(link->text), left = strlen(rest);
	char *slash = strrchr(at, '/');

	if (len + left + 2 > PATH_ROOM)
		return false;
	memmove(todo + len + 1, rest, left + 1);
	memcpy(todo, link->text, len);
	todo[len] = '/';
	if (*link->text == '/')
		*at = '\0';
	else if (slash)
		*slash = '\0';
	return true;
}

struct emu_node *emu_sysfs_find(struct iommufd_emu *emu, const char *path, bool follow)
{
	char at[PATH_ROOM] = "", todo[PATH_ROOM];
	struct emu_node *node = NULL;
	const char *rest = todo;
	int links = 0;

	if (strlen(path) >= sizeof(todo))
		return NULL;
	strcpy(todo, path);
	while (*rest) {
		if (!step(at, &rest))
			return NULL;
		if (!*at)
			continue;
		node = find_exact(emu, at);
		if (!node)
			return NULL;
		if (node->kind == EMU_NODE_LINK && (*rest || follow)) {
			if (++links > MAX_LINKS || !follow_link(node, at, todo, rest))
				return NULL;
			rest = todo;
		}
	}
	return node;
}

bool emu_node_is_device(const struct emu_node *node, unsigned int *major, unsigned int *minor)
{
	*major = node->major;
	*minor = node->minor;
	return node->kind == EMU_NODE_DEVICE;
}

static ssize_t copy_text(const struct emu_node *node, char *buf, size_t n)
{
	size_t len = strlen(node->text);

	if (len > n)
		len = n;
	memcpy(buf, node->text, len);
	return (ssize_t)len;
}

ssize_t emu_sysfs_read_file(struct iommufd_emu *emu, const char *path, char *buf, size_t n)
{
	const struct emu_node *node = emu_sysfs_find(emu, path, true);

	if (!node)
		return -ENOENT;
	if (node->kind == EMU_NODE_DIR)
		return -EISDIR;
	return node->kind == EMU_NODE_FILE ? copy_text(node, buf, n) : -EINVAL;
}

ssize_t emu_sysfs_read_link(struct iommufd_emu *emu, const char *path, char *buf, size_t n)
{
	const struct emu_node *node = emu_sysfs_find(emu, path, false);

	if (!node)
		return -ENOENT;
	return node->kind == EMU_NODE_LINK ? copy_text(node, buf, n) : -EINVAL;
}

ssize_t emu_sysfs_list_dir(struct iommufd_emu *emu, const char *path, char *buf, size_t n)
{
	const struct emu_node *dir = emu_sysfs_find(emu, path, true);
	size_t used = 0, len;

	if (!dir)
		return -ENOENT;
	if (dir->kind != EMU_NODE_DIR)
		return -ENOTDIR;
	len = strlen(dir->path);
	for (const struct emu_node *node = emu->nodes; node; node = node->next) {
		const char *name = node->path + len + 1;
		size_t size;

		if (strncmp(node->path, dir->path, len) || node->path[len] != '/' ||
		    strchr(name, '/'))
			continue;
		size = strlen(name) + 1;
		if (used + size > n)
			return -ERANGE;
		memcpy(buf + used, name, size);
		used += size;
	}
	return (ssize_t)used;
}

int emu_sysfs_exists(struct iommufd_emu *emu, const char *path)
{
	return emu_sysfs_find(emu, path, false) ? 0 : -ENOENT;
}
