"""Errnos that docstrings name and no case shows yet; the list is to become empty."""

from __future__ import annotations

UNPROVEN: dict[str, tuple[str, ...]] = {}
