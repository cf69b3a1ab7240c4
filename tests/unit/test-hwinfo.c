/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Registers of IOMMUs, taken apart: literal values, and whether the tables are whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "object/hwinfo.h"

#include <errno.h>

static struct iommufd_hw_info info_of(uint32_t type, const void *data, uint32_t length)
{
	struct iommufd_hw_info info = { .size = sizeof(info), .type = type, .data_length = length };

	memcpy(info.data, data, length);
	return info;
}

/* "cap.ND=6 cap.PSI=1 ": the fields that are not 0. */
static const char *text_of(const struct iommufd_hw_info *info)
{
	static char text[4096];
	struct iommufd_hw_field field = { .size = sizeof(field) };
	uint64_t value;
	char name[64];
	size_t at = 0, length = 0;

	*text = 0;
	while (!iommufd_hw_info_next(info, &at, &field)) {
		snprintf(name, sizeof(name), "%s.%s", field.reg, field.name);
		assert_int_equal(iommufd_hw_info_get(info, name, &value), 0);
		assert_int_equal(value, field.value);
		if (value)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s=%llu ",
						   name, (unsigned long long)value);
	}
	return text;
}

static const char *vtd(uint32_t flags, uint64_t cap, uint64_t ecap)
{
	struct k_iommu_hw_info_vtd data = { .flags = flags, .cap_reg = cap, .ecap_reg = ecap };
	struct iommufd_hw_info info = info_of(IOMMUFD_HW_INFO_INTEL_VTD, &data, sizeof(data));

	return text_of(&info);
}

static void vtd_registers_are_decoded(void **state)
{
	(void)state;
	assert_string_equal(vtd(0, 0x00d2008c22260206, 0),
			    "cap.ND=6 cap.SAGAW=2 cap.MGAW=38 cap.FRO=34 cap.SLLPS=3 cap.PSI=1 "
			    "cap.MAMV=18 cap.DWD=1 cap.DRD=1 ");
	/* QEMU: plain, with first-stage tables, with PASIDs and page requests. */
	assert_string_equal(vtd(0, 0, 0xf00f4a),
			    "ecap.QI=1 ecap.IR=1 ecap.PT=1 ecap.IRO=15 ecap.MHMV=15 ");
	assert_string_equal(vtd(1, 0, 0x880000f00f4a),
			    "flags.ERRATA_772415_SPR17=1 ecap.QI=1 ecap.IR=1 ecap.PT=1 ecap.IRO=15 "
			    "ecap.MHMV=15 ecap.SMTS=1 ecap.FLTS=1 ");
	assert_string_equal(vtd(0, 0, 0x8d9a20f00f4e),
			    "ecap.QI=1 ecap.DT=1 ecap.IR=1 ecap.PT=1 ecap.IRO=15 ecap.MHMV=15 "
			    "ecap.PRS=1 ecap.NWFS=1 ecap.PSS=19 ecap.PASID=1 ecap.PDS=1 "
			    "ecap.SMTS=1 ecap.FLTS=1 ");
}

static void smmuv3_registers_are_decoded(void **state)
{
	struct k_iommu_hw_info_arm_smmuv3 data = {
		.flags = 1, .iidr = 0x4831243b, .aidr = 0x02,
		.idr = { 0x087fe6bf, 0x0e739d10, 0x20, 0x1734, 0xdeadbeef, 0x00200475 },
	};
	struct iommufd_hw_info info = info_of(IOMMUFD_HW_INFO_ARM_SMMUV3, &data, sizeof(data));

	(void)state;
	assert_string_equal(text_of(&info),
			    "flags.ERRATA_REPEAT_TLBI_CFGI=1 "
			    "IDR0.S2P=1 IDR0.S1P=1 IDR0.TTF=3 IDR0.COHACC=1 IDR0.BTM=1 IDR0.HTTU=2 "
			    "IDR0.Hyp=1 IDR0.ATS=1 IDR0.MSI=1 IDR0.SEV=1 IDR0.ATOS=1 IDR0.PRI=1 "
			    "IDR0.VMW=1 IDR0.VMID16=1 IDR0.CD2L=1 IDR0.VATOS=1 IDR0.TTENDIAN=3 "
			    "IDR0.ST_LEVEL=1 "
			    "IDR1.SIDSIZE=16 IDR1.SSIDSIZE=20 IDR1.PRIQS=19 IDR1.EVENTQS=19 "
			    "IDR1.CMDQS=19 IDR1.ATTR_PERMS_OVR=1 IDR1.ATTR_TYPES_OVR=1 "
			    "IDR2.BA_VATOS=32 "
			    "IDR3.HAD=1 IDR3.XNX=1 IDR3.PPS=1 IDR3.FWB=1 IDR3.STT=1 IDR3.RIL=1 "
			    "IDR3.BBML=2 IDR4.IMPDEF=3735928559 "
			    "IDR5.OAS=5 IDR5.GRAN4K=1 IDR5.GRAN16K=1 IDR5.GRAN64K=1 IDR5.VAX=1 "
			    "IDR5.STALL_MAX=32 "
			    "IIDR.Implementer=1083 IIDR.Revision=2 IIDR.Variant=1 "
			    "IIDR.ProductID=1155 AIDR.ArchMinorRev=2 ");
}

