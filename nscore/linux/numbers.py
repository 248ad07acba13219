"""The numbers of Linux's system-call ABI, by architecture.  Models the kernel's syscall tables and asm/ headers.

Of what flags.py and the man pages name, this file knows where an architecture has another number.  Tables first, then the questions
that they answer, then the answers for the machine at hand.  mips64el numbers signals, errnos and POLLWR* in its own way: those are
passed through as they are, see GENERIC_SIGNALS.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable

ARCHITECTURES = ("x86_64", "i386", "aarch64", "arm", "riscv64", "s390x", "ppc64le", "loongarch64", "mips64el")

#: (uname's machine, bytes in a pointer): a 32-bit process of a 64-bit kernel sees the kernel's machine, not its own.
MACHINES = {
    ("x86_64", 8): "x86_64",
    **dict.fromkeys([(machine, 4) for machine in ("x86_64", "i386", "i486", "i586", "i686")], "i386"),
    ("aarch64", 8): "aarch64",
    **dict.fromkeys([(machine, 4) for machine in ("aarch64", "armv5tel", "armv6l", "armv7l", "armv8l")], "arm"),
    ("riscv64", 8): "riscv64",
    ("s390x", 8): "s390x",
    ("ppc64le", 8): "ppc64le",
    ("loongarch64", 8): "loongarch64",
    ("mips64", 8): "mips64el",
}

#: Name to numbers, in the order of ARCHITECTURES; None where there is no such call.  Where i386 and arm have an older and a newer
#: entry, the newer one stands here: 32-bit ids (getuid32), 64-bit time (ppoll_time64), fcntl64.
SYSCALLS: dict[str, tuple[int | None, ...]] = {
    # identity
    "getpid": (39, 20, 172, 20, 172, 20, 20, 172, 5038),
    "gettid": (186, 224, 178, 224, 178, 236, 207, 178, 5178),
    "getppid": (110, 64, 173, 64, 173, 64, 64, 173, 5108),
    "getpgid": (121, 132, 155, 132, 155, 132, 132, 155, 5119),
    "setpgid": (109, 57, 154, 57, 154, 57, 57, 154, 5107),
    "getsid": (124, 147, 156, 147, 156, 147, 147, 156, 5122),
    "setsid": (112, 66, 157, 66, 157, 66, 66, 157, 5110),
    "getuid": (102, 199, 174, 199, 174, 199, 24, 174, 5100),
    "geteuid": (107, 201, 175, 201, 175, 201, 49, 175, 5105),
    "getgid": (104, 200, 176, 200, 176, 200, 47, 176, 5102),
    "getegid": (108, 202, 177, 202, 177, 202, 50, 177, 5106),
    "setuid": (105, 213, 146, 213, 146, 213, 23, 146, 5103),
    "setgid": (106, 214, 144, 214, 144, 214, 46, 144, 5104),
    "setreuid": (113, 203, 145, 203, 145, 203, 70, 145, 5111),
    "setregid": (114, 204, 143, 204, 143, 204, 71, 143, 5112),
    "setresuid": (117, 208, 147, 208, 147, 208, 164, 147, 5115),
    "setresgid": (119, 210, 149, 210, 149, 210, 169, 149, 5117),
    "getgroups": (115, 205, 158, 205, 158, 205, 80, 158, 5113),
    "setgroups": (116, 206, 159, 206, 159, 206, 81, 159, 5114),
    "capget": (125, 184, 90, 184, 90, 184, 183, 90, 5123),
    "capset": (126, 185, 91, 185, 91, 185, 184, 91, 5124),
    # creation
    "clone": (56, 120, 220, 120, 220, 120, 120, 220, 5055),
    "clone3": (435, 435, 435, 435, 435, 435, 435, 435, 5435),
    "execve": (59, 11, 221, 11, 221, 11, 11, 221, 5057),
    "execveat": (322, 358, 281, 387, 281, 354, 362, 281, 5316),
    "exit": (60, 1, 93, 1, 93, 1, 1, 93, 5058),
    "exit_group": (231, 252, 94, 248, 94, 248, 234, 94, 5205),
    "set_tid_address": (218, 258, 96, 256, 96, 252, 232, 96, 5212),
    # namespaces
    "unshare": (272, 310, 97, 337, 97, 303, 282, 97, 5262),
    "setns": (308, 346, 268, 375, 268, 339, 350, 268, 5303),
    "ioctl": (16, 54, 29, 54, 29, 54, 54, 29, 5015),
    # waiting
    "waitid": (247, 284, 95, 280, 95, 281, 272, 95, 5237),
    "wait4": (61, 114, 260, 114, 260, 114, 114, 260, 5059),
    # signals
    "kill": (62, 37, 129, 37, 129, 37, 37, 129, 5060),
    "tkill": (200, 238, 130, 238, 130, 237, 208, 130, 5192),
    "tgkill": (234, 270, 131, 268, 131, 241, 250, 131, 5225),
    "rt_sigqueueinfo": (129, 178, 138, 178, 138, 178, 177, 138, 5127),
    "rt_sigaction": (13, 174, 134, 174, 134, 174, 173, 134, 5013),
    "rt_sigprocmask": (14, 175, 135, 175, 135, 175, 174, 135, 5014),
    "rt_sigpending": (127, 176, 136, 176, 136, 176, 175, 136, 5125),
    "rt_sigtimedwait": (128, 421, 137, 421, 137, 177, 176, 137, 5126),
    # pidfds
    "pidfd_open": (434, 434, 434, 434, 434, 434, 434, 434, 5434),
    "pidfd_send_signal": (424, 424, 424, 424, 424, 424, 424, 424, 5424),
    "pidfd_getfd": (438, 438, 438, 438, 438, 438, 438, 438, 5438),
    # files
    "openat": (257, 295, 56, 322, 56, 288, 286, 56, 5247),
    "close": (3, 6, 57, 6, 57, 6, 6, 57, 5003),
    "read": (0, 3, 63, 3, 63, 3, 3, 63, 5000),
    "write": (1, 4, 64, 4, 64, 4, 4, 64, 5001),
    "pread64": (17, 180, 67, 180, 67, 180, 179, 67, 5016),
    "lseek": (8, 19, 62, 19, 62, 19, 19, 62, 5008),
    "_llseek": (None, 140, None, 140, None, None, 140, None, None),
    "statx": (332, 383, 291, 397, 291, 379, 383, 291, 5326),
    "readlinkat": (267, 305, 78, 332, 78, 298, 296, 78, 5257),
    "getdents64": (217, 220, 61, 217, 61, 220, 202, 61, 5308),
    "faccessat": (269, 307, 48, 334, 48, 300, 298, 48, 5259),
    "mkdirat": (258, 296, 34, 323, 34, 289, 287, 34, 5248),
    "unlinkat": (263, 301, 35, 328, 35, 294, 292, 35, 5253),
    "chdir": (80, 12, 49, 12, 49, 12, 12, 49, 5078),
    "getcwd": (79, 183, 17, 183, 17, 183, 182, 17, 5077),
    "chroot": (161, 61, 51, 61, 51, 61, 61, 51, 5156),
    "dup": (32, 41, 23, 41, 23, 41, 41, 23, 5031),
    "dup3": (292, 330, 24, 358, 24, 326, 316, 24, 5286),
    "fcntl": (72, 221, 25, 221, 25, 55, 55, 25, 5070),
    "pipe2": (293, 331, 59, 359, 59, 325, 317, 59, 5287),
    "ppoll": (271, 414, 73, 414, 73, 302, 281, 73, 5261),
    "socketpair": (53, 360, 199, 288, 199, 360, 333, 199, 5052),
    "sendmsg": (46, 370, 211, 296, 211, 370, 341, 211, 5045),
    "recvmsg": (47, 372, 212, 297, 212, 372, 342, 212, 5046),
    "setsockopt": (54, 366, 208, 294, 208, 366, 339, 208, 5053),
    "close_range": (436, 436, 436, 436, 436, 436, 436, 436, 5436),
    # mounts
    "mount": (165, 21, 40, 21, 40, 21, 21, 40, 5160),
    "umount2": (166, 52, 39, 52, 39, 52, 52, 39, 5161),
    "pivot_root": (155, 217, 41, 218, 41, 217, 203, 41, 5151),
    "open_tree": (428, 428, 428, 428, 428, 428, 428, 428, 5428),
    "move_mount": (429, 429, 429, 429, 429, 429, 429, 429, 5429),
    "fsopen": (430, 430, 430, 430, 430, 430, 430, 430, 5430),
    "fsconfig": (431, 431, 431, 431, 431, 431, 431, 431, 5431),
    "fsmount": (432, 432, 432, 432, 432, 432, 432, 432, 5432),
    "mount_setattr": (442, 442, 442, 442, 442, 442, 442, 442, 5442),
    # system
    "prctl": (157, 172, 167, 172, 167, 172, 171, 167, 5153),
    "uname": (63, 122, 160, 122, 160, 122, 122, 160, 5061),
    "sethostname": (170, 74, 161, 74, 161, 74, 74, 161, 5165),
    "reboot": (169, 88, 142, 88, 142, 88, 88, 142, 5164),
    "clock_nanosleep": (230, 407, 115, 407, 115, 262, 248, 115, 5224),
    "clock_gettime": (228, 403, 113, 403, 113, 260, 246, 113, 5222),
    "prlimit64": (302, 340, 261, 369, 261, 334, 325, 261, 5297),
}

#: The order of raw clone's arguments.  kernel/fork.c: CONFIG_CLONE_BACKWARDS
CLONE_DEFAULT = ("flags", "stack", "parent_tid", "child_tid", "tls")
CLONE_BACKWARDS = ("flags", "stack", "parent_tid", "tls", "child_tid")
CLONE_BACKWARDS2 = ("stack", "flags", "parent_tid", "child_tid", "tls")
CLONE_ARGUMENTS = {
    "x86_64": CLONE_DEFAULT,
    "i386": CLONE_BACKWARDS,
    "aarch64": CLONE_BACKWARDS,
    "arm": CLONE_BACKWARDS,
    "riscv64": CLONE_BACKWARDS,
    "s390x": CLONE_BACKWARDS2,
    "ppc64le": CLONE_BACKWARDS,
    "loongarch64": CLONE_DEFAULT,
    "mips64el": CLONE_BACKWARDS,
}

#: _IOC_NONE, _IOC_READ and _IOC_WRITE, shifted into place.  asm/ioctl.h
IOC_GENERIC = (0, 0x80000000, 0x40000000)
IOC_OTHER = (0x20000000, 0x40000000, 0x80000000)
IOC = {**dict.fromkeys(ARCHITECTURES, IOC_GENERIC), "ppc64le": IOC_OTHER, "mips64el": IOC_OTHER}

#: O_* by the generic number, where an architecture has another.  asm/fcntl.h
_O_ARM = {0o200000: 0o40000, 0o400000: 0o100000, 0o40000: 0o200000, 0o100000: 0o400000}
_O_POWERPC = {0o200000: 0o40000, 0o400000: 0o100000, 0o40000: 0o400000, 0o100000: 0o200000}
_O_MIPS = {
    0o100: 0x0100,
    0o200: 0x0400,
    0o400: 0x0800,
    0o2000: 0x0008,
    0o4000: 0x0080,
    0o10000: 0x0010,
    0o40000: 0x8000,
    0o100000: 0x2000,
    0o4000000: 0x4000,
}
OPEN_FLAGS = {"aarch64": _O_ARM, "arm": _O_ARM, "ppc64le": _O_POWERPC, "mips64el": _O_MIPS}

#: The rest of what differs, by the generic number.
SOCKET_TYPES = {"mips64el": {1: 2, 2: 1}}
SOCKET_OPTIONS = {"ppc64le": {(1, 16): (1, 20)}, "mips64el": {(1, 16): (0xFFFF, 17)}}
SIGACTION_FLAGS = {"mips64el": {0x2: 0x10000, 0x4: 0x8}}
SIGPROCMASK_HOW = {"mips64el": {0: 1, 1: 2, 2: 3}}
FCNTL_COMMANDS = {"mips64el": {8: 24}}


class Numbers(dict[str, int]):
    """The numbers of one architecture, by name."""

    def __missing__(self, name: str) -> int:
        raise Unavailable(f"{name} has no system-call number here")


def architecture(machine: str, pointer: int, multiarch: str = "") -> str:
    """The architecture of a process.

    Args:
        machine: uname's.
        pointer: The bytes in one.
        multiarch: sys.implementation's; it alone tells x32, whose numbers are another table, from i386.
    """
    known = MACHINES.get((machine, pointer))
    if known is None or multiarch.endswith("x32"):
        raise Unavailable(f"no system-call numbers are known for {pointer * 8}-bit processes of {multiarch or machine}")
    return known


def syscalls(arch: str) -> Numbers:
    """The calls that an architecture has."""
    column = ARCHITECTURES.index(arch)
    return Numbers((name, number) for name, row in SYSCALLS.items() if (number := row[column]) is not None)


def translate(bits: dict[int, int], flags: int) -> int:
    """Each bit of flags by the table, the others as they are."""
    known = moved = 0
    for generic, own in bits.items():
        known |= generic
        if flags & generic:
            moved |= own
    return flags & ~known | moved


def reverse(bits: dict[int, int]) -> dict[int, int]:
    """The table from the architecture's numbers to the generic ones."""
    return {own: generic for generic, own in bits.items()}


