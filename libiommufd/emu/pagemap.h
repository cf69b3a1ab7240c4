/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef EMU_PAGEMAP_H
#define EMU_PAGEMAP_H

#include "emu/machine.h"

bool emu_pagemap_is(const char *path);
int emu_pagemap_open(struct emu_file *file);
void emu_pagemap_close(struct emu_file *file);
ssize_t emu_pagemap_read(struct iommufd_emu *emu, struct emu_file *file, uint64_t user, size_t n,
			 uint64_t offset);

#endif
