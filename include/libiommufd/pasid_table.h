/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file pasid_table.h
 * @section pasid_table PASID tables
 *
 * A PASID names one of several I/O address spaces that a device uses at a time.
 * A guest chooses numbers of its own, and so does the user of a mediated device; what
 * the hardware is told are numbers that the host has free. A table has pairs of
 * the two: virtual numbers, as the guest says, and physical ones.
 *
 * A monitor looks up the physical number when the guest programs a device, and
 * the virtual one when the hardware reports a fault. Both are for the data path:
 * no lock, no allocation, no system call, and as fast with a full table as with
 * an empty one. Memory follows what is in the table, about 8 bytes for each
 * pair where numbers lie close together; what was needed once is kept.
 *
 * Each number is in one pair at most. A table belongs to no context and asks
 * the kernel nothing: that a physical number is attached to anything is the
 * caller's to know.
 */
#ifndef LIBIOMMUFD_PASID_TABLE_H
#define LIBIOMMUFD_PASID_TABLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_pasid_table;

/** Pairs of consecutive numbers. */
struct iommufd_pasid_range {
	size_t size;       /**< sizeof(struct iommufd_pasid_range), set by the caller */
	uint32_t vpasid;   /**< first virtual number */
	uint32_t pasid;    /**< first physical number */
	uint32_t count;    /**< pairs: vpasid and pasid, vpasid + 1 and pasid + 1, and so on */
	uint32_t reserved; /**< zero */
};

/** How large a table is. */
struct iommufd_pasid_table_info {
	size_t size;             /**< sizeof(struct iommufd_pasid_table_info), set by the caller */
	uint32_t virtual_width;  /**< bits of a virtual number */
	uint32_t physical_width; /**< bits of a physical number */
	uint32_t pairs;          /**< in the table */
	uint32_t reserved;       /**< zero */
	uint64_t bytes;          /**< memory that it takes */
};

/**
 * Make an empty table.
 *
 * @param virtual_width   bits of a virtual number, 1 to 20: what the guest is told that the device has
 * @param physical_width  bits of a physical number, 1 to 20: pasid_width of struct iommufd_hw_info; a device whose width is 0 has none to table
 * @param out             the table, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p out is NULL, or a width is not 1 to 20
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_new(uint32_t virtual_width, uint32_t physical_width,
			    struct iommufd_pasid_table **out);

/**
 * Take another reference.
 *
 * @param table  the table; may be NULL
 * @return @p table
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_pasid_table *iommufd_pasid_table_ref(struct iommufd_pasid_table *table);

/**
 * Give back a reference; the last frees the table.
 *
 * @param table  the table; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_pasid_table *iommufd_pasid_table_unref(struct iommufd_pasid_table *table);

/**
 * Put a pair into the table.
 *
 * Nothing is replaced: clear what is there first.
 *
 * @param table   the table
 * @param vpasid  virtual number, 0 and up
 * @param pasid   physical number, 1 and up: 0 stands for requests without a PASID
 * @return 0, or:
 *   -EINVAL         not a table
 *   -ERANGE         a number does not fit its width, or @p pasid is 0
 *   -EEXIST         one of them is in a pair already; the message names it
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_set(struct iommufd_pasid_table *table, uint32_t vpasid, uint32_t pasid);

/**
 * Put pairs of consecutive numbers into the table, all or none.
 *
 * Lookups that run meanwhile find some of them before others.
 *
 * @param table   the table
 * @param vpasid  first virtual number
 * @param pasid   first physical number, 1 and up
 * @param count   pairs
 * @return 0, or:
 *   -EINVAL         not a table, or @p count is 0
 *   -ERANGE         a number does not fit its width, or @p pasid is 0
 *   -EEXIST         a number is in a pair already; the message names the first
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_set_range(struct iommufd_pasid_table *table, uint32_t vpasid,
				  uint32_t pasid, uint32_t count);

/**
 * Take a pair out of the table.
 *
 * A lookup that runs meanwhile may have found it: what else ends the use of the
 * physical number comes after.
 *
 * @param table   the table
 * @param vpasid  virtual number
 * @return 0, or:
 *   -EINVAL         not a table
 *   -ERANGE         @p vpasid does not fit its width
 *   -ENOENT         it is in no pair
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_clear(struct iommufd_pasid_table *table, uint32_t vpasid);

/**
 * Take all pairs of a range of virtual numbers out of the table.
 *
 * Numbers that are in no pair do not matter.
 *
 * @param table    the table
 * @param vpasid   first virtual number
 * @param count    numbers
 * @param cleared  receives how many pairs there were; may be NULL
 * @return 0, or:
 *   -EINVAL         not a table, or @p count is 0
 *   -ERANGE         a number does not fit its width
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_clear_range(struct iommufd_pasid_table *table, uint32_t vpasid,
				    uint32_t count, uint32_t *cleared);

/**
 * Find the physical number of a virtual one: for the data path.
 *
 * No lock, no allocation, no system call; may run beside any other function on
 * the table. A failure leaves no error record.
 *
 * @param table   the table
 * @param vpasid  virtual number, whatever a guest may have said
 * @param pasid   receives the physical number
 * @return 0, or:
 *   -EINVAL         not a table, or @p pasid is NULL
 *   -ERANGE         @p vpasid does not fit its width
 *   -ENOENT         it is in no pair
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_to_physical(struct iommufd_pasid_table *table, uint32_t vpasid,
				    uint32_t *pasid);

/**
 * Find the virtual number of a physical one: for faults.
 *
 * As iommufd_pasid_table_to_physical(), the other way. Whoever got the physical
 * number there finds it here, until the pair is cleared.
 *
 * @param table   the table
 * @param pasid   physical number
 * @param vpasid  receives the virtual number
 * @return 0, or:
 *   -EINVAL         not a table, or @p vpasid is NULL
 *   -ERANGE         @p pasid does not fit its width
 *   -ENOENT         it is in no pair
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_to_virtual(struct iommufd_pasid_table *table, uint32_t pasid,
				   uint32_t *vpasid);

/**
 * Get the first pairs at or after a virtual number, as many as are consecutive.
 *
 * To walk all, start at 0 and go on at vpasid + count of each; stop at -ENOENT,
 * which leaves no error record.
 *
 * @param table  the table
 * @param from   virtual number to start from; whatever does not fit has none after it
 * @param range  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a table, @p range is NULL or its size field is senseless
 *   -ENOENT         there is none
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_next(struct iommufd_pasid_table *table, uint32_t from,
			     struct iommufd_pasid_range *range);

/**
 * Get how large a table is.
 *
 * @param table  the table
 * @param info   filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a table, @p info is NULL or its size field is senseless
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_table_get_info(struct iommufd_pasid_table *table,
				 struct iommufd_pasid_table_info *info);

#ifdef __cplusplus
}
#endif
#endif
