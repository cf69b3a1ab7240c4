/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "shape.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <libiommufd/emu.h>

enum { CANNOT_ARRANGE = 10000, NO_RECORD = 10001 };

int answer(int rc)
{
	const struct iommufd_error *e = iommufd_error_last();

	if (rc >= 0)
		return rc;
	return e->code == rc && *e->operation && *e->object && *e->message && *e->remedy ?
		rc : NO_RECORD;
}

/* The machine that LIBIOMMUFD_EMU names, "6.6" or "newest,noiommu", for one of another shape. */
static void describe_machine(struct iommufd_emu_opts *opts, char *kernel, size_t size)
{
	static const struct {
		const char *word;
		uint64_t flag;
	} words[] = {
		{ ",noiommu", IOMMUFD_EMU_NOIOMMU },
		{ ",compat", IOMMUFD_EMU_COMPAT_CONTAINER },
		{ ",no-cdev", IOMMUFD_EMU_NO_CDEV },
	};
	const char *machine = getenv("LIBIOMMUFD_EMU");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(machine, words[i].word))
			opts->flags |= words[i].flag;
	snprintf(kernel, size, "%.*s", (int)strcspn(machine, ","), machine);
	if (strcmp(kernel, "1"))
		opts->kernel = kernel;
}

/* From a call on, which is the first of the kind that is not to succeed. */
static int refuse_calls(struct iommufd_emu *emu, enum shape shape)
{
	static const struct iommufd_emu_fault refused[] = {
		[SHAPE_NO_DRIVER] = { .calls = IOMMUFD_EMU_CALL_OPEN, .error = ENODEV, .nth = 1 },
		/* The first is the backend's. */
		[SHAPE_NO_DEVICE_PERMISSION] = {
			.calls = IOMMUFD_EMU_CALL_OPEN, .error = EACCES, .nth = 2,
		},
		/* The node is there, and its descriptor can be looked at. */
		[SHAPE_NO_SYSFS] = { .calls = IOMMUFD_EMU_CALL_SYSFS, .error = EACCES, .nth = 3 },
	};
	struct iommufd_emu_fault fault;

	if (shape >= ARRAY_SIZE(refused) || !refused[shape].calls)
		return 0;
	fault = refused[shape];
	fault.size = sizeof(fault);
	fault.count = UINT64_MAX;
	return iommufd_emu_inject(emu, &fault);
}

static int ask_emulated(enum shape shape,
			int (*ask)(const struct iommufd_ctx_opts *opts, const char *device),
			const char *device)
{
	static const uint64_t flags[] = {
		[SHAPE_NO_NODE] = IOMMUFD_EMU_NO_IOMMU_NODE,
		[SHAPE_NO_PERMISSION] = IOMMUFD_EMU_NO_PERMISSION,
		[SHAPE_OWN_GROUPS] = IOMMUFD_EMU_NO_PERMISSION,
		[SHAPE_UNPRIVILEGED] = IOMMUFD_EMU_UNPRIVILEGED,
		[SHAPE_NO_RAWIO] = IOMMUFD_EMU_NOIOMMU | IOMMUFD_EMU_UNPRIVILEGED,
		[SHAPE_LITTLE_MEMORY] = 0,
		[SHAPE_UNSAFE_INTERRUPTS] = IOMMUFD_EMU_NO_MSI_ISOLATION,
	};
	struct iommufd_emu_opts shaped = { .size = sizeof(shaped), .flags = flags[shape] };
	struct iommufd_ctx_opts opts = { .size = sizeof(opts) };
	struct iommufd_emu *emu;
	char kernel[32];
	int rc;

	describe_machine(&shaped, kernel, sizeof(kernel));
	if (shape == SHAPE_LITTLE_MEMORY)
		shaped.memlock_pages = SHAPE_LOCKABLE / PAGE;
	if (iommufd_emu_new(&shaped, &emu))
		return CANNOT_ARRANGE;
	if (refuse_calls(emu, shape))
		return CANNOT_ARRANGE;
	opts.sys = iommufd_emu_get_sys(emu);
	/* Older kernels have no node to forbid. */
	if (shape == SHAPE_NO_PERMISSION && iommufd_emu_open(emu, "/dev/iommu") == -ENOENT)
		rc = CANNOT_ARRANGE;
	else
		rc = ask(&opts, device);
	iommufd_emu_unref(emu);
	return rc;
}

/* A /dev of its own with nothing in it. */
static int empty_dev(void)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("none", "/dev", "tmpfs", 0, NULL);
}

struct node {
	char path[300];
	dev_t number;
};

static size_t list_nodes(const char *dir, struct node *nodes, size_t room)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	while (d && n < room && (entry = readdir(d))) {
		snprintf(nodes[n].path, sizeof(nodes[n].path), "%s/%s", dir, entry->d_name);
		if (stat(nodes[n].path, &st) || !S_ISCHR(st.st_mode))
			continue;
		nodes[n++].number = st.st_rdev;
	}
	if (d)
		closedir(d);
	return n;
}

/* A user for whom /dev/iommu and groups have these modes; the nodes of devices are root's. */
static int be_user(mode_t iommu, mode_t groups)
{
	static struct node nodes[128];
	size_t n = list_nodes("/dev/vfio", nodes, 64), devices;
	struct stat st;
	bool has_iommu = !stat("/dev/iommu", &st);

	devices = list_nodes("/dev/vfio/devices", nodes + n, 64);
	umask(0);
	if (empty_dev() || mkdir("/dev/vfio", 0755) || mkdir("/dev/vfio/devices", 0755) ||
	    (has_iommu && mknod("/dev/iommu", S_IFCHR | iommu, st.st_rdev)))
		return -1;
	for (size_t i = 0; i < n + devices; i++) {
		mode_t mode = i >= n ? 0600 : strcmp(nodes[i].path, "/dev/vfio/vfio") ? groups : 0666;

		if (mknod(nodes[i].path, S_IFCHR | mode, nodes[i].number))
			return -1;
	}
	return setgid(1000) || setuid(1000);
}

