/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A file mapped into this process by the library, for an engine that maps only
 * memory of the process. Mappings share it: those made of the file, and those
 * copied from them.
 */
#ifndef BACKEND_FILE_VIEW_H
#define BACKEND_FILE_VIEW_H

#include <stdint.h>

#include "os/sys.h"

struct file_view;

/* mmap @length bytes of @fd from @offset; -errno of mmap, or -ENOMEM. */
int file_view_new(const struct iommufd_sys *sys, int fd, uint64_t offset, uint64_t length,
		  int prot, struct file_view **out);
struct file_view *file_view_ref(struct file_view *view);
void file_view_unref(struct file_view *view); /* may be NULL */

/* Where the byte at @offset of the file is. */
uint64_t file_view_va(const struct file_view *view, uint64_t offset);

#endif
