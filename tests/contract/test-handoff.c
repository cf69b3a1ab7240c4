/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hand-offs: what a broker puts into one, and what the other does with it. */
#include "edu.h"
#include "handoff.h"

#include <fcntl.h>
#include <sys/wait.h>

#define IOVA 0x100000

struct future_opts {
	struct iommufd_device_opts known;
	uint64_t unknown;
};

static pid_t tester;

/* A case that fails in a child ends there. */
static int teardown(void **state)
{
	if (getpid() != tester)
		_exit(1);
	return fixture_teardown(state);
}

#define HANDOFF_CASE(f) { #f, f, fixture_setup, teardown, (void *)(uintptr_t)#f }

/* -- two processes; on the emulated kernel, which has one only, one after the other */

static void drop_privilege(void)
{
	if (!contract_is_isolated() || contract_is_emulated() || getuid())
		return; /* nothing runs without an IOMMU and privilege */
	assert_int_equal(setgid(1000), 0);
	assert_int_equal(setuid(1000), 0);
	assert_int_equal(open("/dev/iommu", O_RDWR | O_CLOEXEC), -1);
}

/* All that a program does which may open nothing. */
static void use(struct fixture *f, int socket)
{
	struct iommufd_handoff *h = receive(f, socket);
	struct iommufd_ctx *ctx = open_all(f, h);
	struct iommufd_device *dev = find_device(f, h, device_name(f, ALONE1));
	uint8_t *buffer = get_buffer(f, PAGE);
	struct iommufd_device *by_cookie;
	struct iommufd_ioas *ioas;

	put_object(f, h);
	assert_ok(iommufd_device_find(ctx, 11, &by_cookie));
	assert_ptr_equal(by_cookie, dev);
	iommufd_device_unref(by_cookie);
	assert_ok(iommufd_ioas_new(ctx, NULL, &ioas));
	hold_ioas(f, ioas);
	map_at(ioas, buffer, PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_pci_set_bus_master(dev, 1));
	fill_pattern(buffer, EDU_MOST, 3);
	edu_fetch(dev, IOVA, EDU_MOST);
	memset(buffer, 0, PAGE);
	edu_store(dev, IOVA, EDU_MOST);
	assert_true(is_pattern(buffer, EDU_MOST, 3));
	put_device(f, dev);
	put_ioas(f, ioas);
	put_ctx(f, ctx);
}

static pid_t start_user(struct fixture *f, struct ends ends)
{
	pid_t child = contract_is_emulated() ? 0 : fork();

	if (child || contract_is_emulated())
		return child;
	close(ends.sender);
	drop_privilege();
	use(f, ends.receiver);
	_exit(0);
}

static void finish_user(struct fixture *f, struct ends ends, pid_t child)
{
	int status = -1;

	if (!child) {
		use(f, ends.receiver);
		return;
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void handoff_lets_a_process_without_privilege_do_dma(void **state)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 11 };
	struct fixture *f = *state;
	struct ends ends = get_ends(f, SOCK_STREAM);
	const char *name = device_name(f, ALONE1);
	pid_t child = start_user(f, ends);
	struct iommufd_ctx *ctx = get_ctx(f, NULL);
	struct iommufd_handoff *h = get_handoff(f, ctx);

	assert_ok(iommufd_handoff_add(h, name, &opts));
	assert_ok(iommufd_handoff_send(h, ends.sender));
	if (child) { /* nobody's but the other's now */
		put_object(f, h);
		put_ctx(f, ctx);
	}
	finish_user(f, ends, child);
}

