/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OS_PAUSE_H
#define OS_PAUSE_H

/* Let others go on for a moment, before the kernel is asked again. */
void os_pause(unsigned int milliseconds);

#endif
