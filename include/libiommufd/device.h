/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file device.h
 * @section device Devices
 *
 * A device is opened by name or adopted by file descriptor, bound to its
 * context, and from then on belongs to this process alone. Its DMA is blocked
 * until it is attached to an I/O address space and again after it is detached.
 * Without an IOMMU (IOMMUFD_CAP_ISOLATION is 0) nothing blocks it.
 *
 * Names that open a device: a PCI address ("0000:00:03.0", the domain may be
 * left out), a path in sysfs ("/sys/bus/pci/devices/0000:00:03.0", also of
 * devices on other buses), or its character device
 * ("/dev/vfio/devices/vfio0"). A group's node is none, as several devices may be
 * in it: who may open that alone names the device by its address.
 *
 * A device is had by its own character device where the kernel gives it one
 * that this user may open, else by its IOMMU group ("/dev/vfio/17"). By group
 * the kernel lets no open device change its address space. The library gives
 * such a group a container of its own, in which it repeats the mappings of the
 * IOAS that the device is attached to: attaching, detaching and replacing then
 * work as they do by character device. On type1 the memory is pinned once more
 * for each such group. Where that is too dear, name the IOAS in the options of
 * iommufd_device_open(): all groups opened so share one container.
 */
#ifndef LIBIOMMUFD_DEVICE_H
#define LIBIOMMUFD_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ctx;
struct iommufd_device;
struct iommufd_ioas;

/** Options for opening a device; zero is the default for every field. */
struct iommufd_device_opts {
	size_t size;             /**< sizeof(struct iommufd_device_opts) */
	uint64_t flags;          /**< none yet: 0 */
	uint64_t cookie;         /**< the caller's name for the device, unique in the context; 0 is none */
	const uint8_t *vf_token; /**< 16 bytes a virtual function's owner demands; NULL is none */
	struct iommufd_ioas *ioas; /**< attach to it in the same step; NULL is not yet. See iommufd_device_open() */
};

/** A device that is bound to the iommufd of a context already. */
struct iommufd_device_bound {
	size_t size;      /**< sizeof(struct iommufd_device_bound) */
	uint32_t id;      /**< the kernel's number of it in that iommufd, as struct iommufd_device_info has it */
	int32_t fd;       /**< its character device; -1 is a mock device, which has none */
	uint32_t mock_id; /**< the kernel's number of a mock device's hardware; else 0 */
	uint32_t mock_pt; /**< the page table that the mock device is on while it is not attached here; else 0 */
};

/** What a device is. */
struct iommufd_device_info {
	size_t size;          /**< sizeof(struct iommufd_device_info), set by the caller */
	uint32_t flags;       /**< IOMMUFD_DEVICE_* */
	uint32_t num_regions; /**< region numbers, for iommufd_region_get_info(); some may not exist */
	uint32_t num_irqs;    /**< interrupt indices, for iommufd_irq_get_info(); some may not exist */
	uint32_t id;          /**< the kernel's number of the bound device in this context; by group, the library's */
	int32_t group;        /**< IOMMU group number, or -1 if sysfs does not tell */
	uint32_t reserved;    /**< zero */
	uint64_t cookie;      /**< as given when it was opened */
	char name[64];        /**< PCI address or last part of its sysfs path */
};

/** Flags of struct iommufd_device_info. */
enum {
	IOMMUFD_DEVICE_PCI = 1 << 0,      /**< a PCI function: regions and interrupts are numbered as for PCI */
	IOMMUFD_DEVICE_RESET = 1 << 1,    /**< iommufd_device_reset() can work */
	IOMMUFD_DEVICE_PLATFORM = 1 << 2, /**< a platform device */
	IOMMUFD_DEVICE_MEDIATED = 1 << 3, /**< no page table of its own: attaches to an IOAS, never to an HWPT */
};

