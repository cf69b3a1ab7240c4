/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the cases about hand-offs share: a broker, and a socket between it and the other. */
#ifndef HANDOFF_H
#define HANDOFF_H

#include "contract.h"

#include <sys/socket.h>

struct ends {
	int sender, receiver;
};

/* A pair of sockets; held. */
struct ends get_ends(struct fixture *f, int type);
/* As the broker begins it; held, as are those below. */
struct iommufd_handoff *get_handoff(struct fixture *f, struct iommufd_ctx *ctx);
struct iommufd_handoff *receive(struct fixture *f, int socket);
/* Sent and received. */
struct iommufd_handoff *pass_on(struct fixture *f, struct iommufd_handoff *h);
struct iommufd_ctx *open_all(struct fixture *f, struct iommufd_handoff *h);
struct iommufd_device *find_device(struct fixture *f, struct iommufd_handoff *h, const char *name);
struct iommufd_handoff_item item_of(struct iommufd_handoff *h, uint32_t index);
/* Are devices handed over by their own character devices? */
bool goes_by_cdev(struct iommufd_ctx *ctx);

/* A hand-off as it is on its way. */
struct wire {
	unsigned char bytes[32768];
	size_t length;
	int fds[253]; /* held */
	unsigned int nr_fds;
};

/* What a broker would send for @h. */
void get_wire(struct fixture *f, struct iommufd_handoff *h, struct wire *w);
/* What has come. */
void receive_wire(struct fixture *f, int socket, struct wire *w);
/* What somebody else may send. */
void send_wire(int socket, const void *bytes, size_t length, const int *fds, unsigned int nr_fds);

#endif
