/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* AMD IOMMU: MMIO offsets 0x30 and 0x1a0 in its specification, number 48882. */
#include "object/hwinfo.h"

#define AMD struct k_iommu_hw_info_amd
#define EFR(first, bits, name, text) \
	HW_FIELD(AMD, efr, "EFR", first, bits, name, NULL, false, text)
/* One of those that the kernel lets a guest see. */
#define GUEST(first, bits, name, other, text) \
	HW_FIELD(AMD, efr, "EFR", first, bits, name, other, true, text)
#define EFR2(first, bits, name, text) \
	HW_FIELD(AMD, efr2, "EFR2", first, bits, name, NULL, false, text)

static const struct hw_field fields[] = {
	EFR(0, 1, "PreFSup", "pages can be prefetched"),
	GUEST(1, 1, "PPRSup", NULL, "peripheral page requests"),
	EFR(2, 1, "XTSup", "interrupts can go to 32-bit APIC numbers (x2APIC)"),
	EFR(3, 1, "NXSup", "pages that must not be executed, and privilege levels"),
	GUEST(4, 1, "GTSup", NULL, "guest translation, and with it PASIDs"),
	EFR(5, 1, "GAPPISup", "guest APIC interrupts to a physical processor"),
	EFR(6, 1, "IASup", "one command invalidates everything"),
	GUEST(7, 1, "GASup", NULL, "guest virtual APIC"),
	EFR(8, 1, "HESup", "registers that report hardware errors"),
	EFR(9, 1, "PCSup", "performance counters"),
	EFR(10, 2, "HATS", "host tables have at most 4 + HATS levels; 3: none"),
	GUEST(12, 2, "GATS", NULL, "guest tables have at most 4 + GATS levels"),
	GUEST(14, 2, "GLXSup", "GLX", "tables of guest CR3s have at most 1 + GLXSup levels"),
	EFR(16, 2, "SmiFSup", "system management interrupts: 1 can be filtered"),
	EFR(18, 3, "SmiFRC", "log2 of the number of registers that filter them"),
	EFR(21, 3, "GAMSup", "guest virtual APIC modes"),
	EFR(24, 2, "DualPprLogSup", "two page request logs: 1 switched by hand, 2 by itself too"),
	EFR(28, 2, "DualEventLogSup", "two event logs: 1 switched by hand, 2 by itself too"),
	EFR(31, 1, "SATSup", "secure ATS"),
	GUEST(32, 5, "PASmax", NULL, "PASIDs have PASmax + 1 bits"),
	EFR(37, 1, "USSup", "user and supervisor pages"),
	EFR(38, 2, "DevTblSegSup", "the device table can have 2 to the power of this segments"),
	EFR(40, 1, "PprOvrflwEarlySup", "early warning that the page request log overflows"),
	EFR(41, 1, "PPRAutoRspSup", "page requests can be answered by itself"),
	EFR(42, 2, "MarcSup", "memory access routing and control: 1 is 4 register sets, 2 is 8"),
	EFR(44, 1, "BlkStopMrkSup", "stop mark messages can be blocked"),
	EFR(45, 1, "PerfOptSup", "performance optimization"),
	EFR(46, 1, "MsiCapMmioSup", "the MSI capability can be accessed as MMIO"),
	EFR(47, 1, "SnoopAttrSup", "tables carry a snoop attribute"),
	GUEST(48, 1, "GIoSup", NULL, "guest I/O protection"),
	EFR(49, 1, "HASup", "host tables have accessed bits"),
	GUEST(50, 1, "EPHSup", NULL, "enhanced handling of page requests"),
	EFR(51, 1, "AttrFWSup", "attributes are forwarded"),
	EFR(52, 1, "HDSup", "host tables have dirty bits"),
	EFR(53, 1, "V2HDDisSup", "dirty bits of guest tables can be switched off"),
	EFR(54, 1, "InvIotlbTypeSup", "IOTLB invalidations have a type"),
	EFR(55, 1, "VIommuSup", "hardware support for virtual IOMMUs"),
	EFR(56, 1, "VmGuardIoSup", "VMGuard I/O"),
	HW_FIELD(AMD, efr, "EFR", 61, 1, "GAUpdateDisSup", "V2HADDisSup", false,
		 "updates of accessed bits of guest tables can be switched off"),
	EFR(62, 1, "ForcePhyDestSup", "remapped interrupts can be forced to physical destinations"),
	EFR(63, 1, "SNPSup", "secure nested paging"),

	EFR2(1, 1, "SEVSNPIOSup", "trusted I/O for SEV-SNP guests"),
	EFR2(2, 1, "TMPMSup", "migration of pages between tiers of memory"),
	EFR2(3, 1, "GCR3TRPMode", "the pointer to guest CR3s can be a guest's address"),
	EFR2(4, 1, "GAPPIDisSup", "guest APIC interrupts to a physical processor can be masked"),
	EFR2(5, 3, "SNPAVICSup", "guest virtual APIC with SNP: 1 remapping with virtual APIC"),
	EFR2(8, 2, "NumIntRemapSup", "remapped interrupts of a device: 0 is 512, 1 is 2048"),
	EFR2(11, 1, "HTRangeIgnore", "the HyperTransport range is an address as any other"),
	EFR2(13, 1, "SNPPageMode0Sup", "SNP works without host tables"),
};

const struct hw_fields hw_fields_amd = { fields, ARRAY_SIZE(fields) };
