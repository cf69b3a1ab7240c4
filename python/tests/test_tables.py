# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The tables of the package against the C headers, the compiler and the version scripts."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import unittest
from ctypes import (POINTER, c_char_p, c_int, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64,
                    c_void_p)

import headers
import iommufd
from iommufd import _lib, _structs, constants, emu

SCALARS = {
    "int": c_int, "size_t": c_size_t, "uint8_t": c_uint8, "uint16_t": c_uint16,
    "uint32_t": c_uint32, "uint64_t": c_uint64, "void*": c_void_p, "const void*": c_void_p,
    "const char*": c_char_p, "void**": POINTER(c_void_p), "const int*": POINTER(c_int),
}
STRUCTS = {**_structs.STRUCTS, **emu.EMU_STRUCTS}


def expected(c_type: str):
    """What a table must hold for a C type."""
    if c_type in SCALARS:
        return SCALARS[c_type]
    bare = c_type.replace("const ", "").rstrip("*")
    if bare in SCALARS:
        return POINTER(SCALARS[bare])
    structure = bare.replace("struct ", "")
    if structure in STRUCTS:
        return POINTER(STRUCTS[structure])
    return POINTER(c_void_p) if c_type.endswith("**") else c_void_p    # a handle


def library_text() -> str:
    return "\n".join(headers.text_of(name) for name in headers.names())


def probe():
    run = subprocess.run([os.path.join(os.environ["top_builddir"], "python/tests/probe")],
                         stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


class PrototypesTest(unittest.TestCase):
    maxDiff = None

    def check(self, text: str, table) -> None:
        declared = headers.functions(text)
        self.assertGreater(len(declared), 5)
        self.assertEqual(sorted(declared), sorted(table))
        for name, (result, arguments) in declared.items():
            with self.subTest(name):
                restype, argtypes = table[name]
                self.assertIs(restype, expected(result))
                self.assertEqual(argtypes, [expected(argument) for argument in arguments])

    def test_library_table_is_the_headers(self) -> None:
        self.check(library_text(), _lib.PROTOTYPES)

    def test_emu_table_is_its_header(self) -> None:
        self.check(headers.text_of("emu.h"), emu.EMU_PROTOTYPES)

    def test_every_iommufd_word_with_parenthesis_was_parsed(self) -> None:
        import re
        for text in (library_text(), headers.text_of("emu.h")):
            words = set(re.findall(r"\b(iommufd_\w+)\s*\(", text))
            self.assertEqual(words, set(headers.functions(text)))

    def test_library_table_is_the_version_script(self) -> None:
        self.assertEqual(list(_lib.PROTOTYPES), sorted(_lib.PROTOTYPES))
        self.assertEqual(sorted(headers.symbols("libiommufd/libiommufd.sym")),
                         list(_lib.PROTOTYPES))

    def test_emu_table_is_the_version_script(self) -> None:
        self.assertEqual(list(emu.EMU_PROTOTYPES), sorted(emu.EMU_PROTOTYPES))
        self.assertEqual(sorted(headers.symbols("libiommufd/emu/libiommufd-emu.sym")),
                         list(emu.EMU_PROTOTYPES))

    def test_integers_that_do_not_fit_are_refused(self) -> None:
        for value in (-1, 1 << 32):
            with self.assertRaises(OverflowError):
                _lib.lib("iommufd_ctx_has", None, value)
        with self.assertRaises(TypeError):
            _lib.lib("iommufd_ctx_has", None, "1")


class LayoutTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.probe = probe()
        cls.text = library_text() + headers.text_of("emu.h")

    def test_probe_has_every_structure_and_field(self) -> None:
        probed = {name: list(entry["fields"]) for name, entry in self.probe["structs"].items()}
        self.assertEqual(probed, headers.structures(self.text))

    def test_structures_have_the_layout_of_c(self) -> None:
        self.assertEqual(sorted(self.probe["structs"]), sorted(STRUCTS))
        for name, entry in self.probe["structs"].items():
            with self.subTest(name):
                structure = STRUCTS[name]
                self.assertEqual(ctypes.sizeof(structure), entry["size"])
                self.assertEqual(ctypes.alignment(structure), entry["alignment"])
                self.assertEqual({field[0]: [getattr(structure, field[0]).offset,
                                             getattr(structure, field[0]).size]
                                  for field in structure._fields_}, entry["fields"])

    def test_structures_with_a_size_fill_it_in(self) -> None:
        sized = [structure for structure in STRUCTS.values()
                 if issubclass(structure, _structs.SizedStructure)]
        self.assertEqual(len(sized), sum("size" == fields[0] for fields
                                         in headers.structures(self.text).values()))
        for structure in sized:
            with self.subTest(structure.__name__):
                self.assertEqual(structure.make().size, ctypes.sizeof(structure))

    def test_probe_has_every_constant(self) -> None:
        self.assertEqual(sorted(self.probe["constants"]), sorted(headers.constants(self.text)))

    def test_constants_have_the_values_of_c(self) -> None:
        values = {**constants.by_c_name(), **constants.by_c_name(emu.EMU_ENUMS)}
        self.assertEqual(values, self.probe["constants"])

    def test_version_is_that_of_the_headers(self) -> None:
        self.assertEqual(iommufd.version(), self.probe["version"])


class LibraryTest(unittest.TestCase):
    def test_sonames_are_pinned(self) -> None:
        self.assertEqual(_lib.SONAME, "libiommufd.so.0")
        self.assertEqual(emu.EMU_SONAME, "libiommufd-emu.so.0")

    def test_library_that_is_not_there(self) -> None:
        with self.assertRaisesRegex(ImportError, "NO_SUCH_VARIABLE"):
            _lib.Library("libiommufd-not-there.so.0", "NO_SUCH_VARIABLE", {})

    def test_library_without_a_function(self) -> None:
        with self.assertRaisesRegex(ImportError, "iommufd_not_there"):
            _lib.Library(_lib.lib.path, "NO_SUCH_VARIABLE",
                         {"iommufd_not_there": (c_int, [])})


if __name__ == "__main__":
    unittest.main()
