"""A run of lockstep on one machine, kept in a file: what the machine was like, and every line that it showed.

A model that is told so and plays the same steps shows the same lines, wherever it runs.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Recording:
    """What `steps` random steps from `seed` on showed on a machine of these facts."""

    like: Mapping[str, object]
    seed: int
    steps: int
    lines: Sequence[str]

    def save(self, folder: Path) -> None:
        """Write it to a file named for its seed; the same run makes the same file."""
        text = "\n".join([json.dumps({"like": self.like, "seed": self.seed, "steps": self.steps}), *self.lines])
        folder.joinpath(f"seed-{self.seed}.gz").write_bytes(gzip.compress(text.encode(errors="surrogateescape"), mtime=0))


def load(path: Path) -> Recording:
    """Read a file that save() wrote."""
    head, *lines = gzip.decompress(path.read_bytes()).decode(errors="surrogateescape").split("\n")
    return Recording(**json.loads(head), lines=lines)
