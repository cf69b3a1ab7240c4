/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hand-offs on their way: sockets of all kinds, and messages that no broker would send. */
#include "handoff.h"

#include <fcntl.h>
#include <linux/netlink.h>

/* What is received is refused, and no descriptor of it stays. */
static void refused(int socket, int code)
{
	struct iommufd_handoff *none = (void *)1;
	int before = count_fds();

	assert_error(iommufd_handoff_receive(socket, NULL, &none), code);
	assert_null(none);
	assert_int_equal(count_fds(), before);
}

static struct iommufd_handoff *get_sent(struct fixture *f)
{
	struct iommufd_handoff *h = get_handoff(f, get_ctx(f, NULL));

	assert_ok(iommufd_handoff_add(h, device_name(f, ALONE1), NULL));
	return h;
}

static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

static void handoff_goes_through_any_socket(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_sent(f);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct ends ends = get_ends(f, types[i]);

		assert_ok(iommufd_handoff_send(h, ends.sender));
		assert_ok(iommufd_handoff_send(h, ends.sender));
		put_object(f, receive(f, ends.receiver));
		put_object(f, receive(f, ends.receiver));
	}
}

static void handoff_of_a_stream_reads_the_message_only(void **state)
{
	struct fixture *f = *state;
	struct ends ends = get_ends(f, SOCK_STREAM);
	char byte;

	assert_int_equal(write(ends.sender, "<", 1), 1);
	assert_ok(iommufd_handoff_send(get_sent(f), ends.sender));
	assert_int_equal(write(ends.sender, ">", 1), 1);
	assert_int_equal(read(ends.receiver, &byte, 1), 1);
	assert_int_equal(byte, '<');
	open_all(f, receive(f, ends.receiver));
	assert_int_equal(read(ends.receiver, &byte, 1), 1);
	assert_int_equal(byte, '>');
}

static void handoff_with_the_senders_credentials(void **state)
{
	struct fixture *f = *state;
	const int on = 1;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct ends ends = get_ends(f, types[i]);

		assert_int_equal(setsockopt(ends.receiver, SOL_SOCKET, SO_PASSCRED, &on,
					    sizeof(on)), 0);
		assert_ok(iommufd_handoff_send(get_sent(f), ends.sender));
		put_object(f, receive(f, ends.receiver));
		if (has_by_group(f))
			break; /* a group opens once */
	}
}

static void handoff_over_what_is_no_such_socket(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_sent(f), *none = (void *)1;
	int null = hold_fd(f, open("/dev/null", O_RDWR | O_CLOEXEC));
	int netlink = hold_fd(f, socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_ROUTE));
	int alone = hold_fd(f, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int packets = hold_fd(f, socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	static const uint64_t no_table[1];

	assert_error(iommufd_handoff_send(h, closed_fd()), -EBADF);
	assert_error(iommufd_handoff_send(h, null), -ENOTSOCK);
	assert_error(iommufd_handoff_send(h, netlink), -EPROTOTYPE);
	assert_error(iommufd_handoff_send(h, alone), -ENOTCONN);
	assert_error(iommufd_handoff_send(h, packets), -ENOTCONN);
	assert_error(iommufd_handoff_send(NULL, alone), -EINVAL);
	refused(closed_fd(), -EBADF);
	refused(null, -ENOTSOCK);
	refused(netlink, -EPROTOTYPE);
	refused(alone, -ENOTCONN);
	refused(packets, -ENOTCONN);
	assert_error(iommufd_handoff_receive(alone, NULL, NULL), -EINVAL);
	assert_error(iommufd_handoff_receive(alone, (const void *)no_table, &none),
		     -EINVAL);
	assert_null(none);
}

static void handoff_to_one_who_is_gone_epipe(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_sent(f);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct ends ends = get_ends(f, types[i]);

		put_fd(f, ends.receiver);
		assert_error(iommufd_handoff_send(h, ends.sender), -EPIPE);
		/* A datagram socket has lost its address by that. */
		assert_error(iommufd_handoff_send(h, ends.sender),
			     types[i] == SOCK_DGRAM ? -ENOTCONN : -EPIPE);
	}
}

static void handoff_from_one_who_is_gone_epipe(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) { /* a datagram's sender may be anybody */
		struct ends ends = get_ends(f, types[i]);

		put_fd(f, ends.sender);
		refused(ends.receiver, -EPIPE);
	}
}

static void handoff_that_would_wait_eagain(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_sent(f);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct ends ends = get_ends(f, types[i] | SOCK_NONBLOCK);
		int rc, sent = 0;

		refused(ends.receiver, -EAGAIN);
		do {
			expect_error_begin("handoff_send");
			rc = iommufd_handoff_send(h, ends.sender);
		} while (!rc && sent++ < 100000);
		expect_error(rc, -EAGAIN, "iommufd_handoff_send() to the end", __FILE__, __LINE__);
		while (sent--)
			put_object(f, receive(f, ends.receiver));
		refused(ends.receiver, -EAGAIN);
		assert_ok(iommufd_handoff_send(h, ends.sender));
	}
}

