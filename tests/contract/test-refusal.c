/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The kernel says EPERM, EBUSY or EINVAL for many reasons. Here is each of them:
 * the message names it, the remedy removes it, and then it works.
 */
#include "driver.h"
#include "edu.h"
#include "shape.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <libiommufd/emu.h>

/* Of try_open(). */
static struct iommufd_device *opened;

static int try_open(struct fixture *f, struct iommufd_ctx *ctx, enum place place,
		    struct iommufd_ioas *ioas)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .ioas = ioas };
	struct iommufd_device *dev = (void *)1;
	int rc = iommufd_device_open(ctx, device_name(f, place), &opts, &dev);

	if (!rc)
		opened = hold_device(f, dev);
	else
		assert_null(dev);
	return rc;
}

static bool says(const char *text, const char *word)
{
	if (strstr(text, word))
		return true;
	print_error("\"%s\" does not say \"%s\"\n", text, word);
	return false;
}

#define assert_says(word) assert_true(says(expected_record()->message, (word)))
#define assert_advises(word) assert_true(says(expected_record()->remedy, (word)))

static void assert_names_process(pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "process%s %ld", pid == getpid() ? "," : "", (long)pid);
	assert_says(text);
}

/* The one that can be opened once; skips the case where there is none. */
static void group_node(struct fixture *f, enum place place, char path[static 64])
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_device(f, place);

	assert_ok(iommufd_device_get_info(dev, &info));
	put_device(f, dev);
	snprintf(path, 64, "/dev/vfio/%s%d", contract_is_isolated() ? "" : "noiommu-", info.group);
	if (!contract_is_emulated() && access(path, F_OK))
		skip_case(f, "this kernel has no groups");
}

/* A context of a backend that the environment does not name, or NULL. */
static struct iommufd_ctx *ctx_of(struct fixture *f, const char *backend)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = backend };
	struct iommufd_ctx *ctx;

	setenv("LIBIOMMUFD_BACKEND", backend, 1);
	return iommufd_ctx_new(&opts, &ctx) ? NULL : hold_ctx(f, ctx);
}

/* -- a driver of the kernel has a sibling */

static void refusal_sibling_with_a_driver(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct iommufd_ioas *ioas = get_ioas(f);

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	for (int joins = 0; joins < 2; joins++) {
		assert_error(try_open(f, f->ctx, SIBLING1, joins ? ioas : NULL), -EPERM);
		assert_says(b->name);
		assert_says(b->driver);
		assert_advises(b->name);
		assert_advises("unbind");
	}
	try_open(f, f->ctx, ALONE1, ioas);
	assert_int_equal(set_driver(f, b->name, ""), 0);
	assert_ok(try_open(f, f->ctx, SIBLING1, ioas));
}

/* It has no driver: that is no harm, but nor can it be opened. */
static void refusal_group_half_bound(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev;

	assert_int_equal(set_driver(f, device_name(f, SIBLING2), ""), 0);
	dev = get_device(f, SIBLING1);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_error(try_open(f, f->ctx, SIBLING2, NULL), -ENODEV);
	assert_advises("vfio-pci");
	assert_error(try_open(f, f->ctx, SIBLING2, ioas), -ENODEV);
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	put_device(f, dev);
	assert_int_equal(set_driver(f, device_name(f, SIBLING2), "vfio-pci"), 0);
	assert_ok(try_open(f, f->ctx, SIBLING2, ioas));
}

