/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* From a socket to a hand-off. Whatever comes, no descriptor of it is left behind. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/handoff.h"

struct message {
	char bytes[HANDOFF_MESSAGE_MAX];
	size_t length;
	int fds[PASS_FDS_MAX]; /* as the kernel gave them */
	unsigned int nr_fds;
};

#define REMEDY_BAD \
	"have the other process send with iommufd_handoff_send() and nothing in between, and close this socket"

static int receive_failed(int code)
{
	switch (code) {
	case -EAGAIN:
		return err(code, "recvmsg", "socket", "wait until the socket is readable",
			   "nothing has come yet");
	case -EPIPE:
		return err(code, "recvmsg", "socket", "look at what the other process says",
			   "the other end of the socket is closed, and has sent nothing");
	case -EMFILE:
		return err(code, "recvmsg", "socket",
			   "close descriptors, raise RLIMIT_NOFILE, or allow them in the security policy; then have it sent again",
			   "not all descriptors of the hand-off could be taken in");
	case -EMSGSIZE:
		return err(-EPROTO, "recvmsg", "socket", REMEDY_BAD,
			   "what came is no hand-off: it is too long");
	default:
		return err_kernel(code, KNOWN(-EBADF, -ENOTSOCK, -EPROTOTYPE, -ENOTCONN, -ENOMEM),
				  "recvmsg", "socket", "pass a connected socket of the UNIX domain",
				  "nothing can be received");
	}
}

/* Of a stream the head, and then what that says; of others a packet. */
static int read_message(int socket, struct message *m, const char **why)
{
	bool stream = false;
	int r = pass_check(socket, &stream);
	ssize_t n = r ? r : pass_receive(socket, m->bytes,
					 stream ? HANDOFF_HEAD_SIZE : sizeof(m->bytes), m->fds,
					 &m->nr_fds);

	if (n <= 0)
		return receive_failed(n ? (int)n : -EPIPE);
	m->length = (size_t)n;
	if (!stream)
		return 0;
	if (n < HANDOFF_HEAD_SIZE &&
	    !pass_receive_rest(socket, m->bytes + n, HANDOFF_HEAD_SIZE - (size_t)n))
		return 0; /* it will be found to be too short */
	m->length = HANDOFF_HEAD_SIZE;
	r = handoff_length(m->bytes, why);
	if (r > HANDOFF_HEAD_SIZE &&
	    pass_receive_rest(socket, m->bytes + HANDOFF_HEAD_SIZE, (size_t)r - HANDOFF_HEAD_SIZE))
		m->length = (size_t)r;
	return 0;
}

static int is_no_device(const struct iommufd_handoff *h, const char *function, int fd)
{
	unsigned int major, minor;
	char object[24];
	int r = h->core->sys->char_device(h->core->sys->data, fd, &major, &minor);

	snprintf(object, sizeof(object), "fd %d", fd);
	return r ? err_kernel(r, KNOWN(-ENOTTY, -ENOMEM), function, object, REMEDY_BAD,
			      "a descriptor of the hand-off is of no device") : 0;
}

/* Each descriptor is had again from the kernel of the hand-off, which knows it then. */
static int take_fds(struct iommufd_handoff *h, const char *function, const struct message *m)
{
	int r = 0;

	for (unsigned int i = 0; i < h->count; i++) {
		struct handoff_item *item = &h->items[i];
		int fd = item->fd < 0 ? -1 : m->fds[item->fd];

		item->fd = -1;
		if (r || fd < 0)
			continue;
		r = is_no_device(h, function, fd);
		if (r)
			continue;
		item->fd = sys_dup(h->core->sys, fd);
		if (item->fd < 0)
			r = err_kernel(item->fd, KNOWN(-EMFILE, -ENOMEM), "fcntl", "socket",
				       "close descriptors, or raise RLIMIT_NOFILE; then have it sent again",
				       "a descriptor of the hand-off cannot be duplicated");
	}
	return r;
}

static int receive(struct iommufd_handoff *h, const char *function, int socket)
{
	struct message *m = malloc(sizeof(*m));
	const char *why = NULL;
	int r;

	if (!m)
		return err_nomem(function, "handoff");
	m->nr_fds = 0;
	r = read_message(socket, m, &why);
	if (r)
		goto free;
	r = handoff_decode(m->bytes, m->length, m->nr_fds, h->items, &h->count, &why);
	if (r)
		r = err(r, function, "socket",
			r == -EPROTO ? REMEDY_BAD :
				       "use the same release of the library in both processes",
			"what came is no hand-off: %s", why);
	else
		r = take_fds(h, function, m);
	pass_close(m->fds, m->nr_fds);
free:
	free(m);
	return r;
}

IOMMUFD_EXPORT int iommufd_handoff_receive(int socket, const struct iommufd_sys *sys,
					   struct iommufd_handoff **out)
{
	struct iommufd_handoff *h;
	struct log log;
	int r;

	if (!out)
		return err_null(__func__, "out");
	*out = NULL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return err_nomem(__func__, "handoff");
	object_init(&h->obj, OBJECT_HANDOFF);
	h->core = &h->own;
	log_init(&h->own.log, NULL, NULL, 0);
	log = h->own.log;
	r = core_init(&h->own, __func__, sys);
	if (!r)
		r = receive(h, __func__, socket);
	if (r) {
		iommufd_handoff_unref(h);
		return err_log(&log, r);
	}
	log_debug(&log, "%s: %u items came", __func__, h->count);
	*out = h;
	return 0;
}
