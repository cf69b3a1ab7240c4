# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""IOMMU groups: devices that belong to user space together or not at all."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, List, NamedTuple

from . import _structs as s
from ._handle import Handle, receive
from .constants import GroupFlag, MemberFlag
from .errors import call

if TYPE_CHECKING:
    from .ctx import Context


class GroupInfo(NamedTuple):
    """What a group is."""

    number: int         # as in /sys/kernel/iommu_groups
    flags: GroupFlag
    num_members: int
    num_open: int       # members that are open in this context


class GroupMember(NamedTuple):
    """A device of a group."""

    name: str           # its name on its bus, for PCI the address
    bus: str
    driver: str         # empty for none
    flags: MemberFlag
    reason: str         # why it keeps the group from user space, or why not


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


class Group(Handle):
    """The devices that the hardware cannot keep apart. `number` is the group's in sysfs.

    To look at a group neither opens it nor needs privilege. `Device.group` is the group of
    a device. One that is merely forgotten is closed without a warning.
    """

    _unref = "iommufd_group_unref"

    def __init__(self, ctx: Context, number: int) -> None:
        self._bind(receive("iommufd_group_open", ctx._ptr, number), ctx._family)

    @classmethod
    def from_fd(cls, ctx: Context, fd: int) -> Group:
        """Take over a VFIO group that is open already; `fd` stays the caller's."""
        group = cls.__new__(cls)
        group._bind(receive("iommufd_group_from_fd", ctx._ptr, fd), ctx._family)
        return group

    def fileno(self) -> int:
        """The descriptor of the kernel's open group; it belongs to the group."""
        return call("iommufd_group_get_fd", self._ptr)

    def __del__(self) -> None:
        try:
            self.close()
        except (AttributeError, TypeError):
            pass  # the interpreter is going down

    @property
    def info(self) -> GroupInfo:
        """What the group is now."""
        info = s.GroupInfo.make()
        call("iommufd_group_get_info", self._ptr, byref(info))
        return GroupInfo(info.number, GroupFlag(info.flags), info.num_members, info.num_open)

    @property
    def number(self) -> int:
        """The group's number in sysfs."""
        return self.info.number

    @property
    def members(self) -> List[GroupMember]:
        """The devices that are in the group now, by name."""
        with self._family.lock:
            found = []
            for index in range(self.info.num_members):
                member = s.GroupMember.make()
                call("iommufd_group_get_member", self._ptr, index, byref(member))
                found.append(GroupMember(_text(member.name), _text(member.bus),
                                         _text(member.driver), MemberFlag(member.flags),
                                         _text(member.reason)))
            return found

    @property
    def viable(self) -> bool:
        """Whether no kernel driver keeps the group from user space."""
        return GroupFlag.VIABLE in self.info.flags

    def check_viable(self) -> None:
        """Raise an error that names who keeps the group from user space, if anyone does."""
        call("iommufd_group_check_viable", self._ptr)
