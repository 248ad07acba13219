"""nscore_sim/idr.py: the allocator against the plainest one there is."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from nscore_sim.idr import SIZE, Idr

#: Around the edges of blocks, where mistakes would be.
Numbers = st.integers(0, 3 * SIZE)


def lowest(taken: set[int], start: int, end: int) -> int:
    return next((number for number in range(start, end) if number not in taken), -1)


@given(st.lists(st.tuples(st.sampled_from(("alloc", "cyclic", "remove", "fill")), Numbers, Numbers), max_size=40))
def test_it_gives_what_a_walk_over_all_numbers_finds(steps: list[tuple[str, int, int]]) -> None:
    idr, taken, cursor = Idr[str](), set[int](), 0
    for kind, a, b in steps:
        if kind == "alloc":
            number = lowest(taken, a, b)
            assert idr.alloc(a, b) == number
        elif kind == "cyclic":
            number = lowest(taken, max(cursor, a), b)
            number = lowest(taken, a, b) if number < 0 else number
            assert idr.alloc_cyclic(a, b) == number
            cursor = cursor if number < 0 else number + 1
            assert idr.idr_next == cursor
        elif kind == "fill":
            while (number := idr.alloc(a, min(b, a + SIZE))) >= 0:
                taken.add(number)
                idr.entries[number] = str(number)
            continue
        else:
            number = -1
            if a in taken:
                idr.remove(a)
                taken.remove(a)
        if number >= 0:
            taken.add(number)
            idr.entries[number] = str(number)
        assert list(idr.walk(b)) == [str(number) for number in sorted(taken) if number >= b]


def test_one_free_number_of_four_million_is_found_at_once() -> None:
    idr = Idr[int]()
    for index in range((1 << 22) // SIZE):
        idr.blocks[index] = bytearray(b"\1" * SIZE)
    assert idr.alloc_cyclic(300, 1 << 22) == -1
    idr.remove(2_000_000)
    begun = time.perf_counter()
    for _ in range(100):
        assert idr.alloc_cyclic(300, 1 << 22) == 2_000_000
        idr.remove(2_000_000)
    assert time.perf_counter() - begun < 1
