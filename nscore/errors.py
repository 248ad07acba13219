"""Errors: an errno's name on its way through nscore, and the exceptions that a caller sees."""

from __future__ import annotations

import errno
import os

#: Linux's numbers of the errnos that not every system has a name for.  asm-generic/errno.h
LINUX = {
    "EREMOTE": 66,
    "EUSERS": 87,
    "ESTALE": 116,
    "EOPNOTSUPP": 95,
    "ENODATA": 61,
    "ENOPROTOOPT": 92,
    "EDEADLK": 35,
    "ELOOP": 40,
    "ENOSYS": 38,
    "EOVERFLOW": 75,
}


class Errno(Exception):
    """An errno by its name, without the call: raised inside a model, returned by Task.call, never seen by a user."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Errno) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


class Unavailable(RuntimeError):
    """What was asked for cannot be had here: reason says why, remedy what to change ("" where nobody can)."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason}. {remedy}" if remedy else reason)
        self.reason = reason
        self.remedy = remedy


class Blocked(RuntimeError):
    """The call has not returned, and nothing moves any more; it stays as process.pending."""


class Gone(RuntimeError):
    """The process has ended, or became an image that nobody drives."""


def fail(name: str, call: str) -> OSError:
    """The OSError that Linux's errno of that name becomes on this host.

    Its errno is the host's number of the same name, Linux's where the host has none (E524 is 524), and OSError picks the subclass.
    """
    number = getattr(errno, name, None)
    if number is None:
        number = LINUX[name] if name in LINUX else int(name.removeprefix("E"))
    return OSError(number, f"{call}: {os.strerror(number)}")
