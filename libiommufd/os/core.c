/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "os/core.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "os/mem.h"

#define EMULATOR "libiommufd-emu.so.0"

/* Whose the kernel's objects are; a new mark says OWNED. */
enum { FORKED, OWNED, DISOWNED };

struct iommufd_emu;

static int note_shared(struct dl_phdr_info *info, size_t size, void *found)
{
	(void)size;
	if (strstr(info->dlpi_name, ".so") && !strstr(info->dlpi_name, "vdso"))
		*(bool *)found = true;
	return 0;
}

/* The emulator would bring a second C library into a wholly static program, and crash in it. */
static bool is_static(void)
{
	bool shared = false;

	dl_iterate_phdr(note_shared, &shared);
	return !shared;
}

static int err_wanted(const char *function)
{
	return err(-EINVAL, function, "LIBIOMMUFD_EMU",
		   "set it to 1 or newest, 6.6, 6.1 or 5.10, and add what is wanted of ,no-cdev ,no-iommufd ,no-permission ,noiommu ,compat ,unprivileged; or to 0 for the running kernel",
		   "the emulator does not know the kernel or machine that LIBIOMMUFD_EMU names");
}

static int load_emulator(struct core *core, const char *function)
{
	int (*get_default)(struct iommufd_emu **);
	const struct iommufd_sys *(*get_sys)(struct iommufd_emu *);
	struct iommufd_emu *(*unref)(struct iommufd_emu *);
	struct iommufd_emu *emu;
	void *emulator; /* never closed: descriptors lent to the program outlive the context */
	int r;

	if (is_static())
		return err(-ELIBACC, function, EMULATOR,
			   "link the program dynamically, or unset LIBIOMMUFD_EMU to use the running kernel",
			   "LIBIOMMUFD_EMU is set and a wholly static program cannot load the emulator");
	emulator = dlopen(EMULATOR, RTLD_NOW | RTLD_LOCAL);
	if (!emulator) {
		const char *why = dlerror();

		return err(-ELIBACC, function, EMULATOR,
			   "install libiommufd-emu, or unset LIBIOMMUFD_EMU to use the running kernel",
			   "LIBIOMMUFD_EMU is set and the emulator cannot be loaded: %s",
			   why ? why : "no reason given");
	}
	*(void **)&get_default = dlsym(emulator, "iommufd_emu_get_default");
	*(void **)&get_sys = dlsym(emulator, "iommufd_emu_get_sys");
	*(void **)&unref = dlsym(emulator, "iommufd_emu_unref");
	if (!get_default || !get_sys || !unref) {
		r = err(-ELIBACC, function, EMULATOR, "install the emulator of this release",
			"the emulator lacks a function of this release");
		goto close;
	}
	r = get_default(&emu);
	if (r) {
		r = r == -EINVAL ? err_wanted(function) : err_nomem(function, EMULATOR);
		goto close;
	}
	core->sys = get_sys(emu);
	if (sys_check(core->sys)) {
		r = err(-ELIBACC, function, EMULATOR, "install the emulator of this release",
			"the emulator is from another build");
		unref(emu);
		goto close;
	}
	core->sys->ref(core->sys->data);
	unref(emu);
	return 0;
close:
	dlclose(emulator);
	core->sys = NULL;
	return r;
}

int core_init(struct core *core, const char *function, const struct iommufd_sys *sys)
{
	const char *wanted = secure_getenv("LIBIOMMUFD_EMU");

	core->owner = os_fork_mark();
	if (!core->owner)
		return err_nomem(function, "ctx");
	core->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (sys) {
		if (sys_check(sys))
			return err(-EINVAL, function, "opts.sys",
				   "pass what iommufd_emu_get_sys() of this release returns",
				   "the system-call table is not of this build");
		core->sys = sys;
		sys->ref(sys->data);
		return 0;
	}
	if (wanted && *wanted && strcmp(wanted, "0"))
		return load_emulator(core, function);
	core->sys = sys_kernel();
	return 0;
}

void core_exit(struct core *core)
{
	if (core->sys)
		core->sys->unref(core->sys->data);
	core->sys = NULL;
	os_fork_mark_free(core->owner);
}

bool core_is_owner(const struct core *core)
{
	return *core->owner == OWNED;
}

bool core_is_forked(const struct core *core)
{
	return *core->owner == FORKED;
}

void core_set_owner(const struct core *core, bool owner)
{
	if (!core_is_forked(core))
		*core->owner = owner ? OWNED : DISOWNED;
}
