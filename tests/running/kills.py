"""`python3 -m tests.running.kills MODE COUNT SEED`: SIGKILL at random moments, to callers of run() or to their keepers: what is left.

A caller and all that comes of it is known by a word in a process's name or arguments; and whatever loses its parent becomes a child of
ours, the keeper included.  What is left of each is printed as JSON, and mounts that were not there before.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nscore.running import Popen, TimeoutExpired, run
from tests.running.storms import command, mark, marked

assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform == "linux":
    from nscore.linux import keepers
    from nscore.linux.calls import prctl
    from nscore.linux.run import close_others

PR_SET_NAME, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 15, 36, 37
#: Seconds within which nothing may be left, and how many looks: a machine that stands still for so long has not looked.
SOON, LOOKS = 2.0, 200
#: For how many seconds a caller lives at most: its start takes the most of it, or only a few births.
STARTS, LIVES = 0.12, 0.012
#: What a caller says: that it begins, that it has run a command.
BEGINS, HAS_RUN = b"0", b"1"


def sleeper(word: str) -> list[str]:
    """A command that ends by no fault of its own; sleep(1) adds up its arguments."""
    return ["sleep", "1000", f"0.{word}"]


def born(word: str, **options: Any) -> None:
    """A command is born, and killed."""
    with Popen(sleeper(word), **options) as process:
        process.kill_all()


def births(word: str) -> None:
    """Commands are born and killed, as fast as may be."""
    while True:
        born(word)


def bare(word: str) -> None:
    """The same without an init and a /proc."""
    while True:
        born(word, init=False, proc=False)


def trees(word: str) -> None:
    """Commands that defend themselves come to their limits of time."""
    while True:
        _, args = command("stays")
        args[-2] = word
        with suppress(TimeoutExpired):
            run(args, capture_output=True, timeout=0.03)


def ends(word: str) -> None:
    """Commands end, and leave what holds the pipes."""
    while True:
        run(["sh", "-c", 'sleep 1000 "$1" & echo', "sh", f"0.{word}"], capture_output=True)


def threads(word: str) -> None:
    """Each of these in a thread."""
    for way in (births, bare, trees, ends):
        threading.Thread(target=way, args=(word,), daemon=True).start()
    threading.Event().wait()


MODES: dict[str, Callable[[str], None]] = {mode.__name__: mode for mode in (births, bare, trees, ends, threads)}


def children() -> dict[int, str]:
    """The processes whose parent this is, and their names."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(FileNotFoundError, ProcessLookupError):
            name, _, rest = Path(f"/proc/{pid}/stat").read_text(errors="replace").partition("(")[2].rpartition(")")
            if int(rest.split()[1]) == os.getpid():
                found[int(pid)] = name
    return found


def started(body: Callable[[int], None]) -> tuple[int, int]:
    """A caller in a fork of its own, with no descriptor but those of the standard streams and one to tell by: its PID, and our end."""
    hear, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            close_others(tell)
            body(tell)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(tell)
    return pid, hear


def caller(mode: str, word: str, tell: int) -> NoReturn:
    """Run commands until killed."""
    prctl(PR_SET_NAME, word)
    os.write(tell, BEGINS)
    born(word)
    os.write(tell, HAS_RUN)
    MODES[mode](word)
    raise AssertionError("it ended")


def remains(word: str, ours: dict[int, str]) -> dict[int, str]:
    """What is left, when nothing is or the time is up: by then it is ended here."""
    limit = time.monotonic() + SOON
    for look in itertools.count():
        left = dict.fromkeys(marked(word), "with the word") | {pid: name for pid, name in children().items() if pid not in ours}
        if not left or (time.monotonic() > limit and look >= LOOKS):
            break
        reap(left)
        time.sleep(0.002)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.05 if left else 0)
    reap(left)
    return left


