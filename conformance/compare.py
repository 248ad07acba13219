"""Two traces of one case: equal, but for what no two kernels have in common.

Compared as symbols, by first appearance: namespace inodes, devices, PIDs of the machine's ancestors.  Left out: times, memory, counters and
what a model cannot know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nscore.errors import Errno
from nscore.trace import Call

#: Lines of /proc/PID/status that are not compared.
UNKNOWABLE = re.compile(
    rb"^(SigQ|FDSize|Vm\w+|Rss\w+|Hugetlb\w*|CoreDumping|THP_enabled|untag_mask|Seccomp\w*|Speculation\w*|Cpus_\w+|Mems_\w+|"
    rb"x86_\w+|\w*voluntary_ctxt_switches|Ngid):.*\n",
    re.MULTILINE,
)
#: SigCgt's bits 32 and 33 are the C library's.
SIGCGT = re.compile(rb"^SigCgt:\t([0-9a-f]{16})$", re.MULTILINE)
LIBRARY_SIGNALS = 0x3 << 31

#: The lines of /proc/PID/fdinfo that number the mount and the inode.
FDINFO = re.compile(rb"^mnt_id:\t\d+\nino:\t(\d+)$", re.MULTILINE)

#: A line of mountinfo: proc_pid_mountinfo(5).  Of what a file system says about itself in the end, proc's is compared.
MOUNT = re.compile(rb"^(\d+) (\d+) (\d+:\d+) (\S+ \S+ \S+)((?: [a-z_]+(?::\d+)?)*) - (?:(proc \S* \S+)|(\S+ \S* r[ow])\S*)$", re.MULTILINE)
#: The root of a namespace's mount is its text.
ROOT_NAMESPACE = re.compile(rb"^(\w+:\[)(\d+)\]")
PEERS = re.compile(rb":(\d+)")

#: loadavg, of which the last number says something: the reader's namespace's.
LOADAVG = re.compile(rb"^[0-9. ]+/\d+ (\d+)\n$")

#: Namespaces' inodes are numbered from here on, others' within their file system.  include/uapi/linux/nsfs.h:MNT_NS_INIT_INO
FIRST_NAMESPACE = 0xEFFFFFF8
KINDS = {"socket": "socket", "pipe": "pipe"}

#: "pid:[4026531836]"
NAMESPACE = re.compile(r"\b(\w+):\[(\d+)\]")

#: Fields of /proc/PID/stat that are compared, counted from 1: what carries the model's state.
STAT_FIELDS = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 20, 38))


class Symbols:
    """Numbers by first appearance: the same sequence of equal and different ones on both backends."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, object], str] = {}

    def name(self, kind: str, value: object) -> str:
        """The symbol of value, "ino1" for the first inode."""
        key = (kind, value)
        if key not in self._names:
            self._names[key] = f"{kind}{1 + sum(k == kind for k, _ in self._names)}"
        return self._names[key]


def comparable(trace: Iterable[Call], image: str) -> Iterator[str]:
    """The lines of a trace that two backends must have in common."""
    symbols = Symbols()
    for call in trace:
        if call.who < 0:
            continue  # a program's: linux does not see it
        args = None if call.args is None else tuple([symbolic(symbols, arg, image) for arg in call.args])
        yield str(Call(call.who, call.name, args, outcome(symbols, call, image)))


def outcome(symbols: Symbols, call: Call, image: str) -> object:
    """A result with its unknowable parts left out."""
    result = call.result
    if isinstance(result, Errno) or not isinstance(result, (tuple, bytes, str, int)):
        return result
    if call.name in UNCOMPARED:
        return "?"
    if call.name in ("stat", "fstat") and isinstance(result, tuple):
        dev, ino, mode, _nlink, uid, gid, _size = result
        # A file of a process in /proc has an inode for as long as the kernel remembers it.
        passing = call.args is not None and PASSING.match(str(call.args[0]))
        key = ino if ino >= FIRST_NAMESPACE else (dev, ino)
        return symbols.name("dev", dev), "?" if passing else symbols.name("ino", key), mode, uid, gid
    if call.name == "listdir" and isinstance(result, tuple) and "thread-self" in result:
        return result[result.index("self") :]  # before it stands what says nothing about processes
    if call.name == "uname" and isinstance(result, tuple):
        return result[1], result[5]
    if call.name == "pidfd_get_info" and isinstance(result, tuple):
        return result[0], *result[2:]
    return symbolic(symbols, result, image)


