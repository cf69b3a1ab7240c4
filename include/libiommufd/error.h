/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file error.h
 * @section error What failed, why, and what to do
 *
 * A function that can fail returns 0 or a negative errno. Beside the number,
 * each thread keeps a record of its last failure in any function of the
 * library but the two lookups of lookup.h; libiommufd-emu leaves none. It holds the kernel call or check that refused, the object concerned, what
 * was wrong in words and figures, and what the caller can do. A call that
 * succeeds leaves the record as it was.
 */
#ifndef LIBIOMMUFD_ERROR_H
#define LIBIOMMUFD_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/** The last failure of a thread. Strings end in NUL and may be empty. */
struct iommufd_error {
	int code;             /**< negative errno, as returned; 0 before any failure */
	char operation[48];   /**< kernel call ("IOMMU_IOAS_MAP") or library function that refused */
	char object[80];      /**< what it was about: "ioas 2", "device 0000:00:03.0" */
	char message[320];    /**< what is wrong, with the values */
	char remedy[320];     /**< what the caller can do about it */
};

/**
 * Get the record of this thread's last failure.
 *
 * The record is overwritten by the next failure in the same thread.
 *
 * @return the record; never NULL
 * @threads any
 * @since 0.1
 * @source none
 */
const struct iommufd_error *iommufd_error_last(void);

#ifdef __cplusplus
}
#endif
#endif
