"""Counts per user and user namespace, each charged to the creators of all namespaces above.  Models kernel/ucount.c.

A count that is 0 is as good as none, so nothing is ever taken out of UserNamespace.ucounts_of.  Charges are dropped at once, where Linux
leaves that to a work queue.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from nscore.errors import Errno

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nscore_sim.user_namespace import UserNamespace

LONG_MAX = 2**63 - 1
INT_MAX = 2**31 - 1


class UcountType(IntEnum):
    """What /proc/sys/user limits: an index of Ucounts.ucount.  include/linux/user_namespace.h:ucount_type"""

    USER_NAMESPACES = 0
    PID_NAMESPACES = 1
    UTS_NAMESPACES = 2
    IPC_NAMESPACES = 3
    NET_NAMESPACES = 4
    MNT_NAMESPACES = 5
    CGROUP_NAMESPACES = 6
    TIME_NAMESPACES = 7


#: Indexes of Ucounts.rlimit.  include/linux/user_namespace.h:rlimit_type
UCOUNT_RLIMIT_NPROC = 0
UCOUNT_RLIMIT_SIGPENDING = 1


class Ucounts:
    """The counts of a user in a user namespace.  include/linux/user_namespace.h:ucounts"""

    __slots__ = ("ns", "rlimit", "ucount", "uid")

    def __init__(self, ns: UserNamespace, uid: int) -> None:
        self.ns = ns
        self.uid = uid
        self.ucount = [0] * len(UcountType)
        self.rlimit = [0, 0]


def alloc_ucounts(ns: UserNamespace, uid: int) -> Ucounts:
    """kernel/ucount.c:alloc_ucounts"""
    ucounts = ns.ucounts_of.get(uid)
    if ucounts is None:
        ucounts = ns.ucounts_of[uid] = Ucounts(ns, uid)
    return ucounts


def upwards(ucounts: Ucounts | None) -> Iterator[Ucounts]:
    """The counts, and those of the creator of each namespace above."""
    while ucounts is not None:
        yield ucounts
        ucounts = ucounts.ns.ns.ucounts


def inc_ucount(ns: UserNamespace, uid: int, kind: UcountType) -> Ucounts:
    """One more, everywhere or nowhere; ENOSPC.  kernel/ucount.c:inc_ucount"""
    ucounts = alloc_ucounts(ns, uid)
    if any(each.ucount[kind] >= each.ns.ucount_max[kind] for each in upwards(ucounts)):
        raise Errno("ENOSPC")
    for each in upwards(ucounts):
        each.ucount[kind] += 1
    return ucounts


def dec_ucount(ucounts: Ucounts, kind: UcountType) -> None:
    """kernel/ucount.c:dec_ucount"""
    for each in upwards(ucounts):
        each.ucount[kind] -= 1


def inc_rlimit_ucounts(ucounts: Ucounts, kind: int, v: int) -> int:
    """Count v more; how many there are here, LONG_MAX if a namespace above is over its limit.  kernel/ucount.c:inc_rlimit_ucounts"""
    each: Ucounts | None = ucounts
    limit, result = LONG_MAX, ucounts.rlimit[kind] + v
    while each is not None:
        each.rlimit[kind] += v
        if each.rlimit[kind] > limit:
            result = LONG_MAX
        limit = each.ns.rlimit_max[kind]
        each = each.ns.ns.ucounts
    return result


def dec_rlimit_ucounts(ucounts: Ucounts, kind: int, v: int) -> None:
    """kernel/ucount.c:dec_rlimit_ucounts"""
    each: Ucounts | None = ucounts
    while each is not None:
        each.rlimit[kind] -= v
        each = each.ns.ns.ucounts


def inc_rlimit_get_ucounts(ucounts: Ucounts, kind: int, override_rlimit: bool) -> int:
    """Count one more unless a namespace above forbids it: then 0, and nothing has changed.  kernel/ucount.c:inc_rlimit_get_ucounts"""
    limit = LONG_MAX
    for each in upwards(ucounts):
        if each.rlimit[kind] + 1 > limit:
            return 0
        if not override_rlimit:
            limit = each.ns.rlimit_max[kind]
    inc_rlimit_ucounts(ucounts, kind, 1)
    return ucounts.rlimit[kind]


def is_rlimit_overlimit(ucounts: Ucounts, kind: int, rlimit: int) -> bool:
    """Whether the user has more than rlimit, or a creator above more than it allowed.  kernel/ucount.c:is_rlimit_overlimit"""
    limit = rlimit
    for each in upwards(ucounts):
        if each.rlimit[kind] > limit:
            return True
        limit = each.ns.rlimit_max[kind]
    return False
