/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Adding to the machine's /sys and /dev, and taking away. What they hold: content.c. */
#include "emu/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void node_free(struct emu_node *node)
{
	free(node->path);
	free(node->text);
	free(node);
}

static struct emu_node *add(struct emu_builder *b, enum emu_node_kind kind, const char *path,
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

/* Makes the folders on the way to path. */
static void add_parents(struct emu_builder *b, const char *path)
{
	char dir[256];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		add(b, EMU_NODE_DIR, dir, "");
	}
}

void emu_tree_dir(struct emu_builder *b, const char *path)
{
	add_parents(b, path);
	add(b, EMU_NODE_DIR, path, "");
}

void emu_tree_file(struct emu_builder *b, const char *dir, const char *name, const char *format,
		   ...)
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

void emu_tree_link(struct emu_builder *b, const char *dir, const char *name, const char *target)
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

void emu_tree_node(struct emu_builder *b, const char *path, unsigned int major,
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

void emu_tree_numbered(struct emu_builder *b, const char *dir, const char *class, const char *node,
			 unsigned int major, unsigned int minor)
{
	char path[64], numbers[32];

	snprintf(numbers, sizeof(numbers), "%u:%u", major, minor);
	emu_tree_file(b, dir, "dev", "%s\n", numbers);
	snprintf(path, sizeof(path), "/sys/class/%s", class);
	emu_tree_link(b, dir, "subsystem", path);
	emu_tree_link(b, path, strrchr(dir, '/') + 1, dir);
	emu_tree_link(b, "/sys/dev/char", numbers, dir);
	emu_tree_node(b, node, major, minor);
}

int emu_tree_finish(struct emu_builder *b, struct emu_node *mark)
{
	while (b->error && b->emu->nodes != mark) {
		struct emu_node *node = b->emu->nodes;

		b->emu->nodes = node->next;
		node_free(node);
	}
	return b->error;
}

void emu_tree_remove(struct iommufd_emu *emu, const char *format, ...)
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

void emu_tree_text(struct emu_builder *b, const char *path, const char *text)
{
	struct emu_node *node = add(b, EMU_NODE_FILE, path, "");
	char *copy = node ? strdup(text) : NULL;

	if (!copy) {
		b->error = -ENOMEM;
		return;
	}
	free(node->text);
	node->text = copy;
}

void emu_sysfs_free(struct iommufd_emu *emu)
{
	while (emu->nodes) {
		struct emu_node *node = emu->nodes;

		emu->nodes = node->next;
		node_free(node);
	}
}
