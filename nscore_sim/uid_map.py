"""What is read from and written to uid_map, gid_map, projid_map and setgroups of /proc/PID.  Models that half of kernel/user_namespace.c.

A file is about the user namespace of its process, the writer's capabilities and those of whoever opened it (file.f_cred) count both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import file_ns_capable, ns_capable
from nscore_sim.user_namespace import (
    INVALID_ID,
    USERNS_SETGROUPS_ALLOWED,
    UidGidMap,
    UserNamespace,
    make_kgid,
    make_kuid,
    map_id_range_down,
    map_id_up,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nscore_sim.file import File
    from nscore_sim.task import Task

CAP_SYS_ADMIN, CAP_SETFCAP = int(Capability.SYS_ADMIN), int(Capability.SETFCAP)
CAP_SETUID, CAP_SETGID = int(Capability.SETUID), int(Capability.SETGID)

PAGE_SIZE = 4096
#: What a map holds, and what it holds in the order in which it was written.  include/linux/user_namespace.h
UID_GID_MAP_MAX_EXTENTS, UID_GID_MAP_MAX_BASE_EXTENTS = 340, 5

#: lib/ctype.c: what isspace() says yes to.
SPACES = b" \t\n\v\f\r\xa0"
U32, U64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


# Reading


def uid_m_show(file: File, ns: UserNamespace) -> str:
    """kernel/user_namespace.c:uid_m_show"""
    return show(file, ns, ns.uid_map, lambda lower: lower.uid_map)


def gid_m_show(file: File, ns: UserNamespace) -> str:
    """kernel/user_namespace.c:gid_m_show"""
    return show(file, ns, ns.gid_map, lambda lower: lower.gid_map)


def projid_m_show(file: File, ns: UserNamespace) -> str:
    """kernel/user_namespace.c:projid_m_show"""
    return show(file, ns, ns.projid_map, lambda lower: lower.projid_map)


def show(file: File, ns: UserNamespace, id_map: UidGidMap, map_of: Callable[[UserNamespace], UidGidMap]) -> str:
    """The extents, outside ids as whoever opened the file calls them; who is inside sees his parent's."""
    lower = file.f_cred.user_ns
    if lower is ns and ns.parent is not None:
        lower = ns.parent
    lines = [f"{first:10} {map_id_up(map_of(lower), kid):10} {count:10}\n" for first, kid, count in id_map]
    return "".join(lines)


def proc_setgroups_show(ns: UserNamespace) -> str:
    """kernel/user_namespace.c:proc_setgroups_show"""
    return "allow\n" if ns.flags & USERNS_SETGROUPS_ALLOWED else "deny\n"


# Writing


def proc_uid_map_write(task: Task, file: File, ns: UserNamespace, data: bytes, pos: int) -> int:
    """kernel/user_namespace.c:proc_uid_map_write"""
    parent = check_writer(file, ns)
    ns.uid_map = map_write(task, file, ns, data, pos, CAP_SETUID, ns.uid_map, parent.uid_map)
    return len(data)


def proc_gid_map_write(task: Task, file: File, ns: UserNamespace, data: bytes, pos: int) -> int:
    """kernel/user_namespace.c:proc_gid_map_write"""
    parent = check_writer(file, ns)
    ns.gid_map = map_write(task, file, ns, data, pos, CAP_SETGID, ns.gid_map, parent.gid_map)
    return len(data)


def proc_projid_map_write(task: Task, file: File, ns: UserNamespace, data: bytes, pos: int) -> int:
    """kernel/user_namespace.c:proc_projid_map_write"""
    parent = check_writer(file, ns)
    ns.projid_map = map_write(task, file, ns, data, pos, None, ns.projid_map, parent.projid_map)
    return len(data)


def check_writer(file: File, ns: UserNamespace) -> UserNamespace:
    """The parent, if there is one and the file was opened there or inside; EPERM."""
    parent = ns.parent
    if parent is None or (file.f_cred.user_ns is not ns and file.f_cred.user_ns is not parent):
        raise Errno("EPERM")
    return parent


