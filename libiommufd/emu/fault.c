/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Page faults: devices ask for pages, the user reads that from a queue and answers.
 * What is not answered when the device leaves the page table is void.
 */
#include "emu/fault.h"

#include <errno.h>
#include <stdlib.h>

#include "emu/attach.h"
#include "os/uapi.h"

/* All that a device asked for at once; of mock devices that is one page. */
struct group {
	struct group *next;
	const struct emu_device *dev;
	int attachment;		/* PASID that it came by, or EMU_NO_PASID */
	struct k_iommu_hwpt_pgfault page;
};

struct emu_fault {
	struct emu_queue queue;
	struct group *unread;	/* oldest first */
	struct group *unanswered;
};

static void append(struct group **list, struct group *group)
{
	while (*list)
		list = &(*list)->next;
	group->next = NULL;
	*list = group;
}

static void update(struct emu_fault *fault)
{
	emu_queue_set_ready(&fault->queue, fault->unread);
}

int emu_cmd_fault_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_fault_alloc *arg = cmd->arg;
	struct emu_fault *fault;
	int fd, r;

	if (arg->flags)
		return -EOPNOTSUPP;
	fault = calloc(1, sizeof(*fault));
	if (!fault)
		return -ENOMEM;
	fd = emu_queue_open(&fault->queue, cmd->iommu, EMU_QUEUE_FAULTS);
	if (fd < 0) {
		free(fault);
		return fd;
	}
	arg->out_fault_id = fault->queue.object.id;
	arg->out_fault_fd = (uint32_t)fd;
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r) {
		emu_queue_abort(&fault->queue, fd);
		emu_fault_destroy(fault);
	}
	return r;
}

static void void_groups(struct group **list, const struct emu_device *dev, int attachment)
{
	while (*list) {
		struct group *group = *list;

		if (dev && (group->dev != dev || group->attachment != attachment)) {
			list = &group->next;
			continue;
		}
		*list = group->next;
		free(group);
	}
}

void emu_fault_destroy(struct emu_fault *fault)
{
	void_groups(&fault->unread, NULL, 0);
	void_groups(&fault->unanswered, NULL, 0);
	emu_object_remove(fault->queue.iommu, &fault->queue.object);
	free(fault);
}

void emu_fault_leave(const struct emu_hwpt *hwpt, const struct emu_device *dev, int attachment)
{
	struct emu_fault *fault = hwpt->fault;

	if (!fault)
		return;
	void_groups(&fault->unread, dev, attachment);
	void_groups(&fault->unanswered, dev, attachment);
	update(fault);
}

void emu_fault_hold(struct emu_fault *fault, bool hold)
{
	fault->queue.object.users += hold ? 1 : -1u;
}

/* By the PASID's own table, or, where it has none, by the guest's that holds its PASIDs. */
static const struct emu_hwpt *find_table(const struct emu_device *dev, int *attachment)
{
	const struct emu_pasid *p;

	if (*attachment != EMU_NO_PASID) {
		p = emu_pasid_find(dev->group, dev, *attachment);
		if (p)
			return p->hwpt;
		if (dev->group->hwpt && !dev->group->hwpt->parent)
			return NULL;
	}
	*attachment = EMU_NO_PASID;
	return dev->group->hwpt;
}

void emu_fault_report(const struct emu_device *dev, const struct k_iommu_hwpt_pgfault *page)
{
	int attachment = page->pasid ? (int)page->pasid : EMU_NO_PASID;
	const struct emu_hwpt *hwpt = find_table(dev, &attachment);
	struct group *group;

	if (!hwpt || !hwpt->fault)
		return; /* refused by the kernel itself */
	group = calloc(1, sizeof(*group));
	if (!group)
		return;
	group->dev = dev;
	group->attachment = attachment;
	group->page = *page;
	group->page.dev_id = dev->object.id;
	group->page.flags = K_IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	if (page->pasid)
		group->page.flags |= K_IOMMU_PGFAULT_FLAGS_PASID_VALID;
	append(&hwpt->fault->unread, group);
	update(hwpt->fault);
}

static struct group **find_answer(struct emu_fault *fault, uint32_t cookie)
{
	struct group **at = &fault->unanswered;

	while (*at && (*at)->page.cookie != cookie)
		at = &(*at)->next;
	return at;
}

static uint32_t new_cookie(struct emu_fault *fault)
{
	uint32_t cookie = 1;

	while (*find_answer(fault, cookie))
		cookie++;
	return cookie;
}

ssize_t emu_fault_read(struct emu_fault *fault, uint64_t user, size_t n)
{
	const size_t size = sizeof(fault->unread->page);
	size_t done = 0;
	int r = 0;

	if (n % size)
		return -ESPIPE;
	while (fault->unread) {
		struct group *group = fault->unread;

		if (n - done < size) {
			r = -EINVAL;
			break;
		}
		group->page.cookie = new_cookie(fault);
		r = emu_user_write(user + done, &group->page, size);
		if (r)
			break;
		fault->unread = group->next;
		append(&fault->unanswered, group);
		done += size;
	}
	update(fault);
	return done ? (ssize_t)done : r;
}

static int answer(struct emu_fault *fault, uint64_t user)
{
	struct k_iommu_hwpt_page_response response;
	struct group **at, *group;
	int r = emu_user_read(&response, user, sizeof(response));

	if (r)
		return r;
	if (response.code != K_IOMMUFD_PAGE_RESP_SUCCESS &&
	    response.code != K_IOMMUFD_PAGE_RESP_INVALID)
		return -EINVAL;
	at = find_answer(fault, response.cookie);
	group = *at;
	if (!group)
		return -EINVAL;
	*at = group->next;
	free(group);
	return 0;
}

ssize_t emu_fault_write(struct emu_fault *fault, uint64_t user, size_t n)
{
	const size_t size = sizeof(struct k_iommu_hwpt_page_response);
	size_t done = 0;
	int r = 0;

	if (n % size)
		return -ESPIPE;
	while (done < n) {
		r = answer(fault, user + done);
		if (r)
			break;
		done += size;
	}
	return done ? (ssize_t)done : r;
}
