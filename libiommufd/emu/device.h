/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * VFIO PCI devices, and the edu hardware behind them.
 */
#ifndef EMU_DEVICE_H
#define EMU_DEVICE_H

#include "emu/group.h"
#include "emu/iommu.h"

/* Offsets in a device's file: a region's index, and a place in it. */
#define EMU_REGION_SHIFT 40
#define EMU_REGION_INDEX(offset) ((offset) >> EMU_REGION_SHIFT)
#define EMU_REGION_AT(offset) ((offset) & ((UINT64_C(1) << EMU_REGION_SHIFT) - 1))

#define EMU_MSIX_VECTORS 8
#define EMU_NR_BARS 6

/* Where devices' writes are interrupts, no memory can be. */
#define EMU_MSI_START UINT64_C(0xfee00000)
#define EMU_MSI_LAST UINT64_C(0xfeefffff)
#define EMU_MAX_RESERVED 2

/* Configuration space: the device's own, and what the user is shown instead. */
struct emu_config {
	uint8_t hw[4096];
	uint8_t virt[4096];
	uint8_t virt_mask[4096];	/* bits shown from virt */
	uint8_t write_mask[4096];	/* bits the user may write */
	uint8_t hw_mask[4096];		/* bits the device takes */
	uint32_t size;
};

/* A register of a BAR that may be reached through memory. */
enum { EMU_EDU_REGISTERS = 12 };

struct emu_bar {
	uint32_t size;			/* 0: there is none */
	int fd;				/* memory behind the mappings, while there are any */
	unsigned int maps;
	void *page;			/* that memory, as the machine sees it */
	uint64_t known[EMU_EDU_REGISTERS];	/* what the page held when last looked at */
};

/* An interrupt index is in use, or EMU_IRQ_NONE. */
#define EMU_IRQ_NONE (-1)

struct emu_irq {
	int index;
	int vectors[EMU_MSIX_VECTORS];	/* eventfds, or -1; INTx has the first */
	bool line;			/* INTx, as the device drives it */
	bool masked;			/* INTx */
	bool disabled;			/* INTx, in the command register */
	int unmask;			/* INTx: eventfd to unmask by, or -1 */
	int error;
	int request;
};

struct emu_edu {
	uint32_t liveness;
	uint32_t factorial;
	uint32_t status;
	uint32_t irq_status;
	uint64_t source;
	uint64_t target;
	uint64_t count;
	uint64_t command;
	uint8_t buffer[4096];
};

/* A register write that an eventfd stands for. */
struct emu_ioeventfd {
	struct emu_ioeventfd *next;
	uint64_t offset;		/* in the device's file */
	uint64_t data;
	uint32_t size;
	int fd;
};

struct emu_device {
	struct emu_device *next;
	struct iommufd_emu *emu;
	char bdf[40];			/* of a port its UUID */
	unsigned int domain;
	unsigned int bus;
	unsigned int devfn;
	bool bridge;			/* nothing but a member of its group */
	char driver[32];
	bool vfio;			/* the driver is a VFIO one, so cdev counts */
	bool leaving;			/* its driver goes when the device is closed */
	unsigned int cdev;
	struct emu_group *group;
	bool msix;			/* MSI-X, PCIe capability and FLR */
	bool has_token;
	uint8_t token[16];
	struct emu_range reserved;	/* IOVAs that it cannot use; last 0: none */

	/* While open: */
	unsigned int opens;		/* more than one only through the group */
	bool by_cdev;
	bool in_container;		/* open through its group's */
	struct emu_iommu *iommu;	/* bound to it, or NULL */
	struct emu_object object;
	bool attached;
	bool attached_as_pasid;		/* by the way of PASID 0, which is the device itself */
	bool low_power;
	int wakeup;			/* eventfd to tell of the end of low power, or -1 */
	struct emu_config *config;
	struct emu_bar bars[EMU_NR_BARS];
	struct emu_irq irq;
	struct emu_edu edu;
	struct emu_ioeventfd *ioeventfds;

	struct emu_port *port;		/* that it is, and not of PCI */
	struct emu_mock *mock;		/* that it is, and none of VFIO's */
};

/* device.c */
int emu_device_ioctl(struct emu_file *file, uint32_t request, uint64_t arg);
struct emu_device *emu_device_by_cdev(struct iommufd_emu *emu, unsigned int cdev);
bool emu_device_is_noiommu(const struct emu_device *dev);
/* The one that an iommufd knows by this id, or NULL. */
struct emu_device *emu_device_get(struct emu_iommu *iommu, uint32_t id);
/* Windows of IOVAs where no memory can be for this device; how many. */
size_t emu_device_reserved(const struct emu_device *dev, struct emu_range *out);

/* driver.c */
bool emu_driver_name_ok(const char *driver);
unsigned int emu_cdev_number(struct iommufd_emu *emu);
/* What there must be before the nodes of a device's driver. */
void emu_driver_prepare(struct emu_device *dev);
/* Tells of a driver that a device has from now on. */
void emu_driver_bound(struct emu_device *dev);
/* The device is closed: a driver that was to go meanwhile goes. */
void emu_driver_end_unbind(struct emu_device *dev);

