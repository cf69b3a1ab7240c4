/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices in a blob, bound as they are; and what they are attached to. */
#include <errno.h>
#include <string.h>

#include "object/attach.h"
#include "object/state.h"
#include "vfio/irq-state.h"

static const struct iommufd_device *device_in(const struct object *object)
{
	return container_of((struct object *)(uintptr_t)object, struct iommufd_device, fd.obj);
}

static void write_irqs(struct state_out *out, struct devfd *d)
{
	uint64_t enabled = 0;

	for (uint32_t i = 0; i < d->info.num_irqs; i++)
		enabled += irq_enabled(d, i) != 0;
	state_put64(out, enabled);
	for (uint32_t i = 0; i < d->info.num_irqs; i++) {
		uint32_t count = irq_enabled(d, i);

		if (!count)
			continue;
		state_put32(out, i);
		state_put32(out, count);
	}
}

static int write_device(struct state_out *out, const struct object *object)
{
	struct iommufd_device *dev = (struct iommufd_device *)(uintptr_t)device_in(object);
	struct devfd *d = &dev->fd;

	if (d->group)
		return err(-EOPNOTSUPP, out->function, d->object,
			   "give this user access to the devices' own nodes",
			   "the device is had by its group, whose container goes with this process");
	state_put32(out, d->id);
	state_put_fd(out, d->fd);
	state_put32(out, d->mock);
	state_put32(out, d->mock_home);
	state_put64(out, dev->cookie);
	state_put_text(out, d->name, sizeof(d->name));
	write_irqs(out, d);
	return 0;
}

static int read_irqs(struct state_in *in, struct iommufd_device *dev)
{
	uint64_t count = state_get_count(in, 2 * sizeof(uint32_t));
	int r = 0;

	for (uint64_t i = 0; !r && i < count; i++) {
		uint32_t index = state_get32(in);

		r = irq_adopt(&dev->fd, index, state_get32(in));
		if (r)
			r = r == -ENOMEM ? err_nomem(in->function, dev->fd.object) :
				state_bad(in, "%s has no such interrupts", dev->fd.object);
	}
	return r ? r : state_done(in);
}

static void unref(struct object *object)
{
	iommufd_device_unref(container_of(object, struct iommufd_device, fd.obj));
}

static int read_device(struct state_in *in, struct object **object, uint32_t *id)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts) };
	struct iommufd_device_bound bound = { .size = sizeof(bound) };
	const struct device_source from = { .bound = &bound };
	struct iommufd_device *dev;
	char name[sizeof(dev->fd.name)];
	int r;

	bound.id = *id = state_get32(in);
	r = state_get_fd(in, &bound.fd);
	bound.mock_id = state_get32(in);
	bound.mock_pt = state_get32(in);
	opts.cookie = state_get64(in);
	state_get_text(in, name, sizeof(name));
	if (r)
		return r;
	if (in->is_short || (bound.fd >= 0) == (bound.mock_id && bound.mock_pt))
		return state_bad(in, "a device makes no sense");
	r = device_open(in->import->ctx, in->function, &from, &opts, &dev);
	if (r)
		return r == -EEXIST ? state_bad(in, "two devices have one cookie") : r;
	r = device_check_name(dev, in->function, name);
	if (!r)
		r = read_irqs(in, dev);
	if (r)
		unref(&dev->fd.obj);
	else
		*object = &dev->fd.obj;
	return r;
}

static void write_links(struct state_out *out, const struct object *object)
{
	const struct iommufd_device *dev = device_in(object);

	if (!dev->ioas)
		return;
	state_put32(out, dev->fd.id);
	state_put32(out, dev->ioas->as.id);
	state_put32(out, dev->hwpt ? dev->hwpt->id : 0);
}

static int read_links(struct state_in *in, struct object *object)
{
	struct iommufd_device *dev = container_of(object, struct iommufd_device, fd.obj);
	struct attachment at = { 0 };
	uint32_t ioas, hwpt;
	int r;

	ioas = state_get32(in);
	hwpt = state_get32(in);
	r = state_done(in);
	if (r)
		return r;
	object = state_find(in, &state_ioas, ioas);
	if (!object)
		return -EPROTO;
	at.ioas = container_of(object, struct iommufd_ioas, obj);
	if (hwpt) {
		object = state_find(in, &state_hwpt, hwpt);
		if (!object)
			return -EPROTO;
		at.hwpt = container_of(object, struct iommufd_hwpt, obj);
		if (at.hwpt->automatic)
			device_facts(dev, &at.hwpt->facts);
	}
	if (dev->ioas || (at.hwpt && (at.hwpt->ioas != at.ioas || !device_has_tables(dev))))
		return state_bad(in, "%s cannot be where it says", dev->fd.object);
	pthread_mutex_lock(&dev->ctx->lock);
	r = attachment_check_siblings(dev, in->function, &at);
	if (!r) {
		pthread_mutex_lock(&at.ioas->lock);
		attachment_enter(dev, &at);
		pthread_mutex_unlock(&at.ioas->lock);
	}
	pthread_mutex_unlock(&dev->ctx->lock);
	return r ? state_bad(in, "%s is not where its group is", dev->fd.object) : 0;
}

const struct state_type state_device = {
	.kind = IOMMUFD_IMPORT_DEVICE,
	.object = OBJECT_DEVICE,
	.name = "device",
	.write = write_device,
	.read = read_device,
	.unref = unref,
	.write_links = write_links,
	.read_links = read_links,
};
