/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Descriptors of the wrong kind, handed over; and the right ones, closed under the library. */
#include "shape.h"

#include <fcntl.h>

#include <libiommufd/emu.h>

/* -- what might be handed over */

enum handed {
	EVENTFD, NULL_DEVICE, DIRECTORY, BOUND_DEVICE, DEVICE_NODE, GROUP_NODE, CONTAINER_NODE,
	IOMMUFD_NODE, CLOSED, NUM_HANDED,
};

static const char *const names[] = {
	[EVENTFD] = "an eventfd", [NULL_DEVICE] = "/dev/null", [DIRECTORY] = "a directory",
	[BOUND_DEVICE] = "a device in use", [DEVICE_NODE] = "a device",
	[GROUP_NODE] = "a group", [CONTAINER_NODE] = "a container", [IOMMUFD_NODE] = "an iommufd",
	[CLOSED] = "a closed one",
};

static int try_open(struct fixture *f, const char *path)
{
	struct iommufd_emu *emu;
	int fd;

	if (!contract_is_emulated()) {
		fd = open(path, O_RDWR | O_CLOEXEC);
	} else {
		assert_int_equal(iommufd_emu_get_default(&emu), 0);
		fd = iommufd_emu_open(emu, path);
		iommufd_emu_unref(emu);
	}
	return fd < 0 ? -1 : hold_fd(f, fd);
}

static int open_group(struct fixture *f, enum place place)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_device(f, place);
	char path[64];

	assert_ok(iommufd_device_get_info(dev, &info));
	put_device(f, dev);
	snprintf(path, sizeof(path), "/dev/vfio/%s%d",
		 contract_is_isolated() ? "" : "noiommu-", info.group);
	return try_open(f, path);
}

/* -1 where this kernel has none such. */
static void get_all(struct fixture *f, int fds[NUM_HANDED])
{
	const char *node = device_node(f, ALONE1);

	fds[EVENTFD] = get_eventfd(f);
	fds[NULL_DEVICE] = hold_fd(f, open("/dev/null", O_RDWR | O_CLOEXEC));
	fds[DIRECTORY] = hold_fd(f, open("/", O_RDONLY | O_CLOEXEC));
	fds[DEVICE_NODE] = node ? open_node(f, node) : -1;
	fds[GROUP_NODE] = open_group(f, SIBLING1);
	fds[BOUND_DEVICE] = iommufd_device_get_fd(get_device(f, ALONE2));
	fds[CONTAINER_NODE] = try_open(f, "/dev/vfio/vfio");
	fds[IOMMUFD_NODE] = try_open(f, "/dev/iommu");
	fds[CLOSED] = closed_fd();
}

/* Which of two codes, both of which would be good. */
#define EITHER(a, b) (rc == (b) ? (b) : (a))

#define check(rc, code, kind) do { \
	if ((rc) != (code)) \
		print_error("%s:\n", names[kind]); \
	if (code) \
		expect_error((rc), (code), __func__, __FILE__, __LINE__); \
	else \
		expect_ok((rc), __func__, __FILE__, __LINE__); \
} while (0)

static void refusal_fd_for_a_context(void **state)
{
	struct fixture *f = *state;
	int fds[NUM_HANDED], codes[NUM_HANDED] = { [CLOSED] = -EBADF };

	get_all(f, fds);
	for (int i = 0; i < CLOSED; i++)
		codes[i] = -ENOTTY;
	codes[has_containers(f) ? CONTAINER_NODE : IOMMUFD_NODE] = 0;
	for (int i = 0; i < NUM_HANDED; i++) {
		struct iommufd_ctx *ctx = (void *)1;
		int rc;

		if (fds[i] < 0)
			continue;
		expect_error_begin("ctx_from_fd");
		rc = iommufd_ctx_from_fd(fds[i], NULL, &ctx);
		/* Each may play the other: an iommufd serves as a container, behind its node or not. */
		if (i == CONTAINER_NODE || i == IOMMUFD_NODE)
			codes[i] = EITHER(codes[i], 0);
		check(rc, codes[i], i);
		if (rc)
			assert_null(ctx);
		iommufd_ctx_unref(ctx);
	}
}