#: What is not a namespace in the directory of a process.
PASSING = re.compile(r"/proc/(?!sys\b)(?!.*/ns/).")

#: Their results are times.
UNCOMPARED = frozenset(("monotonic",))


def symbolic(symbols: Symbols, value: object, image: str) -> object:
    """A value with numbers that differ from kernel to kernel made symbols."""
    if isinstance(value, tuple):
        return tuple([symbolic(symbols, member, image) for member in value])
    if isinstance(value, str):
        value = "<image>" if value == image else value
        return NAMESPACE.sub(lambda match: f"{match[1]}:[{symbols.name(KINDS.get(match[1], 'ino'), int(match[2]))}]", value)
    if isinstance(value, bytes):
        shown = text(value, comm_of(image))
        shown = FDINFO.sub(lambda match: b"ino:\t" + symbols.name("pidfs", int(match[1])).encode(), shown)
        # The numbers of mounts that are gone are given again at once, or not.
        mounts = Symbols()
        return MOUNT.sub(lambda match: mount_line(mounts, match), LOADAVG.sub(rb"\1", shown))
    return value


def mount_line(symbols: Symbols, match: re.Match[bytes]) -> bytes:
    """A line of mountinfo with its numbers made symbols."""
    mount, parent = (symbols.name("mnt", int(number)).encode() for number in match.group(1, 2))
    device = symbols.name("device", match[3]).encode()
    tags = PEERS.sub(lambda peer: b":" + symbols.name("peers", int(peer[1])).encode(), match[5])
    place = ROOT_NAMESPACE.sub(lambda root: root[1] + symbols.name("ino", int(root[2])).encode() + b"]", match[4])
    return b" ".join((mount, parent, device, place + tags, b"-", match[6] or match[7]))


def comm_of(image: str) -> bytes:
    """What the kernel calls a process that has exec'ed the image.  fs/exec.c:begin_new_exec"""
    return image.rpartition("/")[2][:15].encode()


def text(data: bytes, comm: bytes) -> bytes:
    """A view of /proc without what is left out; comm is that of the image."""
    if b"Name:\t" in data[:6] and b"\nState:\t" in data:
        data = data.replace(b"Name:\t%s\n" % comm, b"Name:\t<image>\n", 1)
        data = UNKNOWABLE.sub(b"", data)
        return SIGCGT.sub(lambda match: b"SigCgt:\t%016x" % (int(match[1], 16) & ~LIBRARY_SIGNALS), data)
    if (end := data.rfind(b") ")) > 0 and len(data[end + 2 :].split()) == 50:
        start, _, name = data[:end].partition(b" (")
        fields = [start, b"(<image>)" if name == comm else b"(" + name + b")", *data[end + 2 :].split()]
        return b" ".join([field for number, field in enumerate(fields, 1) if number in STAT_FIELDS])
    return data


def differences(left: list[str], right: list[str]) -> list[str]:
    """Where two comparable traces part: the lines around the first difference, in the manner of diff."""
    for index, (a, b) in enumerate(zip(left, right)):
        if a != b:
            return [*(f"  {line}" for line in left[max(0, index - 5) : index]), f"- {a}", f"+ {b}"]
    if len(left) != len(right):
        at = min(len(left), len(right))
        longer, sign = (left, "-") if len(left) > len(right) else (right, "+")
        return [*(f"  {line}" for line in longer[max(0, at - 5) : at]), f"{sign} {longer[at]}"]
    return []
