"""An ability is tried in a process of its own, which ends with the trial: what it says or why it fails comes back as a Finding.

What fails is explained in the process in which it failed, while the facts are those of the failure.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from nscore.running.explain import explain

#: Seconds after which a trial is given up.
PATIENCE = 20.0
#: Bytes of an answer: a pipe takes them in one piece.
MOST = 4096

Body = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a trial.

    Attributes:
        ability: What was tried.
        needed: Whether run() and boot() are nothing without it.
        works: Whether it can be had.
        detail: What there is to say, or why it cannot.
        remedy: What to change.
        cause: explain()'s word for it.
    """

    ability: str
    needed: bool
    works: bool
    detail: str = ""
    remedy: str = ""
    cause: str = ""


class Failed(Exception):
    """A trial failed further in, where it has been explained."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


def found(body: Body) -> Finding:
    """Try it here."""
    try:
        return Finding("", False, True, body())
    except Failed as failed:
        return failed.finding
    except Exception as error:
        explained = explain(error)
        if explained is None:
            return Finding("", False, False, f"{type(error).__name__}: {error}")
        said = str(error.strerror) if isinstance(error, OSError) else ""
        words = f"{said}: {explained.words}" if said and said not in explained.words else explained.words
        return Finding("", False, False, words, explained.remedy, explained.cause)


def tried(body: Body, alone: bool = True) -> Finding:
    """Try it in a child, which is killed where it takes too long.

    Args:
        body: What is tried.
        alone: Whether the child gets a process group, with which all that it has forked is killed.
    """
    if sys.platform != "linux":
        raise AssertionError("it is Linux that is tried")
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(ours)
            if alone:
                os.setpgid(0, 0)
            os.write(theirs, json.dumps(asdict(cut(found(body)))).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(theirs)
    try:
        answered = bool(select.select([ours], [], [], PATIENCE)[0])
        # One read: what the trial has left behind may hold the other end.
        said = os.read(ours, MOST) if answered else b""
        if not answered:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(ours)
        if alone:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return Finding(**json.loads(said)) if said else Finding("", False, False, f"the trial ended with {status}, and said nothing")


def cut(finding: Finding) -> Finding:
    """With no more words than an answer has room for."""
    return replace(finding, detail=finding.detail[: MOST // 4], remedy=finding.remedy[: MOST // 4])


def forked(body: Body) -> str:
    """What body says in a child, or Failed with what it fails of there."""
    finding = tried(body, alone=False)
    if not finding.works:
        raise Failed(finding)
    return finding.detail


def named(finding: Finding, ability: str, needed: bool) -> Finding:
    """The finding of that ability."""
    return replace(finding, ability=ability, needed=needed)
