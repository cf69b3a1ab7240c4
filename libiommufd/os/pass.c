/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "os/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SCM_PIDFD /* Linux 6.5 */
#define SCM_PIDFD 4
#endif

/* What a socket may be set to tell beside: who sent it, its process, its label. */
#define OTHER_ROOM 1024

int pass_check(int socket, bool *stream)
{
	struct sockaddr address = { .sa_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	int type;

	if (getsockname(socket, &address, &size))
		return -errno;
	if (address.sa_family != AF_UNIX)
		return -EPROTOTYPE;
	size = sizeof(type);
	if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size))
		return -errno;
	*stream = type == SOCK_STREAM;
	return 0;
}

/* A stream takes what is at most half the buffer in one piece, and a packet what is less than all. */
static bool fits(int socket, size_t n)
{
	socklen_t size = sizeof(int);
	int room;

	return getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &room, &size) ||
	       (room > 0 && (size_t)room / 2 >= n + 256);
}

static int send_failed(int code)
{
	switch (code) {
	case ECONNRESET:
	case ECONNREFUSED:
		return -EPIPE;
	case EDESTADDRREQ:
		return -ENOTCONN;
	case ENOBUFS:
		return -ENOMEM;
	default:
		return -code;
	}
}

int pass_send(int socket, const void *data, size_t n, const int *fds, unsigned int nr_fds)
{
	union {
		char room[CMSG_SPACE(PASS_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct iovec bytes = { (void *)data, n };
	struct msghdr message = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int)),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	ssize_t r;

	if (nr_fds > PASS_FDS_MAX || !fits(socket, n))
		return -EMSGSIZE;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
	memcpy(CMSG_DATA(head), fds, nr_fds * sizeof(int));
	do
		r = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return send_failed(errno);
	return (size_t)r == n ? 0 : -EMSGSIZE;
}

static void take(struct cmsghdr *head, int *fds, unsigned int *nr_fds)
{
	int *found = (int *)(void *)CMSG_DATA(head);
	size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	if (head->cmsg_level != SOL_SOCKET)
		return;
	if (head->cmsg_type == SCM_PIDFD)
		pass_close(found, 1);
	if (head->cmsg_type != SCM_RIGHTS)
		return;
	for (size_t i = 0; i < count && *nr_fds < PASS_FDS_MAX; i++)
		fds[(*nr_fds)++] = found[i];
}

static ssize_t receive(int socket, void *data, size_t n, int flags, int fds[static PASS_FDS_MAX],
		       unsigned int *nr_fds)
{
	union {
		char room[CMSG_SPACE(PASS_FDS_MAX * sizeof(int)) + OTHER_ROOM];
		struct cmsghdr align;
	} control;
	struct iovec bytes = { data, n };
	struct msghdr message = {
		.msg_iov = &bytes, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	ssize_t r;

	*nr_fds = 0;
	do
		r = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0) /* EINVAL: not connected */
		return errno == ECONNRESET ? 0 : errno == EINVAL ? -ENOTCONN : -errno;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head))
		take(head, fds, nr_fds);
	if (message.msg_flags & MSG_CTRUNC)
		r = -EMFILE;
	else if (message.msg_flags & MSG_TRUNC)
		r = -EMSGSIZE;
	if (r > 0)
		return r;
	pass_close(fds, *nr_fds);
	*nr_fds = 0;
	return r;
}

ssize_t pass_receive(int socket, void *data, size_t n, int fds[static PASS_FDS_MAX],
		     unsigned int *nr_fds)
{
	return receive(socket, data, n, 0, fds, nr_fds);
}

bool pass_receive_rest(int socket, void *data, size_t n)
{
	int fds[PASS_FDS_MAX];
	unsigned int nr_fds;
	char *at = data;

	while (n) {
		ssize_t r = receive(socket, at, n, MSG_DONTWAIT, fds, &nr_fds);

		pass_close(fds, nr_fds);
		if (r <= 0 || nr_fds)
			return false;
		at += r;
		n -= (size_t)r;
	}
	return true;
}

void pass_close(int *fds, unsigned int nr_fds)
{
	for (unsigned int i = 0; i < nr_fds; i++)
		close(fds[i]);
}
