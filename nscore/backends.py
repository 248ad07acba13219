"""boot() and available(): which backend, and what to do where it cannot be had."""

from __future__ import annotations

import importlib
import os
import sys
from typing import cast

from nscore.errors import Unavailable
from nscore.interface.backend import Backend
from nscore.interface.machine import Machine
from nscore.interface.syscalls import inside_program

#: The backends that come with nscore; others are entry points of the group.
BUILT_IN = {"linux": "nscore.linux", "sim": "nscore_sim"}
GROUP = "nscore.backends"


def boot(name: str | None = None, *, trace_limit: int = 1_000_000, patience: float = 10.0, **options: object) -> Machine:
    """Boot a machine.

    Args:
        name: A backend; None takes NSCORE_BACKEND from the environment, or else linux on Linux and sim elsewhere.
        trace_limit: How many calls machine.trace keeps; 0 turns it off.
        patience: Seconds after which settle() gives up.
        options: The backend's own; linux has none.  Of sim:
            seed, choose or replay: Who makes the choices that Linux leaves to chance: a generator begun with an int, a function
                (label, n) that returns one of range(n), or an earlier machine.replay.  By default the first possibility, always.
            release: A kernel that the model knows, such as "6.18"; by default the newest.
            level: The level of the machine's PID namespace, 1 (the default) to 32.
            faults: {"alloc_pid": (3, "EAGAIN")} fails the machine's third call of that kernel function; copy_process can fail too.
            like: What conformance has read of a real machine that this one is to resemble.

    Raises:
        Unavailable: The backend or the release cannot be had; never a silent fall-back to another.
        TypeError: An option that the backend does not have, or of a wrong type; two that exclude each other.
        ValueError: A level or a fault that cannot be.
        RuntimeError: Called from inside a program.
    """
    if inside_program():
        raise RuntimeError("boot: does not nest inside a program")
    try:
        backend = find(chosen(name))
        return Machine(backend.name, backend.boot(options), trace_limit, patience)
    except Unavailable as error:
        importlib.import_module("nscore.running.explain").annotate(error)
        raise


def available(name: str | None = None) -> Unavailable | None:
    """None if boot(name) can work here, otherwise why not; it is tried, in a child."""
    try:
        return find(chosen(name)).available()
    except Unavailable as error:
        return error


def chosen(name: str | None) -> str:
    """The name of the backend that boot(name) takes."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"boot: name must be str or None, not {type(name).__name__}")
    return name or os.environ.get("NSCORE_BACKEND") or ("linux" if sys.platform == "linux" else "sim")


def find(name: str) -> Backend:
    """The backend of that name; Unavailable if there is none."""
    if name == "linux" and sys.platform != "linux":
        raise Unavailable(f"the backend linux needs Linux, and this is {sys.platform}", "Set NSCORE_BACKEND=sim for the model")
    if name in BUILT_IN:
        return cast(Backend, importlib.import_module(BUILT_IN[name]).BACKEND)
    # Only here: importing it costs more than all the rest.
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        if point.name == name:
            return cast(Backend, point.load())
    raise Unavailable(f"no backend is called {name!r}", f"Built in are {' and '.join(BUILT_IN)}")
