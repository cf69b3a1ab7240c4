/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_UAPI_TYPES_H
#define LIBIOMMUFD_OS_UAPI_TYPES_H

/* What the parts of the kernel ABI share. */

#include <stdint.h>
#include <sys/ioctl.h>

/*
 * 64-bit fields sit on 8 bytes even where the C ABI would pack them to 4
 * (i386), so a 32-bit program talks to a 64-bit kernel. A plain uint64_t in
 * these headers is deliberate: that field came before the rule.
 */
typedef uint64_t k_aligned_u64 __attribute__((aligned(8)));

/* The same, holding little-endian hardware words on every CPU. */
typedef uint64_t k_aligned_le64 __attribute__((aligned(8)));

#endif
