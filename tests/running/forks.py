"""Bodies of tests in forked children: for what they change, what they leave behind, and what may hang."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from typing import TypedDict

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

#: Seconds for one body.
PATIENCE = 60


class Impossible(Exception):
    """This machine, or this caller, has not got it: why."""


def root() -> bool:
    return os.geteuid() == 0


def needs_root() -> None:
    if not root():
        raise Impossible("needs root")


class Answer(TypedDict, total=False):
    """What became of a body: why it was skipped, or what was wrong."""

    skipped: str
    wrong: list[str]


def answer_of(body: Callable[[], list[str]]) -> Answer:
    """Call a body, which returns what was wrong."""
    try:
        return {"wrong": body()}
    except Impossible as why:
        return {"skipped": str(why)}
    except BaseException:
        return {"wrong": [traceback.format_exc()]}


def apart(body: Callable[[], list[str]]) -> Answer:
    """The same in a forked child, which is killed where it hangs: not by an alarm, whose timer a body may use."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = answer_of(body)
            with open(theirs, "w") as pipe:
                json.dump(answer, pipe)
        finally:
            os._exit(0)
    os.close(theirs)
    poll = select.poll()
    poll.register(ours, select.POLLIN)
    if not poll.poll(PATIENCE * 1000):
        os.kill(pid, signal.SIGKILL)
    with open(ours) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not text:
        return {"wrong": [f"the child ended with {status:#x}; 0x9 is what it gets where it hangs"]}
    told: Answer = json.loads(text)
    return told
