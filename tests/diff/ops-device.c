/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices: opened, closed, attached, detached, moved. */
#include "run.h"

#include <string.h>

/* The same device under each of its names. */
static const char *draw_name(const struct run *r, int d, uint64_t *g)
{
	static char text[128];
	const char *name = r->hw->name[d];

	switch (below(g, 3)) {
	case 0:
		snprintf(text, sizeof(text), "/sys/bus/pci/devices/%s", name);
		return text;
	case 1:
		return !strncmp(name, "0000:", 5) ? name + 5 : name;
	}
	return name;
}

static bool is_cookie_taken(const struct run *r, uint64_t cookie)
{
	for (int d = 0; d < NUM_DEVICES; d++)
		if (cookie && r->model.dev[d].open && r->model.dev[d].cookie == cookie)
			return true;
	return false;
}

void op_open(struct run *r, uint64_t *g)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts) };
	struct iommufd_device *dev = (void *)1;
	int d = (int)below(g, NUM_DEVICES), i = NO_IOAS, expected, other, rc;
	const char *name = draw_name(r, d, g);
	uint64_t cookie = chance(g, 40) ? 1 + below(g, 6) : 0;

	/* Mostly one that is closed. */
	for (int n = 0; n < NUM_DEVICES && r->model.dev[d].open && chance(g, 80); n++)
		name = draw_name(r, d = (d + 1) % NUM_DEVICES, g);
	if (r->model.dev[d].open)
		cookie = 0;
	if (r->profile.special && chance(g, 60))
		i = some_ioas(r, g);
	expected = model_may_open(&r->model, d, i, &other);
	if (is_cookie_taken(r, cookie))
		expected = other = -EEXIST;
	opts.cookie = cookie;
	opts.ioas = i == NO_IOAS ? NULL : r->ioas[i];
	say(r, "open device %d as %s, cookie %llu", d, name, (ull)cookie);
	if (i != NO_IOAS)
		say(r, ", with ioas %d", i);
	rc = iommufd_device_open(r->ctx, name, &opts, &dev);
	if (!answered_either(r, rc, expected, other))
		return;
	if (rc) {
		gave(r, "no device", !dev, true);
		return;
	}
	r->dev[d] = dev;
	model_open(&r->model, d, i, cookie);
}

void op_close(struct run *r, uint64_t *g)
{
	int d = some_device(r, g);

	if (d < 0)
		return nothing_to_do(r);
	say(r, "close device %d", d);
	r->dev[d] = iommufd_device_unref(r->dev[d]);
	model_detach(&r->model, d);
	r->model.dev[d].open = false;
	answered(r, 0, 0);
}

void op_attach(struct run *r, uint64_t *g)
{
	int d = some_device(r, g), i = some_ioas(r, g), expected, other, rc;

	if (d < 0 || i < 0)
		return nothing_to_do(r);
	say(r, "attach device %d to ioas %d", d, i);
	expected = model_may_attach(&r->model, d, i, &other);
	rc = iommufd_device_attach(r->dev[d], r->ioas[i]);
	if (answered_either(r, rc, expected, other) && !rc)
		model_attach(&r->model, d, i);
}

void op_detach(struct run *r, uint64_t *g)
{
	int d = some_device(r, g), rc;

	if (d < 0)
		return nothing_to_do(r);
	say(r, "detach device %d", d);
	rc = iommufd_device_detach(r->dev[d]);
	if (answered(r, rc, model_may_detach(&r->model, d)) && !rc)
		model_detach(&r->model, d);
}

void op_replace(struct run *r, uint64_t *g)
{
	int d = some_device(r, g), i = some_ioas(r, g), expected, other, rc;

	if (d < 0 || i < 0)
		return nothing_to_do(r);
	say(r, "replace device %d to ioas %d", d, i);
	expected = model_may_replace(&r->model, d, i, &other);
	rc = iommufd_device_replace(r->dev[d], r->ioas[i]);
	if (answered_either(r, rc, expected, other) && !rc)
		model_replace(&r->model, d, i);
}
