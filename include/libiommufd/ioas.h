/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file ioas.h
 * @section ioas I/O address spaces
 *
 * An IOAS is a set of mappings from I/O virtual addresses (IOVA) to memory.
 * Devices attached to it reach that memory and nothing else. Mappings may be
 * made before any device is attached and stay when the last one leaves.
 *
 * The library keeps its own map of every mapping and checks each request
 * against it before it asks the kernel. Unmapping is all or nothing, and a
 * request that fails leaves everything as it was.
 *
 * Memory is pinned while a device is attached: at map time then, at attach time
 * for what was mapped before. Pinned memory counts against RLIMIT_MEMLOCK.
 *
 * Addresses and lengths are in bytes and multiples of the page size. Ranges
 * name their last byte, so that the top of the address space can be named.
 */
#ifndef LIBIOMMUFD_IOAS_H
#define LIBIOMMUFD_IOAS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ctx;
struct iommufd_ioas;

/** A range of IOVAs; both ends belong to it. */
struct iommufd_range {
	uint64_t start;       /**< first IOVA */
	uint64_t last;        /**< last IOVA */
};

/** Options for iommufd_ioas_new(); zero is the default for every field. */
struct iommufd_ioas_opts {
	size_t size;          /**< sizeof(struct iommufd_ioas_opts) */
	uint64_t flags;       /**< IOMMUFD_IOAS_* */
};

/** Flags of struct iommufd_ioas_opts. */
enum {
	IOMMUFD_IOAS_NO_HUGE_PAGES = 1 << 0, /**< use only the smallest I/O pages */
	/**
	 * Where the kernel limits the number of mappings (type1: 65535), those made before
	 * a device is attached become one there if they adjoin in IOVA and memory, with the
	 * same access. The kernel unmaps such only whole: unmapping one of them unmaps and
	 * maps again the others, and a device that accesses them in between faults.
	 */
	IOMMUFD_IOAS_COALESCE = 1 << 1,
	/**
	 * Devices get page tables, where their IOMMUs have them, on which what they write
	 * can be tracked: iommufd_ioas_set_dirty_tracking() then builds none. Tracking
	 * begins with that, and not before.
	 */
	IOMMUFD_IOAS_DIRTY_TRACKING = 1 << 2,
};

/** Flags of the map functions. */
enum {
	IOMMUFD_MAP_READ = 1 << 0,     /**< devices may read; there must be READ or WRITE */
	IOMMUFD_MAP_WRITE = 1 << 1,    /**< devices may write */
	IOMMUFD_MAP_FIXED = 1 << 2,    /**< at the IOVA given; without it the library chooses */
	IOMMUFD_MAP_COALESCE = 1 << 3, /**< iommufd_ioas_mapv() only: neighbours in memory become one mapping */
};

/** Where a chosen IOVA may lie; zero is the default for every field. */
struct iommufd_map_opts {
	size_t size;          /**< sizeof(struct iommufd_map_opts) */
	uint64_t min;         /**< lowest IOVA */
	uint64_t last;        /**< highest IOVA of the last byte; 0 is no limit. 0xffffffff for a 32-bit device */
	uint64_t align;       /**< alignment of the IOVA, a power of two; 0 is what suits the memory best */
};

/** What an IOAS holds and has room for, as iommufd_ioas_get_info() tells it. */
struct iommufd_ioas_info {
	size_t size;           /**< sizeof(struct iommufd_ioas_info), set by the caller */
	uint64_t flags;        /**< IOMMUFD_IOAS_* that hold now */
	uint64_t page_sizes;   /**< sizes of I/O pages that all attached devices have: the sum of the sizes, each a power of two, in bytes; 0 where the kernel does not tell, align is all that is known then */
	uint64_t align;        /**< iommufd_ioas_get_alignment(): the smallest of them, but a page of the processor at least */
	uint64_t entries_left; /**< mappings that may still be made; UINT64_MAX is no limit */
	uint64_t mappings;     /**< mappings that there are */
	uint64_t bytes;        /**< and what they cover together */
	uint32_t attached;     /**< devices attached */
	uint32_t containers;   /**< how many times the memory is pinned and charged: once for each container of the kernel, at most once where mappings share pins (IOMMUFD_CAP_COPY) */
};

