"""What a thread has that joining a user namespace takes from it, or gives it in excess; and the signals that it handles."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import prctl
from nscore.linux.calls.ahead import controlling, setting_capabilities

if TYPE_CHECKING:
    from nscore.linux.calls.ahead import Call

PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_CAP_AMBIENT = 23, 24, 27, 28, 47
PR_CAP_AMBIENT_RAISE = 2
SETS = (b"CapEff", b"CapPrm", b"CapInh", b"CapBnd", b"CapAmb")
#: Signals of the C library's own, which it lets nobody touch.
ITS_OWN = (32, 33)


def status_of_thread() -> bytes:
    """proc/PID/status of the calling thread."""
    fd = os.open("/proc/thread-self/status", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 14)
    finally:
        os.close(fd)


def restoring(status: bytes) -> list[Call]:
    """The calls by which one who has just joined a user namespace has what the calling thread has, whose status that is.

    They are the same capabilities by their numbers; over anything outside they are worth nothing.
    """
    effective, permitted, inheritable, bounding, ambient = [mask_in(status, name) for name in SETS]
    securebits = int(prctl(PR_GET_SECUREBITS))
    everything = known()
    return [
        *([setting_capabilities(everything, everything, inheritable)] if inheritable else ()),
        *[controlling(PR_CAPBSET_DROP, capability) for capability in members(~bounding & everything)],
        *[controlling(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability) for capability in members(ambient)],
        *([controlling(PR_SET_SECUREBITS, securebits)] if securebits else ()),
        setting_capabilities(effective, permitted, inheritable),
    ]


def handled(status: bytes) -> list[int]:
    """The signals for which there are handlers."""
    return [bit + 1 for bit in members(mask_in(status, b"SigCgt")) if bit + 1 not in ITS_OWN]


def known() -> int:
    """The capabilities that the kernel knows."""
    if not _known:
        last = 0
        while last < 63 and has(last + 1):
            last += 1
        _known.append((2 << last) - 1)
    return _known[0]


_known: list[int] = []


def has(capability: int) -> bool:
    """Whether the kernel knows it."""
    try:
        prctl(PR_CAPBSET_READ, capability)
    except OSError:  # EINVAL
        return False
    return True


def mask_in(status: bytes, name: bytes) -> int:
    """A mask in such a text."""
    return int(status.partition(b"\n" + name + b":")[2].partition(b"\n")[0], 16)


def members(mask: int) -> list[int]:
    """The bits of a mask."""
    return [number for number in range(mask.bit_length()) if mask >> number & 1]
