/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Queues of a guest that hardware reads by itself, at physical addresses. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "emu/viommu.h"
#include "os/mock.h"

struct emu_hw_queue {
	struct emu_object object;
	struct emu_object access;	/* that keeps the memory; it has an id, and is nobody's to use */
	struct emu_viommu *viommu;
	uint32_t index;
	uint64_t start;			/* IOVAs of whole pages */
	uint64_t last;
};

static struct emu_hw_queue *previous(const struct emu_hw_queue *queue)
{
	return queue->index ? queue->viommu->queues[queue->index - 1] : NULL;
}

/* What covers the range, each found by its IOVA; NULL at the end of it, or of the memory. */
static struct emu_area *next_area(const struct emu_hw_queue *queue, const struct emu_area *area)
{
	const struct emu_ioas *ioas = queue->viommu->parent->ioas;
	uint64_t at = area ? area->last + 1 : queue->start;
	size_t i;

	if (area && area->last >= queue->last)
		return NULL;
	i = emu_ioas_search(ioas, at);
	return i < ioas->nr_areas && ioas->areas[i]->start <= at ? ioas->areas[i] : NULL;
}

/* Physical addresses are not to be had: memory that follows on itself is taken for one piece. */
static int check_area(const struct emu_hw_queue *queue, const struct emu_area *before,
		      const struct emu_area *area)
{
	uint64_t at = before ? area->start : queue->start;

	if (!(area->flags & K_IOMMU_IOAS_MAP_READABLE))
		return -EPERM;
	if (before && emu_area_address(before, before->last) + 1 != emu_area_address(area, at))
		return -EFAULT;
	return 0;
}

/* The kernel lists the pages, in memory that must not be endless. */
static int check_length(const struct k_iommu_hw_queue_alloc *arg)
{
	uint64_t length;

	if (__builtin_add_overflow(arg->nesting_parent_iova % EMU_PAGE + EMU_PAGE - 1, arg->length,
				   &length))
		return -ERANGE;
	return length / EMU_PAGE > INT_MAX / sizeof(void *) ? -ENOMEM : 0;
}

static int check_memory(const struct emu_hw_queue *queue)
{
	const struct emu_area *area, *before = NULL;

	for (area = next_area(queue, NULL); area; area = next_area(queue, area)) {
		int r = check_area(queue, before, area);

		if (r)
			return r;
		before = area;
	}
	return before && before->last >= queue->last ? 0 : -ENOENT;
}

static void lock_memory(const struct emu_hw_queue *queue, bool lock)
{
	struct emu_area *area;

	for (area = next_area(queue, NULL); area; area = next_area(queue, area))
		area->locks += lock ? 1 : -1u;
}

static int check_place(const struct emu_hw_queue *queue)
{
	if (queue->index >= EMU_HW_QUEUES)
		return -EINVAL;
	if (queue->viommu->queues[queue->index])
		return -EEXIST;
	return queue->index && !previous(queue) ? -EIO : 0;
}

/* While hardware reads the memory, IOVAs are in whole pages. */
static int open_access(struct emu_hw_queue *queue)
{
	struct emu_ioas *ioas = queue->viommu->parent->ioas;
	int r = emu_object_add(ioas->iommu, &queue->access, EMU_OBJECT_ACCESS);

	if (r)
		return r;
	r = emu_ioas_check_alignment(ioas, EMU_PAGE);
	if (r) {
		emu_object_remove(ioas->iommu, &queue->access);
		return r;
	}
	queue->access.users++;
	ioas->object.users++;
	ioas->accesses++;
	emu_ioas_align(ioas);
	return 0;
}

static void close_access(struct emu_hw_queue *queue)
{
	struct emu_ioas *ioas = queue->viommu->parent->ioas;

	ioas->accesses--;
	ioas->object.users--;
	emu_ioas_align(ioas);
	emu_object_remove(ioas->iommu, &queue->access);
}

static int open_queue(struct emu_hw_queue *queue)
{
	int r = open_access(queue);

	if (r)
		return r;
	r = check_memory(queue);
	if (!r)
		r = check_place(queue);
	if (r) {
		close_access(queue);
		return r;
	}
	lock_memory(queue, true);
	if (previous(queue))
		previous(queue)->object.users++;
	queue->viommu->queues[queue->index] = queue;
	queue->viommu->object.users++;
	return 0;
}

static int new_queue(struct emu_viommu *viommu, const struct k_iommu_hw_queue_alloc *arg,
		     struct emu_hw_queue **out)
{
	struct emu_hw_queue *queue;
	int r = check_length(arg);

	if (r)
		return r;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->viommu = viommu;
	queue->index = arg->index;
	queue->start = arg->nesting_parent_iova / EMU_PAGE * EMU_PAGE;
	queue->last = (arg->nesting_parent_iova + arg->length - 1) | (EMU_PAGE - 1);
	r = emu_object_add(viommu->iommu, &queue->object, EMU_OBJECT_HW_QUEUE);
	if (r) {
		free(queue);
		return r;
	}
	r = open_queue(queue);
	if (r) {
		emu_object_remove(viommu->iommu, &queue->object);
		free(queue);
		return r;
	}
	*out = queue;
	return 0;
}

void emu_hw_queue_destroy(struct emu_hw_queue *queue)
{
	queue->viommu->queues[queue->index] = NULL;
	if (previous(queue))
		previous(queue)->object.users--;
	lock_memory(queue, false);
	close_access(queue);
	queue->viommu->object.users--;
	emu_object_remove(queue->viommu->iommu, &queue->object);
	free(queue);
}

int emu_cmd_hw_queue_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_hw_queue_alloc *arg = cmd->arg;
	struct emu_hw_queue *queue;
	struct emu_viommu *viommu;
	uint64_t last;
	int r;

	if (arg->flags || arg->type == K_IOMMU_HW_QUEUE_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!arg->length)
		return -EINVAL;
	if (__builtin_add_overflow(arg->nesting_parent_iova, arg->length - 1, &last))
		return -EOVERFLOW;
	viommu = emu_object_get(cmd->iommu, arg->viommu_id, EMU_OBJECT_VIOMMU);
	if (!viommu)
		return -ENOENT;
	if (arg->type != K_IOMMU_HW_QUEUE_TYPE_SELFTEST)
		return -EOPNOTSUPP;
	r = new_queue(viommu, arg, &queue);
	if (r)
		return r;
	arg->out_hw_queue_id = queue->object.id;
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r)
		emu_hw_queue_destroy(queue);
	return r;
}
