"""Numbers for objects, handed out in a cycle.  Models lib/idr.c.

Beside the table there is a byte a number, in blocks of 2048 that are made on demand, and a byte a block for "full": the search for a
free number is memchr, so that it never walks the used range.
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

    __slots__ = ("blocks", "entries", "full", "idr_next")

    def __init__(self) -> None:
        self.entries: dict[int, T] = {}
        self.idr_next = 0  #: the cursor: where the next cyclic search begins
        self.blocks: dict[int, bytearray] = {}  #: 1 for a number that is taken
        self.full = bytearray()  #: 1 for a block that was found to have no free number

    def alloc(self, start: int, end: int) -> int:
        """Take the lowest free number of range(start, end); -1 where there is none.  The caller puts the object into entries.

        lib/idr.c:idr_alloc
        """
        index, offset = start >> SHIFT, start & MASK
        if index < len(self.full) and self.full[index]:
            index, offset = self._next_open(index), 0
        while (block := self.blocks.get(index)) is not None:
            found = block.find(0, offset)
            if found >= 0:
                offset = found
                break
            if not offset:
                self._set_full(index)
            index, offset = self._next_open(index + 1), 0
        number = index << SHIFT | offset
        if number >= end:
            return -1
        if block is None:
            block = self._new_block(index)
        block[offset] = 1
        return number

    def alloc_cyclic(self, start: int, end: int) -> int:
        """Take the lowest free number from the cursor on, or else from start on; -1 where there is none.  lib/idr.c:idr_alloc_cyclic"""
        cursor = self.idr_next
        block, offset = self.blocks.get(cursor >> SHIFT), cursor & MASK
        if block is not None and start <= cursor < end and not block[offset]:
            # As nearly always: the number at the cursor is free.
            block[offset] = 1
            self.idr_next = cursor + 1
            return cursor
        number = self.alloc(cursor if cursor > start else start, end)
        if number < 0 and cursor > start:
            number = self.alloc(start, end)
        if number >= 0:
            self.idr_next = number + 1
        return number

    def remove(self, number: int) -> None:
        """Give number back.  lib/idr.c:idr_remove"""
        self.entries.pop(number, None)
        index = number >> SHIFT
        self.blocks[index][number & MASK] = 0
        if self.full and index < len(self.full):
            self.full[index] = 0

    def walk(self, number: int) -> Iterator[T]:
        """The entries from number on, in ascending order, as they are now.  include/linux/idr.h:idr_for_each_entry_continue"""
        entries = self.entries
        return iter([entries[n] for n in sorted(entries) if n >= number])

    def _new_block(self, index: int) -> bytearray:
        """A block of free numbers.  The cursor comes here once a round, so it is also the time to drop those that are free again."""
        for other in [other for other, block in self.blocks.items() if block.find(1) < 0]:
            del self.blocks[other]
        block = self.blocks[index] = bytearray(SIZE)
        return block

    def _next_open(self, index: int) -> int:
        """The first block from index on that is not full, made already or not."""
        found = self.full.find(0, index)
        return found if found >= 0 else max(index, len(self.full))

    def _set_full(self, index: int) -> None:
        full = self.full
        if index >= len(full):
            full.extend(bytes(index + 1 - len(full)))
        full[index] = 1
