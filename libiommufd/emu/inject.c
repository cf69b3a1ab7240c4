/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Calls made to fail on purpose. */
#include "emu/machine.h"

#include <errno.h>

#include "base/macro.h"

#define CALLS_KNOWN (2u * IOMMUFD_EMU_CALL_POPULATE - 1)

int emu_inject_check(struct iommufd_emu *emu, uint32_t call, unsigned long request)
{
	const struct iommufd_emu_fault *fault = &emu->fault;
	uint64_t count = fault->count ? fault->count : 1;

	emu->counts.calls++;
	if (!emu->armed)
		return 0;
	if (fault->calls && !(fault->calls & call))
		return 0;
	/* ioctl numbers are 32 bits wide; a signed caller extends them */
	if (fault->request &&
	    (call != IOMMUFD_EMU_CALL_IOCTL || (uint32_t)fault->request != (uint32_t)request))
		return 0;
	if (++emu->seen < fault->nth)
		return 0;
	if (emu->seen - fault->nth + 1 >= count)
		emu->armed = false;
	emu->counts.injected++;
	return -fault->error;
}

IOMMUFD_EXPORT int iommufd_emu_inject(struct iommufd_emu *emu,
				      const struct iommufd_emu_fault *fault)
{
	struct iommufd_emu_fault copy = { 0 };
	int r;

	if (!emu)
		return -EINVAL;
	if (fault) {
		r = emu_opts_get(&copy, sizeof(copy), fault);
		if (r)
			return r;
		if (copy.calls & ~CALLS_KNOWN)
			return -EOPNOTSUPP;
		if (!copy.nth || copy.error <= 0 || copy.error > 4095)
			return -EINVAL;
		/* An arrangement that never fires makes a test that never fails. */
		if (copy.request && copy.calls && !(copy.calls & IOMMUFD_EMU_CALL_IOCTL))
			return -EINVAL;
	}
	emu_lock(emu);
	emu->fault = copy;
	emu->armed = fault != NULL;
	emu->seen = 0;
	emu_unlock(emu);
	return 0;
}
