/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file ctx.h
 * @section ctx Contexts
 *
 * A context is one connection to the kernel's IOMMU service: one open
 * /dev/iommu, or where that is not to be had, VFIO containers of type 1. It owns
 * nothing of the caller's; I/O address spaces and devices belong to it and hold
 * it. Several contexts may live in one process. After fork() the child may only
 * unref.
 *
 * A backend is a pair: how devices are had, and what keeps the address spaces.
 *
 * - cdev+iommufd: devices by their own character devices, /dev/iommu (Linux 6.6)
 * - group+iommufd: devices by their groups, /dev/iommu (Linux 6.2)
 * - group+type1: devices by their groups, type1 containers of version 2
 * - cdev+noiommu: as cdev+iommufd, and no IOMMU stands behind the devices (Linux 7.3)
 * - group+noiommu: devices by their groups, and no IOMMU stands behind them
 *
 * A policy is one of these, or "auto" (the first three, in this order), "iommufd"
 * (the first two), "legacy" (group+type1), or "noiommu" (the last two). What keeps
 * the address spaces is chosen when the context is opened: /dev/iommu if it can be
 * opened, then /dev/vfio/vfio; if that turns out to be an iommufd, "auto" uses it as
 * one. How a device is had is chosen when it is opened: by its character device if
 * it has one that may be opened, else by its group. Without an IOMMU a device
 * reaches all memory, so that noiommu is never chosen unless it is asked for by name;
 * it takes CAP_SYS_RAWIO.
 *
 * `LIBIOMMUFD_LOG=error|warning|info|debug` sends messages to standard error
 * where the program set no log function. `LIBIOMMUFD_BACKEND` overrides the
 * backend option. `LIBIOMMUFD_EMU`, set to 1 or to what iommufd_emu_get_default()
 * knows, runs the context on the emulated kernel of libiommufd-emu, which is loaded
 * with dlopen(): a wholly static program cannot. A program with raised privilege ignores all three.
 */
#ifndef LIBIOMMUFD_CTX_H
#define LIBIOMMUFD_CTX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ctx;
struct iommufd_ioas;
struct iommufd_sys;

/** Log levels, each including those before it. */
enum {
	IOMMUFD_LOG_NONE = 0,
	IOMMUFD_LOG_ERROR = 1,    /**< a call is about to fail */
	IOMMUFD_LOG_WARNING = 2,  /**< something works less well than it could */
	IOMMUFD_LOG_INFO = 3,     /**< choices: backend, group moves */
	IOMMUFD_LOG_DEBUG = 4,    /**< objects made, devices opened, attached and moved */
};

/**
 * Receives log messages. Called without any lock held, in the calling thread;
 * @p text is one line without newline, valid during the call.
 */
typedef void (*iommufd_log_fn)(void *data, int level, const char *text);

/** Options for iommufd_ctx_new(); zero is the default for every field. */
struct iommufd_ctx_opts {
	size_t size;          /**< sizeof(struct iommufd_ctx_opts) */
	uint64_t flags;       /**< IOMMUFD_CTX_* */
	const char *backend;  /**< a policy, as "iommufd" or "group+type1"; NULL is "auto" */
	iommufd_log_fn log;   /**< receives messages; NULL is none */
	void *log_data;       /**< first argument of log */
	int32_t log_level;    /**< IOMMUFD_LOG_*; 0 is IOMMUFD_LOG_WARNING when log is set */
	uint32_t group_policy;/**< which devices that share an IOMMU group may be had: IOMMUFD_GROUP_ANY and so on */
	const struct iommufd_sys *sys; /**< kernel to run on: iommufd_emu_get_sys(), NULL the real one */
};

/** Flags of struct iommufd_ctx_opts. */
enum {
	/** Charge pinned memory to the process, not the user (IOMMU_OPTION_RLIMIT_MODE 1). */
	IOMMUFD_CTX_RLIMIT_PROCESS = 1 << 0,
};

