/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A context that is left to a successor, in one process. */
#include "fault.h"

#include <sys/mman.h>
#include <unistd.h>

struct exported {
	uint8_t blob[8192];
	size_t size;
	int fds[8];
	size_t count;
	uint32_t ioas, hwpt;
};

static bool fill(struct run *r, int memfd)
{
	uint64_t iova = 0x10000;
	int eventfd = -1;

	return new_ioas(r, 0) && open_dev(r, 0, ALONE, 7) && open_dev(r, 1, OTHER, 8) &&
	       TRY(r, iommufd_ioas_map_file, r->ioas[0], memfd, 0, 2 * PAGE, FIXED_RW, &iova,
		   NULL) &&
	       TRY(r, iommufd_irq_enable, r->dev[0], IOMMUFD_IRQ_MSI, 0, 1, &eventfd) &&
	       TRY(r, iommufd_hwpt_new, r->dev[0], r->ioas[0], NULL, &r->hwpt[0]) &&
	       TRY(r, iommufd_device_attach_hwpt, r->dev[0], r->hwpt[0]);
}

static bool export_all(struct run *r, struct exported *e)
{
	struct iommufd_hwpt_info info = { .size = sizeof(info) };

	*e = (struct exported){ .size = sizeof(e->blob), .count = ARRAY_SIZE(e->fds) };
	if (iommufd_ioas_get_id(r->ioas[0], &e->ioas) || iommufd_hwpt_get_info(r->hwpt[0], &info))
		return false;
	e->hwpt = info.id;
	return TRY(r, iommufd_ctx_export, r->ctx, e->blob, &e->size, e->fds, &e->count);
}

/* The handles of the first are dead, those of the successor take their places. */
static void take_over(struct run *r, struct iommufd_import *import, const struct exported *e)
{
	struct iommufd_ctx *ctx = NULL;

	if (iommufd_import_get_ctx(import, &ctx))
		wrong(r, "the successor has no context");
	for (int i = 0; i < 2; i++)
		r->dev[i] = iommufd_device_unref(r->dev[i]);
	r->hwpt[0] = iommufd_hwpt_unref(r->hwpt[0]);
	r->ioas[0] = iommufd_ioas_unref(r->ioas[0]);
	iommufd_ctx_unref(r->ctx);
	r->ctx = ctx;
	if (iommufd_import_find_ioas(import, e->ioas, &r->ioas[0]) ||
	    iommufd_import_find_hwpt(import, e->hwpt, &r->hwpt[0]) ||
	    iommufd_device_find(ctx, 7, &r->dev[0]) || iommufd_device_find(ctx, 8, &r->dev[1]))
		wrong(r, "the successor has not all");
}

static bool import_all(struct run *r, const struct exported *e, struct iommufd_import **import)
{
	struct iommufd_import_opts opts = { .size = sizeof(opts), .ctx = &r->opts };
	bool done = false;

	for (int i = 0; i < 2 && !done && !gives_up(r, i); i++) {
		int rc;

		step_begin(r);
		rc = iommufd_import_new(e->blob, e->size, e->fds, e->count, &opts, import);
		if (!rc)
			take_over(r, *import, e);
		done = step_end(r, "iommufd_import_new", i, rc);
	}
	return done;
}

/* What did not come over: no guest was there. */
#define MISSING(r, import, kind) do { \
	struct iommufd_##kind *none_ = NULL; \
	step_begin(r); \
	step_end(r, "iommufd_import_find_" #kind, 0, \
		 iommufd_import_find_##kind(import, 4711, &none_)); \
} while (0)

static void refuse(struct run *r, struct iommufd_import *import)
{
	struct iommufd_pasid *pasid = NULL;

	MISSING(r, import, viommu);
	MISSING(r, import, vdevice);
	MISSING(r, import, veventq);
	MISSING(r, import, hw_queue);
	step_begin(r);
	step_end(r, "iommufd_import_find_pasid", 0,
		 iommufd_import_find_pasid(import, 1, 4711, &pasid));
}

static void use(struct run *r, struct iommufd_import *import, const struct exported *e,
		struct iommufd_fault_queue **queue)
{
	struct iommufd_import_item item = { .size = sizeof(item) };
	struct iommufd_ioas *ioas = NULL;
	struct iommufd_hwpt *hwpt = NULL;
	struct iommufd_ctx *ctx = NULL;

	if (TRY(r, iommufd_import_get_ctx, import, &ctx) &&
	    TRY(r, iommufd_import_find_ioas, import, e->ioas, &ioas))
		(void)TRY(r, iommufd_import_find_hwpt, import, e->hwpt, &hwpt);
	iommufd_hwpt_unref(hwpt);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
	refuse(r, import);
	*queue = iommufd_fault_queue_unref(*queue);
	if (TRY(r, iommufd_import_get_item, import, 0, &item)) /* it was made first */
		(void)TRY(r, iommufd_import_find_fault_queue, import, item.id, queue);
}

static void leave_to_successor(struct run *r, int memfd)
{
	struct iommufd_fault_queue *queue = NULL;
	struct iommufd_import *import = NULL;
	struct exported e;

	if (TRY(r, iommufd_fault_queue_new, r->ctx, NULL, &queue) && fill(r, memfd) &&
	    export_all(r, &e) && TRY(r, iommufd_ctx_disown, r->ctx) &&
	    import_all(r, &e, &import)) {
		use(r, import, &e, &queue);
		iommufd_import_unref(import);
		if (TRY(r, iommufd_device_detach, r->dev[0]))
			(void)TRY(r, iommufd_ioas_unmap, r->ioas[0], 0x10000, 2 * PAGE, NULL);
	}
	iommufd_fault_queue_unref(queue);
}

void play_import(struct run *r)
{
	int memfd;

	r->loose = true; /* what the import gives back fails as if nobody saw it */
	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !can(r, IOMMUFD_CAP_FAULT_QUEUE))
		return;
	memfd = memfd_create("fault", MFD_CLOEXEC);
	if (memfd >= 0 && !ftruncate(memfd, 2 * (off_t)PAGE))
		leave_to_successor(r, memfd);
	close(memfd);
}
