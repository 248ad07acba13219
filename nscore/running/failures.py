"""An exception taken apart: which call failed, with which errno, with which arguments, and who made it.

An OSError of nscore's names its call, and the traceback has the rest: the arguments, and the process that was driven.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType, TracebackType

from nscore.errors import LINUX
from nscore.interface.caller import DECLARED, Caller

#: Names under which the kernel, the C library or a backend makes the calls of the interface.
SAME = {
    "clone3": "clone",
    "fork": "clone",
    "thread": "clone",
    "wait4": "waitpid",
    "openat": "open",
    "clone_pause": "clone",
    "openat2": "open",
}
#: Flags that a way of cloning has beyond those that it is given.
IMPLIED = {"thread": 0x10F00}
#: Two names of a number.
ALIASES = {"ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK", "EWOULDBLOCK": "EAGAIN"}
CALL = re.compile(r"(\w+): ")


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed.

    Attributes:
        call: Its name in the interface: clone for fork, thread and clone3; "" where nobody says it.
        errno: The name of the error.
        arguments: By the interface's names, as far as they are known.
        caller: Who made it, where it was a process of a machine or a program.
        said: The call by the name that the error has.
        made: The kinds of namespaces that had been made before, so that what the process itself is in does not count; "user" for who
            had not the right to make them otherwise.
    """

    call: str
    errno: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    caller: Caller | None = None
    said: str = ""
    made: tuple[str, ...] = ()

    def flags(self) -> int:
        """The argument flags; 0 where it is not known."""
        return self.number("flags", 0)

    def number(self, name: str, default: int = -1) -> int:
        """An argument that is a number."""
        value = self.arguments.get(name)
        return int(value) if isinstance(value, int) else default

    def text(self, name: str) -> str:
        """An argument that is a path or the like."""
        value = self.arguments.get(name)
        return value if isinstance(value, str) else ""


def failure_of(error: OSError, call: str | None, arguments: Mapping[str, object]) -> Failure:
    """What error says, and what its traceback does; call and arguments are what its owner knows better."""
    found = CALL.match(str(error.strerror or ""))
    name = call or (found[1] if found else "")
    known: dict[str, object] = {}
    caller: Caller | None = None
    for frame in frames(error.__traceback__):
        made, given = born(frame, error) or made_by(frame)
        name = call or made or name
        known |= given
        asked = frame.f_locals.get("self")
        caller = asked if made and isinstance(asked, Caller) else caller
    if error.filename is not None and "path" not in known:
        known["path"] = str(error.filename)
    if name in IMPLIED:
        known.setdefault("flags", IMPLIED[name])
    return Failure(
        SAME.get(name, name), errno_name(error.errno or 0), known | dict(arguments), caller, found[1] if found else name or "the call"
    )


def frames(traceback: TracebackType | None) -> Iterator[FrameType]:
    """From where the exception was caught down to where it was raised."""
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def born(frame: FrameType, error: OSError) -> tuple[str, dict[str, object]] | None:
    """The fork of subprocess, which names what cannot be executed, but not what cannot be made."""
    inside = frame.f_globals.get("__name__") == "subprocess" and frame.f_code.co_name == "_execute_child"
    return ("fork", {"flags": 0}) if inside and error.filename is None and error.errno in (errno.EAGAIN, errno.ENOMEM) else None


def made_by(frame: FrameType) -> tuple[str, dict[str, object]]:
    """The call that this frame makes, and its arguments; "" where it makes none."""
    module, values = str(frame.f_globals.get("__name__", "")), frame.f_locals
    if module == "nscore.interface.caller" and frame.f_code.co_name == "call":
        name = str(values["name"])
        return name, dict(zip(parameters(name), values["given"]))
    if module in ("nscore.interface.process", "nscore.interface.syscalls") and frame.f_code.co_name in ("_create", "_clone"):
        return str(values["name"]), clone_arguments(values)
    own = {name: values[name] for name in frame.f_code.co_varnames[: frame.f_code.co_argcount] if name in values}
    if module.startswith("nscore.linux.calls.") and frame.f_code.co_name not in INNER:
        return frame.f_code.co_name, own
    if module == "nscore.tools.procfs" and frame.f_code.co_name in ("read", "write"):
        return "", {"path": own["path"]}
    return "", {}


#: Functions of nscore.linux.calls that are no call.
INNER = frozenset(
    (
        *("syscall", "failure", "entry", "_text", "__init__", "check_sharing", "thread_refusal", "way", "hooked"),
        *("_clone", "_refused", "_forked", "_leave", "_help", "_handed", "_prepare", "helper", "raw"),
    )
)


def parameters(name: str) -> list[str]:
    """The names of a call's parameters."""
    signature = DECLARED[name].signature or DECLARED[name].read()
    return list(signature.parameters)[1:]


def clone_arguments(values: Mapping[str, object]) -> dict[str, object]:
    """What Process._create and Syscalls._clone hold."""
    names = ("flags", "exit_signal", "set_tid")
    args = values.get("args")
    if isinstance(args, tuple):
        return dict(zip(names, args))
    return {name: values[name] for name in names if name in values}


def errno_name(number: int) -> str:
    """The name of one of the host's numbers; "E524" where it has none."""
    name = errno.errorcode.get(number) or next((name for name, linux in LINUX.items() if linux == number), f"E{number}")
    return ALIASES.get(name, name)