static int drop_capability(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -1;
	data[cap / 32].effective &= ~(1u << cap % 32);
	return (int)syscall(SYS_capset, &head, data);
}

/* The parameters of either module, on a machine whose interrupts are not remapped. */
static int allow_unsafe_interrupts(const char *allow)
{
	static const char *const modules[] = { "vfio_iommu_type1", "iommufd" };
	const char *iommu = getenv("LIBIOMMUFD_TEST_IOMMU");
	int written = 0;

	if (!iommu || strcmp(iommu, "virtio"))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		char path[80];
		int fd;

		snprintf(path, sizeof(path), "/sys/module/%s/parameters/allow_unsafe_interrupts",
			 modules[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		written += fd >= 0 && write(fd, allow, 1) == 1;
		close(fd);
	}
	return written ? 0 : -1;
}

static int arrange(enum shape shape)
{
	struct rlimit lockable = { SHAPE_LOCKABLE, SHAPE_LOCKABLE };

	switch (shape) {
	case SHAPE_NO_NODE:
		return empty_dev();
	case SHAPE_NO_DRIVER: /* no miscellaneous device has this number */
		return empty_dev() || mknod("/dev/iommu", S_IFCHR | 0600, makedev(10, 100));
	case SHAPE_NO_PERMISSION:
		return access("/dev/iommu", F_OK) || setgid(1000) || setuid(1000);
	case SHAPE_NO_DEVICE_PERMISSION:
		return be_user(0666, 0600);
	case SHAPE_OWN_GROUPS:
		return be_user(0600, 0666);
	case SHAPE_UNPRIVILEGED:
		return drop_capability(CAP_SYS_RESOURCE);
	case SHAPE_NO_SYSFS:
		return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		       mount("none", "/sys", "tmpfs", 0, NULL);
	case SHAPE_NO_RAWIO:
		return access("/dev/vfio/noiommu-0", F_OK) || drop_capability(CAP_SYS_RAWIO);
	case SHAPE_LITTLE_MEMORY:
		return setrlimit(RLIMIT_MEMLOCK, &lockable) || drop_capability(CAP_IPC_LOCK);
	case SHAPE_UNSAFE_INTERRUPTS:
		return allow_unsafe_interrupts("N");
	}
	return -1;
}

static int ask_child(enum shape shape,
		     int (*ask)(const struct iommufd_ctx_opts *opts, const char *device),
		     const char *device)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts) };
	int pipes[2], rc = CANNOT_ARRANGE;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC))
		return CANNOT_ARRANGE;
	child = fork();
	if (!child) {
		if (!arrange(shape))
			rc = ask(&opts, device);
		_exit(write(pipes[1], &rc, sizeof(rc)) != sizeof(rc));
	}
	close(pipes[1]);
	if (child < 0 || read(pipes[0], &rc, sizeof(rc)) != sizeof(rc))
		rc = CANNOT_ARRANGE;
	close(pipes[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	if (shape == SHAPE_UNSAFE_INTERRUPTS)
		allow_unsafe_interrupts("Y");
	return rc;
}

int ask_in_shape(struct fixture *f, enum shape shape,
		 int (*ask)(const struct iommufd_ctx_opts *opts, const char *device))
{
	const char *device = device_name(f, ALONE1);
	int rc = contract_is_emulated() ? ask_emulated(shape, ask, device) :
		ask_child(shape, ask, device);

	if (rc == CANNOT_ARRANGE)
		skip_case(f, "this user or kernel cannot arrange the situation");
	if (rc == NO_RECORD)
		fail_msg("the failure left no complete error record");
	return rc;
}

bool has_containers(struct fixture *f)
{
	const char *name = iommufd_ctx_get_backend(f->ctx);

	return strstr(name, "+type1") || strstr(name, "group+noiommu");
}

static char policy[32];

int policy_setup(void **state)
{
	const char *set = getenv("LIBIOMMUFD_BACKEND");

	snprintf(policy, sizeof(policy), "%s", set ? set : "");
	return fixture_setup(state);
}

int policy_teardown(void **state)
{
	if (*policy)
		setenv("LIBIOMMUFD_BACKEND", policy, 1);
	else
		unsetenv("LIBIOMMUFD_BACKEND");
	return fixture_teardown(state);
}

int run_on_backends(const char *name, const struct CMUnitTest *cases, size_t count)
{
	static const char *const all[] = { "cdev+iommufd", "group+iommufd", "group+type1" };
	const char *set = getenv("LIBIOMMUFD_BACKEND");
	int failed = 0;

	if (!contract_is_emulated() || strstr(getenv("LIBIOMMUFD_EMU"), "noiommu") || (set && *set))
		return _cmocka_run_group_tests(name, cases, count, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct iommufd_device *dev = NULL;
		struct iommufd_ctx *ctx;
		int rc;

		setenv("LIBIOMMUFD_BACKEND", all[i], 1);
		rc = iommufd_ctx_new(NULL, &ctx);
		if (!rc)
			rc = iommufd_device_open(ctx, "0000:00:03.0", NULL, &dev);
		iommufd_device_unref(dev);
		iommufd_ctx_unref(ctx);
		if (rc)
			continue; /* an older kernel */
		printf("%s on %s\n", name, all[i]);
		failed += _cmocka_run_group_tests(name, cases, count, NULL, NULL);
	}
	unsetenv("LIBIOMMUFD_BACKEND");
	return failed;
}
