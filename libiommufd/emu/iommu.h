/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * /dev/iommu: objects by id, address spaces, the memory behind them, and the
 * hardware page tables that devices are attached to.
 */
#ifndef EMU_IOMMU_H
#define EMU_IOMMU_H

#include "emu/machine.h"

enum emu_object_type {
	EMU_OBJECT_ANY,
	EMU_OBJECT_IOAS,
	EMU_OBJECT_DEVICE,
	EMU_OBJECT_HWPT,	/* filled from an address space */
	EMU_OBJECT_NESTED,	/* a HWPT whose table is the guest's */
	EMU_OBJECT_FAULT,
	EMU_OBJECT_VIOMMU,
	EMU_OBJECT_VDEVICE,
	EMU_OBJECT_VEVENTQ,
	EMU_OBJECT_HW_QUEUE,
	EMU_OBJECT_ACCESS,
	EMU_OBJECT_MOCK,
};

struct emu_object {
	uint32_t id;
	enum emu_object_type type;
	unsigned int users;	/* 1 for the id itself; more makes DESTROY fail with EBUSY */
};

/* The context behind one open /dev/iommu; devices bound to it hold it too. */
struct emu_iommu {
	struct iommufd_emu *emu;
	unsigned int refs;
	struct emu_object **objects;	/* by id - 1; ids are reused, lowest first */
	uint32_t room;
	uint32_t nr_objects;
	uint32_t nr_buried;
	struct emu_object grave;	/* in place of objects whose ids are not used again */
	bool charge_process;		/* IOMMU_OPTION_RLIMIT_MODE */
	struct emu_ioas *vfio_ioas;
	bool noiommu;			/* the container of groups without an IOMMU */
	struct emu_viommu *mappable;	/* those with pages in its file, by offset */
};

struct emu_device;
struct emu_fault;
struct emu_hw_queue;
struct emu_veventq;
struct emu_viommu;
struct k_iommu_hwpt_invalidate;
struct k_iommu_hwpt_alloc;


/* A request being served: the argument copied in, and where it came from. */
struct emu_cmd {
	struct emu_iommu *iommu;
	void *arg;
	uint64_t user;
	uint32_t user_size;
};

/* iommu.c */
struct emu_iommu *emu_iommu_new(struct iommufd_emu *emu);
void emu_iommu_put(struct emu_iommu *iommu);
int emu_iommu_ioctl(struct emu_iommu *iommu, uint32_t request, uint64_t arg);
int emu_cmd_respond(const struct emu_cmd *cmd, size_t size);

/* object.c */
int emu_object_add(struct emu_iommu *iommu, struct emu_object *object, enum emu_object_type type);
void emu_object_remove(struct emu_iommu *iommu, struct emu_object *object);
/* Removes it, and keeps its id from others for as long as the context lives. */
void emu_object_bury(struct emu_iommu *iommu, struct emu_object *object);
void *emu_object_get(struct emu_iommu *iommu, uint32_t id, enum emu_object_type type);
void emu_object_destroy_all(struct emu_iommu *iommu);
int emu_cmd_destroy(struct emu_cmd *cmd);

/* Where the bytes behind mappings are: one map request, shared by copies of it. */
struct emu_pages {
	unsigned int refs;
	bool writable;
	int fd;			/* -1: memory of the process */
	bool fd_pinnable;	/* shmem or hugetlbfs */
	uint64_t base;		/* address or file offset of the first page */
	struct emu_area *pinned;	/* areas that keep their slice pinned */
};

/* A mapping: a slice of pages at an IOVA. */
struct emu_area {
	struct emu_ioas *ioas;
	uint64_t start;
	uint64_t last;
	uint32_t flags;		/* K_IOMMU_IOAS_MAP_WRITEABLE, _READABLE */
	struct emu_pages *pages;
	uint64_t offset;	/* of start, in bytes from pages->base */
	bool pinned;
	unsigned int locks;	/* of HW queues, which keep it mapped */
	struct emu_area *next_pinned;
	void *window;		/* of a file, where there is no IOMMU: its place in memory */
	size_t window_size;
	size_t window_offset;
};

struct emu_range {
	uint64_t start;
	uint64_t last;
};

/* A window kept free of mappings for as long as its owner is attached. */
struct emu_reserved {
	struct emu_reserved *next;
	struct emu_range range;
	const void *owner;
};

struct emu_ioas {
	struct emu_object object;
	struct emu_iommu *iommu;
	struct emu_area **areas;	/* by IOVA */
	size_t nr_areas;
	size_t room;
	struct emu_reserved *reserved;
	struct emu_range *allowed;	/* by IOVA */
	size_t nr_allowed;
	uint64_t alignment;
	bool no_huge_pages;
	struct emu_hwpt *hwpts;		/* oldest first */
	unsigned int accesses;		/* of HW queues */
};

/* ioas.c */
struct emu_ioas *emu_ioas_new(struct emu_iommu *iommu);
void emu_ioas_destroy(struct emu_ioas *ioas);
struct emu_ioas *emu_ioas_get(struct emu_iommu *iommu, uint32_t id);
/* What stands for a container when groups use the iommufd as one; made if there is none. */
struct emu_ioas *emu_ioas_compat(struct emu_iommu *iommu);
/* The area holding @iova, or the first one after it; nr_areas if there is none. */
size_t emu_ioas_search(const struct emu_ioas *ioas, uint64_t iova);
int emu_cmd_ioas_alloc(struct emu_cmd *cmd);
int emu_cmd_ioas_ranges(struct emu_cmd *cmd);
int emu_cmd_ioas_allow(struct emu_cmd *cmd);
int emu_cmd_vfio_ioas(struct emu_cmd *cmd);

