/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Interrupts. The kernel allocates the vectors of an index when the first is
 * enabled; unless the index is dynamic, more need it disabled and enabled again
 * with all of them. A call that fails disconnects what it had come to. For both,
 * duplicates of the eventfds are kept.
 */
#include <libiommufd/irq.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "vfio/irq-state.h"
#include "vfio/service.h"

/* An enabled index: vectors 0 to count-1 are allocated in the kernel. */
struct irq_fds {
	uint32_t count;
	bool kept;     /* fds holds duplicates: of indices with several vectors */
	int32_t fds[]; /* -1 where unconnected */
};

int irq_init(struct devfd *d)
{
	d->irqs = calloc(d->info.num_irqs ? d->info.num_irqs : 1, sizeof(*d->irqs));
	return d->irqs ? 0 : -ENOMEM;
}

static int get_info(struct devfd *d, const char *function, uint32_t index,
		    struct k_vfio_irq_info *info)
{
	int r;

	*info = (struct k_vfio_irq_info){ .argsz = sizeof(*info), .index = index };
	if (index >= d->info.num_irqs)
		return err(-EINVAL, function, d->object, "use an index below num_irqs",
			   "there is no interrupt index %u; the device has %u", index,
			   d->info.num_irqs);
	r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_GET_IRQ_INFO, info);
	if (r < 0) /* some indices exist only in name: the error index of a device without PCIe */
		return err_kernel(r, KNOWN(-EINVAL, -ENODEV), "VFIO_DEVICE_GET_IRQ_INFO", d->object,
				  "use an index that the device has",
				  "the device has no interrupt index %u", index);
	return 0;
}

static int check_vectors(struct devfd *d, const char *function, uint32_t index, uint32_t start,
			 uint32_t count, uint32_t need, struct k_vfio_irq_info *info)
{
	int r = get_info(d, function, index, info);

	if (r)
		return r;
	if (!count || start >= info->count || count > info->count - start)
		return err(-EINVAL, function, d->object, "stay inside the vectors of the index",
			   "vectors %u+%u are outside interrupt index %u with %u", start, count,
			   index, info->count);
	if ((info->flags & need) != need)
		return err(-EOPNOTSUPP, function, d->object,
			   "look at the flags of iommufd_irq_get_info() first",
			   "interrupt index %u cannot do this", index);
	return 0;
}

/* @fds is NULL for actions without data. */
static int set_irqs(struct devfd *d, uint32_t action, uint32_t index, uint32_t start,
		    uint32_t count, const int *fds)
{
	union {
		struct k_vfio_irq_set set;
		char room[sizeof(struct k_vfio_irq_set) + sizeof(int32_t)];
	} one = { .room = { 0 } };
	size_t size = sizeof(struct k_vfio_irq_set) + (fds ? count * sizeof(int32_t) : 0);
	struct k_vfio_irq_set *set = size <= sizeof(one) ? &one.set : calloc(1, size);
	int r;

	if (!set)
		return -ENOMEM;
	set->argsz = (uint32_t)size;
	set->flags = action | (fds ? K_VFIO_IRQ_SET_DATA_EVENTFD : K_VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->start = start;
	set->count = count;
	if (fds)
		memcpy(set->data, fds, count * sizeof(int32_t));
	r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_SET_IRQS, set);
	if (set != &one.set)
		free(set);
	/* A positive answer is how many vectors there would have been: none is enabled. */
	return r > 0 ? -ENOSPC : r;
}

/* What connecting eventfds may answer, and what actions without may. */
static const int known_of_enable[] = {
	-EINVAL, -EBADF, -EBUSY, -ENOSPC, -ENODEV, -EMFILE, -ENOMEM, 0,
};
static const int known_of_resample[] = { -EINVAL, -EBADF, -ENODEV, -ENOMEM, 0 };
static const int known_of_action[] = { -EINVAL, -ENODEV, 0 };

