/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The files of a machine's /sys and /dev, by canonical path. */
#ifndef EMU_TREE_H
#define EMU_TREE_H

#include "emu/machine.h"

enum emu_node_kind {
	EMU_NODE_DIR,
	EMU_NODE_FILE,
	EMU_NODE_LINK,
	EMU_NODE_DEVICE,
};

struct emu_node {
	struct emu_node *next;
	enum emu_node_kind kind;
	char *path;
	char *text;		/* content, or where a link points */
	unsigned int major;
	unsigned int minor;
};

/* Adding files one after another; the first failure makes the rest do nothing. */
struct emu_builder {
	struct iommufd_emu *emu;
	int error;
};

/* Folders on the way are made; what is there already stays as it is. */
void emu_tree_dir(struct emu_builder *b, const char *path);
__attribute__((format(printf, 4, 5)))
void emu_tree_file(struct emu_builder *b, const char *dir, const char *name, const char *format,
		   ...);
/* A relative link, as sysfs has them: @target is canonical and absolute. */
void emu_tree_link(struct emu_builder *b, const char *dir, const char *name, const char *target);
void emu_tree_node(struct emu_builder *b, const char *path, unsigned int major,
		   unsigned int minor);
/* A character device: its folder in sysfs, the ways to that, and its node. */
void emu_tree_numbered(struct emu_builder *b, const char *dir, const char *class,
		       const char *node, unsigned int major, unsigned int minor);
/* A file, whatever was in it. */
void emu_tree_text(struct emu_builder *b, const char *path, const char *text);
/* Undoes what was added since the list of nodes began with @mark, if anything failed. */
int emu_tree_finish(struct emu_builder *b, struct emu_node *mark);
/* A file or folder, with what is in it. */
__attribute__((format(printf, 2, 3)))
void emu_tree_remove(struct iommufd_emu *emu, const char *format, ...);

#endif
