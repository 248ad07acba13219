"""Bodies of tests in forked children: for what they change, what they leave behind, and what may hang."""

from __future__ import annotations

import json
import os
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
    """The same in a forked child."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(PATIENCE)
            answer = answer_of(body)
            with open(theirs, "w") as pipe:
                json.dump(answer, pipe)
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not text:
        return {"wrong": [f"the child ended with {status:#x}, which is an alarm's where it hung"]}
    told: Answer = json.loads(text)
    return told