/**
 * Group policies of struct iommufd_ctx_opts. The kernel keeps the attached
 * devices of a group in one I/O address space whatever the policy.
 */
enum {
	/** Whatever the kernel accepts: to replace one device's IOAS moves its whole group. */
	IOMMUFD_GROUP_ANY = 0,
	/**
	 * Only devices that are alone in their group when they are opened. Bridges
	 * between PCI buses do not count, as they do no DMA of their own.
	 */
	IOMMUFD_GROUP_SINGLETON = 1,
	/** A device is not moved to another IOAS while a sibling is attached, which would move too. */
	IOMMUFD_GROUP_ONE_IOAS = 2,
};

/** What a context may be able to do, for iommufd_ctx_has(). */
enum {
	IOMMUFD_CAP_MAP_WITHOUT_DEVICE = 1, /**< map before a device is attached, and keep maps after the last leaves */
	IOMMUFD_CAP_COPY = 2,               /**< a copied mapping shares its pinned pages */
	IOMMUFD_CAP_MAP_FILE = 3,           /**< memfd and shared memory can be mapped by file: by the kernel (Linux 6.13), or by the library with mmap() */
	IOMMUFD_CAP_CHANGE_PROCESS = 4,     /**< pins can move to another process (Linux 6.13) */
	IOMMUFD_CAP_ALLOW_IOVAS = 5,        /**< IOVA ranges can be protected from narrowing */
	IOMMUFD_CAP_HUGE_PAGE_OPTION = 6,   /**< huge I/O pages can be switched off */
	IOMMUFD_CAP_COMPAT_IOAS = 7,        /**< an IOAS can serve legacy VFIO containers */
	IOMMUFD_CAP_REPLACE = 8,            /**< an attached device moves to another IOAS without a gap */
	IOMMUFD_CAP_GROUPS = 9,             /**< devices of one IOMMU group can share an IOAS */
	IOMMUFD_CAP_NESTING = 10,           /**< nested page tables, of which the guest writes the first stage (Linux 6.7) */
	IOMMUFD_CAP_PASID = 11,             /**< a device's PASIDs can be attached each to a page table of its own (Linux 6.15) */
	IOMMUFD_CAP_DIRTY_TRACKING = 12,    /**< what devices write to memory can be told (Linux 6.7; type1 before) */
	IOMMUFD_CAP_FAULT_QUEUE = 13,       /**< I/O page faults can be taken and answered (Linux 6.11) */
	IOMMUFD_CAP_ISOLATION = 14,         /**< an IOMMU stands between devices and memory; 0 only on noiommu */
	IOMMUFD_CAP_UPDATE_VA = 15,         /**< a mapping's memory can move to another address of the process */
	IOMMUFD_CAP_MAP_DEVICE = 16,        /**< the memory of a mapped BAR can be mapped by its address */
	IOMMUFD_CAP_DETACH_JOINED = 17,     /**< a device opened with an IOAS can be detached and replaced */
	IOMMUFD_CAP_DIRTY_ALL_PINNED = 18,  /**< dirty tracking reports every pinned page as written */
	IOMMUFD_CAP_DEVICE_FD = 19,         /**< the character device of a device can be handed over */
	IOMMUFD_CAP_HW_INFO = 20,           /**< the IOMMU behind a device tells its registers (Linux 6.6) */
	IOMMUFD_CAP_HWPT = 21,              /**< hardware page tables can be made one by one (Linux 6.6) */
	IOMMUFD_CAP_VIOMMU = 22,            /**< a slice of the IOMMU for a guest, and its devices (Linux 6.13) */
	IOMMUFD_CAP_VEVENTQ = 23,           /**< events of a vIOMMU can be taken (Linux 6.15) */
	IOMMUFD_CAP_HW_QUEUE = 24,          /**< queues of a guest that the IOMMU reads by itself (Linux 6.17) */
};

