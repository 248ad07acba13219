"""Numbers for objects, handed out in a cycle.  Models lib/idr.c.

Beside the table, a byte a number in blocks of 2048 that are made on demand, and a byte a block for "full": the search for a free
number is memchr, so that it never walks the used range.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

SHIFT = 11
SIZE = 1 << SHIFT
MASK = SIZE - 1


class Idr(Generic[T]):
    """A table of objects by number.  include/linux/idr.h:struct idr"""

    __slots__ = ("blocks", "entries", "full", "idr_next", "used")

    def __init__(self) -> None:
        self.entries: dict[int, T] = {}
        self.idr_next = 0  #: the cursor: where the next cyclic search begins
        self.blocks: dict[int, bytearray] = {}
        self.used: dict[int, int] = {}  #: how many of a block are taken
        self.full = bytearray()  #: whether a block is

    def alloc(self, start: int, end: int) -> int:
        """Take the lowest free number of range(start, end); -1 where there is none.  idr_replace() puts the object there.

        lib/idr.c:idr_alloc
        """
        index = start >> SHIFT
        block = self.blocks.get(index)
        offset = start & MASK
        if block is not None:
            offset = block.find(0, offset)
            if offset < 0:
                index = self._next_open(index + 1)
                block = self.blocks.get(index)
                offset = 0 if block is None else block.find(0)
        number = index << SHIFT | offset
        if number >= end:
            return -1
        if block is None:
            block = self.blocks[index] = bytearray(SIZE)
            self.used[index] = 0
        block[offset] = 1
        self.used[index] = used = self.used[index] + 1
        if used == SIZE:
            self._set_full(index)
        return number

    def alloc_cyclic(self, start: int, end: int) -> int:
        """Take the lowest free number from the cursor on, or else from start on; -1 where there is none.  lib/idr.c:idr_alloc_cyclic"""
        cursor = self.idr_next
        number = self.alloc(cursor if cursor > start else start, end)
        if number < 0:
            if cursor <= start:
                return -1
            number = self.alloc(start, end)
            if number < 0:
                return -1
        self.idr_next = number + 1
        return number

    def remove(self, number: int) -> None:
        """Give number back.  lib/idr.c:idr_remove"""
        self.entries.pop(number, None)
        index = number >> SHIFT
        self.blocks[index][number & MASK] = 0
        used = self.used[index]
        self.used[index] = used - 1
        if used == SIZE:
            self.full[index] = 0
        elif used == 1 and len(self.blocks) > 1:
            del self.blocks[index], self.used[index]

    def get_next(self, number: int) -> tuple[int, T] | None:
        """The entry with the lowest number that is not below number.  lib/idr.c:idr_get_next"""
        for index in sorted(index for index in self.blocks if index >= number >> SHIFT):
            offset = self.blocks[index].find(1, number & MASK if index == number >> SHIFT else 0)
            if offset >= 0:
                found = index << SHIFT | offset
                return found, self.entries[found]
        return None

    def walk(self, number: int) -> Iterator[T]:
        """The entries from number on, in ascending order, as they are now.  include/linux/idr.h:idr_for_each_entry_continue"""
        entries = self.entries
        return iter([entries[n] for n in sorted(entries) if n >= number])

    def _next_open(self, index: int) -> int:
        """The first block from index on that is not full, made already or not."""
        found = self.full.find(0, index)
        return found if found >= 0 else max(index, len(self.full))

    def _set_full(self, index: int) -> None:
        full = self.full
        if index >= len(full):
            full.extend(bytes(index + 1 - len(full)))
        full[index] = 1