/* Newer kernels keep the driver out; an older one lets it in, and the library tells of it. */
static void refusal_driver_for_a_sibling_of_an_attached_device(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, SIBLING1);
	struct iommufd_event ev = { .size = sizeof(ev) };
	struct pollfd wait = { .fd = iommufd_ctx_get_event_fd(f->ctx), .events = POLLIN };
	uint8_t *data = get_buffer(f, PAGE);
	int rc = -EAGAIN;
	bool bound;

	if (!contract_is_emulated() && getenv("LIBIOMMUFD_TEST_KERNEL") &&
	    !strncmp(getenv("LIBIOMMUFD_TEST_KERNEL"), "5.", 2))
		skip_case(f, "this kernel panics when a driver comes into a group in use");
	assert_true(wait.fd >= 0);
	assert_ok(iommufd_device_attach(dev, ioas));
	bound = !set_driver(f, b->name, b->driver);
	while (bound && rc == -EAGAIN && poll(&wait, 1, 5000) == 1)
		rc = iommufd_ctx_read_event(f->ctx, &ev);
	if (bound) {
		assert_int_equal(rc, 0);
		assert_int_equal(ev.type, IOMMUFD_EVENT_GROUP_NOT_VIABLE);
		assert_string_equal(ev.name, b->name);
		assert_error(try_open(f, f->ctx, SIBLING2, ioas), -EPERM);
		assert_says(b->driver);
	} else {
		assert_ok(try_open(f, f->ctx, SIBLING2, ioas));
	}
	map_at(ioas, data, PAGE, 0x10000);
	assert_ok(iommufd_pci_set_bus_master(dev, 1));
	edu_store(dev, 0x10000, 64);
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, PAGE, NULL));
	assert_ok(iommufd_device_detach(dev));
}

/* -- someone else has it */

static void refusal_open_in_another_context(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *other = get_ctx(f, NULL);
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_error(try_open(f, other, ALONE1, NULL), has_by_group(f) ? -EBUSY : -EINVAL);
	assert_names_process(getpid());
	assert_advises("close");
	put_device(f, dev);
	assert_ok(try_open(f, other, ALONE1, NULL));
}

static void refusal_sibling_in_another_context(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *other = get_ctx(f, NULL);
	struct iommufd_device *dev = get_device(f, SIBLING1);

	if (!contract_is_isolated())
		skip_case(f, "no two devices share a group");
	assert_error(try_open(f, other, SIBLING2, NULL), has_by_group(f) ? -EBUSY : -EPERM);
	if (!has_by_group(f))
		assert_says(device_name(f, SIBLING1));
	assert_names_process(getpid());
	assert_advises("close the other user");
	put_device(f, dev);
	assert_ok(try_open(f, other, SIBLING2, NULL));
}

/* Of hold_elsewhere(). */
static pid_t holder;

static void end_holder(void)
{
	if (holder <= 0 || holder == getpid())
		return;
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	holder = 0;
}

static int holder_teardown(void **state)
{
	end_holder();
	return policy_teardown(state);
}

#define HOLDER_CASE(f) { #f, f, policy_setup, holder_teardown, (void *)(uintptr_t)#f }

static _Noreturn void hold_and_wait(const char *path, int tell)
{
	char ready = open(path, O_RDWR | O_CLOEXEC) >= 0 ? 'y' : 'n';

	if (write(tell, &ready, 1) == 1)
		pause();
	_exit(1);
}

/* A process that opens @path; here it is this one, as the emulated kernel is in no other. */
static int hold_elsewhere(struct fixture *f, const char *path)
{
	char ready = 0;
	int pipes[2];

	if (contract_is_emulated()) {
		holder = getpid();
		return open_node(f, path);
	}
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	holder = fork();
	if (!holder)
		hold_and_wait(path, pipes[1]);
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &ready, 1), 1);
	close(pipes[0]);
	assert_int_equal(ready, 'y');
	return -1;
}

static void refusal_group_open_in_another_process(void **state)
{
	struct fixture *f = *state;
	char path[64];
	int fd;

	group_node(f, SIBLING1, path);
	fd = hold_elsewhere(f, path);
	assert_error(try_open(f, f->ctx, SIBLING1, NULL), -EBUSY);
	assert_says("group");
	assert_names_process(holder);
	assert_advises("close");
	if (fd >= 0)
		put_fd(f, fd);
	end_holder();
	assert_ok(try_open(f, f->ctx, SIBLING1, NULL));
}

