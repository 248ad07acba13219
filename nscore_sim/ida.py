"""Small numbers, the lowest free one first.  Models lib/idr.c:ida_alloc_min."""

from __future__ import annotations

import heapq


class Ida:
    """Numbers from low upwards; a number that was given back is the next one to be given out."""

    __slots__ = ("_free", "_next")

    def __init__(self, low: int) -> None:
        self._free: list[int] = []
        self._next = low

    def alloc(self) -> int:
        """lib/idr.c:ida_alloc_range"""
        if self._free:
            return heapq.heappop(self._free)
        self._next += 1
        return self._next - 1

    def free(self, number: int) -> None:
        """lib/idr.c:ida_free"""
        heapq.heappush(self._free, number)
