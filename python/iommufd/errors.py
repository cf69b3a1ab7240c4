# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The exception of the package, and calls that raise it."""

from __future__ import annotations

import errno as _errno
import os
from typing import Any, Optional

from ._lib import lib


# Of two names for a number Python knows the one that the manual does not use.
_NAMES = {**_errno.errorcode, _errno.EOPNOTSUPP: "EOPNOTSUPP", _errno.EDEADLK: "EDEADLK"}


class IommufdError(OSError):
    """A function of the library refused.

    `errno` says which way, `operation` is the kernel call or library function that
    refused, `object` what it was about, `message` what was wrong and `remedy` what can
    be done. `index` is the failing element of a call that takes many, else None.
    """

    operation: str
    object: str
    message: str
    remedy: str
    index: Optional[int]

    def __init__(self, errno: int, message: str, operation: str = "", object: str = "",
                 remedy: str = "", index: Optional[int] = None) -> None:
        super().__init__(errno, message)
        self.message = message
        self.operation = operation
        self.object = object
        self.remedy = remedy
        self.index = index

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.object, self.operation) if part)
        name = _NAMES.get(self.errno or 0, str(self.errno))
        text = f"{where}: {self.message} [{name}]" if where else f"{self.message} [{name}]"
        if self.index is not None:
            text += f" (element {self.index})"
        return f"{text}; {self.remedy}" if self.remedy else text

    def __reduce__(self) -> Any:
        return type(self), (self.errno, self.message, self.operation, self.object, self.remedy,
                            self.index)


def failure(rc: int, function: str = "", recorded: bool = True,
            index: Optional[int] = None) -> IommufdError:
    """The exception for a negative errno, with what the library recorded about it.

    `function` is named where nothing was recorded. Functions that leave no record pass
    False for `recorded`, so that an older failure is not taken for theirs.
    """
    if recorded:
        last = lib("iommufd_error_last").contents
        if last.code == rc:
            return IommufdError(-rc, last.message.decode(errors="replace"),
                                last.operation.decode(errors="replace"),
                                last.object.decode(errors="replace"),
                                last.remedy.decode(errors="replace"), index)
    return IommufdError(-rc, os.strerror(-rc), function, index=index)


def raise_for(rc: int, function: str = "", recorded: bool = True) -> int:
    """Return `rc` if it tells success, else raise failure()."""
    if rc < 0:
        raise failure(rc, function, recorded)
    return rc


def call(name: str, *args: Any) -> int:
    """Call a function that returns 0 or more for success and a negative errno otherwise."""
    return raise_for(lib(name, *args), name)
