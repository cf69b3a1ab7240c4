/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "contract.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <libiommufd/emu.h>

#include "mock.h"
#include "os/sys.h"

/* The machine of LIBIOMMUFD_EMU, or NULL on a real kernel. */
static struct iommufd_emu *machine;

bool contract_is_emulated(void)
{
	return machine != NULL;
}

static bool isolated;
static struct fixture *current; /* whose case runs */

bool contract_is_isolated(void)
{
	return isolated;
}

static void die(const char *what)
{
	fprintf(stderr, "contract: %s\n", what);
	exit(99);
}

/* Beside the default machine's devices: one without a driver, as a host bridge is. */
static void prepare_machine(void)
{
	struct iommufd_emu_device_opts bridge = {
		.size = sizeof(bridge), .bdf = "0000:00:00.0", .driver = "", .group = 100,
	};
	int rc;

	if (iommufd_emu_get_default(&machine))
		die("no emulated machine");
	rc = iommufd_emu_add_device(machine, &bridge);
	if (rc && rc != -EEXIST)
		die("the emulated machine takes no further device");
}

static void release_machine(void)
{
	machine = iommufd_emu_unref(machine);
}

void contract_begin(int argc, char **argv)
{
	const char *emu = getenv("LIBIOMMUFD_EMU");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (emu && *emu && strcmp(emu, "0")) {
		prepare_machine();
		atexit(release_machine);
	}
}

/* -- what a fixture holds */

static struct held *find(struct fixture *f, enum kind kind, const void *object, int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(f->held); i++) {
		struct held *h = &f->held[i];

		if (h->kind == kind && h->object == object && h->fd == fd)
			return h;
	}
	die("a case holds too much, or gives back what it does not hold");
	return NULL;
}

static void hold(struct fixture *f, enum kind kind, void *object, size_t size, int fd)
{
	*find(f, NOTHING, NULL, 0) = (struct held){
		.kind = kind, .object = object, .size = size, .fd = fd,
	};
}

void hold_object(struct fixture *f, void *object, void (*release)(void *object))
{
	hold(f, OTHER, object, 0, 0);
	find(f, OTHER, object, 0)->release = release;
}

void hold_mock(struct fixture *f, void *mock, void (*release)(void *mock))
{
	hold(f, MOCK_DEVICE, mock, 0, 0);
	find(f, MOCK_DEVICE, mock, 0)->release = release;
}

static void release(struct held *h)
{
	if (h->release)
		h->release(h->object);
	else if (h->kind == DEVICE)
		iommufd_device_unref(h->object);
	else if (h->kind == GROUP)
		iommufd_group_unref(h->object);
	else if (h->kind == IOAS)
		iommufd_ioas_unref(h->object);
	else if (h->kind == CONTEXT)
		iommufd_ctx_unref(h->object);
	else if (h->kind == BUFFER)
		munmap(h->object, h->size);
	else if (h->kind == FD && (!machine || iommufd_emu_close(machine, h->fd)))
		close(h->fd);
	*h = (struct held){ .kind = NOTHING };
}

void put_object(struct fixture *f, void *object)
{
	release(find(f, OTHER, object, 0));
}

int raw_ioctl(int fd, unsigned long request, void *arg)
{
	const struct iommufd_sys *sys = machine ? iommufd_emu_get_sys(machine) : NULL;
	int r = sys ? sys->ioctl(sys->data, fd, request, arg) : ioctl(fd, request, arg);

	return sys || r >= 0 ? r : -errno;
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->name = *state;
	f->fds_before = count_fds();
	if (iommufd_ctx_new(NULL, &f->ctx)) {
		print_error("%s: no context: %s\n", f->name, iommufd_error_last()->message);
		free(f);
		return -1;
	}
	isolated = iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ISOLATION) == 1;
	expect_watch(f);
	current = f;
	*state = f;
	return 0;
}

/* Nothing may be left in the emulated kernel either. */
static int check_machine(const char *name)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	if (!machine)
		return 0;
	if (iommufd_emu_get_counts(machine, &c))
		return -1;
	if (!(c.fds + c.ioas + c.bound + c.attached + c.mappings + c.pinned_pages + c.bar_maps +
	      c.eventfds + c.groups + c.containers + c.objects))
		return 0;
	print_error("%s: left in the kernel: %" PRIu64 " fds, %" PRIu64 " ioas, %" PRIu64 " bound, "
		    "%" PRIu64 " attached, %" PRIu64 " mappings, %" PRIu64 " pinned pages, "
		    "%" PRIu64 " BAR maps, %" PRIu64 " eventfds, %" PRIu64 " groups, %" PRIu64
		    " containers, %" PRIu64 " objects\n", name, c.fds, c.ioas, c.bound,
		    c.attached, c.mappings, c.pinned_pages, c.bar_maps, c.eventfds,
		    c.groups, c.containers, c.objects);
	return -1;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	int rc, after;

	expect_watch(NULL);
	limit_fds(LIFT_LIMIT);
	for (int kind = NOTHING + 1; kind < NUM_KINDS; kind++)
		for (size_t i = 0; i < ARRAY_SIZE(f->held); i++)
			if (f->held[i].kind == (enum kind)kind)
				release(&f->held[i]);
	iommufd_ctx_unref(f->ctx);
	after = count_fds();
	if (after != f->fds_before)
		print_error("%s: %d file descriptors before, %d after\n", f->name, f->fds_before,
			    after);
	rc = check_machine(f->name) || after != f->fds_before ? -1 : 0;
	free(f);
	return rc;
}