static void handoff_lets_it_use_a_bound_device(void **state)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 11 };
	struct fixture *f = *state;
	struct ends ends = get_ends(f, SOCK_STREAM);
	struct iommufd_device *dev;
	struct iommufd_handoff *h;
	struct iommufd_ctx *ctx;
	pid_t child;

	if (!goes_by_cdev(f->ctx))
		return; /* see handoff_of_a_device_by_group_eopnotsupp */
	child = start_user(f, ends);
	ctx = get_ctx(f, NULL);
	h = get_handoff(f, ctx);
	assert_ok(iommufd_device_open(ctx, device_name(f, ALONE1), &opts, &dev));
	hold_device(f, dev);
	assert_ok(iommufd_handoff_add_device(h, dev));
	assert_int_equal(item_of(h, 1).kind, IOMMUFD_HANDOFF_BOUND);
	assert_ok(iommufd_handoff_send(h, ends.sender));
	if (child) {
		put_object(f, h);
		put_device(f, dev);
		put_ctx(f, ctx);
	}
	finish_user(f, ends, child);
}

/* -- what is in one */

static void handoff_has_the_limit_that_was_set_before(void **state)
{
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_CTX_RLIMIT_PROCESS,
	};
	struct fixture *f = *state;
	struct iommufd_handoff *h;
	struct iommufd_ctx *ctx;
	uint32_t mode = 7;

	if (iommufd_ctx_new(&opts, &ctx) == -EPERM)
		skip_case(f, "a broker has CAP_SYS_RESOURCE");
	h = get_handoff(f, hold_ctx(f, ctx));
	assert_ok(iommufd_handoff_add(h, device_name(f, ALONE1), NULL));
	ctx = open_all(f, pass_on(f, h));
	assert_ok(iommufd_ctx_get_rlimit_mode(ctx, &mode));
	assert_int_equal(mode, 1);
	assert_string_equal(iommufd_ctx_get_backend(ctx), iommufd_ctx_get_backend(f->ctx));
}

static void handoff_tells_its_items(void **state)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 5 };
	struct iommufd_handoff_item item = { .size = sizeof(item) };
	struct fixture *f = *state;
	struct iommufd_handoff *sent = get_handoff(f, get_ctx(f, NULL)), *h;

	assert_ok(iommufd_handoff_add(sent, device_name(f, ALONE1), &opts));
	h = pass_on(f, sent);
	item = item_of(h, 0);
	assert_int_equal(item.kind, IOMMUFD_HANDOFF_CTX);
	assert_true(fcntl(item.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(item.group, -1);
	item = item_of(h, 1);
	if (!goes_by_cdev(f->ctx)) {
		assert_int_equal(item.kind, IOMMUFD_HANDOFF_GROUP);
		assert_true(fcntl(item.fd, F_GETFD) & FD_CLOEXEC);
		assert_string_equal(item.name, "");
		assert_true(item.group >= 0);
		item = item_of(h, 2);
		assert_int_equal(item.kind, IOMMUFD_HANDOFF_MEMBER);
		assert_int_equal(item.fd, -1);
		assert_int_equal(item.group, item_of(h, 1).group);
	} else {
		assert_int_equal(item.kind, IOMMUFD_HANDOFF_CDEV);
		assert_true(fcntl(item.fd, F_GETFD) & FD_CLOEXEC);
		assert_int_not_equal(item.fd, item_of(sent, 1).fd);
	}
	assert_int_equal(item.cookie, 5);
	assert_int_equal(item.id, 0);
	assert_string_equal(item.name, device_name(f, ALONE1));
	assert_error(iommufd_handoff_get_item(h, goes_by_cdev(f->ctx) ? 2 : 3, &item), -ENOENT);
	assert_error(iommufd_handoff_get_item(h, 0, NULL), -EINVAL);
	assert_error(iommufd_handoff_get_item(NULL, 0, &item), -EINVAL);
	item.size = 0;
	assert_error(iommufd_handoff_get_item(h, 0, &item), -EINVAL);
}

static void handoff_has_one_descriptor_for_a_group(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *sent = get_handoff(f, get_ctx(f, NULL)), *h;
	const char *one = device_name(f, SIBLING1), *two = device_name(f, SIBLING2);
	int before = count_fds();
	struct iommufd_device *first, *second;
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_handoff_add(sent, one, NULL));
	assert_ok(iommufd_handoff_add(sent, two, NULL));
	assert_int_equal(count_fds(), before + (goes_by_cdev(f->ctx) ? 2 : 1));
	h = pass_on(f, sent);
	assert_ok(iommufd_ioas_new(open_all(f, h), NULL, &ioas));
	hold_ioas(f, ioas);
	first = find_device(f, h, one);
	second = find_device(f, h, two);
	assert_string_equal(iommufd_device_get_transport(first),
			    goes_by_cdev(f->ctx) ? "cdev" : "group");
	assert_ok(iommufd_device_attach(first, ioas));
	assert_ok(iommufd_device_attach(second, ioas));
}

