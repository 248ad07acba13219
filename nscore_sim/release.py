"""Release profiles: one row a kernel build, one field a difference; code reads the field, never a version number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One kernel build."""

    name: str
    uts_release: str  #: uname -r


#: Newest last; boot(release="6.18") is the newest row of the series.
RELEASES = {release.name: release for release in (Release("6.18.44", uts_release="6.18.44"),)}
