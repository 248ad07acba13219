"""What asyncio and trio have each by another name, to run a function, several at once, and one for a time only; and commands for them."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

Body = Callable[[], Awaitable[Any]]


class Loop(Protocol):
    """One of the two, as tests use it."""

    def run(self, body: Body) -> Any:
        """Run body in a new loop."""

    async def together(self, bodies: Iterable[Body]) -> list[Any]:
        """Run them at once, each to its end; what they return, or the first exception when all have ended."""

    async def sleep(self, seconds: float) -> None:
        """Do nothing for so long."""

    async def cancelled(self, seconds: float, body: Body) -> bool:
        """Cancel body after so many seconds; False where it has ended before."""


class Asyncio:
    def run(self, body: Body) -> Any:
        import asyncio

        async def main() -> Any:
            return await body()

        return asyncio.run(main())

    async def together(self, bodies: Iterable[Body]) -> list[Any]:
        import asyncio

        return list(await asyncio.gather(*(body() for body in bodies)))

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def cancelled(self, seconds: float, body: Body) -> bool:
        import asyncio

        task = asyncio.ensure_future(body())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()


class Trio:
    def run(self, body: Body) -> Any:
        import trio

        return trio.run(body)

    async def together(self, bodies: Iterable[Body]) -> list[Any]:
        import trio

        results: dict[int, Any] = {}

        async def one(number: int, body: Body) -> None:
            results[number] = await body()

        async with trio.open_nursery() as nursery:
            for number, body in enumerate(bodies):
                nursery.start_soon(one, number, body)
        return [results[number] for number in sorted(results)]

    async def sleep(self, seconds: float) -> None:
        import trio

        await trio.sleep(seconds)

    async def cancelled(self, seconds: float, body: Body) -> bool:
        import trio

        with trio.move_on_after(seconds) as scope:
            await body()
        return scope.cancelled_caught


def missing(name: str) -> str:
    """Why that loop cannot be had, or an empty text."""
    return "" if importlib.util.find_spec(name) else f"{name} is not installed"


LOOPS: dict[str, Loop] = {"asyncio": Asyncio(), "trio": Trio()}


#: It ignores what it can, and leaves a session of its own that holds the pipes.
STAYS = "trap '' TERM HUP INT; setsid sh -c \"trap '' TERM; sleep 1000; :\" {word} & echo so far; sleep 1000; :"
ENDS = "setsid sleep 1000 0.{word} & echo done; exit 3"


def shell(script: str, word: str) -> list[str]:
    """A script under a word by which it is found, as are those that it leaves."""
    return ["sh", "-c", script.format(word=word), word]


def sleeper(word: str) -> list[str]:
    return ["sleep", "1000", f"0.{word}"]
