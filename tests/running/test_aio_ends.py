"""nscore/running/aio.py: what leaves a command before its end, a cancellation, an exception or an interrupt, leaves nothing of it."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nscore import aio
from tests.conftest import need
from tests.running.loops import ENDS, LOOPS, STAYS, Loop, missing, shell, sleeper
from tests.running.storms import mark, marked

assert not TYPE_CHECKING or sys.platform == "linux"

ROOT = Path(__file__).parent.parent.parent


def waiting(word: str) -> Any:
    return aio.run(sleeper(word))


def talking(word: str) -> Any:
    return aio.run(shell(STAYS, word), input=bytes(1_000_000), capture_output=True)


def ending(word: str) -> Any:
    return aio.run(shell(ENDS, word), capture_output=True)


async def holding(word: str) -> None:
    async with aio.Popen(sleeper(word)) as process:
        await process.wait()


@pytest.mark.parametrize("body", [waiting, talking, ending, holding])
def test_a_task_that_is_cancelled_leaves_nothing(loop: Loop, body: Callable[[str], Any]) -> None:
    """At 50 random moments of a life of a few milliseconds."""
    chance = random.Random(5)
    words = [mark() for _ in range(50)]

    async def main() -> None:
        for word in words:
            await loop.cancelled(chance.random() * 0.01, partial(body, word))
            assert not marked(word)

    loop.run(main)


def test_many_at_once_are_cancelled(loop: Loop) -> None:
    words = [mark() for _ in range(20)]

    async def main() -> None:
        assert await loop.cancelled(0.1, partial(loop.together, [partial(talking, word) for word in words]))
        assert not [word for word in words if marked(word)]

    loop.run(main)


def test_the_end_of_the_block_waits(loop: Loop) -> None:
    """And closes the pipes first: cat(1) ends by that."""

    async def main() -> None:
        async with aio.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.popen.stdin is not None
            assert process.returncode is None
        assert process.returncode == 0
        assert process.popen.stdin.closed
        assert process.popen.init is None

    loop.run(main)


def test_an_exception_through_the_block_ends_everything(loop: Loop) -> None:
    word = mark()

    async def main() -> aio.Popen[bytes]:
        with pytest.raises(ZeroDivisionError):
            async with aio.Popen(shell(STAYS, word), stdout=subprocess.PIPE) as process:
                raise ZeroDivisionError
        assert not marked(word)
        return process

    assert loop.run(main).returncode == -signal.SIGKILL


PROGRAM = """
import sys
from functools import partial
from nscore import aio
from tests.running.loops import LOOPS
run = LOOPS[sys.argv[1]].run
run(partial(aio.run, ["true"]))  # in the middle of an import Python itself can lose an interrupt, by a callback of a lock's reference
print("ready", flush=True)
run(partial(aio.run, ["sleep", "1000", sys.argv[2]]))
"""


@pytest.mark.parametrize("name", LOOPS)
def test_an_interrupt_of_the_program_ends_everything(name: str) -> None:
    """Ctrl-C at random moments: KeyboardInterrupt comes out of the loop, and nothing is left before the program ends."""
    need("linux")
    if missing(name):
        pytest.skip(missing(name))
    chance = random.Random(3)
    for _ in range(10):
        word = mark()
        command = [sys.executable, "-c", PROGRAM, name, f"0.{word}"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.02)
            process.send_signal(signal.SIGINT)
            error = process.stderr.read()
        assert process.returncode == -signal.SIGINT, error
        assert b"KeyboardInterrupt" in error
        assert not marked(word)


def test_asyncio_cancels_a_task_again_and_again() -> None:
    need("linux")
    word = mark()

    async def main() -> None:
        task = asyncio.ensure_future(aio.run(shell(STAYS, word), capture_output=True))
        await asyncio.sleep(0.05)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        assert task.cancelled()
        assert not marked(word)

    asyncio.run(main())


def test_the_end_of_asyncio_run_cancels_what_runs() -> None:
    need("linux")
    word = mark()

    async def main() -> None:
        tasks.append(asyncio.ensure_future(aio.run(sleeper(word))))
        await asyncio.sleep(0.02)
        assert marked(word)

    tasks: list[asyncio.Task[Any]] = []
    asyncio.run(main())
    assert tasks[0].cancelled()
    assert not marked(word)


def test_a_coroutine_that_nobody_awaits_any_more_leaves_nothing() -> None:
    need("linux")
    word = mark()

    async def main() -> None:
        coroutine = aio.run(sleeper(word))
        coroutine.send(None)
        assert marked(word)
        coroutine.close()
        assert not marked(word)

    asyncio.run(main())
