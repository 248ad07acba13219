"""A small interpreter in the place of a fork of its caller, who is large, or has other threads: it makes the command, by an exec.

subprocess makes it, by vfork, with what the command is to have: its directory, umask, standard descriptors and those that it is passed.
It knows no more of its caller than it is told.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import execve, pipe2, prctl
from nscore.linux.calls.creation import unhooked
from nscore.linux.entrance import enter, errand_of
from nscore.linux.surround import Refused
from nscore.linux.wire import FAULT, above_standard, described, receive, receive_descriptors, send_descriptors

if TYPE_CHECKING:
    from collections.abc import Sequence

ENOENT, ENOTDIR = 2, 20
PR_SET_DUMPABLE = 4
#: What the caller is told of where the command could not be executed, and where something before that failed.
EXEC, BEFORE = "exec", "noexec"


def main(control: int) -> None:
    """Take an order, carry it out, and become the command.

    Args:
        control: The socket to the caller.  He hears what enter() tells, and why nothing could be executed; a pipe's end when all is said.
    """

    def tell(message: tuple[object, ...], descriptors: tuple[int, ...] = ()) -> None:
        send_descriptors(control, message, descriptors)

    try:
        os.set_inheritable(control, False)
        prctl(PR_SET_DUMPABLE, 1)  # of a caller with several ids: else the files of its maps are root's
        plain, descriptors = receive_descriptors(control)
        executables, argv, env = receive(control)
        errand = errand_of(plain, tuple([above_standard(fd) for fd in descriptors]))
        reads, _ = [above_standard(fd) for fd in pipe2(os.O_CLOEXEC)]
        enter(tell, errand, reads, make=unhooked)
        tell((EXEC, first_refusal(executables, argv, env), False, ()))
    except Refused:
        pass  # it has been told
    except OSError as error:
        tell((BEFORE, error.errno or FAULT, False, ()))
    except BaseException:
        tell((described(), FAULT, False, ()))
    finally:
        os._exit(255)  # where the caller has been killed there is nobody to tell, and standard error is the command's


def first_refusal(executables: Sequence[str], argv: Sequence[str], env: Sequence[str]) -> int:
    """Exec the first that can be, and else the errno that counts.  Modules/_posixsubprocess.c:child_exec"""
    first = number = 0
    for path in executables:
        try:
            execve(path, argv, env)
        except OSError as error:
            number = error.errno or 0
            if number not in (ENOENT, ENOTDIR) and not first:
                first = number
    return first or number
