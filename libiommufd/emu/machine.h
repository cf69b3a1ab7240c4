/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * One emulated machine: its files, its faults to inject, its sysfs. The parts
 * that hang off it are in iommu.h (/dev/iommu) and device.h (VFIO devices).
 *
 * Everything below runs under the machine's lock, taken once by the
 * system-call table (table.c) or by the public functions.
 */
#ifndef EMU_MACHINE_H
#define EMU_MACHINE_H

#include <libiommufd/emu.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "emu/shape.h"
#include "os/sys.h"

#define EMU_PAGE 4096u

#define emu_endof(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

struct emu_container;
struct emu_device;
struct emu_engine;
struct emu_group;
struct emu_iommu;
struct emu_listener;
struct emu_locked;
struct emu_mapping;
struct emu_node;
struct emu_queue;
struct emu_transfer;

enum emu_file_kind {
	EMU_FILE_IOMMU,
	EMU_FILE_CDEV,
	EMU_FILE_CONTAINER,	/* /dev/vfio/vfio */
	EMU_FILE_GROUP,		/* /dev/vfio/N */
	EMU_FILE_DEVICE,	/* a device that its group was asked for */
	EMU_FILE_UEVENTS,
	EMU_FILE_PAGEMAP,
	EMU_FILE_FAULTS,	/* a fault queue */
	EMU_FILE_EVENTS,	/* an event queue of a vIOMMU */
	EMU_FILE_MIGRATION,	/* what the state of a device goes through */
	EMU_FILE_DMA_BUF,	/* a BAR, handed out; nothing behind it */
};

/*
 * An open file description. The descriptors are of a memfd made for it, whose
 * inode is how a descriptor is recognised, whoever duplicated it.
 */
struct emu_file {
	struct emu_file *next;
	dev_t dev;
	ino_t ino;
	int *fds;		/* descriptors known to be open */
	size_t nr_fds;
	size_t room;
	char path[64];		/* that it was opened by, or what /proc shows in its place */
	unsigned int holds;	/* mapped BARs and devices of a group: like descriptors */
	enum emu_file_kind kind;
	struct emu_iommu *iommu;
	bool by_container;	/* an iommufd that was opened as /dev/vfio/vfio */
	struct emu_container *container;
	struct emu_listener *listener;
	int pagemap;		/* the running kernel's */
	struct emu_queue *queue;
	struct emu_transfer *transfer;
	struct emu_group *group;
	bool orphan;		/* the group lost the drivers that it was there for */
	struct emu_device *device;
	bool bound;		/* this file opened the device, and may use it */
};

struct iommufd_emu {
	atomic_uint refs;
	bool is_default;
	struct iommufd_sys sys;
	pthread_mutex_t lock;
	pid_t process;		/* that the machine lives in: a forked child has but a picture of it */

	const struct emu_kernel *kernel;
	uint64_t flags;
	unsigned int address_bits;
	uint64_t memlock_pages;
	uint32_t dma_entries;		/* mappings that a type1 container may have */

	struct emu_group *groups;
	struct emu_device *devices;
	struct emu_node *nodes;

	struct emu_file *files;
	struct emu_mapping *mappings;	/* handed out by mmap */
	struct emu_locked *locked;
	struct emu_listener *listeners;
	uint64_t uevents;		/* sent so far */
	unsigned int open_devices;
	struct emu_engine *engine;
	struct emu_engine *stopping;	/* to be joined once the lock is dropped */

	struct iommufd_emu_fault fault;
	bool armed;
	uint64_t seen;
	struct iommufd_emu_counts counts;
};

/* table.c */
void emu_table_init(struct iommufd_emu *emu);
int emu_file_ioctl(struct emu_file *file, uint32_t request, uint64_t arg);

/* Take and drop the lock; dropping it also joins a device thread that is done. */
void emu_lock(struct iommufd_emu *emu);
/*
 * A forked child: nobody there will ever drop a lock that another thread had, nor
 * put right what it was changing. Giving things back leaves the machine alone.
 */
bool emu_is_forked(const struct iommufd_emu *emu);
void emu_unlock(struct iommufd_emu *emu);