/* A group's node and its devices' own keep each other shut. */
static void refusal_by_the_other_transport(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *cdev = ctx_of(f, "cdev+iommufd"), *group = ctx_of(f, "group+type1");
	char path[64];

	if (!cdev || !device_node(f, ALONE1) || !contract_is_isolated())
		skip_case(f, "this kernel has no character devices of devices");
	group_node(f, SIBLING1, path);
	if (!group)
		group = ctx_of(f, "group+iommufd");
	assert_non_null(group);
	for (int i = 0; i < 2; i++) {
		struct iommufd_ctx *first = i ? group : cdev, *second = i ? cdev : group;

		assert_ok(try_open(f, first, SIBLING1, NULL));
		for (enum place p = SIBLING1; p <= SIBLING2; p++) {
			assert_error(try_open(f, second, p, NULL), -EBUSY);
			assert_says("group");
			assert_names_process(getpid());
			assert_advises("close");
		}
		put_device(f, opened);
		assert_ok(try_open(f, second, SIBLING2, NULL));
		put_device(f, opened);
	}
}

/* -- interrupts, tokens */

enum { OPENED = 1, WRONG_WORDS = 2 };

static int ask_to_open(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_device *dev = NULL;
	struct iommufd_ctx *ctx;
	int rc = iommufd_ctx_new(opts, &ctx);

	if (rc)
		return rc;
	rc = answer(iommufd_device_open(ctx, device, NULL, &dev));
	if (rc == -EPERM && (!says(iommufd_error_last()->message, "interrupts") ||
			     !says(iommufd_error_last()->remedy, "allow_unsafe_interrupts=1")))
		rc = WRONG_WORDS;
	iommufd_device_unref(dev);
	iommufd_ctx_unref(ctx);
	return rc ? rc : OPENED;
}

static void refusal_interrupts_not_isolated(void **state)
{
	if (!contract_is_isolated())
		skip_case(*state, "nothing is isolated here");
	assert_int_equal(ask_in_shape(*state, SHAPE_UNSAFE_INTERRUPTS, ask_to_open), -EPERM);
}

static void refusal_vf_token(void **state)
{
	static const uint8_t right[16] = { 1, 2, 3 }, wrong[16] = { 3, 2, 1 };
	static const struct {
		const uint8_t *token;
		const char *message, *remedy;
	} tries[] = {
		{ NULL, "needed", "opts.vf_token" },
		{ wrong, "wrong", "owner of the physical function" },
	};
	struct iommufd_emu_device_opts vf = {
		.size = sizeof(vf), .bdf = "0000:02:00.1", .group = 21, .vf_token = right,
	};
	struct iommufd_device_opts opts = { .size = sizeof(opts), .vf_token = right };
	struct fixture *f = *state;
	struct iommufd_emu *emu;
	struct iommufd_device *dev;
	int rc;

	if (!contract_is_emulated())
		skip_case(f, "no virtual function whose owner asks for a token");
	assert_int_equal(iommufd_emu_get_default(&emu), 0);
	rc = iommufd_emu_add_device(emu, &vf);
	iommufd_emu_unref(emu);
	assert_true(!rc || rc == -EEXIST);
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		opts.vf_token = tries[i].token;
		assert_error(iommufd_device_open(f->ctx, vf.bdf, &opts, &dev), -EACCES);
		assert_says(tries[i].message);
		assert_advises(tries[i].remedy);
	}
	opts.vf_token = right;
	assert_ok(iommufd_device_open(f->ctx, vf.bdf, &opts, &dev));
	hold_device(f, dev);
	opts.vf_token = wrong;
	assert_error(iommufd_device_open(f->ctx, device_name(f, ALONE1), &opts, &dev), -EINVAL);
	assert_says("token");
	assert_advises("no token");
}

/* -- what others use already */