static void amd_registers_are_decoded(void **state)
{
	struct k_iommu_hw_info_amd data = { .efr = 0x29d3 };
	struct iommufd_hw_info info = info_of(IOMMUFD_HW_INFO_AMD, &data, sizeof(data));

	(void)state;
	assert_string_equal(text_of(&info),
			    "EFR.PreFSup=1 EFR.PPRSup=1 EFR.GTSup=1 EFR.IASup=1 EFR.GASup=1 "
			    "EFR.HESup=1 EFR.HATS=2 EFR.GATS=2 ");
	data.efr = UINT64_C(0x801500af20204000);
	data.efr2 = 0x292a;
	info = info_of(IOMMUFD_HW_INFO_AMD, &data, sizeof(data));
	assert_string_equal(text_of(&info),
			    "EFR.GLXSup=1 EFR.GAMSup=1 EFR.DualEventLogSup=2 EFR.PASmax=15 "
			    "EFR.USSup=1 EFR.DevTblSegSup=2 EFR.GIoSup=1 EFR.EPHSup=1 "
			    "EFR.HDSup=1 EFR.SNPSup=1 "
			    "EFR2.SEVSNPIOSup=1 EFR2.GCR3TRPMode=1 EFR2.SNPAVICSup=1 "
			    "EFR2.NumIntRemapSup=1 EFR2.HTRangeIgnore=1 EFR2.SNPPageMode0Sup=1 ");
}

static void tegra241_fields_are_decoded(void **state)
{
	struct k_iommu_hw_info_tegra241_cmdqv data = {
		.version = 1, .log2vcmdqs = 7, .log2vsids = 4,
	};
	struct iommufd_hw_info info = info_of(IOMMUFD_HW_INFO_TEGRA241_CMDQV, &data, sizeof(data));

	(void)state;
	assert_string_equal(text_of(&info), "PARAM.VER=1 PARAM.NUM_VCMDQ_LOG2=7 "
			    "PARAM.NUM_SID_PER_VM_LOG2=4 ");
}

static void unknown_types_have_no_fields(void **state)
{
	static const uint32_t types[] = { IOMMUFD_HW_INFO_NONE, 5, 0xfeedbeef };
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct iommufd_hw_info info = info_of(types[i], "12345678", 8);

		assert_string_equal(text_of(&info), "");
		assert_int_equal(iommufd_hw_info_get(&info, "cap.ND", &value), -ENOENT);
	}
}

/* What the kernel did not fill in is left out: a register of which bytes are missing, too. */
static void missing_registers_have_no_fields(void **state)
{
	struct k_iommu_hw_info_amd data = { .efr = UINT64_MAX, .efr2 = UINT64_MAX };
	struct iommufd_hw_info info = info_of(IOMMUFD_HW_INFO_AMD, &data, sizeof(data));
	uint64_t value = 5;

	(void)state;
	assert_int_equal(iommufd_hw_info_get(&info, "EFR2.TMPMSup", &value), 0);
	info.data_length = 15;
	assert_int_equal(iommufd_hw_info_get(&info, "EFR2.TMPMSup", &value), -ENOENT);
	assert_int_equal(iommufd_hw_info_get(&info, "EFR.SNPSup", &value), 0);
	assert_null(strstr(text_of(&info), "EFR2."));
	info.data_length = 7;
	assert_string_equal(text_of(&info), "");
	/* A caller who knows less of the struct; a kernel that has more than fits. */
	info.data_length = 1000;
	info.size = offsetof(struct iommufd_hw_info, data) + 8;
	assert_int_equal(iommufd_hw_info_get(&info, "EFR.SNPSup", &value), 0);
	assert_int_equal(iommufd_hw_info_get(&info, "EFR2.TMPMSup", &value), -ENOENT);
	info.size = sizeof(info);
	assert_int_equal(iommufd_hw_info_get(&info, "EFR2.TMPMSup", &value), 0);
}