def reap(pids: dict[int, str]) -> None:
    """Wait for those that have ended as our children."""
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def kill_caller(mode: str, moment: float) -> dict[int, str]:
    """Kill a caller at a moment between 0 and 1 of its life, in the half of the cases of its start: what is left."""
    ours, word = children(), mark()
    pid, hear = started(lambda tell: caller(mode, word, tell))
    starts = moment < 0.5
    heard = os.read(hear, 1) if starts else os.read(hear, 1) + os.read(hear, 1)
    assert heard in (BEGINS, BEGINS + HAS_RUN), heard
    time.sleep(moment * 2 * STARTS if starts else (moment - 0.5) * 2 * LIVES)
    os.kill(pid, signal.SIGKILL)
    os.close(hear)
    return remains(word, ours)


def kill_in_birth(announced: bool, **options: bool) -> dict[int, str]:
    """A caller is killed when its command, which is its own init, has been born, and it has told nobody: what is left."""
    ours, word, before = children(), mark(), prctl(PR_GET_CHILD_SUBREAPER)

    def body(tell: int) -> None:
        born(word, init=False, proc=False)
        prctl(PR_SET_NAME, "\udcff")  # which is no text: whoever searches /proc meets it
        keepers.Guard.take = lambda self, *commands: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
        if not announced:
            keepers.Guard.expect = lambda self, leads_session: None  # type: ignore[method-assign]
        born(word, init=False, proc=False, **options)

    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        _, hear = started(body)
        os.read(hear, 1)
        os.close(hear)
        return remains(word, ours)
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, before)


def bereft(held: str, word: str, tell: int) -> None:
    """A caller whose keeper is killed while it holds commands and makes others: the former die, and later there are new ones."""
    prctl(PR_SET_NAME, word)
    processes = [Popen(sleeper(held)) for _ in range(3)]
    os.write(tell, BEGINS)
    while processes[0].poll() is None:
        with Popen(sleeper(word)) as process:
            process.kill_all()
            assert process.wait() == -signal.SIGKILL
        assert not marked(f"0.{word}")
    assert [process.wait() for process in processes] == [-signal.SIGKILL] * 3
    assert run(["true"]).returncode == 0
    os.write(tell, HAS_RUN)
    os._exit(0)


def kill_keeper(moment: float) -> dict[int, str]:
    """Kill a caller's keeper at a moment between 0 and 1: what is left of the commands, and then of all."""
    ours, held, word = children(), mark(), mark()
    pid, hear = started(lambda tell: bereft(held, word, tell))
    assert os.read(hear, 1) == BEGINS
    keeper = next(child for child, name in children().items() if name == "nscore-keeper" and child not in ours)
    time.sleep(moment * LIVES)
    os.kill(keeper, signal.SIGKILL)
    poll = select.poll()
    poll.register(hear, select.POLLIN)
    heard = os.read(hear, 1) if poll.poll(5 * SOON * 1000) else b""
    os.close(hear)
    left = dict.fromkeys(marked(held), "of the commands")
    if heard != HAS_RUN:
        left[pid] = "the caller, which does not go on"
        os.kill(pid, signal.SIGKILL)
    return left | remains(word, ours)


def one_kill(mode: str, moment: float) -> dict[int, str]:
    """What is left by one."""
    if mode == "keeper":
        return kill_keeper(moment)
    return kill_in_birth(True) if mode == "birth" else kill_caller(mode, moment)


def mounts() -> list[str]:
    """Those of our namespace."""
    return Path("/proc/self/mountinfo").read_text().splitlines()


def killed(mode: str, count: int, seed: int) -> list[dict[int, str]]:
    """What is left by so many kills: of callers of that mode, or of keepers."""
    chance, before, mounted = random.Random(seed), prctl(PR_GET_CHILD_SUBREAPER), mounts()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        moments = [chance.random() for _ in range(count)]
        every = [one_kill(mode, moment) for moment in moments]
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, before)
    left = [one for one in every if one]
    return left + [{0: line} for line in mounts() if line not in mounted]


def main(mode: str, count: str, seed: str) -> None:
    """Print it."""
    print(json.dumps(killed(mode, int(count), int(seed))))


if __name__ == "__main__":
    main(*sys.argv[1:])
