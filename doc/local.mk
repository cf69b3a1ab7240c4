# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Manual pages are made from the public headers and come with the tarball, so
# only a build from the repository needs Python for them. Each function has an
# alias page, written at installation from the list in doc/man/aliases.

man3_pages = \
	doc/man/iommufd_ctx.3 \
	doc/man/iommufd_device.3 \
	doc/man/iommufd_dirty.3 \
	doc/man/iommufd_emu.3 \
	doc/man/iommufd_error.3 \
	doc/man/iommufd_fault.3 \
	doc/man/iommufd_feature.3 \
	doc/man/iommufd_group.3 \
	doc/man/iommufd_handoff.3 \
	doc/man/iommufd_hw_queue.3 \
	doc/man/iommufd_hwinfo.3 \
	doc/man/iommufd_hwpt.3 \
	doc/man/iommufd_import.3 \
	doc/man/iommufd_ioas.3 \
	doc/man/iommufd_irq.3 \
	doc/man/iommufd_lookup.3 \
	doc/man/iommufd_migration.3 \
	doc/man/iommufd_pasid.3 \
	doc/man/iommufd_pasid_table.3 \
	doc/man/iommufd_pci.3 \
	doc/man/iommufd_region.3 \
	doc/man/iommufd_reset.3 \
	doc/man/iommufd_vdevice.3 \
	doc/man/iommufd_version.3 \
	doc/man/iommufd_veventq.3 \
	doc/man/iommufd_viommu.3

dist_man3_MANS = $(man3_pages)
man7_pages = doc/man/libiommufd.7 doc/man/iommufd_backends.7
dist_man7_MANS = $(man7_pages)
noinst_DATA += doc/man/aliases
EXTRA_DIST += doc/man/aliases
MAINTAINERCLEANFILES = $(man3_pages) $(man7_pages) doc/man/aliases

man_sources = \
	tools/gen-man \
	tools/header_doc.py \
	$(includesub_HEADERS) \
	include/libiommufd/version.h.in

$(man3_pages) doc/man/aliases: $(man_sources)
	$(AM_V_GEN)$(run_gen_man)

doc/man/libiommufd.7: $(man_sources) doc/libiommufd.7.in doc/first-dma.c
	$(AM_V_GEN)$(run_gen_man)

doc/man/iommufd_backends.7: $(man_sources) doc/iommufd_backends.7.in
	$(AM_V_GEN)$(run_gen_man)

run_gen_man = test -n '$(PYTHON)' || { echo "Python 3 is needed to make $@" >&2; exit 1; }; \
	$(PYTHON) $(srcdir)/tools/gen-man --top $(srcdir) --version $(PACKAGE_VERSION) $@

install-data-hook: install-man-aliases
uninstall-hook: uninstall-man-aliases

# The list is in the build folder or, from a tarball, in the source folder.
man_aliases = `test -f doc/man/aliases || echo $(srcdir)/`doc/man/aliases

install-man-aliases: doc/man/aliases
	@while read name page; do \
		echo ".so man3/$$page.3" >"$(DESTDIR)$(man3dir)/$$name.3" || exit 1; \
	done <$(man_aliases)

uninstall-man-aliases:
	@test ! -f $(man_aliases) || while read name page; do \
		rm -f "$(DESTDIR)$(man3dir)/$$name.3"; \
	done <$(man_aliases)

.PHONY: install-man-aliases uninstall-man-aliases

EXTRA_DIST += \
	doc/abi \
	doc/abi.md \
	doc/architecture.md \
	doc/first-dma.c \
	doc/iommufd_backends.7.in \
	doc/libiommufd.7.in \
	tools/gen-man \
	tools/header_doc.py \
	tools/record-abi
