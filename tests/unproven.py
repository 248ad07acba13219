"""Errnos that docstrings name and no case shows yet; the list is to become empty."""

from __future__ import annotations

UNPROVEN: dict[str, tuple[str, ...]] = {
    "sigqueue": ("EAGAIN",),  # RLIMIT_SIGPENDING signals at once: tens of thousands, and no call sets the limit
}
