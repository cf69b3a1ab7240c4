/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file emu.h
 * @section emu The emulated kernel
 *
 * libiommufd-emu models, in process, the kernel that the library talks to:
 * /dev/iommu, VFIO device files, groups and containers, the sysfs facts around
 * them and a PCI test device that copies memory through the I/O page table and
 * raises MSIs. Link it (`-liommufd-emu`) to test your own code without root and
 * without an IOMMU. Nothing is isolated here: never mistake it for a real device.
 *
 * The test device follows QEMU's `edu` (PCI 1234:11e8): BAR 0 with an
 * identification register, a liveness register, a factorial unit, an interrupt
 * raise and acknowledge pair and a DMA engine with a 4 KiB buffer at device
 * address 0x40000; one MSI vector and INTx. Registers reached through a mapped
 * BAR take effect within a millisecond, through read and write at once.
 *
 * The IOMMU in front of it translates, and no more. Nested page tables, PASIDs,
 * page faults, dirty tracking and vIOMMUs are for mock devices, which the newest kernel
 * makes as one does that is built to test iommufd: iommufd_emu_ioctl() asks for one, and
 * iommufd_device_adopt() opens it. doc/examples/vmm.c runs on them.
 *
 * Two ways to use it. A program under test needs no change: set the
 * environment variable `LIBIOMMUFD_EMU=1` and every new context runs on one
 * default machine per process; iommufd_emu_get_default() tells what else the
 * variable may say. A test that wants to shape the machine, inject
 * faults or count what is left open builds one with iommufd_emu_new() and
 * hands iommufd_emu_get_sys() to iommufd_ctx_new(). doc/examples/fault-test.c
 * shows how.
 */
#ifndef LIBIOMMUFD_EMU_H
#define LIBIOMMUFD_EMU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_sys;
struct iommufd_emu;

/** Shape of an emulated machine; zero is the default for every field. */
struct iommufd_emu_opts {
	size_t size;           /**< sizeof(struct iommufd_emu_opts) */
	uint64_t flags;        /**< IOMMUFD_EMU_* */
	uint32_t address_bits; /**< width of IOVAs the IOMMU translates; 0 is 39 */
	uint32_t memlock_pages;/**< pages that may be pinned before -ENOMEM; 0 is no limit */
	/**
	 * The kernel to be: NULL or "newest" is Linux 7.3 with everything; "6.6" is
	 * Linux 6.6, built without VFIO's character devices; "6.1" and "5.10" are those
	 * releases, which have no /dev/iommu. Not kept.
	 */
	const char *kernel;
	uint32_t dma_entries;  /**< mappings that a type1 container may have; 0 is 65535 */
	uint32_t reserved;     /**< zero */
};

/** Flags of struct iommufd_emu_opts. */
enum {
	IOMMUFD_EMU_EMPTY = 1 << 0,        /**< no devices; add them one by one */
	IOMMUFD_EMU_NO_IOMMU_NODE = 1 << 1,/**< /dev/iommu does not exist */
	IOMMUFD_EMU_NO_PERMISSION = 1 << 2,/**< /dev/iommu may not be opened */
	IOMMUFD_EMU_NO_CDEV = 1 << 3,      /**< devices have no character device of their own */
	IOMMUFD_EMU_UNPRIVILEGED = 1 << 4, /**< the caller lacks CAP_SYS_RESOURCE, CAP_SYS_RAWIO and CAP_SYS_ADMIN */
	IOMMUFD_EMU_NO_MSI_ISOLATION = 1 << 5, /**< binding is refused with -EPERM, as without interrupt remapping */
	/**
	 * There is no IOMMU, and VFIO lets devices be used all the same: each one with
	 * a VFIO driver has a group of its own, /dev/vfio/noiommu-N, numbered from 0
	 * whatever its options say, and on the newest kernel /dev/vfio/devices/noiommu-vfioN.
	 * Devices use addresses as they are: the physical address of memory is its
	 * virtual one, which IOMMU_IOAS_NOIOMMU_GET_PA and /proc/self/pagemap tell.
	 */
	IOMMUFD_EMU_NOIOMMU = 1 << 6,
	IOMMUFD_EMU_COMPAT_CONTAINER = 1 << 7, /**< /dev/vfio/vfio is an iommufd, as with CONFIG_IOMMUFD_VFIO_CONTAINER */
};