/**
 * Open a device and bind it to the context.
 *
 * With an IOAS in the options the device is attached to it when this returns,
 * and the errors of iommufd_device_attach() apply. By group it then stays
 * attached for as long as it is open: detaching and replacing are refused
 * (iommufd_device_get_transport() tells how it was had, IOMMUFD_CAP_DETACH_JOINED
 * is 0 where all are had so), and its siblings must be opened with the same IOAS.
 *
 * @param ctx   the context; the device holds it
 * @param name  PCI address, sysfs path or character device path
 * @param opts  options, or NULL; not kept
 * @param out   the device, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, a NULL argument, a malformed name, an IOAS of another context, a device with an IOMMU where backend noiommu was asked for, the hardware cannot use the IOAS, or the kernel finds the device unfit: no cache coherency, or bound already through another descriptor
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag
 *   -EEXIST         the cookie belongs to another device of this context
 *   -ENOENT         no such device, or the kernel gives it no file of a kind that the backend uses: character device or group
 *   -ENODEV         the device has no VFIO driver, went away, or its node is another device's by now
 *   -ENXIO          the character device has no driver behind it
 *   -ENOTTY         the path is not a VFIO character device
 *   -EACCES         no file of it that the backend uses, character device or group, may be opened by this user, or the VF token is wrong or missing
 *   -EPERM          its IOMMU group is in use by a kernel driver or another context, its interrupts cannot be isolated, no IOMMU stands behind it and noiommu was not asked for or needs CAP_SYS_RAWIO, or the group policy is IOMMUFD_GROUP_SINGLETON and other devices are in its group
 *   -EBUSY          this context has it open already, someone uses it or its group, or a sibling is attached to another IOAS or was opened with one
 *   -EADDRINUSE     with an IOAS: a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         with an IOAS: a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENOSPC         with an IOAS: it has more mappings than the container has room for
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source open, VFIO_DEVICE_BIND_IOMMUFD, VFIO_DEVICE_GET_INFO; by group VFIO_GROUP_GET_STATUS, VFIO_GROUP_SET_CONTAINER, VFIO_SET_IOMMU, IOMMU_VFIO_IOAS, VFIO_GROUP_GET_DEVICE_FD
 */
int iommufd_device_open(struct iommufd_ctx *ctx, const char *name,
			const struct iommufd_device_opts *opts, struct iommufd_device **out);

/**
 * Bind a device whose character device someone else opened.
 *
 * The descriptor is duplicated; the caller keeps its own. It must not be bound
 * yet. When this fails after the kernel has bound it, it stays so: close it.
 *
 * @param ctx   the context; the device holds it
 * @param fd    an open VFIO character device
 * @param opts  options, or NULL; not kept
 * @param out   the device, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, @p out is NULL, an IOAS of another context or unfit for the device, the device is bound already or unfit: no cache coherency, or a device with an IOMMU where backend noiommu was asked for
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or the backend has devices by group only
 *   -EBADF          @p fd is not open
 *   -ENOTTY         @p fd is not a VFIO character device
 *   -EEXIST         the cookie belongs to another device of this context
 *   -EACCES         the VF token is wrong or missing
 *   -EPERM          its IOMMU group is in use by a kernel driver or another context, its interrupts cannot be isolated, no IOMMU stands behind it, or the group policy is IOMMUFD_GROUP_SINGLETON and other devices are in its group
 *   -EBUSY          this context has it open already, someone uses it through its group, or a sibling is attached to another IOAS
 *   -EADDRINUSE     with an IOAS: a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         with an IOAS: a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENODEV         the device went away
 *   -EMFILE         no file descriptor left in the process
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source fcntl, VFIO_DEVICE_BIND_IOMMUFD, VFIO_DEVICE_GET_INFO
 */
int iommufd_device_from_fd(struct iommufd_ctx *ctx, int fd,
			   const struct iommufd_device_opts *opts, struct iommufd_device **out);

/**
 * Adopt a device that someone else bound to the iommufd of this context.
 *
 * For one who is handed the iommufd (iommufd_ctx_from_fd()), the descriptor of a
 * device and its number by a broker, or by its own predecessor. The descriptor is
 * duplicated; the caller keeps its own. A device that is attached stays so until it
 * is attached here, which moves it.
 *
 * A kernel built with CONFIG_IOMMUFD_TEST makes mock devices, which have neither
 * hardware nor a descriptor, and can all that iommufd knows: tests adopt them by
 * their numbers. They have no regions and no interrupts. So does the emulated kernel:
 * iommufd_emu_ioctl() has it make one.
 *
 * @param ctx    the context; the device holds it
 * @param bound  which device; not kept
 * @param opts   options, or NULL; not kept. A VF token is not asked for any more
 * @param out    the device, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, @p bound or @p out is NULL, the descriptor is not bound, the number is that of another open device, it is neither a descriptor nor a mock device, a device with an IOMMU where backend noiommu was asked for, or an IOAS of another context or unfit for the device
 *   -E2BIG          @p bound or @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or the backend has devices by group only
 *   -ENOENT         this context has no device of that number
 *   -EBADF          the descriptor is not open
 *   -ENOTTY         the descriptor is not a VFIO character device
 *   -EEXIST         the cookie belongs to another device of this context
 *   -EPERM          no IOMMU stands behind it, or the group policy is IOMMUFD_GROUP_SINGLETON and other devices are in its group
 *   -EBUSY          this context has it open already, or with an IOAS: a sibling is attached to another
 *   -EADDRINUSE     with an IOAS: a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         with an IOAS: a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENODEV         the device went away
 *   -EMFILE         no file descriptor left in the process
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source fcntl, IOMMU_GET_HW_INFO, VFIO_DEVICE_GET_INFO
 */
