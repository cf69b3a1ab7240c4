/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Attachments: to what a device is attached, in the kernel and in our records.
 * Everything here is called with the context's lock held, but for
 * attachment_put(); what writes no error record says so.
 */
#ifndef OBJECT_ATTACH_H
#define OBJECT_ATTACH_H

#include "object/device.h"
#include "object/hwpt.h"

struct attachment {
	struct iommufd_ioas *ioas; /* NULL: to nothing */
	struct iommufd_hwpt *hwpt; /* a table of the program's or the library's; NULL: the kernel's */
	bool any;                  /* not there yet, and whichever table of the IOAS will do */
	bool tracked;              /* likewise, if what the device writes can be tracked there */
	bool pasids;               /* likewise, if it takes PASIDs */
	bool fresh;                /* the table was made on the way; who enters has its reference */
};

/* attach-move.c */
/* One of the same IOMMU group, which the kernel attaches as a whole. */
bool same_group(const struct iommufd_device *a, const struct iommufd_device *b);
/* The device if it is attached, else a sibling that is: the group is on one table. Or NULL. */
struct iommufd_device *attached_in_group(struct iommufd_device *dev);
/* A sibling that keeps the device from being attached to @to: its record, or 0. */
int attachment_check_siblings(struct iommufd_device *dev, const char *function,
			      const struct attachment *to);
/*
 * Attach the device, or move it with its group; to->hwpt is what it came to. On
 * failure it is where it was, or, after -EUCLEAN, where attachment_is_at() says.
 * Locks held of the IOASes concerned.
 */
int attachment_go(struct iommufd_device *dev, const char *function, struct attachment *to);
bool attachment_is_at(const struct iommufd_device *dev, const struct attachment *to);

/* The same of a PASID, but that no ranges are read. The device's own table takes PASIDs. */
int attachment_go_pasid(struct iommufd_device *dev, uint32_t pasid, const char *function,
			struct attachment *to);

/* Our records of it. IOAS locks held. */
void attachment_enter(struct iommufd_device *dev, struct attachment *at);
/* The table with a reference, for who enters. */
struct iommufd_hwpt *attachment_take_hwpt(struct attachment *at);
/* The references are the caller's to put. */
struct attachment attachment_leave(struct iommufd_device *dev);
/* Those of the whole group, from where the device is; each was held as often as the number returned. */
unsigned int attachment_move_group(struct iommufd_device *dev, struct attachment *to);
/* The same to another table of the IOAS, from an automatic one: what was held is given back. */
void attachment_shift_group(struct iommufd_device *dev, struct attachment *to);
/* Give back what a device held; no lock is held. */
void attachment_put(const struct attachment *left);

/* To where it just was; no error record. IOAS lock held. */
int attachment_go_back(struct iommufd_device *dev, const struct attachment *to);

/*
 * attach-tracked.c: move each device of an IOAS to a table on which what it writes
 * can be tracked, and begin; or all stay. IOAS lock held.
 */
int attachment_begin_tracking(struct iommufd_ioas *ioas, const char *function);

/* Bind, and attach to @ioas if it is not NULL. */
int device_bind(struct iommufd_device *dev, const char *function, const struct bind_request *q,
		struct iommufd_ioas *ioas);
/* Detach and give back, whatever the kernel says; put what is returned. */
struct attachment device_release(struct iommufd_device *dev);

/* attach.c */
/* The public functions: attach or replace, to what @to says; handles are checked. No lock is held. */
int attachment_make(struct iommufd_device *dev, const char *function, struct attachment to);
int attachment_replace(struct iommufd_device *dev, const char *function, struct attachment to);

#endif
