"""What the calling process can ask of itself by calls that are refused in any case: how deep it lies, and whether a filter sees its clone.

Nothing is made: clone3 looks last at a descriptor of a cgroup, and first at the size of its arguments.
"""

from __future__ import annotations

import sys
from ctypes import addressof, byref, c_int, sizeof

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.creation import INTO_CGROUP, SIGCHLD, SIGHAND, VM
from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import ARCH, CLONE_ARGUMENTS
from nscore.linux.structs import clone_args

EINVAL = 22
#: A descriptor that is not open.
NOWHERE = 0x7FFFFFFF


def fits(levels: int) -> bool:
    """Whether a child has so many levels: clone3 refuses more numbers than that, before it sees that each 1 is taken."""
    numbers = (c_int * levels)(*(1,) * levels)
    args = clone_args(flags=INTO_CGROUP, exit_signal=SIGCHLD, set_tid=addressof(numbers), set_tid_size=levels, cgroup=NOWHERE)
    return answer("clone3", byref(args), sizeof(args)) != EINVAL


def clone_filter(name: str, flags: int) -> int:
    """The errno with which a filter answers clone3 or clone with these flags; 0 where the kernel answers."""
    if name == "clone3":
        number = answer("clone3", None, 0)
    else:
        refused = {"flags": (flags | SIGHAND) & ~VM | SIGCHLD, "stack": 0, "parent_tid": 0, "child_tid": 0, "tls": 0}
        number = answer("clone", *[refused[argument] for argument in CLONE_ARGUMENTS[ARCH]])
    return 0 if number == EINVAL else number


def answer(name: str, *args: object) -> int:
    """The errno of a call that cannot succeed."""
    try:
        syscall(name, *args)
    except OSError as error:
        return error.errno or 0
    return EINVAL