int iommufd_device_adopt(struct iommufd_ctx *ctx, const struct iommufd_device_bound *bound,
			 const struct iommufd_device_opts *opts, struct iommufd_device **out);

/**
 * Take another reference.
 *
 * @param dev  the device; may be NULL
 * @return @p dev
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_device *iommufd_device_ref(struct iommufd_device *dev);

/**
 * Give a reference back; the last one closes the device.
 *
 * Closing removes the BAR mappings that iommufd_region_map() made, silences
 * its interrupts, detaches it and gives it back to the kernel, in this order.
 *
 * @param dev  the device; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source munmap, VFIO_DEVICE_SET_IRQS, VFIO_DEVICE_DETACH_IOMMUFD_PT, close; by group VFIO_GROUP_UNSET_CONTAINER
 */
struct iommufd_device *iommufd_device_unref(struct iommufd_device *dev);

/**
 * Find a device of a context by the cookie given when it was opened.
 *
 * @param ctx     the context
 * @param cookie  the cookie, not 0
 * @param out     the device with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, @p out is NULL, or @p cookie is 0
 *   -ENOENT         no open device has this cookie
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_device_find(struct iommufd_ctx *ctx, uint64_t cookie, struct iommufd_device **out);

/**
 * Find a device of a context by the number that the kernel has for it.
 *
 * That is how the kernel names devices in what it reports. Devices had by their
 * group have no such number and are not found.
 *
 * @param ctx  the context
 * @param id   as struct iommufd_device_info has it
 * @param out  the device with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, or @p out is NULL
 *   -ENOENT         no open device has this number
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_device_find_id(struct iommufd_ctx *ctx, uint32_t id, struct iommufd_device **out);

/**
 * Get what a device is.
 *
 * @param dev   the device
 * @param info  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a device, @p info is NULL or its size field is senseless
 * @threads any
 * @since 0.1
 * @source none; VFIO_DEVICE_GET_INFO when the device was opened
 */
int iommufd_device_get_info(struct iommufd_device *dev, struct iommufd_device_info *info);

/**
 * Ask whether this device can do something.
 *
 * What its context can (iommufd_ctx_has()), less what the way in which the device is
 * had and the IOMMU behind it cannot.
 *
 * @param dev  the device
 * @param cap  IOMMUFD_CAP_*
 * @return 1 if it can, 0 if it cannot or the capability is unknown, or:
 *   -EINVAL         @p dev is not a device
 * @threads any
 * @since 0.1
 * @source IOMMU_GET_HW_INFO; for IOMMUFD_CAP_NESTING IOMMU_HWPT_ALLOC, of a table that is destroyed again
 */
int iommufd_device_has(struct iommufd_device *dev, uint32_t cap);

/**
 * Get how a device is had: by its own character device, or by its group.
 *
 * @param dev  the device
 * @return "cdev" or "group", or "mock" of an adopted mock device; NULL if @p dev is not a device
 * @threads any
 * @since 0.1
 * @source none
 */
const char *iommufd_device_get_transport(struct iommufd_device *dev);

/**
 * Get what was tried when the device was opened, and with what result.
 *
 * One line per step, as "opened /dev/vfio/devices/vfio0: Permission denied";
 * the last says what is used, and by group, whether the group has a container
 * of its own.
 *
 * @param dev  the device
 * @return text that lives as long as the device; NULL if @p dev is not a device
 * @threads any
 * @since 0.1
 * @source none
 */
