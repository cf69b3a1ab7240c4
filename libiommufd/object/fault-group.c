/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups of faults: read whole, told apart, answered once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "object/command.h"
#include "object/device.h"
#include "object/fault.h"

/* Many small groups fit, or one of some size; and more than any device asks for at once. */
#define RECORDS_MIN 64
#define RECORDS_MAX 65536

static uint32_t cookie_of(uint64_t id)
{
	return (uint32_t)id;
}

/* -- which groups wait for an answer */

/* Where the group of this number is, or would be. */
static size_t waiting_at(const struct iommufd_fault_queue *queue, uint32_t cookie)
{
	size_t low = 0, high = queue->nr_waiting;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cookie_of(queue->waiting[middle]) < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool waits(const struct iommufd_fault_queue *queue, size_t at, uint32_t cookie)
{
	return at < queue->nr_waiting && cookie_of(queue->waiting[at]) == cookie;
}

static void waiting_remove(struct iommufd_fault_queue *queue, size_t at)
{
	memmove(queue->waiting + at, queue->waiting + at + 1,
		(--queue->nr_waiting - at) * sizeof(*queue->waiting));
}

/* The kernel has the number for another group now: it has answered the one that had it. */
static void waiting_forget(struct iommufd_fault_queue *queue, uint32_t cookie)
{
	size_t at = waiting_at(queue, cookie);

	if (waits(queue, at, cookie))
		waiting_remove(queue, at);
}

/* The id of a group that is given out. There is room. */
static uint64_t waiting_add(struct iommufd_fault_queue *queue, uint32_t cookie)
{
	size_t at;

	waiting_forget(queue, cookie);
	at = waiting_at(queue, cookie);
	memmove(queue->waiting + at + 1, queue->waiting + at,
		(queue->nr_waiting++ - at) * sizeof(*queue->waiting));
	queue->waiting[at] = (uint64_t)++queue->groups << 32 | cookie;
	return queue->waiting[at];
}

/* -- reading */

static int grow(void **array, size_t *room, size_t need, size_t size)
{
	size_t larger = *room;
	void *grown;

	while (larger < need)
		larger = larger ? larger * 2 : RECORDS_MIN;
	if (larger == *room)
		return 0;
	grown = realloc(*array, larger * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = larger;
	return 0;
}

/* For whatever @records records can turn out to be: after the kernel's yes nothing may fail. */
static int make_room(struct iommufd_fault_queue *queue, size_t records)
{
	void *array = queue->records, *ids = queue->waiting;
	int r = grow(&array, &queue->room, records, sizeof(*queue->records));

	queue->records = array;
	if (!r)
		r = grow(&ids, &queue->waiting_room, queue->nr_waiting + queue->room,
			 sizeof(*queue->waiting));
	queue->waiting = ids;
	return r ? err_nomem("read", queue->object) : 0;
}

static int senseless(const struct iommufd_fault_queue *queue, ssize_t n)
{
	return err(-EIO, "read", queue->object, "report this to the kernel's maintainers",
		   "%zd bytes are no whole number of faults", n);
}

/* How many records of the same group come first. */
static size_t group_length(const struct iommufd_fault_queue *queue, size_t first, size_t end)
{
	size_t n = 1;

	while (first + n < end && queue->records[first + n].cookie == queue->records[first].cookie)
		n++;
	return n;
}

/* Ask the kernel for as many groups as fit, or for the next one however large. */
static int refill(struct iommufd_fault_queue *queue)
{
	size_t size = sizeof(*queue->records), want = RECORDS_MIN;
	const struct core *core = &queue->ctx->core;
	ssize_t n;
	int r;

	for (;; want = queue->room * 2) {
		r = make_room(queue, want);
		if (r)
			return r;
		n = sys_read(core->sys, queue->fd, queue->records, queue->room * size);
		if (n != -EINVAL || queue->room >= RECORDS_MAX)
			break;
	}
	if (n == -EAGAIN)
		n = 0;
	if (n < 0)
		return err_kernel((int)n, KNOWN(-ENOMEM), "read", queue->object,
				  "look into the kernel's log", "the faults cannot be read");
	if ((size_t)n % size)
		return senseless(queue, n);
	queue->first = 0;
	queue->count = (size_t)n / size;
	for (size_t i = 0; i < queue->count; i += group_length(queue, i, queue->count))
		waiting_forget(queue, queue->records[i].cookie);
	return 0;
}

static struct iommufd_fault fault_of(const struct k_iommu_hwpt_pgfault *k)
{
	return (struct iommufd_fault){
		.address = k->addr,
		.length = k->length,
		.access = k->perm & (IOMMUFD_FAULT_READ | IOMMUFD_FAULT_WRITE |
				     IOMMUFD_FAULT_EXECUTE | IOMMUFD_FAULT_PRIVILEGED),
		.flags = k->flags & (IOMMUFD_FAULT_PASID | IOMMUFD_FAULT_LAST),
		.pasid = k->flags & K_IOMMU_PGFAULT_FLAGS_PASID_VALID ? k->pasid : 0,
	};
}

/* Move the next group into @group; -EMSGSIZE, with its count and no id, leaves it. */
static int take_group(struct iommufd_fault_queue *queue, const char *function,
		      struct iommufd_fault_group *group)
{
	const struct k_iommu_hwpt_pgfault *k = queue->records + queue->first;
	size_t n = group_length(queue, queue->first, queue->first + queue->count);
	struct iommufd_fault last = fault_of(k + n - 1);

	group->count = (uint32_t)n;
	group->device = k->dev_id;
	group->number = k->grpid;
	group->flags = last.flags;
	group->pasid = last.pasid;
	if (n > group->room)
		return err(-EMSGSIZE, function, queue->object,
			   "give an array for as many as the group's count says",
			   "the group has %zu faults, and there is room for %u", n, group->room);
	for (size_t i = 0; i < n; i++)
		group->faults[i] = fault_of(k + i);
	group->id = waiting_add(queue, k->cookie);
	queue->first += n;
	queue->count -= n;
	return 0;
}

/* 1: there is none. */
static int read_group(struct iommufd_fault_queue *queue, const char *function,
		      struct iommufd_fault_group *group)
{
	int r = 0;

	pthread_mutex_lock(&queue->lock);
	if (!queue->count)
		r = refill(queue);
	if (!r)
		r = queue->count ? take_group(queue, function, group) : 1;
	pthread_mutex_unlock(&queue->lock);
	return r;
}

static int check_group(const char *function, const struct iommufd_fault_group *group)
{
	if (!group)
		return err_null(function, "group");
	if (group->size <= offsetof(struct iommufd_fault_group, id))
		return err(-EINVAL, function, "group",
			   "set its size to sizeof(struct iommufd_fault_group)",
			   "a size of %zu leaves no place for the id", group->size);
	return group->faults || !group->room ? 0 : err_null(function, "group->faults");
}

IOMMUFD_EXPORT int iommufd_fault_queue_read(struct iommufd_fault_queue *queue,
					    struct iommufd_fault_group *group)
{
	struct iommufd_fault_group known = { 0 };
	int r = fault_queue_check(queue, __func__);

	if (r)
		return r;
	r = command_check_owner(queue->ctx, __func__, queue->object);
	if (!r)
		r = check_group(__func__, group);
	if (r)
		return err_log(&queue->ctx->core.log, r);
	known.faults = group->faults;
	known.room = group->room;
	r = read_group(queue, __func__, &known);
	if (r == 1) /* no failure to log */
		return err(-EAGAIN, __func__, queue->object, "poll the queue's descriptor",
			   "no device waits for a page");
	if (!r)
		known.cookie = device_cookie_of(queue->ctx, known.device);
	if (!r || r == -EMSGSIZE)
		opts_put(__func__, group, &known, sizeof(known));
	return err_log(&queue->ctx->core.log, r);
}

/* -- answering */

static int not_waiting(const struct iommufd_fault_queue *queue, const char *function, uint64_t id,
		       const char *why)
{
	return err(-EALREADY, function, queue->object, "answer each group once, after it was read",
		   "group %#llx does not wait: %s", (unsigned long long)id, why);
}

static int respond(struct iommufd_fault_queue *queue, const char *function, uint64_t id,
		   uint32_t code)
{
	struct k_iommu_hwpt_page_response arg = { .cookie = cookie_of(id), .code = code };
	size_t at = waiting_at(queue, cookie_of(id));
	ssize_t n;

	if (!waits(queue, at, cookie_of(id)) || queue->waiting[at] != id)
		return not_waiting(queue, function, id, "it was answered, or never given out");
	n = sys_write(queue->ctx->core.sys, queue->fd, &arg, sizeof(arg));
	if (n == sizeof(arg) || n == -EINVAL)
		waiting_remove(queue, at);
	if (n == -EINVAL)
		return not_waiting(queue, function, id,
				   "its device has left the page table, and the kernel refused it");
	if (n >= 0 && n != sizeof(arg))
		return err(-EIO, "write", queue->object, "try again",
			   "the kernel took %zd bytes of an answer of %zu", n, sizeof(arg));
	return n < 0 ? err_kernel((int)n, KNOWN(0), "write", queue->object, "try again",
				  "group %#llx still waits", (unsigned long long)id) : 0;
}

IOMMUFD_EXPORT int iommufd_fault_queue_respond(struct iommufd_fault_queue *queue, uint64_t id,
					       uint32_t code)
{
	int r = fault_queue_check(queue, __func__);

	if (r)
		return r;
	r = command_check_owner(queue->ctx, __func__, queue->object);
	if (!r && code != IOMMUFD_FAULT_SUCCESS && code != IOMMUFD_FAULT_INVALID)
		r = err(-EINVAL, __func__, queue->object,
			"answer IOMMUFD_FAULT_SUCCESS or IOMMUFD_FAULT_INVALID",
			"there is no answer %u", code);
	if (!r) {
		pthread_mutex_lock(&queue->lock);
		r = respond(queue, __func__, id, code);
		pthread_mutex_unlock(&queue->lock);
	}
	return err_log(&queue->ctx->core.log, r);
}