static void handoff_of_a_group_has_devices_by_name(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *sent = get_handoff(f, get_ctx(f, NULL)), *h;
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_device(f, ALONE1);
	const char *backend = getenv("LIBIOMMUFD_BACKEND");
	struct iommufd_ctx *ctx;
	int before;

	assert_ok(iommufd_device_get_info(dev, &info));
	put_device(f, dev);
	if ((backend && !strncmp(backend, "cdev+", 5)) ||
	    strstr(iommufd_ctx_get_backend(f->ctx), "cdev+noiommu")) {
		assert_error(iommufd_handoff_add_group(sent, info.group), -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_handoff_add_group(sent, info.group));
	before = count_fds();
	assert_ok(iommufd_handoff_add_group(sent, info.group));
	assert_int_equal(count_fds(), before);
	assert_error(iommufd_handoff_add_group(sent, -1), -EINVAL);
	assert_error(iommufd_handoff_add_group(sent, 9999), -ENOENT);
	assert_error(iommufd_handoff_add_group(get_handoff(f, get_ctx(f, NULL)), info.group),
		     -EBUSY);
	h = pass_on(f, sent);
	ctx = open_all(f, h);
	assert_ok(iommufd_device_open(ctx, device_name(f, ALONE1), NULL, &dev));
	hold_device(f, dev);
	assert_string_equal(iommufd_device_get_transport(dev), "group");
	assert_error(iommufd_handoff_add_group(h, info.group), -EINVAL);
	assert_error(iommufd_handoff_add_group(NULL, info.group), -EINVAL);
}

static void handoff_of_group_beside_its_character_device_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_handoff(f, get_ctx(f, NULL));

	assert_ok(iommufd_handoff_add(h, device_name(f, ALONE1), NULL));
	if (!goes_by_cdev(f->ctx) || getenv("LIBIOMMUFD_BACKEND") ||
	    !strstr(iommufd_ctx_get_backend(f->ctx), "cdev+iommufd"))
		return; /* there is but one way */
	assert_error(iommufd_handoff_add_group(h, item_of(h, 1).group), -EBUSY);
}

static void handoff_of_a_device_by_group_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_handoff(f, f->ctx);
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_device *other;

	if (!goes_by_cdev(f->ctx)) {
		assert_error(iommufd_handoff_add_device(h, dev), -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_handoff_add_device(h, dev));
	assert_error(iommufd_handoff_add_device(h, dev), -EEXIST);
	assert_ok(iommufd_device_open(get_ctx(f, NULL), device_name(f, ALONE2), NULL, &other));
	hold_device(f, other);
	assert_error(iommufd_handoff_add_device(h, other), -EINVAL);
	assert_error(iommufd_handoff_add_device(h, NULL), -EINVAL);
	assert_error(iommufd_handoff_add_device(NULL, dev), -EINVAL);
	assert_error(iommufd_handoff_add_device(pass_on(f, h), dev), -EINVAL);
}

static void handoff_of_an_attached_device_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_handoff(f, f->ctx);
	struct iommufd_device *dev = get_device(f, ALONE1);

	if (!goes_by_cdev(f->ctx))
		return;
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
	assert_error(iommufd_handoff_add_device(h, dev), -EBUSY);
	assert_ok(iommufd_device_detach(dev));
	assert_ok(iommufd_handoff_add_device(h, dev));
}