def map_write(
    task: Task, file: File, ns: UserNamespace, data: bytes, pos: int, cap_setid: int | None, old: UidGidMap, parent_map: UidGidMap
) -> UidGidMap:
    """The map that data says; it is written once.  kernel/user_namespace.c:map_write"""
    if pos or len(data) >= PAGE_SIZE:
        raise Errno("EINVAL")
    if old or (cap_setid is not None and not file_ns_capable(file, ns, CAP_SYS_ADMIN)):
        raise Errno("EPERM")
    wanted = parse(data, task.kernel.release.map_numbers_wrap)
    if not new_idmap_permitted(task, file, ns, cap_setid, wanted):
        raise Errno("EPERM")
    mapped = tuple([(first, map_id_range_down(parent_map, lower, count), count) for first, lower, count in wanted])
    if any(kid == INVALID_ID for _, kid, _ in mapped):
        raise Errno("EPERM")
    return mapped if len(mapped) <= UID_GID_MAP_MAX_BASE_EXTENTS else tuple(sorted(mapped))


def parse(data: bytes, wrap: bool) -> UidGidMap:
    """Lines of three numbers; EINVAL."""
    text = data.split(b"\0")[0]
    extents: list[tuple[int, int, int]] = []
    lines = text.removesuffix(b"\n").split(b"\n")
    for line in lines:
        extent = parse_line(line, wrap)
        if len(extents) == UID_GID_MAP_MAX_EXTENTS or any(overlap(extent, other) for other in extents):
            raise Errno("EINVAL")
        extents.append(extent)
    return tuple(extents)


def parse_line(line: bytes, wrap: bool) -> tuple[int, int, int]:
    """Blanks may be anywhere but inside a number; it may have nothing else, not even a sign."""
    fields = line.translate(bytes.maketrans(SPACES, b" " * len(SPACES))).split()
    if len(fields) != 3 or not all(field.isdigit() for field in fields):
        raise Errno("EINVAL")
    first, lower, count = (number(field, wrap) for field in fields)
    if INVALID_ID in (first, lower):
        raise Errno("EINVAL")
    if first + count & U32 <= first or lower + count & U32 <= lower:
        raise Errno("EINVAL")
    return first, lower, count


def number(field: bytes, wrap: bool) -> int:
    """As many bits as fit.  lib/vsprintf.c:simple_strtoul"""
    value = int(field)
    if value > U64 and not wrap:
        value = U64
    return value & U32


def overlap(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    """kernel/user_namespace.c:mappings_overlap"""
    return any(a[side] < b[side] + b[2] and b[side] < a[side] + a[2] for side in (0, 1))


def verify_root_map(file: File, ns: UserNamespace, wanted: UidGidMap) -> bool:
    """Whether root of the parent may be mapped, which would let capabilities of files in.  kernel/user_namespace.c:verify_root_map"""
    if all(lower for _, lower, _ in wanted):
        return True
    if file.f_cred.user_ns is ns:
        return ns.parent_could_setfcap
    assert ns.parent is not None
    return file_ns_capable(file, ns.parent, CAP_SETFCAP)


def new_idmap_permitted(task: Task, file: File, ns: UserNamespace, cap_setid: int | None, wanted: UidGidMap) -> bool:
    """Whoever made the namespace may map himself; anything else needs a privilege in the parent.

    kernel/user_namespace.c:new_idmap_permitted
    """
    parent, cred = ns.parent, file.f_cred
    assert parent is not None
    if cap_setid is None:
        return True
    if cap_setid == CAP_SETUID and not verify_root_map(file, ns, wanted):
        return False
    _, lower, count = wanted[0]
    if len(wanted) == 1 and count == 1 and ns.owner == cred.euid:
        if cap_setid == CAP_SETUID and make_kuid(parent, lower) == cred.euid:
            return True
        if cap_setid == CAP_SETGID and not ns.flags & USERNS_SETGROUPS_ALLOWED and make_kgid(parent, lower) == cred.egid:
            return True
    return ns_capable(task, parent, cap_setid) and file_ns_capable(file, parent, cap_setid)


#: What may be written, and what it sets.
SETGROUPS = {b"allow": USERNS_SETGROUPS_ALLOWED, b"deny": 0}


def proc_setgroups_write(ns: UserNamespace, data: bytes, pos: int) -> int:
    """kernel/user_namespace.c:proc_setgroups_write"""
    if pos or len(data) >= 8:
        raise Errno("EINVAL")
    allowed = SETGROUPS.get(data.split(b"\0")[0].rstrip(SPACES))
    if allowed is None:
        raise Errno("EINVAL")
    if allowed and not ns.flags & USERNS_SETGROUPS_ALLOWED:
        raise Errno("EPERM")
    if not allowed:
        if ns.gid_map:
            raise Errno("EPERM")
        ns.flags &= ~USERNS_SETGROUPS_ALLOWED
    return len(data)
