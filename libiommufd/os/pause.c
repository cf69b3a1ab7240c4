/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "os/pause.h"

#include <time.h>

void os_pause(unsigned int milliseconds)
{
	const struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	nanosleep(&t, NULL); /* shorter after a signal, which does no harm */
}