/** Something that happened to a device or group that is open in a context. */
struct iommufd_event {
	size_t size;      /**< sizeof(struct iommufd_event), set by the caller */
	uint32_t type;    /**< IOMMUFD_EVENT_* */
	int32_t group;    /**< IOMMU group number, or -1 where sysfs does not tell */
	uint64_t cookie;  /**< of the device that leaves; 0 is none */
	char name[64];    /**< the device that leaves, or the member that is in the way; else empty */
	char driver[32];  /**< the driver of the member in the way, cut to fit; else empty */
};

/** Types of struct iommufd_event. */
enum {
	/** A kernel driver was bound to a member of a group: it cannot be opened, or is isolated no more. */
	IOMMUFD_EVENT_GROUP_NOT_VIABLE = 1,
	IOMMUFD_EVENT_GROUP_VIABLE = 2,   /**< no member of the group has such a driver any more */
	/** An open device is being removed or unbound: who does that waits until the device is closed. */
	IOMMUFD_EVENT_DEVICE_LEAVING = 3,
};

/**
 * Open a context.
 *
 * Tries what the policy allows, in order, and keeps the first that works;
 * iommufd_ctx_get_report() tells what was tried. If nothing works, the error
 * record names each thing tried, and the code is that of the refusal that tells
 * most: -EACCES before -EPERM, -EOPNOTSUPP, -ENODEV and -ENOENT.
 *
 * @param opts  options, or NULL; not kept
 * @param out   the context, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p out is NULL, the backend's name is unknown, log level out of range, the group policy is unknown, sys is from another build, or LIBIOMMUFD_EMU names an unknown machine
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, a container that has type1 in version 1 alone or speaks
 *                   another version of VFIO's interface, or noiommu where the kernel has it not
 *   -ENOENT         no node that the policy knows exists
 *   -ENODEV         a node exists and the kernel has no driver behind it, or a container has no type1
 *   -EACCES         a node may not be opened by this user
 *   -EPERM          a device cgroup forbids a node, noiommu without CAP_SYS_RAWIO, or
 *                   IOMMUFD_CTX_RLIMIT_PROCESS without CAP_SYS_RESOURCE
 *   -ELIBACC        LIBIOMMUFD_EMU is set and libiommufd-emu cannot be loaded
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source open, VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION, IOMMU_OPTION, IOMMU_IOAS_NOIOMMU_GET_PA
 */
int iommufd_ctx_new(const struct iommufd_ctx_opts *opts, struct iommufd_ctx **out);

/**
 * Make a context of a /dev/iommu or a container that someone else opened.
 *
 * The descriptor is duplicated; the caller keeps its own. Which of the two it is
 * is found by asking it; the policy must allow that. Objects and mappings that
 * exist behind it stay the opener's. IOMMUFD_CTX_RLIMIT_PROCESS is refused by the
 * kernel once any object exists.
 *
 * A container serves the first IOAS or group that needs one. For more, the
 * context opens /dev/vfio/vfio itself.
 *
 * @param fd    a file descriptor of /dev/iommu or /dev/vfio/vfio
 * @param opts  options, or NULL; not kept
 * @param out   the context, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p out is NULL, the backend's name is unknown, log level out of range, the group policy is unknown, sys is from another build, or LIBIOMMUFD_EMU names an unknown machine
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, a container that has type1 in version 1 alone or speaks
 *                   another version of VFIO's interface, or noiommu where the kernel has it not
 *   -EBADF          @p fd is not open
 *   -ENOTTY         @p fd is neither, or not what the policy allows
 *   -ENODEV         a container without type1
 *   -EBUSY          IOMMUFD_CTX_RLIMIT_PROCESS and objects exist
 *   -EPERM          noiommu without CAP_SYS_RAWIO, or IOMMUFD_CTX_RLIMIT_PROCESS without CAP_SYS_RESOURCE
 *   -ELIBACC        LIBIOMMUFD_EMU is set and libiommufd-emu cannot be loaded
 *   -EMFILE         no file descriptor left in the process
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source fcntl, VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION, IOMMU_OPTION, IOMMU_IOAS_NOIOMMU_GET_PA
 */
