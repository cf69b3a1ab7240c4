/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A broker and who it opens devices for, in one process. */
#include "fault.h"

#include <sys/socket.h>
#include <unistd.h>

struct broker {
	struct iommufd_handoff *sent;
	int ends[2];
};

static bool fill(struct run *r, struct broker *b)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 7 };
	struct iommufd_handoff_item item = { .size = sizeof(item) };

	if (!TRY(r, iommufd_handoff_new, r->second, &b->sent) ||
	    !TRY(r, iommufd_handoff_add, b->sent, ALONE, &opts))
		return false;
	if (!r->pair->noiommu && (!TRY(r, iommufd_handoff_add_group, b->sent, 4) ||
				  !TRY(r, iommufd_handoff_add, b->sent, SIBLING1, NULL)))
		return false;
	return TRY(r, iommufd_handoff_get_item, b->sent, 1, &item);
}

static bool receive(struct run *r, struct broker *b, struct iommufd_handoff **h)
{
	for (int i = 0; i < 2; i++) { /* a message that was refused is lost */
		int rc;

		if (!TRY(r, iommufd_handoff_send, b->sent, b->ends[0]))
			return false;
		step_begin(r);
		rc = iommufd_handoff_receive(b->ends[1], r->opts.sys, h);
		if (step_end(r, "iommufd_handoff_receive", r->mode == FOR_GOOD ? 0 : i, rc))
			return true;
	}
	return false;
}

/*
 * What failed may be bound: all of it is closed before the state is looked at.
 * Else the devices are had from it within the same step.
 */
static bool open_received(struct run *r, struct broker *b, struct iommufd_handoff **h, int try)
{
	int rc;

	step_begin(r);
	rc = iommufd_handoff_open(*h, &r->opts, &r->ctx);
	if (rc) {
		*h = iommufd_handoff_unref(*h);
		b->sent = iommufd_handoff_unref(b->sent);
	} else if (iommufd_handoff_find_device(*h, ALONE, &r->dev[0]) ||
		   (!r->pair->noiommu && iommufd_handoff_find_device(*h, SIBLING1, &r->dev[1]))) {
		wrong(r, "a device cannot be found");
	}
	return step_end(r, "iommufd_handoff_open", r->mode == FOR_GOOD ? 0 : try, rc);
}

static void use(struct run *r, struct iommufd_handoff *h)
{
	struct iommufd_device *again;

	if (TRY(r, iommufd_handoff_find_device, h, ALONE, &again))
		iommufd_device_unref(again);
	if (new_ioas(r, 0) && map_at(r, 0, 0, 2, 0x10000))
		attach(r, 0, 0);
}

/* Not sent: it is bound then, and who receives it adopts it as others do. */
static void add_bound(struct run *r)
{
	struct iommufd_handoff *h = NULL;

	if (iommufd_ctx_has(r->second, IOMMUFD_CAP_DEVICE_FD) == 1 &&
	    TRY(r, iommufd_handoff_new, r->second, &h) &&
	    TRY(r, iommufd_device_open, r->second, MSIX, NULL, &r->dev[3])) {
		TRY(r, iommufd_handoff_add_device, h, r->dev[3]);
		drop_dev(r, 3);
	}
	iommufd_handoff_unref(h);
}

void play_handoff(struct run *r)
{
	struct iommufd_handoff *h = NULL;
	struct broker b = { .ends = { -1, -1 } };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, b.ends))
		return;
	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->second))
		goto close;
	for (int i = 0; i < 2 && !r->ctx; i++)
		if (!fill(r, &b) || !receive(r, &b, &h) || !open_received(r, &b, &h, i))
			b.sent = iommufd_handoff_unref(b.sent);
	if (r->ctx) {
		add_bound(r);
		use(r, h);
	}
close:
	iommufd_handoff_unref(h);
	iommufd_handoff_unref(b.sent);
	close(b.ends[0]);
	close(b.ends[1]);
}