/** One element for iommufd_ioas_mapv(). */
struct iommufd_map_vec {
	void *va;             /**< memory to map */
	size_t length;        /**< bytes */
	uint64_t iova;        /**< IOVA; given with IOMMUFD_MAP_FIXED, else received */
};

/**
 * Create an empty I/O address space.
 *
 * @param ctx   the context; the IOAS holds it
 * @param opts  options, or NULL; not kept
 * @param out   the IOAS, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, or @p out is NULL
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or huge pages cannot be switched off by this kernel
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_ALLOC, IOMMU_IOAS_IOVA_RANGES, IOMMU_OPTION
 */
int iommufd_ioas_new(struct iommufd_ctx *ctx, const struct iommufd_ioas_opts *opts,
		     struct iommufd_ioas **out);

/**
 * Take another reference.
 *
 * @param ioas  the IOAS; may be NULL
 * @return @p ioas
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_ioas *iommufd_ioas_ref(struct iommufd_ioas *ioas);

/**
 * Give a reference back; the last one destroys the IOAS and its mappings.
 *
 * Attached devices hold a reference, so a device in use never loses its IOAS.
 *
 * @param ioas  the IOAS; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source IOMMU_DESTROY
 */
struct iommufd_ioas *iommufd_ioas_unref(struct iommufd_ioas *ioas);

/**
 * Get the kernel's number of an IOAS in its context.
 *
 * @param ioas  the IOAS
 * @param id    receives the number
 * @return 0, or:
 *   -EINVAL         not an IOAS, or @p id is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_ioas_get_id(struct iommufd_ioas *ioas, uint32_t *id);

/**
 * Map memory of this process for DMA.
 *
 * The memory must stay mapped in the process until it is unmapped here. That of
 * a device, from iommufd_region_map(), can be mapped where IOMMUFD_CAP_MAP_DEVICE
 * says so: one device then reaches the other's registers. A
 * chosen IOVA lies in the allowed ranges and in the window of @p opts, is never
 * 0, and is placed so that huge I/O pages can be used.
 *
 * @param ioas    the IOAS
 * @param va      the memory, page-aligned
 * @param length  bytes, a multiple of the page size
 * @param flags   IOMMUFD_MAP_READ and or IOMMUFD_MAP_WRITE, IOMMUFD_MAP_FIXED
 * @param iova    the IOVA with IOMMUFD_MAP_FIXED; receives the IOVA otherwise
 * @param opts    where to choose, or NULL; not allowed with IOMMUFD_MAP_FIXED
 * @return 0, or:
 *   -EINVAL         not an IOAS, NULL @p va or @p iova, length 0, something not page-aligned, neither READ nor WRITE, or a senseless window
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag
 *   -EOVERFLOW      the range wraps around the address space
 *   -EEXIST         the IOVA range overlaps a mapping
 *   -EADDRNOTAVAIL  the IOVA range is outside the allowed ranges or touches a reserved window
 *   -ENOSPC         no free IOVA range fits length, window and alignment, or the kernel's budget of mappings is used up
 *   -EFAULT         a device is attached and the memory is not there, may not be accessed so, or is a device's and the kernel does not map such (IOMMUFD_CAP_MAP_DEVICE)
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EUCLEAN        mapped for some groups of devices only, and not to be unmapped again; it is in the IOAS at *@p iova, unmap it
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_MAP, by group IOMMU_IOAS_COPY too; or VFIO_IOMMU_MAP_DMA
 */
int iommufd_ioas_map(struct iommufd_ioas *ioas, void *va, size_t length, uint32_t flags,
		     uint64_t *iova, const struct iommufd_map_opts *opts);

