"""poll(2).  Models fs/select.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import PollEvent
from nscore_sim.file import O_PATH, rlimit_nofile
from nscore_sim.sched import Restart, Sleep, signal_pending, sleep_on, timed_out

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.file import File
    from nscore_sim.sched import WaitQueueHead
    from nscore_sim.task import Task

ALWAYS = int(PollEvent.ERR | PollEvent.HUP)
NVAL = int(PollEvent.NVAL)
MSEC = 1_000_000


def poll(task: Task, fds: tuple[tuple[int, int], ...], milliseconds: int) -> Plain | Sleep | Restart:
    """poll(2).  fs/select.c:do_sys_poll, do_poll"""
    if len(fds) > rlimit_nofile(task):
        raise Errno("EINVAL")
    if task.restart is None:
        task.restart = fds
        if milliseconds >= 0:
            task.timeout = task.kernel.clock + milliseconds * MSEC
    found, heads = do_pollfds(task, fds)
    if found or milliseconds == 0 or timed_out(task):
        return found
    if signal_pending(task):
        return Restart.BLOCK
    return sleep_on(task, *heads)


def do_pollfds(task: Task, fds: tuple[tuple[int, int], ...]) -> tuple[tuple[tuple[int, int], ...], list[WaitQueueHead]]:
    """What is ready, and where to sleep until more is.  fs/select.c:do_pollfd"""
    assert task.files is not None
    found: list[tuple[int, int]] = []
    heads: list[WaitQueueHead] = []
    for fd, events in fds:
        if fd < 0:
            continue
        file: File | None = task.files.fdt.fd.get(fd)
        if file is None or file.f_flags & O_PATH:
            found.append((fd, NVAL))
            continue
        revents = file.poll(task) & (events | ALWAYS)
        if revents:
            found.append((fd, revents))
        heads += [head for head in file.poll_wait(task) if not any(head is other for other in heads)]
    return tuple(found), heads
