/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Arm SMMUv3: sections 6.3.1 to 6.3.8 of its specification, Non-secure side. */
#include "object/hwinfo.h"

#define SMMU struct k_iommu_hw_info_arm_smmuv3
#define IDR(n, first, bits, name, text) \
	HW_FIELD(SMMU, idr[n], "IDR" #n, first, bits, name, NULL, false, text)
/* One of those that the kernel lets a guest see. */
#define GUEST(n, first, bits, name, text) \
	HW_FIELD(SMMU, idr[n], "IDR" #n, first, bits, name, NULL, true, text)
#define IIDR(first, bits, name, text) \
	HW_FIELD(SMMU, iidr, "IIDR", first, bits, name, NULL, false, text)
#define AIDR(first, bits, name, text) \
	HW_FIELD(SMMU, aidr, "AIDR", first, bits, name, NULL, false, text)

static const struct hw_field fields[] = {
	HW_FIELD(SMMU, flags, "flags", 0, 1, "ERRATA_REPEAT_TLBI_CFGI", NULL, true,
		 "each TLBI or CFGI command, with its SYNC, must be sent twice"),

	IDR(0, 0, 1, "S2P", "stage 2 translation"),
	IDR(0, 1, 1, "S1P", "stage 1 translation"),
	GUEST(0, 2, 2, "TTF", "table formats: bit 0 is AArch32, bit 1 is AArch64"),
	IDR(0, 4, 1, "COHACC", "accesses to tables and queues are coherent"),
	IDR(0, 5, 1, "BTM", "takes part in broadcast TLB maintenance"),
	IDR(0, 6, 2, "HTTU", "updates of tables: 1 access flags, 2 dirty state too, 3 those of tables too"),
	IDR(0, 8, 1, "DORMHINT", "hints that it is dormant"),
	IDR(0, 9, 1, "Hyp", "stage 1 contexts of a hypervisor (EL2)"),
	IDR(0, 10, 1, "ATS", "PCIe ATS"),
	IDR(0, 11, 1, "NS1ATS", "ATS cannot be for stage 1 alone"),
	GUEST(0, 12, 1, "ASID16", "ASIDs of 16 bits, else 8"),
	IDR(0, 13, 1, "MSI", "sends message signalled interrupts"),
	IDR(0, 14, 1, "SEV", "wakes processors that wait for an event"),
	IDR(0, 15, 1, "ATOS", "translates addresses for software"),
	IDR(0, 16, 1, "PRI", "PCIe page requests"),
	IDR(0, 17, 1, "VMW", "TLB invalidations for several VMIDs"),
	IDR(0, 18, 1, "VMID16", "VMIDs of 16 bits, else 8"),
	GUEST(0, 19, 1, "CD2L", "context descriptor tables of 2 levels"),
	IDR(0, 20, 1, "VATOS", "translates addresses for a virtual machine"),
	GUEST(0, 21, 2, "TTENDIAN", "byte order of tables: 0 either, 2 little-endian, 3 big-endian"),
	IDR(0, 23, 1, "ATSRECERR", "records more errors of ATS and PRI requests"),
	GUEST(0, 24, 2, "STALL_MODEL", "faults: 0 stall or terminate, 1 terminate, 2 stall"),
	GUEST(0, 26, 1, "TERM_MODEL", "terminated transactions are always aborted"),
	GUEST(0, 27, 2, "ST_LEVEL", "stream tables: 0 linear, 1 of 2 levels too"),
	IDR(0, 30, 1, "RME_IMPL", "realm management extension"),

	GUEST(1, 0, 6, "SIDSIZE", "bits of a StreamID"),
	GUEST(1, 6, 5, "SSIDSIZE", "bits of a SubstreamID, which is the PASID; 0: none"),
	IDR(1, 11, 5, "PRIQS", "log2 of the most entries of the PRI queue"),
	IDR(1, 16, 5, "EVENTQS", "log2 of the most entries of the event queue"),
	IDR(1, 21, 5, "CMDQS", "log2 of the most entries of the command queue"),
	IDR(1, 26, 1, "ATTR_PERMS_OVR", "permissions of a transaction can be overridden"),
	IDR(1, 27, 1, "ATTR_TYPES_OVR", "memory types of a transaction can be overridden"),
	IDR(1, 28, 1, "REL", "preset base addresses are relative to the registers"),
	IDR(1, 29, 1, "QUEUES_PRESET", "the base addresses of queues are fixed"),
	IDR(1, 30, 1, "TABLES_PRESET", "the base addresses of tables are fixed"),
	IDR(1, 31, 1, "ECMDQ", "enhanced command queues"),

	IDR(2, 0, 10, "BA_VATOS", "where the VATOS page is, in units of 64 KiB"),

	IDR(3, 2, 1, "HAD", "hierarchical attributes can be disabled"),
	IDR(3, 3, 1, "PBHA", "page-based hardware attributes"),
	IDR(3, 4, 1, "XNX", "stage 2 tells execution at EL0 from EL1"),
	IDR(3, 5, 1, "PPS", "automatic PRI responses have the PASID of their request"),
	IDR(3, 7, 1, "MPAM", "memory partitioning and monitoring"),
	IDR(3, 8, 1, "FWB", "stage 2 can decide memory types"),
	IDR(3, 9, 1, "STT", "small translation tables"),
	GUEST(3, 10, 1, "RIL", "invalidations of a range, with a hint of the level"),
	GUEST(3, 11, 2, "BBML", "level of break-before-make that is needed: 0 the full sequence, to 2"),
	IDR(3, 13, 1, "E0PD", "EL0 can be kept from half the addresses"),
	IDR(3, 14, 1, "PTWNNC", "table walks of device memory are made as of normal memory"),
	IDR(3, 15, 1, "DPT", "device permission tables"),
	IDR(3, 16, 1, "PASIDTT", "translated transactions may have a PASID"),
	IDR(3, 17, 1, "EPAN", "enhanced privileged access never"),
	IDR(3, 18, 1, "S1PI", "stage 1 permission indirections"),
	IDR(3, 19, 1, "S2PI", "stage 2 permission indirections"),
	IDR(3, 20, 1, "S2PO", "stage 2 permission overlays"),
	IDR(3, 21, 1, "THE", "translation hardening"),
	IDR(3, 22, 1, "MTEPERM", "stage 2 can forbid access to tags"),
	IDR(3, 23, 1, "AIE", "stage 1 attribute index extension"),

	IDR(4, 0, 32, "IMPDEF", "whatever the implementer defines"),

	IDR(5, 0, 3, "OAS", "output address bits: 0 is 32, then 36, 40, 42, 44, 48, 52, 56"),
	GUEST(5, 4, 1, "GRAN4K", "granule of 4 KiB"),
	GUEST(5, 5, 1, "GRAN16K", "granule of 16 KiB"),
	GUEST(5, 6, 1, "GRAN64K", "granule of 64 KiB"),
	GUEST(5, 7, 1, "DS", "52-bit addresses with granules of 4 and 16 KiB"),
	IDR(5, 8, 1, "D128", "descriptors of 128 bits"),
	GUEST(5, 10, 2, "VAX", "virtual address bits: 0 is 48, 1 is 52, 2 is 56"),
	IDR(5, 16, 16, "STALL_MAX", "most transactions that can be stalled at a time"),

	IIDR(0, 12, "Implementer", "JEP106 code of the implementer; 0x43b is Arm"),
	IIDR(12, 4, "Revision", "minor revision"),
	IIDR(16, 4, "Variant", "major revision"),
	IIDR(20, 12, "ProductID", "the implementer's number of the product"),

	AIDR(0, 4, "ArchMinorRev", "SMMUv3.N"),
	AIDR(4, 4, "ArchMajorRev", "0 is SMMUv3"),
};

const struct hw_fields hw_fields_smmuv3 = { fields, ARRAY_SIZE(fields) };
