/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The thread that is the hardware: it finishes what devices were told to do,
 * watches mapped registers and the user's eventfds. It exists while a device
 * is open.
 */
#ifndef EMU_ENGINE_H
#define EMU_ENGINE_H

struct iommufd_emu;
struct emu_engine;

int emu_engine_start(struct iommufd_emu *emu);
/* There is something to do or to watch. */
void emu_engine_kick(struct iommufd_emu *emu);
/* Leaves the thread to emu_engine_join(), which must not hold the lock. */
void emu_engine_stop(struct iommufd_emu *emu);
void emu_engine_join(struct emu_engine *engine);

#endif