static void refusal_reserved_window_in_use(void **state)
{
	struct iommufd_emu_device_opts narrow = {
		.size = sizeof(narrow), .bdf = "0000:00:07.0", .group = 7,
		.reserved_start = 0x100000, .reserved_last = 0x1fffff,
	};
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device_opts opts = { .size = sizeof(opts), .ioas = ioas };
	struct iommufd_emu *emu;
	struct iommufd_device *dev;
	int rc;

	if (!contract_is_emulated() || !contract_is_isolated())
		skip_case(f, "no two devices here reserve different windows");
	assert_int_equal(iommufd_emu_get_default(&emu), 0);
	rc = iommufd_emu_add_device(emu, &narrow);
	iommufd_emu_unref(emu);
	assert_true(!rc || rc == -EEXIST);
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x180000);
	assert_ok(try_open(f, f->ctx, ALONE1, ioas));
	for (int joins = 0; joins < 2; joins++) {
		if (joins) {
			assert_error(iommufd_device_open(f->ctx, narrow.bdf, &opts, &dev),
				     -EADDRINUSE);
		} else {
			assert_ok(iommufd_device_open(f->ctx, narrow.bdf, NULL, &dev));
			hold_device(f, dev);
			assert_error(iommufd_device_attach(dev, ioas), -EADDRINUSE);
			put_device(f, dev);
		}
		assert_says("0x180000");
		assert_says("0x100000");
		assert_says("reserved");
		assert_advises("map it elsewhere");
	}
	assert_ok(iommufd_ioas_unmap(ioas, 0x180000, PAGE, NULL));
	assert_ok(iommufd_device_open(f->ctx, narrow.bdf, &opts, &dev));
	hold_device(f, dev);
	assert_int_equal(reserved_iova(ioas), 0x100000);
}

/* The container that the IOAS has will not take the group, so it gets another. */
static void refusal_container_that_cannot_be_shared(void **state)
{
	struct iommufd_emu_fault refuse = {
		.size = sizeof(refuse), .calls = IOMMUFD_EMU_CALL_IOCTL, .error = EINVAL, .nth = 1,
		.request = 0x3b68, /* VFIO_GROUP_SET_CONTAINER */
	};
	struct iommufd_ioas_info info = { .size = sizeof(info) };
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_emu *emu;

	if (!contract_is_emulated() || !contract_is_isolated() || !has_containers(f))
		skip_case(f, "all IOMMUs here can share what they use");
	map_at(ioas, data, PAGE, 0x10000);
	assert_ok(try_open(f, f->ctx, ALONE1, ioas));
	assert_int_equal(iommufd_emu_get_default(&emu), 0);
	assert_int_equal(iommufd_emu_inject(emu, &refuse), 0);
	assert_ok(try_open(f, f->ctx, ALONE2, ioas));
	assert_int_equal(iommufd_emu_inject(emu, NULL), 0);
	iommufd_emu_unref(emu);
	assert_ok(iommufd_ioas_get_info(ioas, &info));
	assert_int_equal(info.containers, 2);
	assert_int_equal(info.attached, 2);
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, PAGE, NULL));
	map_at(ioas, data, PAGE, 0x20000);
}

static const struct CMUnitTest cases[] = {
	DRIVER_CASE(refusal_sibling_with_a_driver),
	DRIVER_CASE(refusal_group_half_bound),
	DRIVER_CASE(refusal_driver_for_a_sibling_of_an_attached_device),
	CASE(refusal_open_in_another_context),
	CASE(refusal_sibling_in_another_context),
	HOLDER_CASE(refusal_group_open_in_another_process),
	CASE_OF_POLICY(refusal_by_the_other_transport),
	CASE(refusal_interrupts_not_isolated),
	CASE(refusal_vf_token),
	CASE(refusal_reserved_window_in_use),
	CASE(refusal_container_that_cannot_be_shared),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return run_on_backends("refusal", cases, ARRAY_SIZE(cases));
}
