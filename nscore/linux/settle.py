"""When nothing moves any more: what is exact about it, and why.

Settled: no task of the machine can take another step unless the driver acts or the clock does.  Two looks that see the same show it:

- syscall of proc(5) waits until the task is really switched out, so that anything but "running" means off the run queue.  The letter in
  stat does not: do_wait and poll call themselves asleep before they look.
- The third number of schedstat counts how often the task was switched in: unchanged, it has not run.  So each task was off the queue at its
  turn in the first look, was not switched in until its turn in the second, and is not woken there; all of them slept together when the
  first look ended.  A sleeper is woken by a running task, a timer, a kernel worker or the driver.
- stat is read last in the first look, when its task is off the queue; what is in it changes only while that task runs, or another that is
  looked at too, so the second look need not read it: it costs as much as the other two.
- kill(0, 0) takes tasklist_lock: a task that left /proc just before the look has finished its wake-ups under that lock.
- An init that waits in zap_pid_ns_processes (PF_EXITING, asleep) is settled only while something visible holds a number of its namespace:
  a task that was reaped is gone from /proc before its number is free and before it wakes the init.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"


PF_EXITING = 0x4
NS_GET_PARENT = 0xB702
STAT, SCHEDSTAT, SYSCALL = 1024, 64, 256
#: In place of syscall, where that is not for an ordinary user to read: of a zombie that was never seen alive, for whose parent the next
#: kill(0, 0) waits, and of a process that made itself undumpable, for which the letter must do.
UNSEEN = b"?"
#: Asleep, dead or stopped; D is for vfork's parent alone.
QUIET = frozenset((b"S", b"I", b"Z", b"T"))

#: For each thread: its process, letter, schedstat and syscall.
Seen: TypeAlias = "list[tuple[str, bytes, bytes, bytes]]"


class Thread:
    """The files of one thread, kept open: they go on meaning this one when its number is used again."""

    __slots__ = ("exiting", "letter", "pgrp", "pid", "schedstat", "session", "siblings", "stat", "syscall", "text", "threads", "tid")

    def __init__(self, proc: int, pid: str, tid: str, siblings: int) -> None:
        self.pid, self.tid = pid, tid
        #: How many threads the process had when the files were opened.
        self.siblings = siblings
        self.stat, self.schedstat, self.syscall = -1, -1, -1
        try:
            self.stat = os.open(f"{pid}/task/{tid}/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
            self.schedstat = os.open(f"{pid}/task/{tid}/schedstat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
            with suppress(PermissionError):
                self.syscall = os.open(f"{pid}/task/{tid}/syscall", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
        except OSError:
            self.close()
            raise
        self.text = self.letter = b""

    def parse(self, text: bytes) -> None:
        """Take from stat what matters; it is the same as long as the task does nothing."""
        self.text = text
        fields = text[text.rindex(b")") + 2 :].split(None, 18)
        self.letter, self.pgrp, self.session = fields[0], fields[2].decode(), fields[3].decode()
        self.exiting = bool(int(fields[6]) & PF_EXITING) and self.letter != b"Z"
        self.threads = int(fields[17])

    def there(self) -> bool:
        """Whether it is still the thread that its files were opened of, and no other has come or gone."""
        try:
            self.parse(os.pread(self.stat, STAT, 0))
        except ProcessLookupError:
            return False
        return self.threads == self.siblings

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
        try:
            fd = os.open(f"{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        except PermissionError:  # an ordinary user, and a process that made itself undumpable
            return
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
        self.known: dict[str, list[Thread]] = {}
        self.room = budget
        #: What was listed last; the processes of it, None until their threads are known; those for whose files there is no room.
        self.names: list[str] = []
        self.pids: list[str] | None = None
        self.beyond: list[str] = []
        #: All threads of the last look; those whose files are kept open stand first.
        self.threads: list[Thread] = []
        self.kept = 0
        #: Processes of which a thread is on its way out, in the last look.
        self.zapping: list[str] = []

    def look(self) -> Seen | None:
        """What all threads show; None if one of them moves."""
        self.readdir()
        seen: Seen = []
        self.zapping = []
        try:
            if self.pids is None:
                self.gather()
            if not self.read(self.threads[: self.kept] if self.beyond else self.threads, seen):
                return None
            if self.beyond and not self.read_beyond(seen):
                return None
        except (FileNotFoundError, ProcessLookupError):
            self.doubt()
            return None
        if self.zapping and not all(self.held_up(init) for init in self.zapping):
            return None
        return seen

    def again(self, seen: Seen) -> bool:
        """Whether a second look sees what the first has seen."""
        if self.beyond or self.zapping:
            return self.look() == seen
        self.readdir()
        try:
            return self.pids is not None and self.unchanged(seen)
        except (FileNotFoundError, ProcessLookupError):
            self.doubt()
            return False

    def readdir(self) -> None:
        """List the processes: pids is None from here on if they are others than in the last look."""
        names = os.listdir(self.proc)
        os.kill(0, 0)
        if names != self.names:
            self.names, self.pids = names, None

    def read(self, threads: list[Thread], seen: Seen) -> bool:
        """Add what the threads show; False if one of them moves."""
        pread = os.pread
        for thread in threads:
            switched = pread(thread.schedstat, SCHEDSTAT, 0)
            try:
                call = pread(thread.syscall, SYSCALL, 0) if thread.syscall >= 0 else UNSEEN
            except PermissionError:
                call = UNSEEN
            if call[0] == 114:  # running
                return False
            text = pread(thread.stat, STAT, 0)
            if text != thread.text:
                thread.parse(text)
                if thread.threads != thread.siblings:
                    self.doubt()
                    return False
            letter = thread.letter
            if letter not in QUIET and not (letter == b"D" and self.may_wait(thread.tid) and not thread.exiting):
                return False
            if thread.exiting:
                self.zapping.append(thread.pid)
            seen.append((thread.tid, letter, switched, call))
        return True

    def unchanged(self, seen: Seen) -> bool:
        """Whether no thread has run since the first look."""
        pread = os.pread
        for thread, (_, _, switched, call) in zip(self.threads, seen):
            if pread(thread.schedstat, SCHEDSTAT, 0) != switched:
                return False
            if call is UNSEEN:
                if pread(thread.stat, STAT, 0) != thread.text:
                    return False
                continue
            try:
                if pread(thread.syscall, SYSCALL, 0) != call:
                    return False
            except PermissionError:  # it has just made itself undumpable
                return False
        return True

    def read_beyond(self, seen: Seen) -> bool:
        """As read, process by process with files of this look's own."""
        del self.threads[self.kept :]
        for pid in self.beyond:
            threads = self.meet(pid)
            self.threads += threads
            try:
                if not self.read(threads, seen):
                    return False
            finally:
                for thread in threads:
                    thread.close()
        return True

    def runs(self, pid: str, tid: str) -> bool:
        """Whether a thread that is known is seen running: the cheap answer to whether it is worth looking at all of them."""
        for thread in self.known.get(pid, ()):
            if thread.tid == tid and thread.syscall >= 0:
                with suppress(ProcessLookupError, PermissionError):
                    return os.pread(thread.syscall, SYSCALL, 0)[0] == 114
        return False

    def gather(self) -> None:
        """Know the threads of exactly the processes that are listed, as far as there is room."""
        pids = [name for name in self.names if name[0] <= "9"]
        self.beyond, self.kept = [], 0
        for pid in self.known.keys() - set(pids):
            self.forget(pid)
        self.threads = []
        for pid in pids:
            if pid not in self.known and self.room > 0:
                self.known[pid] = self.meet(pid)
                self.room -= 3 * len(self.known[pid])
            if pid in self.known:
                self.threads += self.known[pid]
            else:
                self.beyond.append(pid)
        self.pids, self.kept = pids, len(self.threads)

    def doubt(self) -> None:
        """Somebody vanished, or has other threads by now: begin afresh with all that do not read as they did."""
        self.pids = None
        for pid in list(self.known):
            if not all(thread.there() for thread in self.known[pid]):
                self.forget(pid)

    def meet(self, pid: str) -> list[Thread]:
        """Open the files of a process's threads."""
        self.namespaces.meet(pid)
        threads: list[Thread] = []
        tids = self.tids(pid)
        try:
            for tid in tids:
                threads.append(Thread(self.proc, pid, tid, len(tids)))
        except OSError:
            for thread in threads:
                thread.close()
            raise
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
        for thread in self.known.pop(pid, ()):
            thread.close()
            self.room += 3

    def held_up(self, init: str) -> bool:
        """Whether an init in its zap waits for something visible: a task in its namespace or below, or one in a group of there."""
        top = self.namespaces.of.get(init)
        if top is None:
            return True
        return any(
            self.namespaces.within(thread.pid, top)
            or any(number != init and self.namespaces.within(number, top) for number in (thread.pgrp, thread.session))
            for thread in self.threads
            if thread.pid != init
        )

    def shown(self) -> str:
        """What the last look saw, for an error message; of one that ran it had not read stat."""
        lines = []
        for thread in self.threads:
            if thread.stat >= 0:
                thread.there()
            comm = thread.text.partition(b"(")[2].rpartition(b")")[0]
            lines.append(f"{thread.tid} ({os.fsdecode(comm)}) {os.fsdecode(thread.letter)}")
        return ", ".join(lines)

    def close(self) -> None:
        """Close all files."""
        for pid in list(self.known):
            self.forget(pid)