static void names_are_compared_without_case_and_whole(void **state)
{
	struct k_iommu_hw_info_vtd data = { .ecap_reg = UINT64_C(0x800000000000) };
	struct iommufd_hw_info info = info_of(IOMMUFD_HW_INFO_INTEL_VTD, &data, sizeof(data));
	static const char *const good[] = { "ecap.FLTS", "ECAP.flts", "ecap.FSTS", "Ecap.Fsts" };
	static const char *const bad[] = {
		"", "ecap", "ecap.", ".FLTS", "FLTS", "cap.FLTS", "ecapFLTS", "ecap.FLT", "ecap.FLTSS",
		"ecap FLTS", "eca.FLTS", "EFR.FLTS",
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		value = 5;
		assert_int_equal(iommufd_hw_info_get(&info, good[i], &value), 0);
		assert_int_equal(value, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(iommufd_hw_info_get(&info, bad[i], &value), -ENOENT);
}

/* ---- the tables ---- */

/* The bits of a register that have names; of those, if @guest, which a guest may be shown. */
static uint64_t bits_of(const struct hw_fields *table, const char *reg, bool guest)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct hw_field *f = &table->fields[i];

		if (!strcmp(f->reg, reg) && (f->guest || !guest))
			mask |= ((UINT64_C(1) << f->bits) - 1) << f->first;
	}
	return mask;
}

static void tables_name_every_bit_that_means_something(void **state)
{
	(void)state;
	assert_int_equal(bits_of(&hw_fields_vtd, "cap", false), UINT64_C(0xf9ffffbfff7f1fff));
	assert_int_equal(bits_of(&hw_fields_vtd, "ecap", false), UINT64_C(0x003bfffee6f3ffdf));
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR0", false), 0x5fffffff);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR1", false), 0xffffffff);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR2", false), 0x3ff);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR3", false), 0x00ffffbc);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR4", false), 0xffffffff);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR5", false), 0xffff0df7);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IIDR", false), 0xffffffff);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "AIDR", false), 0xff);
	assert_int_equal(bits_of(&hw_fields_tegra241, "PARAM", false), 0xf0ff);
	assert_int_equal(bits_of(&hw_fields_amd, "EFR", false), UINT64_C(0xe1ffffffb3ffffff));
	assert_int_equal(bits_of(&hw_fields_amd, "EFR2", false), 0x2bfe);
}

static void tables_say_what_a_guest_may_be_shown(void **state)
{
	(void)state;
	assert_int_equal(bits_of(&hw_fields_vtd, "cap", true), 0);
	assert_int_equal(bits_of(&hw_fields_vtd, "ecap", true), 0);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR0", true), 0x1f68100c);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR1", true), 0x7ff);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR2", true), 0);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR3", true), 0x1c00);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR4", true), 0);
	assert_int_equal(bits_of(&hw_fields_smmuv3, "IDR5", true), 0xcf0);
	assert_int_equal(bits_of(&hw_fields_tegra241, "PARAM", true), 0xf0ff);
	assert_int_equal(bits_of(&hw_fields_amd, "EFR", true), UINT64_C(0x0005001f0000f092));
	assert_int_equal(bits_of(&hw_fields_amd, "EFR2", true), 0);
}

static void check_order(const struct hw_fields *table, size_t data_size)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct hw_field *f = &table->fields[i], *b = f - 1;

		assert_true(f->bits && f->at + f->bits <= f->bytes * 8);
		assert_true(f->offset + f->bytes <= data_size);
		assert_true(f->meaning && f->meaning[0] && !strchr(f->meaning, '\n'));
		if (!i)
			continue;
		if (!strcmp(f->reg, b->reg)) /* they do not overlap */
			assert_true(b->first + b->bits <= f->first);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(table->fields[k].reg, f->reg))
				continue;
			assert_string_equal(b->reg, f->reg); /* a register is in one piece */
			assert_string_not_equal(table->fields[k].name, f->name);
			if (f->other)
				assert_string_not_equal(table->fields[k].name, f->other);
		}
	}
}

static void tables_are_in_order(void **state)
{
	(void)state;
	check_order(&hw_fields_vtd, sizeof(struct k_iommu_hw_info_vtd));
	check_order(&hw_fields_smmuv3, sizeof(struct k_iommu_hw_info_arm_smmuv3));
	check_order(&hw_fields_tegra241, sizeof(struct k_iommu_hw_info_tegra241_cmdqv));
	check_order(&hw_fields_amd, sizeof(struct k_iommu_hw_info_amd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd_registers_are_decoded),
		cmocka_unit_test(smmuv3_registers_are_decoded),
		cmocka_unit_test(amd_registers_are_decoded),
		cmocka_unit_test(tegra241_fields_are_decoded),
		cmocka_unit_test(unknown_types_have_no_fields),
		cmocka_unit_test(missing_registers_have_no_fields),
		cmocka_unit_test(names_are_compared_without_case_and_whole),
		cmocka_unit_test(tables_name_every_bit_that_means_something),
		cmocka_unit_test(tables_say_what_a_guest_may_be_shown),
		cmocka_unit_test(tables_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
