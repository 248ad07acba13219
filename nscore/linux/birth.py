"""How a command is born into a PID namespace as a child of its caller, with all that a child of the caller has.

With CAP_SYS_ADMIN a short-lived thread of the caller joins the namespace of an init out of the keeper's stock, gives itself a mount
namespace with that namespace's /proc, and makes the command by subprocess's own vfork and exec.  inplace.py has what takes no thread, and
forked.py the way of ordinary users.
"""

from __future__ import annotations

import os
import select
import sys
from _signal import SIG_IGN, SIGCHLD, getsignal  # type: ignore[import-not-found]  # without the enums of signal.py
from functools import partial

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.afterfork import alone
from nscore.linux.boot import check_proc
from nscore.linux.calls import pidfd_open, setns, sigprocmask, unshare
from nscore.linux.calls.creation import NEWPID
from nscore.linux.command import Command, status_lost, threads_left
from nscore.linux.forked import Order
from nscore.linux.inplace import Stay, Visit
from nscore.linux.keepers import Guard, Keeper, Taken, keeper, outgrown, renewed
from nscore.linux.masked import SIG_BLOCK, blocked
from nscore.linux.parked import in_thread
from nscore.linux.stubs import apart
from nscore.linux.surround import Options, Refused, step, surround

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nscore.linux.surround import Spawn

ENOENT, ESRCH, ENOMEM = 2, 3, 12


def born(command: Command, spawn: Spawn, wishes: dict[str, Any]) -> None:
    """Give birth to a command, whose namespace is to be as the fields of Options say.

    Whatever is raised, KeyboardInterrupt included: where command.pid is not 0 it has been born.

    Raises:
        Unavailable: A PID namespace cannot be had.
        OSError: What spawn raises.
    """
    options = Options(**wishes)
    while True:
        ours = keeper()
        at_once = ours.privileged and not needs_fork(spawn, options)
        attempt = partial(attempted, ours, command, spawn, options, at_once)
        if not at_once:
            check_proc()
            threads_left()
        try:
            if at_once and by_caller(ours, command, spawn, options):
                return
            if in_thread(command, attempt) if at_once or not alone() else in_place(command, attempt):
                return
        except Refused as refusal:
            # Asked here: whoever has tried may have another /proc by now, in which he is not.
            if not outgrown(ours):
                raise refused(refusal) from refusal.error
        renewed(ours)


def needs_fork(spawn: Spawn, options: Options) -> bool:
    """Whether root's command needs one: to be pid 1 of its own /proc, to have a user namespace, to join a group whose number is outside,
    or to have a pidfd from its birth on, where the kernel itself reaps it."""
    own_proc = not options.init and (options.proc or bool(options.mounts))
    ignored = getsignal(SIGCHLD) is SIG_IGN
    return own_proc or options.user is not None or ignored or spawn.arguments.get("process_group", -1) > 0


def attempted(ours: Keeper, command: Command, spawn: Spawn, options: Options, at_once: bool) -> bool:
    """Try with that keeper's inits; False where it has died.  Refused where it, or the caller, has not what it takes."""
    while True:
        taken = ours.take() if options.init else None
        if options.init and taken is None:
            return False
        try:
            if not at_once:
                apart(Order(command, ours, taken, spawn, options))
            elif taken is not None:
                joined(command, taken, spawn, options)
            else:
                unshared(ours, command, spawn, options)
            return True
        except BaseException as error:
            if command.pid:
                raise
            again = isinstance(error, Refused) and not error.wish and taken is not None and lifeless(taken, error.error.errno)
            if taken is not None:
                taken.discard()
            if isinstance(error, Refused) and error.wish:
                raise error.reason() from None
            if not again:
                raise


def refused(refusal: Refused) -> Unavailable:
    """What it means for the user."""
    number = refusal.error.errno or 0
    without_proc = refusal.step == "/proc" or number == ENOENT
    return Unavailable(
        f"the command cannot join its PID namespace: {refusal.step}: {os.strerror(number)}",
        "Pass proc=False to do without a /proc of its own" if without_proc else "Run it as root with CAP_SYS_ADMIN",
    )


def joined(command: Command, taken: Taken, spawn: Spawn, options: Options) -> None:
    """Join the namespace of an init, with CAP_SYS_ADMIN, and make the command there."""
    surround(options, taken.proc, leaves=bool(options.mounts) and os.path.isabs(spawn.arguments["cwd"] or ""))
    step("setns", setns, taken.pidfd, NEWPID)
    try:
        pid = spawn()
    except OSError as error:
        if lifeless(taken, error.errno):
            raise Refused("fork", error) from None
        raise
    pidfd = held(pid)
    command.born(pid, pidfd, taken)
    if options.watch:
        taken.watch(pidfd)


def lifeless(taken: Taken, number: int | None) -> bool:
    """Whether that errno comes of somebody's having killed the init that waited: a namespace that ends takes nobody, by ENOMEM."""
    poll = select.poll()
    poll.register(taken.pidfd, select.POLLIN)
    return number == ESRCH or (number == ENOMEM and bool(poll.poll(1000)))


def unshared(ours: Keeper, command: Command, spawn: Spawn, options: Options) -> None:
    """Make the command PID 1 of a namespace, with CAP_SYS_ADMIN."""
    guard = ours.guard()
    surround(options, -1)
    step("unshare", unshare, NEWPID)
    guard.expect(bool(spawn.arguments["start_new_session"]))
    try:
        pid = spawn()
    except BaseException:
        guard.take()
        raise
    pidfd = held(pid)
    command.born(pid, pidfd, None)
    guard.take(pidfd)


def by_caller(ours: Keeper, command: Command, spawn: Spawn, options: Options) -> bool:
    """Make a command that is its own init without a thread, with CAP_SYS_ADMIN; False where that cannot be, or there is more to do."""
    if options.init or options.namespaces or spawn.arguments["preexec_fn"] is not None:
        return False
    guard, visit = ours.guard(), Visit()
    settle = partial(settled, visit, guard, command, spawn)
    guard.expect(bool(spawn.arguments["start_new_session"]))
    try:
        try:
            spawn.by(visit.make)
        finally:
            blocked(settle)
    except Stay:
        return False
    except BaseException:
        blocked(settle)  # as an interrupt may have come before that was begun
        raise
    return True


def settled(visit: Visit, guard: Guard, command: Command, spawn: Spawn) -> None:
    """Take charge of what was made; nothing where that has been done."""
    if visit.settled:
        return
    visit.settled = True
    visit.close()
    made: tuple[int, ...] = ()
    try:
        if visit.pid and not spawn.reaped:
            made = (held(visit.pid),)
            command.born(visit.pid, made[0], None)
    finally:
        guard.take(*made)


def held(pid: int) -> int:
    """A pidfd of the command that has just been born; by_fork has it from the birth on, which is the way where the kernel itself reaps."""
    try:
        return pidfd_open(pid)
    except ProcessLookupError:
        raise status_lost("that happened before it was known") from None


def in_place(command: Command, work: Callable[[], bool]) -> bool:
    """Do a piece of work here, in a process of one thread, with all signals blocked."""
    command.mask = sigprocmask(SIG_BLOCK, ())
    try:
        return blocked(work)
    finally:
        command.mask = None
