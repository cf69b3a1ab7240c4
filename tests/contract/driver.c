/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "driver.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <libiommufd/emu.h>

#define VFIO "vfio-pci"

/* What has to be put right when the case ends. */
static struct {
	char name[64], driver[32];
	pid_t remover; /* waits for the device to be closed */
} changed[8];

static struct blocker blocker;

static void note_change(const char *name, pid_t remover)
{
	const char *driver = strcmp(name, blocker.name) ? VFIO : "";
	size_t i = 0;

	while (*changed[i].name && strcmp(changed[i].name, name))
		assert_true(++i < ARRAY_SIZE(changed));
	snprintf(changed[i].name, sizeof(changed[i].name), "%s", name);
	snprintf(changed[i].driver, sizeof(changed[i].driver), "%s", driver);
	if (remover)
		changed[i].remover = remover;
}

/* -- the real kernel */

static int write_to(const char *name, const char *file, const char *text)
{
	char path[160];
	int fd, r;

	snprintf(path, sizeof(path), "/sys/bus/pci/%s%s%s", name ? "devices/" : "",
		 name ? name : "", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static const char *real_driver(const char *name)
{
	static char target[256];
	char path[160];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", name);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return n < 0 ? target : strrchr(target, '/') + 1;
}

static int set_real_driver(const char *name, const char *driver)
{
	if (!strcmp(real_driver(name), driver))
		return 0;
	write_to(name, "/driver_override", *driver ? driver : "\n");
	write_to(name, "/driver/unbind", name);
	if (*driver)
		write_to(NULL, "drivers_probe", name);
	return strcmp(real_driver(name), driver) ? -EBUSY : 0;
}

/* A program of its own: a forked child would hold the descriptors it waits for. */
static pid_t begin_real_unbind(const char *name)
{
	char shell[] = "sh", option[] = "-c", command[160];
	char *argv[] = { shell, option, command, NULL }, *env[] = { NULL };
	pid_t child;

	snprintf(command, sizeof(command), "echo %s >/sys/bus/pci/drivers/" VFIO "/unbind", name);
	assert_int_equal(posix_spawn(&child, "/bin/sh", NULL, NULL, argv, env), 0);
	return child;
}

/* -- either */

static int bind(const char *name, const char *driver)
{
	struct iommufd_emu *emu;
	int r;

	if (!contract_is_emulated())
		return set_real_driver(name, driver);
	assert_int_equal(iommufd_emu_get_default(&emu), 0);
	r = iommufd_emu_set_driver(emu, name, driver);
	iommufd_emu_unref(emu);
	return r;
}

static void add_emulated_blocker(void)
{
	struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts), .bdf = "0000:01:03.0", .driver = "", .group = 8,
	};
	struct iommufd_emu *emu;
	int r;

	assert_int_equal(iommufd_emu_get_default(&emu), 0);
	r = iommufd_emu_add_device(emu, &opts);
	assert_true(!r || r == -EEXIST);
	iommufd_emu_unref(emu);
	blocker = (struct blocker){ "0000:01:03.0", "nvme" };
}

const struct blocker *get_blocker(struct fixture *f)
{
	const char *named = getenv("LIBIOMMUFD_TEST_BLOCKER");

	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ISOLATION))
		skip_case(f, "without an IOMMU each device is a group of its own");
	if (contract_is_emulated())
		add_emulated_blocker();
	else if (!named || sscanf(named, "%63s %31s", blocker.name, blocker.driver) != 2)
		skip_case(f, "LIBIOMMUFD_TEST_BLOCKER names no device and driver");
	else if (access("/sys/bus/pci/drivers_probe", W_OK))
		skip_case(f, "this user may not bind drivers");
	return &blocker;
}

int set_driver(struct fixture *f, const char *name, const char *driver)
{
	if (!contract_is_emulated() && access("/sys/bus/pci/drivers_probe", W_OK))
		skip_case(f, "this user may not bind drivers");
	note_change(name, 0);
	return bind(name, driver);
}

void take_away(struct fixture *f, const char *name)
{
	if (contract_is_emulated()) {
		note_change(name, 0);
		assert_int_equal(bind(name, ""), -EBUSY);
	} else if (access("/sys/bus/pci/drivers_probe", W_OK)) {
		skip_case(f, "this user may not unbind drivers");
	} else {
		note_change(name, begin_real_unbind(name));
	}
}

int driver_teardown(void **state)
{
	int r = fixture_teardown(state);

	for (size_t i = 0; i < ARRAY_SIZE(changed) && *changed[i].name; i++) {
		if (changed[i].remover)
			waitpid(changed[i].remover, NULL, 0);
		if (bind(changed[i].name, changed[i].driver)) {
			print_error("%s cannot have its driver back\n", changed[i].name);
			r = -1;
		}
	}
	memset(changed, 0, sizeof(changed));
	return r;
}