/**
 * Map part of a memfd or shared-memory file for DMA.
 *
 * The file need not be mapped in the process. The descriptor may be closed
 * afterwards. The library knows no address for the memory:
 * iommufd_ioas_va_to_iova() and iommufd_ioas_iova_to_va() answer -ENOENT even if
 * the file is mapped in the process. Use iommufd_ioas_next_mapping(), which tells
 * the offset in the file, or map the file with mmap() and use
 * iommufd_ioas_map().
 *
 * Where the kernel has no call for it (before Linux 6.13, and type1 containers),
 * the library maps the file into the process and maps that memory, for as long
 * as a mapping of it exists. Address space of the process is then taken, the file
 * must be open for reading too, and iommufd_ctx_change_process() counts the
 * mapping as one of process memory.
 *
 * @param ioas    the IOAS
 * @param fd      the file
 * @param offset  first byte in the file, a multiple of the page size
 * @param length  bytes, a multiple of the page size
 * @param flags   IOMMUFD_MAP_READ and or IOMMUFD_MAP_WRITE, IOMMUFD_MAP_FIXED
 * @param iova    the IOVA with IOMMUFD_MAP_FIXED; receives the IOVA otherwise
 * @param opts    where to choose, or NULL; not allowed with IOMMUFD_MAP_FIXED
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p iova is NULL, length 0, something not page-aligned, neither READ nor WRITE, a senseless window, or past the end of the file
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or not a memfd or shared-memory file
 *   -EBADF          @p fd is not open, or not open for what @p flags ask, and for reading where the library has to map it
 *   -EOVERFLOW      the range wraps around the address space or the file
 *   -EEXIST         the IOVA range overlaps a mapping
 *   -EADDRNOTAVAIL  the IOVA range is outside the allowed ranges or touches a reserved window
 *   -ENOSPC         no free IOVA range fits length, window and alignment, or the kernel's budget of mappings is used up
 *   -EFAULT         a device is attached and the memory cannot be pinned
 *   -EPERM          the file is sealed against writing
 *   -ENOMEM         out of memory or address space, or over the limit on locked memory
 *   -EUCLEAN        mapped for some groups of devices only, and not to be unmapped again; it is in the IOAS at *@p iova, unmap it
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_MAP_FILE, fcntl, fstat; or mmap and IOMMU_IOAS_MAP or VFIO_IOMMU_MAP_DMA; by group IOMMU_IOAS_COPY too
 */
int iommufd_ioas_map_file(struct iommufd_ioas *ioas, int fd, uint64_t offset, size_t length,
			  uint32_t flags, uint64_t *iova, const struct iommufd_map_opts *opts);

/**
 * Map many pieces of memory, or none.
 *
 * If one fails, those done are unmapped again and nothing is left. With
 * IOMMUFD_MAP_COALESCE, elements that follow each other in memory (and in IOVA,
 * if fixed) become one mapping, unmapped as one; each element still receives
 * its own IOVA.
 *
 * @param ioas    the IOAS
 * @param vec     the pieces, each as for iommufd_ioas_map(); the IOVAs that the library chooses are good after success only
 * @param count   number of pieces, not 0
 * @param flags   as for iommufd_ioas_map(), for all of them, and IOMMUFD_MAP_COALESCE
 * @param opts    where to choose, or NULL; not allowed with IOMMUFD_MAP_FIXED
 * @param failed  receives the index of the piece that failed; may be NULL
 * @return 0, or an error of iommufd_ioas_map():
 *   -EINVAL         not an IOAS, NULL @p vec, count 0, or a bad piece, flag or window
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag
 *   -EOVERFLOW      a range wraps around the address space
 *   -EEXIST         an IOVA range overlaps a mapping
 *   -EADDRNOTAVAIL  an IOVA range is outside the allowed ranges or touches a reserved window
 *   -ENOSPC         no free IOVA range fits, or the kernel's budget of mappings is used up
 *   -EFAULT         a device is attached and memory is not there, may not be accessed so, or is a device's and the kernel does not map such (IOMMUFD_CAP_MAP_DEVICE)
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EUCLEAN        a piece failed and the kernel refused to unmap it or those before it; they stay mapped and in the IOAS
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_MAP, by group IOMMU_IOAS_COPY too; or VFIO_IOMMU_MAP_DMA
 */
int iommufd_ioas_mapv(struct iommufd_ioas *ioas, struct iommufd_map_vec *vec, size_t count,
		      uint32_t flags, const struct iommufd_map_opts *opts, size_t *failed);

