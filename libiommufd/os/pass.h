/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Descriptors through a UNIX socket. The socket is the program's, and no part of
 * the kernel that a context runs on: these calls do not go through os/sys.h.
 */
#ifndef OS_PASS_H
#define OS_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The kernel puts no more than this into one message. */
#define PASS_FDS_MAX 253

/* A UNIX socket, a byte stream or not: 0, or -EBADF, -ENOTSOCK, -EPROTOTYPE. */
int pass_check(int socket, bool *stream);

/*
 * One message, whole or not at all; raises no SIGPIPE. -EPIPE: the other end is
 * gone. -EMSGSIZE: the socket's buffer is too small for it in one piece.
 */
int pass_send(int socket, const void *data, size_t n, const int *fds, unsigned int nr_fds);

/*
 * Up to @n bytes of one message, and all descriptors of it, close-on-exec: the
 * count of bytes, 0 where the other end is gone. On failure no descriptor is kept.
 * -EMSGSIZE: a packet is longer. -EMFILE: not all descriptors could be taken in.
 */
ssize_t pass_receive(int socket, void *data, size_t n, int fds[static PASS_FDS_MAX],
		     unsigned int *nr_fds);

/* The rest of a message that has begun, without waiting. False: it is not there, or has descriptors. */
bool pass_receive_rest(int socket, void *data, size_t n);

/* What pass_receive() gave: unlike others these are not known to any table. */
void pass_close(int *fds, unsigned int nr_fds);

#endif
