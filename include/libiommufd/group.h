/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file group.h
 * @section group Groups
 *
 * An IOMMU group is the devices that the hardware cannot keep apart: they see
 * one I/O address space, and belong to user space together or not at all. A
 * group can be looked at before any of its devices is open, and from every open
 * device its group is reachable.
 *
 * The group is viable when the driver of no member does DMA for the kernel. A
 * member without a driver does no harm, nor do drivers that leave DMA alone:
 * VFIO's, as vfio-pci and the variants of it, and pcieport, pci-stub and
 * fsl-pci. This is the rule of Linux 5.19 and later.
 */
#ifndef LIBIOMMUFD_GROUP_H
#define LIBIOMMUFD_GROUP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ctx;
struct iommufd_device;
struct iommufd_group;

/** What a group is. */
struct iommufd_group_info {
	size_t size;          /**< sizeof(struct iommufd_group_info), set by the caller */
	int32_t number;       /**< as in /sys/kernel/iommu_groups */
	uint32_t flags;       /**< IOMMUFD_GROUP_VIABLE, IOMMUFD_GROUP_NOIOMMU */
	uint32_t num_members; /**< devices in it, for iommufd_group_get_member() */
	uint32_t num_open;    /**< of them open in this context */
};

/** Flags of struct iommufd_group_info. */
enum {
	IOMMUFD_GROUP_VIABLE = 1 << 0,  /**< no member's driver keeps it from user space */
	IOMMUFD_GROUP_NOIOMMU = 1 << 1, /**< VFIO made it up for a device with no IOMMU: nothing is isolated */
};

/** A member of a group. */
struct iommufd_group_member {
	size_t size;      /**< sizeof(struct iommufd_group_member), set by the caller */
	uint32_t flags;   /**< IOMMUFD_GROUP_MEMBER_* */
	uint32_t reserved;/**< zero */
	char name[64];    /**< its name on its bus; of a PCI device the address */
	char bus[16];     /**< "pci", "platform"; cut to fit */
	char driver[32];  /**< driver bound to it, cut to fit; empty is none */
	char reason[128]; /**< why it keeps the group from user space, or why not */
};

/** Flags of struct iommufd_group_member. */
enum {
	IOMMUFD_GROUP_MEMBER_BLOCKS = 1 << 0, /**< its driver does DMA for the kernel: the group is not viable */
	IOMMUFD_GROUP_MEMBER_VFIO = 1 << 1,   /**< its driver is one of VFIO's */
	IOMMUFD_GROUP_MEMBER_BRIDGE = 1 << 2, /**< a bridge between PCI buses, which does no DMA of its own */
	IOMMUFD_GROUP_MEMBER_OPEN = 1 << 3,   /**< open in this context */
};

/**
 * Get the group of a device.
 *
 * @param dev  the device
 * @param out  the group with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a device, or @p out is NULL
 *   -ENOENT         sysfs does not tell the device's group
 *   -EACCES         sysfs may not be read by this user
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source none; sysfs
 */
int iommufd_device_get_group(struct iommufd_device *dev, struct iommufd_group **out);

/**
 * Get a group by its number, to look at it.
 *
 * The kernel's group is not opened; this neither needs privilege nor keeps
 * others from the group. The same group is the same object for as long as there
 * is a reference to it.
 *
 * @param ctx     the context; the group holds it
 * @param number  as in /sys/kernel/iommu_groups
 * @param out     the group with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, @p out is NULL, or @p number is negative
 *   -ENOENT         there is no such group
 *   -EACCES         sysfs may not be read by this user
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source none; sysfs
 */
int iommufd_group_open(struct iommufd_ctx *ctx, int number, struct iommufd_group **out);

/**
 * Take over a group that someone else opened.
 *
 * For a process that may not open /dev/vfio itself: devices of this group that
 * are opened by name later come out of this descriptor. It is duplicated; the
 * caller keeps its own. The kernel's group stays open until the object is given
 * back and no device of it is open; as long as anyone has it open, its devices'
 * own character devices cannot be bound.
 *
 * @param ctx  the context; the group holds it
 * @param fd   an open /dev/vfio/N, in no container but this context's
 * @param out  the group with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, @p out is NULL, or the backend is noiommu and an IOMMU stands behind the group
 *   -EOPNOTSUPP     the backend has devices by their character devices only
 *   -EBADF          @p fd is not open
 *   -ENOTTY         @p fd is not a VFIO group
 *   -ENOENT         sysfs does not tell which group it is
 *   -EPERM          no IOMMU stands behind the group, and the backend is not noiommu
 *   -EBUSY          the group is open in this context already
 *   -EACCES         sysfs may not be read by this user
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source fcntl, VFIO_GROUP_GET_STATUS; sysfs
 */
int iommufd_group_from_fd(struct iommufd_ctx *ctx, int fd, struct iommufd_group **out);

/**
 * Take another reference.
 *
 * @param group  the group; may be NULL
 * @return @p group
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_group *iommufd_group_ref(struct iommufd_group *group);

/**
 * Give a reference back.
 *
 * Devices do not depend on it. With the last one a descriptor that was taken
 * over or lent is closed, once no device of the group is open.
 *
 * @param group  the group; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source close
 */
struct iommufd_group *iommufd_group_unref(struct iommufd_group *group);

/**
 * Lend the descriptor of the kernel's open group, as KVM wants it.
 *
 * It is open when a device of it was had by group, or it came from
 * iommufd_group_from_fd(); from this call on it stays so for as long as the
 * group object lives.
 *
 * @param group  the group
 * @return a descriptor that belongs to the group, or:
 *   -EINVAL         @p group is not a group
 *   -ENOENT         the kernel's group is not open in this context
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_group_get_fd(struct iommufd_group *group);

/**
 * Look at a group anew, and get what it is.
 *
 * @param group  the group
 * @param info   filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a group, @p info is NULL or its size field is senseless
 *   -ENOENT         the group is gone, with its last member
 *   -EACCES         sysfs may not be read by this user
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source none; sysfs
 */
int iommufd_group_get_info(struct iommufd_group *group, struct iommufd_group_info *info);

/**
 * Get a member of a group, as iommufd_group_get_info() last saw it.
 *
 * Members are in the order of their names. To see all, ask for index 0 and on
 * until -ENOENT.
 *
 * @param group   the group
 * @param index   from 0
 * @param member  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a group, @p member is NULL or its size field is senseless
 *   -ENOENT         there are not so many members
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_group_get_member(struct iommufd_group *group, uint32_t index,
			     struct iommufd_group_member *member);

/**
 * Look whether the drivers of a group's members leave it to user space.
 *
 * If not, the error record names who is in the way and how to get it out. That
 * the group is viable does not tell that nobody else has it open.
 *
 * @param group  the group
 * @return 0, or:
 *   -EINVAL         @p group is not a group
 *   -EPERM          the driver of a member does DMA for the kernel
 *   -ENOENT         the group is gone, with its last member
 *   -EACCES         sysfs may not be read by this user
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source none; sysfs
 */
int iommufd_group_check_viable(struct iommufd_group *group);

#ifdef __cplusplus
}
#endif
#endif