int iommufd_ctx_from_fd(int fd, const struct iommufd_ctx_opts *opts, struct iommufd_ctx **out);

/**
 * Take another reference.
 *
 * @param ctx  the context; may be NULL
 * @return @p ctx
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_ctx *iommufd_ctx_ref(struct iommufd_ctx *ctx);

/**
 * Give a reference back; the last one closes the context.
 *
 * I/O address spaces and devices hold a reference of their own, so any order
 * is legal.
 *
 * @param ctx  the context; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source close
 */
struct iommufd_ctx *iommufd_ctx_unref(struct iommufd_ctx *ctx);

/**
 * Lend the file descriptor of /dev/iommu.
 *
 * @param ctx  the context
 * @return a descriptor that belongs to the context, or:
 *   -EINVAL         @p ctx is not a context
 *   -EOPNOTSUPP     the backend is group+type1 or group+noiommu, which has a container
 *                   for each address space or group
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_ctx_get_fd(struct iommufd_ctx *ctx);

/**
 * Ask whether this context can do something.
 *
 * It speaks of the kernel and the backend. What a device and the IOMMU behind it
 * can do of that, iommufd_device_has() tells.
 *
 * @param ctx  the context
 * @param cap  IOMMUFD_CAP_*
 * @return 1 if it can, 0 if it cannot or the capability is unknown, or:
 *   -EINVAL         @p ctx is not a context
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source an ioctl of its command that is too short to act, when the context was opened
 */
int iommufd_ctx_has(struct iommufd_ctx *ctx, uint32_t cap);

/**
 * Get the name of the backend in use.
 *
 * A pair: "cdev+iommufd", "group+iommufd", "group+type1", "cdev+noiommu" or
 * "group+noiommu", after "emulated " on an emulated kernel. Where it begins with
 * cdev, a device without a usable character device may still be had by its group,
 * if the policy allows: iommufd_device_get_transport() tells.
 *
 * @param ctx  the context
 * @return the name; NULL if @p ctx is not a context
 * @threads any
 * @since 0.1
 * @source none
 */
const char *iommufd_ctx_get_backend(struct iommufd_ctx *ctx);

/**
 * Get what was tried when the context was opened, and with what result.
 *
 * One line per step, as "opened /dev/iommu: EACCES, this user may not open it";
 * the last says what is used. Lines are separated by newlines; none follows the last.
 *
 * @param ctx  the context
 * @return text that lives as long as the context; NULL if @p ctx is not a context
 * @threads any
 * @since 0.1
 * @source none
 */
const char *iommufd_ctx_get_report(struct iommufd_ctx *ctx);

/**
 * Lend a descriptor that is readable when an event may have come.
 *
 * For poll(), select() and the like; reading is for iommufd_ctx_read_event().
 * From the first call on the context watches the open devices, their groups
 * and the groups that iommufd_group_open() gave, and those opened later. The
 * kernel sends its messages to all who listen, so the descriptor becomes
 * readable for changes of other devices too. In a container with a user
 * namespace of its own the kernel sends none.
 *
 * @param ctx  the context
 * @return a descriptor that belongs to the context, or:
 *   -EINVAL         @p ctx is not a context
 *   -EOPNOTSUPP     the kernel has no such messages, or not for this process
 *   -EPERM          this is a forked child; the events are the parent's
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source a netlink socket for uevents
 */
int iommufd_ctx_get_event_fd(struct iommufd_ctx *ctx);

