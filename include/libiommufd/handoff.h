/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file handoff.h
 * @section handoff Hand-offs
 *
 * A program that may open /dev/iommu and devices, the broker, hands them over a UNIX
 * socket to one that may not. The broker opens a context, with
 * IOMMUFD_CTX_RLIMIT_PROCESS if memory is to be charged to the other process, adds
 * what the other shall have, and sends it. The other receives it, opens it, and
 * finds the devices:
 *
 *     iommufd_ctx_new(&opts, &ctx);                   iommufd_handoff_receive(socket, NULL, &h);
 *     iommufd_handoff_new(ctx, &h);                   iommufd_handoff_open(h, NULL, &ctx);
 *     iommufd_handoff_add(h, "0000:00:03.0", NULL);   iommufd_handoff_find_device(h, "0000:00:03.0", &dev);
 *     iommufd_handoff_send(h, socket);                iommufd_handoff_unref(h);
 *
 * A device goes as its character device, not bound, or as its group, whichever the
 * broker's context uses; or as iommufd_handoff_add_device() has it, bound. What it
 * went as makes no difference to who receives it. The socket is a connected one of
 * the UNIX domain, of any type; a hand-off is one message of at most 28368 bytes
 * with at most 253 descriptors, and is received whole or not at all. Who is at
 * the other end is for the program to know: it gets devices, or its devices from there.
 *
 * On the emulated kernel, which lives in one process, the sender's hand-off has to
 * be kept until the other has been received.
 */
#ifndef LIBIOMMUFD_HANDOFF_H
#define LIBIOMMUFD_HANDOFF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ctx;
struct iommufd_ctx_opts;
struct iommufd_device;
struct iommufd_device_opts;
struct iommufd_handoff;
struct iommufd_sys;

/** What is handed over, for iommufd_handoff_get_item(). */
struct iommufd_handoff_item {
	size_t size;      /**< sizeof(struct iommufd_handoff_item), set by the caller */
	uint32_t kind;    /**< IOMMUFD_HANDOFF_* */
	int32_t fd;       /**< its descriptor, which belongs to the hand-off; -1 is none, or none any more */
	int32_t group;    /**< IOMMU group number, or -1 if it has none or sysfs did not tell */
	uint32_t id;      /**< of a bound device the kernel's number of it; else 0 */
	uint64_t cookie;  /**< as given when it was added; 0 is none */
	char name[64];    /**< of a device, as iommufd_device_get_info() has it; else empty */
};

/** Kinds of struct iommufd_handoff_item. */
enum {
	IOMMUFD_HANDOFF_CTX = 1,    /**< /dev/iommu, or a container; always the first item */
	IOMMUFD_HANDOFF_CDEV = 2,   /**< a device, by its character device, not bound */
	IOMMUFD_HANDOFF_BOUND = 3,  /**< a device, by its character device, bound to the context */
	IOMMUFD_HANDOFF_GROUP = 4,  /**< a group */
	IOMMUFD_HANDOFF_MEMBER = 5, /**< a device of a group that is an item before it */
};

/**
 * Begin a hand-off of a context.
 *
 * Its /dev/iommu is shared with who receives it, with every object in it; a backend
 * of containers opens /dev/vfio/vfio anew. The context must have been made by this
 * process, and needs to be used for nothing else.
 *
 * @param ctx  the context; the hand-off holds it
 * @param out  the hand-off, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p ctx is not a context, or @p out is NULL
 *   -EACCES         /dev/vfio/vfio may not be opened by this user
 *   -EPERM          a device cgroup forbids /dev/vfio/vfio
 *   -ENOENT         there is no /dev/vfio/vfio, as the container was handed over itself
 *   -ENODEV         the kernel has no driver behind /dev/vfio/vfio
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source fcntl; without iommufd open
 */
int iommufd_handoff_new(struct iommufd_ctx *ctx, struct iommufd_handoff **out);

/**
 * Take another reference.
 *
 * @param handoff  the hand-off; may be NULL
 * @return @p handoff
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_handoff *iommufd_handoff_ref(struct iommufd_handoff *handoff);

/**
 * Give a reference back.
 *
 * The last one closes the descriptors that it has, and gives back the devices and
 * groups that it opened: what is to stay open needs a reference of its own.
 * What was sent stays open at the other end.
 *
 * @param handoff  the hand-off; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source close
 */
struct iommufd_handoff *iommufd_handoff_unref(struct iommufd_handoff *handoff);