static void handoff_twice_the_same_eexist(void **state)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 5 };
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_handoff(f, get_ctx(f, NULL));
	int before;

	assert_ok(iommufd_handoff_add(h, device_name(f, ALONE1), &opts));
	before = count_fds();
	assert_error(iommufd_handoff_add(h, device_name(f, ALONE1), NULL), -EEXIST);
	assert_error(iommufd_handoff_add(h, device_name(f, ALONE2), &opts), -EEXIST);
	assert_int_equal(count_fds(), before);
	opts.cookie = 6;
	assert_ok(iommufd_handoff_add(h, device_name(f, ALONE2), &opts));
}

static void handoff_of_what_is_no_device(void **state)
{
	struct future_opts opts = { .known.size = sizeof(opts), .unknown = 1 };
	struct fixture *f = *state;
	struct iommufd_handoff *h = get_handoff(f, get_ctx(f, NULL));
	const char *name = device_name(f, ALONE1);

	assert_error(iommufd_handoff_add(h, "0000:7f:1f.7", NULL), -ENOENT);
	assert_error(iommufd_handoff_add(h, "0000:00:00.0", NULL), -ENODEV);
	assert_error(iommufd_handoff_add(h, "nonsense", NULL), -EINVAL);
	assert_error(iommufd_handoff_add(h, NULL, NULL), -EINVAL);
	assert_error(iommufd_handoff_add(NULL, name, NULL), -EINVAL);
	assert_error(iommufd_handoff_add(h, name, &opts.known), -E2BIG);
	opts.unknown = 0;
	opts.known.flags = 1;
	assert_error(iommufd_handoff_add(h, name, &opts.known), -EOPNOTSUPP);
	opts.known.flags = 0;
	opts.known.ioas = get_ioas(f);
	assert_error(iommufd_handoff_add(h, name, &opts.known), -EINVAL);
	assert_error(iommufd_handoff_add(pass_on(f, h), name, NULL), -EINVAL);
}

static void handoff_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *ctx = get_ctx(f, NULL);
	struct iommufd_handoff *h = get_handoff(f, ctx), *none = (void *)1;
	const char *name = device_name(f, ALONE1);
	int rc;

	expect_error_begin("handoff_new");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_handoff_new(ctx, &none);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_handoff_new() at the limit", __FILE__, __LINE__);
	assert_null(none);
	expect_error_begin("handoff_add");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_handoff_add(h, name, NULL);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_handoff_add() at the limit", __FILE__, __LINE__);
	assert_ok(iommufd_handoff_add(h, name, NULL));
}

static void handoff_begins_with_a_context(void **state)
{
	struct fixture *f = *state;
	struct iommufd_handoff *none = (void *)1, *h;

	assert_error(iommufd_handoff_new(f->ctx, NULL), -EINVAL);
	assert_error(iommufd_handoff_new(NULL, &none), -EINVAL);
	assert_null(none);
	h = get_handoff(f, f->ctx);
	assert_ptr_equal(iommufd_handoff_ref(h), h);
	assert_null(iommufd_handoff_unref(h));
	assert_int_equal(item_of(h, 0).kind, IOMMUFD_HANDOFF_CTX);
	assert_null(iommufd_handoff_ref(NULL));
	assert_null(iommufd_handoff_unref(NULL));
}

static const struct CMUnitTest cases[] = {
	HANDOFF_CASE(handoff_lets_a_process_without_privilege_do_dma),
	HANDOFF_CASE(handoff_lets_it_use_a_bound_device),
	CASE(handoff_has_the_limit_that_was_set_before),
	CASE(handoff_tells_its_items),
	CASE(handoff_has_one_descriptor_for_a_group),
	CASE(handoff_of_a_group_has_devices_by_name),
	CASE(handoff_of_group_beside_its_character_device_ebusy),
	CASE(handoff_of_a_device_by_group_eopnotsupp),
	CASE(handoff_of_an_attached_device_ebusy),
	CASE(handoff_twice_the_same_eexist),
	CASE(handoff_of_what_is_no_device),
	CASE(handoff_no_descriptor_left_emfile),
	CASE(handoff_begins_with_a_context),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	tester = getpid();
	return cmocka_run_group_tests_name("handoff", cases, NULL, NULL);
}
