/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "handoff.h"

struct ends get_ends(struct fixture *f, int type)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
	return (struct ends){ hold_fd(f, pair[0]), hold_fd(f, pair[1]) };
}

static void give_back(void *handoff)
{
	iommufd_handoff_unref(handoff);
}

static struct iommufd_handoff *hold_handoff(struct fixture *f, struct iommufd_handoff *h)
{
	hold_object(f, h, give_back);
	return h;
}

struct iommufd_handoff *get_handoff(struct fixture *f, struct iommufd_ctx *ctx)
{
	struct iommufd_handoff *h;

	assert_ok(iommufd_handoff_new(ctx, &h));
	return hold_handoff(f, h);
}

struct iommufd_handoff *receive(struct fixture *f, int socket)
{
	struct iommufd_handoff *h;

	assert_ok(iommufd_handoff_receive(socket, NULL, &h));
	return hold_handoff(f, h);
}

struct iommufd_handoff *pass_on(struct fixture *f, struct iommufd_handoff *h)
{
	struct ends ends = get_ends(f, SOCK_SEQPACKET);

	assert_ok(iommufd_handoff_send(h, ends.sender));
	return receive(f, ends.receiver);
}

struct iommufd_ctx *open_all(struct fixture *f, struct iommufd_handoff *h)
{
	struct iommufd_ctx *ctx;

	assert_ok(iommufd_handoff_open(h, NULL, &ctx));
	return hold_ctx(f, ctx);
}

struct iommufd_device *find_device(struct fixture *f, struct iommufd_handoff *h, const char *name)
{
	struct iommufd_device *dev;

	assert_ok(iommufd_handoff_find_device(h, name, &dev));
	return hold_device(f, dev);
}

struct iommufd_handoff_item item_of(struct iommufd_handoff *h, uint32_t index)
{
	struct iommufd_handoff_item item = { .size = sizeof(item) };

	assert_ok(iommufd_handoff_get_item(h, index, &item));
	return item;
}

bool goes_by_cdev(struct iommufd_ctx *ctx)
{
	return iommufd_ctx_has(ctx, IOMMUFD_CAP_DEVICE_FD) == 1;
}

void receive_wire(struct fixture *f, int socket, struct wire *w)
{
	union {
		char room[CMSG_SPACE(sizeof(w->fds))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { w->bytes, sizeof(w->bytes) };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	assert_true(n > 0 && head);
	if (!head)
		return;
	assert_int_equal(head->cmsg_type, SCM_RIGHTS);
	w->length = (size_t)n;
	w->nr_fds = (unsigned int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(w->fds, CMSG_DATA(head), w->nr_fds * sizeof(int));
	for (unsigned int i = 0; i < w->nr_fds; i++)
		hold_fd(f, w->fds[i]);
}

void send_wire(int socket, const void *bytes, size_t length, const int *fds,
		      unsigned int nr_fds)
{
	union {
		char room[CMSG_SPACE(253 * sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, length };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = nr_fds ? &control : NULL,
		.msg_controllen = nr_fds ? CMSG_SPACE(nr_fds * sizeof(int)) : 0,
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	if (head) {
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(head), fds, nr_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(socket, &message, MSG_NOSIGNAL), (ssize_t)length);
}

void get_wire(struct fixture *f, struct iommufd_handoff *h, struct wire *w)
{
	struct ends ends = get_ends(f, SOCK_SEQPACKET);

	assert_ok(iommufd_handoff_send(h, ends.sender));
	receive_wire(f, ends.receiver, w);
}
