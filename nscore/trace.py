"""The trace: who made which call, with what, and what came of it; printed as strace prints.

Rows are plain tuples in a bounded deque, (caller, name, arguments, outcome); a Call is made of one when somebody looks.  A pending call
has two rows, as in strace: "<unfinished ...>" where it was issued, and "resumed" (arguments None) at the settle that first saw its result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntFlag

from nscore.errors import Errno
from nscore.flags import (
    CloneFlag,
    Disposition,
    FcntlCommand,
    IdType,
    MountFlag,
    OpenFlag,
    PidfdNamespace,
    Prctl,
    SigMask,
    Signal,
    UmountFlag,
    WaitOption,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a trace.

    Attributes:
        who: The caller, by its order of creation in the machine; PIDs repeat.
        args: Plain values, None in the second row of a call that was pending.
        result: A plain value; an Errno; PENDING where it had not returned; GONE where the caller ended in it.
    """

    who: int
    name: str
    args: tuple[object, ...] | None
    result: object

    def __str__(self) -> str:
        if self.args is None:
            return f"{self.who}  <... {self.name} resumed> = {outcome(self.name, self.result)}"
        args = ", ".join(argument(self.name, index, value) for index, value in enumerate(self.args))
        if isinstance(self.result, Enum) and self.result.name == "PENDING":
            return f"{self.who}  {self.name}({args} <unfinished ...>"
        return f"{self.who}  {self.name}({args}) = {outcome(self.name, self.result)}"


class Trace:
    """The last limit calls of a machine, oldest first; limit 0 keeps none."""

    __slots__ = ("_recorded", "_rows")

    def __init__(self, limit: int) -> None:
        self._rows: deque[tuple[int, str, tuple[object, ...] | None, object]] = deque(maxlen=limit)
        self._recorded = 0

    def record(self, row: tuple[int, str, tuple[object, ...] | None, object]) -> None:
        """Keep a row."""
        self._recorded += 1
        self._rows.append(row)

    @property
    def dropped(self) -> int:
        """How many calls fell out of it."""
        return self._recorded - len(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Call]:
        return (Call(*row) for row in list(self._rows))

    def __getitem__(self, index: int) -> Call:
        return Call(*self._rows[index])

    def __str__(self) -> str:
        return "\n".join(map(str, self))


#: The enum in which a call's argument is printed.
SYMBOLS: dict[tuple[str, int], type[Enum]] = {
    ("clone", 0): CloneFlag,
    ("clone", 1): Signal,
    ("unshare", 0): CloneFlag,
    ("setns", 1): CloneFlag,
    ("kill", 1): Signal,
    ("tkill", 1): Signal,
    ("tgkill", 2): Signal,
    ("sigqueue", 1): Signal,
    ("sigaction", 0): Signal,
    ("sigaction", 1): Disposition,
    ("sigprocmask", 0): SigMask,
    ("pidfd_send_signal", 1): Signal,
    ("pidfd_get_namespace", 1): PidfdNamespace,
    ("waitid", 0): IdType,
    ("waitid", 2): WaitOption,
    ("waitpid", 1): WaitOption,
    ("open", 1): OpenFlag,
    ("openat", 2): OpenFlag,
    ("pipe2", 0): OpenFlag,
    ("fcntl", 1): FcntlCommand,
    ("mount", 3): MountFlag,
    ("umount2", 1): UmountFlag,
    ("prctl", 0): Prctl,
}


def argument(name: str, index: int, value: object) -> str:
    """An argument as strace prints it: symbols where it has some."""
    kind = SYMBOLS.get((name, index))
    if kind is None or not isinstance(value, int):
        return shown(value)
    if issubclass(kind, IntFlag):
        return symbols(kind, value)
    member = next((m for m in kind if m.value == value), None)
    return str(value) if member is None else member.name


def symbols(kind: type[IntFlag], value: int) -> str:
    """The names of a set of bits, "NEWUTS|NEWPID"; bits without a name as one hexadecimal number."""
    if value < 0:
        return str(value)
    members = [m for m in kind.__members__.values() if m.value and m.value & (m.value - 1) == 0 and value & m.value]
    rest = value & ~sum({m.value for m in members})
    names = list(dict.fromkeys(m.name or "" for m in members)) + ([hex(rest)] if rest else [])
    return "|".join(names) or "0"


#: Their result is (pid, pidfd or None).
CREATIONS = frozenset(("clone", "fork", "thread"))


def outcome(name: str, result: object) -> str:
    """What a call returned: of a creation the PID, with the pidfd where there is one."""
    if name in CREATIONS and isinstance(result, tuple) and result[1] is None:
        return shown(result[0])
    return shown(result)


def shown(value: object) -> str:
    """A plain value or an outcome; an Errno by its name, never by the host's words."""
    if isinstance(value, Errno):
        return f"-1 {value.name}"
    if isinstance(value, Enum):
        return "?"
    if value is None:
        return "0"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ")"
    return repr(value) if isinstance(value, (str, bytes)) else str(value)