static void refusal_fd_for_a_device(void **state)
{
	struct fixture *f = *state;
	bool can = iommufd_ctx_has(f->ctx, IOMMUFD_CAP_DEVICE_FD) == 1;
	int fds[NUM_HANDED], codes[NUM_HANDED] = { [CLOSED] = -EBADF };

	get_all(f, fds);
	for (int i = 0; i < CLOSED; i++)
		codes[i] = -ENOTTY;
	codes[DEVICE_NODE] = can ? 0 : -EOPNOTSUPP;
	if (can)
		codes[BOUND_DEVICE] = -EBUSY;
	for (int i = 0; i < NUM_HANDED; i++) {
		struct iommufd_device *dev = (void *)1;
		int rc;

		if (fds[i] < 0)
			continue;
		expect_error_begin("device_from_fd");
		rc = iommufd_device_from_fd(f->ctx, fds[i], NULL, &dev);
		check(rc, codes[i], i);
		if (rc)
			assert_null(dev);
		iommufd_device_unref(dev);
	}
}

static void refusal_fd_for_a_group(void **state)
{
	struct fixture *f = *state;
	const char *policy = getenv("LIBIOMMUFD_BACKEND");
	bool can = !policy || strncmp(policy, "cdev+", 5);
	int fds[NUM_HANDED];

	get_all(f, fds);
	for (int i = 0; i < NUM_HANDED; i++) {
		int code = !can ? -EOPNOTSUPP : i == GROUP_NODE ? 0 : i == CLOSED ? -EBADF : -ENOTTY;
		struct iommufd_group *group = (void *)1;
		int rc;

		if (fds[i] < 0)
			continue;
		expect_error_begin("group_from_fd");
		rc = iommufd_group_from_fd(f->ctx, fds[i], &group);
		check(rc, code, i);
		if (rc)
			assert_null(group);
		iommufd_group_unref(group);
	}
}

/* -- closed under us, or another file's by now */

/* The number is nobody's then, or /dev/null's, which the library will close. */
static void take_away(struct fixture *f, int fd, bool replace)
{
	int null;

	put_fd(f, hold_fd(f, fd));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	if (!replace)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null != fd) {
		assert_int_equal(dup3(null, fd, O_CLOEXEC), fd);
		close(null);
	}
}

/* Mapped, and attached. */
struct setting {
	struct iommufd_ioas *ioas;
	struct iommufd_device *dev;
	uint8_t *data;
};

static struct setting set_up(struct fixture *f, struct iommufd_ctx *ctx)
{
	struct setting s = { .data = get_buffer(f, 2 * PAGE) };

	assert_ok(iommufd_ioas_new(ctx, NULL, &s.ioas));
	hold_ioas(f, s.ioas);
	map_at(s.ioas, s.data, PAGE, 0x10000);
	assert_ok(iommufd_device_open(ctx, device_name(f, ALONE1), NULL, &s.dev));
	hold_device(f, s.dev);
	assert_ok(iommufd_device_attach(s.dev, s.ioas));
	return s;
}

static void with_context_fd(struct fixture *f, bool replace)
{
	struct setting s = set_up(f, f->ctx);
	/* In how many containers it is now cannot be known. */
	int stays = has_by_group(f) ? -EUCLEAN : -EIO;
	struct iommufd_ioas *none;
	uint64_t iova = 0x20000;

	take_away(f, iommufd_ctx_get_fd(f->ctx), replace);
	expect_watch(NULL); /* who looks at the ranges is told of it, too */
	assert_error(iommufd_ioas_map(s.ioas, s.data + PAGE, PAGE, FIXED_RW, &iova, NULL), -EIO);
	assert_error(iommufd_ioas_unmap(s.ioas, 0x10000, PAGE, NULL), stays);
	assert_error(iommufd_ioas_unmap_all(s.ioas, NULL), stays);
	assert_error(iommufd_ioas_new(f->ctx, NULL, &none), -EIO);
	assert_int_equal(count_mappings(s.ioas), 1);
	put_device(f, s.dev);
	put_ioas(f, s.ioas);
}

static void refusal_context_fd_closed(void **state)
{
	struct fixture *f = *state;

	if (has_containers(f)) {
		assert_error(iommufd_ctx_get_fd(f->ctx), -EOPNOTSUPP);
		return;
	}
	with_context_fd(f, false);
}