/**
 * Unmap every mapping inside a range, or none.
 *
 * DMA to the range is impossible when this returns 0. A range that cuts a
 * mapping is refused; an empty range is success with 0 bytes.
 *
 * @param ioas      the IOAS
 * @param iova      first IOVA, page-aligned
 * @param length    bytes, a multiple of the page size
 * @param unmapped  receives the bytes that were mapped; may be NULL
 * @return 0, or:
 *   -EINVAL         not an IOAS, length 0, something not page-aligned, or the range cuts a mapping
 *   -EOVERFLOW      the range wraps around the address space
 *   -EBUSY          a hardware queue is in the range, or the kernel holds the memory for another user
 *   -EDEADLK        a mediated device does not let go of the memory
 *   -ENOMEM         out of memory
 *   -EUCLEAN        the kernel refused and what it had removed could not all be restored, as the message says; lost mappings are gone from the IOAS, those that some groups of devices may still reach stay in it: unmap them again; or the range is unmapped, but with IOMMUFD_IOAS_COALESCE neighbours could not be mapped again: they stay in the IOAS, unmap them and map them again
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_UNMAP or VFIO_IOMMU_UNMAP_DMA
 */
int iommufd_ioas_unmap(struct iommufd_ioas *ioas, uint64_t iova, uint64_t length,
		       uint64_t *unmapped);

/**
 * Unmap everything.
 *
 * @param ioas      the IOAS
 * @param unmapped  receives the bytes that were mapped; may be NULL
 * @return 0, or:
 *   -EINVAL         not an IOAS
 *   -EBUSY          a hardware queue is in the range, or the kernel holds the memory for another user
 *   -EDEADLK        a mediated device does not let go of the memory
 *   -ENOMEM         out of memory
 *   -EUCLEAN        the kernel refused and what it had removed could not all be restored, as the message says; lost mappings are gone from the IOAS, those that some groups of devices may still reach stay in it: unmap them again
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_UNMAP or VFIO_IOMMU_UNMAP_DMA
 */
int iommufd_ioas_unmap_all(struct iommufd_ioas *ioas, uint64_t *unmapped);

/**
 * Say that mapped memory has another address in the process now.
 *
 * For memory that was moved with mremap(), and for a live update: the successor
 * has mapped the same memory, as of a memfd, at another place. DMA to it goes on
 * all the time. It must be the same memory: the kernel does not look, and pins
 * what is at the new address when a device is attached later. Lookups and
 * iommufd_ioas_next_mapping() answer with the new addresses. All or none.
 *
 * @param ioas    the IOAS
 * @param iova    first IOVA of whole mappings without a hole between them, page-aligned
 * @param length  bytes, a multiple of the page size
 * @param va      where the memory of the first one is; that of the others follows as their IOVAs do
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p va is NULL, length 0, something not page-aligned, the range cuts a mapping, or maps a file
 *   -EOPNOTSUPP     the kernel cannot (IOMMUFD_CAP_UPDATE_VA), or with IOMMUFD_IOAS_COALESCE a mapping shares an entry of a container
 *   -ENOENT         the range is not wholly mapped
 *   -EOVERFLOW      a range wraps around the address space
 *   -EBUSY          a mediated device is in a container of the IOAS
 *   -ENOMEM         out of memory, or over this process's limit on locked memory
 *   -EUCLEAN        the kernel refused one, and others could not get their former address again: unmap the range and map it again
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_MAP_DMA
 */
int iommufd_ioas_update_va(struct iommufd_ioas *ioas, uint64_t iova, uint64_t length, void *va);

/**
 * Map memory that another IOAS of the same context maps.
 *
 * The range must be covered by mappings without a hole; each becomes a mapping
 * of its own in the destination, cut to the range, in order and adjoining. All
 * or none. The copies share the pinned pages and their charge where
 * IOMMUFD_CAP_COPY is set; elsewhere the memory is pinned and charged once more.
 *
 * @param dst       the IOAS to map into; may be @p src
 * @param src       the IOAS that maps it already
 * @param src_iova  first IOVA in @p src, page-aligned
 * @param length    bytes, a multiple of the page size
 * @param flags     IOMMUFD_MAP_READ and or IOMMUFD_MAP_WRITE, IOMMUFD_MAP_FIXED
 * @param dst_iova  the IOVA with IOMMUFD_MAP_FIXED; receives the IOVA otherwise
 * @param opts      where to choose, or NULL; not allowed with IOMMUFD_MAP_FIXED
 * @return 0, or:
 *   -EINVAL         not an IOAS, of different contexts, NULL @p dst_iova, length 0, something not page-aligned, neither READ nor WRITE, or a senseless window
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag
 *   -ENOENT         the source range is not wholly mapped
 *   -EOVERFLOW      a range wraps around the address space
 *   -EEXIST         the IOVA range overlaps a mapping of @p dst
 *   -EADDRNOTAVAIL  the IOVA range is outside the allowed ranges or touches a reserved window
 *   -ENOSPC         no free IOVA range fits length, window and alignment, or the kernel's budget of mappings is used up
 *   -EPERM          WRITE is asked for and the source was mapped without it
 *   -EFAULT         a device is attached to @p dst and the memory cannot be pinned
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EUCLEAN        a piece failed and the kernel refused to unmap it or those before it; they stay mapped and in the IOAS
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_COPY or VFIO_IOMMU_MAP_DMA
 */