static void handoff_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_sent(f), *none = (void *)1;
	struct ends ends = get_ends(f, SOCK_STREAM);
	int rc;

	assert_ok(iommufd_handoff_send(h, ends.sender));
	expect_error_begin("handoff_receive");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_handoff_receive(ends.receiver, NULL, &none);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_handoff_receive() at the limit", __FILE__, __LINE__);
	assert_null(none);
}

/* -- what no broker sends */

static void handoff_cut_short_eproto(void **state)
{
	struct fixture *f = *state;
	struct wire w;

	get_wire(f, get_sent(f), &w);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (size_t n = 1; n < w.length; n += n < 40 ? 1 : 23) {
			struct ends ends = get_ends(f, types[i]);

			send_wire(ends.sender, w.bytes, n, w.fds, w.nr_fds);
			refused(ends.receiver, -EPROTO);
			put_fd(f, ends.sender);
			put_fd(f, ends.receiver);
		}
}

static void handoff_with_more_than_it_says_eproto(void **state)
{
	struct fixture *f = *state;
	struct ends ends = get_ends(f, SOCK_SEQPACKET);
	struct wire w;

	get_wire(f, get_sent(f), &w);
	memset(w.bytes + w.length, 0, sizeof(w.bytes) - w.length);
	send_wire(ends.sender, w.bytes, w.length + 1, w.fds, w.nr_fds);
	refused(ends.receiver, -EPROTO);
	send_wire(ends.sender, w.bytes, sizeof(w.bytes), w.fds, w.nr_fds);
	refused(ends.receiver, -EPROTO);
	send_wire(ends.sender, "", 0, w.fds, w.nr_fds);
	refused(ends.receiver, -EPIPE); /* an empty packet cannot be told from the end */
	ends = get_ends(f, SOCK_STREAM);
	send_wire(ends.sender, w.bytes, 40, w.fds, w.nr_fds);
	send_wire(ends.sender, w.bytes + 40, w.length - 40, w.fds, w.nr_fds);
	refused(ends.receiver, -EPROTO); /* descriptors in the middle */
}

static void handoff_with_other_descriptors_than_it_says_eproto(void **state)
{
	struct fixture *f = *state;
	struct ends ends = get_ends(f, SOCK_SEQPACKET);
	int many[253];
	struct wire w;

	get_wire(f, get_sent(f), &w);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = w.fds[i % w.nr_fds];
	for (unsigned int n = 0; n <= ARRAY_SIZE(many); n += n < 4 ? 1 : 249) {
		if (n == w.nr_fds)
			continue;
		send_wire(ends.sender, w.bytes, w.length, many, n);
		refused(ends.receiver, -EPROTO);
	}
	w.fds[1] = get_eventfd(f);
	send_wire(ends.sender, w.bytes, w.length, w.fds, w.nr_fds);
	refused(ends.receiver, -ENOTTY);
	w.fds[0] = ends.sender;
	send_wire(ends.sender, w.bytes, w.length, w.fds, w.nr_fds);
	refused(ends.receiver, -ENOTTY);
}

static void handoff_of_another_version_eprotonosupport(void **state)
{
	struct fixture *f = *state;
	struct ends ends = get_ends(f, SOCK_STREAM);
	struct wire w;

	get_wire(f, get_sent(f), &w);
	w.bytes[8]++;
	send_wire(ends.sender, w.bytes, w.length, w.fds, w.nr_fds);
	refused(ends.receiver, -EPROTONOSUPPORT);
}

static void handoff_of_noise_eproto(void **state)
{
	struct fixture *f = *state;
	uint32_t seed = 12345;
	struct wire w, spoilt;

	get_wire(f, get_sent(f), &w);
	for (int round = 0; round < 600; round++) {
		struct ends ends = get_ends(f, types[round % 3]);
		struct iommufd_handoff *h;
		int before = count_fds(), rc;

		spoilt = w;
		for (int i = 0; i <= round % 4; i++) {
			seed = seed * 1103515245 + 12345;
			spoilt.bytes[(seed >> 8) % w.length] ^= (unsigned char)(1 << (seed >> 28) % 8);
		}
		send_wire(ends.sender, spoilt.bytes, w.length, w.fds, w.nr_fds);
		rc = iommufd_handoff_receive(ends.receiver, NULL, &h);
		assert_true(!rc || rc == -EPROTO || rc == -EPROTONOSUPPORT);
		iommufd_handoff_unref(h);
		assert_int_equal(count_fds(), before);
		put_fd(f, ends.sender);
		put_fd(f, ends.receiver);
	}
}

static const struct CMUnitTest cases[] = {
	CASE(handoff_goes_through_any_socket),
	CASE(handoff_of_a_stream_reads_the_message_only),
	CASE(handoff_with_the_senders_credentials),
	CASE(handoff_over_what_is_no_such_socket),
	CASE(handoff_to_one_who_is_gone_epipe),
	CASE(handoff_from_one_who_is_gone_epipe),
	CASE(handoff_that_would_wait_eagain),
	CASE(handoff_no_descriptor_left_emfile),
	CASE(handoff_cut_short_eproto),
	CASE(handoff_with_more_than_it_says_eproto),
	CASE(handoff_with_other_descriptors_than_it_says_eproto),
	CASE(handoff_of_another_version_eprotonosupport),
	CASE(handoff_of_noise_eproto),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("handoff-socket", cases, NULL, NULL);
}
