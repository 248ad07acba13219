"""The only place where a backend may differ from the other: a case that is known to fail on it, or to leave another trace.

A row is as strict as the case: it fails when the difference goes away.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Divergence:
    """One accepted difference.

    Attributes:
        releases: Beginnings of the names of the kernels (uname -r) on which it is seen; empty: on all.
    """

    rule: str
    case: str
    backend: str
    releases: tuple[str, ...]
    reason: str

    def holds(self, case: str, release: str) -> bool:
        """Whether the case is to differ on a kernel of that name."""
        return self.case == case and (not self.releases or release.startswith(self.releases))


DIVERGENCES: tuple[Divergence, ...] = ()