/**
 * Open a device, or its group, to be handed over.
 *
 * Tried in the order of the context's backend. The device is not bound, and nothing
 * of it is open in the context. Of a group one descriptor is enough for all its
 * devices that are added.
 *
 * @param handoff  a hand-off made by iommufd_handoff_new()
 * @param name     as for iommufd_device_open()
 * @param opts     cookie and VF token, which who receives it opens it with, or NULL; not kept
 * @return 0, or:
 *   -EINVAL         not a hand-off, or one that was received, @p name is NULL or malformed, the options have an IOAS, or a device with an IOMMU where backend noiommu was asked for
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag
 *   -EEXIST         the cookie belongs to another device of the hand-off, or the device is in it
 *   -ENOENT         no such device, or the kernel gives it no file of a kind that the backend uses: character device or group
 *   -ENODEV         the device has no VFIO driver, went away, or its node is another device's by now
 *   -ENXIO          the node has no driver behind it
 *   -ENOTTY         the path is not a VFIO character device
 *   -EACCES         no file of it that the backend uses may be opened by this user
 *   -EPERM          no IOMMU stands behind it and noiommu was not asked for or needs CAP_SYS_RAWIO, or a device cgroup forbids its node
 *   -EBUSY          someone has its group open, or a device of it is in the hand-off by its character device
 *   -ENOSPC         the hand-off would have more than 253 items: a group that is not in it yet is one more
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source open; sysfs
 */
int iommufd_handoff_add(struct iommufd_handoff *handoff, const char *name,
			const struct iommufd_device_opts *opts);

/**
 * Hand over a device that is open in the context, bound as it is.
 *
 * So who receives it needs no VF token. It must be had by its character device. Its
 * descriptor is duplicated, and the two processes share one device from then on:
 * leave attaching it to the other. Giving the device back here leaves it open there.
 *
 * @param handoff  a hand-off made by iommufd_handoff_new()
 * @param dev      a device of its context, not attached
 * @return 0, or:
 *   -EINVAL         not a hand-off, or one that was received, or not a device of its context
 *   -EOPNOTSUPP     the device is had by its group, or is a mock device
 *   -EBUSY          the device is attached
 *   -EEXIST         its cookie belongs to another device of the hand-off, or the device is in it
 *   -ENOSPC         the hand-off has 253 items
 *   -EMFILE         no file descriptor left in the process
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source fcntl
 */
int iommufd_handoff_add_device(struct iommufd_handoff *handoff, struct iommufd_device *dev);

/**
 * Open a group to be handed over, without saying which of its devices are wanted.
 *
 * Who receives it opens them by name, for as long as it keeps the hand-off. If the
 * group is in the hand-off nothing is done.
 *
 * @param handoff  a hand-off made by iommufd_handoff_new()
 * @param number   as in /sys/kernel/iommu_groups
 * @return 0, or:
 *   -EINVAL         not a hand-off, or one that was received, @p number is negative, or an IOMMU stands behind the group where backend noiommu was asked for
 *   -EOPNOTSUPP     the backend has devices by their character devices only
 *   -ENOENT         the kernel has no such group for VFIO
 *   -ENODEV         no device of the group has a VFIO driver any more
 *   -ENXIO          the node has no driver behind it
 *   -EACCES         the group may not be opened by this user
 *   -EPERM          no IOMMU stands behind it and noiommu was not asked for or needs CAP_SYS_RAWIO, or a device cgroup forbids its node
 *   -EBUSY          someone has it open, or a device of it is in the hand-off by its character device
 *   -ENOSPC         the hand-off has 253 items
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source open; sysfs
 */
int iommufd_handoff_add_group(struct iommufd_handoff *handoff, int number);

/**
 * Send a hand-off.
 *
 * It stays as it is, and can be sent to several; but a device that is not bound yet
 * is for one of them only, and so is a group. Waits if the socket does and its buffer
 * is full. Raises no SIGPIPE.
 *
 * @param handoff  a hand-off made by iommufd_handoff_new()
 * @param socket   a connected socket of the UNIX domain; stays the caller's
 * @return 0, or:
 *   -EINVAL         not a hand-off, or one that was received
 *   -EBADF          @p socket is not open
 *   -ENOTSOCK       @p socket is not a socket
 *   -EPROTOTYPE     @p socket is of another domain
 *   -ENOTCONN       the socket is not connected, or one of datagrams is not any more
 *   -EPIPE          the other end is closed
 *   -EAGAIN         the buffer is full, and the socket does not wait or SO_SNDTIMEO is over
 *   -EMSGSIZE       SO_SNDBUF is less than twice the message
 *   -ETOOMANYREFS   this user has too many descriptors on the way
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source sendmsg
 */
int iommufd_handoff_send(struct iommufd_handoff *handoff, int socket);

