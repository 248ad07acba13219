"""The user namespace of a command, by the keywords of run() and Popen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

#: Numbers inside, outside, and how many of them there are: a line of /proc/PID/uid_map.
Extent: TypeAlias = "tuple[int, int, int]"
Extents: TypeAlias = "tuple[Extent, ...] | None"


def wanted(
    uid_map: Iterable[Extent] | None, gid_map: Iterable[Extent] | None, map_root_user: bool, map_current_user: bool
) -> str | tuple[Extents, Extents] | None:
    """What the backend is asked for; None for no user namespace.

    Raises:
        ValueError: More than one way is asked for.
        TypeError: A map is not of triples of ints.
    """
    maps = uid_map is not None or gid_map is not None
    if maps + bool(map_root_user) + bool(map_current_user) > 1:
        raise ValueError("map_root_user, map_current_user, and uid_map with gid_map: one of the three")
    if maps:
        return extents("uid_map", uid_map), extents("gid_map", gid_map)
    return "root" if map_root_user else "current" if map_current_user else None


def extents(name: str, lines: Iterable[Extent] | None) -> Extents:
    """A map, checked as far as the kernel does not."""
    return None if lines is None else tuple([extent(name, *line) for line in lines])


def extent(name: str, *numbers: int) -> Extent:
    """A line of a map."""
    if len(numbers) != 3 or not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        raise TypeError(f"{name}: {numbers!r} is not (inside, outside, count)")
    inside, outside, count = numbers
    return inside, outside, count