void skip_case(struct fixture *f, const char *reason)
{
	printf("SKIP %s: %s\n", f->name, reason);
	skip();
	abort(); /* skip() does not return */
}

struct iommufd_ctx *hold_ctx(struct fixture *f, struct iommufd_ctx *ctx)
{
	hold(f, CONTEXT, ctx, 0, 0);
	return ctx;
}

struct iommufd_ctx *get_ctx(struct fixture *f, const struct iommufd_ctx_opts *opts)
{
	struct iommufd_ctx *ctx;

	assert_ok(iommufd_ctx_new(opts, &ctx));
	return hold_ctx(f, ctx);
}

void put_ctx(struct fixture *f, struct iommufd_ctx *ctx)
{
	release(find(f, CONTEXT, ctx, 0));
}

struct iommufd_device *hold_device(struct fixture *f, struct iommufd_device *dev)
{
	hold(f, DEVICE, dev, 0, 0);
	return dev;
}

struct iommufd_device *get_device(struct fixture *f, enum place place)
{
	const char *name = device_name(f, place);
	struct iommufd_device *dev;

	assert_ok(iommufd_device_open(f->ctx, name, NULL, &dev));
	return hold_device(f, dev);
}

void put_device(struct fixture *f, struct iommufd_device *dev)
{
	release(find(f, DEVICE, dev, 0));
}

struct iommufd_group *hold_group(struct fixture *f, struct iommufd_group *group)
{
	hold(f, GROUP, group, 0, 0);
	return group;
}

void put_group(struct fixture *f, struct iommufd_group *group)
{
	release(find(f, GROUP, group, 0));
}

struct iommufd_ioas *hold_ioas(struct fixture *f, struct iommufd_ioas *ioas)
{
	hold(f, IOAS, ioas, 0, 0);
	return ioas;
}

struct iommufd_ioas *get_ioas(struct fixture *f)
{
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(f->ctx, NULL, &ioas));
	return hold_ioas(f, ioas);
}

void put_ioas(struct fixture *f, struct iommufd_ioas *ioas)
{
	release(find(f, IOAS, ioas, 0));
}

/*
 * Far from where the kernel puts what it is free to place: a page that a case
 * unmaps, or memory that it gives back, is then not taken by somebody's malloc().
 */
static void *place_apart(size_t size)
{
	static uintptr_t next = (uintptr_t)(UINT64_C(1) << 45);
	void *hint = (void *)next;

	next += (size / HUGE_PAGE + 2) * HUGE_PAGE;
	return hint;
}