def socket_type(type: int, arch: str) -> int:
    """SOCK_STREAM or another with its flags, of which SOCK_NONBLOCK is O_NONBLOCK."""
    kind = SOCKET_TYPES.get(arch, {}).get(type & 0xF, type & 0xF)
    nonblock = OPEN_FLAGS.get(arch, {}).get(0o4000, 0o4000)
    return type & ~(0xF | 0o4000) | kind | (nonblock if type & 0o4000 else 0)


def ioc(direction: int, type: int, nr: int, size: int, arch: str) -> int:
    """An ioctl's number.  direction: 0 for none, 1 to read from the kernel, 2 to write to it, 3 for both."""
    none, read, write = IOC[arch]
    shifted = read * (direction & 1) | write * (direction >> 1) if direction else none
    return shifted | size << 16 | type << 8 | nr


POINTER = 8 if sys.maxsize > 1 << 32 else 4
ARCH = architecture(os.uname().machine, POINTER, getattr(sys.implementation, "_multiarch", ""))
#: Name to number on this machine.
NUMBERS = syscalls(ARCH)
#: Whether signals have the numbers of flags.Signal.
GENERIC_SIGNALS = ARCH != "mips64el"
SIGCHLD = 17 if GENERIC_SIGNALS else 18
#: _NSIG / 8: the bytes in a sigset_t.
SIGSET_SIZE = 16 if ARCH == "mips64el" else 8