/* area.c */
int emu_ioas_make_room(struct emu_ioas *ioas, size_t extra);
/* Into room that was made. */
void emu_ioas_insert(struct emu_ioas *ioas, struct emu_area *area);
void emu_ioas_remove(struct emu_ioas *ioas, size_t at);
int emu_ioas_unmap(struct emu_ioas *ioas, uint64_t start, uint64_t length, uint64_t *removed);
int emu_ioas_unmap_all(struct emu_ioas *ioas, uint64_t *removed);
/* Makes two mappings of one that goes on after @last, so that one ends there. */
int emu_ioas_cut(struct emu_ioas *ioas, uint64_t last);

/* map.c */
int emu_ioas_map_memory(struct emu_ioas *ioas, uint64_t va, uint64_t length, uint32_t flags,
			uint64_t *iova);
int emu_cmd_ioas_map(struct emu_cmd *cmd);
int emu_cmd_ioas_map_file(struct emu_cmd *cmd);
int emu_cmd_ioas_copy(struct emu_cmd *cmd);
int emu_cmd_ioas_unmap(struct emu_cmd *cmd);
int emu_cmd_ioas_change_process(struct emu_cmd *cmd);
int emu_cmd_noiommu_get_pa(struct emu_cmd *cmd);

/* iova.c */
bool emu_iova_next_hole(const struct emu_ioas *ioas, bool areas, uint64_t from, uint64_t last,
			struct emu_range *hole);
bool emu_iova_reserved(const struct emu_ioas *ioas, uint64_t start, uint64_t last);
int emu_iova_reserve(struct emu_ioas *ioas, uint64_t start, uint64_t last, const void *owner);
void emu_iova_unreserve(struct emu_ioas *ioas, const void *owner);
int emu_iova_check(const struct emu_ioas *ioas, uint64_t iova, uint64_t length);
int emu_iova_pick(const struct emu_ioas *ioas, uint64_t addr, uint64_t length, uint64_t *iova);

/* pages.c */
struct emu_pages *emu_pages_new(int fd, uint64_t base, bool writable);
void emu_pages_put(struct emu_pages *pages);
int emu_area_pin(struct emu_area *area);
void emu_area_unpin(struct emu_area *area);
/* The physical address of a pinned area's IOVA. */
uint64_t emu_area_address(const struct emu_area *area, uint64_t iova);
/* Copy between a device and the memory behind @area; -EFAULT if it is not there. */
int emu_area_copy(const struct emu_area *area, uint64_t iova, void *buf, size_t n, bool to_memory);

/* Table entries that devices wrote through, by the IOVA where each begins, sorted. */
struct emu_dirty {
	uint64_t *at;
	size_t nr;
	size_t room;
};

enum { EMU_IOTLB_ENTRIES = 4 };

/* A page table: of the IOMMU and filled with all of an IOAS, or a guest's on top of one. */
struct emu_hwpt {
	struct emu_object object;
	struct emu_ioas *ioas;	/* a nested one's is its parent's */
	struct emu_hwpt *next;	/* in the IOAS */
	bool automatic;		/* made by an attach, and gone with the last device */
	bool mock;		/* for mock devices, and no others */
	bool pasid;		/* IOMMU_HWPT_ALLOC_PASID */
	bool nest_parent;	/* IOMMU_HWPT_ALLOC_NEST_PARENT */
	bool huge;		/* pages of 1 MiB where they fit */
	bool can_track;		/* IOMMU_HWPT_ALLOC_DIRTY_TRACKING */
	bool tracking;
	struct emu_dirty dirty;
	struct emu_fault *fault;	/* where its devices' page faults go, or NULL */
	struct emu_hwpt *parent;	/* of a nested one */
	struct emu_viommu *viommu;	/* that it was made of, in the parent's place */
	uint32_t iotlb[EMU_IOTLB_ENTRIES];
};

/* hwpt.c */
int emu_hwpt_new(struct emu_device *dev, struct emu_ioas *ioas, uint32_t flags, bool huge,
		 struct emu_hwpt **out);
void emu_hwpt_put(struct emu_hwpt *hwpt);
void emu_hwpt_destroy(struct emu_hwpt *hwpt);
/* Works out again what start and length of mappings have to be multiples of. */
void emu_ioas_align(struct emu_ioas *ioas);
/* -EADDRINUSE if there are mappings that are not. */
int emu_ioas_check_alignment(const struct emu_ioas *ioas, uint64_t alignment);
int emu_cmd_hwpt_alloc(struct emu_cmd *cmd);

/* nested.c */
int emu_nested_new(struct emu_device *dev, struct emu_hwpt *parent,
		   const struct k_iommu_hwpt_alloc *arg, struct emu_hwpt **out);
int emu_nested_new_on(struct emu_device *dev, struct emu_viommu *viommu,
		      const struct k_iommu_hwpt_alloc *arg, struct emu_hwpt **out);
int emu_cmd_hwpt_invalidate(struct emu_cmd *cmd);

/* dirty.c */
void emu_dirty_set(struct emu_hwpt *hwpt, uint64_t iova);
/* Entries go, and what was known of them. */
void emu_dirty_forget(struct emu_hwpt *hwpt, uint64_t start, uint64_t last);
int emu_cmd_hwpt_set_dirty(struct emu_cmd *cmd);
int emu_cmd_hwpt_get_dirty(struct emu_cmd *cmd);

/* option.c */
int emu_cmd_option(struct emu_cmd *cmd);
int emu_ioas_forbid_huge_pages(struct emu_ioas *ioas);

/* compat.c: requests of a VFIO container, which an iommufd can be. */
int emu_compat_ioctl(struct emu_iommu *iommu, uint32_t request, uint64_t arg);

/* hwinfo.c */
int emu_cmd_hw_info(struct emu_cmd *cmd);

#endif
