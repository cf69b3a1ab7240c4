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

#endif
