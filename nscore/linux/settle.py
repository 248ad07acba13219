"""When nothing moves any more: what is exact about it, and why.

Settled: no task of the machine can take another step unless the driver acts or the clock does.  Two looks that see the same show it:

- First look, schedstat and then syscall.  syscall waits until the task is really switched out, so that anything but "running" means off the
  CPU; the letter in stat does not: do_wait and poll call themselves asleep before they look.  The third number of schedstat counts how
  often the task was switched in.
- Second look, stat and then schedstat.  The letter is R from the moment in which somebody wakes the task.  syscall tells that only when it
  is on a queue, which it is not yet while the processor that is to run it has not been interrupted.  Where the count is the same after
  that, the task has not run since its turn in the first look.
- So each task was off the CPU at its turn in the first look, has not run until its turn in the second, and was not woken there: all of
  them slept together when the first look ended, and nobody had been woken.  A sleeper is woken by a running task, a timer, a kernel
  worker or the driver.
- kill(0, 0) takes tasklist_lock: a task that left /proc just before the look has finished its wake-ups under that lock.
- An init that waits in zap_pid_ns_processes (PF_EXITING, asleep) is settled only while something visible holds a number of its namespace:
  a task that was reaped is gone from /proc before its number is free and before it wakes the init.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeAlias

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"


PF_EXITING = 0x4
NS_GET_PARENT = 0xB702
STAT, SCHEDSTAT, SYSCALL = 1024, 64, 256
#: Asleep, dead or stopped.
QUIET = frozenset((b"S", b"I", b"Z", b"T"))

#: The schedstat of each thread.
Seen: TypeAlias = "list[bytes]"


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
        #: What each lies in; 0 for the machine's own, which is met first.
        self.parent: dict[int, int] = {}

    def meet(self, pid: str) -> None:
        """Learn the namespace of a task that is seen for the first time, and all that it lies in: inode numbers are used again."""
        try:
            fd = os.open(f"{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        except PermissionError:  # an ordinary user, and a process that made itself undumpable
            return
        try:
            child = self.of[pid] = os.fstat(fd).st_ino
            if not self.parent:
                self.parent[child] = 0
            while self.parent.get(child) != 0:
                upper = fcntl.ioctl(fd, NS_GET_PARENT)
                os.close(fd)
                fd = upper
                self.parent[child] = child = os.fstat(fd).st_ino
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

    def look(self) -> Seen | None:
        """How often all threads have run; None if one of them runs."""
        self.readdir()
        seen: Seen = []
        try:
            if self.pids is None:
                self.gather()
            if not all(self.asleep(threads, seen) for threads in self.opened()):
                return None
        except (FileNotFoundError, ProcessLookupError):
            self.doubt()
            return None
        return seen

    def again(self, seen: Seen) -> bool:
        """Whether a second look sees that they still sleep, have not run since, and wait for nothing that has happened."""
        self.readdir()
        before = iter(seen)
        try:
            if self.pids is None or not all(self.unwoken(threads, before) for threads in self.opened()):
                return False
        except (FileNotFoundError, ProcessLookupError):
            self.doubt()
            return False
        return all(self.held_up(thread.pid) for thread in self.threads if thread.exiting)

    def readdir(self) -> None:
        """List the processes: pids is None from here on if they are others than in the last look."""
        names = os.listdir(self.proc)
        os.kill(0, 0)
        if names != self.names:
            self.names, self.pids = names, None

    def opened(self) -> Iterator[list[Thread]]:
        """All threads with their files open: those that are kept so, then process by process those for which there is no room."""
        del self.threads[self.kept :]
        yield self.threads
        for pid in self.beyond:
            threads = self.meet(pid)
            try:
                yield threads
            finally:
                for thread in threads:
                    thread.close()
            self.threads += threads

    def asleep(self, threads: list[Thread], seen: Seen) -> bool:
        """Add how often each has run; False if one of them runs."""
        pread = os.pread
        for thread in threads:
            seen.append(pread(thread.schedstat, SCHEDSTAT, 0))
            try:
                if thread.syscall >= 0:
                    if pread(thread.syscall, SYSCALL, 0)[0] == 114:  # running
                        return False
                    continue
            except PermissionError:  # it has made itself undumpable
                pass
            # What is not for an ordinary user to see: of a zombie that was never seen alive, for whose parent the next kill(0, 0) waits,
            # and of an undumpable process, for which the letter must do.
            thread.parse(pread(thread.stat, STAT, 0))
            if not self.quiet(thread):
                return False
        return True

    def unwoken(self, threads: list[Thread], before: Iterator[bytes]) -> bool:
        """Whether they sleep unwoken and have not run since the first look."""
        pread = os.pread
        for thread in threads:
            text = pread(thread.stat, STAT, 0)
            if text != thread.text:
                thread.parse(text)
                if thread.threads != thread.siblings:
                    self.doubt()
                    return False
            if pread(thread.schedstat, SCHEDSTAT, 0) != next(before, None) or not self.quiet(thread):
                return False
        return True

    def quiet(self, thread: Thread) -> bool:
        """Whether it is asleep, dead or stopped by its letter; D is for a parent that waits for its vfork child."""
        return thread.letter in QUIET or (thread.letter == b"D" and self.may_wait(thread.tid) and not thread.exiting)

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
        """What the last look saw, for an error message; stat is read anew, for the first look does not."""
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
