"""How late the machine itself is: a limit of time can be kept no better than a sleep of the same process."""

from __future__ import annotations

import threading
import time
from types import TracebackType

#: Seconds of one sleep.
NAP = 0.005


class Stalls:
    """A thread that sleeps again and again; longest is by how many seconds it has overslept the most."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sleep, daemon=True)

    def __enter__(self) -> Stalls:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _sleep(self) -> None:
        before = time.monotonic()
        while not self._over.wait(NAP):
            now = time.monotonic()
            self.longest = max(self.longest, now - before - NAP)
            before = now
