"""When nothing moves any more: what is exact about it, and why.

Settled: no task of the machine can take another step unless the driver acts or the clock does.  Two equal looks in a row show it:

- syscall of proc(5) waits until the task is really switched out, so that anything but "running" means off the run queue.  The letter in
  stat does not: do_wait and poll call themselves asleep before they look.
- The third number of schedstat counts how often the task was switched in: unchanged, it has not run.  So each task was off the queue at its
  turn in the first look, was not switched in until its turn in the second, and is not woken there; all of them slept together when the
  first look ended.  A sleeper is woken by a running task, a timer, a kernel worker or the driver.
- kill(0, 0) takes tasklist_lock: a task that left /proc just before the look has finished its wake-ups under that lock.
- An init that waits in zap_pid_ns_processes (PF_EXITING, asleep) is settled only while something visible holds a number of its namespace:
  a task that was reaped is gone from /proc before its number is free and before it wakes the init.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable
from typing import TypeAlias

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"


PF_EXITING = 0x4
NS_GET_PARENT = 0xB702
STAT, SCHEDSTAT, SYSCALL = 1024, 64, 256
#: Asleep, dead or stopped; D is for vfork's parent alone.
QUIET = frozenset((b"S", b"I", b"Z", b"T"))

#: For each thread: its process, letter, schedstat and syscall.
Seen: TypeAlias = "list[tuple[str, bytes, bytes, bytes]]"


class Thread:
    """The files of one thread, kept open: they go on meaning this one when its number is used again."""

    __slots__ = ("exiting", "letter", "pgrp", "schedstat", "session", "stat", "syscall", "text", "threads")

    def __init__(self, proc: int, pid: str, tid: str) -> None:
        self.stat, self.schedstat, self.syscall = -1, -1, -1
        try:
            self.stat, self.schedstat, self.syscall = (
                os.open(f"{pid}/task/{tid}/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc) for name in ("stat", "schedstat", "syscall")
            )
        except OSError:
            self.close()
            raise
        self.text = b""

    def parse(self, text: bytes) -> None:
        """Take from stat what matters; it is the same as long as the task does nothing."""
        self.text = text
        fields = text[text.rindex(b")") + 2 :].split(None, 18)
        self.letter, self.pgrp, self.session = fields[0], fields[2].decode(), fields[3].decode()
        self.exiting = bool(int(fields[6]) & PF_EXITING) and self.letter != b"Z"
        self.threads = int(fields[17])

    def close(self) -> None:
        """Close its files."""
        for fd in (self.stat, self.schedstat, self.syscall):
            if fd >= 0:
                os.close(fd)
        self.stat = self.schedstat = self.syscall = -1


class Namespaces:
    """Which PID namespace each number belongs to, also when its task is gone: a group or session may still hold it."""

    def __init__(self, proc: int) -> None:
        self.proc = proc
        self.of: dict[str, int] = {}
        self.parent: dict[int, int] = {}

    def meet(self, pid: str) -> None:
        """Learn the namespace of a task that is seen for the first time, and what it lies in."""
        fd = os.open(f"{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        try:
            child = self.of[pid] = os.fstat(fd).st_ino
            while child not in self.parent and len(self.parent):
                upper = fcntl.ioctl(fd, NS_GET_PARENT)
                os.close(fd)
                fd = upper
                self.parent[child] = child = os.fstat(fd).st_ino
            self.parent.setdefault(child, 0)  # the machine's own, met first
        finally:
            os.close(fd)

    def within(self, pid: str, top: int) -> bool:
        """Whether the number belongs to the namespace top or one below."""
        at = 0 if pid == "0" else self.of.get(pid, top)  # never seen: a leader that lived too short; better settled than never
        while at and at != top:
            at = self.parent[at]
        return at == top


class Scan:
    """Looks at all tasks of a machine.

    Args:
        proc: A directory descriptor of the machine's /proc.
        may_wait: Whether the thread of that number, in D, is known to wait for its vfork child.
        budget: How many descriptors may be kept open.
    """

    def __init__(self, proc: int, may_wait: Callable[[str], bool], budget: int) -> None:
        self.proc, self.may_wait = proc, may_wait
        self.namespaces = Namespaces(proc)
        self.known: dict[str, dict[str, Thread]] = {}
        self.room = budget
        self.passing: dict[str, dict[str, Thread]] = {}

    def look(self) -> Seen | None:
        """What all threads show; None if one of them moves."""
        pids = [name for name in os.listdir(self.proc) if name[0] <= "9"]
        os.kill(0, 0)
        seen: Seen = []
        zapping: list[str] = []
        pid = ""
        try:
            for pid in pids:
                threads = self.known.get(pid) or self.meet(pid)
                if not self.look_at(pid, threads, seen, zapping):
                    return None
            if zapping and not all(self.held_up(init, pids) for init in zapping):
                return None
        except (FileNotFoundError, ProcessLookupError):
            self.forget(pid)
            return None
        finally:
            self.close_passing()
        if len(self.known) > len(pids):
            for pid in self.known.keys() - set(pids):
                self.forget(pid)
        return seen

    def look_at(self, pid: str, threads: dict[str, Thread], seen: Seen, zapping: list[str]) -> bool:
        """Add what the threads of a process show; False if one of them moves."""
        pread = os.pread
        for tid, thread in threads.items():
            text = pread(thread.stat, STAT, 0)
            if text != thread.text:
                thread.parse(text)
            letter = thread.letter
            if letter not in QUIET and not (letter == b"D" and self.may_wait(tid)):
                return False
            schedstat = pread(thread.schedstat, SCHEDSTAT, 0)
            syscall = pread(thread.syscall, SYSCALL, 0)
            if syscall[0] == 114:  # running
                return False
            if thread.exiting:
                zapping.append(pid)
            seen.append((tid, letter, schedstat, syscall))
        if thread.threads != len(threads):
            self.forget(pid)
            return False
        return True

    def meet(self, pid: str) -> dict[str, Thread]:
        """Open the files of a process's threads, to keep them if there is room."""
        self.namespaces.meet(pid)
        threads = self.passing[pid] = dict[str, Thread]()
        for tid in self.tids(pid):
            threads[tid] = Thread(self.proc, pid, tid)
        if self.room >= 3 * len(threads):
            self.room -= 3 * len(threads)
            self.known[pid] = self.passing.pop(pid)
        return threads

    def tids(self, pid: str) -> list[str]:
        """The threads of a process."""
        fd = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.proc)
        try:
            return os.listdir(fd)
        finally:
            os.close(fd)

    def forget(self, pid: str) -> None:
        """Close the files of a process that has ended or has other threads by now."""
        for thread in self.known.pop(pid, {}).values():
            thread.close()
            self.room += 3

    def close_passing(self) -> None:
        """Close the files for which there was no room."""
        for threads in self.passing.values():
            for thread in threads.values():
                thread.close()
        self.passing.clear()

    def held_up(self, init: str, pids: list[str]) -> bool:
        """Whether an init in its zap waits for something visible: a task in its namespace or below, or one in a group of there."""
        top = self.namespaces.of[init]
        for pid in pids:
            if pid == init:
                continue
            if self.namespaces.within(pid, top):
                return True
            threads = self.known.get(pid) or self.passing.get(pid, {})
            for thread in threads.values():
                if any(number != init and self.namespaces.within(number, top) for number in (thread.pgrp, thread.session)):
                    return True
        return False

    def shown(self) -> str:
        """What moves, for an error message."""
        lines = []
        for pid in sorted(self.known, key=int):
            for tid, thread in self.known[pid].items():
                comm = thread.text.partition(b"(")[2].rpartition(b")")[0]
                lines.append(f"{tid} ({os.fsdecode(comm)}) {os.fsdecode(thread.letter)}")
        return ", ".join(lines)

    def close(self) -> None:
        """Close all files."""
        for pid in list(self.known):
            self.forget(pid)
