/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Intel VT-d: sections 11.4.2 and 11.4.3 of its specification. The stages of
 * translation are numbered by level in older revisions (FLTS), and by stage in
 * newer ones (FSTS).
 */
#include "object/hwinfo.h"

#define VTD struct k_iommu_hw_info_vtd
#define CAP(first, bits, name, text) \
	HW_FIELD(VTD, cap_reg, "cap", first, bits, name, NULL, false, text)
#define CAP2(first, bits, name, other, text) \
	HW_FIELD(VTD, cap_reg, "cap", first, bits, name, other, false, text)
#define ECAP(first, bits, name, text) \
	HW_FIELD(VTD, ecap_reg, "ecap", first, bits, name, NULL, false, text)
#define ECAP2(first, bits, name, other, text) \
	HW_FIELD(VTD, ecap_reg, "ecap", first, bits, name, other, false, text)

static const struct hw_field fields[] = {
	HW_FIELD(VTD, flags, "flags", 0, 1, "ERRATA_772415_SPR17", NULL, false,
		 "a nesting parent must have no read-only mappings"),

	CAP(0, 3, "ND", "domain identifiers have 4 + 2 * ND bits"),
	CAP(3, 1, "AFL", "faults can be logged in memory"),
	CAP(4, 1, "RWBF", "write buffers must be flushed after changes to tables"),
	CAP(5, 1, "PLMR", "a protected region of low memory"),
	CAP(6, 1, "PHMR", "a protected region of high memory"),
	CAP(7, 1, "CM", "caching mode: entries that are not present may be cached"),
	CAP(8, 5, "SAGAW", "widths of second-stage tables: bit 1 is 39, bit 2 is 48, bit 3 is 57"),
	CAP(16, 6, "MGAW", "the widest IOVA has MGAW + 1 bits"),
	CAP(22, 1, "ZLR", "reads of no bytes are allowed to write-only pages"),
	CAP(24, 10, "FRO", "offset of the fault records, in units of 16 bytes"),
	CAP2(34, 4, "SLLPS", "SSLPS", "second-stage large pages: bit 0 is 2 MiB, bit 1 is 1 GiB"),
	CAP(39, 1, "PSI", "invalidation can be for single pages"),
	CAP(40, 8, "NFR", "number of fault records, less one"),
	CAP(48, 6, "MAMV", "an invalidation covers at most 2 to the power of MAMV pages"),
	CAP(54, 1, "DWD", "invalidation can drain writes"),
	CAP(55, 1, "DRD", "invalidation can drain reads"),
	CAP2(56, 1, "FL1GP", "FS1GP", "first-stage pages of 1 GiB"),
	CAP(59, 1, "PI", "interrupts can be posted"),
	CAP2(60, 1, "FL5LP", "FS5LP", "first-stage tables of 5 levels"),
	CAP(61, 1, "ECMDS", "enhanced commands"),
	CAP(62, 1, "ESIRTPS", "setting the interrupt table pointer invalidates caches"),
	CAP(63, 1, "ESRTPS", "setting the root table pointer invalidates caches"),

	ECAP(0, 1, "C", "walks of tables in legacy mode are coherent with processor caches"),
	ECAP(1, 1, "QI", "invalidation by queue"),
	ECAP(2, 1, "DT", "device TLBs (ATS)"),
	ECAP(3, 1, "IR", "interrupt remapping"),
	ECAP(4, 1, "EIM", "interrupts can go to 32-bit APIC numbers"),
	ECAP(6, 1, "PT", "a device can be passed through untranslated"),
	ECAP(7, 1, "SC", "page tables can force snooping"),
	ECAP(8, 10, "IRO", "offset of the IOTLB registers, in units of 16 bytes"),
	ECAP(20, 4, "MHMV", "an interrupt invalidation covers at most 2 to the power of MHMV entries"),
	ECAP(25, 1, "MTS", "first-stage tables carry memory types"),
	ECAP(26, 1, "NEST", "nested translation"),
	ECAP(29, 1, "PRS", "page requests"),
	ECAP(30, 1, "ERS", "requests to execute"),
	ECAP(31, 1, "SRS", "requests with supervisor privilege"),
	ECAP(33, 1, "NWFS", "translation requests can say that no write will follow"),
	ECAP(34, 1, "EAFS", "an extended accessed bit in first-stage entries"),
	ECAP(35, 5, "PSS", "PASIDs have PSS + 1 bits"),
	ECAP(40, 1, "PASID", "requests with a PASID"),
	ECAP(41, 1, "DIT", "invalidations of device TLBs can be throttled"),
	ECAP(42, 1, "PDS", "page requests can be drained"),
	ECAP(43, 1, "SMTS", "scalable mode: tables for each PASID"),
	ECAP(44, 1, "VCS", "virtual commands"),
	ECAP2(45, 1, "SLADS", "SSADS", "second-stage accessed and dirty bits"),
	ECAP2(46, 1, "SLTS", "SSTS", "second-stage translation in scalable mode"),
	ECAP2(47, 1, "FLTS", "FSTS", "first-stage translation in scalable mode"),
	ECAP(48, 1, "SMPWCS", "walks of tables in scalable mode are coherent with processor caches"),
	ECAP(49, 1, "RPS", "the PASID of requests without one can be chosen"),
	ECAP(51, 1, "PMS", "performance monitoring"),
	ECAP(52, 1, "ADMS", "a mode that aborts all DMA"),
	ECAP(53, 1, "RPRIVS", "requests without a PASID can be privileged"),
};

const struct hw_fields hw_fields_vtd = { fields, ARRAY_SIZE(fields) };