const char *iommufd_device_get_report(struct iommufd_device *dev);

/**
 * Lend the file descriptor of a device.
 *
 * @param dev  the device
 * @return a descriptor that belongs to the device, or:
 *   -EINVAL         @p dev is not a device
 *   -EOPNOTSUPP     it is a mock device, which has none
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_device_get_fd(struct iommufd_device *dev);

/**
 * Attach a device to an I/O address space: its DMA goes through it from now on.
 *
 * The IOAS is held while attached. Its IOVA ranges may get narrower. By group,
 * everything that is mapped is mapped in the group's container now. Which page table
 * the device gets is told with iommufd_hwpt_new(); to name one there is
 * iommufd_device_attach_hwpt().
 *
 * @param dev   a device that is not attached
 * @param ioas  an IOAS of the same context
 * @return 0, or:
 *   -EINVAL         not a device or not an IOAS, they belong to different contexts, the hardware cannot use this IOAS, or a mapped file was made shorter
 *   -EOPNOTSUPP     the IOAS is tracked (iommufd_ioas_set_dirty_tracking()), and the device's IOMMU cannot, or not on tables that take PASIDs while some are attached
 *   -EBUSY          the device is attached already, another device of its IOMMU group is attached to a different IOAS or is being reset
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENODEV         the device went away, or a mapped file was revoked
 *   -ENOSPC         the IOAS has more mappings than the group's container has room for
 *   -EUCLEAN        by group: refused, and what had been mapped could not be unmapped again: the device is attached and lacks mappings; detach or close it
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_IOAS_IOVA_RANGES; by group IOMMU_IOAS_COPY or VFIO_IOMMU_MAP_DMA
 */
int iommufd_device_attach(struct iommufd_device *dev, struct iommufd_ioas *ioas);

/**
 * Detach a device from its I/O address space: its DMA is blocked.
 *
 * Mappings stay in the IOAS.
 *
 * @param dev  an attached device
 * @return 0, or:
 *   -EINVAL         not a device, or it is not attached
 *   -EOPNOTSUPP     it was opened with an IOAS, by group: close it instead
 *   -EUCLEAN        by group: refused, and what had been unmapped could not all be mapped again: the device is attached and lacks mappings; detach it again or close it
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_DETACH_IOMMUFD_PT; by group IOMMU_IOAS_UNMAP or VFIO_IOMMU_UNMAP_DMA
 */
int iommufd_device_detach(struct iommufd_device *dev);

/**
 * Move an attached device to another I/O address space.
 *
 * All attached devices of its IOMMU group move together; the group cannot be
 * divided. On failure all stay where they were. There is no gap in which DMA is
 * blocked where IOMMUFD_CAP_REPLACE says so; by group there is one. From a nested
 * page table of the same IOAS the device moves to its parent.
 *
 * @param dev   an attached device
 * @param ioas  an IOAS of the same context; the present one is legal and changes nothing
 * @return 0, or:
 *   -EINVAL         not a device or not an IOAS, they belong to different contexts, the device is not attached, the hardware cannot use this IOAS, or a mapped file was made shorter
 *   -EOPNOTSUPP     it was opened with an IOAS, by group: open it without to move it; or the IOAS is tracked (iommufd_ioas_set_dirty_tracking()), and the device's IOMMU cannot, or not on tables that take PASIDs while some are attached
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -EBUSY          a device of the group is being reset: try again; or the group policy is IOMMUFD_GROUP_ONE_IOAS and attached siblings would move along
 *   -ENODEV         the device went away, or a mapped file was revoked
 *   -ENOSPC         the IOAS has more mappings than the group's container has room for
 *   -EUCLEAN        by group: refused, and the former mappings could not all be made again: it lacks mappings where iommufd_device_get_ioas() says that it is; detach or close it
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_IOAS_IOVA_RANGES; by group as attach and detach
 */
int iommufd_device_replace(struct iommufd_device *dev, struct iommufd_ioas *ioas);

/**
 * Get the I/O address space a device is attached to.
 *
 * @param dev  the device
 * @param out  the IOAS with a new reference, or NULL when not attached
 * @return 0, or:
 *   -EINVAL         not a device, or @p out is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_device_get_ioas(struct iommufd_device *dev, struct iommufd_ioas **out);

#ifdef __cplusplus
}
#endif
#endif
