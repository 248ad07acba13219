"""Children of a process whose other threads are busy: each must be sound, which is to import, to start a thread, to fork and to end.

`python3 -m tests.linux.busy clone|run COUNT [NAME]`: by nscore.linux.calls' clone from a process with busy threads; or by a program, in a
machine of such a process, that has busy threads itself.  The status says how many children were not sound.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore import CloneFlag, IdType, Syscalls, WaitOption, boot
from nscore.linux.calls import creation
from tests.linux.test_creation import afterfork_ended, sound


def allocates() -> None:
    """In Python's allocator."""
    sorted(bytes(20_000))
    [bytearray(100) for _ in range(50)]


def allocates_in_c() -> None:
    """glob(3) allocates each name, for as long as it takes, without the GIL."""
    libc, names = ctypes.CDLL(None), ctypes.create_string_buffer(256)
    libc.glob(b"/usr/*/*", 0, None, names)
    libc.globfree(names)


def compiles() -> None:
    """With the caches of regular expressions.  It imports nothing: what another thread has begun to import no child of a fork can."""
    re.purge()
    re.compile(r"(a|b)*c[d-f]{2,5}")


def writes() -> None:
    """With the lock of a buffered file."""
    with open(os.devnull, "w") as file:
        for number in range(200):
            print(number, file=file)


BUSY: tuple[Callable[[], None], ...] = (allocates, allocates_in_c, compiles, writes)


@contextmanager
def busy() -> Iterator[None]:
    """Four threads that each do one of these all the time."""
    stop = threading.Event()

    def run(body: Callable[[], None]) -> None:
        while not stop.is_set():
            body()

    threads = [threading.Thread(target=run, args=(body,), daemon=True) for body in BUSY]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def by_clone(count: int) -> int:
    """Clone into new namespaces; how many children were not sound within five seconds."""
    bad = 0
    with busy():
        for _ in range(count):
            pid, pidfd = creation.clone(creation.NEWPID | creation.PIDFD)
            if pid == 0:
                status = 2
                try:
                    status = sound()
                finally:
                    os._exit(status)
            assert pidfd is not None
            if not afterfork_ended(pidfd):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
            bad += os.waitpid(pid, 0)[1] != 0
    return bad


def by_program(count: int) -> int:
    """Run a program with busy threads that clones into new namespaces; how many of its children were not sound."""

    def program(sys: Syscalls) -> int:
        with busy():
            return sum(not clean(sys) for _ in range(count))

    with busy(), boot("linux") as machine:
        return machine.run(program)


def clean(sys: Syscalls) -> bool:
    """Whether one child of a program was sound."""
    child = sys.clone(lambda _: sound(), CloneFlag.NEWPID)
    waited = sys.waitid(IdType.PID, child.pid, WaitOption.EXITED)
    return waited is not None and waited.si_status == 0


MAKERS: dict[str, Callable[[int], int]] = {"clone": by_clone, "run": by_program}

if __name__ == "__main__":
    sys.exit(MAKERS[sys.argv[1]](int(sys.argv[2])))
