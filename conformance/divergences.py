"""The only place where a backend may differ from the other.

A row must fail when the difference goes away.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Divergence:
    """One accepted difference."""

    rule: str
    case: str
    backend: str
    releases: tuple[str, ...]
    reason: str


DIVERGENCES: tuple[Divergence, ...] = ()