/* devices.c */
int emu_add_default_devices(struct iommufd_emu *emu);

/* inject.c: the error to fail this call with, or 0. */
int emu_inject_check(struct iommufd_emu *emu, uint32_t call, unsigned long request);

/* files.c */
int emu_file_open(struct iommufd_emu *emu, const char *path);
struct emu_file *emu_file_find(struct iommufd_emu *emu, int fd);
/* The first descriptor of a file that has none yet, or -errno. */
int emu_file_install(struct iommufd_emu *emu, struct emu_file *file);
int emu_file_add_fd(struct iommufd_emu *emu, struct emu_file *file, int fd);
/* Forgets @fd; the file goes with the last one. False if it was not known. */
bool emu_file_drop_fd(struct iommufd_emu *emu, struct emu_file *file, int fd);
void emu_file_put(struct iommufd_emu *emu, struct emu_file *file);
void emu_file_free_all(struct iommufd_emu *emu);

/* Makes @fd the first descriptor of a file that is not one of the tree's. */
int emu_file_adopt(struct iommufd_emu *emu, struct emu_file *file, int fd);

/* opts.c: structures that begin with their size. */
int emu_opts_get(void *dst, size_t known, const void *src);
bool emu_bdf_parse(const char *bdf, unsigned int *domain, unsigned int *bus, unsigned int *devfn);

/* ownfd.c: -errno, but EMFILE only when the hard limit says so. */
enum emu_own_fd { EMU_OWN_DUP, EMU_OWN_MEMORY, EMU_OWN_EVENT };
int emu_own_fd(enum emu_own_fd kind, int fd);

/* locked.c: mlock() and munlock(), counted. */
int emu_lock_memory(struct iommufd_emu *emu, uint64_t addr, uint64_t n, bool on);
void emu_unlock_all(struct iommufd_emu *emu);

/* user.c: memory of the process, touched as the kernel would: EFAULT, no signal. */
int emu_user_read(void *dst, uint64_t src, size_t n);
int emu_user_write(uint64_t dst, const void *src, size_t n);
/* copy_struct_from_user: longer is fine if zero (-E2BIG), shorter is zero-filled. */
int emu_user_struct(void *dst, size_t known, uint64_t src, size_t n);
/* Make pages present, and check that they may be read or written. */
int emu_user_populate(uint64_t addr, uint64_t n, bool writable);

/* sysfs.c */
int emu_sysfs_init(struct iommufd_emu *emu);
int emu_sysfs_add_device(struct iommufd_emu *emu, struct emu_device *dev);
/* What comes and goes with a driver: its links, and the nodes of a VFIO one. */
int emu_sysfs_bind(struct emu_device *dev);
void emu_sysfs_unbind(struct emu_device *dev);
void emu_sysfs_remove_vfio(struct emu_device *dev);
void emu_sysfs_leave_group(struct emu_device *dev);
/* The device's folder. */
const char *emu_sysfs_home(struct emu_device *dev);
void emu_sysfs_free(struct iommufd_emu *emu);
/* Whether the machine answers for a path, or the running system does. */
bool emu_sysfs_owns(const char *path);
struct emu_node *emu_sysfs_find(struct iommufd_emu *emu, const char *path, bool follow);
ssize_t emu_sysfs_read_file(struct iommufd_emu *emu, const char *path, char *buf, size_t n);
ssize_t emu_sysfs_read_link(struct iommufd_emu *emu, const char *path, char *buf, size_t n);
ssize_t emu_sysfs_list_dir(struct iommufd_emu *emu, const char *path, char *buf, size_t n);
int emu_sysfs_exists(struct iommufd_emu *emu, const char *path);

/* What a device node of the tree stands for. */
enum {
	EMU_MISC_MAJOR = 10,
	EMU_IOMMU_MINOR = 125,
	EMU_CONTAINER_MINOR = 196,
	EMU_GROUP_MAJOR = 510,
	EMU_CDEV_MAJOR = 511,
};
bool emu_node_is_device(const struct emu_node *node, unsigned int *major, unsigned int *minor);

#endif