/** A device to add to an emulated machine. */
struct iommufd_emu_device_opts {
	size_t size;          /**< sizeof(struct iommufd_emu_device_opts) */
	uint64_t flags;       /**< IOMMUFD_EMU_DEVICE_* */
	const char *bdf;      /**< "dddd:bb:dd.f", or a UUID; required, must be new */
	const char *driver;   /**< driver bound to it; NULL is "vfio-pci", "" is none */
	uint32_t group;       /**< IOMMU group number; devices with the same number share it */
	uint32_t reserved;    /**< zero */
	const uint8_t *vf_token; /**< 16 bytes a binding must present; NULL is none needed */
	uint64_t reserved_start; /**< first IOVA at which no memory can be for it, a multiple of 4096 */
	uint64_t reserved_last;  /**< last of these IOVAs; 0 is none */
};

/** Flags of struct iommufd_emu_device_opts. */
enum {
	/**
	 * Also has MSI-X with 8 vectors (table in BAR 2), a PCIe capability and FLR;
	 * writing N to register 0x68 raises vector N.
	 */
	IOMMUFD_EMU_DEVICE_MSIX = 1 << 0,
	/**
	 * No PCI device but a mediated one that can be migrated, with a UUID for a
	 * name: two serial ports that hand back what is written to them, as the kernel's
	 * sample driver mtty makes. Takes none of driver, vf_token and reserved.
	 */
	IOMMUFD_EMU_DEVICE_MEDIATED = 1 << 1,
};

/** What to make fail, and when. */
struct iommufd_emu_fault {
	size_t size;          /**< sizeof(struct iommufd_emu_fault) */
	uint32_t calls;       /**< IOMMUFD_EMU_CALL_* mask of calls that count; 0 is all */
	int error;            /**< positive errno to fail with */
	uint64_t request;     /**< ioctl that counts, as IOMMU_IOAS_MAP of <linux/iommufd.h> or the number in doc/ioctls.md; 0 is any */
	uint64_t nth;         /**< first failing call, from 1, counted from now */
	uint64_t count;       /**< how many calls fail from there on; 0 is one */
};

/** Kinds of calls, for struct iommufd_emu_fault. Closing and unmapping cannot fail. */
enum {
	IOMMUFD_EMU_CALL_OPEN = 1 << 0,     /**< open of any file, and of the descriptor that tells of uevents */
	IOMMUFD_EMU_CALL_IOCTL = 1 << 1,    /**< any ioctl */
	IOMMUFD_EMU_CALL_READ = 1 << 2,     /**< pread of a device, read of a descriptor */
	IOMMUFD_EMU_CALL_WRITE = 1 << 3,    /**< pwrite to a device, write to a descriptor */
	IOMMUFD_EMU_CALL_MMAP = 1 << 4,     /**< mmap of a device or of /dev/iommu */
	IOMMUFD_EMU_CALL_DUP = 1 << 5,      /**< duplication of a descriptor */
	IOMMUFD_EMU_CALL_SYSFS = 1 << 6,    /**< a look at sysfs or at a descriptor: read, readlink, readdir, lstat, fstat */
	IOMMUFD_EMU_CALL_POPULATE = 1 << 7, /**< the look at memory after a map or attach failed; locking memory */
};

/** What exists in an emulated machine now, and what happened in it. */
struct iommufd_emu_counts {
	size_t size;          /**< sizeof(struct iommufd_emu_counts), set by the caller */
	uint64_t calls;       /**< failable calls made so far */
	uint64_t injected;    /**< calls made to fail */
	uint64_t fds;         /**< open file descriptors of the machine's files */
	uint64_t ioas;        /**< I/O address spaces */
	uint64_t bound;       /**< devices bound to an iommufd */
	uint64_t attached;    /**< devices attached to an address space */
	uint64_t mappings;    /**< areas in all address spaces and containers */
	uint64_t pinned_pages;/**< 4 KiB pages pinned for DMA, or locked in memory */
	uint64_t bar_maps;    /**< live memory mappings of BARs, and of vIOMMUs */
	uint64_t eventfds;    /**< eventfds held as interrupt triggers */
	uint64_t dma_bytes;   /**< bytes moved by devices */
	uint64_t dma_faults;  /**< device accesses that the page table refused, or to memory that is not there */
	uint64_t groups;      /**< open group files */
	uint64_t containers;  /**< type1 containers: open, or still held by a group */
	uint64_t objects;     /**< objects of all kinds in all open /dev/iommu */
};