static void refusal_context_fd_replaced(void **state)
{
	struct fixture *f = *state;

	if (has_containers(f))
		skip_case(f, "a container's descriptor is not lent");
	with_context_fd(f, true);
}

/* The library's own is the lowest number that is free when one is handed over. */
static void with_container_fd(struct fixture *f, bool replace)
{
	struct iommufd_ctx *ctx;
	struct setting s;
	int fd, own;

	if (!has_containers(f) || !contract_is_isolated())
		skip_case(f, "there is no container with mappings");
	fd = open_node(f, "/dev/vfio/vfio");
	own = fcntl(0, F_DUPFD_CLOEXEC, 0);
	close(own);
	assert_ok(iommufd_ctx_from_fd(fd, NULL, &ctx));
	hold_ctx(f, ctx);
	put_fd(f, fd);
	s = set_up(f, ctx);
	assert_true(fcntl(own, F_GETFD) >= 0);
	take_away(f, own, replace);
	expect_watch(NULL);
	assert_error(iommufd_ioas_unmap(s.ioas, 0x10000, PAGE, NULL), -EUCLEAN);
	assert_error(iommufd_ioas_unmap_all(s.ioas, NULL), -EUCLEAN);
	assert_error(iommufd_device_detach(s.dev), -EUCLEAN);
	assert_int_equal(count_mappings(s.ioas), 1);
	put_device(f, s.dev);
	assert_ok(iommufd_ioas_unmap_all(s.ioas, NULL));
}

static void refusal_container_fd_closed(void **state)
{
	with_container_fd(*state, false);
}

static void refusal_container_fd_replaced(void **state)
{
	with_container_fd(*state, true);
}

static void with_device_fd(struct fixture *f, bool replace)
{
	struct setting s = set_up(f, f->ctx);
	uint32_t value;

	take_away(f, iommufd_device_get_fd(s.dev), replace);
	assert_error(iommufd_pci_config_read(s.dev, 0, 4, &value), -EIO);
	assert_error(iommufd_irq_disable(s.dev, IOMMUFD_IRQ_MSI), -EIO);
	if (has_by_group(f))
		assert_ok(iommufd_device_detach(s.dev));
	else
		assert_error(iommufd_device_detach(s.dev), -EIO);
	put_device(f, s.dev);
	assert_ok(iommufd_ioas_unmap_all(s.ioas, NULL));
	set_up(f, f->ctx);
}

static void refusal_device_fd_closed(void **state)
{
	with_device_fd(*state, false);
}

static void refusal_device_fd_replaced(void **state)
{
	with_device_fd(*state, true);
}

/* The devices that came out of it live on. */
static void with_group_fd(struct fixture *f, bool replace)
{
	struct iommufd_device *dev, *none;
	struct iommufd_group *group;
	struct iommufd_ioas *ioas = get_ioas(f);

	if (!has_by_group(f) || !contract_is_isolated())
		skip_case(f, "devices are not had by groups of several");
	dev = get_device(f, SIBLING1);
	assert_ok(iommufd_device_get_group(dev, &group));
	hold_group(f, group);
	take_away(f, iommufd_group_get_fd(group), replace);
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_error(iommufd_device_open(f->ctx, device_name(f, SIBLING2), NULL, &none), -EIO);
	assert_ok(iommufd_device_detach(dev));
	put_device(f, dev);
	put_group(f, group);
	get_device(f, SIBLING1);
}

static void refusal_group_fd_closed(void **state)
{
	with_group_fd(*state, false);
}

static void refusal_group_fd_replaced(void **state)
{
	with_group_fd(*state, true);
}

static const struct CMUnitTest cases[] = {
	CASE(refusal_fd_for_a_context),
	CASE(refusal_fd_for_a_device),
	CASE(refusal_fd_for_a_group),
	CASE(refusal_context_fd_closed),
	CASE(refusal_context_fd_replaced),
	CASE(refusal_container_fd_closed),
	CASE(refusal_container_fd_replaced),
	CASE(refusal_device_fd_closed),
	CASE(refusal_device_fd_replaced),
	CASE(refusal_group_fd_closed),
	CASE(refusal_group_fd_replaced),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return run_on_backends("refusal-fd", cases, ARRAY_SIZE(cases));
}
