"""What cases expect: an errno by its name."""

from __future__ import annotations

import errno
from types import TracebackType

from nscore.errors import LINUX


class raises:
    """A block that must raise the OSError of that errno, and no other."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> bool:
        if error is None:
            raise AssertionError(f"no error, where {self.name} is due")
        if not isinstance(error, OSError):
            return False
        number = getattr(errno, self.name, LINUX.get(self.name))
        if error.errno != number:
            raise AssertionError(f"{error}, where {self.name} is due") from error
        return True
