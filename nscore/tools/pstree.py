"""pstree(1): the processes that a /proc shows, as a tree with their PIDs, in the shape of psmisc's pstree -pl.

init(1)─┬─bash(2)─┬─pstree(5)
        │         └─sleep(4)
        └─bash(3)───{bash}(6)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nscore.interface.calls import Calls
from nscore.tools import procfs
from nscore.tools.ps import statuses


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A process, or a thread as {NAME} of its process; siblings stand in the order of these fields.

    As text it is all ASCII: other bytes are octal.
    """

    name: str
    uid: int
    pid: int

    def __str__(self) -> str:
        name = self.name.replace("\\", "\\\\").encode("utf-8", "surrogateescape")
        return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}" for byte in name) + f"({self.pid})"


def pstree(calls: Calls, pid: int = 1, proc: str = procfs.PROC) -> str:
    """The tree below a process; lines are as long as they need to be.

    Who has no parent in the mount's namespace hangs on nobody, and is shown only if it is the one that was asked for.

    Raises:
        FileNotFoundError: No such process.
    """
    root, children = tree(calls, pid, proc)
    return "\n".join(lines(root, children))


def tree(calls: Calls, pid: int = 1, proc: str = procfs.PROC) -> tuple[Entry, Mapping[int, Sequence[Entry]]]:
    """The same as records: the process, and everybody's children by the parent's PID."""
    seen = {status.pid: status for status in statuses(calls, proc)}
    root = seen[pid] if pid in seen else procfs.status(calls, pid, proc)
    children: dict[int, list[Entry]] = {}
    for status in seen.values():
        children.setdefault(status.ppid, []).append(Entry(status.name, status.uid[1], status.pid))
        if status.threads > 1:
            children.setdefault(status.pid, []).extend(_threads(calls, status, proc))
    return Entry(root.name, root.uid[1], root.pid), {parent: sorted(entries) for parent, entries in children.items()}


#: What leads to a child, by (first, last) among its siblings: the first stands on its parent's line.
BRANCH = {(True, True): "───", (True, False): "─┬─", (False, False): " ├─", (False, True): " └─"}
#: What stands before the further lines of a child, by last.
REST = {False: " │ ", True: "   "}


def lines(root: Entry, children: Mapping[int, Sequence[Entry]]) -> Iterator[str]:
    """The lines of a tree."""
    line = ""
    # Who is next, what leads to it, and what its further lines begin with.
    stack = [(root, "", "")]
    while stack:
        entry, lead, indent = stack.pop()
        line += f"{lead}{entry}"
        below = [] if entry.name.startswith("{") else children.get(entry.pid, [])
        if not below:
            yield line
            line = ""
        indent += " " * len(str(entry))
        for index, child in reversed(list(enumerate(below))):
            first, last = index == 0, index == len(below) - 1
            stack.append((child, ("" if first else indent) + BRANCH[first, last], indent + REST[last]))


def _threads(calls: Calls, status: procfs.Status, proc: str) -> Iterator[Entry]:
    for tid in procfs.tasks(calls, status.pid, proc):
        if tid != status.pid:
            yield Entry(f"{{{status.name}}}", status.uid[1], tid)
