"""The caller's side of the stub: when a command is made by one, and what it is told.

To fork takes a process of one thread, and the longer the more memory it has: from some size on it takes longer than an interpreter's start.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.afterfork import alone
from nscore.linux.agent import BARE_PACKAGE, PACKAGE, image_flags
from nscore.linux.calls import prctl, sigaction, sigprocmask
from nscore.linux.calls.ahead import DEFAULT, IGNORE, setting_action, setting_mask
from nscore.linux.calls.syscall import environ
from nscore.linux.forked import Order, Told, by_fork, pair
from nscore.linux.masked import SIG_BLOCK, blocked
from nscore.linux.structs import fsdecode
from nscore.linux.stub import BEFORE, EXEC
from nscore.linux.wire import FAULT, MSG_NOSIGNAL, packets, send_descriptors
from nscore.linux.zygotes import IMAGE

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    #: Where the program may be, its arguments and its environment.
    Image: TypeAlias = "tuple[list[str], list[str], list[str]]"

#: Memory of its own, in bytes, from which on a caller has a stub.
LARGE = 150 << 20
PR_GET_DUMPABLE = 3
#: What an interpreter changes when it starts.
CHANGED = SIGINT, SIGPIPE, SIGXFSZ = 2, 13, 25
#: As subprocess has it, which knows another one on Android.
SHELL = "/system/bin/sh" if hasattr(sys, "getandroidapilevel") else "/bin/sh"

#: What a stub runs.  Where the package cannot be read, a fork does.
BARE = f"""{BARE_PACKAGE}
try:
    from nscore.linux.stub import main
except ImportError:
    sys.exit(1)
main(int(sys.argv[2]))
"""


class NoStub(Exception):
    """The stub did not come so far as to say a word."""


def apart(order: Order) -> None:
    """Make a command by two forks, or a stub and a fork."""
    try:
        choose(order)
    finally:
        order.close()


def choose(order: Order) -> None:
    """By a stub where that is better, and can be."""
    if IMAGE and order.spawn.arguments["preexec_fn"] is None and (not alone() or slow(order)):
        image = lowered(order.spawn.arguments)
        if image is not None:
            try:
                by_stub(order, image)
                return
            except NoStub:
                pass
    by_fork(order)


def slow(order: Order) -> bool:
    """Whether a fork takes longer than a stub; or writes maps that, since the caller has changed its ids, are root's to write."""
    with open("/proc/self/statm", "rb", buffering=0) as file:
        _, resident, shared, *_ = file.read().split()
    if (int(resident) - int(shared)) * os.sysconf("SC_PAGESIZE") > LARGE:
        return True
    own = order.taken is None or order.options.user is not None
    return own and order.errand.restoring is not None and prctl(PR_GET_DUMPABLE) != 1


def lowered(asked: dict[str, Any]) -> Image | None:
    """What is executed, as subprocess.Popen._execute_child would have it; None where that will raise something."""
    executable, env = asked["executable"], asked["env"]
    if hasattr(asked["args"], "__fspath__") and asked["shell"]:
        return None
    try:
        words = words_of(asked)
        program = os.fsencode(words[0] if executable is None else executable)
        places = [program]
        if not os.path.dirname(program):
            places = [os.path.join(os.fsencode(folder), program) for folder in os.get_exec_path(env)]
        names = [os.fsencode(name) for name in env or ()]
        given = environ() if env is None else [name + b"=" + os.fsencode(value) for name, value in zip(names, env.values())]
        image = [[os.fsencode(word) for word in group] for group in (places, words, given)]
    except (TypeError, ValueError, IndexError):
        return None
    if any(b"=" in name for name in names) or any(b"\0" in word for group in image for word in group):
        return None
    places_, words_, given_ = [[fsdecode(word) for word in group] for group in image]
    return places_, words_, given_


def words_of(asked: dict[str, Any]) -> list[Any]:
    """The arguments, a shell's too, as they were given."""
    args = asked["args"]
    words = [args] if hasattr(args, "__fspath__") or isinstance(args, (str, bytes)) else list(args)
    return [asked["executable"] or SHELL, "-c", *words] if asked["shell"] else words


def by_stub(order: Order, image: Image) -> None:
    """Make the command by a stub of subprocess's; NoStub where that says nothing."""
    asked = order.spawn.arguments
    words = words_of(asked)
    # What is executed, and what an error of exec names.
    name = words[0] if asked["executable"] is None else asked["executable"]
    sys.audit("subprocess.Popen", name, words, asked["cwd"], asked["env"])
    ours, theirs = pair()
    told = Told()
    try:
        mask = sigprocmask(SIG_BLOCK, ())
        try:
            # In a thread too: a Ctrl-C is for the command, and no KeyboardInterrupt of the stub's.
            stub = blocked(partial(spawned, order, theirs.fileno()))
        finally:
            theirs.close()
        instruct(ours, order, image, mask if order.mask is None else order.mask)
        with suppress(ChildProcessError):  # another thread's wait() was first
            os.waitpid(stub, 0)
        told.take(ours)
        for ends in told.descriptors[1:]:
            os.read(ends, 1)
        told.take(ours)
    finally:
        ours.close()
    if not told.words and not told.descriptors:
        raise NoStub
    order.settle(told, failure_of(told, name))


def spawned(order: Order, theirs: int) -> int:
    """Exec a stub by subprocess."""
    argv = [IMAGE, *image_flags("NSCORE_SITE" in os.environ), "-B", "-c", BARE, PACKAGE, str(theirs)]
    passed = (*order.spawn.arguments["pass_fds"], theirs)
    changes = {"args": argv, "executable": None, "shell": False, "env": loader(), "pass_fds": passed}
    try:
        return order.spawn(**order.changes, **changes)
    except OSError as error:
        if error.filename == IMAGE:
            raise NoStub from None
        raise


def loader() -> dict[str, str] | None:
    """The environment of a stub: where this interpreter found its library.  What a command is given may well not suit an interpreter."""
    if "NSCORE_SITE" in os.environ:
        return None
    if not _loader:
        _loader.append({})
        with suppress(OSError), open("/proc/self/environ", "rb") as file:
            entries = [entry.partition(b"=") for entry in file.read().split(b"\0")]
            _loader[0].update({fsdecode(name): fsdecode(value) for name, _, value in entries if name == b"LD_LIBRARY_PATH"})
    return _loader[0]


_loader: list[dict[str, str]] = []


def instruct(ours: socket.socket, order: Order, image: Image, mask: tuple[int, ...]) -> None:
    """Tell the stub what to do; one that is dead is found out later."""
    restored = (SIGPIPE, SIGXFSZ) if order.spawn.arguments["restore_signals"] else ()
    ignored = [number for number in CHANGED if number not in restored and sigaction(number, None)[0] == IGNORE]
    order.errand.preparing = [setting_action(number, IGNORE if number in ignored else DEFAULT) for number in CHANGED]
    order.errand.mask = setting_mask(mask)
    with suppress(BrokenPipeError, ConnectionResetError):
        send_descriptors(ours.fileno(), order.errand.plain(), order.errand.descriptors)
        for packet in packets(image):
            ours.send(packet, MSG_NOSIGNAL)


def failure_of(told: Told, name: object) -> BaseException | None:
    """What is raised for what the stub alone tells of."""
    for step, number, *_ in told.words:
        if number == FAULT:
            return RuntimeError(f"the stub, a small interpreter, failed: {step}")
        if step == EXEC:
            return OSError(number, os.strerror(number), name)
        if step == BEFORE:
            return OSError(number, os.strerror(number))
    return None