uint8_t *get_buffer(struct fixture *f, size_t size)
{
	size_t slack = size >= HUGE_PAGE ? HUGE_PAGE : 0;
	uint8_t *raw = mmap(place_apart(size), size + slack, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (raw == MAP_FAILED)
		die("out of memory");
	before = slack ? (HUGE_PAGE - (uintptr_t)raw % HUGE_PAGE) % HUGE_PAGE : 0;
	if (before)
		munmap(raw, before);
	if (slack - before)
		munmap(raw + before + size, slack - before);
	hold(f, BUFFER, raw + before, size, 0);
	return raw + before;
}

void put_buffer(struct fixture *f, uint8_t *data)
{
	release(find(f, BUFFER, data, 0));
}

int hold_fd(struct fixture *f, int fd)
{
	assert_true(fd >= 0);
	hold(f, FD, NULL, 0, fd);
	return fd;
}

int get_eventfd(struct fixture *f)
{
	return hold_fd(f, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int closed_fd(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 500);

	assert_true(fd >= 500);
	close(fd);
	return fd;
}

void put_fd(struct fixture *f, int fd)
{
	release(find(f, FD, NULL, fd));
}

int open_node(struct fixture *f, const char *path)
{
	int fd = machine ? iommufd_emu_open(machine, path) : open(path, O_RDWR | O_CLOEXEC);

	return hold_fd(f, fd);
}

/* -- devices */

const char *device_name(struct fixture *f, enum place place)
{
	static char name[NUM_PLACES][64];
	const char *list = getenv("LIBIOMMUFD_TEST_DEVICES");
	const char *msix = getenv("LIBIOMMUFD_TEST_MSIX_DEVICE");

	if (!list)
		list = "0000:00:03.0 0000:00:04.0 0000:01:01.0 0000:01:02.0";
	if (sscanf(list, "%63s %63s %63s %63s", name[ALONE1], name[ALONE2], name[SIBLING1],
		   name[SIBLING2]) < (int)place + 1 && place != MSIX)
		skip_case(f, "LIBIOMMUFD_TEST_DEVICES names too few devices");
	snprintf(name[MSIX], sizeof(name[MSIX]), "%s", msix ? msix : "0000:00:06.0");
	if (!isolated && place == SIBLING2)
		skip_case(f, "without an IOMMU each device is a group of its own");
	if (place == MSIX && !*name[MSIX])
		skip_case(f, "no device with MSI-X");
	return name[place];
}

/* Asks the library, which knows where the names are on either kernel. */
const char *device_node(struct fixture *f, enum place place)
{
	static char path[64];
	struct iommufd_device_info info = { .size = sizeof(info) };
	const char *name = device_name(f, place);

	for (int i = 0; i < 64; i++) {
		struct iommufd_device *dev;
		bool found;

		snprintf(path, sizeof(path), "/dev/vfio/devices/%svfio%d",
			 isolated ? "" : "noiommu-", i);
		if (iommufd_device_open(f->ctx, path, NULL, &dev))
			continue;
		assert_ok(iommufd_device_get_info(dev, &info));
		found = !strcmp(info.name, name);
		iommufd_device_unref(dev);
		if (found)
			return path;
	}
	return NULL;
}

bool has_by_group(struct fixture *f)
{
	return strstr(iommufd_ctx_get_backend(f->ctx), "group+");
}

/* -- file descriptors */

/* A kernel refers to an eventfd without a descriptor; the emulated one has to have one. */
static int kernels_own_fds(void)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	return machine && !iommufd_emu_get_counts(machine, &c) ? (int)c.eventfds : 0;
}

int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -1; /* its own */

	if (!dir)
		die("no /proc/self/fd");
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count - kernels_own_fds();
}

void limit_fds(int limit)
{
	static struct rlimit before;
	struct rlimit now;

	if (limit == NO_MORE_FDS) {
		int lowest = fcntl(0, F_DUPFD_CLOEXEC, 0);

		assert_true(lowest >= 0);
		close(lowest);
		assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
		now = before;
		now.rlim_cur = (rlim_t)lowest;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	} else if (before.rlim_max) {
		setrlimit(RLIMIT_NOFILE, &before);
		before.rlim_max = 0;
	}
}

/* -- I/O address spaces */

void map_at(struct iommufd_ioas *ioas, void *data, size_t length, uint64_t iova)
{
	assert_ok(iommufd_ioas_map(ioas, data, length, FIXED_RW, &iova, NULL));
}

size_t count_mappings(struct iommufd_ioas *ioas)
{
	struct iommufd_mapping m = { .size = sizeof(m) };
	size_t count = 0;

	for (uint64_t from = 0; !iommufd_ioas_next_mapping(ioas, from, &m); count++) {
		from = m.iova + m.length;
		if (!from)
			return count + 1;
	}
	return count;
}

uint64_t pinned_pages(void)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };
	unsigned long long total = 0, kilobytes;
	char line[128];
	FILE *status;

	if (machine && !iommufd_emu_get_counts(machine, &c))
		return c.pinned_pages;
	status = fopen("/proc/self/status", "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmPin: %llu", &kilobytes) == 1 ||
		    sscanf(line, "VmLck: %llu", &kilobytes) == 1)
			total += kilobytes;
	if (!status)
		die("no /proc/self/status");
	fclose(status);
	return total * 1024 / PAGE;
}

size_t get_ranges(struct iommufd_ioas *ioas, struct iommufd_range *range, size_t room)
{
	size_t count = room;

	assert_ok(iommufd_ioas_get_ranges(ioas, range, &count));
	return count;
}

uint64_t reserved_iova(struct iommufd_ioas *ioas)
{
	struct iommufd_range range[32];
	size_t count = get_ranges(ioas, range, ARRAY_SIZE(range));

	if (!isolated)
		skip_case(current, "without an IOMMU nothing is reserved");
	/* x86 keeps a window for MSIs, other machines end below 2^64. */
	assert_true(count > 1 || range[0].last != UINT64_MAX);
	return range[0].last + 1;
}