int iommufd_ioas_copy(struct iommufd_ioas *dst, struct iommufd_ioas *src, uint64_t src_iova,
		      uint64_t length, uint32_t flags, uint64_t *dst_iova,
		      const struct iommufd_map_opts *opts);

/**
 * Get the ranges in which IOVAs may lie.
 *
 * They depend on the attached devices. Ranges taken by mappings are included. The
 * last page of the 64-bit space is in none: Linux, at least up to 7.3, goes wrong there.
 *
 * @param ioas    the IOAS
 * @param ranges  receives up to *@p count ranges, ascending; may be NULL if *@p count is 0
 * @param count   room in @p ranges; receives the number that exist
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p count is NULL, or @p ranges is NULL with room
 *   -ENOBUFS        more ranges exist than there is room for; the first are given
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_IOVA_RANGES or VFIO_IOMMU_GET_INFO, when they have changed
 */
int iommufd_ioas_get_ranges(struct iommufd_ioas *ioas, struct iommufd_range *ranges, size_t *count);

/**
 * Get the alignment that IOVAs, lengths and memory need.
 *
 * @param ioas   the IOAS
 * @param align  receives bytes, a power of two, at least the page size
 * @return 0, or:
 *   -EINVAL         not an IOAS, or @p align is NULL
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_IOVA_RANGES or VFIO_IOMMU_GET_INFO, when they have changed
 */
int iommufd_ioas_get_alignment(struct iommufd_ioas *ioas, uint64_t *align);

/**
 * Get what an IOAS holds, and what it has room for.
 *
 * Where mappings are limited the limit is of each container of the kernel; what
 * is told is the room in the fullest. Without a device nothing is limited.
 *
 * @param ioas  the IOAS
 * @param info  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p info is NULL or its size field is senseless
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_IOVA_RANGES, when they have changed; or VFIO_IOMMU_GET_INFO
 */
int iommufd_ioas_get_info(struct iommufd_ioas *ioas, struct iommufd_ioas_info *info);

/**
 * Protect IOVA ranges: they stay usable whatever device is attached later.
 *
 * A device that would narrow them cannot be attached. IOVAs that the library
 * chooses lie inside them. Replaces the list set before.
 *
 * @param ioas    the IOAS
 * @param ranges  the ranges, page-aligned, without overlap; NULL if @p count is 0
 * @param count   number of ranges; 0 lifts the protection
 * @return 0, or:
 *   -EINVAL         not an IOAS, NULL @p ranges with a count, start after last, overlap, or not page-aligned
 *   -EADDRNOTAVAIL  a range is outside what the attached devices allow
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_ALLOW_IOVAS
 */
int iommufd_ioas_allow(struct iommufd_ioas *ioas, const struct iommufd_range *ranges, size_t count);

/**
 * Switch huge I/O pages on or off.
 *
 * @param ioas    the IOAS
 * @param enable  0 off, 1 on
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p enable is not 0 or 1, or something is mapped already
 *   -EOPNOTSUPP     the kernel has no such option
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_OPTION
 */
int iommufd_ioas_set_huge_pages(struct iommufd_ioas *ioas, int enable);

/**
 * Get whether huge I/O pages are used.
 *
 * @param ioas     the IOAS
 * @param enabled  receives 0 or 1
 * @return 0, or:
 *   -EINVAL         not an IOAS, or @p enabled is NULL
 *   -EOPNOTSUPP     the kernel has no such option
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_OPTION
 */
int iommufd_ioas_get_huge_pages(struct iommufd_ioas *ioas, int *enabled);

#ifdef __cplusplus
}
#endif
#endif