/* Of INTx, MSI and MSI-X only one can be enabled: another one that is, or NULL. */
static const char *rival(const struct devfd *d, uint32_t index)
{
	static const char *const names[] = { "INTx", "MSI", "MSI-X" };

	if (!(d->info.flags & K_VFIO_DEVICE_FLAGS_PCI) || index > IOMMUFD_IRQ_MSIX)
		return NULL;
	for (uint32_t i = 0; i < ARRAY_SIZE(names) && i < d->info.num_irqs; i++)
		if (i != index && d->irqs[i])
			return names[i];
	return NULL;
}

static int set_failed(struct devfd *d, uint32_t index, const int *known, int r)
{
	const char *other = r == -EINVAL ? rival(d, index) : NULL;

	if (other)
		return err(r, "VFIO_DEVICE_SET_IRQS", d->object,
			   "disable that one first with iommufd_irq_disable()",
			   "%s is enabled; only one of INTx, MSI and MSI-X can be", other);
	return err_kernel(r, known, "VFIO_DEVICE_SET_IRQS", d->object,
			  r == -EINVAL ? "pass eventfds" :
			  r == -EBADF ? "pass open eventfds" :
			  r == -EBUSY ? "use MSI or MSI-X instead of a shared line" :
			  r == -ENOMEM ? "free memory and try again" :
					"ask for fewer vectors, or check that the device is there",
			  "interrupt index %u cannot be set", index);
}

static void free_fds(struct devfd *d, struct irq_fds *irqs)
{
	for (uint32_t i = 0; irqs && i < irqs->count; i++)
		sys_close(d->core->sys, &irqs->fds[i]);
	free(irqs);
}

/* What will be connected when @fds are set on top of @old; duplicates if @keep. */
static int merge(struct devfd *d, const struct irq_fds *old, uint32_t start, uint32_t count,
		 const int *fds, bool keep, struct irq_fds **out)
{
	uint32_t total = start + count;
	struct irq_fds *merged;

	if (old && old->count > total)
		total = old->count;
	merged = malloc(sizeof(*merged) + total * sizeof(merged->fds[0]));
	if (!merged)
		return -ENOMEM;
	merged->count = total;
	merged->kept = keep;
	memset(merged->fds, 0xff, total * sizeof(merged->fds[0]));
	for (uint32_t i = 0; keep && i < total; i++) {
		bool ours = i >= start && i - start < count;
		int fd = ours ? fds[i - start] : old && i < old->count ? old->fds[i] : -1;
		int copy = fd < 0 ? -1 : sys_dup(d->core->sys, fd);

		if (fd >= 0 && copy < 0) {
			free_fds(d, merged);
			return copy;
		}
		merged->fds[i] = copy;
	}
	*out = merged;
	return 0;
}

/* Disable, then enable with all; on failure back to what was. *lost if that fails too. */
static int rebuild(struct devfd *d, uint32_t index, const struct irq_fds *old,
		   const struct irq_fds *all, bool *lost)
{
	int r = set_irqs(d, K_VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, 0, NULL);

	if (r)
		return set_failed(d, index, known_of_enable, r);
	r = set_irqs(d, K_VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, all->count, all->fds);
	if (!r)
		return 0;
	if (!set_irqs(d, K_VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, old->count, old->fds))
		return set_failed(d, index, known_of_enable, r);
	*lost = true;
	return err(-EIO, "VFIO_DEVICE_SET_IRQS", d->object, "enable the index anew",
		   "interrupt index %u could not be enlarged (errno %d) nor restored, and is disabled",
		   index, -r);
}

/* A call that failed has disconnected the vectors it had come to. */
static void reconnect(struct devfd *d, uint32_t index, const struct irq_fds *old, uint32_t start,
		      uint32_t count)
{
	if (!old || !old->kept || start >= old->count)
		return;
	if (count > old->count - start)
		count = old->count - start;
	set_irqs(d, K_VFIO_IRQ_SET_ACTION_TRIGGER, index, start, count, old->fds + start);
}