/* content.c: as the device's node and sysfs have it. */
void emu_vfio_name(const struct emu_device *dev, char *out, size_t n);

/* bind.c */
int emu_device_bind(struct emu_file *file, uint64_t arg);
void emu_device_unbind(struct emu_file *file);
/* Whether the user knows the token, 16 bytes or NULL, that the device asks for. */
int emu_device_check_token(const struct emu_device *dev, const uint8_t *token);

/* open.c: bound to @iommu, or in the group's container if that is NULL. */
int emu_device_open(struct emu_device *dev, struct emu_iommu *iommu);
void emu_device_close(struct emu_device *dev);

/* attach-vfio.c */
int emu_device_attach(struct emu_device *dev, uint64_t arg);
int emu_device_detach(struct emu_device *dev, uint64_t arg);

/* attach.c */
int emu_device_attach_ioas(struct emu_device *dev, struct emu_ioas *ioas);
void emu_device_detach_all(struct emu_device *dev);

/* info.c */
int emu_device_info(struct emu_device *dev, uint64_t arg);
int emu_region_info(struct emu_device *dev, uint64_t arg);
int emu_irq_info(struct emu_device *dev, uint64_t arg);
unsigned int emu_irq_count(const struct emu_device *dev, uint32_t index);

/* irq.c */
int emu_irq_set(struct emu_device *dev, uint64_t arg);
void emu_irq_init(struct emu_device *dev);
void emu_irq_close(struct emu_device *dev);
/* The device raised a message, or moved its INTx line. */
void emu_irq_message(struct emu_device *dev, unsigned int vector);
void emu_irq_line(struct emu_device *dev, bool up);
void emu_irq_disable_intx(struct emu_device *dev, bool disable);
void emu_irq_unmask(struct emu_device *dev);

/* eventfd.c: eventfds of the user, held by duplicates. */
int emu_eventfd_get(struct iommufd_emu *emu, int fd);
void emu_eventfd_put(struct iommufd_emu *emu, int *fd);
void emu_eventfd_signal(int fd);
bool emu_eventfd_take(int fd);
int emu_ioeventfd(struct emu_device *dev, uint64_t arg);
void emu_ioeventfd_poll(struct emu_device *dev);
void emu_ioeventfd_close(struct emu_device *dev);

/* feature.c */
struct emu_feature_row {
	uint32_t feature;
	enum emu_feature kernel;
	int (*serve)(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size);
};

int emu_feature_serve(struct emu_device *dev, uint64_t arg, const struct emu_feature_row *rows,
		      size_t nr);
int emu_device_feature(struct emu_device *dev, uint64_t arg);
/* 1 to go on, 0 if probing was all that was asked; @allowed of GET and SET. */
int emu_feature_check(uint32_t flags, size_t size, uint32_t allowed, size_t min_size);
void emu_device_wake(struct emu_device *dev);

/* reset.c */
bool emu_device_can_reset(const struct emu_device *dev);
void emu_device_reset(struct emu_device *dev);
int emu_device_reset_ioctl(struct emu_device *dev, uint64_t arg);
int emu_hot_reset_info(struct emu_device *dev, uint64_t arg);
int emu_hot_reset(struct emu_device *dev, uint64_t arg);

/* pci.c */
int emu_config_open(struct emu_device *dev);
/* Messages in place of INTx: switched by SET_IRQS, and off by a write to the MSI capability. */
void emu_config_set_messages(struct emu_device *dev, int index);
bool emu_config_messages(const struct emu_device *dev);
bool emu_config_memory(const struct emu_device *dev);
bool emu_config_master(const struct emu_device *dev);
ssize_t emu_config_rw(struct emu_device *dev, uint64_t user, size_t n, uint64_t at, bool write);

/* region.c */
ssize_t emu_region_rw(struct emu_file *file, uint64_t user, size_t n, uint64_t offset, bool write);
/* One access of 1, 2, 4 or 8 bytes. */
uint64_t emu_bar_read(struct emu_device *dev, unsigned int bar, uint64_t at, unsigned int size);
void emu_bar_write(struct emu_device *dev, unsigned int bar, uint64_t at, unsigned int size,
		   uint64_t value);

/* bar.c */
int emu_bar_mmap(struct emu_file *file, size_t n, int prot, uint64_t offset, void **out);
void emu_bar_unmapped(struct emu_device *dev, unsigned int index);
/* Take in what was written to mapped registers, and show what they hold now. */
void emu_bar_sync(struct emu_device *dev);

/* edu.c */
void emu_edu_reset(struct emu_device *dev);
uint64_t emu_edu_read(const struct emu_device *dev, uint64_t at, unsigned int size);
void emu_edu_write(struct emu_device *dev, uint64_t at, unsigned int size, uint64_t value);
bool emu_edu_busy(const struct emu_device *dev);
/* Finish what was started. */
void emu_edu_run(struct emu_device *dev);

#endif
