/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hand-offs that were received, being opened; also such as are not what the sender says. */
#include "handoff.h"

#include <fcntl.h>

#include <libiommufd/emu.h>

struct future_opts {
	struct iommufd_ctx_opts known;
	uint64_t unknown;
};

#define refuse_open(h, opts, code) do { \
	struct iommufd_ctx *none_ = (void *)1; \
	assert_error(iommufd_handoff_open((h), (opts), &none_), (code)); \
	assert_null(none_); \
} while (0)

static struct iommufd_handoff *get_sent(struct fixture *f, enum place one, enum place two)
{
	struct iommufd_handoff *h = get_handoff(f, get_ctx(f, NULL));

	assert_ok(iommufd_handoff_add(h, device_name(f, one), NULL));
	if (one != two)
		assert_ok(iommufd_handoff_add(h, device_name(f, two), NULL));
	return h;
}

/* @sent, where item @index has descriptor @fd: items before it have one each. */
static struct iommufd_handoff *pass_spoilt(struct fixture *f, struct iommufd_handoff *sent,
					   uint32_t index, int fd)
{
	struct ends ends = get_ends(f, SOCK_STREAM);
	struct iommufd_handoff *h;
	struct wire w;

	get_wire(f, sent, &w);
	w.fds[index] = fd;
	send_wire(ends.sender, w.bytes, w.length, w.fds, w.nr_fds);
	h = receive(f, ends.receiver);
	for (unsigned int i = 0; i < w.nr_fds; i++)
		if (i != index)
			put_fd(f, w.fds[i]);
	return h;
}

static void handoff_keeps_devices_until_it_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = pass_on(f, get_sent(f, ALONE1, ALONE2));
	struct iommufd_device *dev, *none = (void *)1;
	struct iommufd_ctx *ctx = open_all(f, h);

	assert_int_equal(item_of(h, 0).fd, -1);
	assert_int_equal(item_of(h, 1).fd, -1);
	dev = find_device(f, h, device_name(f, ALONE2));
	assert_error(iommufd_device_open(ctx, device_name(f, ALONE1), NULL, &none), -EBUSY);
	assert_error(iommufd_handoff_find_device(h, "0000:7f:1f.7", &none), -ENOENT);
	assert_null(none);
	assert_error(iommufd_handoff_find_device(h, "", &none), -ENOENT);
	assert_error(iommufd_handoff_find_device(h, NULL, &none), -EINVAL);
	assert_error(iommufd_handoff_find_device(h, "x", NULL), -EINVAL);
	assert_error(iommufd_handoff_find_device(NULL, "x", &none), -EINVAL);
	put_object(f, h);
	assert_ok(iommufd_pci_set_bus_master(dev, 1));
}

static void handoff_opened_twice_ealready(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = pass_on(f, get_sent(f, ALONE1, ALONE1));

	open_all(f, h);
	refuse_open(h, NULL, -EALREADY);
}

static void handoff_that_was_not_received_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_sent(f, ALONE1, ALONE1);
	struct iommufd_device *none;

	refuse_open(h, NULL, -EINVAL);
	refuse_open(NULL, NULL, -EINVAL);
	assert_error(iommufd_handoff_open(h, NULL, NULL), -EINVAL);
	assert_error(iommufd_handoff_find_device(h, device_name(f, ALONE1), &none), -ENOENT);
	assert_error(iommufd_handoff_send(pass_on(f, h), get_ends(f, SOCK_STREAM).sender),
		     -EINVAL);
}

static void handoff_bad_opts(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = pass_on(f, get_sent(f, ALONE1, ALONE1));
	struct future_opts opts = { .known.size = sizeof(opts), .unknown = 1 };
	struct iommufd_emu *emu;

	refuse_open(h, &opts.known, -E2BIG);
	opts.unknown = 0;
	opts.known.flags = 1ull << 40;
	refuse_open(h, &opts.known, -EOPNOTSUPP);
	opts.known.flags = 0;
	opts.known.log_level = 99;
	refuse_open(h, &opts.known, -EINVAL);
	opts.known.log_level = 0;
	assert_int_equal(iommufd_emu_new(NULL, &emu), 0);
	opts.known.sys = iommufd_emu_get_sys(emu);
	refuse_open(h, &opts.known, -EINVAL);
	iommufd_emu_unref(emu);
	open_all(f, h); /* nothing was done */
}

static void handoff_has_devices_that_the_group_policy_allows(void **state)
{
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .group_policy = IOMMUFD_GROUP_SINGLETON,
	};
	struct fixture *f = *state;
	struct iommufd_handoff *h = pass_on(f, get_sent(f, SIBLING1, SIBLING2));
	int before = count_fds();

	refuse_open(h, &opts, -EPERM);
	assert_int_equal(count_fds(), before);
	open_all(f, h); /* it could be tried again */
}

static void handoff_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = pass_on(f, get_sent(f, ALONE1, ALONE1));
	struct iommufd_ctx *ctx = (void *)1;
	int rc;

	expect_error_begin("handoff_open");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_handoff_open(h, NULL, &ctx);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_handoff_open() at the limit", __FILE__, __LINE__);
	assert_null(ctx);
	open_all(f, h);
}

static void handoff_of_another_kind_of_descriptor_enotty(void **state)
{
	struct fixture *f = *state;
	int null = hold_fd(f, open("/dev/null", O_RDWR | O_CLOEXEC));
	struct iommufd_handoff *sent = get_sent(f, ALONE1, ALONE1), *h;

	for (uint32_t index = 0; index < 2; index++) {
		int before;

		h = pass_spoilt(f, sent, index, null);
		before = count_fds();
		refuse_open(h, NULL, -ENOTTY);
		assert_int_equal(count_fds(), before);
		h = pass_spoilt(f, sent, index, item_of(sent, !index).fd);
		refuse_open(h, NULL, -ENOTTY);
	}
}

static void handoff_of_another_device_eproto(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *sent = get_sent(f, ALONE1, ALONE2), *h;
	uint32_t second = goes_by_cdev(f->ctx) ? 2 : 3;

	assert_int_equal(item_of(sent, second).kind, item_of(sent, 1).kind);
	h = pass_spoilt(f, sent, 1, item_of(sent, second).fd);
	refuse_open(h, NULL, -EPROTO);
	assert_non_null(strstr(expected_record()->message, "handed over as that of "));
}

static void handoff_of_what_is_bound_already_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *sent = get_sent(f, ALONE1, ALONE1), *first, *second;

	first = pass_on(f, sent);
	second = pass_on(f, sent);
	open_all(f, first);
	if (goes_by_cdev(f->ctx))
		refuse_open(second, NULL, -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(handoff_keeps_devices_until_it_is_given_back),
	CASE(handoff_opened_twice_ealready),
	CASE(handoff_that_was_not_received_einval),
	CASE(handoff_bad_opts),
	CASE(handoff_has_devices_that_the_group_policy_allows),
	CASE(handoff_no_descriptor_left_emfile),
	CASE(handoff_of_another_kind_of_descriptor_enotty),
	CASE(handoff_of_another_device_eproto),
	CASE(handoff_of_what_is_bound_already_einval),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("handoff-open", cases, NULL, NULL);
}
