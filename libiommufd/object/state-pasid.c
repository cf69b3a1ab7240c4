/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* PASIDs in a blob: their numbers are the device's, and what they are attached to. */
#include <errno.h>

#include "object/pasid.h"
#include "object/state.h"

static struct iommufd_pasid *pasid_in(const struct object *object)
{
	return container_of((struct object *)(uintptr_t)object, struct iommufd_pasid, obj);
}

struct object *state_find_pasid(const struct iommufd_import *import, uint32_t device,
				uint32_t number)
{
	for (size_t i = 0; i < import->count; i++)
		if (import->items[i].type == &state_pasid && import->items[i].id == number &&
		    pasid_in(import->items[i].object)->dev->fd.id == device)
			return import->items[i].object;
	return NULL;
}

static int write_pasid(struct state_out *out, const struct object *object)
{
	const struct iommufd_pasid *pasid = pasid_in(object);

	state_put32(out, pasid->dev->fd.id);
	state_put32(out, pasid->number);
	return 0;
}

static struct iommufd_device *find_device(struct state_in *in, uint32_t id)
{
	struct object *o = state_find(in, &state_device, id);

	return o ? container_of(o, struct iommufd_device, fd.obj) : NULL;
}

static int read_pasid(struct state_in *in, struct object **object, uint32_t *id)
{
	struct iommufd_pasid_opts opts = { .size = sizeof(opts) };
	uint32_t device = state_get32(in);
	struct iommufd_pasid *pasid;
	struct iommufd_device *dev;
	int r;

	*id = opts.number = state_get32(in);
	r = state_done(in);
	dev = r ? NULL : find_device(in, device);
	if (!dev)
		return -EPROTO;
	if (!opts.number)
		return state_bad(in, "%s has a PASID 0", dev->fd.object);
	r = iommufd_pasid_new(dev, &opts, &pasid);
	if (r)
		return r == -ENOMEM ? r : state_bad(in, "%s has no PASID %u to give",
						    dev->fd.object, opts.number);
	*object = &pasid->obj;
	return 0;
}

static void unref(struct object *object)
{
	iommufd_pasid_unref(pasid_in(object));
}

static void write_links(struct state_out *out, const struct object *object)
{
	const struct iommufd_pasid *pasid = pasid_in(object);

	if (!pasid->ioas)
		return;
	state_put32(out, pasid->number);
	state_put32(out, pasid->dev->fd.id);
	state_put32(out, pasid->ioas->as.id);
	state_put32(out, pasid->hwpt->id);
}

static int read_links(struct state_in *in, struct object *object)
{
	uint32_t number = pasid_in(object)->number;
	struct attachment at = { 0 };
	struct iommufd_pasid *pasid;
	uint32_t device, ioas, hwpt;
	int r;

	device = state_get32(in);
	ioas = state_get32(in);
	hwpt = state_get32(in);
	r = state_done(in);

	if (r)
		return r;
	/* Another device may have the same number. */
	object = state_find_pasid(in->import, device, number);
	pasid = object ? pasid_in(object) : NULL;
	object = state_find(in, &state_hwpt, hwpt);
	if (!object)
		return -EPROTO;
	at.hwpt = container_of(object, struct iommufd_hwpt, obj);
	at.ioas = at.hwpt->ioas;
	if (!pasid || pasid->ioas || at.ioas->as.id != ioas || !hwpt_takes_pasids(at.hwpt))
		return state_bad(in, "PASID %u cannot be where it says", number);
	if (at.hwpt->automatic)
		device_facts(pasid->dev, &at.hwpt->facts);
	r = pasid_adopt(pasid, in->function, &at);
	return r == -EADDRINUSE ? state_bad(in, "mappings are where the hardware of %s reserves",
					    pasid->dev->fd.object) : r;
}

const struct state_type state_pasid = {
	.kind = IOMMUFD_IMPORT_PASID,
	.object = OBJECT_PASID,
	.name = "PASID",
	.own_numbers = true,
	.write = write_pasid,
	.read = read_pasid,
	.unref = unref,
	.write_links = write_links,
	.read_links = read_links,
};