/**
 * Create an emulated machine.
 *
 * The default machine has five edu devices: 0000:00:03.0 and 0000:00:04.0 alone
 * in IOMMU groups 3 and 4; 0000:01:01.0 and 0000:01:02.0 behind a conventional
 * PCI bridge, 0000:00:1e.0, and with it in group 8; and 0000:00:06.0, which has
 * MSI-X and FLR, in group 6. Where there is an IOMMU and the kernel is Linux 6.7 or
 * newer it also has two mediated devices that can be migrated,
 * 6d747479-0000-4000-8000-000000000001 and -000000000002, in groups 1001 and 1002.
 *
 * @param opts  shape of the machine, or NULL; not kept
 * @param out   the machine, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p out is NULL, the size field is too small to hold itself,
 *                   address_bits is not 0 or within 32..64, kernel is unknown, or
 *                   is too old for IOMMUFD_EMU_COMPAT_CONTAINER
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_new(const struct iommufd_emu_opts *opts, struct iommufd_emu **out);

/**
 * Take another reference.
 *
 * @param emu  the machine; may be NULL
 * @return @p emu
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_emu *iommufd_emu_ref(struct iommufd_emu *emu);

/**
 * Give a reference back. Contexts hold one of their own.
 *
 * @param emu  the machine; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_emu *iommufd_emu_unref(struct iommufd_emu *emu);

/**
 * Get what iommufd_ctx_new() takes in its options to run on this machine.
 *
 * @param emu  the machine
 * @return the system-call table, valid as long as the machine; NULL if @p emu is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
const struct iommufd_sys *iommufd_emu_get_sys(struct iommufd_emu *emu);

/**
 * Get the machine that LIBIOMMUFD_EMU stands for; created at the first call.
 *
 * It lives until its last reference and its last context are gone, as what the
 * variable said when it was created: a kernel as in struct iommufd_emu_opts, or
 * `1` for the newest, and after it any of these, each with a comma before it:
 * `no-cdev` for IOMMUFD_EMU_NO_CDEV, `no-iommufd` for IOMMUFD_EMU_NO_IOMMU_NODE,
 * `no-permission` for IOMMUFD_EMU_NO_PERMISSION, `noiommu` for IOMMUFD_EMU_NOIOMMU,
 * `compat` for IOMMUFD_EMU_COMPAT_CONTAINER and `unprivileged` for
 * IOMMUFD_EMU_UNPRIVILEGED. `LIBIOMMUFD_EMU=newest,no-cdev` is an example. Where the
 * variable is not set, is empty or is `0` the machine is the newest.
 *
 * @param out  the machine, with a reference for the caller; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p out is NULL, or LIBIOMMUFD_EMU says something else
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_get_default(struct iommufd_emu **out);

/**
 * Add an edu device to a machine, or a mediated one.
 *
 * @param emu   the machine
 * @param opts  the device; strings and token are copied
 * @return 0, or:
 *   -EINVAL         @p emu or @p opts is NULL, the size field is too small to
 *                   hold itself, the BDF is missing or malformed, the driver's
 *                   name is longer than 31 characters or has a slash, the
 *                   reserved IOVAs are not whole pages, or a mediated device is
 *                   given what it has not
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or a mediated device where there is no IOMMU or before Linux 6.7
 *   -EEXIST         the BDF is taken
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_add_device(struct iommufd_emu *emu, const struct iommufd_emu_device_opts *opts);

/**
 * Bind a driver to a device or bridge, or take its driver away.
 *
 * The driver that is bound now goes first. As on the real kernel the links in
 * sysfs change, a VFIO driver brings the device's nodes and any other takes them
 * away, a uevent tells of each step, and the lowest free number is the N of a
 * new vfioN. A driver whose name has "vfio" in it is a VFIO driver; "pci-stub"
 * and "pcieport" do no DMA of their own; any other does, and stands in the way of
 * its group. Since Linux 5.19 such a driver is kept out of a group whose DMA
 * user space owns.
 *
 * @param emu     the machine
 * @param bdf     "dddd:bb:dd.f"
 * @param driver  its name; NULL or "" is none. Nothing happens if it is bound already
 * @return 0, or:
 *   -EINVAL         @p emu or @p bdf is NULL, the BDF is malformed, the driver's name
 *                   is longer than 31 characters or has a slash, or a VFIO driver
 *                   is to drive a bridge
 *   -ENOENT         there is no such device
 *   -EBUSY          the device is open: its driver and, since 6.6, its nodes are gone, its request
 *                   interrupt was raised, and once closed it is without a driver, for which
 *                   the real kernel would wait; or user space owns the group's DMA: no driver
 *                   is bound now
 *   -ENOMEM         out of memory; no driver is bound now
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_set_driver(struct iommufd_emu *emu, const char *bdf, const char *driver);

/**
 * Arrange for a call to fail. A new arrangement replaces the one before.
 *
 * The library survives some failures, as those of looking for the cause of another.
 *
 * @param emu    the machine
 * @param fault  what and when; NULL clears the arrangement
 * @return 0, or:
 *   -EINVAL         @p emu is NULL, the size field is too small to hold itself,
 *                   nth is 0, error is not a positive errno, or request is set
 *                   and ioctls do not count
 *   -EOPNOTSUPP     unknown kind of call
 *   -E2BIG          @p fault has fields that this release does not know, not zero
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_inject(struct iommufd_emu *emu, const struct iommufd_emu_fault *fault);

/**
 * Read the counters of a machine.
 *
 * @param emu     the machine
 * @param counts  filled up to its size field
 * @return 0, or:
 *   -EINVAL         an argument is NULL, or the size field is too small to hold anything
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_get_counts(struct iommufd_emu *emu, struct iommufd_emu_counts *counts);

/**
 * Open one of the machine's files as another process would, to hand it over.
 *
 * @param emu   the machine
 * @param path  "/dev/iommu", "/dev/vfio/vfio", "/dev/vfio/N" for group N, or "/dev/vfio/devices/vfioN" (noiommu-N and noiommu-vfioN without an IOMMU); there N counts devices with a VFIO driver in the order in which they got it, from 0
 * @return a file descriptor for iommufd_emu_close(), or:
 *   -EINVAL         an argument is NULL
 *   -ENOENT         no such file in the machine
 *   -EACCES         the machine's options forbid it, or it is no device
 *   -EPERM          the machine has no IOMMU, and the caller no privilege
 *   -EBUSY          a group that is open, or of which a device is bound by its own file
 *   -EMFILE         too many descriptors are open in the process
 *   -ENFILE         too many descriptors are open in the system
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_open(struct iommufd_emu *emu, const char *path);

/**
 * Close a file descriptor from iommufd_emu_open().
 *
 * @param emu  the machine
 * @param fd   the descriptor
 * @return 0, or:
 *   -EINVAL         @p emu is NULL
 *   -EBADF          @p fd is not one of the machine's
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_close(struct iommufd_emu *emu, int fd);

/**
 * Make an ioctl on one of the machine's files as another program would.
 *
 * It is neither counted among the calls nor made to fail by iommufd_emu_inject().
 * Tests reach what the library has no function for by it: on the newest kernel
 * /dev/iommu knows IOMMU_TEST_CMD, with which a kernel that is built to test
 * iommufd makes mock devices.
 *
 * @param emu      the machine
 * @param fd       a descriptor of one of its files, whoever opened it
 * @param request  the ioctl, as in <linux/iommufd.h> and <linux/vfio.h>
 * @param arg      its argument
 * @return what the ioctl returns, 0 or more, or -errno as the real kernel says it, or:
 *   -EINVAL         @p emu is NULL
 *   -EBADF          @p fd is not one of the machine's
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_emu_ioctl(struct iommufd_emu *emu, int fd, uint64_t request, void *arg);

#ifdef __cplusplus
}
#endif
#endif