static int enable(struct devfd *d, const char *function, uint32_t index, uint32_t start,
		  uint32_t count, const int *fds)
{
	struct k_vfio_irq_info info;
	struct irq_fds *old, *all;
	bool dynamic, lost = false;
	int r = check_vectors(d, function, index, start, count, K_VFIO_IRQ_INFO_EVENTFD, &info);

	if (r)
		return r;
	dynamic = !(info.flags & K_VFIO_IRQ_INFO_NORESIZE);
	old = d->irqs[index];
	r = merge(d, old, start, count, fds, info.count > 1, &all);
	if (r)
		return r == -ENOMEM ? err_nomem(function, d->object) :
				      set_failed(d, index, known_of_enable, r);
	if (old && !dynamic && start + count > old->count)
		r = rebuild(d, index, old, all, &lost);
	else {
		r = set_irqs(d, K_VFIO_IRQ_SET_ACTION_TRIGGER, index, start, count, fds);
		if (r) {
			reconnect(d, index, old, start, count);
			r = set_failed(d, index, known_of_enable, r);
		}
	}
	if (r) {
		free_fds(d, all);
		if (lost) {
			free_fds(d, old);
			d->irqs[index] = NULL;
		}
		return r;
	}
	free_fds(d, old);
	d->irqs[index] = all;
	/* The kernel counts an error or request index without an eventfd as disabled. */
	if (d->info.flags & K_VFIO_DEVICE_FLAGS_PCI && index >= IOMMUFD_IRQ_ERR && fds[0] < 0) {
		free_fds(d, all);
		d->irqs[index] = NULL;
	}
	return 0;
}

static int disable(struct devfd *d, const char *function, uint32_t index)
{
	struct k_vfio_irq_info info;
	int r = get_info(d, function, index, &info);

	if (r || !d->irqs[index])
		return r;
	r = set_irqs(d, K_VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, 0, NULL);
	if (r)
		return set_failed(d, index, known_of_action, r);
	free_fds(d, d->irqs[index]);
	d->irqs[index] = NULL;
	return 0;
}

uint32_t irq_enabled(struct devfd *d, uint32_t index)
{
	uint32_t count;

	pthread_mutex_lock(&d->lock);
	count = index < d->info.num_irqs && d->irqs[index] ? d->irqs[index]->count : 0;
	pthread_mutex_unlock(&d->lock);
	return count;
}

int irq_adopt(struct devfd *d, uint32_t index, uint32_t count)
{
	struct k_vfio_irq_info info = { .argsz = sizeof(info), .index = index };
	struct irq_fds *irqs;

	if (index >= d->info.num_irqs || d->irqs[index] ||
	    sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !count || count > info.count)
		return -EINVAL;
	irqs = malloc(sizeof(*irqs) + count * sizeof(irqs->fds[0]));
	if (!irqs)
		return -ENOMEM;
	irqs->count = count;
	irqs->kept = info.count > 1;
	memset(irqs->fds, 0xff, count * sizeof(irqs->fds[0]));
	d->irqs[index] = irqs;
	return 0;
}

void irq_exit(struct devfd *d)
{
	for (uint32_t i = 0; d->irqs && i < d->info.num_irqs; i++) {
		if (!d->irqs[i])
			continue;
		/* If this fails, the close that follows silences the device. */
		if (core_is_owner(d->core))
			set_irqs(d, K_VFIO_IRQ_SET_ACTION_TRIGGER, i, 0, 0, NULL);
		free_fds(d, d->irqs[i]);
	}
	free(d->irqs);
	d->irqs = NULL;
}