/**
 * Take an event, if there is one.
 *
 * Does not block. When the descriptor was readable, read until -EAGAIN. What
 * came and went between two looks is not told. Each event is given out once: of
 * several threads one gets it. The first call begins to watch, as
 * iommufd_ctx_get_event_fd() does. Linux before 6.6 does not tell that a device
 * leaves before it is closed; its request interrupt does on every kernel.
 *
 * @param ctx    the context
 * @param event  filled up to its size field
 * @return 0, or:
 *   -EINVAL         @p ctx is not a context, @p event is NULL or its size field is senseless
 *   -EAGAIN         nothing has happened
 *   -EOPNOTSUPP     the kernel has no such messages, or not for this process
 *   -EPERM          this is a forked child; the events are the parent's
 *   -EACCES         sysfs may not be read by this user any more
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source read of a netlink socket; sysfs
 */
int iommufd_ctx_read_event(struct iommufd_ctx *ctx, struct iommufd_event *event);

/**
 * Choose whose memory limit pinned pages are charged to.
 *
 * Mode 0 charges the user, mode 1 the process. Only before the first object of
 * the context exists, and only with CAP_SYS_RESOURCE. Backends group+type1 and
 * group+noiommu charge always the process: mode 1 is theirs at any time.
 *
 * @param ctx   the context
 * @param mode  0 or 1
 * @return 0, or:
 *   -EINVAL         @p ctx is not a context, or @p mode is not 0 or 1
 *   -EBUSY          an object exists already
 *   -EPERM          the caller lacks CAP_SYS_RESOURCE
 *   -EOPNOTSUPP     mode 0, and the backend can charge only the process
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_OPTION
 */
int iommufd_ctx_set_rlimit_mode(struct iommufd_ctx *ctx, uint32_t mode);

/**
 * Get whose memory limit pinned pages are charged to.
 *
 * @param ctx   the context
 * @param mode  receives 0 for the user, 1 for the process
 * @return 0, or:
 *   -EINVAL         @p ctx is not a context, or @p mode is NULL
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_OPTION
 */
int iommufd_ctx_get_rlimit_mode(struct iommufd_ctx *ctx, uint32_t *mode);

/**
 * Move the charge for all pinned memory to the calling process.
 *
 * For live update: the successor process holds the same files mapped, takes
 * over the context's descriptor and calls this. Every mapping in every IOAS of
 * the context must be a file mapping.
 *
 * @param ctx  the context
 * @return 0, or:
 *   -EINVAL         @p ctx is not a context, or a mapping is of process memory, not of a file
 *   -EBUSY          mappings are being made or removed meanwhile; try again
 *   -ENOMEM         this process may not pin that much
 *   -EOPNOTSUPP     the kernel has no such call (IOMMUFD_CAP_CHANGE_PROCESS)
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_CHANGE_PROCESS
 */
int iommufd_ctx_change_process(struct iommufd_ctx *ctx);

/**
 * Get the number of the IOAS that legacy VFIO containers on this context use.
 *
 * @param ctx  the context
 * @param id   receives the kernel's number of the IOAS
 * @return 0, or:
 *   -EINVAL         @p ctx is not a context, or @p id is NULL
 *   -ENODEV         none has been set or created
 *   -EOPNOTSUPP     the kernel was built without the compatibility interface
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_VFIO_IOAS
 */
int iommufd_ctx_get_compat_ioas(struct iommufd_ctx *ctx, uint32_t *id);

/**
 * Choose the IOAS that legacy VFIO containers on this context use.
 *
 * @param ctx   the context
 * @param ioas  an IOAS of this context; not referenced by the choice
 * @return 0, or:
 *   -EINVAL         not a context, not an IOAS, or the IOAS is of another context
 *   -EOPNOTSUPP     the kernel was built without the compatibility interface
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_VFIO_IOAS
 */
int iommufd_ctx_set_compat_ioas(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas);

/**
 * Undo iommufd_ctx_set_compat_ioas().
 *
 * @param ctx  the context
 * @return 0, or:
 *   -EINVAL         @p ctx is not a context
 *   -EOPNOTSUPP     the kernel was built without the compatibility interface
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_VFIO_IOAS
 */
int iommufd_ctx_clear_compat_ioas(struct iommufd_ctx *ctx);

#ifdef __cplusplus
}
#endif
#endif
