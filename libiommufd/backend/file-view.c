/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/file-view.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct file_view {
	const struct iommufd_sys *sys;
	atomic_uint refs;
	void *at;
	uint64_t offset;
	uint64_t length;
};

int file_view_new(const struct iommufd_sys *sys, int fd, uint64_t offset, uint64_t length,
		  int prot, struct file_view **out)
{
	struct file_view *view = malloc(sizeof(*view));
	int r = view ? 0 : -ENOMEM;

	if (!r)
		r = sys_mmap(sys, length, prot, fd, offset, &view->at);
	if (r) {
		free(view);
		return r;
	}
	view->sys = sys;
	atomic_init(&view->refs, 1);
	view->offset = offset;
	view->length = length;
	*out = view;
	return 0;
}

struct file_view *file_view_ref(struct file_view *view)
{
	atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
	return view;
}

void file_view_unref(struct file_view *view)
{
	if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
		return;
	sys_munmap(view->sys, view->at, view->length);
	free(view);
}

uint64_t file_view_va(const struct file_view *view, uint64_t offset)
{
	return (uintptr_t)view->at + (offset - view->offset);
}