IOMMUFD_EXPORT int iommufd_irq_get_info(struct iommufd_device *dev, uint32_t index,
					struct iommufd_irq_info *info)
{
	struct iommufd_irq_info known = { 0 };
	struct devfd *d;
	struct k_vfio_irq_info k;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = get_info(d, __func__, index, &k);
	if (!r) {
		known.count = k.count;
		known.flags = (k.flags & K_VFIO_IRQ_INFO_EVENTFD ? IOMMUFD_IRQ_EVENTFD : 0u) |
			      (k.flags & K_VFIO_IRQ_INFO_MASKABLE ? IOMMUFD_IRQ_MASKABLE : 0u) |
			      (k.flags & K_VFIO_IRQ_INFO_AUTOMASKED ? IOMMUFD_IRQ_AUTOMASKED : 0u) |
			      (k.flags & K_VFIO_IRQ_INFO_NORESIZE ? 0u : IOMMUFD_IRQ_DYNAMIC);
		r = opts_put(__func__, info, &known, sizeof(known));
	}
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_irq_enable(struct iommufd_device *dev, uint32_t index, uint32_t start,
				      uint32_t count, const int *fds)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	if (!fds)
		return err_log(&d->core->log, err_null(__func__, "fds"));
	pthread_mutex_lock(&d->lock);
	r = enable(d, __func__, index, start, count, fds);
	pthread_mutex_unlock(&d->lock);
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_irq_disable(struct iommufd_device *dev, uint32_t index)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	pthread_mutex_lock(&d->lock);
	r = disable(d, __func__, index);
	pthread_mutex_unlock(&d->lock);
	return err_log(&d->core->log, r);
}

/* Actions on enabled vectors; @fd is NULL for those without data. */
static int act(struct iommufd_device *dev, const char *function, uint32_t action, uint32_t need,
	       uint32_t index, uint32_t start, uint32_t count, const int *fd)
{
	struct devfd *d;
	struct k_vfio_irq_info info;
	int r = service_find(dev, function, &d);

	if (r)
		return r;
	pthread_mutex_lock(&d->lock);
	r = check_vectors(d, function, index, start, count, need, &info);
	if (!r && !d->irqs[index])
		r = err(-EINVAL, function, d->object, "enable it first with iommufd_irq_enable()",
			"interrupt index %u is not enabled", index);
	if (!r) {
		r = set_irqs(d, action, index, start, count, fd);
		if (r)
			r = set_failed(d, index, fd ? known_of_resample : known_of_action, r);
	}
	pthread_mutex_unlock(&d->lock);
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_irq_mask(struct iommufd_device *dev, uint32_t index, uint32_t start,
				    uint32_t count)
{
	return act(dev, __func__, K_VFIO_IRQ_SET_ACTION_MASK, K_VFIO_IRQ_INFO_MASKABLE, index,
		   start, count, NULL);
}

IOMMUFD_EXPORT int iommufd_irq_unmask(struct iommufd_device *dev, uint32_t index, uint32_t start,
				      uint32_t count)
{
	return act(dev, __func__, K_VFIO_IRQ_SET_ACTION_UNMASK, K_VFIO_IRQ_INFO_MASKABLE, index,
		   start, count, NULL);
}

IOMMUFD_EXPORT int iommufd_irq_set_resample(struct iommufd_device *dev, uint32_t index,
					    uint32_t vector, int fd)
{
	const int none = -1;
	int r = 0;

	/* The kernel takes no second eventfd before the first is disconnected. */
	if (fd >= 0)
		r = act(dev, __func__, K_VFIO_IRQ_SET_ACTION_UNMASK, K_VFIO_IRQ_INFO_AUTOMASKED,
			index, vector, 1, &none);
	if (r)
		return r;
	return act(dev, __func__, K_VFIO_IRQ_SET_ACTION_UNMASK, K_VFIO_IRQ_INFO_AUTOMASKED, index,
		   vector, 1, &fd);
}

IOMMUFD_EXPORT int iommufd_irq_trigger(struct iommufd_device *dev, uint32_t index, uint32_t start,
				       uint32_t count)
{
	return act(dev, __func__, K_VFIO_IRQ_SET_ACTION_TRIGGER, K_VFIO_IRQ_INFO_EVENTFD, index,
		   start, count, NULL);
}