/**
 * Receive a hand-off.
 *
 * Of a stream exactly the message is read; but one that is refused leaves it somewhere
 * within: close it then. Only the beginning is waited for, if the socket waits: the
 * sender has sent the rest with it. Descriptors are close-on-exec.
 *
 * @param socket  a connected socket of the UNIX domain; stays the caller's
 * @param sys     kernel to run on: iommufd_emu_get_sys(), NULL as for iommufd_ctx_new()
 * @param out     the hand-off, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p out is NULL, @p sys is from another build, or LIBIOMMUFD_EMU names an unknown machine
 *   -EBADF          @p socket is not open
 *   -ENOTSOCK       @p socket is not a socket
 *   -EPROTOTYPE     @p socket is of another domain
 *   -ENOTCONN       the socket is not connected
 *   -EAGAIN         nothing has come, and the socket does not wait or SO_RCVTIMEO is over
 *   -EPIPE          the other end was closed, and nothing has come
 *   -EPROTO         what came is not a hand-off, or not all of one; nothing of it is kept
 *   -EPROTONOSUPPORT it is of another version
 *   -ENOTTY         a descriptor is not of a device file
 *   -ELIBACC        LIBIOMMUFD_EMU is set and libiommufd-emu cannot be loaded
 *   -EMFILE         no file descriptor left in the process, or a security policy withheld one; all are lost
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source recvmsg, fcntl, fstat
 */
int iommufd_handoff_receive(int socket, const struct iommufd_sys *sys,
			    struct iommufd_handoff **out);

/**
 * Make a context of a hand-off that was received, and open every device in it.
 *
 * Needs no privilege but what backend noiommu does. The hand-off then has no
 * descriptors any more, but holds the devices until it is given back. When this fails
 * everything is closed again but the descriptors, so that it can be tried again;
 * but a device that the kernel has bound stays so, and the hand-off has to be given back.
 *
 * Where sysfs is hidden devices have the names that the sender gave; groups need it.
 * IOMMUFD_CTX_RLIMIT_PROCESS takes CAP_SYS_RESOURCE: leave it to the sender.
 *
 * @param handoff  a hand-off made by iommufd_handoff_receive()
 * @param opts     options of the context, or NULL; sys is the hand-off's if it is NULL; not kept
 * @param out      the context, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a hand-off that was received, @p out is NULL, an option is wrong as for iommufd_ctx_new(), sys is another than that of the hand-off, a device with an IOMMU where backend noiommu was asked for, or the kernel finds a device unfit: no cache coherency, or bound already
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, a backend was asked for that cannot have the devices so, or a container that the library cannot use, as for iommufd_ctx_from_fd()
 *   -EALREADY       the hand-off has been opened
 *   -EPROTO         a descriptor is of another device or group than the sender says
 *   -ENOTTY         a descriptor is not of the kind that the sender says, or not what the policy allows
 *   -ENOENT         sysfs does not tell of a group or of a device in it
 *   -ENODEV         a device went away, has no VFIO driver any more, or the container has no type1
 *   -ENXIO          a device's node has no driver behind it
 *   -EACCES         a VF token is wrong or missing, or sysfs may not be read
 *   -EPERM          a device's group is in use by a kernel driver or another context, its interrupts cannot be isolated, no IOMMU stands behind it and noiommu was not asked for or needs CAP_SYS_RAWIO, the group policy forbids it, or IOMMUFD_CTX_RLIMIT_PROCESS without CAP_SYS_RESOURCE
 *   -EBUSY          someone uses a device or its group in another way, or IOMMUFD_CTX_RLIMIT_PROCESS and objects exist
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source as for iommufd_ctx_from_fd(), iommufd_device_from_fd(), iommufd_group_from_fd() and iommufd_device_open()
 */
int iommufd_handoff_open(struct iommufd_handoff *handoff, const struct iommufd_ctx_opts *opts,
			 struct iommufd_ctx **out);

/**
 * Get an item of a hand-off.
 *
 * They are in the order in which they were added, after the context. To see all, ask
 * for index 0 and on until -ENOENT. Who does not want iommufd_handoff_open() can
 * have the descriptors from here.
 *
 * @param handoff  the hand-off
 * @param index    from 0
 * @param item     filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a hand-off, @p item is NULL or its size field is senseless
 *   -ENOENT         there are not so many
 * @threads object
 * @since 0.1
 * @source none
 */
int iommufd_handoff_get_item(struct iommufd_handoff *handoff, uint32_t index,
			     struct iommufd_handoff_item *item);

/**
 * Find a device that iommufd_handoff_open() opened, by its name.
 *
 * By its cookie iommufd_device_find() finds it.
 *
 * @param handoff  the hand-off
 * @param name     the name that its item has: of a PCI device the address, domain included
 * @param out      the device with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a hand-off, or a NULL argument
 *   -ENOENT         the hand-off has no such device, or has not been opened
 * @threads object
 * @since 0.1
 * @source none
 */
int iommufd_handoff_find_device(struct iommufd_handoff *handoff, const char *name,
				struct iommufd_device **out);

#ifdef __cplusplus
}
#endif
#endif
