# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Reads the public C headers as far as the tests need it."""

from __future__ import annotations

import glob
import os
import re
from typing import Dict, List, Tuple

TOP = os.environ["top_srcdir"]


def text_of(name: str) -> str:
    """A header without comments and preprocessor lines."""
    with open(os.path.join(TOP, "include/libiommufd", name)) as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    return re.sub(r'extern "C" \{', "", text)


def names() -> List[str]:
    """The headers of libiommufd itself; emu.h belongs to another library."""
    found = [os.path.basename(path)
             for path in glob.glob(os.path.join(TOP, "include/libiommufd/*.h"))]
    return sorted((set(found) - {"emu.h"}) | {"version.h.in"} - {"version.h"})


def _type_of(declaration: str) -> str:
    """The type in "const char *name", written without the name and in one way."""
    match = re.fullmatch(r"(.*?)(\w+)", declaration.strip(), flags=re.S)
    assert match, declaration
    return re.sub(r"\s+", " ", match.group(1)).replace(" *", "*").strip()


def functions(text: str) -> Dict[str, Tuple[str, List[str]]]:
    """Every function declared: return type and types of the arguments."""
    found = {}
    for result, name, arguments in re.findall(
            r"^([\w ]+?[ *]+)(iommufd_\w+)\(([^)]*)\);", text, flags=re.M):
        arguments = re.sub(r"\s+", " ", arguments).strip()
        types = [] if arguments == "void" else [_type_of(a) for a in arguments.split(",")]
        found[name] = re.sub(r"\s+", " ", result).replace(" *", "*").strip(), types
    return found


def constants(text: str) -> List[str]:
    """Every enumerator."""
    return [name for body in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", text)
            for name in re.findall(r"^\s*(\w+)", body, flags=re.M)]


def structures(text: str) -> Dict[str, List[str]]:
    """Every structure that is laid open: its fields in order."""
    found = {}
    for name, body in re.findall(r"\bstruct\s+(\w+)\s*\{([^}]*)\}", text):
        found[name] = [re.sub(r"\[.*", "", field.split()[-1]).lstrip("*")
                       for field in body.split(";") if field.strip()]
    return found


def symbols(path: str) -> List[str]:
    """The functions that a version script exports."""
    with open(os.path.join(TOP, path)) as file:
        text = re.sub(r"/\*.*?\*/|#.*?$", " ", file.read(), flags=re.S | re.M)
    return re.findall(r"\b(iommufd_\w+)\s*;", text)
